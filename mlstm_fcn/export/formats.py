"""The formats: how each is written, how it is run again, and how near it must come."""

from __future__ import annotations

import tempfile
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlstm_fcn._optional import optional
from mlstm_fcn.export import _tensorflow
from mlstm_fcn.export.subprocess_check import LITERT, SAVED_MODEL, run_in_subprocess

if TYPE_CHECKING:
    import keras

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "AttentionLSTM")
"""Layers that loop over steps, or have them written out."""

Run = Callable[[np.ndarray], np.ndarray]
"""From series `(cases, time, channels)`, float32, to the outputs `(cases, n)`."""


@dataclass(frozen=True)
class Format:
    """A way to ship a model.

    Attributes:
        suffix: What the artifact's name ends in; `""` is a folder.
        write: From a model, a path and series for quantisation to the files that it wrote.
        open: From the path to a function that runs the artifact in its own runtime.
        apart: Script of `apart` that the check runs instead, where a runtime may end its process.
        unrolled: Recurrent layers for which the format, or what converts to it, has no loop.
        bound: The largest difference of an output from Keras', and in multiples of the largest output where
            that is above 1; None: of the classes instead, see `changed`.
        changed: The largest share of series whose most probable class may change; one of them always may.
        modules: What writes and runs it, beside Keras.
        extra: Of this package, which installs them.
    """

    suffix: str
    write: Callable[[keras.Model, Path, np.ndarray], list[Path]]
    open: Callable[[Path], Run]
    unrolled: tuple[str, ...] = ()
    bound: float | None = 1e-5
    changed: float = 0.0
    apart: str | None = None
    modules: tuple[str, ...] = ()
    extra: str = ""

    def outputs(self, path: Path, series: np.ndarray) -> np.ndarray:
        """What the artifact gives for series, to be compared."""
        return self.open(path)(series) if self.apart is None else run_in_subprocess(self.apart, path, series)


# SavedModel.


def _write_saved_model(model, path, examples):
    _tensorflow.write_saved_model(model, path)
    return sorted(file for file in path.rglob("*") if file.is_file())


def _open_saved_model(path):
    return partial(run_in_subprocess, SAVED_MODEL, path)


# ONNX.


def _write_onnx(model, path, examples):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the converter, about NumPy
        model.export(path, format="onnx", verbose=False)
    return [path]


def _write_onnx_int8(model, path, examples):
    quantization = optional("onnxruntime.quantization", "onnx")
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "model.onnx"
        _write_onnx(model, whole, examples)
        kind = quantization.QuantType.QInt8
        # Weights of 7 bits: products of 8 bits overflow where a CPU sums pairs of them in 16.
        quantization.quantize_dynamic(whole, path, weight_type=kind, per_channel=True, reduce_range=True)
    return [path]


def _open_onnx_int8(path: Path) -> Run:
    """One series after the other: ranges of values are of a call, and in a batch others would count."""
    run = _open_onnx(path)
    return lambda series: np.concatenate([run(one[None]) for one in series])


def _open_onnx(path: Path) -> Run:
    runtime = optional("onnxruntime", "onnx")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return lambda series: session.run(None, {given.name: series})[0]


# LiteRT.


def _litert_writer(precision: Any) -> Callable[[keras.Model, Path, np.ndarray], list[Path]]:
    def write(model: keras.Model, path: Path, examples: np.ndarray) -> list[Path]:
        path.write_bytes(_tensorflow.litert(model, precision, examples))
        return [path]

    return write


def _open_litert(path: Path) -> Run:
    interpreter = optional("ai_edge_litert.interpreter", "litert").Interpreter(model_path=str(path))
    (given,) = interpreter.get_input_details()
    (wanted,) = interpreter.get_output_details()
    shape: list[tuple[int, ...]] = []

    def run(series: np.ndarray) -> np.ndarray:
        if shape[-1:] != [series.shape]:
            interpreter.resize_tensor_input(given["index"], series.shape)
            interpreter.allocate_tensors()
            shape[:] = [series.shape]
        interpreter.set_tensor(given["index"], series)
        interpreter.invoke()
        outputs: np.ndarray = interpreter.get_tensor(wanted["index"])
        return outputs

    return _one_at_a_time(run)


def _one_at_a_time(run: Run) -> Run:
    """For runtimes that serve one caller at a time."""
    lock = threading.Lock()

    def locked(series: np.ndarray) -> np.ndarray:
        with lock:
            return run(series)

    return locked


# OpenVINO.


def _write_openvino(model, path, examples):
    openvino = optional("openvino", "openvino")
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "model.onnx"
        _write_onnx(model, whole, examples)
        openvino.save_model(openvino.convert_model(whole), path, compress_to_fp16=False)
    return [path, path.with_suffix(".bin")]


def _open_openvino(path: Path) -> Run:
    openvino = optional("openvino", "openvino")
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return _one_at_a_time(lambda series: np.array(compiled(series)[0]))


_ATTENTION = ("AttentionLSTM",)  # ONNX has an LSTM, but the converter fails on a loop of one's own
_ONNX: dict[str, Any] = {"modules": ("tf2onnx", "onnxruntime"), "extra": "onnx"}
_LITERT: dict[str, Any] = {"modules": ("ai_edge_litert",), "extra": "litert", "unrolled": RECURRENT}
_OPENVINO: dict[str, Any] = {"modules": ("tf2onnx", "openvino"), "extra": "openvino"}
_BY_CLASSES: dict[str, Any] = {"bound": None, "changed": 0.05}
FORMATS = {
    "savedmodel": Format("", _write_saved_model, _open_saved_model),
    "onnx": Format(".onnx", _write_onnx, _open_onnx, _ATTENTION, **_ONNX),
    "onnx-int8": Format(".onnx", _write_onnx_int8, _open_onnx_int8, _ATTENTION, **_BY_CLASSES, **_ONNX),
    "litert": Format(".tflite", _litert_writer("float32"), _open_litert, **_LITERT),
    "litert-float16": Format(".tflite", _litert_writer("float16"), _open_litert, bound=1e-2, **_LITERT),
    "litert-int8": Format(
        ".tflite", _litert_writer("int8"), _open_litert, apart=LITERT, **_BY_CLASSES, **_LITERT
    ),
    "openvino": Format(".xml", _write_openvino, _open_openvino, _ATTENTION, **_OPENVINO),
}
"""By name. `.keras` is not among them: that is how estimators are saved."""
