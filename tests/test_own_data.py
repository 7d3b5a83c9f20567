"""Data that a user put into a folder are read or refused; no other place answers for them."""

import pytest

from mlstm_fcn import datasets


def test_an_unknown_file_is_told_every_format(tmp_path):
    with pytest.raises(ValueError, match=r"one of .ts, .arff, .tsv, .txt, .csv, .npz, .npy"):
        datasets.read(tmp_path / "it.xyz")
