"""How fits are computed, as a value that users give."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from mlstm_fcn._checks import did_you_mean, require, require_choice, require_positive_int

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
DISTRIBUTIONS = (None, "data")


@dataclass(frozen=True, kw_only=True, repr=False)
class Engine:
    """How fits are computed: their speed, and their results as far as rounding goes.

    Attributes:
        precision: Arithmetic of convolutions after the first, of normalisation and squeeze-and-excitation in
            training; weights, statistics, gates, LSTM, output and loss are float32 in any case (mixed
            precision, Micikevicius et al. 2018, arXiv 1710.03740). `"float32"`; `"bfloat16"`, with 8 bits of
            precision; `"float16"`, with 11 bits and a scaled loss, which suits older GPUs; `"auto"`: bfloat16
            where the device multiplies it faster, series have one length, and the network has layers of Keras
            and this package alone; else float32. Figures of each epoch, validation too, are computed in it.
            Fitted, saved and exported networks are float32, and so are their predictions.
        n_jobs: Number of processes in which the members of an ensemble train side by side, on CPUs; on
            TensorFlow of one thread each. 1: one after another in this process, with all threads. Processes
            start in some seconds, so it pays for ensembles that train longer. They show no progress and take
            no callbacks, layers, losses or optimizers of your own.
        device: Where training runs, on TensorFlow or JAX: `"cpu"`, `"gpu"`, or one of several, such as
            `"gpu:1"`; `"auto"`: where the backend does by default. Fitted networks and predictions are on the
            default device in any case, and a saved model does not depend on devices.
        distribution: `"data"`: each batch is divided among all devices of the kind, of which there must be at
            least two; every device holds all cases and weights. On TensorFlow this is a `MirroredStrategy`,
            on JAX `keras.distribution.DataParallel`, which also spans processes that `jax.distributed`
            connects. Loss, gradients and the statistics of batch normalisation are those of the whole batch
            (synchronised), so training goes as on one device up to rounding; on TensorFlow, dropout draws
            other masks. None: one device.
    """

    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    n_jobs: int = 1
    device: str = "auto"
    distribution: Literal["data"] | None = None

    def __post_init__(self) -> None:
        require_choice("precision", self.precision, PRECISIONS)
        require_positive_int("n_jobs", self.n_jobs)
        rule = "`device` must be 'auto', 'cpu', 'gpu', or one of several, such as 'gpu:1'."
        named = isinstance(self.device, str) and re.fullmatch(r"auto|(cpu|gpu)(:\d+)?", self.device)
        require(bool(named), rule, device=self.device)
        require_choice("distribution", self.distribution, DISTRIBUTIONS)
        rule = "`distribution` requires all devices of a kind ('auto', 'cpu' or 'gpu') and `n_jobs=1`."
        fits = self.distribution is None or (":" not in self.device and self.n_jobs == 1)
        require(fits, rule, device=self.device, n_jobs=self.n_jobs)

    @classmethod
    def named(cls, engine: str | Engine) -> Engine:
        """The engine that `"auto"` stands for, or an engine itself."""
        if isinstance(engine, cls):
            return engine
        rule = "`engine` must be 'auto' or an Engine, such as Engine(precision='bfloat16')."
        require(isinstance(engine, str) and engine == "auto", rule, engine=engine)
        return AUTO

    def but(self, **changes: Any) -> Engine:
        """This engine with changes."""
        for name in changes:
            known = [one.name for one in fields(self)]
            repair = did_you_mean(name, known) or f"It has {', '.join(known)}."
            require(name in known, f"Engine has no option {name!r}. {repair}")
        return replace(self, **changes)

    def __repr__(self) -> str:
        """The options that differ from the default engine."""
        changed = (
            f"{name}={value!r}" for name, value in vars(self).items() if value != getattr(Engine, name)
        )
        return f"Engine({', '.join(changed)})"


AUTO = Engine()
"""All as this device is fastest."""
