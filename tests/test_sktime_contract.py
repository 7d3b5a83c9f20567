"""sktime's own checks of an estimator, all of them."""

import pytest
import tensorflow as tf
from sktime.utils.estimator_checks import check_estimator, parametrize_with_checks

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, NetworkClassifier, NetworkRegressor


@pytest.fixture(autouse=True, scope="module")
def uncompiled():
    """The checks fit hundreds of tiny networks for a few steps: compiling each takes far longer than that."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.slow
@parametrize_with_checks([MLSTMFCNClassifier, MLSTMFCNRegressor, NetworkClassifier, NetworkRegressor])
@pytest.mark.filterwarnings("ignore")
def test_sktime_contract(obj, test_name):
    check_estimator(obj, tests_to_run=test_name, raise_exceptions=True, verbose=False)
