"""Results of different estimators or data are not mixed under one name."""

import json
from dataclasses import replace

import pytest
from sklearn.dummy import DummyClassifier

from mlstm_fcn import MLSTMFCNClassifier, datasets
from mlstm_fcn.benchmark import Folder, make_plan, resolve, run
from tests import counting
from tests.counting import Counting, fits
from tests.results import result

log = counting.log


def test_results_of_a_different_estimator_under_the_same_name_are_refused(tmp_path, log):
    run(["UnitTest"], {"a": DummyClassifier()}, tmp_path)
    with pytest.raises(ValueError, match=r"results of a different 'a'.*strategy='uniform'"):
        run(["UnitTest"], {"a": DummyClassifier(strategy="uniform")}, tmp_path)
    with pytest.raises(ValueError, match="results of a different 'a'"):
        run(["UnitTest"], {"a": DummyClassifier()}, tmp_path, resampled=False)
    with pytest.raises(ValueError, match="results of a different 'a'"):
        make_plan(["UnitTest"], resolve({"a": DummyClassifier(constant=1)}), 1, Folder(tmp_path))


@pytest.fixture
def stored(tmp_path):
    """A folder with a result of a network, and the path of its stored fingerprint."""
    folder = Folder(tmp_path)
    folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True)
    folder.keep(result())
    return folder, tmp_path / "a" / "estimator.json"


def changed(path, change):
    """Change a stored fingerprint."""
    about = json.loads(path.read_text())
    change(about)
    path.write_text(json.dumps(about))


@pytest.mark.parametrize("name", ["recipe.batch_size", "recipe.augmentation", "recipe.optimizer"])
def test_a_recipe_field_that_is_newer_than_the_results_counts_as_its_default(stored, name):
    folder, path = stored
    before = path.read_text()
    changed(path, lambda about: about.pop(name))
    folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True, write_fingerprints=False)
    assert name not in path.read_text()
    folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True)
    assert path.read_text() == before  # so that a later change of the default is noticed
    assert folder.results()


def test_a_newer_recipe_field_that_is_not_at_its_default_is_refused(stored):
    folder, path = stored
    changed(path, lambda about: about.pop("recipe.n_epochs"))
    with pytest.raises(ValueError, match=r"stored={'recipe\.n_epochs': 'None'}, current={.*: '3'}"):
        folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True)


@pytest.mark.parametrize("name", ["recipe.batch_size", "recipe.no_longer_a_field", "estimator", "split"])
def test_a_stored_value_that_differs_is_refused(stored, name):
    folder, path = stored
    changed(path, lambda about: about.update({name: "17"}))
    with pytest.raises(ValueError, match="results of a different 'a'.*stored={'" + name + "': '17'}"):
        folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_fingerprint_is_refused(stored, text):
    folder, path = stored
    path.write_text(text)
    with pytest.raises(ValueError, match=r"estimator\.json is damaged"):
        folder.require_same(resolve({"a": MLSTMFCNClassifier(n_epochs=3)}), True)


def test_results_of_different_data_under_the_same_name_are_refused(tmp_path):
    first, other = (datasets.synthetic.make("pattern", n_test=16, random_state=seed) for seed in (0, 1))
    run([first], [DummyClassifier()], tmp_path)
    table = run([first], {"other": DummyClassifier(strategy="uniform")}, tmp_path)
    assert table["data"].tolist() == [first.digest()] * 2
    with pytest.raises(
        ValueError, match=f"results of different data named 'pattern'.*current='{other.digest()}'"
    ):
        run([other], [DummyClassifier()], tmp_path)


def test_a_digest_covers_all_series_and_labels():
    problem = datasets.load("UnitTest")
    series = problem.X_test.copy()
    series[3, 0, 7] += 1e-3
    others = [
        replace(problem, X_test=series),
        replace(problem, y_test=problem.y_test[::-1]),
        replace(problem, X_test=list(problem.X_test)[::-1]),
    ]
    assert datasets.load("UnitTest").digest() == problem.digest()
    assert len({problem.digest(), *(other.digest() for other in others)}) == 4


def test_a_renamed_folder_is_a_different_estimator(tmp_path):
    Folder(tmp_path).keep(result())
    (tmp_path / "a").rename(tmp_path / "old")
    Folder(tmp_path).keep(result())
    assert Folder(tmp_path).table()["estimator"].tolist() == ["a", "old"]


def test_an_estimator_without_results_may_be_changed(tmp_path, log):
    for _ in range(2):
        assert run(["UnitTest"], {"a": Counting(str(log), do="raise")}, tmp_path).empty
    assert len(fits(log)) == 1  # an error is not repeated ...
    (table,) = run(["UnitTest"], {"a": Counting(str(log))}, tmp_path).itertuples()
    assert table.estimator == "a"  # ... except for a different estimator
    assert not Folder(tmp_path).failures()
