"""Every example runs, on little training, and ends with an accuracy."""

import importlib.util
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
OWN_TESTS, LONG = ("emg", "serve_onnx"), ("sklearn_pipeline", "stream")
EXAMPLES = [
    pytest.param(path, marks=pytest.mark.slow if path.stem in LONG else (), id=path.stem)
    for path in sorted(FOLDER.glob("*.py"))
    if path.stem not in OWN_TESTS
]


@pytest.mark.parametrize("path", EXAMPLES)
def test_example_runs(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    accuracy = module.main(n_epochs=8)
    assert 0.4 < accuracy <= 1  # of four classes
