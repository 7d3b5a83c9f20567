"""What every estimator shares: parameters of training, checks, fitting, predicting.

An estimator is an sktime estimator and a scikit-learn estimator at once. It is a dataclass: each field is
a constructor parameter, written once with its type and default. Keras is imported when a network is first
needed, not before, so that the user can choose the backend.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.estimators.saving import Saving
from mlstm_fcn.preprocess import (
    Container,
    channel_statistics,
    lengths,
    pad,
    require_complete,
    to_batch,
    with_length,
)
from mlstm_fcn.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    import keras


# Made when they are first needed, and no part of an estimator's state: predicting changes nothing.
_MASKED_MODELS: WeakKeyDictionary[keras.Model, keras.Model] = WeakKeyDictionary()


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkEstimator(Saving):
    """The mechanism of all estimators; mixed in before sktime's base class for the task.

    Parameters:
        preset: Recipe of training, with the network options that belong to it: `"default"` or `"paper"`.
        n_epochs: Passes over the training set; None for the preset's.
        batch_size: Cases a gradient step; None for the preset's.
        learning_rate: Highest learning rate of the schedule; None for the preset's.
        scaling: `"channel"`: each channel by its mean and standard deviation in the training set;
            `"series"`: each channel of each series by its own; None: not at all.
        missing: `"interpolate"`: linearly in time, held at the ends; `"zero"`: zero after scaling, the
            mean; `"error"`: a missing value raises ValueError.
        longer: What becomes of series longer than the longest training series, where the network has a
            fixed length: `"error"` raises ValueError, `"cut"` drops what is too long.
        random_state: Decides initial weights, dropout and the order of cases: an integer or a
            `numpy.random.RandomState` for reproducible results, or None.
        verbose: 1 shows a progress bar during fit, 0 nothing.
    """

    preset: str = "default"
    n_epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    scaling: Literal["channel", "series"] | None = "channel"
    missing: Literal["interpolate", "zero", "error"] = "interpolate"
    longer: Literal["error", "cut"] = "error"
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    _tags: ClassVar[dict[str, Any]] = {
        "X_inner_mtype": ["df-list", "numpy3D"],  # the order decides what unequal lengths become
        "y_inner_mtype": "numpy1D",
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "capability:missing_values": True,
        "capability:categorical_in_X": False,
        "capability:random_state": True,
        "property:randomness": "derandomized",
        "python_dependencies": "keras>=3.12",
        "authors": ["mlstm_fcn developers"],
        "maintainers": ["mlstm_fcn developers"],
    }

    def __post_init__(self) -> None:
        """Run sktime's constructor after the dataclass's; sktime's calls this hook once more itself."""
        if "_tags_dynamic" not in self.__dict__:  # what sktime's constructor sets first
            super().__init__()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Put the shared parameters into the docstring of each estimator, where help looks for them."""
        super().__init_subclass__(**kwargs)
        shared = (NetworkEstimator.__doc__ or "").partition("    Parameters:\n")[2].rstrip()
        cls.__doc__ = (cls.__doc__ or "").replace("    {training parameters}", shared)

    def fit(self, X: Any, y: Any) -> NetworkEstimator:
        """Fit to series and their targets.

        Args:
            X: Series: an array of shape `(cases, channels, time)` or `(cases, time)`, a list of arrays
                `(channels, time)` that may differ in length, or any panel container that sktime knows.
                NaN is a missing value; steps at the end at which all channels are NaN are padding.
            y: One target for each case.

        Returns:
            The estimator itself.

        Raises:
            ValueError: If X and y do not fit together, hold what they must not, or a parameter is out of
                its range.
        """
        y = y if hasattr(y, "columns") else np.asarray(y)  # sktime wants an array or a frame
        _require_cases(X, y)
        return super().fit(X, y)

    # What an estimator adds: its network.

    def _network(self, input_shape: tuple[int, int], n_outputs: int, masked: bool) -> keras.Model:
        """Build an untrained network for series `(time, channels)`, time being the longest one's."""
        raise NotImplementedError

    # Fitting and predicting; a task (classification, regression) calls these.

    def _fit_network(
        self,
        X: Container,
        targets: np.ndarray,
        sample_weight: np.ndarray,
        loss: keras.losses.Loss,
        metrics: list[str],
    ) -> None:
        """Train a new network and set `model_` and `history_`."""
        from mlstm_fcn.inference import predict
        from mlstm_fcn.models.raw_series import front, join, with_mask
        from mlstm_fcn.progress import ProgressBar
        from mlstm_fcn.train import seeded, train

        batch = self._batch(X)
        masked = bool(lengths(batch).min() < batch.shape[1])
        before = front(*channel_statistics(batch), scaling=self.scaling, missing=self._fill_in)
        before = with_mask(before) if masked else before
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        with seeded(rng):
            network = self._network(batch.shape[1:], targets.shape[1], masked)
            self.history_ = train(
                network,
                predict(before, batch),
                targets,
                sample_weight,
                self._recipe(),
                loss=loss,
                metrics=metrics,
                rng=rng,
                callbacks=[ProgressBar()] if self.verbose else [],
            )
            self.model_ = join(before, network)

    def _outputs(self, X: Container) -> np.ndarray:
        """The trained network's outputs for series."""
        from mlstm_fcn.inference import predict

        batch = self._batch(X)
        _, time, channels = self.model_.input_shape
        require(
            batch.shape[2] == channels,
            f"X must have {channels} channels, as in fit.",
            channels=batch.shape[2],
        )
        if time is not None:
            rule = f"X must not be longer than {time} steps, as in fit, or be cut to that with longer='cut'."
            require(self.longer == "cut" or batch.shape[1] <= time, rule, steps=batch.shape[1])
            batch = with_length(batch, time)
        ends_early = lengths(batch).min() < batch.shape[1]
        (outputs,) = predict(self._masked_model() if ends_early else self.model_, batch)
        return outputs

    def _batch(self, X: Container) -> np.ndarray:
        """Checked series as models read them."""
        require_choice("scaling", self.scaling, ("channel", "series", None))
        require_choice("missing", self.missing, ("interpolate", "zero", "error"))
        require_choice("longer", self.longer, ("error", "cut"))
        batch = to_batch(X)
        if self.missing == "error":
            require_complete(batch)
        return batch

    @property
    def _fill_in(self) -> str:
        return "zero" if self.missing == "error" else self.missing

    def _masked_model(self) -> keras.Model:
        """The model itself if it reads a mask, else one with the same weights that does."""
        from mlstm_fcn.models.raw_series import join, parts, takes_mask, with_mask
        from mlstm_fcn.train import seeded

        before, network = parts(self.model_)
        if takes_mask(network):
            return self.model_
        if self.model_ not in _MASKED_MODELS:
            _, time, channels = self.model_.input_shape
            with seeded(np.random.default_rng(0)):
                masked = self._network((time, channels), network.output_shape[-1], True)
            masked.set_weights(network.get_weights())
            _MASKED_MODELS[self.model_] = join(with_mask(before), masked)
        return _MASKED_MODELS[self.model_]

    def _recipe(self) -> Recipe:
        """The preset, with the user's changes."""
        require_choice("preset", self.preset, RECIPES)
        changes = {name: getattr(self, name) for name in ("n_epochs", "batch_size", "learning_rate")}
        return dataclasses.replace(
            RECIPES[self.preset], **{name: value for name, value in changes.items() if value is not None}
        )

    def _internal_convert(self, X: Any, y: Any = None) -> Any:
        """Where sktime converts what is convenient; it knows no lists of arrays."""
        if isinstance(X, list | tuple) and all(isinstance(case, np.ndarray) for case in X):
            X = pad(X)
        return super()._internal_convert(X, y)


def _require_cases(X: Any, y: Any) -> None:
    """Check what sktime does not, or not in a sentence."""
    if isinstance(X, np.ndarray):
        require(X.ndim in (2, 3), "X must be (cases, channels, time) or (cases, time).", shape=X.shape)
        require(X.size > 0, "X must hold at least one value.", shape=X.shape)
        require(len(X) == len(y), "X and y must have equally many cases.", X=len(X), y=len(y))
    missing = np.flatnonzero(pd.isna(y).reshape(len(y), -1).any(axis=1))
    require(len(missing) == 0, "Every case must have a target.", cases_without_one=missing[:5].tolist())
