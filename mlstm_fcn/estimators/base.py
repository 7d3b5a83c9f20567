"""What every estimator shares: the calls of its user, and checks of what they are given.

An estimator is an sktime estimator and a scikit-learn estimator at once. Keras is imported when a network
is first needed, not before, so that the user can choose the backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from sklearn.callback import with_callbacks

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn._options import FILL_METHODS, ON_LONGER, SCALINGS
from mlstm_fcn.estimators.call import ONE_EPOCH, FitCall, as_array, one_column, require_cases
from mlstm_fcn.estimators.hooks import Hooks
from mlstm_fcn.estimators.parameters import TrainingParameters, network_parameters, require_same_network
from mlstm_fcn.estimators.saving import Saving
from mlstm_fcn.memmap import MemmapSeries, chunks, is_large
from mlstm_fcn.preprocess import Container, pad, require_complete, to_batch

# Where `warm_start` goes on.
_KEPT = ("model_", "network_options_", "_network_at_fit", "classes_", "_n_epochs_in_all")


@dataclass(kw_only=True, eq=False, repr=False)
class NetworkEstimator(TrainingParameters, Hooks, Saving):
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

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, X_val: Any = None, y_val: Any = None
    ) -> NetworkEstimator:
        """Fit to series and their targets.

        An interrupt from the keyboard is raised on, but leaves the estimator fitted with the epochs that
        it had (`n_epochs_`), if it had one.

        Args:
            X: Series: an array of shape `(cases, channels, time)` or `(cases, time)`, a list of arrays
                `(channels, time)` that may differ in length, or any panel container that sktime knows. A
                `numpy.memmap` of more than 256 MiB is read batch by batch.
                NaN is a missing value; steps at the end at which all channels are NaN are padding.
            y: One target for each case.
            sample_weight: A weight, not negative, for each case; None for 1.
            X_val: Series for validation after each epoch.
            y_val: Their targets.

        Returns:
            The estimator itself.

        Raises:
            ValueError: If X and y do not fit together, hold what they must not, or a parameter is out of
                its range; with `warm_start`, if a parameter of the network has changed.
        """
        call = FitCall(sample_weight, X_val, y_val)
        if self.warm_start and self.__before:
            require_same_network(self, self.__before["_network_at_fit"])
            self._check_labels(y, self.__before["classes_"])
            call = replace(
                call,
                start=self.__before["model_"],
                network_options=self.__before["network_options_"],
                n_epochs_before=self.__before["_n_epochs_in_all"],
            )
        return self._fit_with(X, y, call)

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

        The copy starts from all weights that fit, and keeps scaling and filling in as they were. Its head
        is new where the number of classes differs; a head alone, with all else frozen, wants a higher
        learning rate than a network.

        Args:
            X: As in `fit`, with as many channels.
            y: As in `fit`.
            freeze: Beginnings of the names of layers that keep their weights: `("conv", "squeeze_excite")` is
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
            ValueError: As `fit`; if `freeze` fits no layer, or a parameter would change the network.
        """
        self._require_network("fine_tune")
        tuned: NetworkEstimator = self.clone().set_params(**parameters)
        before = network_parameters(self)
        require_same_network(tuned, {name: before[name] for name in parameters if name in before})
        freeze = (freeze,) if isinstance(freeze, str) else freeze
        start = {"start": self.model_, "network_options": self.network_options_, "freeze": freeze}
        return tuned._fit_with(X, y, FitCall(sample_weight, X_val, y_val, **start))

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> NetworkEstimator:
        """Train for one epoch more, at a constant learning rate; the first time, after `fit`'s preparation.

        The first call decides channels, length and scaling. The optimizer starts anew in each call. To go on
        otherwise, set an attribute (`classifier.learning_rate = 1e-4`): `set_params` forgets the fit, as in
        all of sktime.

        Args:
            X: As in `fit`.
            y: As in `fit`.
            sample_weight: As in `fit`.

        Returns:
            The estimator itself.

        Raises:
            ValueError: As `fit`; if a parameter of the network has changed since the last call.
        """
        return self._fit_one_epoch(X, y, FitCall(sample_weight))

    # Fitting and predicting.

    @with_callbacks
    def _fit_with(self, X: Any, y: Any, call: FitCall) -> NetworkEstimator:
        y = y if hasattr(y, "columns") else as_array(y)  # sktime wants an array or a frame
        require_cases(X, y)
        rule = "With more than one column of y, sktime fits copies, which are given X and y only."
        require(y.ndim == 1 or y.shape[1] == 1 or call.is_plain, rule, shape=y.shape)
        if is_large(X):
            targets = np.ravel(y)
            require(len(targets) == len(X), "For series in a large file y must be one column.", shape=y.shape)
            self.reset()
            self._learn_targets(targets, call)
            return self._fit_directly(X, targets, call)
        self.__call = call  # two underscores, or sktime's reset deletes it
        try:
            return super().fit(X, y)
        except KeyboardInterrupt:
            self._is_fitted = hasattr(self, "model_")
            raise
        finally:
            self.__call = FitCall()

    @with_callbacks
    def _fit_one_epoch(self, X: Any, y: Any, call: FitCall) -> NetworkEstimator:
        y = one_column(y)
        require_cases(X, y)
        if not self._is_fitted:
            self.reset()
            self._learn_targets(y, call)
        elif hasattr(self, "_network_at_fit"):
            require_same_network(self, self._network_at_fit)
        call = replace(
            call,
            start=getattr(self, "model_", None),
            network_options=getattr(self, "network_options_", ()),
            changes=ONE_EPOCH,
            history=getattr(self, "history_", {}),
            n_epochs_before=getattr(self, "_n_epochs_in_all", 0),
        )
        return self._fit_directly(X, y, call)

    def _fit_directly(self, X: Any, y: np.ndarray, call: FitCall) -> NetworkEstimator:
        """Not through sktime's fit, which forgets what it had, fits nothing to one class, and reads files."""
        from mlstm_fcn.estimators.fitting import fit_model

        self._y_metadata = {"is_univariate": True}  # what sktime notes in fit and asks in predict
        try:
            fit_model(self, self._check_convert_X_for_predict(X), y, call)
        finally:
            self._is_fitted = hasattr(self, "model_")
        return self

    def reset(self) -> NetworkEstimator:
        """As sktime does in fit and when a parameter is set, but keep where `warm_start` goes on."""
        before = self.__before
        super().reset()
        self.__kept = before
        return self

    @property
    def __before(self) -> dict[str, Any]:
        """The last fit's model, labels and number of epochs; nothing without `warm_start`."""
        if not self.warm_start:
            return {}
        now = {name: getattr(self, name, None) for name in _KEPT}
        return now if now["model_"] is not None else getattr(self, "_NetworkEstimator__kept", {})

    def _fit(self, X: Container, y: np.ndarray) -> NetworkEstimator:
        from mlstm_fcn.estimators.fitting import fit_model

        self._learn_targets(y, self.__call)
        return fit_model(self, X, y, self.__call)

    def _outputs(self, X: Container) -> np.ndarray:
        from mlstm_fcn.estimators.predicting import outputs

        return outputs(self, X)

    def _batch(self, X: Container) -> np.ndarray | MemmapSeries:
        """Checked series as models read them."""
        require_choice("scaling", self.scaling, SCALINGS)
        require_choice("missing", self.missing, (*FILL_METHODS, "error"))
        require_choice("on_longer", self.on_longer, ON_LONGER)
        batch = MemmapSeries(X).trimmed() if is_large(X) else to_batch(X)
        if self.missing == "error":
            require_complete(chunks(batch))
        return batch

    def _check_convert_X_for_predict(self, X: Any) -> Any:  # noqa: N802, sktime's name
        """As sktime does; but its checks would read a large file whole."""
        return X if is_large(X) else super()._check_convert_X_for_predict(X)

    def _internal_convert(self, X: Any, y: Any = None) -> Any:
        """Where sktime converts what is convenient; it knows no lists of arrays."""
        if isinstance(X, list | tuple) and all(isinstance(case, np.ndarray) for case in X):
            X = pad(X)
        return super()._internal_convert(X, y)
