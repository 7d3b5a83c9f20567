"""A stream answers, step by step, what the whole series gets."""

import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, early
from tests.early_cases import OfMeans, made, of
from tests.quick_fit import SMALL


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


def test_a_stream_whose_channels_change_is_refused():
    X, y = made()
    stream = early.EarlyClassifier(OfMeans(), random_state=0).fit(X, y).stream()
    with pytest.raises(ValueError, match="must have a step"):
        stream.finish()
    stream.push([0.0, 0.0])
    with pytest.raises(ValueError, match=r"same channels.*channels=2"):
        stream.push([0.0])
