"""What the rest of the package asks of a backend: training steps, predictions, and ways to compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mlstm_fcn.engine.options import Engine, Precision

if TYPE_CHECKING:
    import keras

Figures = dict[str, float]
"""Loss and metrics by name."""


class Source(Protocol):
    """Cases that training steps read.

    Attributes:
        resident: Whether all cases are in memory and every step reads them unchanged.
        at_once: Number of cases that may be read at once for several steps; 1: each step is read alone.
    """

    resident: bool
    at_once: int

    def __len__(self) -> int: ...

    def read(self, cases: np.ndarray) -> list[Any]:
        """Some cases in memory: the network's inputs, then targets and sample weights."""
        ...

    def sample(self) -> list[Any]:
        """Arrays of one case, to learn shapes and types from; draws nothing at random."""
        ...

    def on_device(self, place: Callable[[list[Any]], Any]) -> Any:
        """All arrays of a resident source as `place` puts them on the device; placed once."""
        ...


class Program(Protocol):
    """A compiled Keras model with its training and validation steps.

    Attributes:
        model: The compiled model; its variables are up to date between calls.
    """

    model: keras.Model

    def prepare(self, source: Source) -> None:
        """Create all variables of optimizer and metrics."""
        ...

    def train(
        self, source: Source, batches: Sequence[np.ndarray], rates: np.ndarray | None = None
    ) -> Figures:
        """Train one step for each batch.

        Args:
            source: The cases.
            batches: Indices of the cases of each step.
            rates: Learning rate of each step; None leaves the optimizer's own.

        Returns:
            Loss and metrics since the model's `reset_metrics`, read from the device at once, at the end.
        """
        ...

    def evaluate(self, source: Source, n_steps: int) -> Figures:
        """Loss and metrics over all cases, series of `n_steps` steps; resets the model's metrics before."""
        ...


class Backend(Protocol):
    """One backend on one device.

    Attributes:
        name: Keras' name of the backend.
    """

    name: str

    def start(self) -> None:
        """Let the backend look for its devices, and keep what it says of them off standard error."""
        ...

    @property
    def on_cpu(self) -> bool:
        """Whether steps run on a CPU, as far as the backend knows."""
        ...

    def on(self, engine: Engine) -> AbstractContextManager[None]:
        """Programs that are made and run within the block train on the devices that an engine chooses.

        Raises:
            ValueError: If the backend does not see them.
        """
        ...

    def program(
        self,
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: keras.losses.Loss | str,
        metrics: Sequence[str],
        *,
        reusable: bool,
        precision: Precision = "float32",
    ) -> AbstractContextManager[Program]:
        """A program that trains a network; the network has what was learnt when the block ends.

        Args:
            network: The network.
            optimizer: Not built yet.
            loss: What to minimise.
            metrics: Names of further figures.
            reusable: Whether a later fit may reuse the program. Must be False where user code, such as a
                callback, could keep or change its model.
            precision: Arithmetic of the layers that lose nothing by fewer bits.
        """
        ...

    @property
    def precision_reason(self) -> str:
        """Why `"auto"` is what it is on this device, for people."""
        ...

    @property
    def lstm_reason(self) -> str:
        """How training computes an LSTM on this device, for people."""
        ...

    def devices(self) -> list[str]:
        """Devices by Keras' names, such as `"cpu:0"` and `"gpu:0"`."""
        ...

    def precision_for(self, network: keras.Model, wanted: str) -> Precision:
        """The arithmetic to train a network with; `"auto"` is the fastest that suits network and device.

        Raises:
            ValueError: If fewer bits are wanted, and the network has layers of the user's own.
        """
        ...

    def predict(self, model: keras.Model, batch: np.ndarray, at_once: int | None = None) -> list[np.ndarray]:
        """The outputs of a model, each `(cases, ...)`, for series of shape `(cases, time, channels)`.

        Args:
            model: The model.
            batch: The series.
            at_once: Number of cases that are computed together; None: as many as suit a network.
        """
        ...

    def gradient(self, model: keras.Model, batch: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The gradient of a weighted sum of a model's outputs by its inputs.

        Args:
            model: With one input and one output, `(cases, outputs)`.
            batch: Series `(cases, time, channels)`, float32.
            weights: Of each output of each case, `(cases, outputs)`.

        Returns:
            Shape `(cases, time, channels)`.
        """
        ...

    def place(self, arrays: list[Any]) -> Any:
        """Arrays as the engine's steps read them."""
        ...

    def conv(
        self, series: Any, kernel: Any, *, strides: int = 1, padding: str = "valid", dilation_rate: int = 1
    ) -> Any:
        """Convolution in the formulation that is fastest on this device.

        Args:
            series: `(batch, time, channels)`.
            kernel: `(size, channels / groups, filters)`, from which the number of groups follows.
            strides: Steps between outputs.
            padding: `"valid"` or `"same"`.
            dilation_rate: Steps between the elements of the kernel; above 1 only with `strides=1`.
        """
        ...

    def fused_batch_norm(self, dtype: str) -> Callable[..., tuple[Any, Any, Any]] | None:
        """Batch normalisation by batch statistics in one pass, or None where the backend has none.

        The function takes series `(batch, time, channels)`, scale and offset `(channels,)`, epsilon, and None
        or a mask `(batch, time)` of the valid steps, which then decide the statistics alone. It returns the
        normalised series, and mean and (biased) variance of each channel, both float32.
        """
        ...

    def unrolls(self, n_steps: int | None) -> bool:
        """Whether a recurrent layer over this number of steps is faster unrolled than as a loop."""
        ...
