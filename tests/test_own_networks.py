"""A Keras model may stand for a function; networks of users that break a rule are refused with the rule."""

import keras
import numpy as np
import pytest

from mlstm_fcn import NetworkClassifier
from mlstm_fcn.benchmark.estimators import fingerprint
from tests import quick_fcn, quick_fit
from tests.own_networks import QUICK, mean_then_dense, plain, sequential

data = quick_fcn.data


def test_a_keras_model_is_built_anew_in_each_fit(basic_motions):
    X, y = basic_motions.X_train, basic_motions.y_train
    given = sequential((100, 6), 3)
    before = given.get_weights()
    one, same = (NetworkClassifier(network=given, **QUICK).fit(X, y) for _ in range(2))
    other = NetworkClassifier(network=given, **{**QUICK, "random_state": 1}).fit(X, y)
    quick_fit.assert_same(one, same)
    assert quick_fit.differ(one, other)
    for weight, kept in zip(given.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)
    assert one.predict_proba(X).shape == (40, 4)


def test_a_benchmark_tells_keras_models_apart_by_their_layers():
    texts = [
        fingerprint(NetworkClassifier(network=mean_then_dense((20, 2), 2, units=units)))
        for units in (4, 4, 5)
    ]
    assert texts[0] == texts[1] != texts[2]


class Subclass(keras.Model):
    def call(self, inputs):
        return inputs


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda: Subclass(), "must be a functional model, or a sequential one that begins with"),
        (lambda: keras.Sequential([keras.layers.Dense(4)]), "sequential one that begins with `keras.Input`"),
        (lambda: plain((50, 6), 4), r"\(time, channels\) = \(100, 6\).*None, 50, 6"),
        (lambda: None, "must be a name, a `keras.Model`, or a function"),
    ],
    ids=["subclass", "no input", "another length", "nothing"],
)
def test_what_is_no_network_is_told_what_to_give(network, message, basic_motions):
    with pytest.raises(ValueError, match=message):
        NetworkClassifier(network=network(), **QUICK).fit(basic_motions.X_train, basic_motions.y_train)


def test_options_of_a_keras_model_are_refused(basic_motions):
    classifier = NetworkClassifier(network=plain((100, 6), 4), network_params={"units": 3}, **QUICK)
    with pytest.raises(ValueError, match=r"Options require a name or a function.*units=3"):
        classifier.fit(basic_motions.X_train, basic_motions.y_train)


def masked_network(dtype="bool", shape=None, inverted=False, inputs=2):
    """A function for `NetworkClassifier` that keeps the contract of masks, or breaks one clause of it."""

    def network(input_shape, n_outputs, masked=False):
        series = keras.Input(input_shape)
        mask = keras.Input(shape or input_shape[:1], dtype=dtype)
        valid = keras.ops.cast(keras.ops.reshape(mask, (-1, input_shape[0]))[..., None], "float32")
        valid = 1 - valid if inverted else valid
        sums = keras.ops.sum(series * valid, axis=1)
        outputs = keras.layers.Dense(n_outputs, "softmax")(sums)
        if not masked or inputs == 1:
            return plain(input_shape, n_outputs)
        return keras.Model([series, mask], outputs)

    return network


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"dtype": "float32"}, r"must read \[series, mask\].*dtype='bool'.*float32"),
        ({"shape": (20, 1)}, r"must read \[series, mask\].*20, 1"),
        ({"inputs": 1}, r"must read \[series, mask\]"),
        ({"inverted": True}, "True at each step that belongs to the series, .*must not follow the padding"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("uncompiled")
def test_a_network_that_breaks_the_contract_of_masks_is_refused(broken, message, rng):
    X, y = [rng.normal(size=(2, 20 - number % 3)) for number in range(8)], np.arange(8) % 2
    NetworkClassifier(network=masked_network(), **QUICK).fit(X, y)
    with pytest.raises(ValueError, match=message):
        NetworkClassifier(network=masked_network(**broken), **QUICK).fit(X, y)


def test_a_mask_that_nobody_asked_for_is_refused(basic_motions):
    def always(input_shape, n_outputs):
        return mean_then_dense(input_shape, n_outputs, masked=True)

    with pytest.raises(ValueError, match="A network without a mask must have one input, the series"):
        NetworkClassifier(network=always, **QUICK).fit(basic_motions.X_train, basic_motions.y_train)


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
