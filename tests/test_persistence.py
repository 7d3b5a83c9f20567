"""A saved estimator comes back whole, or not at all with a sentence that says why."""

import copy
import json
import pickle
import zipfile

import joblib
import keras
import numpy as np
import pytest
from sktime.base import load as sktime_load

from mlstm_fcn import MLSTMFCNClassifier, Recipe
from mlstm_fcn._files import crc
from mlstm_fcn.fitting import archive
from mlstm_fcn.persistence import ENTRY
from mlstm_fcn.training.recipes import RECIPES
from tests import quick_fit

SMALL = {**quick_fit.SMALL, "n_epochs": 1}


@pytest.fixture(scope="module")
def fitted(basic_motions):
    options = {**SMALL, **quick_fit.THREE_BLOCKS, "attention": True}
    return MLSTMFCNClassifier(**options).fit(basic_motions.X_train, basic_motions.y_train)


@pytest.fixture
def saved(fitted, tmp_path):
    fitted.save(tmp_path / "motions.keras")
    return tmp_path / "motions.keras"


@pytest.mark.parametrize("suffix", [".keras", ".mlstm"])
def test_saved_and_loaded_it_is_the_same_to_the_bit(suffix, fitted, basic_motions, tmp_path):
    path = tmp_path / f"motions{suffix}"
    assert fitted.save(path) is None
    loaded = MLSTMFCNClassifier.load(path)
    assert loaded.get_params() == fitted.get_params()
    assert loaded.history_ == fitted.history_
    assert loaded.classes_.dtype == fitted.classes_.dtype
    X = basic_motions.X_test
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    shorter = X[:, :, :70]
    np.testing.assert_array_equal(loaded.predict_proba(shorter), fitted.predict_proba(shorter))
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("labels", [[1, 2], [0.5, 1.5], [True, False], ["ä", "b"]], ids=str)
def test_labels_come_back_in_their_type(labels, basic_motions, tmp_path):
    y = np.array(labels)[np.arange(40) % 2]
    classifier = MLSTMFCNClassifier(**SMALL).fit(basic_motions.X_train, y)
    classifier.save(tmp_path / "it.mlstm")
    loaded = MLSTMFCNClassifier.load(tmp_path / "it.mlstm")
    assert loaded.classes_.dtype == y.dtype
    assert loaded.classes_.tolist() == classifier.classes_.tolist()


@pytest.mark.parametrize("way", ["save", "export"])
def test_labels_that_a_file_cannot_hold_are_refused(way, basic_motions, tmp_path):
    y = np.where(np.arange(40) % 2, b"a", b"b")
    classifier = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1}).fit(basic_motions.X_train, y)
    path = tmp_path / ("it.mlstm" if way == "save" else "it.onnx")
    with pytest.raises(ValueError, match="Labels must be numbers or strings"):
        getattr(classifier, way)(path)
    assert list(tmp_path.iterdir()) == []


def joblib_round_trip(estimator, folder):
    joblib.dump(estimator, folder / "it.joblib")
    return joblib.load(folder / "it.joblib")


def sktime_round_trip(estimator, folder):
    estimator.save(folder / "it")
    return sktime_load(folder / "it.zip")


@pytest.mark.parametrize(
    "copied",
    [
        lambda estimator, _: pickle.loads(pickle.dumps(estimator)),
        lambda estimator, _: copy.deepcopy(estimator),
        lambda estimator, _: sktime_load(estimator.save()),
        joblib_round_trip,
        sktime_round_trip,
    ],
    ids=["pickle", "deepcopy", "sktime in memory", "joblib", "sktime to a file"],
)
def test_copies_predict_the_same_to_the_bit(copied, fitted, basic_motions, tmp_path):
    twin = copied(fitted, tmp_path)
    assert twin is not fitted
    assert twin.model_ is not fitted.model_
    X = basic_motions.X_test
    np.testing.assert_array_equal(twin.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(twin.predict_proba(X[:, :, :70]), fitted.predict_proba(X[:, :, :70]))


@pytest.mark.parametrize(
    "parameters",
    [
        {"filters": [4]},
        {"class_weight": {0: 1.0, 1: 2.0}},
        {"lstm_units": np.int64(2), "recipe": Recipe(optimizer=np.str_("adam"))},
        {"kernel_sizes": (3,), "random_state": np.int32(3)},
    ],
    ids=str,
)
def test_plain_parameters_come_back_and_other_lengths_are_predicted(parameters, basic_motions, tmp_path):
    X, y = basic_motions.X_train, np.arange(40) % 2
    classifier = MLSTMFCNClassifier(**{**SMALL, **parameters}).fit(X, y)
    classifier.save(tmp_path / "it.mlstm")
    loaded = MLSTMFCNClassifier.load(tmp_path / "it.mlstm")
    for name, value in parameters.items():
        assert getattr(loaded, name) == (tuple(value) if isinstance(value, list) else value)
    shorter = X[:3, :, :50]
    np.testing.assert_array_equal(loaded.predict_proba(shorter), classifier.predict_proba(shorter))


@pytest.mark.parametrize(
    "recipe",
    [
        *RECIPES.values(),
        Recipe(n_epochs=5, n_steps=None, learning_rate=None, weight_decay=None),
        Recipe(class_weight={"a": 2.0, "b": 0.5}, augmentation={"jitter": 0.1}, average_weights=0.9),
    ],
    ids=[*RECIPES, "nothing", "dictionaries"],
)
def test_every_option_of_a_recipe_comes_back(recipe):
    """Also None, where the default is another value."""
    assert archive.from_plain(json.loads(json.dumps(archive.to_plain(recipe)))) == recipe


def test_parameters_that_are_objects_are_left_out(basic_motions, tmp_path):
    recipe = Recipe(
        optimizer=keras.optimizers.Adam(0.01),
        loss=keras.losses.CategoricalCrossentropy(),
        average_weights=0.5,
    )
    objects = {"callbacks": [keras.callbacks.History()], "random_state": np.random.RandomState(0)}
    plain = {"class_weight": {"Badminton": 1.0, "Running": 1.0, "Standing": 2.0, "Walking": 1.0}}
    classifier = MLSTMFCNClassifier(**{**SMALL, **objects, **plain}, recipe=recipe).fit(
        basic_motions.X_train, basic_motions.y_train
    )
    with pytest.warns(UserWarning, match="does not keep objects: recipe__optimizer, recipe__loss, callbacks"):
        classifier.save(tmp_path / "it.mlstm")
    loaded = MLSTMFCNClassifier.load(tmp_path / "it.mlstm")
    assert {name: getattr(loaded, name) for name in objects} == dict.fromkeys(objects)
    assert (loaded.recipe.optimizer, loaded.recipe.loss, loaded.recipe.average_weights) == (
        "adamw",
        None,
        0.5,
    )
    loaded.partial_fit(basic_motions.X_train, basic_motions.y_train)
    assert loaded.n_epochs_ == 2
    assert loaded.class_weight == plain["class_weight"]
    assert loaded.filters == (8,)


def test_the_file_holds_no_optimizer(saved, fitted):
    n_parameters = fitted.model_.count_params()
    with zipfile.ZipFile(saved) as archive:
        assert archive.getinfo("model.weights.h5").file_size < 4 * n_parameters + 100_000


def test_the_file_is_a_plain_keras_model(saved, fitted, basic_motions):
    model = keras.saving.load_model(saved)
    series = np.swapaxes(basic_motions.X_test, 1, 2).astype("float32")
    np.testing.assert_allclose(
        model.predict(series, verbose=0), fitted.predict_proba(basic_motions.X_test), atol=1e-6
    )


def test_an_interrupted_save_leaves_the_old_file_and_nothing_else(saved, fitted, monkeypatch):
    before = saved.read_bytes()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile.ZipFile, "writestr", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fitted.save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def rewrite(path, **entries):
    """The archive with some entries replaced, or with None left out."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents.update(entries)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            if content is not None:
                archive.writestr(name, content)


def change_about(path, **values):
    with zipfile.ZipFile(path) as archive:
        about = {**json.loads(archive.read(ENTRY)), **values}
    rewrite(path, **{ENTRY: json.dumps({**about, "crc": crc(about)})})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "is damaged, or not a Keras archive"),
        (lambda path: path.write_bytes(b"not a zip"), "is damaged, or not a Keras archive"),
        (lambda path: rewrite(path, **{ENTRY: None}), "was not written by this package"),
        (lambda path: rewrite(path, **{ENTRY: b"{"}), "is damaged, or not a Keras archive"),
        (lambda path: rewrite(path, **{ENTRY: b"[]"}), "must hold a JSON object"),
        (lambda path: rewrite(path, **{"config.json": b"{}"}), "is damaged"),
        (lambda path: rewrite(path, **{"model.weights.h5": b"x"}), "is damaged"),
        (lambda path: change_about(path, format=99, version="7"), "must have format 6 .*written_by='7'"),
        (lambda path: change_about(path, estimator="Forest"), "must hold one of MLSTMFCNClassifier.*Forest"),
        (lambda path: change_about(path, classes=["a"]), "There must be a label for each output"),
        (lambda path: change_about(path, parameters={"trees": 3}), "is damaged.*trees"),
        (lambda path: change_about(path, parameters=3), "is damaged"),
        (lambda path: change_about(path, dtype="O8i"), "is damaged"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_refused_with_a_sentence(damage, message, saved):
    damage(saved)
    with pytest.raises(ValueError, match=message):
        MLSTMFCNClassifier.load(saved)


def test_a_file_cannot_smuggle_code_in(saved, tmp_path):
    """A Lambda layer would run code when the model is built; Keras' safe mode refuses it."""
    evil = tmp_path / "evil.keras"
    inputs = keras.Input((100, 6))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x)(inputs)).save(evil)
    with zipfile.ZipFile(saved) as good, zipfile.ZipFile(evil, "a") as bad:
        bad.writestr(ENTRY, good.read(ENTRY))
    with pytest.raises(ValueError, match="is damaged"):
        MLSTMFCNClassifier.load(evil)


def test_what_cannot_be_saved_or_loaded(fitted, basic_motions, tmp_path):
    with pytest.raises(ValueError, match="has not been fitted"):
        MLSTMFCNClassifier().save(tmp_path / "it.mlstm")
    with pytest.raises(FileNotFoundError, match=r"The folder .*none does not exist"):
        fitted.save(tmp_path / "none" / "it.mlstm")
    for ending in (".h5", ".kera", ".pkl"):
        with pytest.raises(ValueError, match=r"must end in \.keras or \.mlstm, or have no ending"):
            fitted.save(tmp_path / f"it{ending}")
    with pytest.raises(FileNotFoundError, match=r"none\.mlstm"):
        MLSTMFCNClassifier.load(tmp_path / "none.mlstm")
    with pytest.warns(UserWarning, match="single label"):
        single = MLSTMFCNClassifier(**SMALL).fit(basic_motions.X_train, np.zeros(40))
    with pytest.raises(ValueError, match="fit saw one class only"):
        single.save(tmp_path / "it.mlstm")
    assert list(tmp_path.iterdir()) == []
