"""Functions that make networks as users may give them, and one that is fitted and saved."""

import keras
import pytest

from mlstm_fcn import NetworkClassifier


def mean_then_dense(input_shape, n_outputs, activation="softmax", masked=False, units=4):
    series = keras.Input(input_shape)
    mask = keras.Input(input_shape[:1], dtype="bool") if masked else None
    mean = keras.layers.GlobalAveragePooling1D()(series, mask=mask)
    hidden = keras.layers.Dense(units, activation="relu")(mean)
    outputs = keras.layers.Dense(n_outputs, activation=activation)(hidden)
    return keras.Model([series, mask] if masked else series, outputs)


def plain(input_shape, n_outputs):
    return mean_then_dense(input_shape, n_outputs)


def sequential(input_shape, n_outputs):
    layers = [keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(n_outputs, activation="softmax")]
    return keras.Sequential([keras.Input(input_shape), *layers])


QUICK = {"n_epochs": 1, "batch_size": 8, "random_state": 0}


@pytest.fixture(scope="module")
def own(basic_motions, tmp_path_factory):
    """A fitted network of a function that takes a mask, and its file."""
    fitted = NetworkClassifier(network=mean_then_dense, network_params={"units": 5}, **QUICK)
    fitted.fit(basic_motions.X_train, basic_motions.y_train)
    path = tmp_path_factory.mktemp("own") / "own.keras"
    with pytest.warns(UserWarning, match=r"not the function that made it.*load\(path, network=...\)"):
        fitted.save(path)
    return fitted, path
