"""A parameter that is set after a fit keeps the network, or resets it and says so; a wrong one is refused."""

import re

import pytest

from mlstm_fcn import MLSTMFCNClassifier


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lerning_rate", "Did you mean 'learning_rate'?"),
        ("recpie__optimizer", "Did you mean 'recipe__optimizer'"),
        ("label_smothing", "Did you mean 'recipe__label_smoothing'"),
        ("engine__precison", "Engine has no option 'precison'. Did you mean 'precision'?"),
        ("zzz", "MLSTMFCNClassifier has no parameter 'zzz'. It has attention, batch_size, "),
    ],
)
def test_every_typo_in_set_params_gets_an_answer(name, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        MLSTMFCNClassifier().set_params(**{name: 1})
