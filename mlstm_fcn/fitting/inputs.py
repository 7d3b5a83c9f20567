"""How series become what a model reads: scaling, missing values, and series longer than in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn._options import FILL_METHODS, ON_LONGER, SCALINGS
from mlstm_fcn._warnings import warn
from mlstm_fcn.channel_statistics import channel_statistics, warn_of_constant_channels
from mlstm_fcn.fitting.doubts import warn_of_coarse_channels, warn_of_layout
from mlstm_fcn.loaders.series import LoadedSeries, is_loader
from mlstm_fcn.memmap import MemmapSeries, chunks, is_large
from mlstm_fcn.preprocess import (
    as_container,
    lengths,
    require_complete,
    to_batch,
    with_length,
)

if TYPE_CHECKING:
    import keras

Batch = np.ndarray | MemmapSeries
"""Series `(cases, time, channels)`, NaN where nothing was measured; in memory or not.

In training also `LoadedSeries`, of which cases cannot be chosen.
"""


@dataclass(frozen=True, kw_only=True)
class InputPolicy:
    """How series are read.

    Attributes:
        scaling: `"channel"`: each channel by its mean and standard deviation in the training set;
            `"series"`: each channel of each series by its own; None: not at all.
        missing: `"interpolate"`: linearly in time, held at the ends; `"zero"`: zero after scaling;
            `"error"`: a missing value raises ValueError.
        on_longer: What is done with series longer than the network's fixed length: `"cut"`, `"warn"` (cut
            with a warning) or `"error"`.

    Raises:
        ValueError: If a value is unknown.
    """

    scaling: Literal["channel", "series"] | None = "channel"
    missing: Literal["interpolate", "zero", "error"] = "interpolate"
    on_longer: Literal["warn", "cut", "error"] = "warn"

    def __post_init__(self) -> None:
        require_choice("scaling", self.scaling, SCALINGS)
        require_choice("missing", self.missing, (*FILL_METHODS, "error"))
        require_choice("on_longer", self.on_longer, ON_LONGER)

    def read(self, X: Any, *, warns: bool = False) -> Batch:
        """Checked series as models read them; large memory-mapped ones are not read yet.

        Args:
            X: As `Cases.X`.
            warns: Whether to warn of more channels than steps, and of channels of which float32 keeps little
                (not of memory-mapped ones).

        Raises:
            ValueError: If X holds what it must not, or misses a value and `missing` is `"error"`.
        """
        if isinstance(X, LoadedSeries):
            complete = self.missing != "error" or X.survey.complete
            require(complete, "No value of X may be missing, with missing='error'.")
            loaded: Any = X
            if warns:
                warn_of_layout(X.shape[::2] + X.shape[1:2])
            return loaded
        require(not is_loader(X), "Here X must be series; a loader is for `fit` and `predict`.")
        X = as_container(X)
        rule = "Here X must be an array or a list of series; an estimator reads panels in one data frame too."
        require(not hasattr(X, "columns"), rule, X=type(X).__name__)
        if isinstance(X, np.ndarray) and not is_large(X):
            X = X[:, None] if X.ndim == 2 else X
        if warns and isinstance(X, np.ndarray):
            warn_of_layout(X.shape)
        if is_large(X):
            batch: Batch = MemmapSeries(X).trimmed()
        else:
            batch = to_batch(X)
            if warns:
                warn_of_coarse_channels(X)
        if self.missing == "error":
            require_complete(chunks(batch))
        return batch

    def fit_length(self, batch: Batch, time: int | None, channels: int) -> Batch:
        """Series at the length that the network fixes, if it fixes one.

        Raises:
            ValueError: If the number of channels differs, or series are longer and `on_longer` is `"error"`.

        Warns:
            UserWarning: If series are cut and `on_longer` is `"warn"`.
        """
        n_cases, steps, n_channels = batch.shape
        repair = ""
        if n_channels == 1 and n_cases == channels:
            repair = " If X is one series (channels, time), give [X]."
        elif steps == channels:
            repair = " If its series are (time, channels), give np.swapaxes(X, 1, 2)."
        rule = f"X must have {channels} channels, as in fit.{repair}"
        require(n_channels == channels, rule, channels=n_channels)
        if time is None or steps == time:
            return batch
        rule = f"X must not be longer than {time} steps, as in fit; `on_longer='cut'` cuts it."
        require(self.on_longer != "error" or steps <= time, rule, steps=steps)
        if steps > time and self.on_longer == "warn":
            text = (
                f"Series of up to {steps} steps are cut to {time}, the longest length in fit. "
                "`on_longer='cut'` does so without a warning, `on_longer='error'` refuses them."
            )
            warn(text)
        return with_length(batch, time) if isinstance(batch, np.ndarray) else batch.with_length(time)

    def preprocessor(self, batch: Batch) -> keras.Model:
        """Scaling and filling in as a model, with the statistics of training series.

        Warns:
            UserWarning: If a channel is constant, which the network then ignores.
        """
        from mlstm_fcn.models.pipeline import build_preprocessor

        mean, std = _statistics(batch)
        warn_of_constant_channels(std)
        missing = "zero" if self.missing == "error" else self.missing
        return build_preprocessor(mean, std, scaling=self.scaling, missing=missing)

    def differs_from(self, other: InputPolicy) -> dict[str, Any]:
        """What a trained model has built in and is not the same in another policy, with its values here."""
        names = [name for name in ("scaling", "missing") if getattr(self, name) != getattr(other, name)]
        return {name: getattr(self, name) for name in names}

    def cannot_read_for(self, other: InputPolicy) -> dict[str, Any]:
        """As `differs_from`, but any trained model may come to refuse missing values."""
        changed = self.differs_from(other)
        return {n: value for n, value in changed.items() if (n, value) != ("missing", "error")}


def warn_of_ignored_channels(preprocessor: keras.Model, batch: Batch) -> None:
    """Warn about channels that vary in series, but were constant when a preprocessor was made."""
    from mlstm_fcn.models.pipeline import constant_channels

    if constant := constant_channels(preprocessor):
        std = _statistics(batch)[1]
        if vary := [channel for channel in constant if std[channel] > 0]:
            text = (
                f"The network ignores channels that were constant in the first fit, and vary now: {vary}. "
                "A new `fit` learns from them."
            )
            warn(text)


def _statistics(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(batch, LoadedSeries):
        return batch.survey.mean, batch.survey.std
    return channel_statistics(chunks(batch))


def ends_early(batch: Batch) -> bool:
    """Whether a series ends before the last step."""
    if isinstance(batch, LoadedSeries):
        return batch.survey.shortest < batch.shape[1]
    return any(lengths(piece).min() < batch.shape[1] for piece in chunks(batch))
