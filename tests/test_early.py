"""An early classifier: what chooses its rule, which series it takes, and that its files answer the same."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, early
from tests.early_cases import SEEN, OfMeans, made
from tests.quick_fit import SMALL


def test_the_rule_is_chosen_on_cases_that_the_classifier_has_not_seen():
    X, y = made()
    SEEN.clear()
    early.EarlyClassifier(OfMeans(), n_checkpoints=4, n_splits=3, random_state=0).fit(X, y)
    whole = X.mean(axis=2)
    has = [[np.isclose(fitted, case).all(axis=1).any() for case in whole] for fitted in SEEN]
    *splits, last = np.array(has)
    assert last.all()
    assert (np.sum(splits, axis=0) == 2).all()  # of three
    assert [len(fitted) for fitted in SEEN] == [80, 80, 80, 120]


def test_answers_come_early_and_are_right_on_series_whose_start_tells():
    X, y = made(60, 40)
    fitted = early.EarlyClassifier(OfMeans(), random_state=0).fit(X, y)
    others, expected = made(60, 40, seed=1)
    answer = fitted.answer(others)
    assert (answer.label == expected).mean() > 0.9
    assert answer.steps.mean() < 20
    assert fitted.score(others, expected) == (fitted.predict(others) == expected).mean()
    np.testing.assert_array_equal(fitted.predict_proba(others), answer.probabilities)
    np.testing.assert_array_equal(answer.label, fitted.classes_[answer.probabilities.argmax(axis=1)])


def test_steps_after_the_answer_do_not_change_it():
    X, y = made()
    fitted = early.EarlyClassifier(OfMeans(), random_state=0).fit(X, y)
    answer = fitted.answer(X)
    changed = X.copy()
    for case, steps in enumerate(answer.steps):
        changed[case, :, steps:] = 1e6
    np.testing.assert_array_equal(fitted.answer(changed).label, answer.label)


def test_series_of_different_lengths_count_by_their_own():
    X, y = made(40, 20)
    cases = [case[:, : 20 if number % 4 else 5] for number, case in enumerate(X)]
    fitted = early.EarlyClassifier(OfMeans(), n_checkpoints=4, random_state=0).fit(cases, y)
    lengths = np.array([case.shape[1] for case in cases])
    assert (fitted.answer(cases).steps <= lengths).all()
    assert fitted.rule_.checkpoints == (5, 10, 15, 20)


def test_frames_keep_the_names_of_their_columns():
    X, y = made(12, 10)
    frames = [pd.DataFrame(case.T, columns=["a", "b"]) for case in X]
    network = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1})
    fitted = early.EarlyClassifier(network, n_checkpoints=2, n_splits=2, random_state=0).fit(frames, y)
    expected = fitted.predict_proba(frames[:2])
    reordered = [frame[["b", "a"]] for frame in frames[:2]]
    np.testing.assert_allclose(fitted.predict_proba(reordered), expected, atol=1e-6)
    with pytest.raises(ValueError, match="c"):
        fitted.predict([frame.rename(columns={"a": "c"}) for frame in frames[:2]])


def test_frames_may_have_their_columns_in_different_orders():
    X, y = made(12, 10)
    frames = [pd.DataFrame(case.T * [1, 9], columns=["a", "b"]) for case in X]
    mixed = [frame[["b", "a"]] if number % 2 else frame for number, frame in enumerate(frames)]
    one, other = (early.EarlyClassifier(OfMeans(), random_state=0).fit(some, y) for some in (frames, mixed))
    for some in (frames, mixed):
        np.testing.assert_array_equal(other.predict_proba(some), one.predict_proba(frames))


def test_masked_values_are_missing_ones():
    X, y = made()
    fitted = early.EarlyClassifier(OfMeans(), n_checkpoints=2, random_state=0).fit(X, y)
    masked, missing = np.ma.masked_array(X, mask=False), X.copy()
    masked[:, 1, 2:5], missing[:, 1, 2:5] = 1e6, np.nan
    masked[:, 1, 2:5] = np.ma.masked
    np.testing.assert_array_equal(fitted.predict_proba(masked), fitted.predict_proba(missing))
    stream = fitted.stream()
    stream.push(masked[0])
    np.testing.assert_array_equal(stream.answer.probabilities, fitted.predict_proba(missing[:1])[0])


def test_a_saved_and_an_exported_one_answer_the_same(tmp_path):
    X, y = made(24, 12)
    network = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 2})
    fitted = early.EarlyClassifier(network, n_checkpoints=3, n_splits=2, random_state=0).fit(X, y)
    expected = fitted.answer(X)
    fitted.save(tmp_path / "early.keras")
    exported = fitted.export(tmp_path / "early.onnx")
    for path in (tmp_path / "early.keras", exported):
        model = early.load(path)
        assert model.rule == fitted.rule_
        np.testing.assert_allclose(model.answer(X).probabilities, expected.probabilities, atol=1e-5)
        stream = model.stream()
        stream.push(X[0])
        assert stream.answer.label == expected.label[0]
        np.testing.assert_allclose(stream.answer.probabilities, expected.probabilities[0], atol=1e-5)
    with pytest.raises(ValueError, match="must be arrays: exports do not know the names of channels"):
        model.answer([pd.DataFrame(case.T) for case in X])
    with pytest.raises(ValueError, match=r"must end in \.keras or \.mlstm"):
        fitted.save(tmp_path / "early")
    assert not list(tmp_path.glob("early.zip"))


def test_a_rule_of_another_classifier_is_refused(tmp_path):
    """As after a `save` that was killed between the two files."""
    X, y = made(12, 10)
    network = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1})
    fitted = early.EarlyClassifier(network, n_checkpoints=2, n_splits=2, random_state=0).fit(X, y)
    fitted.save(tmp_path / "early.keras")
    network.fit(X, y).save(tmp_path / "early.keras")
    with pytest.raises(ValueError, match=r"^\S*early.json belongs to another classifier"):
        early.load(tmp_path / "early.keras")


def test_it_is_cloned_as_scikit_learn_does():
    one = early.EarlyClassifier(OfMeans(), n_checkpoints=3)
    assert clone(one).get_params()["n_checkpoints"] == 3
    with pytest.raises(ValueError, match="not fitted"):
        one.predict(made()[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": ["no"] * 30}, "at least two classes"),
        ({"y": ["no"] * 29 + ["yes"]}, r"at least 2 cases.*\['yes'\]"),
        ({"y": ["no"] * 3}, "the same number of cases"),
        ({"y": pd.Series(["no", "yes", None] * 10)}, r"Every case must have a target.*\[2, 5"),
        ({"y": np.arange(30) + 0.5}, "A classifier requires classes, and `y` looks like numbers"),
        ({"n_splits": 1}, "`n_splits` must be at least 2"),
        ({"classifier": MLSTMFCNRegressor()}, "`classifier` must have `predict_proba`"),
        ({"n_checkpoints": 0}, "`n_checkpoints` must be a positive integer"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, message):
    X, y = made()
    options = {name: value for name, value in change.items() if name != "y"}
    with pytest.raises(ValueError, match=message):
        early.EarlyClassifier(**{"classifier": OfMeans(), **options}).fit(X, change.get("y", y))


def test_a_series_without_a_value_is_refused_by_its_number():
    X, y = made()
    X[3] = np.nan
    for given in (X, [pd.DataFrame(case.T) for case in X]):
        with pytest.raises(ValueError, match=r"cases=\[3\]"):
            early.EarlyClassifier(OfMeans()).fit(given, y)


def test_labels_in_another_order_than_the_series_are_refused():
    X, y = made(6, 4)
    columns = pd.MultiIndex.from_product([range(6), range(4)])
    frame = pd.DataFrame(X.transpose(0, 2, 1).reshape(24, 2), index=columns, columns=["a", "b"])
    with pytest.raises(ValueError, match="index"):
        early.EarlyClassifier(OfMeans()).fit(frame, pd.Series(y, index=[1, 0, 2, 3, 4, 5]))
