"""An estimator with another fitted network."""

from __future__ import annotations

import copy
from typing import Any

from mlstm_fcn.fitting import FittedNetwork


def with_network(estimator: Any, fitted: FittedNetwork) -> Any:
    """A copy of an estimator that has this network; of a network, the network."""
    return fitted if isinstance(estimator, FittedNetwork) else copy.copy(estimator)._adopt(fitted)
