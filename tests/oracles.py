"""The networks' equations once more, in float64 NumPy, independent of Keras and of the package.

Series are `(batch, time, channels)`. Weights come as dictionaries of arrays by the names that Keras gives
them within a layer.
"""

from itertools import pairwise

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


GATES = {"sigmoid": sigmoid, "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}


def conv1d_same(x, kernel, bias, strides=1, dilation=1, groups=1):
    """y[t] = bias + sum over k of x[s t + d k - left] kernel[k], zeros beyond the ends, each group alone."""
    size, _, filters = kernel.shape
    span = dilation * (size - 1)
    padded = np.pad(x, ((0, 0), (span // 2, span - span // 2), (0, 0)))
    y = np.zeros((len(x), -(-x.shape[1] // strides), filters)) + bias
    of_group = zip(*(np.split(np.arange(n), groups) for n in (x.shape[2], filters)), strict=True)
    for channels, outputs in of_group:
        for t in range(y.shape[1]):
            for k in range(size):
                y[:, t, outputs] += padded[:, strides * t + dilation * k][:, channels] @ kernel[k][:, outputs]
    return y


def conv1d_scales(x, kernel, bias, dilations):
    """Each filter with its dilation: of as many parts as there are dilations, as equal as can be."""
    filters, n_parts = kernel.shape[2], len(dilations)
    starts = [-(-filters * part // n_parts) for part in range(n_parts + 1)]
    parts = [slice(start, end) for start, end in pairwise(starts)]
    of_part = zip(parts, dilations, strict=True)
    u = [conv1d_same(x, kernel[:, :, part], bias[part], dilation=rate) for part, rate in of_part]
    return np.concatenate(u, axis=2)


def batch_norm(x, gamma, beta, mean, variance, epsilon=1e-3):
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


def squeeze_excite(u, reduce, expand, squeeze="mean", gate="sigmoid"):
    z = u.mean(axis=1) if squeeze == "mean" else u.max(axis=1)
    s = GATES[gate](np.maximum(z @ reduce, 0) @ expand)
    return u * s[:, None, :]


def conv_norm(x, w, strides=1, dilation=1, groups=1):
    """Convolution and batch normalisation by the moving statistics."""
    if isinstance(dilation, tuple):
        u = conv1d_scales(x, w["conv/kernel"], w["conv/bias"], dilation)
    else:
        u = conv1d_same(x, w["conv/kernel"], w["conv/bias"], strides, dilation, groups)
    return batch_norm(u, *(w[f"batch_norm/{name}"] for name in BATCH_NORM))


def selective_kernel(x, w, branches, groups=1):
    """Li et al. 2019, equations 1 to 6: the output, and the weights (batch, branches, filters)."""
    u = [
        np.maximum(conv_norm(x, within(w, f"branch_{i}"), dilation=i, groups=groups), 0)
        for i in range(1, branches + 1)
    ]
    s = sum(u).mean(axis=1)
    z = batch_norm(s @ w["fuse/kernel"], *(w[f"fuse_norm/{name}"] for name in BATCH_NORM))
    scores = (np.maximum(z, 0) @ w["select/kernel"]).reshape(len(x), branches, -1)
    a = softmax(np.swapaxes(scores, 1, 2)).swapaxes(1, 2)
    return sum(a[:, i, None, :] * u[i] for i in range(branches)), a


def silu(x):
    return x * sigmoid(x)


def inverted_bottleneck(x, widen, depthwise, squeeze, narrow, strides=1):
    """MBConv (Tan and Le 2019): widen, convolve each channel, squeeze-and-excitation, narrow, shortcut."""
    u = silu(conv_norm(x, widen))
    u = silu(conv_norm(u, depthwise, strides=strides, groups=u.shape[2]))
    u = conv_norm(squeeze_excite(u, squeeze["reduce/kernel"], squeeze["expand/kernel"]), narrow)
    return u + x if u.shape == x.shape else u


BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def within(w, part):
    """The weights of a part of a layer, by their names in it."""
    return {name.removeprefix(f"{part}/"): value for name, value in w.items() if name.startswith(f"{part}/")}


def lstm(x, kernel, recurrent_kernel, bias):
    """Hochreiter's cell; gates stand in Keras' order: input, forget, cell, output."""
    units = len(recurrent_kernel)
    h = c = np.zeros((len(x), units))
    for t in range(x.shape[1]):
        h, c = lstm_cell(x[:, t] @ kernel + h @ recurrent_kernel + bias, c)
    return h


def lstm_cell(gates, c):
    i, f, g, o = np.split(gates, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def attention_lstm(x, w):
    """The LSTM whose every step sees a context; gives the last state and the attention weights."""
    batch, steps, _ = x.shape
    h = c = np.zeros((batch, len(w["recurrent_kernel"])))
    attention = np.zeros((batch, steps, steps))
    for t in range(steps):
        for n in range(batch):
            scores = [
                w["score_vector"][:, 0]
                @ np.tanh(
                    h[n] @ w["score_state_kernel"] + x[n, j] @ w["score_input_kernel"] + w["score_bias"]
                )
                for j in range(steps)
            ]
            attention[n, t] = softmax(np.array(scores))
        context = np.stack([attention[n, t] @ x[n] for n in range(batch)])
        h, c = lstm_cell(
            x[:, t] @ w["kernel"] + h @ w["recurrent_kernel"] + context @ w["context_kernel"] + w["bias"], c
        )
    return h, attention


def with_differences(x, mean, variance):
    """The series beside what its steps differ by, each difference of a channel standardised."""
    steps = np.diff(x, axis=1, prepend=x[:, :1])
    return np.concatenate([x, batch_norm(steps, 1, 0, mean, variance)], axis=2)


def lstm_fcn(
    x,
    layers,
    *,
    n_blocks,
    se_blocks,
    recurrent,
    shuffle,
    head="average",
    squeeze="mean",
    gate="sigmoid",
    dilations=(1, 1, 1),
    first_differences=False,
):
    """A network of the family, from the weights of its layers by name, in inference."""
    u = (
        with_differences(
            x, *(layers["conv_differences"][f"batch_norm/moving_{name}"] for name in ("mean", "variance"))
        )
        if first_differences
        else x
    )
    for number in range(1, n_blocks + 1):
        u = np.maximum(conv_norm(u, layers[f"conv_{number}"], dilation=dilations[number - 1]), 0)
        if number in se_blocks:
            weights = layers[f"squeeze_excite_{number}"]
            u = squeeze_excite(u, weights["reduce/kernel"], weights["expand/kernel"], squeeze, gate)
    features = {"average": u.mean(axis=1), "max": u.max(axis=1), "flatten": u.reshape(len(u), -1)}[head]
    if recurrent is not None:
        states = [recurrent_state(np.swapaxes(x, 1, 2) if shuffle else x, layers[recurrent])]
        if shuffle == "both":
            states.append(recurrent_state(x, layers[f"{recurrent}_over_time"]))
        features = np.concatenate([*states, features], axis=1)
    return softmax(features @ layers["output"]["kernel"] + layers["output"]["bias"])


def recurrent_state(series, w):
    """The last state of an LSTM, or of one with attention, which has more weights."""
    names = [f"lstm_cell/{name}" for name in ("kernel", "recurrent_kernel", "bias")]
    return lstm(series, *(w[name] for name in names)) if names[0] in w else attention_lstm(series, w)[0]


def weights_by_layer(model):
    """The weights of a Keras model, float64, by layer name and by path within the layer."""
    return {
        layer.name: {
            weight.path.partition(f"{layer.name}/")[2]: np.asarray(weight.value, np.float64)
            for weight in layer.weights
        }
        for layer in model.layers
    }


def randomise(model, rng):
    """Give every weight a random value, so that none keeps one that hides a fault (zeros, ones)."""
    for weight in model.weights:
        values = rng.normal(scale=0.5, size=weight.shape)
        if weight.dtype.startswith("float"):
            weight.assign(np.abs(values) + 0.5 if weight.name.endswith("variance") else values)
