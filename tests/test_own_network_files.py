"""A network of the user's own that was saved and loaded is used, trained and saved as before."""

import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier
from tests import own_networks, quick_fit
from tests.own_networks import QUICK, mean_then_dense, plain

own = own_networks.own
LOST = pytest.mark.filterwarnings("ignore:The file keeps the network, but not the function")


def test_it_is_fitted_again_after_it_was_loaded(own, basic_motions):
    """From new weights of the same seed, so that the result is the same to the bit."""
    _, path = own
    X, y = basic_motions.X_train, basic_motions.y_train
    loaded = NetworkClassifier.load(path)
    before = loaded.predict_proba(X)
    loaded.partial_fit(X, y).fit(X, y)
    assert loaded.model_.layers[-1].layers[-2].units == 5
    assert loaded.n_epochs_ == 1
    np.testing.assert_array_equal(loaded.predict_proba(X), before)
    with pytest.raises(ValueError, match="a Keras model has its own already"):
        loaded.set_params(network_params={"units": 6}).fit(X, y)


def test_it_is_trained_further_after_it_was_loaded(own, basic_motions):
    """The loaded estimator makes the same step as the one that was saved, from the same weights."""
    fitted, path = own
    X, y = basic_motions.X_train, basic_motions.y_train
    in_memory = fitted.fine_tune(X, y)
    loaded = NetworkClassifier.load(path)
    quick_fit.assert_same(loaded.fine_tune(X, y), in_memory)
    twin = NetworkClassifier.load(path).fine_tune(X, y)
    quick_fit.assert_same(loaded.partial_fit(X, y), NetworkClassifier.load(path).partial_fit(X, y))
    assert loaded.n_epochs_ == 2
    assert quick_fit.differ(loaded, twin.partial_fit(X, y))


def test_other_classes_get_another_head(own, basic_motions):
    _, path = own
    X, y = basic_motions.X_train, basic_motions.y_train
    tuned = NetworkClassifier.load(path).fine_tune(X, np.where(y == "Running", "yes", "no"))
    assert tuned.predict_proba(X).shape == (40, 2)


def test_loaded_with_its_function_it_reads_other_lengths(own, basic_motions):
    fitted, path = own
    shorter = basic_motions.X_test[:, :, :50]
    loaded = NetworkClassifier.load(path, network=mean_then_dense)
    assert loaded.get_params() == fitted.get_params()
    np.testing.assert_array_equal(loaded.predict_proba(shorter), fitted.predict_proba(shorter))
    without = NetworkClassifier.load(path)
    with pytest.raises(ValueError, match=r"set `network` to it, as in `load\(path, network=...\)`"):
        without.predict(shorter)
    without.network = mean_then_dense  # as the message says
    np.testing.assert_array_equal(without.predict_proba(shorter), fitted.predict_proba(shorter))


def test_what_was_loaded_is_saved_and_copied_without_its_function(own, basic_motions, tmp_path):
    _, path = own
    loaded = NetworkClassifier.load(path)
    loaded.save(tmp_path / "again.keras")
    again = NetworkClassifier.load(tmp_path / "again.keras")
    X = basic_motions.X_test
    np.testing.assert_array_equal(again.predict_proba(X), loaded.predict_proba(X))
    copy = loaded.clone().fit(basic_motions.X_train, basic_motions.y_train)
    assert copy.predict(X).shape == (40,)


@pytest.mark.usefixtures("uncompiled")
def test_a_function_for_a_network_with_a_name_is_refused(basic_motions, tmp_path):
    quick_fit.fit((basic_motions.X_train, basic_motions.y_train), n_epochs=1).save(tmp_path / "it.keras")
    rule = r"^`network` is the function of a network of your own; this file names its network\. Received: "
    with pytest.raises(ValueError, match=f"{rule}.*named='mlstm_fcn'"):
        MLSTMFCNClassifier.load(tmp_path / "it.keras", network=plain)


@LOST
def test_a_network_that_reads_a_mask_goes_on_after_it_was_loaded(basic_motions, tmp_path):
    X, y = basic_motions.X_train, basic_motions.y_train
    mixed = [case[:, : 60 + number] for number, case in enumerate(X)]
    NetworkClassifier(network=mean_then_dense, **QUICK).fit(mixed, y).save(tmp_path / "it.keras")
    loaded = NetworkClassifier.load(tmp_path / "it.keras")
    assert loaded.partial_fit(mixed, y).partial_fit(X[:, :, :99], y).n_epochs_ == 3
    assert loaded.fit(X[:, :, :99], y).fitted_.takes_mask
