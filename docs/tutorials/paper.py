"""Read the paper in the code.

Karim et al., *Multivariate LSTM-FCNs for time series classification* (2019), section III, line by line.
Nothing is trained here. [The map](../networks.md) has the other papers.
"""

# ## The network
#
# Two branches read the same series. The fully convolutional branch has three blocks. The recurrent branch
# has an LSTM and dropout. Both are concatenated, and a softmax follows. This package's default adds
# dilations, and squeeze-and-excitation after the third block; these options select the paper's network.

import keras
import numpy as np

from mlstm_fcn import models, plotting

n_steps, n_channels, n_classes = 100, 6, 4
paper = {"se_blocks": (1, 2), "dilation_rates": (1, 1, 1)}
network = models.build("mlstm_fcn", (n_steps, n_channels), n_classes, **paper)
plotting.network(network)

# ## How many weights?
#
# A convolution of `k` steps from `c` to `f` channels has `k c f` weights and `f` biases, and batch
# normalisation has four numbers a filter. The paper's blocks are 128 filters of 8 steps, 256 of 5, and
# 128 of 3.

filters, kernels = (n_channels, 128, 256, 128), (8, 5, 3)
blocks = sum((k * c + 1 + 4) * f for k, c, f in zip(kernels, filters, filters[1:], strict=False))

# Squeeze-and-excitation of `f` filters with reduction 16 has two dense layers without biases: `2 f (f /
# 16)`.

gates = sum(2 * f * f // 16 for f in (128, 256))

# An LSTM of 8 units has four gates. Its steps are the *channels*, its features the `n_steps` values of a
# channel: this is the dimension shuffle. The dense layer reads 128 + 8 features.

units = 8
lstm = 4 * units * (n_steps + units + 1)
dense = (128 + units + 1) * n_classes
print(blocks + gates + lstm + dense, "by hand,", network.count_params(), "in the network")

# ## Squeeze-and-excitation
#
# Hu et al. 2018, equations 2 to 4. *Squeeze* is the mean over time; *excitation* is two dense layers,
# ReLU and sigmoid; *scale* multiplies each filter by its gate. In NumPy, with the weights of the first
# block:

layer = next(one for one in network.layers if "squeeze" in one.name)
first, second = (np.asarray(weight) for weight in layer.get_weights())
features = np.random.default_rng(0).normal(size=(2, n_steps, 128)).astype("float32")

squeezed = features.mean(axis=1)  # equation 2: (cases, filters)
excited = 1 / (1 + np.exp(-np.maximum(squeezed @ first, 0) @ second))  # equation 3
scaled = features * excited[:, None]  # equation 4
print("largest difference:", f"{np.abs(scaled - keras.ops.convert_to_numpy(layer(features))).max():.0e}")

# ## The dimension shuffle
#
# Without it the LSTM would take 100 steps of 6 features; with it 6 steps of 100. That is faster where
# there are fewer channels than steps, which is the paper's reason. The weights tell which one a network
# has.

for shuffle in (True, False):
    one = models.build("mlstm_fcn", (n_steps, n_channels), n_classes, dimension_shuffle=shuffle)
    kernel = next(layer for layer in one.layers if "lstm" in layer.name).get_weights()[0]
    print(f"dimension_shuffle={shuffle}: the LSTM reads {kernel.shape[0]} features a step")

# ## The receptive field
#
# Kernels of 8, 5 and 3 steps see 8 + 4 + 2 = 14 steps of a series, however long it is. With dilations
# `d`, `2d`, `4d` they see `1 + 7d + 8d + 8d`. The default chooses `d` so that this is half of the longest
# training series.

for dilations in ((1, 1, 1), (2, 4, 8)):
    one = models.build("mlstm_fcn", (n_steps, n_channels), n_classes, dilation_rates=dilations)
    print(dilations, models.cost(one).receptive_field, "steps")

# ## Where it is
#
# | in the paper | in the source |
# | --- | --- |
# | convolution, batch normalisation, ReLU | `mlstm_fcn/models/lstm_fcn.py`, `_convolution_branch` |
# | dimension shuffle, LSTM, dropout | `mlstm_fcn/models/lstm_fcn.py`, `_recurrent_branch` |
# | squeeze-and-excitation | `mlstm_fcn/layers/squeeze_excite.py` |
# | attention in the LSTM cell (ALSTM-FCN) | `mlstm_fcn/layers/attention_lstm.py` |
# | Adam, batches of 128, class weights | `mlstm_fcn/training/recipes.py`, `PAPER` |
#
# The docstring of `recipes.py` lists all differences between the paper, its authors' code and this package.
