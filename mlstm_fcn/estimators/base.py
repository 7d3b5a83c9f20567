"""What every estimator shares: parameters of training, checks, fitting, and the two libraries' contracts.

An estimator is an sktime estimator and a scikit-learn estimator at once. It is a dataclass: each field is
a constructor parameter, written once with its type and default. Keras is imported when a network is first
needed, not before, so that the user can choose the backend.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError as SklearnNotFittedError
from sklearn.utils import check_random_state
from sktime.base import BaseEstimator as SktimeBaseEstimator
from sktime.exceptions import NotFittedError as SktimeNotFittedError

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn.preprocess import channel_statistics, to_batch
from mlstm_fcn.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    import keras

# What scikit-learn keeps on an estimator across calls of fit, and sktime's reset would delete.
_SKLEARN_STATE = (
    "_callback_fit_ctx",
    "_metadata_request",
    "_parent_callback_ctx",
    "_skl_callbacks",
    "_skl_callbacks_to_teardown",
    "_sklearn_output_config",
)


class NotFittedError(SktimeNotFittedError, SklearnNotFittedError):
    """An estimator was asked for a result before it was fitted; both libraries' error of that name."""


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkEstimator(SktimeBaseEstimator):
    """The mechanism of all estimators; mixed in before sktime's base class for the task.

    Parameters:
        preset: Recipe of training, with the network options that belong to it: `"default"` or `"paper"`.
        n_epochs: Passes over the training set; None for the preset's.
        batch_size: Cases a gradient step; None for the preset's.
        learning_rate: Highest learning rate of the schedule; None for the preset's.
        random_state: Decides initial weights, dropout and the order of cases: an integer or a
            `numpy.random.RandomState` for reproducible results, or None.
        verbose: 1 shows a progress bar during fit, 0 nothing.
    """

    preset: str = "default"
    n_epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    _tags: ClassVar[dict[str, Any]] = {
        "X_inner_mtype": "numpy3D",
        "y_inner_mtype": "numpy1D",
        "capability:multivariate": True,
        "capability:unequal_length": False,
        "capability:missing_values": False,
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

    # What a task (classification, regression) and an estimator add.

    def _network(self, input_shape: tuple[int | None, int], n_outputs: int) -> keras.Model:
        """Build an untrained network."""
        raise NotImplementedError

    # Fitting.

    def _fit_network(
        self,
        X: np.ndarray,
        targets: np.ndarray,
        sample_weight: np.ndarray,
        loss: keras.losses.Loss,
        metrics: list[str],
    ) -> None:
        """Train a new network and set `model_` and `history_`."""
        from mlstm_fcn.models.raw_series import raw_series_model
        from mlstm_fcn.progress import ProgressBar
        from mlstm_fcn.train import seeded, train

        batch = to_batch(X)
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31))
        with seeded(rng):
            network = self._network(batch.shape[1:], targets.shape[1])
            self.model_ = raw_series_model(network, *channel_statistics(batch))
            self.history_ = train(
                self.model_,
                batch,
                targets,
                sample_weight,
                self._recipe(),
                loss=loss,
                metrics=metrics,
                rng=rng,
                callbacks=[ProgressBar()] if self.verbose else [],
            )

    def _recipe(self) -> Recipe:
        """The preset, with the user's changes."""
        require_choice("preset", self.preset, RECIPES)
        changes = {name: getattr(self, name) for name in ("n_epochs", "batch_size", "learning_rate")}
        return dataclasses.replace(
            RECIPES[self.preset], **{name: value for name, value in changes.items() if value is not None}
        )

    def _outputs(self, X: np.ndarray) -> np.ndarray:
        """The trained network's outputs for series of shape `(cases, channels, time)`."""
        from mlstm_fcn.inference import predict

        batch = to_batch(X)
        time, channels = self.model_.input_shape[1:]
        require(
            batch.shape[1:] == (time, channels),
            f"X must have {channels} channels of {time} steps, as in fit.",
            n_channels=batch.shape[2],
            n_steps=batch.shape[1],
        )
        return predict(self.model_, batch)

    # What a fitted estimator knows beside its network, as plain values for a JSON file.

    def get_fitted_state(self) -> dict[str, Any]:
        """Parameters and results of fit that are not in the network, as plain values.

        Raises:
            NotFittedError: If the estimator is not fitted.
            ValueError: If it has no network because fit saw one class only.
        """
        self.check_is_fitted("saving")
        require(hasattr(self, "model_"), "There is no network to save: fit saw one class only.")
        parameters = self.get_params(deep=False)
        if not isinstance(self.random_state, int):
            parameters["random_state"] = None  # the state of a generator is not part of what was learned
        return {"estimator": type(self).__name__, "parameters": parameters, "history": self.history_}

    @classmethod
    def from_fitted_state(cls, model: keras.Model, state: dict[str, Any]) -> NetworkEstimator:
        """The fitted estimator of a network and what `get_fitted_state` gave, perhaps through JSON.

        Raises:
            ValueError: If the state does not fit the estimator.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        parameters = state.get("parameters", {})
        require(set(parameters) <= known, "Unknown parameters.", parameters=sorted(set(parameters) - known))
        lists = {name: tuple(value) for name, value in parameters.items() if isinstance(value, list)}
        estimator = cls(**{**parameters, **lists})
        estimator.model_ = model
        estimator.history_ = state.get("history", {})
        estimator._y_metadata = {"is_univariate": True}  # what sktime notes in fit and asks in predict
        estimator._is_fitted = True
        return estimator

    # sktime's and scikit-learn's contracts.

    def fit(self, X: Any, y: Any) -> NetworkEstimator:
        """Fit to series and their targets.

        Args:
            X: Series, an array of shape `(cases, channels, time)` or `(cases, time)`, or any panel
                container that sktime knows.
            y: One target for each case.

        Returns:
            The estimator itself.

        Raises:
            ValueError: If X and y do not fit together, hold values that are not finite, or a parameter
                is out of its range.
        """
        y = y if hasattr(y, "columns") else np.asarray(y)  # sktime wants an array or a frame
        _require_cases(X, y)
        return super().fit(X, y)

    def reset(self) -> NetworkEstimator:
        """Forget what was fitted, as sktime does, but keep what scikit-learn stores between calls."""
        kept = {name: self.__dict__[name] for name in _SKLEARN_STATE if name in self.__dict__}
        super().reset()
        self.__dict__.update(kept)
        return self

    def check_is_fitted(self, method_name: str | None = None) -> None:
        """Raise unless fit has been called.

        Raises:
            NotFittedError: Both sktime's and scikit-learn's error of that name.
        """
        if not self._is_fitted:
            name = type(self).__name__
            raise NotFittedError(
                f"This {name} has not been fitted yet: call fit before {method_name or 'this'}."
            )

    def __sklearn_is_fitted__(self) -> bool:
        return bool(self._is_fitted)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.non_deterministic = self.random_state is None
        return tags


def _require_cases(X: Any, y: Any) -> None:
    """Check what sktime does not, or not in a sentence."""
    if isinstance(X, np.ndarray):
        require(X.ndim in (2, 3), "X must be (cases, channels, time) or (cases, time).", shape=X.shape)
        require(X.size > 0, "X must hold at least one value.", shape=X.shape)
        require(len(X) == len(y), "X and y must have equally many cases.", X=len(X), y=len(y))
    missing = np.flatnonzero(pd.isna(y).reshape(len(y), -1).any(axis=1))
    require(len(missing) == 0, "Every case must have a target.", cases_without_one=missing[:5].tolist())
