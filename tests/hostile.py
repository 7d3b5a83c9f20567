"""Mutated models, checkpoints and sidecars.

`python -m tests.hostile 10000` opens that many and prints the longest time (CPU) and the largest memory.
Some mutations are of bytes; others change values inside a file and make its checksums agree.
"""

import hashlib
import io
import json
import random
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, export
from mlstm_fcn._files import crc
from mlstm_fcn.export import manifest
from mlstm_fcn.fitting import FittedNetwork, archive
from mlstm_fcn.fitting.inputs import InputPolicy
from mlstm_fcn.fitting.network import NetworkSpec
from mlstm_fcn.fitting.task import Classification
from mlstm_fcn.models.pipeline import compose
from mlstm_fcn.persistence import ENTRY
from mlstm_fcn.training.best_epoch import BestEpoch
from mlstm_fcn.training.checkpoint import Checkpoint
from mlstm_fcn.training.recipes import Recipe
from tests.mutations import mutate_json, mutated_bytes

KINDS = ("model", "checkpoint", "sidecar", "onnx")
OPTIONS = {"filters": (4,), "kernel_sizes": (3,), "lstm_units": 2}
LENGTH, LABELS = 20, ["a", "b"]


def model_file(path):
    """Save a small network that nothing trained."""
    spec, inputs = NetworkSpec("mlstm_fcn", OPTIONS), InputPolicy()
    options = spec.resolved(Recipe(), 0, LENGTH)
    network = spec.build((LENGTH, 2), 2, options, activation="softmax", masked=False)
    series = np.random.default_rng(0).normal(size=(4, LENGTH, 2)).astype("float32")
    fitted = FittedNetwork(
        compose(inputs.preprocessor(series), network),
        spec,
        (options,),
        Classification(np.array(LABELS)),
        inputs,
        {"loss": [1.0, 0.5]},
        2,
    )
    parameters = MLSTMFCNClassifier(**OPTIONS, checkpoint="secret.npz").get_params(deep=False)
    about = {"estimator": "MLSTMFCNClassifier", "parameters": archive.plain_parameters(parameters)}
    archive.save(fitted, path, about)
    return path


def checkpoint(path):
    """The checkpoint of a training of a small network."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(inputs))
    model.compile("adam", "categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    best = BestEpoch("loss", None)
    best.note(0, {"loss": 1.0}, model)
    rng = np.random.default_rng(0)
    return Checkpoint(Path(path), model, rng, {"loss": [1.0, 2.0], "accuracy": [0.5, 0.6]}, best, "this one")


def onnx_file(path):
    """A model in ONNX that takes the mean over time, with its manifest."""
    from onnx import TensorProto, helper, save

    shape, outputs = ["cases", LENGTH, 2], ["cases", 2]
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["series"], ["outputs"], axes=[1], keepdims=0)],
        "mean",
        [helper.make_tensor_value_info("series", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, outputs)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    save(model, path)
    about = {"kind": "onnx", "channels": 2, "length": LENGTH, "labels": LABELS, "any_length": True}
    manifest.write(path, [path], {**about, "missing": "zero"})
    return path


class Attack:
    """Whole files of each kind in a folder, and what opens them.

    Args:
        folder: An empty folder, which also gets the mutated files.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self.model = zip_entries(model_file(self.folder / "whole.keras"))
        self.checkpoint = checkpoint(self.folder / "checkpoint.npz")
        self.checkpoint.save()
        self.npz = zip_entries(self.folder / "checkpoint.npz")
        self.onnx = onnx_file(self.folder / "model.onnx").read_bytes()
        self.manifest = json.loads(manifest.path_of(self.folder / "model.onnx").read_text())

    def open_mutated(self, kind, seed):
        """Write a mutated file and open it; gives the name of the exception, or "opened".

        It raises what the documentation does not name.
        """
        rnd = random.Random(f"{kind} {seed}")
        path = getattr(self, f"_mutate_{kind}")(rnd)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # another version wrote it
                if kind == "model":
                    MLSTMFCNClassifier.load(path)
                elif kind == "checkpoint":
                    self.checkpoint.resume(keras.callbacks.CallbackList([]))
                else:
                    export.load(path).outputs(np.zeros((3, 2, LENGTH)))
        except ValueError:
            return "refused"
        return "opened"

    def _mutate_model(self, rnd):
        path = self.folder / "mutated.keras"
        entries = dict(self.model)
        if rnd.random() < 0.2:
            path.write_bytes(mutated_bytes((self.folder / "whole.keras").read_bytes(), rnd))
            return path
        about = json.loads(entries.pop(ENTRY))
        name = rnd.choice(["about", "about", "config.json", "config.json", "model.weights.h5", "entries"])
        if name == "about":
            mutate_json(about, rnd)
        elif name == "entries":
            other = rnd.choice([*entries, "assets/x", "model.weights.npz", "../x"])
            entries[other] = mutated_bytes(entries.get(other, b"0" * 1000), rnd)
            if rnd.random() < 0.5:
                del entries[other]
        elif name == "config.json" and rnd.random() < 0.8:
            config = json.loads(entries[name])
            mutate_json(config, rnd)
            entries[name] = json.dumps(config).encode()
        else:
            entries[name] = mutated_bytes(entries[name], rnd)
        if isinstance(about, dict):
            about["sha256"] = {name: hashlib.sha256(content).hexdigest() for name, content in entries.items()}
            about["crc"] = crc(about)
        write_zip(path, {**entries, ENTRY: json.dumps(about).encode()}, rnd)
        return path

    def _mutate_checkpoint(self, rnd):
        path, entries = self.folder / "checkpoint.npz", dict(self.npz)
        kind = rnd.random()
        if kind < 0.4:
            values = json.loads(str(np.load(io.BytesIO(entries["values.npy"]))))
            mutate_json(values, rnd)
            entries["values.npy"] = npy(np.array(json.dumps(values)))
        else:
            name = rnd.choice(list(entries))
            entries[name] = mutated_bytes(entries[name], rnd)
            if kind > 0.9:
                del entries[name]
        write_zip(path, entries, rnd)
        if rnd.random() < 0.2:
            path.write_bytes(mutated_bytes(path.read_bytes(), rnd))
        return path

    def _mutate_sidecar(self, rnd):
        path = self.folder / "model.onnx"
        path.write_bytes(self.onnx)
        about = json.loads(json.dumps(self.manifest))
        mutate_json(about, rnd)
        if isinstance(about, dict):
            about["crc"] = crc(about)
        text = json.dumps(about).encode()
        manifest.path_of(path).write_bytes(mutated_bytes(text, rnd) if rnd.random() < 0.2 else text)
        return path

    def _mutate_onnx(self, rnd):
        path = self.folder / "model.onnx"
        path.write_bytes(mutated_bytes(self.onnx, rnd))
        manifest.write(path, [path], {n: v for n, v in self.manifest.items() if n not in ("crc", "files")})
        return path


def zip_entries(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_zip(path, entries, rnd):
    """Write entries, packed in one of four ways."""
    ways = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    (compression,) = rnd.choices(ways, (8, 8, 1, 1))
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def not_called(*arguments, **options):
    pytest.fail("It was called before the file was refused.")


def peak_megabytes(reset=False):
    """Largest resident memory since the last reset; on Linux only."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def run_part(kind, start, end):
    """Open mutated files, one line of results for each."""
    with tempfile.TemporaryDirectory() as folder:
        attack = Attack(folder)
        for seed in range(5):
            attack.open_mutated(kind, f"warm {seed}")
        for seed in range(start, end):
            before, began = peak_megabytes(reset=True), time.process_time()
            try:
                result = attack.open_mutated(kind, seed)
            except Exception as error:
                result = f"{type(error).__name__}: {error}"[:200].replace("\n", " ")
            seconds, megabytes = time.process_time() - began, peak_megabytes() - before
            print(json.dumps([kind, seed, result, seconds, megabytes]), flush=True)


def main(total):
    """Open mutated files in processes of 500 each, and print the figures."""
    results, died = [], []
    for kind in KINDS:
        for start in range(0, total // len(KINDS), 500):
            end = min(start + 500, total // len(KINDS))
            command = [sys.executable, "-m", "tests.hostile", kind, str(start), str(end)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=3000)
            lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
            results += lines
            if len(lines) < end - start:
                died.append((kind, start + len(lines), done.returncode, done.stderr[-300:]))
    for kind in KINDS:
        of_kind = [line for line in results if line[0] == kind]
        found = Counter(line[2] if line[2] in ("opened", "refused") else "undocumented" for line in of_kind)
        slowest, largest = max(line[3] for line in of_kind), max(line[4] for line in of_kind)
        print(
            f"{kind:10} {len(of_kind)} files: {dict(found)}; at most {slowest:.2f} s, {largest:.0f} MB more"
        )
    bad = [line for line in results if line[2] not in ("opened", "refused") or line[3] > 1 or line[4] > 500]
    print("over a limit, or undocumented:", *bad, "processes that died:", *died, sep="\n  ")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(int(sys.argv[1]))
    else:
        run_part(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
