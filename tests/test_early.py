"""Early classification: when it answers, on what that was chosen, and that a stream says the same."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression

from mlstm_fcn import MLSTMFCNClassifier, early
from mlstm_fcn.early.rule import chosen_rule, confidence, spread
from tests.quick_fit import SMALL

SEEN = []  # the means of all cases of each fit


class OfMeans(ClassifierMixin, BaseEstimator):
    """Logistic regression on the mean of each channel so far."""

    def fit(self, X, y):
        SEEN.append(self._means(X))
        self.classifier_ = LogisticRegression().fit(SEEN[-1], y)
        self.classes_ = self.classifier_.classes_
        return self

    def predict_proba(self, X):
        return self.classifier_.predict_proba(self._means(X))

    def _means(self, X):
        cases = [case.to_numpy().T if isinstance(case, pd.DataFrame) else case for case in X]
        return np.array([np.nanmean(case, axis=1) for case in cases])


def made(cases=30, steps=20, channels=2, seed=0):
    """Two classes that part at the first step, with noise that the mean over time averages out."""
    rng = np.random.default_rng(seed)
    y = np.arange(cases) % 2
    return rng.normal(size=(cases, channels, steps)) + y[:, None, None], np.array(["no", "yes"])[y]


def of(*rows):
    """Probabilities of two classes from those of the first, `(cases, checkpoints, 2)`."""
    first = np.array(rows)
    return np.stack([first, 1 - first], axis=2)


@pytest.mark.parametrize(
    ("threshold", "agreement", "expected"),
    [(0.0, 1, 0), (0.7, 1, 1), (0.7, 2, 2), (0.95, 1, 3), (0.0, 3, 3), (0.8, 1, 1)],
)
def test_a_rule_stops_at_the_first_checkpoint_that_is_sure(threshold, agreement, expected):
    rule = early.StoppingRule((2, 4, 6, 8), threshold, agreement)
    assert rule.stops(of([0.4, 0.8, 0.9, 0.6])) == [expected]


def test_a_case_that_has_ended_is_answered():
    rule = early.StoppingRule((2, 4, 6), 1.0)
    assert rule.stops(of([0.6] * 3, [0.6] * 3, [0.6] * 3), np.array([1, 3, 100])).tolist() == [0, 1, 2]


def test_the_chosen_rule_has_the_best_harmonic_mean_of_all():
    rng = np.random.default_rng(0)
    checkpoints, lengths = (2, 4, 6, 8), rng.integers(3, 9, size=25)
    right = rng.integers(2, size=25)
    sides = rng.uniform(-1, 1, size=(25, 4)) + np.linspace(-0.9, 1.5, 4)  # later ones are better
    probabilities = of(*(1 / (1 + np.exp(np.where(right[:, None], 2, -2) * sides))))
    chosen, curve = chosen_rule(probabilities, right, checkpoints, lengths)

    def value(rule):
        at = rule.stops(probabilities, lengths)
        hits = probabilities[np.arange(25), at].argmax(axis=1) == right
        used = np.minimum(np.array(checkpoints)[at], lengths) / lengths
        return early.harmonic_mean(hits.mean(), used.mean())

    every = product(np.unique(probabilities.max(axis=2)), range(1, 5))
    best = max(value(early.StoppingRule(checkpoints, threshold, agreement)) for threshold, agreement in every)
    assert value(chosen) == pytest.approx(best)
    assert max(curve["harmonic_mean"]) == pytest.approx(best)
    assert curve["earliness"] == sorted(curve["earliness"])
    assert (chosen.stops(probabilities, lengths) > 0).any()


def test_confidence_counts_only_checkpoints_that_agree():
    assert confidence(of([0.4, 0.2, 0.9]), 2).tolist() == [[-1.0, 0.8, -1.0]]


def test_checkpoints_end_at_the_longest_series():
    assert spread(3, 20) == (7, 14, 20)
    assert spread(10, 3) == (1, 2, 3)


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


@pytest.mark.parametrize("at_once", [1, 3, 40])
def test_a_stream_says_what_the_whole_series_gets(at_once):
    X, y = made()
    fitted = early.EarlyClassifier(OfMeans(), random_state=0).fit(X, y)
    expected = fitted.answer(X[:8])
    for case, label, steps, probabilities in zip(X[:8], *expected, strict=True):
        stream = fitted.stream()
        while stream.push(case[:, stream.n_steps : stream.n_steps + at_once]) is None:
            assert stream.answer is None
        assert (stream.answer.label, stream.answer.steps) == (label, steps)
        np.testing.assert_allclose(stream.answer.probabilities, probabilities, atol=1e-12)
        assert stream.push(case[:, 0] + 100).label == label  # an answer stays


@pytest.mark.parametrize("agreement", [1, 2, 4])
def test_a_stream_asks_each_checkpoint_once(agreement):
    X, y = made()
    rule = early.StoppingRule((2, 4, 6, 8, 10), 0.6, agreement)
    model = early.EarlyModel(OfMeans().fit(X, y).predict_proba, rule, np.array(["no", "yes"]))
    for case, steps in zip(X, model.answer(X).steps, strict=True):
        stream = model.stream()
        while stream.push(case[:, stream.n_steps]) is None:
            pass
        assert stream.answer.steps == steps >= 2 * agreement


def test_a_stream_that_ends_is_answered_with_what_there_is():
    X, y = made()
    fitted = early.EarlyClassifier(OfMeans(), n_checkpoints=2, random_state=0).fit(X, y)
    stream = fitted.stream()
    assert stream.push(X[0, :, 0]) is None
    stream.push(X[0, :, 1:5])
    assert stream.finish().steps == 5
    np.testing.assert_allclose(
        stream.finish().probabilities, fitted.classifier_.predict_proba(X[:1, :, :5])[0], atol=1e-12
    )


@pytest.fixture(scope="module")
def late():
    """Series whose sensor is silent for some steps, their labels, and a classifier that learnt from such."""
    X, y = made(24, 12)
    X[np.arange(24) % 4 == 1, :, :5], X[np.arange(24) % 4 == 2, :, :9] = np.nan, np.nan
    network = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 2})
    return X, early.EarlyClassifier(network, n_checkpoints=3, n_splits=2, random_state=0).fit(X, y)


def test_a_series_that_starts_with_silence_is_waited_for(late, tmp_path):
    X, fitted = late
    assert fitted.rule_.checkpoints == (4, 8, 12)
    fitted.save(tmp_path / "early.keras")
    models = [
        fitted.model_,
        early.load(tmp_path / "early.keras"),
        early.load(fitted.export(tmp_path / "e.onnx")),
    ]
    for model in models:
        always = early.EarlyModel(model.predict_proba, early.StoppingRule((4, 8, 12), 0.0), model.labels)
        answer = always.answer(X[:4])
        assert answer.steps.tolist() == [4, 8, 12, 4]
        for case, steps, probabilities in zip(X[:4], answer.steps, answer.probabilities, strict=True):
            scratch = np.asarray(model.predict_proba(case[None, :, :steps]))[0]
            np.testing.assert_allclose(probabilities, scratch, atol=1e-5)
            stream = always.stream()
            while stream.push(case[:, stream.n_steps]) is None:
                pass
            assert stream.answer.steps == steps
            np.testing.assert_allclose(stream.answer.probabilities, scratch, atol=1e-5)
        np.testing.assert_allclose(model.answer(X).probabilities, fitted.answer(X).probabilities, atol=1e-5)


def test_checkpoints_in_silence_do_not_count_as_agreement():
    """No class is named there, not the first one either."""
    rule = early.StoppingRule((2, 4, 6, 8), 0.0, 2)
    assert rule.stops(of([np.nan, 0.9, 0.9, 0.9], [np.nan, np.nan, 0.1, 0.1])).tolist() == [2, 3]
    X, y = made()
    model = early.EarlyModel(OfMeans().fit(X, y).predict_proba, rule, np.array(["no", "yes"]))
    stream = model.stream()
    assert stream.push(np.full((2, 3), np.nan)) is None
    assert stream.push(X[0, :, :2]) is None
    assert stream.push(X[0, :, 2:5]).steps >= 6


def test_a_series_in_which_nothing_was_measured_is_refused_at_its_end(late):
    X, fitted = late
    stream = fitted.stream()
    assert stream.push(np.full((2, 11), np.nan)) is None
    with pytest.raises(ValueError, match=r"must hold a value.*steps=11"):
        stream.finish()
    with pytest.raises(ValueError, match=r"must hold a value.*up to the last checkpoint.*steps=12"):
        stream.push(np.full(2, np.nan))
    stream.push([1.0, 1.0])  # after the last checkpoint, where `answer` does not read either
    with pytest.raises(ValueError, match="up to the last checkpoint"):
        stream.finish()
    after = np.concatenate([np.full((2, 2, 12), np.nan), np.ones((2, 2, 3))], axis=2)
    with pytest.raises(ValueError, match=r"up to the last checkpoint.*cases=\[1, 2\], last_checkpoint=12"):
        fitted.answer([X[0], *after])
    ended = fitted.stream()
    ended.push(X[2, :, :10])
    assert ended.finish().steps == 10


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
        ({"y": ["no"] * 3}, "equally many cases"),
        ({"n_splits": 1}, "`n_splits` must be at least 2"),
        ({"n_checkpoints": 0}, "`n_checkpoints` must be a positive integer"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, message):
    X, y = made()
    options = {name: value for name, value in change.items() if name != "y"}
    with pytest.raises(ValueError, match=message):
        early.EarlyClassifier(OfMeans(), **options).fit(X, change.get("y", y))


def test_a_stream_keeps_the_values_of_an_array_that_is_filled_again():
    X, y = made()
    model = early.EarlyModel(OfMeans().fit(X, y).predict_proba, early.StoppingRule((3,), 0.9), np.unique(y))
    stream, buffer = model.stream(), np.empty(2)
    for step in range(3):
        buffer[:] = X[0, :, step]
        stream.push(buffer)
    np.testing.assert_array_equal(stream.answer.probabilities, model.answer(X[:1]).probabilities[0])


def test_an_infinite_value_does_not_spoil_a_stream():
    X, y = made()
    model = early.EarlyModel(OfMeans().fit(X, y).predict_proba, early.StoppingRule((3,), 0.9), np.unique(y))
    stream = model.stream()
    with pytest.raises(ValueError, match="Values must be finite"):
        stream.push([np.inf, 0.0])
    assert stream.push(X[0]).label == model.answer(X[:1]).label[0]


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


def test_frames_may_have_their_columns_in_different_orders():
    X, y = made(12, 10)
    frames = [pd.DataFrame(case.T * [1, 9], columns=["a", "b"]) for case in X]
    mixed = [frame[["b", "a"]] if number % 2 else frame for number, frame in enumerate(frames)]
    one, other = (early.EarlyClassifier(OfMeans(), random_state=0).fit(some, y) for some in (frames, mixed))
    for some in (frames, mixed):
        np.testing.assert_array_equal(other.predict_proba(some), one.predict_proba(frames))


def test_a_stream_whose_channels_change_is_refused():
    X, y = made()
    stream = early.EarlyClassifier(OfMeans(), random_state=0).fit(X, y).stream()
    with pytest.raises(ValueError, match="must have a step"):
        stream.finish()
    stream.push([0.0, 0.0])
    with pytest.raises(ValueError, match=r"same channels.*channels=2"):
        stream.push([0.0])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"checkpoints": [1, 1], "threshold": 0.5, "agreement": 1, "of": ""}',
        '{"checkpoints": [1, 2], "threshold": NaN, "agreement": 1, "of": ""}',
        '{"checkpoints": [1, 2], "threshold": 2, "agreement": 1, "of": ""}',
        '{"checkpoints": [1, 2], "threshold": 0.5, "agreement": 0, "of": ""}',
        '{"checkpoints": [1.5], "threshold": 0.5, "agreement": 1, "of": ""}',
        '{"checkpoints": [], "threshold": 0.5, "agreement": 1, "of": ""}',
        '{"checkpoints": [1], "threshold": 0.5, "agreement": 1, "of": "", "more": 1}',
        '{"checkpoints": "12", "threshold": 0.5, "agreement": 1, "of": ""}',
    ],
)
def test_a_damaged_file_of_a_rule_is_refused(tmp_path, text):
    path = tmp_path / "rule.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="is damaged, or not a stopping rule"):
        early.StoppingRule.load(path)


def test_a_rule_is_saved_and_loaded(tmp_path):
    rule = early.StoppingRule((1, 5), 0.75, 2)
    rule.save(tmp_path / "rule.json")
    assert early.StoppingRule.load(tmp_path / "rule.json") == rule
    with pytest.raises(FileNotFoundError):
        early.StoppingRule.load(tmp_path / "other.json")


def test_a_rule_of_another_classifier_is_refused(tmp_path):
    """As after a `save` that was killed between the two files."""
    X, y = made(12, 10)
    network = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1})
    fitted = early.EarlyClassifier(network, n_checkpoints=2, n_splits=2, random_state=0).fit(X, y)
    fitted.save(tmp_path / "early.keras")
    network.fit(X, y).save(tmp_path / "early.keras")
    with pytest.raises(ValueError, match="belongs to another classifier"):
        early.load(tmp_path / "early.keras")


def test_labels_in_another_order_than_the_series_are_refused():
    X, y = made(6, 4)
    columns = pd.MultiIndex.from_product([range(6), range(4)])
    frame = pd.DataFrame(X.transpose(0, 2, 1).reshape(24, 2), index=columns, columns=["a", "b"])
    with pytest.raises(ValueError, match="index"):
        early.EarlyClassifier(OfMeans()).fit(frame, pd.Series(y, index=[1, 0, 2, 3, 4, 5]))
