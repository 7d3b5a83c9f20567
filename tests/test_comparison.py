"""The statistics of a benchmark are those of their definitions: means, ranks, wins, p-values and cliques."""

import numpy as np
import pytest
from scipy.stats import rankdata, wilcoxon

from mlstm_fcn.benchmark import compare
from mlstm_fcn.benchmark.comparison import cliques, holm
from tests.results import table


def test_means_spreads_and_ranks_are_those_of_the_definitions():
    accuracies = {"a": [0.9, 0.8, 0.7], "b": [0.9, 0.6, 0.8], "c": [0.5, 0.7, None]}
    one = compare(table(accuracies))
    assert one.common == ["p0", "p1"]
    ranks = np.mean([rankdata([-0.9, -0.9, -0.5]), rankdata([-0.8, -0.6, -0.7])], axis=0)
    assert one.ranks[["a", "b", "c"]].tolist() == ranks.tolist()
    assert one.best("p0") == ["a", "b"]
    assert one.wins("a", "b") == (1, 1, 1)


def test_the_spread_is_over_resamples():
    rows = table({"a": [0.5]}, n_resamples=3)
    rows["accuracy"] = [0.2, 0.4, 0.9]
    one = compare(rows)
    assert one.std.loc["p0", "a"] == pytest.approx(np.std([0.2, 0.4, 0.9], ddof=1))
    assert one.count.loc["p0", "a"] == 3


def test_means_that_differ_by_rounding_tie():
    """The mean of 0.1, 0.2 and 0.3 is not quite that of 0.2, 0.2 and 0.2."""
    rows = table({"a": [0.2] * 3, "b": [0.2] * 3}, n_resamples=3)
    rows.loc[rows["estimator"] == "a", "accuracy"] = [0.1, 0.2, 0.3] * 3
    exact = rows.groupby(["problem", "estimator"])["accuracy"].mean().unstack()
    assert (exact["a"] != exact["b"]).all()
    one = compare(rows)
    assert one.ranks.tolist() == [1.5, 1.5]
    assert one.best("p1") == ["a", "b"]
    assert one.wins("a", "b") == (0, 3, 0)
    assert one.p_values.loc["a", "b"] == 1


def test_log_loss_is_better_when_it_is_lower():
    rows = table({"a": [0.1, 0.2], "b": [0.3, 0.4]}).rename(columns={"accuracy": "log_loss"})
    one = compare(rows, "log_loss")
    assert one.ranks.index.tolist() == ["a", "b"]
    assert one.best("p0") == ["a"]
    assert one.wins("a", "b") == (2, 0, 0)


def test_p_values_are_wilcoxons_adjusted_by_holm():
    rng = np.random.default_rng(0)
    a = rng.uniform(0.5, 0.9, 12)
    values = {"a": a, "b": a - rng.uniform(0.01, 0.1, 12), "c": a - rng.normal(0, 0.01, 12)}
    one = compare(table(values))
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    raw = [wilcoxon(values[x] - values[y], zero_method="zsplit").pvalue for x, y in pairs]
    least, middle, most = np.argsort(raw)
    expected = {least: 3 * raw[least], middle: max(3 * raw[least], 2 * raw[middle])}
    expected[most] = max(expected[middle], raw[most])
    for i, (x, y) in enumerate(pairs):
        assert one.p_values.loc[x, y] == one.p_values.loc[y, x] == pytest.approx(min(1, expected[i]))
    assert ["a", "b"] not in cliques(one)
    assert any({"a", "c"} <= set(group) for group in cliques(one))


def test_data_sets_that_tie_count_half_for_each_side():
    """Zeros share their ranks between wins and losses (`zsplit`) and are not left out."""
    differences = np.r_[np.zeros(15), 0.01 * np.array([-1, 2, 3, 4, -5, 6, 7, 8])]
    p = compare(table({"a": 0.5 + differences, "b": np.full(23, 0.5)})).p_values.loc["a", "b"]
    assert p == pytest.approx(wilcoxon(differences, zero_method="zsplit").pvalue)
    assert p > 2 * wilcoxon(differences, zero_method="wilcox").pvalue


def test_holm_is_that_of_the_worked_example():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


def test_equal_estimators_form_a_clique():
    one = compare(table({"a": [0.5, 0.6], "b": [0.5, 0.6]}))
    assert one.p_values.loc["a", "b"] == 1
    assert cliques(one) == [["a", "b"]]
