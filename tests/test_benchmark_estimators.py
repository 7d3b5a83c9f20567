"""Estimators of a benchmark by name, by import path and as objects; their fingerprints."""

import keras
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, Recipe
from mlstm_fcn.benchmark import Folder, NamedEstimator, resolve
from mlstm_fcn.benchmark.estimators import fingerprint, split
from tests.results import result


@pytest.mark.filterwarnings("ignore:.* requires package 'numba'")
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


def test_a_named_estimator_is_copied():
    mine = NamedEstimator("mine", MLSTMFCNClassifier(n_epochs=50))
    (changed,) = resolve([mine], n_epochs=3)
    assert (mine.estimator.n_epochs, changed.estimator.n_epochs, changed.name) == (50, 3, "mine")


def test_commas_in_brackets_do_not_split():
    assert split("a, b(c=(1, 2), d=[3, 4]),e") == ["a", "b(c=(1, 2), d=[3, 4])", "e"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mlstmfcn", "Did you mean 'mlstm_fcn'"),
        ("sklearn.dummy.DummyClassifier(open('x'))", "literal arguments"),
        ("sklearn.dummy.DummyClassifier(strategy=open('x'))", "literal arguments"),
        ("__import__('os').system('true')", "literal arguments"),
        ("sklearn.dummy.DummyClassifier(**{})", "literal arguments"),
        ("fcn,fcn", "different names"),
        ("../x=fcn", "import path|letters, digits"),
        ("", "at least one estimator"),
        ("sklearn.dummy.DummyClassifier(bad=1)", "cannot be constructed"),
        ("numpy.pi", "cannot be constructed"),
        ("..=fcn", "not start with a period"),
        ("collections.OrderedDict", "methods `fit` and `predict`"),
    ],
)
def test_a_string_that_names_no_estimator_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        resolve(text)


def test_an_import_path_that_does_not_exist_is_an_import_error():
    with pytest.raises(ImportError, match=r"sklearn\.dummy has no attribute Dummy"):
        resolve("sklearn.dummy.Dummy")
    with pytest.raises(ImportError, match="nowhere"):
        resolve("nowhere.Classifier")


def test_the_seed_reaches_every_random_state():
    pipeline = make_pipeline(DummyClassifier(strategy="uniform"))
    (one,) = resolve([pipeline])
    assert one.seeded(7).get_params()["dummyclassifier__random_state"] == 7
    assert one.estimator.get_params()["dummyclassifier__random_state"] is None


def test_a_fingerprint_has_no_addresses_and_abbreviates_nothing():
    recipe, filters = Recipe(loss=lambda y, p: p), tuple(range(1, 400))
    (one,) = resolve({"a": MLSTMFCNClassifier(recipe=recipe, filters=filters)})
    assert "0x" not in one.description
    assert "399" in one.description


class Older(DummyClassifier):
    def __init__(self, depth=3):
        super().__init__()
        self.depth = depth


class Newer(DummyClassifier):
    """The next version of `Older`, with a new parameter."""

    def __init__(self, depth=3, width=4):
        super().__init__()
        self.depth = depth
        self.width = width


Newer.__name__ = Newer.__qualname__ = "Older"


def test_a_new_parameter_at_its_default_does_not_change_a_fingerprint():
    assert fingerprint(Newer(depth=5)) == fingerprint(Older(depth=5)) == "Older(depth=5)"
    assert fingerprint(Newer()) == fingerprint(Older()) == "Older()"
    assert fingerprint(Newer(width=5)) == "Older(width=5)"
    assert fingerprint(MLSTMFCNClassifier(n_epochs=3)) == "MLSTMFCNClassifier(n_epochs=3)"
    assert fingerprint(Recipe(patience=3)) == "Recipe(patience=3)"


@pytest.mark.parametrize(
    ("parameter", "made", "other"),
    [
        (
            "recipe",
            lambda: Recipe(optimizer=keras.optimizers.SGD(0.1)),
            lambda: Recipe(optimizer=keras.optimizers.SGD(0.2)),
        ),
        (
            "callbacks",
            lambda: [keras.callbacks.EarlyStopping(patience=5)],
            lambda: [keras.callbacks.EarlyStopping(patience=50)],
        ),
    ],
)
def test_the_fingerprint_of_an_object_is_its_state(parameter, made, other, tmp_path):
    """A script that creates an equal optimizer resumes; a different optimizer is refused."""
    folder = Folder(tmp_path)
    folder.require_same(resolve({"a": MLSTMFCNClassifier(**{parameter: made()})}), True)
    folder.keep(result())
    folder.require_same(resolve({"a": MLSTMFCNClassifier(**{parameter: made()})}), True)
    with pytest.raises(ValueError, match="results of a different 'a'"):
        folder.require_same(resolve({"a": MLSTMFCNClassifier(**{parameter: other()})}), True)


def test_the_fingerprint_of_a_function_is_its_source_and_of_an_array_all_values():
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
