"""Fitting as values: fit, continue, save, export, describe and explain a network without an estimator."""

import dataclasses

import keras
import numpy as np
import pytest
from sklearn.metrics import r2_score

from mlstm_fcn import MLSTMFCNClassifier, Recipe, engine, explain, export
from mlstm_fcn.fitting import (
    Cases,
    Classification,
    FittedNetwork,
    InputPolicy,
    Interrupted,
    NetworkSpec,
    Regression,
    RngSpec,
    archive,
    members,
)
from mlstm_fcn.fitting import fit as fit_network
from mlstm_fcn.fitting.card import model_card
from mlstm_fcn.fitting.history import warn_of_divergence
from mlstm_fcn.models import MODELS
from mlstm_fcn.models.mlp import MLPConfig, mlp
from mlstm_fcn.models.pipeline import build_preprocessor, compose
from mlstm_fcn.training import loop


def dense(input_shape, n_outputs, activation="softmax"):
    series = keras.Input(input_shape)
    hidden = keras.layers.Dense(8, name="hidden")(keras.layers.Flatten()(series))
    return keras.Model(series, keras.layers.Dense(n_outputs, activation=activation, name="output")(hidden))


@pytest.fixture
def cases(rng):
    y = np.array(["a", "b", "c"])[np.arange(30) % 3]
    X = rng.normal(size=(30, 2, 8)) + (np.arange(30) % 3)[:, None, None]
    return Cases(X, y)


def fit(cases, *, recipe=None, start=None, seed=0, task=None, network=dense, **given):
    return fit_network(
        cases,
        network=NetworkSpec(network),
        task=task or Classification.learn(cases.y),
        recipe=recipe or Recipe(n_epochs=3),
        inputs=InputPolicy(),
        rng=RngSpec(seed),
        start=start,
        **given,
    )


def weights(fitted):
    return fitted.network.get_weights()


def same(one, other):
    return all(map(np.array_equal, weights(one), weights(other)))


def test_a_fitted_network_predicts_and_knows_how_it_was_trained(cases):
    fitted = fit(cases, recipe=Recipe(n_epochs=40, learning_rate=0.05))
    assert (fitted.predict(cases.X) == cases.y).mean() > 0.9
    assert fitted.epochs_trained == len(fitted.history["loss"]) == 40
    assert (fitted.time, fitted.channels, fitted.takes_mask) == (8, 2, False)
    assert [member.network.name for member in fitted.members] == [fitted.network.name]
    np.testing.assert_allclose(fitted.outputs(cases.X).sum(axis=1), 1, atol=1e-5)


def test_the_estimator_is_the_values_and_nothing_else(basic_motions):
    X, y = basic_motions.X_train, basic_motions.y_train
    small = {"filters": (4, 8, 4), "reduction": 2, "kernel_sizes": (8, 5, 3)}
    estimator = MLSTMFCNClassifier(**small, n_epochs=2, random_state=3).fit(X, y)
    fitted = fit_network(
        Cases(X, y),
        network=NetworkSpec("mlstm_fcn", small),
        task=Classification.learn(y),
        recipe=Recipe(n_epochs=2),
        inputs=InputPolicy(),
        rng=RngSpec(3),
    )
    np.testing.assert_array_equal(fitted.outputs(X), estimator.fitted_.outputs(X))


def test_continuing_is_the_same_call_with_another_start(cases):
    first = fit(cases)
    more = fit(cases, start=first)  # as partial_fit: the history goes on
    assert more.history["loss"][:3] == first.history["loss"]
    assert (len(more.history["loss"]), more.epochs_trained) == (6, 6)
    again = fit(cases, start=dataclasses.replace(first, history={}))  # as warm_start
    assert (len(again.history["loss"]), again.epochs_trained) == (3, 6)
    assert same(again, more)
    tuned = fit(
        Cases(cases.X, cases.y == "a"),
        start=dataclasses.replace(first, history={}, epochs_trained=0),
        freeze=("hidden",),
    )
    np.testing.assert_array_equal(weights(tuned)[0], weights(first)[0])
    assert tuned.epochs_trained == 3
    assert tuned.task.labels.tolist() == [False, True]


def test_an_interrupt_carries_the_network_with_its_whole_epochs(cases):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        fit(cases, recipe=Recipe(n_epochs=5, schedule="constant"), callbacks=lambda: [Stop()])
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.fitted.epochs_trained == 2
    assert same(caught.value.fitted, fit(cases, recipe=Recipe(n_epochs=2, schedule="constant")))


def test_a_continued_fit_resumes_from_its_checkpoint(cases, tmp_path):
    """Epochs of the fit before it are none of its own."""
    seen = []

    class Watch(keras.callbacks.Callback):
        def __init__(self, stops_at=None):
            super().__init__()
            self.stops_at = stops_at

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == self.stops_at:
                raise KeyboardInterrupt
            seen.append(epoch)

    first = fit(cases)
    more = {"start": first, "recipe": Recipe(n_epochs=5), "checkpoint": tmp_path / "state"}
    with pytest.raises(Interrupted) as caught:
        fit(cases, **more, callbacks=lambda: [Watch(2)])
    assert caught.value.fitted.epochs_trained == 3 + 2
    seen.clear()
    resumed = fit(cases, **more, callbacks=lambda: [Watch()])
    assert seen == [0, 1, 2, 3, 4]  # two of them are replayed
    whole = fit(cases, **{**more, "checkpoint": None})
    assert same(resumed, whole)
    assert resumed.history == whole.history
    assert (len(whole.history["loss"]), whole.epochs_trained) == (8, 8)


def test_saved_loaded_and_copied_without_an_estimator(cases, tmp_path):
    fitted = fit(cases)
    with pytest.warns(UserWarning, match="not the function that made it"):
        archive.save(fitted, tmp_path / "it.keras", {"note": "mine"})
    loaded, about = archive.load(tmp_path / "it.keras")
    assert about["note"] == "mine"
    np.testing.assert_array_equal(loaded.outputs(cases.X), fitted.outputs(cases.X))
    assert loaded.predict(cases.X).tolist() == fitted.predict(cases.X).tolist()
    assert (loaded.history, loaded.epochs_trained) == (fitted.history, 3)
    assert (loaded.inputs, loaded.spec.network) == (fitted.inputs, loaded.network)


def test_exported_described_and_explained_without_an_estimator(basic_motions, tmp_path):
    X, y = basic_motions.X_train[::4], basic_motions.y_train[::4]
    task = Classification.learn(y)
    fitted = fit_network(
        Cases(X, y),
        network=NetworkSpec("mlstm_fcn", {"filters": (4,), "kernel_sizes": (3,), "reduction": 2}),
        task=task,
        recipe=Recipe(n_epochs=2),
        inputs=InputPolicy(),
        rng=RngSpec(0),
    )
    path = export.export_fitted(fitted, tmp_path / "it.onnx", X=X, data="motions", metrics={"accuracy": 0.5})
    np.testing.assert_allclose(export.load(path).outputs(X), fitted.outputs(X), atol=1e-5)
    card = model_card(fitted, X, y, data="motions")
    assert "10 cases: accuracy" in card
    assert "2 epochs" in card
    assert explain.gates(fitted, X)["squeeze_excite_1"].shape == (10, 4)
    assert explain.class_activation_map(fitted, X).shape == (10, 4, 100)
    assert explain.occlusion(fitted, X, size=50).shape == (10, 6, 100)
    assert explain.permutation_importance(fitted, X, y, n_repeats=1).importances.shape == (6, 1)
    assert (
        fitted.score(X, y) == (fitted.predict_proba(X).argmax(axis=1) == task.encode(y).argmax(axis=1)).mean()
    )


def test_a_regression_is_another_task(rng):
    X, y = rng.normal(size=(20, 1, 5)), 100 + 10 * rng.normal(size=20)
    task = Regression.learn(y)
    fitted = fit(Cases(X, y), task=task)
    assert (task.mean, task.std) == pytest.approx((y.mean(), y.std()))
    np.testing.assert_allclose(fitted.predict(X), fitted.outputs(X)[:, 0])
    assert abs(fitted.predict(X).mean() - 100) < 30
    assert fitted.score(X, y) == pytest.approx(r2_score(y, fitted.predict(X)))
    assert not hasattr(fitted, "predict_proba")
    assert explain.occlusion(fitted, X, size=5).shape == (20, 1, 5)


def test_members_may_be_trained_in_another_way(cases, monkeypatch):
    """A member that is solved instead of trained needs a trainer, its name in a table and in a config."""

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class SolvedConfig(MLPConfig):
        trained_by = "solving"

    def solve(network, lesson, rng, history, checkpoint):
        features = keras.Model(network.input, network.get_layer("output").input)
        inputs = np.c_[np.asarray(features(lesson.training.inputs[0])), np.ones(len(lesson.training))]
        solved = np.linalg.lstsq(inputs, np.log(lesson.training.targets * 0.8 + 0.1), rcond=None)[0]
        network.get_layer("output").set_weights([solved[:-1], solved[-1]])
        history["loss"] = [0.0]

    monkeypatch.setitem(members.TRAINERS, "solving", solve)
    monkeypatch.setitem(MODELS, "solved", (mlp, SolvedConfig(units=(64,), dropouts=(0.0, 0.0))))
    fitted = fit(cases, network="solved", recipe=Recipe(n_members=2))
    assert len(fitted.members) == 2
    assert (fitted.predict(cases.X) == cases.y).mean() > 0.9
    assert fitted.history == {"loss": [0.0]}


def test_one_output_that_is_no_number_is_refused_with_its_case(cases, monkeypatch):
    task = Classification.learn(cases.y)
    preprocessor = build_preprocessor(np.zeros(2), np.ones(2), scaling="channel", missing="zero")
    model = compose(preprocessor, dense((8, 2), 3))
    fitted = FittedNetwork(model, NetworkSpec(dense), ({},), task, InputPolicy())
    outputs = np.full((30, 3), 1 / 3)
    outputs[[4, 7], 1] = np.nan, np.inf
    monkeypatch.setattr(engine.current(), "predict", lambda model, batch: [outputs])
    with pytest.raises(ValueError, match=r"Outputs overflowed.*cases=\[4, 7\], n_cases=2"):
        fitted.predict(cases.X)


@pytest.mark.parametrize("last", [float("nan"), float("inf"), 1e30])
def test_a_last_loss_that_is_no_number_is_warned_of(last, recwarn):
    warn_of_divergence({"loss": [float("nan"), last]}, "float32")
    assert [str(one.message).partition(".")[0] for one in recwarn.list] == (
        [] if np.isfinite(last) else ["Training has diverged: its last loss is " + str(last)]
    )


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize(("equal", "expected"), [(True, [8, 8, 7, 7]), (False, [8, 8, 8, 6])])
def test_the_recipe_decides_the_sizes_of_batches(equal, expected, cases, monkeypatch):
    sizes, shuffled = [], loop.shuffled

    def noted(*given):
        batches = list(shuffled(*given))
        sizes.append([len(batch) for batch in batches])
        return batches

    monkeypatch.setattr(loop, "shuffled", noted)
    fit(cases, recipe=Recipe(n_epochs=1, batch_size=8, equal_batches=equal))
    assert sizes == [expected]


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("optimizer", ["adam", "object"])
def test_on_a_plateau_the_rate_falls_from_that_of_the_optimizer(optimizer, cases, monkeypatch):
    seen: list[float] = []
    optimizer = keras.optimizers.SGD(0.02) if optimizer == "object" else optimizer
    monkeypatch.setattr(loop, "plateau", lambda recipe, highest: seen.append(highest) or ())
    recipe = Recipe(n_epochs=1, optimizer=optimizer, schedule="plateau")
    fit(cases, recipe=recipe)
    assert seen == [pytest.approx(recipe.learning_rate or 0.02)]


def test_an_epoch_is_one_call_of_the_engine_unless_a_callback_asks_for_batches(cases, monkeypatch):
    calls = []

    class Counted:
        """A program that counts how often figures are read from the device."""

        def __init__(self, program):
            self.program, self.model = program, program.model

        def prepare(self, source):
            self.program.prepare(source)

        def train(self, source, batches, rates=None):
            calls.append(len(batches))
            return self.program.train(source, batches, rates)

        def evaluate(self, source, n_steps):
            calls.append("evaluate")
            return self.program.evaluate(source, n_steps)

    trained = loop._Training
    monkeypatch.setattr(loop, "_Training", lambda program, *given: trained(Counted(program), *given))
    recipe = Recipe(n_epochs=2, batch_size=8, validation_split=0.2)
    fit(cases, recipe=recipe)
    assert calls == [3, "evaluate"] * 2
    calls.clear()

    class Batches(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert set(logs) == {"loss", "accuracy"}

    stepwise = fit(cases, recipe=recipe, callbacks=lambda: [Batches()])
    assert calls == [1, 1, 1, "evaluate"] * 2
    assert same(stepwise, fit(cases, recipe=recipe))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"recipe": Recipe(n_members=2), "start": True}, "cannot have more members than before"),
        ({"freeze": ("conv",)}, "`freeze` must hold prefixes of layer names: hidden, output"),
        ({"validation": Cases(np.zeros((2, 2, 8)), np.array(["a"]))}, "the same number of cases"),
        ({"validation": Cases(np.zeros((1, 2, 8)), np.array(["d"]))}, "Labels must be among those of fit"),
    ],
)
def test_what_does_not_fit_together_is_named(given, message, cases):
    if given.get("start"):
        given = {**given, "start": fit(cases)}
    with pytest.raises(ValueError, match=message):
        fit(cases, **given)
