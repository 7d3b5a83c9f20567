"""The contracts of sktime and scikit-learn, where keeping one breaks the other."""

from typing import Any

from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import NotFittedError as SklearnNotFittedError
from sktime.base import BaseEstimator
from sktime.exceptions import NotFittedError as SktimeNotFittedError

from mlstm_fcn.loaders.series import is_loader
from mlstm_fcn.memmap import is_large
from mlstm_fcn.preprocess import as_container, with_counted_steps

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
    """A result was asked for before `fit`; both libraries' error of that name."""


class Contract(CallbackSupportMixin, BaseEstimator):
    """An sktime estimator that scikit-learn's tools accept too; its base classes come after sktime's."""

    def reset(self) -> "Contract":
        """Forget what was fitted, as sktime does, but keep what scikit-learn stores between calls."""
        kept = {name: self.__dict__[name] for name in _SKLEARN_STATE if name in self.__dict__}
        super().reset()
        self.__dict__.update(kept, _lost__epochs=0)
        return self

    def set_params(self, **parameters: Any) -> Any:
        """As sktime does, but keep what was fitted where the parameters would build the same network."""
        fitted, lost = getattr(self, "fitted_", None), getattr(self, "_lost__epochs", 0)
        if fitted and parameters:
            from mlstm_fcn.fitting.same import would_build

            new: Any = type(self)(**{**self.get_params(deep=False), **parameters})
            members: Any = [(one.recipe, one.n_members) for one in (self, new)]
            if would_build(fitted, new.network_spec(), new.input_policy(), *members):
                self.__dict__.update(parameters)
                return self
            lost = fitted.epochs_trained
        super().set_params(**parameters)
        self._lost__epochs = lost  # reset keeps names with two underscores
        return self

    def check_is_fitted(self, method_name: str | None = None) -> None:
        """Raise `NotFittedError` unless fit has been called."""
        if not self._is_fitted:
            name, before = type(self).__name__, method_name or "this"
            raise NotFittedError(f"This {name} has not been fitted yet: call fit before {before}.")

    def __sklearn_is_fitted__(self) -> bool:
        return bool(self._is_fitted)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.non_deterministic = self.random_state is None
        return tags

    def _check_convert_X_for_predict(self, X: Any) -> Any:  # noqa: N802, sktime's name
        """As sktime does; but its checks would read a large file or a loader whole."""
        return X if is_large(X) or is_loader(X) else super()._check_convert_X_for_predict(X)

    def _convert_output_y(self, y: Any) -> Any:
        """Where sktime converts predictions to the container of its own fit; they are arrays already."""
        return y

    def _internal_convert(self, X: Any, y: Any = None) -> Any:
        """Where sktime converts what is convenient; it does not know lists of arrays, and says less."""
        return super()._internal_convert(with_counted_steps(as_container(X)), y)
