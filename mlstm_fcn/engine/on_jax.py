"""The engine of JAX, whose convolutions are fast on CPUs; steps are compiled for each size of batch."""

from __future__ import annotations

from functools import cached_property
from typing import Any
from weakref import ref

import jax
import keras
import numpy as np

from mlstm_fcn.engine.cache import Call, as_list
from mlstm_fcn.engine.keras_program import KerasProgram, one_or_list
from mlstm_fcn.engine.on_keras import KerasBackend


class JaxProgram(KerasProgram):
    """Steps on data that stay on the device, where Keras' `train_on_batch` moves each batch."""

    def _compile(self, kind: str) -> Any:
        keras_step = getattr(self.model, f"{kind}_step")
        optimizer = [self.model.optimizer.variables] if kind == "train" else []
        groups = [self.model.trainable_variables, self.model.non_trainable_variables, *optimizer]
        groups.append(self.model.metrics_variables)

        @jax.jit
        def run(state: Any, data: Any, cases: Any) -> Any:
            *inputs, targets, weights = (array[cases] for array in data)
            return keras_step(state, (one_or_list(inputs), targets, weights))

        def step(data: Any, cases: Any) -> Any:
            logs, state = run([[variable.value for variable in group] for group in groups], data, cases)
            for group, values in zip(groups, state, strict=True):
                for variable, value in zip(group, values, strict=True):
                    variable.assign(value)
            return logs

        return step


class JaxBackend(KerasBackend):
    """See `engine.Backend`."""

    program_type = JaxProgram

    def __init__(self) -> None:
        super().__init__("jax")

    @cached_property
    def on_cpu(self) -> bool:
        """Whether JAX computes on a CPU by default."""
        return bool(jax.default_backend() == "cpu")

    def devices(self) -> list[str]:
        """As `engine.Backend.devices`."""
        return [f"{device.platform}:{device.id}" for device in jax.devices()]

    def place(self, arrays: list[Any]) -> list[Any]:
        """As `engine.Backend.place`."""
        return [jax.device_put(array) for array in arrays]

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
