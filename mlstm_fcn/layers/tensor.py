"""The type of what layers and blocks compute with."""

from typing import TypeAlias

import keras

Tensor: TypeAlias = keras.KerasTensor
"""A tensor of a graph, or one with values."""
