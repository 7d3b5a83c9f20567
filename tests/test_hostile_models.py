"""Models that lie read no other files and fill no memory: they are refused before Keras makes them."""

import io
import json
import re
import zipfile
from hashlib import sha256

import h5py
import keras
import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, _archives, _hdf5
from mlstm_fcn._files import crc
from mlstm_fcn.persistence import ENTRY, read_archive, write_archive
from tests import hostile
from tests.hostile import not_called


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
