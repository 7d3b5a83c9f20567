"""sktime's own checks of an estimator, all of them."""

import pytest
from sktime.utils.estimator_checks import check_estimator, parametrize_with_checks

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, NetworkClassifier, NetworkRegressor


@pytest.mark.slow
@pytest.mark.usefixtures("uncompiled")  # hundreds of tiny networks, each for a few steps
@parametrize_with_checks([MLSTMFCNClassifier, MLSTMFCNRegressor, NetworkClassifier, NetworkRegressor])
@pytest.mark.filterwarnings("ignore")
def test_sktime_contract(obj, test_name):
    check_estimator(obj, tests_to_run=test_name, raise_exceptions=True, verbose=False)
