"""Probabilities are as often right as they say, and series unlike the training data are noticed."""

import json
import pickle
import re
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score
from sktime.datatypes import convert_to

from mlstm_fcn import MLSTMFCNClassifier, MLSTMFCNRegressor, NetworkClassifier, Recipe, explain, export, trust
from mlstm_fcn.fitting import likeness
from mlstm_fcn.fitting.reference import Reference, folded, folding
from mlstm_fcn.layers import Temperature
from mlstm_fcn.models.pipeline import split
from mlstm_fcn.report import write_case, write_evaluation
from tests.quick_fit import SMALL

SMALL = {**SMALL, "n_epochs": 12, "learning_rate": 0.01}

NETWORKS = {
    "one": lambda: MLSTMFCNClassifier(**SMALL),
    "ensemble": lambda: MLSTMFCNClassifier(**SMALL, n_members=2),
    "multirocket": lambda: NetworkClassifier(
        network="multirocket", network_params={"n_thresholds": 84, "max_dilations": 1}, random_state=0
    ),
    "hybrid": lambda: MLSTMFCNClassifier(
        **SMALL,
        n_members=2,
        recipe=Recipe(
            vote="worth",
            member_options=({}, {"network": "multirocket", "n_thresholds": 84, "max_dilations": 1}),
        ),
    ),
}


def problem_of(rng, n_cases):
    """Three classes that overlap."""
    y = np.arange(n_cases) % 3
    X = rng.normal(size=(n_cases, 2, 20))
    X[:, 0, 5:10] += 0.7 * y[:, None]
    return X, np.array(["a", "b", "c"])[y]


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    return problem_of(rng, 45), problem_of(rng, 60)


EVERY = [
    pytest.param(name, marks=pytest.mark.slow) if name in ("ensemble", "multirocket") else name
    for name in NETWORKS
]  # the hybrid has both in it


@pytest.fixture(scope="module")
def calibrated(problem):
    """Each classifier before and after, by name; made once."""
    train, held_back = problem

    @cache
    def of(name):
        before = NETWORKS[name]().fit(*train)
        return before, trust.calibrate(before, *held_back)

    return of


def at_temperature(probabilities, temperature):
    """In float64, without logarithms."""
    powers = np.maximum(probabilities.astype(np.float64), 1e-7) ** (1 / temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def smoothed_log_loss(probabilities, y, labels):
    """As if one more case might be of any class, see `fitting.ridge.sharpness`."""
    spread = 1 / (len(y) + 2)
    targets = (1 - spread) * (y[:, None] == labels) + spread / len(labels)
    return -(targets * np.log(probabilities)).sum(axis=1).mean()


def test_the_layer_is_a_power_of_probabilities(rng):
    given = rng.dirichlet(np.ones(4), size=6).astype("float32")
    for temperature in (0.3, 1.0, 2.5):
        layer = Temperature(temperature)
        np.testing.assert_allclose(layer(given), at_temperature(given, temperature), rtol=1e-5)
        assert Temperature.from_config(layer.get_config()).get_config() == layer.get_config()
    np.testing.assert_allclose(Temperature(2.0)(np.array([[1.0, 0.0]])), [[1, 10**-3.5]], atol=1e-3)
    assert Temperature(2)(keras.Input((3,))).shape == (None, 3)
    for wrong in (0, -1.0, np.inf, np.nan, "1"):
        with pytest.raises(ValueError, match="`temperature` must be a positive number"):
            Temperature(wrong)


@pytest.mark.parametrize("name", EVERY)
def test_the_temperature_is_what_a_direct_search_finds(name, calibrated, problem):
    before, after = calibrated(name)
    _, (X, y) = problem
    given = before.predict_proba(X)
    grid = np.geomspace(0.01, 15, 2000)
    losses = [smoothed_log_loss(at_temperature(given, one), y, before.classes_) for one in grid]
    best = grid[np.argmin(losses)]
    assert grid[0] < best < grid[-1]
    assert trust.temperature(before) == 1
    assert trust.temperature(after) == pytest.approx(best, rel=0.01)
    assert abs(np.log(best)) > 0.1, "there is something to calibrate"


@pytest.mark.usefixtures("uncompiled")
def test_a_fit_says_which_cases_it_held_back(problem):
    """A fit whose validation set is these cases has the same weights, so the same temperature."""
    X, y = problem[1]
    groups = np.arange(len(y)) // 4
    split = {**SMALL, "n_epochs": 2, "validation_split": 0.3}
    one = MLSTMFCNClassifier(**split).fit(X, y, groups=groups)
    held = trust.held_back(one)
    assert held.shape == y.shape
    assert set(groups[held]).isdisjoint(groups[~held])
    given = MLSTMFCNClassifier(**split).fit(X[~held], y[~held], X_val=X[held], y_val=y[held])
    calibrated = trust.calibrate(one, X[held], y[held])
    np.testing.assert_array_equal(given.predict_proba(X), one.predict_proba(X))
    assert trust.temperature(calibrated) == trust.temperature(trust.calibrate(given, X[held], y[held])) != 1
    np.testing.assert_array_equal(trust.held_back(calibrated.fitted_), held)

    with pytest.raises(ValueError, match="held nothing back: fit with a `validation_split`, or take X_val"):
        trust.held_back(given)
    with pytest.raises(ValueError, match="held nothing back"):
        trust.held_back(one.partial_fit(X, y))  # which trains on all of them


@pytest.mark.usefixtures("uncompiled")
def test_the_cases_that_validated_without_groups_are_those_held_back(problem):
    X, y = problem[1]
    one = MLSTMFCNClassifier(**{**SMALL, "n_epochs": 2}, validation_split=0.3).fit(list(X), y)
    held = trust.held_back(one)
    assert held.sum() == 18
    assert one.history_["val_accuracy"][-1] == pytest.approx(one.score(X[held], y[held]))
    assert one.score(X[held], y[held]) != one.score(X[~held][:18], y[~held][:18])


@pytest.mark.parametrize("name", EVERY)
def test_answers_stay_and_probabilities_move(name, calibrated, problem):
    before, after = calibrated(name)
    _, (X, _) = problem
    expected = at_temperature(before.predict_proba(X), trust.temperature(after))
    np.testing.assert_allclose(after.predict_proba(X), expected, atol=1e-5)
    np.testing.assert_array_equal(after.predict(X), before.predict(X))
    assert np.abs(after.predict_proba(X) - before.predict_proba(X)).max() > 0.01
    assert type(after) is type(before)
    assert after.get_params() == before.get_params()


@pytest.mark.usefixtures("onnx_in_one_attempt")
@pytest.mark.parametrize("name", ["one", pytest.param("hybrid", marks=pytest.mark.slow)])
def test_every_form_of_the_model_has_the_temperature(name, calibrated, problem, tmp_path):
    before, after = calibrated(name)
    _, (X, _) = problem
    expected = after.predict_proba(X)
    after.save(tmp_path / "it.keras")
    loaded = type(after).load(tmp_path / "it.keras")
    assert trust.temperature(loaded) == trust.temperature(after)
    np.testing.assert_allclose(loaded.predict_proba(X), expected, atol=1e-6)
    plain = keras.saving.load_model(tmp_path / "it.keras")
    np.testing.assert_allclose(plain(X.swapaxes(1, 2).astype("float32")), expected, atol=1e-5)
    artifact = export.load(after.export(tmp_path / "it.onnx", X=X))
    np.testing.assert_allclose(artifact.outputs(X), expected, atol=1e-5)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(after)).predict_proba(X), expected, atol=1e-6)
    complete = after.fitted_._complete_model()  # for many values without gaps
    np.testing.assert_allclose(complete(X.swapaxes(1, 2).astype("float32")), expected, atol=1e-5)
    shorter = [case[:, :15] for case in X]
    of_shorter = at_temperature(before.predict_proba(shorter), trust.temperature(after))
    np.testing.assert_allclose(after.predict_proba(shorter), of_shorter, atol=1e-5)


def test_calibrating_again_replaces_the_temperature_and_training_removes_it(calibrated, problem):
    train, held_back = problem
    _, after = calibrated("one")
    again = trust.calibrate(after, *held_back)
    assert trust.temperature(again) == pytest.approx(trust.temperature(after), rel=1e-3)
    assert split(again.model_)[1] is split(after.model_)[1]
    tuned = after.fine_tune(*train, n_epochs=1)
    assert trust.temperature(tuned) == 1


def test_a_fitted_network_and_weights(calibrated, problem):
    """A case of weight two is a case that comes twice."""
    before, _ = calibrated("one")
    _, (X, y) = problem
    twice = trust.calibrate(before, np.concatenate([X, X[:20]]), np.concatenate([y, y[:20]]))
    weights = np.where(np.arange(60) < 20, 2.0, 1.0)
    weighted = trust.calibrate(before.fitted_, X, y, sample_weight=weights)
    assert trust.temperature(weighted) == pytest.approx(trust.temperature(twice), rel=0.02)


def test_cards_and_pages_tell_the_temperature(calibrated, problem, tmp_path):
    before, after = calibrated("one")
    chosen = f"{trust.temperature(after):.3g}"
    assert f"with the temperature {chosen}." in after.model_card()
    assert "are not calibrated" in before.model_card()
    text = write_case(after, problem[0][0][0], tmp_path / "case.html").read_text()
    assert re.search(f"temperature of probabilities</td><td[^>]*>{chosen}</td>", text)


def test_classes_may_be_a_column_and_must_be_in_the_order_of_the_series(calibrated, problem, tmp_path):
    before, after = calibrated("one")
    _, (X, y) = problem
    column = pd.DataFrame({"class": y})
    assert trust.temperature(trust.calibrate(before, X, column)) == trust.temperature(after)
    cases = convert_to(X, "pd-multiindex")
    shuffled = pd.Series(y).iloc[::-1]
    for refuse in (
        lambda: trust.calibrate(before, cases, shuffled),
        lambda: write_evaluation(before, cases, shuffled, tmp_path / "page.html"),
    ):
        with pytest.raises(ValueError, match="The index of `y` must name the cases as X does"):
            refuse()


def test_what_cannot_be_calibrated_is_refused(calibrated, problem):
    before, _ = calibrated("one")
    train, (X, y) = problem
    with pytest.raises(ValueError, match=r"Labels must be among those of fit.*y=\[.*'z'"):
        trust.calibrate(before, X, np.full(60, "z"))
    with pytest.raises(ValueError, match=r"equally many cases.*series=60, labels=59"):
        trust.calibrate(before, X, y[:59])
    regressor = MLSTMFCNRegressor(**SMALL).fit(train[0], np.arange(45.0))
    with pytest.raises(ValueError, match="Only the probabilities of classes that exclude"):
        trust.calibrate(regressor, X, np.arange(60.0))


# Unlike the training data.


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
