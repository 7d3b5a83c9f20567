"""Files of strangers, and files that lie about, neither run code, nor read others, nor fill the memory."""

import ast
import io
import json
import os
import re
import struct
import subprocess
import sys
import time
import zipfile
from hashlib import sha256
from pathlib import Path

import h5py
import joblib.externals.loky as loky
import keras
import numpy as np
import pytest

import mlstm_fcn
from mlstm_fcn import MLSTMFCNClassifier, _archives, _children, _hdf5, datasets, export
from mlstm_fcn._files import crc
from mlstm_fcn._npy import write_arrays
from mlstm_fcn.datasets.formats import Source
from mlstm_fcn.export import manifest, subprocess_check
from mlstm_fcn.persistence import ENTRY, read_archive, write_archive
from tests import hostile

PACKAGE = Path(mlstm_fcn.__file__).parent
LIBRARIES = ("numpy", "pandas", "joblib", "keras", "click", "rich")


def not_called(*arguments, **options):
    pytest.fail("It was called before the file was refused.")


# Code in the working folder.


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A working folder with modules named like libraries; each leaves a file if a process imports it."""
    for name in LIBRARIES:
        code = f"import pathlib; pathlib.Path({str(tmp_path / 'imported')!r}).touch(); raise ImportError"
        (tmp_path / f"{name}.py").write_text(code)
    (tmp_path / "of_the_user.py").write_text("number = 5")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    return tmp_path


def test_checks_of_exports_import_nothing_from_the_working_folder(planted, rng):
    script = "import sys, numpy; numpy.save(sys.argv[3], numpy.load(sys.argv[2]))"
    series = rng.normal(size=(2, 3, 4))
    outputs = subprocess_check.run_in_subprocess(script, planted / "none", series)
    np.testing.assert_array_equal(outputs, series)
    assert not (planted / "imported").exists()


def test_grandchildren_are_as_safe(planted):
    script = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'import numpy']))"
    assert subprocess.run(_children.python("-c", script), env=_children.environment()).returncode == 0
    assert not (planted / "imported").exists()


def test_pools_are_as_safe(planted):
    def results():
        with loky.ProcessPoolExecutor(1) as pool:
            yield from pool.map(abs, [-1])

    assert list(_children.safely(results())) == [1]
    assert not (planted / "imported").exists()
    assert "PYTHONSAFEPATH" not in os.environ


def test_a_child_finds_the_modules_of_a_user_in_an_interactive_session(planted, monkeypatch):
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    script = "import numpy, mlstm_fcn, of_the_user; print(of_the_user.number, mlstm_fcn.__file__)"
    command = _children.python("-c", script)
    done = subprocess.run(command, env=_children.environment(), capture_output=True, text=True)
    assert done.stdout.split() == ["5", mlstm_fcn.__file__], done.stderr
    assert not (planted / "imported").exists()


def test_the_command_imports_nothing_from_the_working_folder(planted):
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-m", "mlstm_fcn", "--help"], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert not (planted / "imported").exists()


@pytest.mark.slow
def test_a_benchmark_imports_nothing_from_the_working_folder(planted):
    from mlstm_fcn import benchmark

    folder = planted / "results"
    benchmark.run(["UnitTest"], "sktime.classification.dummy.DummyClassifier", folder, n_jobs=2)
    assert len(benchmark.Folder(folder).results()) == 1
    assert not (planted / "imported").exists()


def test_all_children_are_started_by_one_module():
    users = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "executable"
    }
    assert users == {"_children.py"}


# Models.


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return hostile.model_file(tmp_path_factory.mktemp("whole") / "whole.keras")


@pytest.fixture
def crafted(whole, tmp_path):
    """Write the model with other entries or other metadata, whose checksums agree."""

    def crafted(about=None, compression=zipfile.ZIP_STORED, **entries):
        contents = {
            **hostile.zip_entries(whole),
            **{name.replace("__", "."): one for name, one in entries.items()},
        }
        values = {**json.loads(contents.pop(ENTRY)), **(about or {})}
        values["sha256"] = {name: sha256(content).hexdigest() for name, content in contents.items()}
        values["crc"] = crc(values)
        path = tmp_path / "crafted.keras"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, content in {**contents, ENTRY: json.dumps(values)}.items():
                archive.writestr(name, content)
        return path

    return crafted


def with_weights(whole, change):
    """The weights of a model after `change(file, name of a data set, its shape)`."""
    content = io.BytesIO(hostile.zip_entries(whole)["model.weights.h5"])
    with h5py.File(content, "a") as file:
        names = []
        file.visititems(lambda name, entry: names.append(name) if isinstance(entry, h5py.Dataset) else None)
        shape = file[names[0]].shape
        del file[names[0]]
        change(file, names[0], shape)
    return content.getvalue()


def external(file, name, shape):
    file.create_dataset(name, shape, "f4", external=[(__file__, 0, h5py.h5f.UNLIMITED)])


def virtual(file, name, shape):
    layout = h5py.VirtualLayout(shape, "f4")
    layout[...] = h5py.VirtualSource("other.h5", "secret", shape=shape)
    file.create_virtual_dataset(name, layout)


def linked(file, name, shape):
    file[name] = h5py.ExternalLink("other.h5", "secret")


def soft(file, name, shape):
    file[name] = h5py.SoftLink("/elsewhere")


def inflating(file, name, shape):
    file.create_dataset(name, (2**31,), "f4", chunks=(2**20,), compression="gzip")


def missing(file, name, shape):
    file.create_dataset(name, (2**31,), "f4")


def of_objects(file, name, shape):
    file.create_dataset(name, shape, h5py.string_dtype())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external, "Weights must be stored whole in their own file"),
        (virtual, "Weights must be stored whole in their own file"),
        (linked, "must not link to other places.*ExternalLink"),
        (soft, "must not link to other places.*SoftLink"),
        (inflating, "Weights must be stored whole in their own file"),
        (missing, "must have all values that they declare"),
        (of_objects, "Weights must be numbers"),
    ],
)
def test_weights_are_in_the_model_itself(change, message, whole, crafted, monkeypatch):
    """The file is refused before Keras, of whatever version, reads it."""
    monkeypatch.setattr(keras.saving, "load_model", not_called)
    with pytest.raises(ValueError, match=message):
        MLSTMFCNClassifier.load(crafted(model__weights__h5=with_weights(whole, change)))


def test_links_that_lead_back_end(whole):
    def circle(file, name, shape):
        file["again"] = file["/"]
        file.create_dataset(name, shape, "f4", data=np.zeros(shape))

    assert _hdf5.n_values(with_weights(whole, circle)) == _hdf5.n_values(
        with_weights(whole, lambda f, n, s: f.create_dataset(n, s, "f4", data=np.zeros(s)))
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda crafted, config: crafted({"dtype": "<U500000000"}),
        lambda crafted, config: crafted({"classes": ["a", "a"]}),
        lambda crafted, config: crafted({"classes": [["a"], ["b"]], "dtype": "O"}),
        lambda crafted, config: crafted(config__json=b"[" * 1_000_000),
        lambda crafted, config: crafted(config__json=b"0" * (2**24 + 1)),
        lambda crafted, config: crafted(compression=zipfile.ZIP_DEFLATED, metadata__json=b"0" * (2**24 + 1)),
        lambda crafted, config: crafted(compression=zipfile.ZIP_LZMA),
        lambda crafted, config: crafted(assets=b"x"),
        lambda crafted, config: crafted(model__weights__npz=b"x"),
        lambda crafted, config: crafted({"history": {"loss": "abc"}}),
        lambda crafted, config: crafted({"history": None}),
        lambda crafted, config: crafted({"network_options": []}),
        lambda crafted, config: crafted({"epochs_trained": float("inf")}),
        lambda crafted, config: crafted({"precision": []}),
        lambda crafted, config: crafted({"parameters": {"engine": {"engine": {"n_jobs": "x"}}}}),
    ],
)
def test_models_that_lie_are_refused_with_a_value_error(make, whole, crafted):
    path = make(crafted, hostile.zip_entries(whole)["config.json"])
    before = hostile.peak_megabytes(reset=True)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        MLSTMFCNClassifier.load(path)
    assert hostile.peak_megabytes() - before < 200


def test_a_network_without_its_weights_is_refused_before_it_is_made(whole, crafted, monkeypatch):
    config = hostile.zip_entries(whole)["config.json"]
    config = config.replace(b'"kernel_size": 3', b'"kernel_size": 90000000')
    monkeypatch.setattr(keras.saving, "load_model", not_called)
    with pytest.raises(ValueError, match=r"must have the weights that are stored.* network=\d{9,}"):
        MLSTMFCNClassifier.load(crafted(config__json=config))


def test_long_json_is_refused_before_it_is_parsed(crafted, monkeypatch):
    path = crafted({"more": "0" * 2**24})
    monkeypatch.setattr(json, "loads", not_called)
    with pytest.raises(ValueError, match="JSON of"):
        MLSTMFCNClassifier.load(path)


def test_more_data_than_a_model_needs_is_refused_when_it_is_saved(whole, tmp_path, monkeypatch):
    """What `save` writes, `load` reads; what `load` would refuse is not written."""
    monkeypatch.setattr(_archives, "MAX_JSON", 1000)
    with pytest.raises(ValueError, match=r"JSON of .* bytes, over 1000"):
        hostile.model_file(tmp_path / "it.keras")
    assert list(tmp_path.iterdir()) == []


def test_paths_and_callables_never_come_from_a_file(whole, crafted):
    saved = json.loads(hostile.zip_entries(whole)[ENTRY])["parameters"]
    assert {"checkpoint", "callbacks"}.isdisjoint(saved)
    loaded = MLSTMFCNClassifier.load(
        crafted({"parameters": {**saved, "checkpoint": "secret", "callbacks": [1]}})
    )
    assert loaded.checkpoint is None
    assert loaded.callbacks is None
    assert loaded.filters == (4,)


def test_a_layer_of_a_user_may_make_its_weights_at_once(tmp_path):
    """Counting weights without making them is not possible then."""

    @keras.saving.register_keras_serializable(package="of_a_user")
    class Scale(keras.layers.Layer):
        def build(self, shape):
            self.scale = keras.Variable(np.ones(shape[-1], "float32"))

        def call(self, series):
            return series * self.scale

    inputs = keras.Input((20, 2))
    model = keras.Model(inputs, Scale()(inputs))
    write_archive(tmp_path / "it.keras", model, {})
    read, _ = read_archive(tmp_path / "it.keras")
    assert read.count_params() == 2
    del keras.saving.get_custom_objects()["of_a_user>Scale"]


# Arrays and checkpoints.


def header(descr, shape, content=b""):
    about = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(about)) + about + content


LYING = [
    header("<U500000000", (2,), b"a" * 80),
    header("<f8", (10**9,), b"a" * 80),
    header("<f8", (-1,), b"a" * 80),
    header("|O", (1,), b"a" * 80),
    header("|V8", (1,), b"a" * 80),
    header("<U0", (10**15,)),
    header([("a", "<f8")], (1,), b"a" * 80),
    b"\x93NUMPY\x03\x00" + b"a" * 80,
    b"",
]


@pytest.mark.parametrize("content", LYING, ids=range(len(LYING)))
def test_arrays_that_lie_are_refused_before_they_are_made(content, tmp_path, monkeypatch):
    monkeypatch.setattr(np.lib.format, "read_array", not_called)
    monkeypatch.setattr(np, "load", not_called)
    with zipfile.ZipFile(tmp_path / "it.npz", "w") as archive:
        for name in ("X", "y"):
            archive.writestr(f"{name}.npy", content)
    (tmp_path / "X_train.npy").write_bytes(content)
    (tmp_path / "y_train.npy").write_bytes(content)
    for path, memory_map in (("it.npz", False), ("X_train.npy", False), ("X_train.npy", True)):
        with pytest.raises(datasets.FormatError):
            datasets.read(tmp_path / path, memory_map=memory_map)
    checkpoint = hostile.checkpoint(tmp_path / "it.npz")
    with pytest.raises(ValueError, match="is damaged, or not a checkpoint"):
        checkpoint.resume(keras.callbacks.CallbackList([]))


def test_arrays_that_inflate_are_refused_before_they_do(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "it.npz", X=np.zeros((10, 1, 300_000)), y=np.zeros(10))
    monkeypatch.setattr(zipfile.ZipFile, "open", not_called)
    with pytest.raises(datasets.FormatError, match="a zip bomb"):
        datasets.read(tmp_path / "it.npz")


def test_series_that_are_almost_all_the_same_come_back(tmp_path):
    X = np.zeros((10, 1, 300_000))
    datasets.write(tmp_path / "it.npz", X, ["a"] * 10)
    np.testing.assert_array_equal(datasets.read(tmp_path / "it.npz")[0], X)


@pytest.mark.parametrize("limit", ["MAX_ENTRIES", "MAX_BYTES"])
def test_archives_have_limits(limit, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "it.zip", "w") as archive:
        archive.writestr("a", "12")
        archive.writestr("b", "34")
    assert _archives.members(tmp_path / "it.zip") == ["a", "b"]
    monkeypatch.setattr(_archives, limit, 1)
    with pytest.raises(_archives.UnsafeArchiveError, match="is refused"):
        _archives.members(tmp_path / "it.zip")


def test_two_entries_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "it.zip", "w") as archive:
        archive.writestr("a", "12")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a", "34")
    with pytest.raises(_archives.UnsafeArchiveError, match="same name"):
        _archives.members(tmp_path / "it.zip")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_packed_in_rare_ways_are_a_format_error(compression, tmp_path):
    with zipfile.ZipFile(tmp_path / "it.zip", "w", compression) as archive:
        archive.writestr("it.ts", "1,2")
    with pytest.raises(datasets.FormatError, match="neither stored nor deflated"):
        datasets.read(Source(tmp_path / "it.zip", "it.ts"))


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("of"),
        lambda values: values.pop("history"),
        lambda values: values["history"].pop("loss"),
        lambda values: values["history"]["accuracy"].pop(),
        lambda values: values["history"].update(loss=["1", "2"]),
        lambda values: values["rng"].update(bit_generator="MT19937"),
        lambda values: values.update(rng=None),
        lambda values: values["best"].update(epoch=7),
        lambda values: values["best"].update(lowest=None),
    ],
)
def test_checkpoints_that_lie_are_refused_and_change_nothing(change, tmp_path):
    checkpoint = hostile.checkpoint(tmp_path / "it.npz")
    checkpoint.save()
    entries = hostile.zip_entries(tmp_path / "it.npz")
    values = json.loads(str(np.load(io.BytesIO(entries["values.npy"]))))
    change(values)
    entries["values.npy"] = hostile.npy(np.array(json.dumps(values)))
    with zipfile.ZipFile(tmp_path / "it.npz", "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    before = [np.array(variable) for variable in checkpoint._variables()]
    with pytest.raises(ValueError, match=r"checkpoint|belongs to"):
        checkpoint.resume(keras.callbacks.CallbackList([]))
    for old, variable in zip(before, checkpoint._variables(), strict=True):
        np.testing.assert_array_equal(old, variable)


# Exported models.


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ["a", "b", "c"]},
        {"labels": [["a"], "b"]},
        {"labels": []},
        {"channels": True},
        {"channels": 10**9, "length": 10**9},
        {"length": 0},
        {"length": 21},
        {"files": None},
        {"files": []},
        {"kind": "x" * 100_000},
        {"kind": None},
        {"any_length": "yes"},
        {"missing": 3},
        {"format": None},
    ],
    ids=str,
)
def test_manifests_that_lie_are_refused_when_the_model_is_loaded(change, tmp_path):
    path = hostile.onnx_file(tmp_path / "it.onnx")
    assert export.load(path).outputs(np.ones((1, 2, 20))).tolist() == [[1.0, 1.0]]
    about = {**json.loads(manifest.path_of(path).read_text()), **change}
    manifest.path_of(path).write_text(json.dumps({**about, "crc": crc(about)}))
    with pytest.raises(ValueError, match=r"it\.onnx|kind"):
        export.load(path)


def test_errors_of_a_runtime_are_value_errors(tmp_path):
    class OwnError(Exception):
        pass

    def run(series):
        raise OwnError("of the runtime")

    artifact = export.Artifact({"labels": None, "channels": 1, "length": 3}, run)
    with pytest.raises(ValueError, match="fails in its runtime: of the runtime"):
        artifact.outputs(np.ones((1, 1, 3)))


# All of these, at random.


@pytest.fixture(scope="module")
def attack(tmp_path_factory):
    return hostile.Attack(tmp_path_factory.mktemp("attack"))


@pytest.mark.parametrize(("kind", "least"), [("model", 2), ("checkpoint", 1), ("sidecar", 2), ("onnx", 1)])
def test_mutated_files_are_opened_or_refused_with_a_documented_error(kind, least, attack):
    """`python -m tests.hostile 10000` is the same for many more, with limits of time and memory."""
    results = [attack.open_mutated(kind, seed) for seed in range(30)]
    assert results.count("opened") >= least
    assert results.count("refused") >= least


# Time.


def seconds_to_read(path, text, message=""):
    path.write_text(text)
    start = time.perf_counter()
    if message:
        with pytest.raises(datasets.FormatError, match=message):
            datasets.read(path)
    else:
        datasets.read(path)
    return time.perf_counter() - start


HEADER = "@classLabel true a\n@data\n"
ARFF = "@relation r\n@attribute t numeric\n@attribute target {a}\n@data\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("it.ts", f"{HEADER}1,{'x' * 4_000_000}:a\n", "line 3, column 3: .* value 2 of channel 1"),
        ("it.ts", f"{HEADER}{'1,' * 500_000}x:a\n", "column 1000001: .* value 500001 of channel 1"),
        ("it.ts", f"@timestamps true\n{HEADER}({'a' * 2_000_000}b,{'a' * 1_000_000}):a\n", "column 2000004"),
        ("it.arff", f"{ARFF}1,{' ' * 50_000},'x','y'\n", "values, a comma and a label"),
    ],
    ids=["token", "last value", "stamp", "spaces"],
)
def test_malformed_text_is_refused_in_linear_time(name, text, message, tmp_path):
    assert seconds_to_read(tmp_path / name, text, message) < 2


def test_labels_are_looked_up_in_the_same_time_however_many(tmp_path):
    labels = [f"c{i}" for i in range(20_000)]
    cases = "".join(f"1,2:{label}\n" for label in labels)
    assert seconds_to_read(tmp_path / "it.ts", f"@classLabel true {' '.join(labels)}\n@data\n{cases}") < 2
    assert (
        seconds_to_read(tmp_path / "it.ts", f"@classLabel true {' '.join(labels)}\n@data\n1:x", "c99, ...")
        < 2
    )


def test_objects_are_not_written_since_reading_them_would_need_pickle(tmp_path):
    with (tmp_path / "it.npz").open("wb") as file:
        with pytest.raises(ValueError, match=r"numbers, bools or strings.*name='y', dtype='object'"):
            write_arrays(file, {"X": np.zeros(2), "y": np.array(["a", None])})
        assert file.tell() == 0
