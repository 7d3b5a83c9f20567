"""The battery: what every layer of the package must do."""

import inspect

import keras
import numpy as np
import pytest

from mlstm_fcn import layers

STEPS, CHANNELS = 7, 6

LAYERS = {
    "conv_norm": lambda **kw: layers.ConvNorm1D(4, 3, **kw),
    "conv_norm_options": lambda **kw: layers.ConvNorm1D(
        5, 4, momentum=0.8, epsilon=1e-2, kernel_initializer="glorot_normal", **kw
    ),
    "conv_norm_strides": lambda **kw: layers.ConvNorm1D(4, 4, strides=2, **kw),
    "conv_norm_dilated": lambda **kw: layers.ConvNorm1D(4, 3, dilation_rate=2, **kw),
    "conv_norm_scales": lambda **kw: layers.ConvNorm1D(4, 3, dilation_rate=(4, 2), **kw),
    "append_differences": lambda **kw: layers.AppendDifferences(**kw),
    "conv_norm_groups": lambda **kw: layers.ConvNorm1D(4, 3, strides=2, dilation_rate=2, groups=2, **kw),
    "conv_norm_depthwise": lambda **kw: layers.ConvNorm1D(6, 3, strides=3, groups=6, **kw),
    "selective_kernel": lambda **kw: layers.SelectiveKernel1D(4, **kw),
    "selective_kernel_options": lambda **kw: layers.SelectiveKernel1D(
        4, 2, 3, groups=2, reduction=2, minimum=3, momentum=0.8, **kw
    ),
    "minirocket": lambda **kw: layers.MiniRocket1D(1, 2, ramp=0.5, **kw),
    "minirocket_options": lambda **kw: layers.MiniRocket1D(2, 1, ("mean",), whole_first=False, **kw),
    "resample_longer": lambda **kw: layers.ResampleTime(1.6, **kw),
    "resample_shorter": lambda **kw: layers.ResampleTime(0.6, **kw),
    "squeeze_excite": lambda **kw: layers.SqueezeExcite1D(2, **kw),
    "squeeze_excite_max_tanh_bias": lambda **kw: layers.SqueezeExcite1D(
        3, squeeze="max", gate="tanh", use_bias=True, kernel_initializer="glorot_normal", **kw
    ),
    "attention_lstm": lambda **kw: layers.AttentionLSTM(4, **kw),
    "attention_lstm_options": lambda **kw: layers.AttentionLSTM(
        3, kernel_initializer="he_normal", recurrent_initializer="glorot_normal", unit_forget_bias=False, **kw
    ),
    "fill_missing": lambda **kw: layers.FillMissing(**kw),
    "fill_missing_zero": lambda **kw: layers.FillMissing("zero", **kw),
    "standardize_channels": lambda **kw: layers.StandardizeChannels([0.5] * 6, [2, 1, 1, 3, 1, 0.5], **kw),
    "standardize_series": lambda **kw: layers.StandardizeSeries(**kw),
}
MASKED = [name for name, make in LAYERS.items() if "mask" in inspect.signature(make().call).parameters]


@pytest.fixture(params=LAYERS)
def make(request):
    return LAYERS[request.param]


@pytest.fixture(autouse=True)
def _same_weights():
    """Whatever ran before; a unit that is never active would have no gradient."""
    keras.utils.set_random_seed(0)


@pytest.fixture
def series(rng):
    return rng.normal(size=(3, STEPS, CHANNELS)).astype("float32")


def as_array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize(
    "name", [name for name in MASKED if "training" in inspect.signature(LAYERS[name]().call).parameters]
)
def test_frozen_it_keeps_its_statistics(name, series):
    layer = LAYERS[name]()
    layer(series)
    learnt = layer.get_weights()
    layer(series, training=True)
    before = layer.get_weights()
    assert not all(map(np.array_equal, learnt, before))
    layer.trainable = False
    layer(series, training=True)
    assert all(map(np.array_equal, before, layer.get_weights()))


def test_every_layer_is_in_the_battery():
    classes = {type(make()).__name__ for make in LAYERS.values()}
    assert classes == set(layers.__all__) - {"WeightedVote", "Temperature"}  # of outputs, not of series


def test_config_holds_every_argument_and_makes_the_same_layer(make, series):
    layer = make(name="it", dtype="float32")
    config = layer.get_config()
    arguments = set(inspect.signature(type(layer).__init__).parameters) - {"self", "kwargs"}
    assert set(config) >= arguments | {"name", "trainable", "dtype"}
    twin = type(layer).from_config(config)
    assert twin.get_config() == config
    expected, _ = as_array(layer(series)), twin(series)
    twin.set_weights(layer.get_weights())
    np.testing.assert_array_equal(as_array(twin(series)), expected)


def test_symbolic_shape_is_the_real_one_with_and_without_a_fixed_length(make, series):
    for steps in (STEPS, None):
        layer = make()
        symbolic = layer(keras.Input((steps, CHANNELS))).shape
        real = layer(series).shape
        assert len(symbolic) == len(real)
        assert all(s in (None, r) for s, r in zip(symbolic, real, strict=True))
        assert layer.compute_output_shape((3, STEPS, CHANNELS)) == tuple(real)


def test_a_graph_computes_what_eager_calls_compute(make, series):
    layer = make()
    inputs = keras.Input((None, CHANNELS))
    model = keras.Model(inputs, layer(inputs))
    np.testing.assert_allclose(model.predict(series, verbose=0), as_array(layer(series)), atol=1e-6)


@pytest.mark.parametrize("make", [LAYERS[name] for name in MASKED], ids=MASKED)
def test_padding_changes_nothing_under_a_mask(make, series, rng):
    layer = make()
    alone = as_array(layer(series))
    garbage = rng.normal(scale=1e3, size=(3, 5, CHANNELS)).astype("float32")
    mask = np.arange(STEPS + 5)[None, :] < np.full((3, 1), STEPS)
    padded = as_array(layer(np.concatenate([series, garbage], axis=1), mask=mask))
    if padded.ndim == 3:
        padded = padded[:, : alone.shape[1]]
    np.testing.assert_allclose(padded, alone, atol=1e-6)


@pytest.mark.parametrize("make", [LAYERS[name] for name in MASKED], ids=MASKED)
def test_a_mask_of_ones_is_no_mask(make, series):
    layer = make()
    masked = as_array(layer(series, mask=np.ones((3, STEPS), bool)))
    np.testing.assert_allclose(masked, as_array(layer(series)), atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_computes_low_and_stores_high(make, series, policy):
    low, high = make(dtype=policy), make()
    output, _ = low(series), high(series)
    assert keras.backend.standardize_dtype(output.dtype) == policy.removeprefix("mixed_")
    assert {weight.dtype for weight in low.weights} <= {"float32"}
    low.set_weights(high.get_weights())
    np.testing.assert_allclose(
        as_array(keras.ops.cast(low(series), "float32")), as_array(high(series)), atol=0.05
    )


@pytest.mark.parametrize("make", [LAYERS[name] for name in MASKED if LAYERS[name]().trainable])
def test_one_step_moves_every_weight(make, series, rng):
    layer = make()
    inputs = keras.Input((STEPS, CHANNELS))
    features = keras.layers.Flatten()(layer(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(features))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = [weight.copy() for weight in layer.get_weights()]
    model.train_on_batch(series, rng.normal(size=(3, 1)))
    for weight, old, new in zip(layer.weights, before, layer.get_weights(), strict=True):
        needless = weight.path.endswith("conv/bias")  # the mean that is taken away contains it
        assert needless or np.abs(new - old).max() > 0, f"{weight.path} has no gradient"


def test_saved_and_loaded_it_computes_the_same(make, series, tmp_path):
    inputs = keras.Input((STEPS, CHANNELS))
    model = keras.Model(inputs, make()(inputs))
    model.save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    np.testing.assert_array_equal(loaded.predict(series, verbose=0), model.predict(series, verbose=0))
