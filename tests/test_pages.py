"""Pages about a classifier and a decision: true figures, nothing from the network, names as text."""

import re
import subprocess
import sys
from html import escape

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn import metrics
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, NetworkClassifier, trust
from mlstm_fcn.cli import main
from mlstm_fcn.report import write_case, write_evaluation
from mlstm_fcn.report.answers import Answers, short_names
from tests.quick_fit import SMALL
from tests.test_report import BROWSER

HOSTILE = ["</td><script>alert(1)</script>", r"$\frac{1$ & \x", "名前 " * 30]


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 2, 20)), np.array(HOSTILE)[np.arange(30) % 3]
    X[y == HOSTILE[0], 0, 5:10] += 2
    return X, y


@pytest.fixture(scope="module")
def fitted(problem):
    options = {**SMALL, "filters": (8, 8), "kernel_sizes": (5, 3), "reduction": 4}
    return MLSTMFCNClassifier(**options).fit(*problem)


@pytest.fixture(scope="module")
def page(fitted, problem, tmp_path_factory):
    path = tmp_path_factory.mktemp("pages") / "new" / "report.html"
    return write_evaluation(fitted, *problem, path, beta=2.0, model="<b>", data="a & b").read_text("utf-8")


def probabilities_of(rng, n_cases=200, n_classes=3):
    raw = rng.random((n_cases, n_classes)) ** 3
    return raw / raw.sum(axis=1, keepdims=True)


def test_scores_are_those_of_scikit_learn(rng):
    labels, given = np.array(["a", "b", "c"]), probabilities_of(rng)
    y = labels[np.where(rng.random(200) < 0.6, given.argmax(axis=1), rng.integers(3, size=200))]
    predicted = labels[given.argmax(axis=1)]
    found = trust.scores(y, given, labels.tolist(), beta=2.0)
    assert found == {
        "accuracy": pytest.approx(metrics.accuracy_score(y, predicted)),
        "balanced_accuracy": pytest.approx(metrics.balanced_accuracy_score(y, predicted)),
        "precision": pytest.approx(metrics.precision_score(y, predicted, average="macro")),
        "recall": pytest.approx(metrics.recall_score(y, predicted, average="macro")),
        "f_beta": pytest.approx(metrics.fbeta_score(y, predicted, beta=2.0, average="macro")),
        "log_loss": pytest.approx(metrics.log_loss(y, given)),
        "auroc": pytest.approx(metrics.roc_auc_score(y, given, multi_class="ovr")),
        "calibration_error": trust.calibration_error(y, given, labels.tolist()),
    }


def test_scores_of_classes_without_cases_and_of_one_class(rng):
    """A test set seldom has all classes of training."""
    given = probabilities_of(rng, 20)
    found = trust.scores(["b"] * 20, given, ["a", "b", "c"])
    assert np.isnan(found["auroc"])
    assert found["balanced_accuracy"] == found["accuracy"] == np.mean(given.argmax(axis=1) == 1)
    two = trust.scores(["a", "b"] * 10, given, ["a", "b", "c"])
    expected = [
        metrics.roc_auc_score([1, 0] * 10, given[:, 0]),
        metrics.roc_auc_score([0, 1] * 10, given[:, 1]),
    ]
    assert two["auroc"] == pytest.approx(np.mean(expected))
    assert trust.scores(["a"], [[1.0]], ["a"])["log_loss"] == 0


def test_the_calibration_error_is_the_mean_gap_of_the_bins():
    """Three of four answers of 0.9 are right, and two of two of 0.6: (4 * 0.15 + 2 * 0.4) / 6."""
    given = np.array([[0.9, 0.1]] * 4 + [[0.4, 0.6]] * 2)
    assert trust.calibration_error(list("aaabbb"), given, ["a", "b"]) == pytest.approx(1.4 / 6)
    assert trust.calibration_error(list("ab"), [[1.0, 0.0], [0.0, 1.0]], ["a", "b"]) == 0
    assert trust.calibration_error(list("ba"), [[1.0, 0.0], [0.0, 1.0]], ["a", "b"], n_bins=1) == 1


@pytest.mark.parametrize(
    ("y", "given", "options", "message"),
    [
        (["a"], [[0.5, 0.5]], {"beta": 0}, "`beta` must be positive"),
        (["c"], [[0.5, 0.5]], {}, r"one of `labels`.*unknown=\['c'\]"),
        ([], np.zeros((0, 2)), {}, "a row for each case, at least one"),
        (["a"], [[0.2, 0.3, 0.5]], {}, "a column for each label"),
        (["a"], [[3.0, -1.0]], {}, r"must be in \[0, 1\]"),
        (["a"], [[np.nan, 0.5]], {}, r"must be in \[0, 1\]"),
    ],
)
def test_scores_of_what_does_not_fit_are_refused(y, given, options, message):
    with pytest.raises(ValueError, match=message):
        trust.scores(y, given, ["a", "b"], **options)
    if not options:
        with pytest.raises(ValueError, match=message):
            trust.calibration_error(y, given, ["a", "b"])


def test_a_page_has_the_figures_pictures_data_and_versions(page, fitted, problem):
    found = trust.scores(problem[1], fitted.predict_proba(problem[0]), fitted.classes_.tolist(), beta=2.0)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page)
    for value in found.values():
        assert f"{value:.4f}" in cells
    headings = re.findall("<h2>(.*?)</h2>", page)
    assert headings == [
        "Metrics",
        "Classes",
        "Confusion matrix",
        "Reliability",
        "Most confident errors",
        "Gates by class",
        "Data, model, versions",
    ]
    assert "Data: 30 cases, 2 channels, 20 steps." in page
    assert "mlstm-fcn" in cells
    assert "F2" in cells
    n_wrong = int((fitted.predict(problem[0]) != problem[1]).sum())
    assert f"30 cases, {n_wrong} of them with a wrong answer." in page
    assert page.count("<img") == 1 + min(n_wrong, 6)
    assert page.count("<svg") == 2


def test_names_are_text_and_nothing_is_loaded(page):
    assert "<script" not in page
    assert "<b>" not in page
    for name in HOSTILE:
        assert escape(name) in page
    sources = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]{0,30})""", page)
    assert all(source.startswith(("data:image/png;base64,", "#")) for source in sources)
    assert "@import" not in page


def test_long_names_do_not_make_wide_pictures(page):
    widths = [int(width) for width in re.findall(r'<img [^>]*width="(\d+)"', page)]
    assert widths
    assert max(widths) < 450


def test_errors_come_with_the_most_confident_first():
    given = np.array([[0.6, 0.4], [0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    answers = Answers(np.array(["a", "b"]), np.array(["b", "b", "b", "a"]), given)
    assert answers.confident_errors.tolist() == [1, 3, 0]
    assert answers.predicted.tolist() == ["a", "a", "b", "b"]


def test_short_names_differ():
    assert short_names(["a\nb", "x" * 99]) == ["a b", f"{'x' * 23}…"]
    assert len(set(short_names(["x" * 98, "x" * 99]))) == 2
    numbers = Answers(np.array([9, 10]), np.array([9, 10]), np.eye(2))
    assert numbers.for_pictures() is numbers


def test_a_page_of_right_answers_and_of_other_networks(tmp_path, rng):
    """Without errors, gates or class activation maps; with more classes than a matrix can show."""
    X, y = rng.normal(size=(64, 1, 20)), np.arange(64) % 32
    network = {"network": "mlp", "network_params": {"units": (8,), "dropouts": (0.1, 0.1)}, "random_state": 0}
    classifier = NetworkClassifier(**network, n_epochs=1).fit(X, y)
    text = write_evaluation(classifier, X, y, tmp_path / "many.html").read_text()
    assert "a matrix of 32 classes is too large to read" in text
    assert "Gates by class" not in text
    right = classifier.predict(X)
    text = write_evaluation(classifier, X, right, tmp_path / "right.html").read_text()
    assert "None: every answer is right." in text
    assert "<img" not in text
    with pytest.raises(ValueError, match=r"must be a class of the model.*unknown=\[99\]"):
        write_evaluation(classifier, X, np.full(64, 99), tmp_path / "none.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.html", "right.html"]


def test_a_case_has_its_answer_and_the_effect_of_each_channel(fitted, problem, tmp_path):
    X, y = problem
    text = write_case(fitted, X[0], tmp_path / "case.html", truth=y[0], name="<i>").read_text()
    (row,) = fitted.predict_proba(X[:1])
    assert f"with probability {row.max():.3f}" in text
    assert f"Truth: {escape(y[0])}." in text
    assert text.count("<img") == 2
    assert "<i>" not in text
    assert "<script" not in text
    hidden = X[:1].copy()
    hidden[0, 0] = fitted.fitted_.preprocessor.get_layer("scaling").mean[0]
    fall = row.max() - fitted.predict_proba(hidden)[0, row.argmax()]
    assert f"<tr><td>0</td><td>{fall:+.4f}</td></tr>" in text


def test_a_case_of_a_regressor(problem, tmp_path):
    X, _ = problem
    regressor = MLSTMFCNRegressor(**SMALL).fit(X, X[:, 0, :5].mean(axis=1))
    text = write_case(regressor, X[0], tmp_path / "case.html").read_text()
    assert f"Answer: {regressor.predict(X[:1])[0]:.6g}." in text


def test_what_has_no_network_is_refused(fitted, problem, tmp_path):
    X, y = problem
    with pytest.warns(UserWarning, match="single label"):
        of_one_class = MLSTMFCNClassifier(**SMALL).fit(X, y[:1].repeat(30))
    refused = {
        "requires an estimator of this package; of a pipeline, give the last step": make_pipeline(fitted),
        "has not been fitted yet: call fit before": MLSTMFCNClassifier(**SMALL),
        "requires a network: fit saw one class only": of_one_class,
    }
    calls = {
        write_evaluation: (X, y, tmp_path / "it.html"),
        write_case: (X[:1], tmp_path / "it.html"),
        trust.calibrate: (X, y),
        trust.held_back: (),
        trust.remember: (X, X),
        trust.unlikeness: (X,),
    }
    for message, estimator in refused.items():
        for call, arguments in calls.items():
            with pytest.raises(ValueError, match=message):
                call(estimator, *arguments)
    assert not trust.remembers(clone(fitted))


def test_an_evaluation_is_about_a_classifier(problem, tmp_path):
    X, _ = problem
    regressor = MLSTMFCNRegressor(**SMALL).fit(X, X[:, 0, 0])
    with pytest.raises(ValueError, match="The page is about a classifier; `write_case` takes a regressor"):
        write_evaluation(regressor, X, X[:, 0, 0], tmp_path / "it.html")


def test_the_commands_write_the_pages(fitted, problem, tmp_path):
    X, y = problem
    np.savez(tmp_path / "it.npz", X=X, y=y)
    model, page = tmp_path / "it.keras", tmp_path / "page.html"
    fitted.save(model)

    def run(*arguments):
        return CliRunner().invoke(main, [*map(str, arguments)])

    said = run("evaluate", model, tmp_path / "it.npz", "--report", page, "--beta", 0.5)
    assert said.exit_code == 0, said.output
    assert f"report    {page}" in said.output
    assert "<td>F0.5</td>" in page.read_text()
    said = run("explain", model, tmp_path / "it.npz", "--case", 3, "--output", page)
    assert (said.exit_code, said.output) == (0, f"{page}\n")
    assert "Case 3 of" in page.read_text()
    said = run("explain", model, tmp_path / "it.npz", "--case", 30, "--output", page)
    assert "Error: `--case` must be a number from 0 to 29. Received: case=30" in said.output


def test_without_matplotlib_the_commands_say_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for command in (["explain", "m", "d", "--case", "0", "--output"], ["evaluate", "m", "d", "--report"]):
        said = CliRunner().invoke(main, [*command, str(tmp_path / "page.html")])
        assert said.output == "Error: matplotlib is not installed: pip install 'mlstm-fcn[plot]'\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [390, 1200])
def test_a_page_fits_a_phone_and_a_desk(width, page, tmp_path):
    """Nothing but the inside of a table is wider than the screen, and all pictures have a size."""
    measure = (
        "const d = f.contentDocument, w = d.documentElement.scrollWidth;"
        "const seen = [...d.querySelectorAll('img, svg')].filter(e => e.getBoundingClientRect().width > 100);"
        "document.title = `${w} ${seen.length}`"
    )
    frame = f'<iframe id="f" width="{width}" height="900" srcdoc="{escape(page)}" onload="{escape(measure)}">'
    (tmp_path / "frame.html").write_text(f'<meta charset="utf-8"><title></title>{frame}</iframe>')
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    uri = (tmp_path / "frame.html").as_uri()
    done = subprocess.run(
        [BROWSER, *options, "--dump-dom", uri], capture_output=True, text=True, timeout=120, check=True
    )
    seen = re.search(r"<title>(\d+) (\d+)</title>", done.stdout)
    assert int(seen[1]) <= width
    assert int(seen[2]) == page.count("<img") + page.count("<svg")


@pytest.mark.slow
def test_the_example_in_the_docs_is_made_by_its_script(tmp_path):
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    script = Path(__file__).parent.parent / "docs" / "figures" / "report.py"
    spec = spec_from_file_location("docs_report", script)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.main(tmp_path / "report.html", n_epochs=1).read_text()
    shown = script.with_name("report.html").read_text()
    assert re.findall("<h[12]>.*", made) == re.findall("<h[12]>.*", shown)
    assert len(shown) < 300_000
