"""Series unlike the training data are noticed: by a distance, in a file, a page and a graph."""

import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, explain, export, trust
from mlstm_fcn.fitting import likeness
from mlstm_fcn.fitting.reference import Reference, folded, folding
from mlstm_fcn.report import write_case, write_evaluation
from tests import trusted
from tests.trusted import EVERY, SMALL, problem_of

problem, calibrated = trusted.problem, trusted.calibrated


@pytest.fixture(scope="module")
def remembering(calibrated, problem):
    (X, _), (held_back, _) = problem
    return cache(lambda name: trust.remember(calibrated(name)[1], X, held_back))


def test_the_distance_is_that_of_a_direct_computation(rng):
    """Of Mahalanobis to the nearest class, with the covariance within classes as scikit-learn shrinks it."""
    classes = np.arange(60) % 2
    features = rng.normal(size=(60, 3)) * [1, 5, 0.2] + np.outer(classes, [4, 0, 1])
    held_back, others = rng.normal(size=(40, 3)), rng.normal(size=(7, 3)) * 9
    reference = Reference.of(features, classes, held_back)
    spread = features.std(axis=0)
    means = [features[classes == number].mean(axis=0) / spread for number in (0, 1)]
    within = features / spread - np.array(means)[classes]
    inverse = np.linalg.inv(LedoitWolf(assume_centered=True).fit(within).covariance_)

    def distance(row):
        return min(np.sqrt((row / spread - mean) @ inverse @ (row / spread - mean)) for mean in means)

    unit = np.quantile([distance(row) for row in held_back], 0.95)
    expected = [distance(row) / unit for row in others]
    np.testing.assert_allclose(reference.distances(others), expected, rtol=1e-6)
    again = Reference.from_plain(json.loads(json.dumps(reference.to_plain())), 3)
    np.testing.assert_allclose(again.distances(others), expected, rtol=1e-4)


def test_many_features_become_few_that_keep_distances(rng):
    many = rng.normal(size=(20, 40_000))
    few = folded(many)
    assert few.shape == (20, 256)
    np.testing.assert_allclose(many @ folding(40_000), few, atol=1e-9)
    apart = [np.linalg.norm(each[:, None] - each, axis=2)[np.triu_indices(20, 1)] for each in (many, few)]
    np.testing.assert_allclose(apart[0], apart[1], rtol=0.3)
    np.testing.assert_array_equal(folded(many[:, :256]), many[:, :256])
    np.testing.assert_array_equal(many[:, :256] @ folding(256), many[:, :256])


@pytest.mark.parametrize("name", EVERY)
def test_series_of_another_kind_are_further_than_usual_ones(name, remembering, problem):
    """Usual series are seldom above 1; an offset in one channel makes them unlike."""
    held_back, rng = problem[1][0], np.random.default_rng(1)
    new, _ = problem_of(rng, 60)
    shifted = new + np.array([[0.0], [6.0]])
    usual, unlike = (trust.unlikeness(remembering(name), X) for X in (new, shifted))
    assert np.mean(trust.unlikeness(remembering(name), held_back) <= 1) == pytest.approx(0.95)
    assert np.mean(usual > 1) < 0.2
    assert roc_auc_score(np.repeat([0, 1], 60), np.concatenate([usual, unlike])) > 0.95


def test_the_file_keeps_what_usual_series_are(remembering, problem, tmp_path):
    for name, suffix in (("one", ".keras"), ("hybrid", ".mlstm")):
        one, X = remembering(name), problem[1][0]
        expected, path = trust.unlikeness(one, X), tmp_path / f"it{suffix}"
        one.save(path)
        loaded = type(one).load(path)
        np.testing.assert_allclose(trust.unlikeness(loaded, X), expected, rtol=1e-3)
        assert trust.temperature(loaded) == trust.temperature(one)
        np.testing.assert_allclose(trust.unlikeness(loaded.fitted_, X[:1]), expected[:1], rtol=1e-3)
    shorter = trust.unlikeness(loaded, [case[:, :15] for case in X])
    assert shorter.shape == (60,)


def test_pages_tell_what_is_unlike_the_training_data(remembering, problem, tmp_path):
    _, (X, y) = problem
    one = remembering("one")
    found = trust.unlikeness(one, X)
    text = write_evaluation(one, X, y, tmp_path / "page.html").read_text()
    assert f"{np.mean(found > 1):.0%} of the cases are above 1." in text
    assert f"<tr><td>{found.argmax()}</td><td>{found.max():.2f}</td>" in text
    text = write_case(one, X[0], tmp_path / "page.html").read_text()
    assert f"Unlikeness to the training data: {found[0]:.2f};" in text


def test_the_page_on_production_does_both(calibrated, problem, tmp_path, monkeypatch):
    page = (Path(__file__).parent.parent / "docs" / "production.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    calibrating, remembering = (
        next(block for block in blocks if f"trust.{name}(" in block) for name in ("calibrate", "remember")
    )
    train, (X, y) = problem
    names = {"classifier": calibrated("one")[0], "X_held_back": X, "y_held_back": y, "X_test": X, "y_test": y}
    monkeypatch.chdir(tmp_path)
    exec(calibrating.replace("motions.onnx", "motions.keras"), names)
    assert trust.temperature(names["classifier"]) == trust.temperature(calibrated("one")[1])
    assert names["after"]["log_loss"] < names["before"]["log_loss"]
    exec(remembering, names | {"X_train": train[0], "new_series": X})
    assert trust.remembers(MLSTMFCNClassifier.load("motions.keras"))


@pytest.mark.parametrize("name", ["one", pytest.param("hybrid", marks=pytest.mark.slow)])
def test_unlikeness_as_a_graph_is_unlikeness(name, remembering, problem):
    """Of usual and of strange series."""
    one = remembering(name)
    X = np.concatenate([problem[1][0], 30 + 5 * problem[1][0][:9]])
    expected = trust.unlikeness(one, X)
    assert expected.max() > 3
    found = likeness.as_model(one.fitted_)(X.swapaxes(1, 2).astype("float32"))
    np.testing.assert_allclose(found, expected[:, None], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("onnx_in_one_attempt")
@pytest.mark.parametrize("kind", ["onnx", "savedmodel", "litert", "openvino"])
def test_every_runtime_tells_unlikeness(kind, remembering, problem, tmp_path):
    form = export.FORMATS[kind]
    for module in form.modules:
        pytest.importorskip(module)
    one, (X, _) = remembering("one"), problem[1]
    path = tmp_path / f"unlike{form.suffix}"
    export.export_fitted(one.fitted_, path, kind, X=X, output="unlikeness", any_length=True)
    artifact = export.load(path)
    expected = trust.unlikeness(one, X)
    np.testing.assert_allclose(artifact.outputs(X)[:, 0], expected, rtol=1e-5, atol=1e-5)
    shorter = [case[:, :15] for case in X]
    expected = trust.unlikeness(one, shorter)
    np.testing.assert_allclose(artifact.outputs(shorter)[:, 0], expected, rtol=1e-5, atol=1e-5)
    assert (artifact.labels, artifact.about["output"]) == (None, "unlikeness")


def test_unlikeness_is_exported_only_by_what_remembers(calibrated, tmp_path):
    fitted = calibrated("one")[0].fitted_
    with pytest.raises(ValueError, match=r"call `trust.remember` once"):
        export.export_fitted(fitted, tmp_path / "it.onnx", output="unlikeness")
    with pytest.raises(ValueError, match=r"unlikenes.*Did you mean 'unlikeness'"):
        export.export_fitted(fitted, tmp_path / "it.onnx", output="unlikenes")


def test_what_cannot_remember_is_refused(calibrated, remembering, problem):
    before, _ = calibrated("one")
    train, (X, _) = problem
    assert [trust.remembers(one) for one in (before, remembering("one"))] == [False, True]
    with pytest.raises(ValueError, match=r"call `trust.remember` once, before it is saved"):
        trust.unlikeness(before, X)
    with pytest.raises(ValueError, match=r"at least two training series.*training=1, held_back=60"):
        trust.remember(before, X[:1], X)
    assert not trust.remembers(remembering("one").fine_tune(*train, n_epochs=1))
    plain = remembering("one").fitted_.reference.to_plain()
    with pytest.raises(ValueError, match="finite numbers for 5 features"):
        Reference.from_plain(plain, 5)


def test_a_regressor_remembers_too(problem):
    (X, _), (held_back, _) = problem
    regressor = trust.remember(MLSTMFCNRegressor(**SMALL).fit(X, X[:, 0].mean(axis=1)), X, held_back)
    assert np.median(trust.unlikeness(regressor, held_back + 9)) > 1


@pytest.mark.usefixtures("uncompiled")
def test_of_several_labels_a_case_only_unlikeness_is_told(problem, tmp_path):
    """Their probabilities have no common softmax, and a page or a gradient is about one answer."""
    (X, _), (held_back, _) = problem
    several = (X[:, :, :2].mean(axis=2) > 0).astype(int)
    fitted = trust.remember(MLSTMFCNClassifier(**{**SMALL, "n_epochs": 1}).fit(X, several), X, held_back)
    assert trust.unlikeness(fitted, held_back).shape == (60,)
    batches = iter([held_back[:40], held_back[40:]])  # a loader
    by_batch = trust.unlikeness(fitted.fitted_, batches)
    np.testing.assert_allclose(by_batch, trust.unlikeness(fitted, held_back), rtol=1e-5)
    with pytest.raises(ValueError, match="classes that exclude each other"):
        trust.calibrate(fitted, X, several)
    for refused in (
        lambda: write_evaluation(fitted, X, several, tmp_path / "page.html"),
        lambda: write_case(fitted, X[0], tmp_path / "page.html"),
        lambda: explain.gradients(fitted, X),
    ):
        with pytest.raises(ValueError, match="This explains the one class or number of each case"):
            refused()
