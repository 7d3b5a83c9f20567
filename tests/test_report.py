"""Both pages of a benchmark's report say what its results say, as a browser shows too."""

import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from mlstm_fcn.benchmark import Failure, Folder, Result, RunKey, write_report
from mlstm_fcn.cli import main
from tests.browser import BROWSER
from tests.results import table


def result(estimator, problem, resample, right, n=20):
    y = np.arange(n) % 2
    said = np.where(np.arange(n) < right, y, 1 - y)
    probabilities = np.where(np.eye(2, dtype=bool)[said], 0.9, 0.1)
    about = {"split": "resample", "machine": "a machine", "versions": {"numpy": "2"}}
    case = RunKey(estimator, problem, resample)
    return Result(case, ["no", "yes"], y, probabilities, 2.0, 0.1, 10**8, about)


@pytest.fixture
def folder(tmp_path):
    """Three estimators on eight data sets, twice; one of them always better; one data set is not complete."""
    place, rng = Folder(tmp_path), np.random.default_rng(0)
    for p in range(8):
        problem = ["BasicMotions", "Libras"][p] if p < 2 else f"p{p}"
        for number in range(2):
            base = int(rng.integers(8, 15))
            for name, more in (("good", 5), ("fair", 0), ("poor", -5)):
                place.keep(result(name, problem, number, base + more))
    place.keep(result("good", "alone", 0, 20))
    place.keep(Failure(RunKey("poor", "alone", 0), "error", "<script>alert(1)</script>", "Traceback: <b>"))
    return tmp_path


def test_a_report_mentions_differing_numbers_of_resamples(tmp_path):
    rows = table({"a": [0.5, 0.6], "b": [0.7, 0.8]}, n_resamples=3)
    text = (
        "On 1 data set the number of resamples differs between estimators; each mean uses all resamples of "
        "its estimator."
    )
    for lacking in (0, 1):
        kept = rows.iloc[lacking:].assign(fit_seconds=1.0)
        kept.to_csv(tmp_path / "results.csv", index=False)
        pages = [page.read_text(encoding="utf-8") for page in write_report(tmp_path / "results.csv")]
        assert [text in page for page in pages] == [bool(lacking)] * 2


def test_a_table_alone_is_reported_as_its_folder_is(folder, tmp_path_factory):
    """A report needs only the small table, not the large files of predictions."""
    html, _ = write_report(folder)
    expected = html.read_text()
    file = tmp_path_factory.mktemp("table") / "kept.csv"
    shutil.copy(folder / "results.csv", file)
    pages = write_report(file)
    assert {page.parent for page in pages} == {file.parent}
    before, _, of_failures = expected.partition("<h2>Failures</h2>")
    assert pages[0].read_text() == before + of_failures[of_failures.index("<h2>Setup</h2>") :]
    assert file.read_bytes() == (folder / "results.csv").read_bytes()


def test_a_table_needs_no_more_than_figures_and_their_places(tmp_path):
    file = tmp_path / "few.csv"
    table({"a": [0.5, 0.6], "b": [0.4, 0.7]}).to_csv(file, index=False)
    text = write_report(file)[1].read_text()
    assert (
        "| estimator | mean rank | mean accuracy | wins | fit time (s) | wins, ties, losses of a | p |"
        in text
    )
    assert "| a | 1.50 | 0.5500 | 1 | 1.0 |  |  |" in text
    assert "| b | 1.50 | 0.5500 | 1 | 1.0 | 1, 0, 1 | 1 |" in text
    assert "| MB |" not in text


def test_names_are_text_whatever_they_look_like(tmp_path):
    table({"1": [0.5, 0.6], "NA": [0.4, 0.7]}).to_csv(tmp_path / "t.csv", index=False)
    text = write_report(tmp_path / "t.csv", estimators=["1", "NA"])[1].read_text()
    assert "among: 1, NA." in text


def test_missing_results_are_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder or table of results .*nowhere does not exist"):
        write_report(tmp_path / "nowhere")


def test_seconds_are_a_mean_over_data_sets_whatever_the_number_of_resamples(tmp_path):
    rows = table({"a": [0.5, 0.6]}, n_resamples=3).drop(index=[1, 2])
    rows["fit_seconds"] = [10.0, 2.0, 2.0, 2.0]
    rows.to_csv(tmp_path / "t.csv", index=False)
    assert "| a | 1.00 | 0.5500 | 2 | 6.0 |" in write_report(tmp_path / "t.csv")[1].read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(columns="fit_seconds"), r"fit_seconds.*missing=\['fit_seconds'\]"),
        (
            lambda rows: rows.assign(accuracy="85%"),
            r"column accuracy of a table of results must hold numbers.*accuracy=\['85%'\]",
        ),
        (lambda rows: pd.concat([rows, rows.head(1)]), r"one row for each.*duplicates=\[\['a', 'p0', 0\]\]"),
    ],
)
def test_an_invalid_table_is_refused(change, message, tmp_path):
    file = tmp_path / "t.csv"
    change(table({"a": [0.5]})).to_csv(file, index=False)
    with pytest.raises(ValueError, match=message):
        write_report(file)
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_chosen_estimators_are_compared_alone(folder):
    command = ["report", str(folder), "--estimators", "good, fair"]
    assert CliRunner().invoke(main, command, catch_exceptions=False).exit_code == 0
    text = (folder / "report.md").read_text()
    assert "poor" not in text
    assert "| fair | 2.00 |" in text
    assert "| 8, 0, 0 | 0.0078 |" in text
    assert text.startswith("# 2 estimators on 9 data sets")
    with pytest.raises(ValueError, match="Did you mean 'good'"):
        write_report(folder, estimators=["goood"])


def test_both_pages_say_the_same(folder):
    html, markdown = (path.read_text() for path in write_report(folder, published=True))
    cells = re.findall(r"<td[^>]*>(?:<b>)?(.*?)(?:</b>)?</td>", html)
    for cell in cells:
        assert cell.replace("&lt;", "<").replace("&gt;", ">").replace("&#x27;", "'") in markdown
    assert "mean rank" in html
    assert "MLSTM-FCN (TapNet)" in html
    assert html.count("<svg") == markdown.count(".svg)") == 3


def test_the_best_is_bold_and_a_missing_result_is_empty(folder):
    _, markdown = write_report(folder)
    lines = markdown.read_text().splitlines()
    alone = next(line for line in lines if line.startswith("| alone"))
    assert re.fullmatch(r"\| alone \| \*\*1.000 \(1\)\*\* \|  \|  \|", alone)
    assert sum("**" in line for line in lines) == 9


def test_failure_messages_are_escaped(folder):
    html, _ = write_report(folder)
    assert "<script" not in html.read_text()
    assert "&lt;script&gt;" in html.read_text()


def test_the_same_results_give_the_same_pages(folder):
    first = [path.read_text() for path in write_report(folder)]
    assert first == [path.read_text() for path in write_report(folder)]


def test_memory_is_the_most_of_any_fit_on_common_data_sets(tmp_path):
    rows = table({"a": [0.5, 0.6], "b": [0.7, None]}, n_resamples=2)
    rows["memory_bytes"] = np.where(rows["problem"] == "p1", 9e9, 1e8 * (1 + rows["resample"]))
    rows.to_csv(tmp_path / "t.csv", index=False)
    _, markdown = write_report(tmp_path / "t.csv")
    assert "| a | 2.00 | 0.5000 | 0 | 1.0 | 200 |" in markdown.read_text()


def test_words_for_missing_values_are_accepted(tmp_path):
    rows = table({"a": [0.5, 0.6]}).assign(fit_seconds=["n/a", "2.0"])
    rows.to_csv(tmp_path / "t.csv", index=False)
    assert "| a | 1.00 | 0.5500 | 2 | 2.0 |" in write_report(tmp_path / "t.csv")[1].read_text()


def test_if_all_fits_failed_the_error_has_the_first_message(tmp_path):
    Folder(tmp_path).keep(Failure(RunKey("a", "p", 0), "error", "It is too late."))
    with pytest.raises(ValueError, match=r"all fits in .* failed. Received: first=\['It is too late.'\]"):
        write_report(tmp_path)


def test_one_estimator_needs_no_comparison(tmp_path):
    Folder(tmp_path).keep(result("a", "p", 0, 15))
    html, _ = write_report(tmp_path)
    assert "1 estimator on 1 data set<" in html.read_text()


def test_a_folder_without_results_and_an_unknown_measure_are_refused(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="must be at least one result"):
        write_report(tmp_path / "empty")
    with pytest.raises(ValueError, match="`measure` must be one of"):
        write_report(folder, measure="speed")


def test_epochs_versions_and_dates_are_shown(tmp_path):
    place = Folder(tmp_path)
    for name, epochs in (("net", (60, 300)), ("forest", (None, None))):
        for number, n in enumerate(epochs):
            one = result(name, "p", number, 15)
            place.keep(
                replace(one, about={**one.about, "epochs": n, "date": f"2026-11-2{number}T10:00:00+00:00"})
            )
    text = write_report(tmp_path)[1].read_text()
    assert "| fit time (s) | epochs | MB |" in text
    assert re.search(r"\| net \|.*\| 60 to 300 \| 100 \|", text)
    assert re.search(r"\| forest \|.*\|  \| 100 \|", text)
    assert "Date: 2026-11-20 to 2026-11-21." in text
    assert "Versions: numpy=2." in text


def test_the_command_writes_both_pages(folder):
    said = CliRunner().invoke(main, ["report", str(folder), "--measure", "log_loss"])
    assert said.exit_code == 0, said.output
    pages = [folder / "report.html", folder / "report.md"]
    assert said.output.split() == list(map(str, pages))
    for page in pages:
        text = page.read_text()
        assert "3 estimators on 9 data sets" in text
        assert "log loss" in text


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_browser_draws_the_page(folder, tmp_path):
    html, _ = write_report(folder)
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    picture = tmp_path / "page.png"
    for action in ("--dump-dom", f"--screenshot={picture}"):
        done = subprocess.run(
            [BROWSER, *options, "--window-size=1200,2000", action, html.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        if action == "--dump-dom":
            assert done.stdout.count("<svg") == 3
            assert done.stdout.count("<table>") == 3
    from matplotlib.image import imread

    pixels = imread(picture)[..., :3]
    assert pixels.shape[:2] == (2000, 1200)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50  # text and coloured figures, not a blank page
