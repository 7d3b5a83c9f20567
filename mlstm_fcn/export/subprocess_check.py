"""Running an artifact in a process of its own, without this package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

SAVED_MODEL = """
import sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
np.save(sys.argv[3], model.serve(np.load(sys.argv[2])).numpy())
assert "mlstm_fcn" not in sys.modules
"""
LITERT = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter, series = Interpreter(model_path=sys.argv[1]), np.load(sys.argv[2])
(given,), (wanted,) = interpreter.get_input_details(), interpreter.get_output_details()
interpreter.resize_tensor_input(given["index"], series.shape)
interpreter.allocate_tensors()
interpreter.set_tensor(given["index"], series)
interpreter.invoke()
np.save(sys.argv[3], interpreter.get_tensor(wanted["index"]))
"""
"""Scripts that read an artifact and series, and write the outputs."""


def run_in_subprocess(script: str, path: Path, series: np.ndarray) -> np.ndarray:
    """The outputs of an artifact for series.

    Raises:
        ValueError: If the process fails, or is ended by its runtime.
    """
    with TemporaryDirectory() as folder:
        given, got = Path(folder) / "series.npy", Path(folder) / "outputs.npy"
        np.save(given, series)
        command = [sys.executable, "-c", script, str(path), str(given), str(got)]
        done = subprocess.run(command, capture_output=True, text=True)
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1][:300]
        if done.returncode:
            raise ValueError(f"{path.name} does not run: exit {done.returncode}, {said}")
        outputs: np.ndarray = np.load(got)
        return outputs
