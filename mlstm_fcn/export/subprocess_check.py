"""Run an exported artifact in a subprocess that does not import this package, and ends with this process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from mlstm_fcn._children import environment, python
from mlstm_fcn._files import scratch_folder
from mlstm_fcn._orphans import prelude

SAVED_MODEL_SCRIPT = """
import sys
import numpy as np
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
np.save(sys.argv[3], model.serve(np.load(sys.argv[2])).numpy())
assert "mlstm_fcn" not in sys.modules
"""
"""Check script of SavedModel. Arguments of a check script: artifact, series (`.npy`), outputs (`.npy`)."""

LITERT_SCRIPT = """
import sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
interpreter, series = Interpreter(model_path=sys.argv[1]), np.load(sys.argv[2])
(source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
interpreter.resize_tensor_input(source["index"], series.shape)
interpreter.allocate_tensors()
interpreter.set_tensor(source["index"], series)
interpreter.invoke()
np.save(sys.argv[3], interpreter.get_tensor(target["index"]))
"""
"""Check script of LiteRT; its interpreter may abort the process."""


def run_in_subprocess(script: str, path: Path, series: np.ndarray) -> np.ndarray:
    """Run a check script on an artifact.

    Args:
        script: Python source that reads an artifact and series, and writes the outputs.
        path: The artifact.
        series: Series of shape `(cases, time, channels)`, float32.

    Returns:
        Outputs of shape `(cases, outputs)`.

    Raises:
        ValueError: If the subprocess fails or aborts.
    """
    with scratch_folder() as folder:
        inputs, results = folder / "series.npy", folder / "outputs.npy"
        np.save(inputs, series)
        command = python("-c", prelude() + script, str(path), str(inputs), str(results))
        done = subprocess.run(command, capture_output=True, text=True, env=environment())
        message = (done.stderr.strip().splitlines() or ["no output"])[-1][:300]
        if done.returncode:
            raise ValueError(f"{path.name} fails in its runtime: exit {done.returncode}, {message}")
        outputs: np.ndarray = np.load(results)
        return outputs
