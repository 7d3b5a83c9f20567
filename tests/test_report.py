"""The report of a benchmark: statistics, both pages, and rendering in a browser."""

import re
import shutil
import subprocess
from dataclasses import replace
from html import escape

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from scipy.stats import rankdata, wilcoxon

from mlstm_fcn._document import Code, Figure, Heading, Paragraph, Table, to_html, to_markdown
from mlstm_fcn.benchmark import Failure, Folder, Result, RunKey, compare, figures, write_report
from mlstm_fcn.benchmark.comparison import cliques, holm
from mlstm_fcn.cli import main

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def table(accuracies, n_resamples=1):
    """Rows as `Folder.table` has them, from `{estimator: [accuracy on each problem]}`."""
    return pd.DataFrame(
        {"estimator": name, "problem": f"p{i}", "resample": number, "accuracy": accuracy, "fit_seconds": 1.0}
        for name, values in accuracies.items()
        for i, accuracy in enumerate(values)
        for number in range(n_resamples)
        if accuracy is not None
    )


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


# Statistics.


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


# Pages.


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


def test_the_points_of_figures_are_means_on_common_data_sets(monkeypatch):
    monkeypatch.setattr(figures, "as_svg", lambda figure: figure)
    rows = table({"worse": [0.5, 0.6, None], "better": [0.9, 0.8, 0.1]}, n_resamples=2)
    rows["fit_seconds"] = np.where(rows["problem"] == "p1", 30.0, 10.0)
    one = compare(rows)
    (axes,) = figures.scatter(one).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("worse", "better")
    assert axes.lines[1].get_xydata().tolist() == [[0.5, 0.9], [0.6, 0.8]]
    assert axes.get_title() == "2 wins, 0 ties, 0 losses"
    (axes,) = figures.cost(one, rows).axes
    points = {
        text.get_text(): line.get_xydata()[0].tolist()
        for text, line in zip(axes.get_legend().get_texts(), axes.lines, strict=True)
    }
    assert points == {"worse": [20, pytest.approx(0.55)], "better": [20, pytest.approx(0.85)]}


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


def test_long_texts_take_several_lines_so_that_the_next_column_is_seen():
    rows = [
        ["a protocol of a paper whose name is long", "x"],
        ["0.5", "a source of figures that is long too, of a paper"],
    ]
    html, markdown = (
        to_html("t", [Table(["by", "of"], rows)]),
        to_markdown("t", [Table(["by", "of"], rows)], ""),
    )
    assert html.count('<td class="text">') == 2
    assert '<th>by</th><th class="text">of</th>' in html
    assert "| --- | --- |" in markdown
    assert re.search(r"td.text { white-space: normal;", html)


def drawn_outside(figure):
    """How far, in inches, a figure's text or lines reach beyond its saved frame."""
    svg = figures.as_svg(figure)
    width, height = (
        float(value) / 72 for value in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()
    )
    box = figure.get_tightbbox()
    return max(box.width - width, box.height - height)


@pytest.mark.parametrize("draw", ["critical_difference", "scatter", "cost"])
def test_figures_are_inside_their_frame_whatever_the_length_of_names(draw, monkeypatch):
    """And names inside the figure do not leave their axes, or cover each other."""
    pytest.importorskip("scikit_posthocs")
    of = {f"{'an estimator with a long name ' * 3}{number}": [0.5, 0.6, 0.7, 0.8] for number in range(4)}
    rows = table(of)
    made = []
    monkeypatch.setattr(
        figures, "as_svg", lambda figure, svg=figures.as_svg: made.append(figure) or svg(figure)
    )
    arguments = (compare(rows), rows) if draw == "cost" else (compare(rows),)
    getattr(figures, draw)(*arguments)
    monkeypatch.undo()
    assert drawn_outside(made[0]) <= 0
    inside = [text for axes in made[0].axes for text in axes.texts if draw == "cost"]
    assert inside == []


def test_the_command_writes_both_pages(folder):
    said = CliRunner().invoke(main, ["report", str(folder), "--measure", "log_loss"])
    assert said.exit_code == 0, said.output
    pages = [folder / "report.html", folder / "report.md"]
    assert said.output.split() == list(map(str, pages))
    for page in pages:
        text = page.read_text()
        assert "3 estimators on 9 data sets" in text
        assert "log loss" in text


def test_blocks_are_escaped():
    blocks = [
        Heading("<h>"),
        Paragraph("a & b"),
        Code("<c>"),
        Table(["<t>"], [["x|y"]]),
        Figure("f", "<f>", "<svg/>"),
    ]
    html = to_html("<title>", blocks)
    for raw in ("<h>", "<c>", "<t>", "<f>", "<title></title>"):
        assert raw not in html
        assert escape(raw) in html or raw == "<title></title>"
    assert "a &amp; b" in html
    assert "x\\|y" in to_markdown("t", blocks, "figures")


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
