"""The classifier keeps sktime's and scikit-learn's promises, on real data."""

import dataclasses
import inspect
import random

import keras
import numpy as np
import pandas as pd
import pytest
from keras.src.random.seed_generator import global_seed_generator

from mlstm_fcn import MLSTMFCNClassifier, Recipe
from mlstm_fcn._options import FROM_RECIPE
from mlstm_fcn.models import LSTMFCNConfig
from tests.quick_fit import SMALL, THREE_BLOCKS, with_recipe


@pytest.fixture(scope="module")
def fitted(basic_motions):
    return MLSTMFCNClassifier(**SMALL).fit(basic_motions.X_train, basic_motions.y_train)


def test_default_reaches_the_accuracy_of_the_readme(basic_motions):
    classifier = MLSTMFCNClassifier(random_state=0).fit(basic_motions.X_train, basic_motions.y_train)
    assert classifier.score(basic_motions.X_test, basic_motions.y_test) >= 0.975


def test_what_fit_leaves(fitted, basic_motions):
    assert fitted.classes_.tolist() == ["Badminton", "Running", "Standing", "Walking"]
    assert isinstance(fitted.model_, keras.Model)
    assert fitted.model_.input_shape == (None, 100, 6)
    assert {name: len(values) for name, values in fitted.history_.items()} == {"loss": 3, "accuracy": 3}


def test_predictions_are_the_most_probable_labels(fitted, basic_motions):
    probabilities = fitted.predict_proba(basic_motions.X_test)
    assert probabilities.shape == (40, 4)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)
    labels = fitted.predict(basic_motions.X_test)
    assert (labels == fitted.classes_[probabilities.argmax(axis=1)]).all()
    accuracy = fitted.score(basic_motions.X_test, basic_motions.y_test)
    assert accuracy == np.mean(labels == basic_motions.y_test)
    weights = (labels == basic_motions.y_test).astype(float) + 1e-9
    assert fitted.score(basic_motions.X_test, basic_motions.y_test, weights) == pytest.approx(1)


def test_the_keras_model_takes_series_in_the_units_of_the_data(fitted, basic_motions):
    """Scaling travels with the model: its front makes the training set standard."""
    scaled = fitted.model_.get_layer("preprocessor").get_layer("scaling")(
        np.swapaxes(basic_motions.X_train, 1, 2)
    )
    np.testing.assert_allclose(np.mean(scaled, axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(np.std(scaled, axis=(0, 1)), 1, atol=1e-5)
    raw = fitted.model_.predict(np.swapaxes(basic_motions.X_test, 1, 2), verbose=0)
    np.testing.assert_allclose(raw, fitted.predict_proba(basic_motions.X_test), atol=1e-6)


def test_units_of_a_channel_do_not_matter(basic_motions):
    scale = np.array([1e-3, 1, 10, 1e3, 1, 1])[:, None]
    shift = np.array([0, 1e3, 0, -7, 0, 0])[:, None]
    X = basic_motions.X_train
    probabilities = [
        MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1})
        .fit(series, basic_motions.y_train)
        .predict_proba(series)
        for series in (X, X * scale + shift)
    ]
    np.testing.assert_allclose(*probabilities, atol=2e-3)


def test_a_constant_channel_is_harmless(basic_motions):
    X = basic_motions.X_train.copy()
    X[:, 2] = 7.3
    with pytest.warns(UserWarning, match=r"ignores channels that are constant or missing.*\[2\]"):
        classifier = MLSTMFCNClassifier(**SMALL).fit(X, basic_motions.y_train)
    assert np.isfinite(classifier.predict_proba(X)).all()
    assert np.isfinite(classifier.predict_proba(basic_motions.X_test)).all()


@pytest.mark.parametrize(
    "labels",
    [["a", "B"], [3, -1], [2.5, 0.5], [True, False], [b"x", b"y"]],
    ids=lambda v: type(v[0]).__name__,
)
def test_labels_keep_their_type(labels, basic_motions):
    y = np.array(labels)[np.arange(40) % 2]
    classifier = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1}).fit(basic_motions.X_train, y)
    prediction = classifier.predict(basic_motions.X_test)
    assert prediction.dtype == y.dtype
    assert set(prediction) <= set(labels)


@pytest.mark.parametrize("container", [list, pd.Series, pd.Categorical, lambda y: y[:, None]])
def test_labels_come_in_any_container(container, fitted, basic_motions):
    classifier = MLSTMFCNClassifier(**SMALL).fit(basic_motions.X_train, container(basic_motions.y_train))
    assert (classifier.predict(basic_motions.X_test) == fitted.predict(basic_motions.X_test)).all()


@pytest.mark.parametrize("mtype", ["nested_univ", "pd-multiindex", "df-list", "numpy3D"])
def test_series_come_in_any_container_of_sktime(mtype, fitted, basic_motions):
    from sktime.datatypes import convert

    X = convert(basic_motions.X_test, "numpy3D", mtype)
    np.testing.assert_allclose(fitted.predict_proba(X), fitted.predict_proba(basic_motions.X_test), atol=1e-6)


def test_two_dimensions_are_series_of_one_channel(basic_motions):
    X = basic_motions.X_train[:, 0]
    flat = MLSTMFCNClassifier(**SMALL).fit(X, basic_motions.y_train)
    deep = MLSTMFCNClassifier(**SMALL).fit(X[:, None], basic_motions.y_train)
    np.testing.assert_array_equal(flat.predict_proba(X), deep.predict_proba(X[:, None]))


@pytest.mark.parametrize("seed", [0, np.random.RandomState(0)], ids=["int", "RandomState"])
def test_random_state_decides_everything(seed, basic_motions):
    def fit():
        state = seed if isinstance(seed, int) else np.random.RandomState(0)
        classifier = MLSTMFCNClassifier(**{**SMALL, "random_state": state})
        return classifier.fit(basic_motions.X_train, basic_motions.y_train).predict_proba(
            basic_motions.X_test
        )

    np.testing.assert_array_equal(fit(), fit())


OF_TRAINING = {
    "scaling": None,
    "class_weight": {"Badminton": 9.0, "Running": 1.0, "Standing": 1.0, "Walking": 1.0},
    "validation_split": 0.5,
    "n_epochs": 1,
    "batch_size": 5,
    "n_members": 2,
    "learning_rate": 0.1,
    "random_state": 1,
    "recipe": Recipe(optimizer="sgd"),
}
OF_RECIPE = {
    "schedule": "constant",
    "label_smoothing": 0.5,
    "loss": "kl_divergence",
    "equal_batches": False,
    "weight_decay": 0.5,
    "average_weights": 0.5,
    "augmentation": {"jitter": 0.1},
    "optimizer": "sgd",
}
OF_NETWORK = {
    "recipe": Recipe(member_options=({"lstm_units": 4},)),
    "filters": (8, 8, 8),
    "kernel_sizes": (8, 5, 5),
    "dilation_rates": (1, 1, 1),
    "dilation_scales": 2,
    "first_differences": True,
    "reduction": 2,
    "se_blocks": (1, 2),
    "lstm_units": 4,
    "attention": True,
    "dropout": 0.1,
    "dimension_shuffle": False,
    "head": "max",
}
# These need special data, or more than two epochs, to make a difference; other tests have them.
SEEN_ELSEWHERE = {
    "callbacks",
    "checkpoint",
    "engine",
    "on_longer",
    "missing",
    "patience",
    "verbose",
    "warm_start",
}
OF_RECIPE_SEEN_ELSEWHERE = {
    "caller_first",
    "keep_best",
    "n_steps",
    "network_options",
    "member_options",
    "vote",
}


def test_without_a_random_state_every_fit_is_another(basic_motions):
    X, y = basic_motions.X_train, basic_motions.y_train
    one, other = (MLSTMFCNClassifier(**{**SMALL, "random_state": None}).fit(X, y) for _ in range(2))
    assert np.abs(one.predict_proba(X) - other.predict_proba(X)).max() > 1e-3


def test_global_random_state_is_the_same_before_and_after_fit(basic_motions):
    """Of Python, NumPy and Keras: what is drawn next does not depend on whether there was a fit."""

    def states():
        key, position = np.random.get_state()[1:3]
        keras_state = global_seed_generator().state.numpy().tolist()
        return random.getstate(), (key.tolist(), position), keras_state

    keras.random.normal((2,))  # Keras makes its global generator when it is first needed
    before = states()
    MLSTMFCNClassifier(**SMALL).fit(basic_motions.X_train, basic_motions.y_train)
    assert states() == before
    keras.random.normal((2,)), np.random.random(), random.random()
    assert all(old != new for old, new in zip(before, states(), strict=True))


def assert_each_matters(changes, motions, **base):
    X, y = motions.X_train[::4], motions.y_train[::4]
    expected = MLSTMFCNClassifier(**{**SMALL, **base}).fit(X, y).predict_proba(X)
    for name, value in changes.items():
        other = MLSTMFCNClassifier(**with_recipe({**SMALL, **base, name: value})).fit(X, y).predict_proba(X)
        assert np.abs(other - expected).max() > 1e-6, f"{name} changes nothing"


def test_each_parameter_reaches_the_training(basic_motions):
    assert_each_matters(OF_TRAINING | OF_RECIPE, basic_motions, n_epochs=2, batch_size=4)  # of 10 cases


@pytest.mark.usefixtures("uncompiled")
def test_each_parameter_reaches_the_network(basic_motions):
    assert_each_matters(OF_NETWORK, basic_motions, **THREE_BLOCKS, n_epochs=1, batch_size=10)


def test_no_parameter_is_left_out_of_these_tests():
    known = set(MLSTMFCNClassifier().get_params(deep=False))
    assert {*OF_TRAINING, *OF_NETWORK, *SEEN_ELSEWHERE} == known
    of_recipe = {one.name for one in dataclasses.fields(Recipe)} - known
    assert {*OF_RECIPE, *OF_RECIPE_SEEN_ELSEWHERE} == of_recipe
    assert len(known) <= 30


def test_defaults_are_those_of_the_network():
    config = {field.name: field.default for field in dataclasses.fields(LSTMFCNConfig)}
    shared = [field for field in dataclasses.fields(MLSTMFCNClassifier) if field.name in config]
    assert len(shared) > 10
    for field in shared:
        assert field.default in (config[field.name], FROM_RECIPE), field.name


def test_every_parameter_is_documented_once():
    doc = inspect.getdoc(MLSTMFCNClassifier)
    for name in MLSTMFCNClassifier().get_params(deep=False):
        assert doc.count(f"\n    {name}: ") == 1, name
    assert "{inherited" not in doc


def test_a_name_that_is_no_parameter_gets_the_nearest_or_the_recipe():
    with pytest.raises(TypeError, match=r"no parameter 'lstm_unit'\. Did you mean 'lstm_units'\?"):
        MLSTMFCNClassifier(lstm_unit=4)
    for make in (MLSTMFCNClassifier, lambda **given: MLSTMFCNClassifier().set_params(**given)):
        with pytest.raises(
            (TypeError, ValueError), match=r"option of the recipe: recipe=Recipe\(schedule=\.\.\.\)"
        ):
            make(schedule="constant")
    with pytest.raises(ValueError, match=r"no parameter 'n_epoch'\. Did you mean 'n_epochs'\?"):
        MLSTMFCNClassifier().set_params(n_epoch=3)
    with pytest.raises(ValueError, match=r"Did you mean 'label_smoothing'\?"):
        MLSTMFCNClassifier().set_params(recipe__label_smooth=0.1)


def test_verbose_shows_a_progress_bar_and_silence_is_silent(basic_motions, capsys):
    for verbose in (0, 1):
        classifier = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1}, verbose=verbose)
        classifier.fit(basic_motions.X_train, basic_motions.y_train).predict(basic_motions.X_test)
        output = capsys.readouterr()
        assert output.err == ""
        assert ("epoch 1/1" in output.out) == bool(verbose)
        assert (output.out == "") == (not verbose)


def test_mixed_precision_leaves_scaling_exact(basic_motions):
    """Under the policy the network computes in float16; series of 1e5 would overflow in it."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        classifier = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 15}, learning_rate=0.01)
        classifier.fit(basic_motions.X_train * 1e5, basic_motions.y_train)
    finally:
        keras.config.set_dtype_policy("float32")
    assert classifier.score(basic_motions.X_test * 1e5, basic_motions.y_test) > 0.8


def test_the_paper_recipe_goes_with_fewer_blocks(basic_motions):
    classifier = MLSTMFCNClassifier(**{**SMALL, "kernel_sizes": (3,), "n_epochs": 1}, recipe="paper")
    classifier.fit(basic_motions.X_train, basic_motions.y_train)
    assert classifier.model_.layers[-1].get_layer("squeeze_excite_1")
