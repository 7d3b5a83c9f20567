"""The formats: how each is written, opened, and checked against Keras."""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlstm_fcn._checks import require_choice
from mlstm_fcn._files import scratch_folder
from mlstm_fcn._optional import optional
from mlstm_fcn.export import _tensorflow
from mlstm_fcn.export.subprocess_check import LITERT_SCRIPT, SAVED_MODEL_SCRIPT, run_in_subprocess

if TYPE_CHECKING:
    import keras

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "AttentionLSTM")
"""Class names of the recurrent layers: a format runs each as a loop, or unrolled."""

Run = Callable[[np.ndarray], np.ndarray]
"""From series `(cases, time, channels)`, float32, to outputs `(cases, outputs)`."""


@dataclass(frozen=True)
class Format:
    """An export format.

    Attributes:
        suffix: Suffix of the artifact's name; `""` for a folder.
        write: Writes a model to a path. The third argument is calibration series of shape
            `(cases, time, channels)`.
        open: Opens an artifact in its own runtime.
        label: Notes the class labels, or None of a regressor, in an artifact whose format can hold them.
        unrolled: Class names of the recurrent layers that the format or its converter cannot run as a loop.
        companions: Suffixes of the files that belong to the artifact in addition to the file at its path.
        needs_series: Whether export needs the user's series, half to calibrate and half to compare: the
            int8 formats.
        default: Whether this is the default format of its suffix.
        bound: Largest allowed difference of an output from Keras, relative to the largest output where that
            is above 1. None: predicted classes are compared instead.
        max_changed: Largest allowed share of series whose predicted class differs from Keras, in [0, 1];
            one series always may.
        check_script: Script that the check runs in a subprocess instead of `open`, for a runtime that may
            abort its process.
        modules: Modules that the format needs besides Keras.
        extra: Extra of this package that installs them.
        runs_here: Whether `open` gives a model that runs in this process.
    """

    suffix: str
    write: Callable[[keras.Model, Path, np.ndarray], None]
    open: Callable[[Path], Run]
    label: Callable[[Path, list[Any] | None], None] | None = None
    unrolled: tuple[str, ...] = ()
    companions: tuple[str, ...] = ()
    needs_series: bool = False
    default: bool = False
    bound: float | None = 1e-5
    max_changed: float = 0.0
    check_script: str | None = None
    modules: tuple[str, ...] = ()
    extra: str = ""
    runs_here: bool = True

    def files(self, path: Path) -> list[Path]:
        """All files of the artifact at `path`; the files of a folder are read from disk."""
        if path.is_dir():
            return sorted(file for file in path.rglob("*") if file.is_file())
        return [path, *self.companion_files(path)]

    def companion_files(self, path: Path) -> list[Path]:
        """Files of the artifact in addition to `path`."""
        return [path.with_suffix(suffix) for suffix in self.companions]

    def outputs(self, path: Path, series: np.ndarray) -> np.ndarray:
        """Outputs of the artifact, of shape `(cases, outputs)`, computed by its runtime."""
        if self.check_script is None:
            return self.open(path)(series)
        return run_in_subprocess(self.check_script, path, series)


def format_of_suffix(suffix: str) -> str:
    """Name of the default format of a suffix, such as `"onnx"` for `".onnx"`.

    Raises:
        ValueError: If no format has the suffix.
    """
    defaults = {form.suffix: name for name, form in FORMATS.items() if form.default}
    require_choice("suffix", suffix, defaults)
    return defaults[suffix]


# SavedModel.


def _write_saved_model(model, path, examples):
    _tensorflow.write_saved_model(model, path)


def _open_saved_model(path):
    return partial(run_in_subprocess, SAVED_MODEL_SCRIPT, path)


# ONNX.


def _write_onnx(model, path, examples):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # raised inside tf2onnx, about NumPy
        model.export(path, format="onnx", verbose=False)


def _label_onnx(path: Path, labels: list[Any] | None) -> None:
    """Name the output `probabilities`, or `predictions`, and write the labels, as JSON, to the metadata."""
    onnx = optional("onnx", "onnx")
    model = onnx.load(path)
    (output,) = model.graph.output
    old, new = output.name, "predictions" if labels is None else "probabilities"
    output.name = new
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]
    if labels is not None:
        onnx.helper.set_model_props(model, {"labels": json.dumps(labels)})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _write_onnx_int8(model, path, examples):
    quantization = optional("onnxruntime.quantization", "onnx")
    with scratch_folder() as folder:
        source = folder / "model.onnx"
        _write_onnx(model, source, examples)
        kind = quantization.QuantType.QInt8
        # 7-bit weights: with 8 bits, CPUs that sum pairs of products in 16 bits overflow.
        quantization.quantize_dynamic(source, path, weight_type=kind, per_channel=True, reduce_range=True)


def _open_onnx_int8(path: Path) -> Run:
    """Run one series per call: ranges are taken from the whole batch, so its series would interact."""
    run = _open_onnx(path)
    return lambda series: np.concatenate([run(one[None]) for one in series])


def _open_onnx(path: Path) -> Run:
    runtime = optional("onnxruntime", "onnx")
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    return lambda series: session.run(None, {source.name: series})[0]


# LiteRT.


def _litert_writer(precision: Any) -> Callable[[keras.Model, Path, np.ndarray], None]:
    def write(model: keras.Model, path: Path, examples: np.ndarray) -> None:
        path.write_bytes(_tensorflow.litert(model, precision, examples))

    return write


def _open_litert(path: Path) -> Run:
    interpreter = optional("ai_edge_litert.interpreter", "litert").Interpreter(model_path=str(path))
    (source,) = interpreter.get_input_details()
    (target,) = interpreter.get_output_details()
    shape: list[tuple[int, ...]] = []

    def run(series: np.ndarray) -> np.ndarray:
        if shape[-1:] != [series.shape]:
            interpreter.resize_tensor_input(source["index"], series.shape)
            interpreter.allocate_tensors()
            shape[:] = [series.shape]
        interpreter.set_tensor(source["index"], series)
        interpreter.invoke()
        outputs: np.ndarray = interpreter.get_tensor(target["index"])
        return outputs

    return _one_at_a_time(run)


def _one_at_a_time(run: Run) -> Run:
    """Serialise calls, for runtimes that are not thread-safe."""
    lock = threading.Lock()

    def locked(series: np.ndarray) -> np.ndarray:
        with lock:
            return run(series)

    return locked


# OpenVINO.


def _write_openvino(model, path, examples):
    openvino = optional("openvino", "openvino")
    with scratch_folder() as folder:
        source = folder / "model.onnx"
        _write_onnx(model, source, examples)
        openvino.save_model(openvino.convert_model(source), path, compress_to_fp16=False)


def _open_openvino(path: Path) -> Run:
    openvino = optional("openvino", "openvino")
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return _one_at_a_time(lambda series: np.array(compiled(series)[0]))


_UNROLLED = (
    "AttentionLSTM",
)  # tf2onnx converts a Keras LSTM to the LSTM operation, but fails on a custom loop
_ONNX: dict[str, Any] = {
    "label": _label_onnx,
    "modules": ("tf2onnx", "onnxruntime"),
    "extra": "onnx",
    "unrolled": _UNROLLED,
}
_LITERT: dict[str, Any] = {"modules": ("ai_edge_litert",), "extra": "litert", "unrolled": RECURRENT}
_OPENVINO: dict[str, Any] = {"modules": ("tf2onnx", "openvino"), "extra": "openvino", "unrolled": _UNROLLED}
_INT8: dict[str, Any] = {"needs_series": True, "bound": None, "max_changed": 0.05}
FORMATS = {
    "savedmodel": Format("", _write_saved_model, _open_saved_model, default=True, runs_here=False),
    "onnx": Format(".onnx", _write_onnx, _open_onnx, default=True, **_ONNX),
    "onnx-int8": Format(".onnx", _write_onnx_int8, _open_onnx_int8, **_INT8, **_ONNX),
    "litert": Format(".tflite", _litert_writer("float32"), _open_litert, default=True, **_LITERT),
    "litert-float16": Format(".tflite", _litert_writer("float16"), _open_litert, bound=1e-2, **_LITERT),
    "litert-int8": Format(
        ".tflite", _litert_writer("int8"), _open_litert, check_script=LITERT_SCRIPT, **_INT8, **_LITERT
    ),
    "openvino": Format(
        ".xml", _write_openvino, _open_openvino, companions=(".bin",), default=True, **_OPENVINO
    ),
}
"""Formats by name. `.keras` is missing because estimators write it with `save`."""
