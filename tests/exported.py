"""Options and file names that tests of exported models share."""

from mlstm_fcn.export import FORMATS

SMALL = {"filters": (8, 16, 8), "reduction": 4, "lstm_units": 4, "n_epochs": 12, "random_state": 0}


def name_in(folder, format):
    return folder / f"model{FORMATS[format].suffix}"
