"""Operations and receptive fields that are counted are those that there are."""

import keras
import numpy as np
import pytest

from mlstm_fcn import models
from mlstm_fcn.layers import (
    AppendDifferences,
    AttentionLSTM,
    ConvNorm1D,
    ResampleTime,
    SelectiveKernel1D,
    SqueezeExcite1D,
)
from mlstm_fcn.models import cost
from mlstm_fcn.models.counting import output_stride
from tests.oracles import randomise
from tests.small_networks import small_options

GROUPED = ("resnext", "se_resnext", "sknet")
SELECTIVE = ("sknet", "sk_mlstm_fcn")  # which see all steps, to select


@pytest.mark.parametrize("name", [name for name in models.names() if name not in (*GROUPED, "multirocket")])
@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="TensorFlow counts")
def test_operations_are_those_that_tensorflow_counts(name):
    """It counts what is done element by element too, but no products by group."""
    import tensorflow as tf
    from tensorflow.python.profiler.model_analyzer import profile
    from tensorflow.python.profiler.option_builder import ProfileOptionBuilder

    model = models.build(name, (50, 6), 4)
    call = tf.function(lambda series: model(series, training=False), autograph=False)
    graph = call.get_concrete_function(tf.TensorSpec((1, 50, 6))).graph
    options = {**ProfileOptionBuilder.float_operation(), "output": "none"}
    counted = profile(graph, options=options).total_float_ops
    assert cost(model).flops == pytest.approx(counted, rel=0.1)
    assert cost(model).flops < counted


def test_random_convolutions_count_their_products():
    """Thresholds are compared element by element, which is not counted."""
    model = models.build("multirocket", (50, 6), 4, dilations=((1, 2), (4, 1)))
    n_features = 2 * 84 * 3 * 3
    counted = cost(model)
    assert counted.flops == 2 * (2 * 2 * 50 * 9 * 6 * 84 + n_features * 4)
    assert counted.trainable == (n_features + 1) * 4
    assert counted.receptive_field == 1 + 8 * 4


LAYERS = {
    "dense": (lambda: keras.layers.Dense(7), 11 * 6 * 7),
    "convolution": (lambda: keras.layers.Conv1D(4, 3, strides=2, padding="same"), 6 * 3 * 6 * 4),
    "ConvNorm1D": (lambda: ConvNorm1D(4, 3), 11 * 3 * 6 * 4),
    "strided": (lambda: ConvNorm1D(4, 3, strides=2), 6 * 3 * 6 * 4),
    "depthwise": (lambda: ConvNorm1D(6, 3, strides=4, groups=6), 3 * 3 * 6),
    "SqueezeExcite1D": (lambda: SqueezeExcite1D(2), 6 * 3 + 3 * 6),
    "SelectiveKernel1D": (
        lambda: SelectiveKernel1D(4, 3, 2, minimum=5),
        11 * 2 * 3 * 6 * 4 + 4 * 5 + 5 * 2 * 4,
    ),
    "LSTM": (lambda: keras.layers.LSTM(5), 11 * 4 * 5 * (6 + 5)),
    # For each step its gates, U x and W h; for each pair of steps the score and the context in the gates.
    "AttentionLSTM": (
        lambda: AttentionLSTM(5),
        11 * (4 * 5 * (6 + 6 + 5) + 5 * 6 + 5 * 5) + 11 * 11 * (5 + 4 * 5),
    ),
    "AppendDifferences": (AppendDifferences, 0),
}
"""A layer of each kind, and its multiply-adds for 11 steps of 6 channels."""


@pytest.mark.parametrize(("make", "products"), LAYERS.values(), ids=LAYERS)
def test_the_products_of_a_layer_are_counted_exactly(make, products):
    series = keras.Input((11, 6))
    assert cost(keras.Model(series, make()(series))).flops == 2 * products


def test_products_by_group_are_counted():
    """Four groups take a quarter of the operations of the convolution in the middle."""
    options = {"filters": (8,), "inner_filters": (8,), "units": (1,), "strides": (1,)}
    options["kernel_sizes"] = (1, 3, 1)
    one, four = (
        cost(models.build("resnext", (50, 8), 2, cardinality=groups, **options)) for groups in (1, 4)
    )
    assert one.flops - four.flops == 2 * 50 * 3 * 8 * (8 - 2)


@pytest.mark.parametrize(
    "name", [name for name in models.names() if name not in ("mlp", "multirocket", *SELECTIVE)]
)
def test_receptive_field_is_what_moves_the_last_features(name, rng):
    """A change of one step reaches as many steps of the features as the receptive field says."""
    options = small_options(name, recurrent=None, phi=0, strides=(1, 1), pool_size=1)
    if hasattr(models.config(name), "reduction"):
        options["reduction"] = None
    model = models.build(name, (120, 3), 4, **options)
    randomise(model, rng)
    head = model.get_layer("average")
    features = keras.Model(model.input, head.input)
    series = rng.normal(size=(1, 120, 3)).astype("float32")
    moved = np.zeros(120, bool)
    for change in rng.normal(scale=10, size=(8, 3)):  # several, since a ReLU may hide one
        changed = series.copy()
        changed[0, 60] += change
        moved |= np.abs(features(changed) - features(series)).max(axis=(0, 2)) > 0
    reached = np.flatnonzero(moved)
    assert reached[-1] - reached[0] + 1 == cost(model).receptive_field


def test_strides_pooling_and_branches_widen_the_receptive_field():
    selective = models.build("sk_mlstm_fcn", (40, 2), 2, dilation_rates=None)
    assert cost(selective).receptive_field == 1 + 2 * (7 + 4 + 2)
    vgg = {"filters": (4, 4), "kernel_sizes": (3, 3), "convolutions": 1, "pool_size": 2}
    assert cost(models.build("vgg", (40, 2), 2, **vgg)).receptive_field == 3 + 1 + 2 * 2 + 2
    units = {"filters": (4, 4), "units": (1, 1), "strides": (2, 1), "kernel_sizes": (3,)}
    assert cost(models.build("resnet", (40, 2), 2, **units)).receptive_field == 3 + 2 * 2


def test_in_a_series_of_twice_the_steps_a_kernel_sees_half_as_many():
    """A step of it lies between two of the series, so five of them reach from one to three steps further."""
    series = keras.Input((11, 6))
    model = keras.Model(series, ConvNorm1D(4, 5)(ResampleTime(2.0)(series)))
    assert cost(model).receptive_field == 2 + 4 / 2
    assert output_stride(model) == 0.5


def test_what_cannot_be_counted_is_named():
    with pytest.raises(ValueError, match="requires a model for series of a fixed length"):
        cost(models.build("fcn", (None, 2), 2))
    inputs = keras.Input((5, 2))
    with pytest.raises(ValueError, match=r"operations of every layer with weights\. Received: layer='gru'"):
        cost(keras.Model(inputs, keras.layers.GRU(3, name="gru")(inputs)))
