"""The start of Keras writes nothing but errors, unless the user has chosen otherwise."""

import os
import re
import subprocess
import sys

import pytest

START = """
import os
os.write(2, b"before" + os.linesep.encode())
from mlstm_fcn.engine.quiet import quiet
{build}
assert {level!r} == os.environ.get("TF_CPP_MIN_LOG_LEVEL"), os.environ.get("TF_CPP_MIN_LOG_LEVEL")
with quiet():
    os.write(2, b"E0000 00:00:1.1 1 a.cc:1] an error" + os.linesep.encode())
    os.write(2, b"I0000 00:00:1.1 1 a.cc:1] information" + os.linesep.encode())
os.write(2, b"after" + os.linesep.encode())
with quiet():
    os.write(2, b"F0000 00:00:1.1 1 a.cc:1] the last word" + os.linesep.encode())
    os.abort()
"""


# Errors of an older TensorFlow that finds no GPU.
OWN_ERROR = re.compile(r"(?!.* a\.cc:1\] )(E\d{4} |.*: E )")


@pytest.mark.parametrize("level", [None, "0"])
def test_the_start_of_keras_writes_nothing_but_errors_unless_the_user_has_chosen(level):
    """Errors pass, also the last one before a crash."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": level} if level else {}
    build = "from mlstm_fcn import models; models.build('fcn', (20, 2), 2, filters=(2,), kernel_sizes=(3,))"
    done = subprocess.run(
        [sys.executable, "-c", START.format(level=level, build="" if level else build)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = [line.rpartition("] ")[2] for line in done.stderr.splitlines() if not OWN_ERROR.match(line)]
    assert done.returncode < 0
    if level is None:
        assert lines == ["before", "an error", "after", "the last word"]
    else:
        assert lines == ["before", "an error", "information", "after", "the last word"]
