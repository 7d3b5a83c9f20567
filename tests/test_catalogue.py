"""The catalogue has facts with their sources, and None for unknown facts."""

import csv
from importlib.resources import files

import numpy as np
import pytest

from mlstm_fcn import datasets


def rows(table):
    with (files("mlstm_fcn.datasets") / table).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_both_archives_are_complete():
    assert len(datasets.names(archive="UEA")) == 30
    assert len(datasets.names(archive="UCR")) == 128
    assert len(set(datasets.names())) == len(rows("catalogue.csv"))
    assert set(datasets.names(archive="UEA")) < set(datasets.names())


def test_every_fact_has_a_source_and_every_figure_a_study():
    assert all(row["source"] for row in rows("catalogue.csv"))
    studies = {row["study"] for row in rows("studies.csv")}
    assert {row["study"] for row in rows("published.csv")} == studies
    assert {row["name"] for row in rows("published.csv")} <= set(datasets.names())


def test_published_accuracies_are_parts_of_the_test_cases():
    """A figure of one run is a whole number of cases; where it is not, split or row are wrong."""
    for row in rows("published.csv"):
        if row["study"] in ("uea-tsml", "uea-multiverse"):
            right = float(row["accuracy"]) * datasets.describe(row["name"]).test_cases
            assert abs(right - round(right)) < 0.5e-4 * datasets.describe(row["name"]).test_cases + 1e-6, row


def test_a_description_has_sizes_figures_citation_and_licence():
    motions = datasets.describe("BasicMotions")
    assert (motions.train_cases, motions.test_cases, motions.channels) == (40, 40, 6)
    assert (motions.min_length, motions.max_length, motions.classes) == (100, 100, 4)
    assert (motions.equal_length, motions.missing, motions.cases) == (True, False, 80)
    assert "1811.00075" in motions.citation
    rocket = next(one for one in motions.published if one.method == "ROCKET")
    assert rocket.accuracy == 1.0
    assert "default split" in rocket.protocol
    text = str(motions)
    for part in ("40 training, 40 test", "channels   6", "steps      100\n", "licence", "1.0000  ROCKET"):
        assert part in text


def test_the_best_published_accuracy_stands_first():
    for name in ("BasicMotions", "Libras", "JapaneseVowels"):
        accuracies = [one.accuracy for one in datasets.describe(name).published]
        assert accuracies == sorted(accuracies, reverse=True)
        assert len(set(accuracies)) > 1


def test_unknown_facts_are_shown_as_not_known():
    wingbeat = datasets.describe("InsectWingbeat")
    assert wingbeat.max_length is None
    assert "steps      not known" in str(wingbeat)
    assert "channels   1\n" in str(datasets.describe("GunPoint"))


def test_names_are_filtered_by_known_facts():
    small = datasets.names(archive="UEA", equal_length=True, max_cases=100)
    assert small == ["AtrialFibrillation", "BasicMotions", "DuckDuckGeese", "StandWalkJump"]
    assert datasets.names(archive="UEA", equal_length=False) == [
        "CharacterTrajectories",
        "InsectWingbeat",
        "JapaneseVowels",
        "SpokenArabicDigits",
    ]
    with pytest.raises(ValueError, match="Did you mean 'UEA'"):
        datasets.names(archive="uea")
    with pytest.raises(ValueError, match="Did you mean 'BasicMotions'"):
        datasets.describe("BasicMotion")


@pytest.mark.parametrize("name", datasets.here())
def test_the_catalogue_agrees_with_the_shipped_data_sets(name):
    problem, row = datasets.load(name), datasets.describe(name)
    X, y = problem.pooled()
    lengths = [case.shape[1] for case in X]
    assert (len(problem.y_train), len(problem.y_test)) == (row.train_cases, row.test_cases)
    assert (min(lengths), max(lengths), X[0].shape[0]) == (row.min_length, row.max_length, row.channels)
    assert row.classes == (len(set(y.tolist())) if y.dtype.kind == "U" else None)
    assert row.missing == any(np.isnan(case).any() for case in X)
