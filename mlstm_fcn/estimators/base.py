"""What every estimator shares. Keras is imported when a network is needed: the user chooses the backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.callback import with_callbacks

from mlstm_fcn.engine import Engine
from mlstm_fcn.estimators.parameters import TrainingParameters
from mlstm_fcn.estimators.saving import Saving
from mlstm_fcn.loaders.series import is_loader
from mlstm_fcn.memmap import is_large

if TYPE_CHECKING:
    from mlstm_fcn.fitting import FittedNetwork, NetworkSpec, Task


_CAPABILITIES = ("multivariate", "unequal_length", "missing_values", "sample_weight", "random_state")


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkEstimator(TrainingParameters, Saving):
    """The mechanism of all estimators; mixed in before sktime's base class for the task.

    Attributes:
        fitted_: The `mlstm_fcn.fitting.FittedNetwork`: all that fit has made, without sktime.
        model_: Its trained `keras.Model`, from `(batch, time, channels)` to probabilities or numbers, both in
            the units of the data.
        history_: Loss and metrics of each epoch, by name; means over the members of an ensemble.
        n_epochs_: Number of epochs of the last fit, and of each `partial_fit` since.
        network_options_: Options of each member; those that follow the series' length are numbers.
    """

    _tags: ClassVar[dict[str, Any]] = {
        "X_inner_mtype": ["df-list", "numpy3D"],  # the order decides what unequal lengths become
        "y_inner_mtype": "numpy1D",
        **dict.fromkeys((f"capability:{name}" for name in _CAPABILITIES), True),
        "capability:categorical_in_X": False,
        "property:randomness": "derandomized",
        "python_dependencies": "keras>=3.12",
        "authors": ["mlstm_fcn developers"],
        "maintainers": ["mlstm_fcn developers"],
    }

    _task_type: ClassVar[str]  # of `mlstm_fcn.fitting`

    def __post_init__(self) -> None:
        """Run sktime's constructor after the dataclass's; sktime's calls this hook once more itself."""
        if "_tags_dynamic" not in self.__dict__:  # what sktime's constructor sets first
            super(TrainingParameters, self).__init__()

    def network_spec(self) -> NetworkSpec:
        """The network, with the options that the constructor was given."""
        raise NotImplementedError

    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        groups: Any = None,
    ) -> NetworkEstimator:
        """Fit to series and their targets, and return the estimator.

        An interrupt from the keyboard is raised again; the estimator keeps its whole epochs (`n_epochs_`).

        Args:
            X: Series: an array of shape `(cases, channels, time)` or `(cases, time)`, a list of arrays
                `(channels, time)` that may differ in length, or any panel container of sktime's. A large
                `numpy.memmap` (256 MiB) is read batch by batch. NaN is missing, or padding at the end.
                Or a loader of batches `(X, y)` or `(X, y, weights)`, see `mlstm_fcn.loaders`.
            y: One target for each case; classes also as one-hot rows. Or several, as an array: numbers, or
                labels that a case has or not, as a matrix of 0 and 1 (a sparse one if it is one-hot).
            sample_weight: A weight, not negative, for each case; None: 1.
            X_val: Series for validation after each epoch.
            y_val: Their targets.
            groups: The group of each case, such as the person; `validation_split` then divides no group.

        Raises:
            ValueError: If X and y do not fit together, hold what they must not, or a parameter is out of
                its range; with `warm_start`, if a parameter of the network has changed.
        """
        given: Any = {"sample_weight": sample_weight, "X_val": X_val, "y_val": y_val, "groups": groups}
        if (start := self.__previous) is None:
            return self._fit_with(X, y, **given)
        start.require_same(self.network_spec(), self.input_policy())
        return self._fit_with(X, y, **given, start=replace(start, history={}), task=start.task)

    def fine_tune(
        self,
        X: Any,
        y: Any = None,
        freeze: Sequence[str] = (),
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        groups: Any = None,
        **parameters: Any,
    ) -> NetworkEstimator:
        """Train a copy of this fitted estimator further on other data, which may have other labels.

        The copy, which is returned, starts from all weights that fit, and keeps scaling and filling in. Its
        head is new where the number of classes differs, or it is solved in closed form. Series
        have the channels of the first fit. `freeze` holds prefixes of the names of layers that keep their
        weights: `("conv", "squeeze_excite")` is the convolution branch, `("lstm", "attention_lstm")` the
        other. `parameters` differ in the copy, such as `learning_rate=0.01`. All else is as in `fit`. It is a
        ValueError if `freeze` matches no layer, or a parameter would change the network.
        """
        start = self._require_network("fine_tune")
        shared = {n: v for n, v in self.get_params(False).items() if callable(v) or n == "network_params"}
        tuned: NetworkEstimator = self.clone().set_params(**{**shared, **parameters})  # a copy differs
        given: Any = {"sample_weight": sample_weight, "X_val": X_val, "y_val": y_val, "groups": groups}
        given["start"] = replace(start, history={}, epochs_trained=0)
        given["task"] = start.task if start.task.suits(y) else None
        return tuned._fit_with(X, y, **given, freeze=(freeze,) if isinstance(freeze, str) else freeze)

    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> NetworkEstimator:
        """Train for one more epoch at a constant learning rate; the first call prepares as `fit` does.

        The first call decides channels, length and scaling. The optimizer is new in each call. After
        `set_params` has reset the estimator, it warns. Arguments, result and errors are those of `fit`.
        """
        return self._fit_one_epoch(X, y, sample_weight)

    @with_callbacks
    def _fit_with(self, X: Any, y: Any, **request: Any) -> NetworkEstimator:
        from mlstm_fcn.fitting.learning import checked, for_one_network

        X, y = checked(X, y, self._task_type, **request)
        if task := request.get("task"):
            task.require_same(y)
        if is_large(X) or is_loader(X) or for_one_network(y, self._task_type):
            self.reset()
            return self._fit_directly(X, y, **request)
        self.__request = request  # sktime's reset keeps names with two underscores
        try:
            return super().fit(X, y)
        except KeyboardInterrupt:
            self._is_fitted = hasattr(self, "fitted_")
            raise
        finally:
            self.__request = {}

    def _fit(self, X: Any, y: np.ndarray) -> NetworkEstimator:
        return self._train(X, y, **self.__request)

    @with_callbacks
    def _fit_one_epoch(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> NetworkEstimator:
        from mlstm_fcn.fitting.learning import checked, learned_task, require_one_network
        from mlstm_fcn.fitting.same import warn_of_loss

        start = getattr(self, "fitted_", None)
        X, y = checked(X, y, self._task_type, sample_weight, task=start.task if start else None)
        require_one_network(y, self._task_type)
        if start is None:
            warn_of_loss(getattr(self, "_lost__epochs", 0))
            self.reset()
        elif classes is not None:
            start.task.require_same(classes)
        task = start.task if start else learned_task(self._task_type, y, classes)
        return self._fit_directly(X, y, sample_weight=sample_weight, start=start, task=task, one_epoch=True)

    def _fit_directly(self, X: Any, y: np.ndarray, **request: Any) -> NetworkEstimator:
        """Bypass sktime's fit, which resets the estimator, skips a single class, and reads files whole."""
        try:
            return self._train(self._check_convert_X_for_predict(X), y, **request)
        finally:
            self._is_fitted = hasattr(self, "fitted_")

    def _train(
        self,
        X: Any,
        y: np.ndarray,
        start: FittedNetwork | None = None,
        task: Task | None = None,
        freeze: Sequence[str] = (),
        one_epoch: bool = False,
        **given: Any,
    ) -> NetworkEstimator:
        """One call of `fitting.fit` with what the parameters say, and what else fit was given."""
        from mlstm_fcn.estimators.epoch_tasks import EpochTasks
        from mlstm_fcn.fitting import RngSpec, fit
        from mlstm_fcn.fitting.learning import task_and_cases
        from mlstm_fcn.fitting.members import callbacks_of

        recipe = self.training_recipe()
        if one_epoch:
            recipe = recipe.for_one_epoch(len(start.options) if start else recipe.n_members)
        convert = self._check_convert_X_for_predict
        task, train, validation = task_and_cases(X, y, self._task_type, convert, task, **given)
        tasks = EpochTasks(self, recipe.most_epochs(train.least_trained_on(recipe, validation)), X, y)
        try:
            with tasks:
                fitted = fit(
                    train,
                    network=self.network_spec(),
                    task=task,
                    recipe=recipe,
                    inputs=self.input_policy(),
                    rng=RngSpec(self.random_state),
                    engine=Engine.named(self.engine),
                    validation=validation,
                    start=start,
                    freeze=freeze,
                    callbacks=partial(callbacks_of, self.callbacks, self.verbose, tasks),
                    checkpoint=Path(self.checkpoint) if self.checkpoint else None,
                    incremental=one_epoch,
                )
        except BaseException as error:
            if getattr(error, "fitted", None) is not None:  # the whole epochs, if there was one
                self._adopt(error.fitted)  # type: ignore[attr-defined]
            raise
        return self._adopt(fitted)

    def _adopt(self, fitted: FittedNetwork) -> NetworkEstimator:
        """Become the estimator of a fitted network."""
        self.fitted_ = fitted
        self.__kept: FittedNetwork | None = None
        return self

    @property
    def __previous(self) -> FittedNetwork | None:
        """The last fit, from which `warm_start` continues."""
        fitted = getattr(self, "fitted_", None) or getattr(self, "_NetworkEstimator__kept", None)
        return fitted if self.warm_start else None

    def reset(self) -> NetworkEstimator:
        """As sktime does in fit and when a parameter is set, but keep what `warm_start` continues from."""
        previous = self.__previous
        super().reset()
        self.__kept = previous
        return self

    def _predict(self, X: Any) -> np.ndarray:
        return self._require_network("predict").predict(X)
