"""Series in any container as arrays that an explanation can change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.loaders.series import is_loader
from mlstm_fcn.memmap import chunks, is_large
from mlstm_fcn.preprocess import as_container, as_numbers, lengths, pad

if TYPE_CHECKING:
    from mlstm_fcn.fitting import FittedNetwork

Cases = list[np.ndarray]
"""Series `(channels, time)`, without the padding at their ends."""


def fitted_network(estimator: Any) -> FittedNetwork | None:
    """The fitted network of an estimator of this package, or such a network itself; None for others."""
    from mlstm_fcn.fitting import FittedNetwork

    if isinstance(estimator, FittedNetwork):
        return estimator
    fitted = getattr(estimator, "fitted_", None)
    return fitted if isinstance(fitted, FittedNetwork) else None


def require_network(estimator: Any, method: str) -> FittedNetwork:
    """The fitted network of an estimator of this package, or such a network itself.

    Args:
        estimator: The estimator.
        method: What needs the network, for error messages.

    Raises:
        NotFittedError: If the estimator is not fitted.
        ValueError: If the estimator has no network, or is not of this package.
    """
    from mlstm_fcn.fitting import FittedNetwork

    if isinstance(estimator, FittedNetwork):
        return estimator
    rule = f"`{method}` requires an estimator of this package; of a pipeline, give the last step."
    require(hasattr(estimator, "_require_network"), rule, estimator=type(estimator).__name__)
    fitted: FittedNetwork = estimator._require_network(method)
    return fitted


def require_one_answer(estimator: Any) -> None:
    """Raise if an estimator of this package gives several labels or numbers a case.

    Raises:
        ValueError: If so.
    """
    fitted = fitted_network(estimator)
    several = fitted is not None and (fitted.task.n_outputs > 1 and fitted.task.activation != "softmax")
    rule = "This explains the one class or number of each case; fit an estimator to one column of `y`."
    require(not several, rule, columns=fitted.task.n_outputs if fitted else None)


def fitted_and_series(estimator: Any, X: Any, method: str) -> tuple[FittedNetwork, Any]:
    """The fitted network, and series as it takes them; an estimator converts its own containers.

    Raises:
        NotFittedError: If an estimator is not fitted.
        ValueError: If an estimator has no network.
    """
    fitted = require_network(estimator, method)
    return fitted, X if fitted is estimator else estimator._check_convert_X_for_predict(X)


def opened(estimator: Any, X: Any) -> tuple[Cases, Callable[[Cases], Any]]:
    """The cases of any container that `predict` takes, and what makes changed cases a container again.

    Cases of an estimator of this package have their channels in the order of `fit`, and leave as arrays. For
    another estimator they leave as they came: as an array, as a list of arrays, or as data frames.

    Raises:
        ValueError: If X holds what `predict` would refuse.
    """
    from mlstm_fcn.fitting.names import in_order

    require(not is_loader(X), "Here X must be series; a loader is for `fit` and `predict`.")
    if fitted_network(estimator) is not None:
        fitted, series = fitted_and_series(estimator, X, "explain")
        read = fitted.inputs.read(in_order(series, fitted.channel_names))
        return _trimmed(case.T for chunk in chunks(read) for case in chunk.astype(np.float64)), pad
    series = X if is_large(X) else as_container(X)
    if not isinstance(series, np.ndarray):
        return _of_frames(series)
    cases = _trimmed(np.atleast_2d(np.array(as_numbers(case), dtype=np.float64)) for case in series)
    return cases, pad if isinstance(X, np.ndarray) and X.dtype != object else list


def _of_frames(X: Any) -> tuple[Cases, Callable[[Cases], Any]]:
    import pandas as pd
    from sktime.datatypes import convert_to

    from mlstm_fcn.fitting.names import channel_names, in_order

    frames = convert_to(X, to_type="df-list", as_scitype="Panel")
    frames, columns = in_order(frames, channel_names(frames)), frames[0].columns
    cases = _trimmed(frame.to_numpy(dtype=np.float64).T.copy() for frame in frames)
    return cases, lambda changed: [pd.DataFrame(case.T, columns=columns) for case in changed]


def _trimmed(cases: Iterable[np.ndarray]) -> Cases:
    """Series without the steps at their ends at which every channel is NaN."""
    return [case[:, : lengths(case.T[None], [number])[0]] for number, case in enumerate(cases)]
