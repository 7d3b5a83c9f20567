"""The networks' equations once more, in float64 NumPy, independent of Keras and of the package.

Series are `(batch, time, channels)`. Weights come as dictionaries of arrays by the names that Keras gives
them within a layer.
"""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


GATES = {"sigmoid": sigmoid, "tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}


def conv1d_same(x, kernel, bias):
    """y[t] = bias + sum over k of x[t + k - left] kernel[k], zeros beyond the ends."""
    size = len(kernel)
    left = (size - 1) // 2
    padded = np.pad(x, ((0, 0), (left, size - 1 - left), (0, 0)))
    y = np.zeros((*x.shape[:2], kernel.shape[2])) + bias
    for t in range(x.shape[1]):
        for k in range(size):
            y[:, t] += padded[:, t + k] @ kernel[k]
    return y


def batch_norm(x, gamma, beta, mean, variance, epsilon=1e-3):
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


def squeeze_excite(u, reduce, expand, squeeze="mean", gate="sigmoid"):
    z = u.mean(axis=1) if squeeze == "mean" else u.max(axis=1)
    s = GATES[gate](np.maximum(z @ reduce, 0) @ expand)
    return u * s[:, None, :]


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


def lstm_fcn(
    x, layers, *, n_blocks, se_blocks, recurrent, shuffle, head="average", squeeze="mean", gate="sigmoid"
):
    """A network of the family, from the weights of its layers by name, in inference."""
    u = x
    for number in range(1, n_blocks + 1):
        conv = layers[f"conv_{number}"]
        u = conv1d_same(u, conv["conv/kernel"], conv["conv/bias"])
        statistics = (
            conv[f"batch_norm/{name}"] for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        u = batch_norm(u, *statistics)
        u = np.maximum(u, 0)
        if number in se_blocks:
            weights = layers[f"squeeze_excite_{number}"]
            u = squeeze_excite(u, weights["reduce/kernel"], weights["expand/kernel"], squeeze, gate)
    features = {"average": u.mean(axis=1), "max": u.max(axis=1), "flatten": u.reshape(len(u), -1)}[head]
    if recurrent is not None:
        series = np.swapaxes(x, 1, 2) if shuffle else x
        if recurrent == "lstm":
            weights = layers["lstm"]
            state = lstm(
                series, *(weights[f"lstm_cell/{name}"] for name in ("kernel", "recurrent_kernel", "bias"))
            )
        else:
            state, _ = attention_lstm(series, layers["attention_lstm"])
        features = np.concatenate([state, features], axis=1)
    return softmax(features @ layers["output"]["kernel"] + layers["output"]["bias"])


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
