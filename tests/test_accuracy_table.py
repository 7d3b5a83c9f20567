"""The scripts for the accuracy tables are correct, and the pages agree with the results."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlstm_fcn import benchmark

ROOT = Path(__file__).parent.parent


def loaded(file):
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def script():
    return loaded(ROOT / "examples" / "reproduce_table.py")


@pytest.fixture(scope="module")
def pages():
    return loaded(ROOT / "benchmarks" / "accuracy_tables.py")


def result(seed, probabilities, problem="BasicMotions"):
    case = benchmark.RunKey("default", problem, seed)
    truth = np.array([0, 1, 1, 0])
    return benchmark.Result(case, ["a", "b"], truth, np.array(probabilities), 2.0, 0.5, 1000, {"seed": seed})


@pytest.fixture
def folder(tmp_path):
    """Two seeds: they are right in 2 and 3 of 4 cases, their vote in all of them."""
    place = benchmark.Folder(tmp_path)
    place.keep(result(0, [[0.9, 0.1], [0.6, 0.4], [0.1, 0.9], [0.4, 0.6]]))
    place.keep(result(1, [[0.6, 0.4], [0.1, 0.9], [0.6, 0.4], [0.9, 0.1]]))
    place.keep(result(0, [[0.9, 0.1]] * 4, problem="Libras"))
    return tmp_path


def test_a_vote_is_the_mean_of_the_probabilities_of_all_seeds(script, folder):
    script.vote(folder, "default", 2)
    files = benchmark.Folder(folder).results()
    voted = benchmark.RunKey("default-vote-of-2", "BasicMotions", 0)
    assert {case.problem for case in files if case.estimator == voted.estimator} == {"BasicMotions"}
    read = benchmark.read(files[voted])
    np.testing.assert_allclose(read.probabilities, [[0.75, 0.25], [0.35, 0.65], [0.35, 0.65], [0.65, 0.35]])
    assert read.fit_seconds == 4.0
    assert "soft vote of 2 seeds" in read.about["estimator"]


def test_the_table_has_mean_spread_seeds_and_published_figures(script, folder):
    script.vote(folder, "default", 2)
    table = script.summary(script.results(folder, folder / "none.csv"))
    row = table.loc["BasicMotions"]
    assert (row["default mean"], row["default seeds"]) == (0.625, 2)
    assert row["default sd"] == pytest.approx(np.std([0.5, 0.75], ddof=1), abs=1e-4)
    assert row["default-vote-of-2 mean"] == 1.0
    assert np.isnan(table.loc["Libras", "default-vote-of-2 mean"])
    assert row["ROCKET (published)"] == 1.0


def test_existing_results_are_kept_and_not_fitted_again(script, tmp_path):
    row = {"estimator": "default", "problem": "Libras", "resample": 0, "accuracy": 0.5, "fit_seconds": 1.0}
    pd.DataFrame([row]).to_csv(tmp_path / "seeds.csv", index=False)
    options = {"n_epochs": 1, "folder": str(tmp_path / "predictions"), "output": str(tmp_path)}
    script.main("Libras", **options)
    kept = pd.read_csv(tmp_path / "seeds.csv")
    assert kept[list(row)].to_dict("records") == [row]
    assert pd.read_csv(tmp_path / "seeds_table.csv")["default mean"].tolist() == [0.5]
    mean = script.main("BasicMotions", **options)
    kept = pd.read_csv(tmp_path / "seeds.csv")
    assert kept["problem"].tolist() == ["BasicMotions", "Libras"]
    assert mean == pytest.approx(kept["accuracy"][0], abs=1e-4)  # of what was asked for


def test_an_accuracy_is_kept_with_all_its_digits_so_that_ties_stay_ties(script, tmp_path):
    probabilities = [[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.4, 0.6], [0.9, 0.1], [0.1, 0.9]]
    case = benchmark.RunKey("default", "BasicMotions", 0)
    truth = np.array([0, 1, 1, 1, 0, 0])
    one = benchmark.Result(case, ["a", "b"], truth, np.array(probabilities), 2.0123456, 0.5, 1000, {})
    benchmark.Folder(tmp_path).keep(one)
    script.write(tmp_path / "seeds.csv", script.results(tmp_path, tmp_path / "none.csv"), index=False)
    kept = pd.read_csv(tmp_path / "seeds.csv").iloc[0]
    assert (kept["accuracy"], kept["fit_seconds"]) == (4 / 6, 2.01235)


def test_a_table_that_gets_nothing_new_is_the_same_to_the_last_digit(script, tmp_path):
    row = {"estimator": "default", "problem": "Libras", "resample": 0, "accuracy": 1 / 700}
    first = pd.DataFrame([row]).reindex(columns=script.COLUMNS)
    script.write(tmp_path / "seeds.csv", first, index=False)
    script.write(tmp_path / "again.csv", script.results(tmp_path, tmp_path / "seeds.csv"), index=False)
    assert (tmp_path / "again.csv").read_text() == (tmp_path / "seeds.csv").read_text()


def test_the_pages_have_the_figures_of_the_results(pages):
    assert pages.main() == []


def test_a_table_takes_the_place_of_the_one_with_its_first_row_alone(pages):
    page = (
        "text | 1\n\n| | a |\n| --- | ---: |\n| x | 0.1 |\n| y | 0.2 |\n\n| | b |\n| --- | --- |\n| x | 3 |\n"
    )
    rows = [["", "a"], ["x", "0.5"], ["", ""], ["z", ""]]
    changed = pages.replaced(page, rows)
    assert changed == page.replace("| x | 0.1 |\n| y | 0.2 |", "| x | 0.5 |\n| | |\n| z | |")
    with pytest.raises(ValueError, match="one table with this first row"):
        pages.replaced(page, [["", "c"], ["x", "0.5"]])


def test_the_default_stands_against_each_of_the_others(pages):
    figures = {"default": [0.9, 0.8], "ensemble": [0.9, 0.7], "MiniRocket": [0.8, 0.9], "paper": [0.1, 0.2]}
    table = pd.DataFrame(
        [
            (name, problem, seed, accuracy + step, 60.0)
            for name, both in figures.items()
            for problem, accuracy in zip(("Libras", "NATOPS"), both, strict=True)
            for seed, step in enumerate((-0.05, 0.05))
        ],
        columns=["estimator", "problem", "resample", "accuracy", "fit_seconds"],
    )
    header, *rows = pages.all_sets(table)
    assert [row[:4] for row in rows] == [
        ["default", "0.8500", "1.75", ""],
        ["ensemble", "0.8000", "2.25", "1, 1, 0"],
        ["MiniRocket", "0.8500", "2.00", "1, 0, 1"],
        ["paper recipe", "0.1500", "4.00", "2, 0, 0"],
    ]
    assert {len(row) for row in rows} == {len(header)}


def test_means_are_over_all_data_sets_and_over_those_that_all_methods_have(pages):
    """HIVE-COTE 2.0 has no published figure for JapaneseVowels."""
    accuracies = {"Libras": 0.9, "NATOPS": 0.7, "JapaneseVowels": 0.2}
    rows = [(name, problem, 0, one) for name in pages.OURS for problem, one in accuracies.items()]
    table = pd.DataFrame(rows, columns=["estimator", "problem", "resample", "accuracy"])
    header, every, whole = pages.means({"UEA": table})
    assert every[:6] == ["all 3 of UEA", *["0.6000"] * 5]
    assert whole[:6] == ["2 of UEA", *["0.8000"] * 5]
    hive = header.index("HIVE-COTE 2.0")
    assert (every[hive], whole[hive]) == ("", f"{(0.9333 + 0.8944) / 2:.4f}")
    assert len(header) == len(every) == len(whole)


def test_minirocket_takes_series_as_they_are(script, rng):
    pytest.importorskip("numba")
    lengths = [5, 7, 8, 6] * 5
    X = [pd.DataFrame(rng.normal(size=(length, 2))) for length in lengths]
    X[0].iloc[2, 1] = np.nan
    y = np.array(["a", "b"] * 10)
    for case, label in zip(X, y, strict=True):
        case += 5.0 * (label == "b")
    fitted = script.MiniRocket(random_state=0).fit(X, y)
    longer = [pd.DataFrame(rng.normal(size=(12, 2))) for _ in range(3)]
    assert fitted.predict(longer).shape == (3,)
    assert (fitted.predict(X) == y).mean() > 0.8
