"""Published accuracies on the UEA archive, with what is known of how they were made."""

from importlib.resources import files

import pandas as pd

_TSML_EVAL = "one run on the default split, from tsml-eval's result files"
PROTOCOLS = {
    "ROCKET": _TSML_EVAL,
    "InceptionTime": _TSML_EVAL,
    "ResNet": _TSML_EVAL,
    "HIVE-COTE 2": _TSML_EVAL,
    "MultiRocket-Hydra": "one run on the default split, aeon's multiverse (2026, in progress)",
    "MLSTM-FCN (TapNet)": (
        "one run on the default split, as the TapNet paper has it (Zhang et al. 2020); ERing was of an older "
        "archive and DuckDuckGeese of another split"
    ),
    "MLSTM-FCN (mlgig)": (
        "one run of the mlgig group on the default split (2020); it differs from TapNet's by 12 points on "
        "average, so neither is a tight target"
    ),
}
"""Where each column comes from. All are single runs: differences of a few points say little."""


def accuracies() -> pd.DataFrame:
    """A row for each data set, a column for each of `PROTOCOLS`; NaN where nothing was published."""
    with (files("mlstm_fcn.benchmark") / "published.csv").open() as file:
        return pd.read_csv(file, index_col="problem")
