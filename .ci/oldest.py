"""Test with the oldest versions that pyproject.toml allows, in a virtual environment of their own.

    python3.11 .ci/oldest.py                          # install them in .venv-oldest and run the quick tests
    python3.11 .ci/oldest.py --list                   # print the constraints for pip, and install nothing
    python3.11 .ci/oldest.py tests/test_layers.py     # arguments go to pytest

Only Python 3.11 has wheels of them all. The environment is kept, so a second run installs nothing new.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Its p-values, where there are ties, follow the version of SciPy.
FOLLOWS_SCIPY = "tests/test_accuracy_table.py::test_the_pages_have_the_figures_of_the_results"
PLACE = ROOT / ".venv-oldest"


def oldest(requirements: list[str]) -> list[str]:
    """One pin `name==version` for each requirement that has a lower bound."""
    found = [
        re.match(r"([\w.-]+)(?:\[[^]]*\])?\s*>=\s*([\w.]+)", requirement) for requirement in requirements
    ]
    return sorted({f"{match[1]}=={match[2]}" for match in found if match})


def constraints() -> list[str]:
    """Pins for all dependencies and those of the extra `test` and of what it includes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed, waiting = [*project["dependencies"]], ["test"]
    while waiting:
        for requirement in extras[waiting.pop()]:
            included = re.match(rf"{project['name']}\[([\w,]+)\]", requirement)
            waiting += included[1].split(",") if included else []
            needed += [] if included else [requirement]
    return oldest(needed)


def main() -> None:
    """Install the oldest versions and run the tests; the exit status is pytest's."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="print the constraints and install nothing")
    given, tests = parser.parse_known_args()
    pins = "\n".join(constraints())
    if given.list:
        print(pins)
        return
    if not PLACE.exists():
        venv.create(PLACE, with_pip=True)
    python = str(PLACE / "bin" / "python")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(pins)
        file.flush()
        subprocess.check_call([python, "-m", "pip", "install", "-q", f"{ROOT}[test]", "-c", file.name])
    # An old version of a package may warn of a new one of another; only with the newest are warnings errors.
    options = ["-o", "filterwarnings=default", "--deselect", FOLLOWS_SCIPY]
    sys.exit(subprocess.call([python, "-m", "pytest", *options, *tests], cwd=ROOT))


if __name__ == "__main__":
    main()
