"""The engine of JAX, whose convolutions are fast on CPUs; steps are compiled for each size of batch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any
from weakref import ref

import jax
import keras
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from mlstm_fcn.engine.cache import Call, as_list
from mlstm_fcn.engine.jax_program import JaxLoopProgram, JaxProgram
from mlstm_fcn.engine.on_keras import KerasBackend


class JaxBackend(KerasBackend):
    """See `engine.Backend`."""

    def __init__(self) -> None:
        super().__init__("jax")

    @property
    def program_type(self) -> type[JaxProgram]:
        """A call for each step on a CPU, for many on other devices."""
        return JaxProgram if self.on_cpu else JaxLoopProgram

    @cached_property
    def default_kind(self) -> str:
        """JAX' name of it."""
        return str(jax.default_backend())

    def _scope(self, names: Sequence[str]) -> AbstractContextManager[Any]:
        """A device, or Keras' distribution over several."""
        if len(names) == 1:
            return keras.device(names[0])
        return keras.distribution.DataParallel(devices=list(names), auto_shard_dataset=False).scope()

    def devices(self) -> list[str]:
        """As `engine.Backend.devices`."""
        every = dict.fromkeys([*jax.devices("cpu"), *jax.devices()])
        return [f"{device.platform}:{device.id}" for device in every]

    def gradient(self, model: keras.Model, batch: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """As `engine.Backend.gradient`."""
        variables = model.trainable_variables, model.non_trainable_variables
        values = [[variable.value for variable in part] for part in variables]

        def total(series: Any) -> Any:
            outputs, _ = model.stateless_call(*values, series, training=False)
            return (outputs * weights).sum()

        return np.asarray(jax.grad(total)(batch.astype(np.float32)))

    def place(self, arrays: list[Any]) -> list[Any]:
        """As `engine.Backend.place`; on every device of a distribution."""
        distribution = keras.distribution.distribution()
        if distribution is None:
            return [jax.device_put(array) for array in arrays]
        whole = NamedSharding(distribution.device_mesh.backend_mesh, PartitionSpec())
        return [jax.device_put(array, whole) for array in arrays]

    def _own_prediction(self, model: keras.Model) -> Call:
        model_ref, n_trainable = ref(model), len(model.trainable_variables)

        @jax.jit
        def predict(weights: Any, series: Any) -> Any:
            parts = weights[:n_trainable], weights[n_trainable:]
            outputs, _ = model_ref().stateless_call(*parts, series, training=False)  # type: ignore[union-attr]
            return as_list(outputs)

        def call(model: keras.Model, series: np.ndarray) -> list[np.ndarray]:
            """Compiled for 1, 2, 4, ... cases: other numbers are padded with the first case."""
            missing = (1 << (len(series) - 1).bit_length()) - len(series)
            filled = np.concatenate([series, np.repeat(series[:1], missing, axis=0)])
            variables = [*model.trainable_variables, *model.non_trainable_variables]
            outputs = predict([variable.value for variable in variables], filled)
            return [np.asarray(output)[: len(series)] for output in outputs]

        return call
