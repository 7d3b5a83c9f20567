"""What a benchmark compares: estimators by name, by path, and as objects."""

from functools import partial

import keras
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier
from mlstm_fcn.benchmark import Folder, NamedEstimator, resolve
from mlstm_fcn.benchmark.estimators import fingerprint, split
from tests.results import result


def test_a_text_is_a_network_a_known_classifier_or_an_import_path():
    estimators = resolve(
        "fcn, mlstm_fcn, MR=sktime.classification.kernel_based.RocketClassifier(num_kernels=84, "
        "rocket_transform='minirocket'), sklearn.dummy.DummyClassifier",
        n_epochs=3,
    )
    assert [one.name for one in estimators] == ["fcn", "mlstm_fcn", "MR", "DummyClassifier"]
    fcn, mlstm_fcn, rocket, dummy = (one.estimator for one in estimators)
    assert isinstance(fcn, NetworkClassifier)
    assert (fcn.network, fcn.n_epochs) == ("fcn", 3)
    assert isinstance(mlstm_fcn, MLSTMFCNClassifier)
    assert (rocket.num_kernels, rocket.rocket_transform) == (84, "minirocket")
    assert isinstance(dummy, DummyClassifier)


def test_objects_have_the_names_of_a_mapping_or_of_their_classes():
    own = MLSTMFCNClassifier(n_epochs=2)
    (mine,) = resolve({"mine": own})
    assert (mine.name, mine.estimator.n_epochs) == ("mine", 2)
    assert mine.estimator is not own
    assert resolve([own])[0].name == "MLSTMFCNClassifier"


def test_what_is_named_already_stays_as_it_is():
    mine = NamedEstimator("mine", MLSTMFCNClassifier(n_epochs=50))
    (changed,) = resolve([mine], n_epochs=3)
    assert (mine.estimator.n_epochs, changed.estimator.n_epochs, changed.name) == (50, 3, "mine")


def test_commas_in_brackets_separate_nothing():
    assert split("a, b(c=(1, 2), d=[3, 4]),e") == ["a", "b(c=(1, 2), d=[3, 4])", "e"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mlstmfcn", "Did you mean 'mlstm_fcn'"),
        ("sklearn.dummy.DummyClassifier(open('x'))", "plain arguments"),
        ("sklearn.dummy.DummyClassifier(strategy=open('x'))", "plain arguments"),
        ("__import__('os').system('true')", "plain arguments"),
        ("sklearn.dummy.DummyClassifier(**{})", "plain arguments"),
        ("fcn,fcn", "different names"),
        ("../x=fcn", "import path|letters, digits"),
        ("", "must be an estimator"),
        ("sklearn.dummy.DummyClassifier(bad=1)", "cannot be made"),
        ("numpy.pi", "cannot be made"),
        ("..=fcn", "not begin with a point"),
        ("collections.OrderedDict", "`fit` and `predict`"),
    ],
)
def test_what_names_no_estimator_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        resolve(text)


def test_a_path_that_leads_nowhere_is_an_import_error():
    with pytest.raises(ImportError, match="There is no Dummy in"):
        resolve("sklearn.dummy.Dummy")
    with pytest.raises(ImportError, match="nowhere"):
        resolve("nowhere.Classifier")


def test_the_seed_reaches_every_random_state():
    pipeline = make_pipeline(DummyClassifier(strategy="uniform"))
    (one,) = resolve([pipeline])
    assert one.seeded(7).get_params()["dummyclassifier__random_state"] == 7
    assert one.estimator.get_params()["dummyclassifier__random_state"] is None


def test_an_estimator_is_described_alike_in_every_process():
    (one,) = resolve({"a": MLSTMFCNClassifier(loss=lambda y, p: p, filters=tuple(range(1, 400)))})
    assert "0x" not in one.description
    assert "399" in one.description


@pytest.mark.parametrize(
    ("parameter", "made", "other"),
    [
        ("optimizer", partial(keras.optimizers.SGD, 0.1), partial(keras.optimizers.SGD, 0.2)),
        (
            "callbacks",
            lambda: [keras.callbacks.EarlyStopping(patience=5)],
            lambda: [keras.callbacks.EarlyStopping(patience=50)],
        ),
    ],
)
def test_objects_are_known_again_by_what_they_hold(parameter, made, other, tmp_path):
    """A script that makes its optimizer anew goes on; another optimizer is another estimator."""
    folder = Folder(tmp_path)
    folder.require_same(resolve({"a": MLSTMFCNClassifier(**{parameter: made()})}), True)
    folder.keep(result())
    folder.require_same(resolve({"a": MLSTMFCNClassifier(**{parameter: made()})}), True)
    with pytest.raises(ValueError, match="results of another 'a'"):
        folder.require_same(resolve({"a": MLSTMFCNClassifier(**{parameter: other()})}), True)


def test_a_function_is_known_by_its_source_and_a_long_array_by_all_of_its_values():
    def reading(source):
        names = {}
        exec(compile(source, "typed", "exec"), names)
        return names["network"]

    assert fingerprint(reading("def network(): return 1")) == fingerprint(reading("def network(): return 1"))
    assert fingerprint(reading("def network(): return 1")) != fingerprint(reading("def network(): return 2"))
    assert fingerprint(in_one_way).startswith("<function in_one_way> ")
    assert fingerprint(in_one_way) != fingerprint(another_way)
    assert fingerprint({"a": {"f": in_one_way}}) != fingerprint({"a": {"f": another_way}})
    assert fingerprint({"units": 3, "activation": "relu"}) == "{'units': 3, 'activation': 'relu'}"
    numbers = np.arange(2000)
    assert (
        fingerprint(numbers)
        == fingerprint(numbers.copy())
        != fingerprint(np.where(numbers == 700, 0, numbers))
    )


def in_one_way():
    return 1


def another_way():
    return 2


another_way.__name__ = another_way.__qualname__ = "in_one_way"
