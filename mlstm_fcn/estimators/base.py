"""What every estimator shares: sktime's and scikit-learn's manners around a fitted network.

Keras is imported when a network is first needed, not before, so that the user can choose the backend.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.callback import with_callbacks

from mlstm_fcn._checks import require
from mlstm_fcn.estimators.parameters import TrainingParameters
from mlstm_fcn.estimators.saving import Saving
from mlstm_fcn.memmap import is_large

if TYPE_CHECKING:
    from mlstm_fcn.fitting import FittedNetwork, InputPolicy, NetworkSpec, Task

ONE_EPOCH: dict[str, Any] = {
    "n_epochs": 1,
    "schedule": "constant",
    "validation_split": 0.0,
    "patience": None,
    "keep_best": False,
}


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkEstimator(TrainingParameters, Saving):
    """The mechanism of all estimators; mixed in before sktime's base class for the task."""

    _tags: ClassVar[dict[str, Any]] = {
        "X_inner_mtype": ["df-list", "numpy3D"],  # the order decides what unequal lengths become
        "y_inner_mtype": "numpy1D",
        "capability:multivariate": True,
        "capability:unequal_length": True,
        "capability:missing_values": True,
        "capability:categorical_in_X": False,
        "capability:sample_weight": True,
        "capability:random_state": True,
        "property:randomness": "derandomized",
        "python_dependencies": "keras>=3.12",
        "authors": ["mlstm_fcn developers"],
        "maintainers": ["mlstm_fcn developers"],
    }

    def __post_init__(self) -> None:
        """Run sktime's constructor after the dataclass's; sktime's calls this hook once more itself."""
        if "_tags_dynamic" not in self.__dict__:  # what sktime's constructor sets first
            super(TrainingParameters, self).__init__()

    # What a named estimator and a task add.

    def network_spec(self) -> NetworkSpec:
        """The network, with the options that the constructor was given."""
        raise NotImplementedError

    def _learn_task(self, y: np.ndarray) -> Task:
        """What training is for, learnt from targets."""
        raise NotImplementedError

    def _require_same_targets(self, y: Any, task: Task) -> None:
        """Raise if training cannot continue with targets like these."""

    # Fitting.

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, X_val: Any = None, y_val: Any = None
    ) -> NetworkEstimator:
        """Fit to series and their targets.

        An interrupt from the keyboard is raised again, but leaves the estimator fitted with its whole epochs
        (`n_epochs_`), if it had one.

        Args:
            X: Series: an array of shape `(cases, channels, time)` or `(cases, time)`, a list of arrays
                `(channels, time)` that may differ in length, or any panel container that sktime knows. A
                `numpy.memmap` of more than 256 MiB is read batch by batch.
                NaN is a missing value; steps at the end at which all channels are NaN are padding.
            y: One target for each case.
            sample_weight: A weight, not negative, for each case; None: 1.
            X_val: Series for validation after each epoch.
            y_val: Their targets.

        Returns:
            The estimator itself.

        Raises:
            ValueError: If X and y do not fit together, hold what they must not, or a parameter is out of
                its range; with `warm_start`, if a parameter of the network has changed.
        """
        given, start = {"sample_weight": sample_weight, "X_val": X_val, "y_val": y_val}, self.__previous
        if start is None:
            return self._fit_with(X, y, **given)
        self._require_same_network(start)
        self._require_same_targets(y, start.task)
        return self._fit_with(X, y, **given, start=replace(start, history={}), task=start.task)

    def fine_tune(
        self,
        X: Any,
        y: Any,
        freeze: Sequence[str] = (),
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        **parameters: Any,
    ) -> NetworkEstimator:
        """Train a copy of this fitted estimator further on other data, which may have other labels.

        The copy starts from all weights that fit, and keeps scaling and filling in. Its head is new where
        the number of classes differs; a head alone, with all else frozen, needs a higher learning rate than
        a network.

        Args:
            X: As in `fit`, with the same channels.
            y: As in `fit`.
            freeze: Prefixes of the names of layers that keep their weights: `("conv", "squeeze_excite")` is
                the convolution branch, `("lstm", "attention_lstm")` the other.
            sample_weight: As in `fit`.
            X_val: As in `fit`.
            y_val: As in `fit`.
            **parameters: What is different in the copy, such as `learning_rate=0.01`; not the network,
                `scaling` or `missing`.

        Returns:
            A new estimator, fitted.

        Raises:
            NotFittedError: If this one is not fitted.
            ValueError: As `fit`; if `freeze` matches no layer, or a parameter would change the network.
        """
        start = self._require_network("fine_tune")
        tuned: NetworkEstimator = self.clone().set_params(**parameters)
        tuned._require_same_network(start)
        freeze = (freeze,) if isinstance(freeze, str) else freeze
        start = replace(start, history={}, epochs_trained=0)
        task = start.task if start.task.keeps_unit else None  # labels may differ
        given = {"sample_weight": sample_weight, "X_val": X_val, "y_val": y_val}
        return tuned._fit_with(X, y, **given, start=start, task=task, freeze=freeze)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetworkEstimator:
        """Train for one more epoch at a constant learning rate; the first call prepares as `fit` does.

        The first call decides channels, length and scaling. The optimizer is new in each call. To continue
        with another parameter, set the attribute (`classifier.learning_rate = 1e-4`): `set_params` resets
        the estimator, as in all of sktime.

        Args:
            X: As in `fit`.
            y: As in `fit`.
            sample_weight: As in `fit`.

        Returns:
            The estimator itself.

        Raises:
            ValueError: As `fit`; if a parameter of the network has changed since the last call.
        """
        return self._fit_one_epoch(X, y, sample_weight)

    @with_callbacks
    def _fit_with(self, X: Any, y: Any, **request: Any) -> NetworkEstimator:
        from mlstm_fcn.fitting.cases import as_targets, require_cases

        y = y if hasattr(y, "columns") else as_targets(y)  # sktime wants an array or a frame
        require_cases(X, y)
        rule = "`sample_weight`, `X_val` and warm start do not support multi-output `y`."
        is_plain = all(value is None for value in request.values())
        require(y.ndim == 1 or y.shape[1] == 1 or is_plain, rule, shape=y.shape)
        if is_large(X):
            targets = np.ravel(y)
            require(len(targets) == len(X), "Memory-mapped series require one column of `y`.", shape=y.shape)
            self.reset()
            return self._fit_directly(X, targets, **request)
        self.__request = request  # sktime's reset keeps names with two underscores
        try:
            return super().fit(X, y)  # type: ignore[misc, no-any-return]
        except KeyboardInterrupt:
            self._is_fitted = hasattr(self, "fitted_")
            raise
        finally:
            self.__request = {}

    def _fit(self, X: Any, y: np.ndarray) -> NetworkEstimator:
        return self._train(X, y, **self.__request)

    @with_callbacks
    def _fit_one_epoch(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> NetworkEstimator:
        from mlstm_fcn.fitting.cases import one_column, require_cases

        y = one_column(y)
        require_cases(X, y)
        start: FittedNetwork | None = getattr(self, "fitted_", None)
        if start is None:
            self.reset()
            task = self._learn_task(y if classes is None else np.asarray(classes))
        else:
            self._require_same_network(start)
            task = start.task
        request = {"sample_weight": sample_weight, "start": start, "task": task, "changes": ONE_EPOCH}
        return self._fit_directly(X, y, **request)

    def _fit_directly(self, X: Any, y: np.ndarray, **request: Any) -> NetworkEstimator:
        """Not through sktime's fit, which forgets the last one, fits nothing to one class, and reads files."""
        try:
            return self._train(self._check_convert_X_for_predict(X), y, **request)
        finally:
            self._is_fitted = hasattr(self, "fitted_")

    def _train(
        self,
        X: Any,
        y: np.ndarray,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        start: FittedNetwork | None = None,
        task: Task | None = None,
        freeze: Sequence[str] = (),
        changes: Mapping[str, Any] | None = None,
    ) -> NetworkEstimator:
        """One call of `fitting.fit`; `changes` are options that differ from the estimator's recipe."""
        from mlstm_fcn.estimators.epoch_tasks import EpochTasks
        from mlstm_fcn.fitting import Cases, Interrupted, RngSpec, fit

        recipe = self.training_recipe()
        if changes:
            n_before = len(start.options) if start else recipe.n_members
            recipe = recipe.but(**changes, n_members=min(recipe.n_members, n_before))
        validation = self._validation(X_val, y_val)
        n_training = len(y) if validation else recipe.n_training(len(y))
        tasks = EpochTasks(self, recipe.epochs(n_training) * recipe.n_members, X, y)
        try:
            with tasks:
                fitted = fit(
                    Cases(X, y, sample_weight),
                    network=self.network_spec(),
                    task=task or self._learn_task(y),
                    recipe=recipe,
                    inputs=self._input_policy(),
                    rng=RngSpec(self.random_state),
                    validation=validation,
                    start=start,
                    freeze=freeze,
                    callbacks=lambda: [*self._callbacks(), tasks],
                    checkpoint=Path(self.checkpoint) if self.checkpoint else None,
                )
        except Interrupted as interrupt:
            if interrupt.fitted is not None:
                self._adopt(interrupt.fitted)
            raise
        return self._adopt(fitted)

    def _validation(self, X: Any, y: Any) -> Any:
        from mlstm_fcn.fitting import Cases
        from mlstm_fcn.fitting.cases import one_column, require_targets

        require((X is None) == (y is None), "`X_val` and `y_val` must be given together, or neither.")
        if X is None:
            return None
        y = one_column(y)
        require_targets(y)
        return Cases(self._check_convert_X_for_predict(X), y)

    def _callbacks(self) -> list[Any]:
        import keras

        from mlstm_fcn.training.progress import ProgressBar

        given, rule = self.callbacks or (), "`callbacks` must be a list of Keras callbacks."
        require(not isinstance(given, keras.callbacks.Callback), rule, callbacks=given)
        return [*map(copy.deepcopy, given), *([ProgressBar()] if self.verbose else [])]

    def _input_policy(self) -> InputPolicy:
        from mlstm_fcn.fitting import InputPolicy

        return InputPolicy(scaling=self.scaling, missing=self.missing, on_longer=self.on_longer)

    # What was fitted.

    def _adopt(self, fitted: FittedNetwork) -> NetworkEstimator:
        """Become the estimator of a fitted network."""
        self.fitted_ = fitted
        self._y_metadata = {"is_univariate": True}  # what sktime notes in fit and asks in predict
        return self

    model_ = property(lambda self: self.fitted_.keras_model)
    history_ = property(lambda self: self.fitted_.history)
    n_epochs_ = property(lambda self: len(self.fitted_.history["loss"]))
    network_options_ = property(lambda self: self.fitted_.options)

    @property
    def __previous(self) -> FittedNetwork | None:
        """The last fit, from which `warm_start` continues."""
        if not self.warm_start:
            return None
        return getattr(self, "fitted_", None) or getattr(self, "_NetworkEstimator__kept", None)

    def reset(self) -> NetworkEstimator:
        """As sktime does in fit and when a parameter is set, but keep what `warm_start` continues from."""
        previous = self.__previous
        super().reset()
        self.__kept = previous
        return self

    def _require_same_network(self, start: FittedNetwork) -> None:
        network = self.network_spec().differs_from(start.spec)
        changed = {**network, **self._input_policy().differs_from(start.inputs)}
        rule = (
            "`warm_start`, `partial_fit` and `fine_tune` cannot change the network, `scaling` or `missing`."
        )
        require(not changed, rule, **changed)

    def _outputs(self, X: Any) -> np.ndarray:
        fitted = self.fitted_
        if fitted.inputs.on_longer != self.on_longer:  # it may be set between fit and predict
            fitted = replace(fitted, inputs=replace(fitted.inputs, on_longer=self.on_longer))
        return fitted.outputs(X)
