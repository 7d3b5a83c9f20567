"""What would be wrong without a word is read rightly, or refused in a sentence that says how to repair it."""

import copy
import zipfile

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from mlstm_fcn import Engine, NetworkClassifier, NetworkRegressor, Recipe, datasets
from tests.quick_fit import assert_same

QUICK = {"network": "fcn", "network_params": {"filters": (4,), "kernel_sizes": (3,)}, "random_state": 0}
"""Few operations, since nearly all tests train a network."""


def small(**parameters):
    return NetworkClassifier(**{**QUICK, "n_epochs": 2, "batch_size": 20, **parameters})


def fit(data, *arguments, **parameters):
    return small(**parameters).fit(*data, *arguments)


# Files: what a user put into a folder is read or refused; no other place answers for it.

LINES = "@classLabel true a b\n@data\n1,2:a\n3,4:b\n"


def shipped_one_in(folder, *files):
    """Files of a data set that sktime ships too."""
    for file in files:
        path = folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(LINES)
    return datasets.load("GunPoint", folder=folder, offline=True)


def test_whole_data_of_a_user_come_before_those_of_the_same_name(tmp_path):
    assert shipped_one_in(tmp_path, "GunPoint_TRAIN.ts", "GunPoint_TEST.ts").X_train.shape == (2, 1, 2)


@pytest.mark.parametrize(
    "file",
    ["GunPoint_TRAIN.ts", "GunPoint_test.ts", "GunPoint/X_train.npy", "GunPoint/GunPoint_TEST.parquet"],
)
@pytest.mark.parametrize("place", ["folder", "MLSTM_FCN_DATA", "MLSTM_FCN_MIRROR"])
def test_a_part_of_a_data_set_is_refused(file, place, tmp_path, monkeypatch):
    with pytest.raises(
        ValueError, match=r"GunPoint_TRAIN and GunPoint_TEST, as one of .*found=\['.*GunPoint"
    ):
        shipped_one_in(tmp_path, file)
    if place != "folder":
        monkeypatch.setenv(place, str(tmp_path))
        monkeypatch.setattr("mlstm_fcn.datasets.places.shipped", lambda: None)
        with pytest.raises(ValueError, match="must be in one folder or zip archive"):
            datasets.load("GunPoint", offline=True)


@pytest.mark.parametrize("file", ["GunPoint/notes.txt", "GunPointOld_TRAIN.ts", "X_train.npy"])
def test_files_of_something_else_are_no_part_of_a_data_set(file, tmp_path):
    assert shipped_one_in(tmp_path, file).X_train.shape == (50, 1, 150)


def test_an_archive_whose_names_are_damaged_is_refused(tmp_path):
    """One wrong byte in a name leaves an archive that opens, without the file."""
    with zipfile.ZipFile(tmp_path / "GunPoint.zip", "w") as archive:
        for part in ("TRAIN", "TEST"):
            archive.writestr(f"GunPoint_{part}.ts", LINES)
    assert shipped_one_in(tmp_path).X_train.shape == (2, 1, 2)
    damaged = (tmp_path / "GunPoint.zip").read_bytes().replace(b"_TEST", b"_TESU")
    (tmp_path / "GunPoint.zip").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"must be in one folder or zip archive.*GunPoint\.zip"):
        shipped_one_in(tmp_path)


@pytest.mark.parametrize("token", ["-?", "+?", " -?"])
@pytest.mark.parametrize("more", [0, 20_000], ids=["short", "long"])
def test_a_missing_value_has_no_sign(token, more, tmp_path):
    path = tmp_path / "It.ts"
    path.write_text(LINES + "1.5," * more + f"1,{token}:b\n")
    with pytest.raises(datasets.FormatError, match=r"line 5.*expected a number, \? or NaN"):
        datasets.read(path)
    path.write_text(LINES + "1.5," * more + "1,?:b\n")
    assert np.isnan(datasets.read(path)[0][2][0, -1])


# Targets.


@pytest.fixture(scope="module")
def data(basic_motions):
    return basic_motions.X_train, basic_motions.y_train


@pytest.fixture(scope="module")
def plain(data):
    return fit(data)


def one_hot_array(y):
    return (y[:, None] == np.unique(y)).astype(np.int8)


@pytest.mark.parametrize("dtype", [int, float, bool])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_one_hot_rows_are_classes(method, dtype, data):
    X, y = data
    numbers = np.unique(y, return_inverse=True)[1]
    expected, read = (
        getattr(small(), method)(X, target) for target in (numbers, one_hot_array(y).astype(dtype))
    )
    assert read.classes_.tolist() == [0, 1, 2, 3]
    assert_same(expected, read)
    assert read.score(X, one_hot_array(y)) == expected.score(X, numbers)


def test_one_hot_rows_are_classes_in_training_that_goes_on(data):
    X, rows = data[0], one_hot_array(data[1])
    classifier = small(n_epochs=1, warm_start=True).fit(X, rows)
    assert classifier.fit(X, rows).partial_fit(X, rows).fine_tune(X, rows).classes_.tolist() == [0, 1, 2, 3]


def test_one_hot_frames_are_the_classes_that_their_columns_name(data, plain):
    X, y = data
    read = fit((X, pd.get_dummies(y)), None, X, pd.get_dummies(y))
    assert read.classes_.tolist() == np.unique(y).tolist()
    assert_same(read, plain)


def test_rows_of_several_ones_are_one_network_as_an_array_and_a_network_each_as_a_frame(data):
    X, y = data
    several = np.stack([y == "Running", y != "Walking"], axis=1).astype(int)
    for call in (small(n_epochs=1).fit, small().partial_fit):
        assert call(X, several).predict(X).shape == (40, 2)
    with pytest.raises(ValueError, match="Targets must be one column, as those of fit"):
        fit(data, None, X, several)
    each = small(n_epochs=1).fit(X, pd.DataFrame(several, columns=["ran", "moved"]))
    assert each.predict(X).columns.tolist() == ["ran", "moved"]


def test_columns_of_numbers_are_one_network_as_an_array_and_a_network_each_as_a_frame(data):
    X, y = data
    numbers = one_hot_array(y).astype(float)
    assert NetworkRegressor(**QUICK, n_epochs=1).fit(X, numbers).model_.output_shape == (None, 4)
    each = NetworkRegressor(**QUICK, n_epochs=1).fit(X, pd.DataFrame(numbers, columns=list("abcd")))
    assert each.predict(X).columns.tolist() == list("abcd")


@pytest.mark.parametrize(
    "y",
    [
        np.linspace(0, 1, 40),
        np.arange(40.0),
        np.linspace(0, 1, 40)[:, None],
        np.repeat(np.arange(20) / 10, 2),
    ],
    ids=["fractions", "whole", "column", "twice each"],
)
def test_numbers_are_no_classes(y, data):
    for call in (small().fit, small().partial_fit):
        with pytest.raises(
            ValueError, match=r"Use a regressor.*or make the classes text.*different_numbers="
        ):
            call(data[0], y)


@pytest.mark.parametrize(
    "y",
    [np.arange(40) % 20.0, np.arange(40) % 4 / 8, np.arange(40), np.linspace(0, 1, 40).astype(str)],
    ids=["half as many", "few", "integers", "text"],
)
def test_numbers_may_be_classes(y, data):
    assert len(small(n_epochs=1).fit(data[0], y).classes_) == len(np.unique(y))


def test_classes_of_a_fitted_classifier_cannot_change(data):
    X, y = data
    labels = np.unique(y)
    classifier = small().partial_fit(X, y, classes=labels[::-1])
    assert classifier.partial_fit(X, y, classes=labels[::-1]).n_epochs_ == 2
    for others in (labels[:3], [*labels, "Flying"]):
        with pytest.raises(ValueError, match="must be those of the last fit, and so must `classes`"):
            classifier.partial_fit(X, y, classes=others)


# What pandas names.


def frames(X, names):
    return [pd.DataFrame(case.T, columns=names) for case in X]


def nested(X, names, index=None):
    return pd.DataFrame(
        {name: [pd.Series(case[number]) for case in X] for number, name in enumerate(names)}, index=index
    )


def multiindex(X, names):
    return pd.concat(frames(X, names), keys=range(len(X)))


NAMES = list("abcdef")
OTHER = [5, 3, 1, 0, 2, 4]


@pytest.mark.parametrize("container", [frames, nested, multiindex])
def test_channels_of_another_order_are_put_in_that_of_fit(container, data, plain, tmp_path):
    X, y = data
    named = fit((container(X, NAMES), y))
    expected = plain.predict_proba(X)
    turned = container(X[:, OTHER], [NAMES[number] for number in OTHER])
    named.save(tmp_path / "it.mlstm")
    for classifier in (named, type(named).load(tmp_path / "it.mlstm")):
        for series in (container(X, NAMES), turned, X, container(X, range(6))):
            np.testing.assert_array_equal(classifier.predict_proba(series), expected)


def test_channels_of_other_names_are_refused(data):
    X, y = data
    classifier = fit((frames(X, NAMES), y))
    renamed = ["x", *NAMES[1:]]
    for call in (
        classifier.predict,
        lambda X: classifier.partial_fit(X, y),
        lambda X: classifier.fine_tune(X, y),
    ):
        with pytest.raises(ValueError, match=r"the names that they had in fit.*missing=\['a'\], new=\['x'\]"):
            call(frames(X, renamed))
    with pytest.raises(ValueError, match=r"missing=\['f'\], new=\[\]"):
        classifier.predict(frames(X[:, :5], NAMES[:5]))
    with pytest.raises(ValueError, match=r"case=1, missing=\['a'\]"):
        fit((frames(X[:1], NAMES) + frames(X[1:], renamed), y))


def test_every_series_and_validation_and_further_training_are_put_in_order(data, plain):
    X, y = data
    turned = frames(X[:, OTHER], [NAMES[number] for number in OTHER])
    mixed = [turned[number] if number % 2 else frame for number, frame in enumerate(frames(X, NAMES))]
    expected, read = (small().fit(series, y, None, more, y) for series, more in ((X, X), (mixed, turned)))
    assert read.history_["val_loss"] != []
    # the first series decides the order
    assert_same(expected, read)
    assert read.history_ == expected.history_
    assert_same(expected.partial_fit(X, y), read.partial_fit(turned, y))


def test_names_that_only_count_are_no_names(data):
    X, y = data
    classifier = fit((nested(X, [f"dim_{number}" for number in range(6)]), y))
    expected = classifier.predict(X)
    np.testing.assert_array_equal(classifier.predict(multiindex(X, [f"var_{i}" for i in range(6)])), expected)
    np.testing.assert_array_equal(classifier.predict(nested(X, NAMES)), expected)


def test_targets_and_weights_in_another_order_than_the_cases_are_refused(data):
    X, y = data
    cases = [f"case {number}" for number in range(40)]
    series, labels = nested(X, NAMES, cases), pd.Series(y, index=cases)
    for turned in (labels[::-1], labels.rename(lambda case: case + "!")):
        for call in (small().fit, small().partial_fit):
            with pytest.raises(
                ValueError, match=r"index of `y` must name the cases as X does.*`y.to_numpy\(\)`"
            ):
                call(series, turned)
        with pytest.raises(ValueError, match="index of `y_val` must name the cases as X does"):
            small().fit(series, labels, None, series, turned)
    weights = pd.Series(1.0, index=cases)
    with pytest.raises(ValueError, match="index of `sample_weight` must name the cases"):
        small().fit(series, labels, weights[::-1])
    numbered = multiindex(X, NAMES)
    with pytest.raises(ValueError, match="index of `y` must name the cases"):
        small().fit(numbered, pd.Series(y)[::-1])


def test_targets_that_name_no_cases_are_taken_in_their_order(data, plain):
    X, y = data
    series = nested(X, NAMES, [f"case {number}" for number in range(40)])
    assert_same(fit((series, pd.Series(y))), plain)
    assert_same(fit((X, pd.Series(y, index=range(7, 47)))), plain)
    turned = pd.Series(y)[::-1]
    with pytest.warns(
        UserWarning, match=r"`y` has a shuffled index, and X is an array.*`y.to_numpy\(\)` says so"
    ):
        shuffled = fit((X[::-1], turned))
    assert_same(shuffled, fit((X[::-1], turned.to_numpy())))


# Arrays that are not what they seem.


def test_more_channels_than_steps_are_warned_of_in_fit(data):
    X, y = data
    swapped = X[:, :, :7].transpose(0, 2, 1)
    with pytest.warns(UserWarning, match=r"7 channels of 6 steps.*, give `X.transpose\(0, 2, 1\)`"):
        classifier = fit((swapped, y))
    classifier.predict(swapped)
    fit((swapped[:, :6], y))
    ragged = [case[:, : 4 + number % 3] for number, case in enumerate(swapped)]
    with pytest.warns(UserWarning, match="7 channels of 6 steps"):
        fit((ragged, y))
    fit(([pd.DataFrame(case.T) for case in swapped], y))  # the axes of a frame have names


@pytest.mark.parametrize(
    ("spoilt", "dtype"),
    [
        (lambda X: X + 1j, "complex128"),
        (lambda X: X.astype("datetime64[s]"), r"datetime64\[s\]"),
        (lambda X: X.astype("timedelta64[s]"), r"timedelta64\[s\]"),
        (lambda X: list(X + 1j), "complex128"),
        (lambda X: frames(X.astype("datetime64[s]"), NAMES), r"datetime64\[s\]"),
        (lambda X: frames(X + 1j, NAMES), "complex128"),
    ],
    ids=["complex", "dates", "times", "list", "dates in frames", "complex in frames"],
)
def test_dates_and_complex_numbers_are_refused(spoilt, dtype, data, plain):
    X, y = data
    rule = f"X must hold real numbers; turn dates into numbers.*dtype='{dtype}'"
    for call in (lambda X: small().fit(X, y), lambda X: small().partial_fit(X, y), plain.predict):
        with pytest.raises(ValueError, match=rule):
            call(spoilt(X))


# A channel that training says nothing about.


@pytest.mark.parametrize("scaling", ["channel", "series", None])
@pytest.mark.parametrize("value", [7.3, 0.0, np.nan])
@pytest.mark.parametrize("scaling_up", [1, 100])
def test_a_channel_that_was_constant_in_training_does_not_matter(scaling, value, scaling_up, data, motions):
    X, y = data[0].copy(), data[1]
    X[:, 2] = value
    with pytest.warns(UserWarning, match=r"ignores channels that are constant or missing.*: \[2\]"):
        classifier = fit((X, y), scaling=scaling)
    still, alive = motions.X_test.copy(), motions.X_test.copy()
    still[:, 2], alive[:, 2] = value, scaling_up * alive[:, 2]
    np.testing.assert_allclose(classifier.predict_proba(alive), classifier.predict_proba(still), atol=1e-6)


def test_a_channel_that_comes_to_life_in_further_training_is_warned_of(data):
    X, y = data[0].copy(), data[1]
    X[:, 2] = 1.0
    with pytest.warns(UserWarning, match="ignores channels"):
        classifier = fit((X, y))
    classifier.partial_fit(X, y)
    for call in (classifier.partial_fit, classifier.fine_tune):
        with pytest.warns(UserWarning, match=r"were constant in the first fit, and vary now: \[2\]"):
            call(*data)


# A network of the user.


def ends_in(activation):
    def network(input_shape, n_outputs):
        series = keras.Input(input_shape)
        pooled = keras.layers.GlobalAveragePooling1D()(series)
        return keras.Model(series, keras.layers.Dense(n_outputs, activation=activation)(pooled))

    return network


@pytest.mark.parametrize("activation", ["linear", "sigmoid", "relu", "tanh"])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_outputs_that_are_no_probabilities_are_refused(method, activation, data):
    classifier = NetworkClassifier(network=ends_in(activation), n_epochs=1)
    with pytest.raises(ValueError, match=r"must be probabilities: end it with .*outputs=\["):
        getattr(classifier, method)(*data)


# Parameters that are set after a fit.

OF_TRAINING = {
    "n_epochs": 5,
    "batch_size": 4,
    "learning_rate": 1e-4,
    "validation_split": 0.25,
    "patience": 2,
    "callbacks": [],
    "checkpoint": "state.npz",
    "engine": Engine(precision="float32"),
    "warm_start": True,
    "on_longer": "cut",
    "missing": "error",
    "random_state": 1,
    "verbose": 1,
    "class_weight": "balanced",
    "recipe": Recipe(optimizer="sgd", schedule="constant"),
    "recipe__optimizer": "adam",
    "recipe__label_smoothing": 0.3,
    "engine__n_jobs": 2,
    "n_members": 1,
    "network_params": {"filters": [4], "kernel_sizes": [3]},
}
"""Other values of parameters that decide how to train; and values of others that change nothing."""
OF_NETWORK = {
    "network_params": {"filters": (5,), "kernel_sizes": (3,)},
    "scaling": "series",
    "missing": "zero",
    "n_members": 2,
    "recipe": "paper",
    "recipe__network_options": {"dilation_rates": None},
}


@pytest.mark.parametrize("name", OF_TRAINING)
def test_a_parameter_of_training_keeps_what_was_fitted(name, data, plain):
    classifier = copy.deepcopy(plain)
    assert classifier.set_params(**{name: OF_TRAINING[name]}) is classifier
    assert_same(classifier, plain)
    np.testing.assert_array_equal(classifier.predict(data[0]), plain.predict(data[0]))
    assert classifier.get_params()[name] == OF_TRAINING[name]
    assert classifier.is_fitted


@pytest.mark.parametrize("name", OF_NETWORK)
def test_a_parameter_of_the_network_resets_and_partial_fit_says_so(name, data, plain):
    classifier = copy.deepcopy(plain).set_params(**{name: OF_NETWORK[name]}).set_params(verbose=0)
    assert not classifier.is_fitted
    with pytest.raises(NotFittedError):
        classifier.predict(data[0])
    with pytest.warns(UserWarning, match="`set_params` has reset .*anew.*epochs lost: 2"):
        classifier.partial_fit(*data)
    assert classifier.partial_fit(*data).n_epochs_ == 2


def test_a_reset_that_was_asked_for_is_not_warned_of(data, plain):
    assert copy.deepcopy(plain).set_params(scaling=None).reset().partial_fit(*data).n_epochs_ == 1
    classifier = copy.deepcopy(plain).set_params(scaling=None)
    assert classifier.fit(*data).partial_fit(*data).n_epochs_ == 3
    assert classifier.reset().partial_fit(*data).n_epochs_ == 1


def test_what_load_returns_trains_further_with_what_the_file_lost(data, tmp_path):
    recipe = Recipe(optimizer=keras.optimizers.SGD(0.01))
    classifier = fit(data, recipe=recipe)
    with pytest.warns(UserWarning, match="does not keep objects: recipe__optimizer. Set them"):
        classifier.save(tmp_path / "it.keras")
    loaded = type(classifier).load(tmp_path / "it.keras")
    loaded.set_params(recipe__optimizer=keras.optimizers.SGD(0.01))
    assert loaded.partial_fit(*data).n_epochs_ == 3


def test_names_of_channels_that_a_file_loses_are_told(data, tmp_path):
    frames = [pd.DataFrame(case.T) for case in data[0]]
    for frame in frames:
        frame.columns = pd.date_range("2020", periods=frame.shape[1])
    classifier = small(n_epochs=1).fit(frames, data[1])
    with pytest.warns(UserWarning, match="does not keep names of channels that are no text or numbers"):
        classifier.save(tmp_path / "it.keras")


def test_a_bad_value_is_refused_and_leaves_a_fitted_estimator_as_it_was(data, plain):
    classifier = copy.deepcopy(plain)
    for name, value in {"scaling": "chanel", "recipe": "papr", "network_param": None}.items():
        with pytest.raises(ValueError, match="Did you mean"):
            classifier.set_params(**{name: value})
    assert classifier.get_params() == plain.get_params()
    assert_same(classifier, plain)
