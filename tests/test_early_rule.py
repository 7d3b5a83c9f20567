"""A stopping rule: at which checkpoint it answers, which rule is chosen, and what its file keeps."""

from itertools import product

import numpy as np
import pytest

from mlstm_fcn import early
from mlstm_fcn.early.rule import chosen_rule, confidence, spread
from tests.early_cases import of


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


def test_a_rule_is_chosen_where_no_checkpoints_agree():
    rule, curve = chosen_rule(of(*[[0.9, 0.2, 0.8]] * 4), np.array([0, 0, 0, 1]), (1, 2, 3), np.full(4, 3))
    assert (rule.agreement, rule.stops(of([0.9, 0.2, 0.8]))[0]) == (1, 0)
    assert max(curve["harmonic_mean"]) == pytest.approx(early.harmonic_mean(0.75, 1 / 3))


def test_confidence_counts_only_checkpoints_that_agree():
    assert confidence(of([0.4, 0.2, 0.9]), 2).tolist() == [[-1.0, 0.8, -1.0]]


def test_checkpoints_end_at_the_longest_series():
    assert spread(3, 20) == (7, 14, 20)
    assert spread(10, 3) == (1, 2, 3)


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
