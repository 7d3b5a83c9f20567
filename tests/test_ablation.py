"""An ablation trains what is missing, keeps what it has, and its table says what the runs say."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from matplotlib.image import imread
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from mlstm_fcn import ablation, models
from mlstm_fcn.ablation import AXES, Run, Variant, read_runs, study, summary
from mlstm_fcn.ablation.study import _settings, _Times
from mlstm_fcn.cli import main
from mlstm_fcn.estimators import NetworkClassifier
from tests.quick_fit import with_recipe

TINY = [
    Variant("one", "fcn", {"filters": [4], "kernel_sizes": [3]}),
    Variant("two", "fcn", {"filters": [4, 4], "kernel_sizes": [3, 3]}),
]
ASKED = {"axes": ["tiny"], "dataset_names": ["BasicMotions"], "n_seeds": 2, "n_epochs": 2}


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(AXES, "tiny", TINY)


def run(dataset, variant, seed, accuracy):
    return Run(
        dataset, variant.key, seed, 60, 20, 10, accuracy, 0.5, parameters=10, flops=100, ms_per_batch=1.0
    )


@pytest.mark.parametrize("axis", AXES)
def test_every_variant_of_an_axis_is_a_network_and_differs_from_the_others(axis):
    assert len({variant.key for variant in AXES[axis]}) == len(AXES[axis]) > 1
    for variant in AXES[axis]:
        models.config(variant.network, **variant.options).require_shape(30, 4)
        network_params, recipe, _ = _settings(variant, n_epochs=60)
        spec = NetworkClassifier(network=variant.network, network_params=network_params).network_spec()
        spec.resolved(recipe, recipe.n_members - 1, 30)


def test_an_option_that_is_the_default_anyway_has_the_key_of_the_network():
    """So the base of several axes is trained once."""
    bases = [AXES[axis][0].key for axis in ("reduction", "squeeze", "gate", "stage", "kernels of MLSTM-FCN")]
    assert set(bases) == {"mlstm_fcn {}"}
    for axis in ("reduction", "squeeze", "gate"):
        assert str(getattr(models.config("mlstm_fcn"), axis)) == AXES[axis][0].label


def test_a_variant_is_trained_with_what_it_changes_of_the_recipe_and_nothing_else(monkeypatch, tmp_path):
    made = []

    class Spy(NetworkClassifier):
        def fit(self, *data):
            recipe = self.training_recipe()
            made.append((recipe.n_epochs, recipe.batch_size, self.network_params))
            return super().fit(*data)

    small = {"filters": [4], "kernel_sizes": [3]}
    variants = [
        Variant("start", "fcn", small),
        Variant("steps", "fcn", small, {"n_steps": 1}),
        Variant("batches", "fcn", {**small, "batch_norm_momentum": 0.5}, {"batch_size": 4}),
        Variant("no such options", "mlp", {"units": [2], "dropouts": [0.1, 0.1]}),
    ]
    monkeypatch.setitem(AXES, "ways", variants)
    monkeypatch.setattr(sys.modules["mlstm_fcn.ablation.study"], "NetworkClassifier", Spy)
    study(tmp_path / "runs.csv", **{**ASKED, "axes": ["ways"], "n_seeds": 1}, report=made.append)
    start = {"batch_norm_momentum": 0.9, "dilation_rates": None, **small}
    seen = [entry for entry in made if isinstance(entry, tuple)]
    assert seen[0] == (2, 16, start)
    assert seen[1] == (None, 16, start)
    assert seen[2] == (2, 4, {**start, "batch_norm_momentum": 0.5})
    assert seen[3] == (2, 16, {"batch_norm_momentum": 0.9, "units": [2], "dropouts": [0.1, 0.1]})


def test_a_study_goes_on_where_it_was_stopped(tiny, tmp_path):
    path, reported = tmp_path / "folder" / "runs.csv", []
    runs = study(path, **ASKED, report=reported.append)
    assert [(run.variant, run.seed) for run in runs] == [(v.key, seed) for v in TINY for seed in (0, 1)]
    assert reported == runs == read_runs(path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    again = []
    assert study(path, **ASKED, report=again.append)[:-1] == runs[:-1]
    assert [(run.variant, run.seed, run.accuracy) for run in again] == [
        (runs[-1].variant, 1, runs[-1].accuracy)
    ]
    cost = models.cost(models.build("fcn", (100, 6), 4, filters=(4,), kernel_sizes=(3,)))
    assert (runs[0].parameters, runs[0].flops) == (cost.parameters, cost.flops)
    assert all(0 <= run.accuracy <= 1 and run.ms_per_batch > 0 for run in runs)


def test_most_cases_are_trained_on_and_all_others_held_back(tiny, tmp_path):
    """BasicMotions has 40 training cases, of which a third is 13.3."""
    once = {**ASKED, "n_seeds": 1, "report": lambda run: None}
    few, _ = study(tmp_path / "runs.csv", **once, most_cases=12)
    all_of_them, _ = study(tmp_path / "runs.csv", **once, most_cases=30)
    assert (few.n_training, few.n_held_back) == (12, 28)
    assert (all_of_them.n_training, all_of_them.n_held_back) == (26, 14)
    assert len(read_runs(tmp_path / "runs.csv")) == 4


def test_figures_are_those_of_the_classifier_on_the_cases_held_back(tiny, tmp_path, motions):
    only = {**ASKED, "n_seeds": 1, "report": lambda run: None}
    one, _ = study(tmp_path / "runs.csv", **only)
    X, y = motions.X_train, motions.y_train
    options = {"train_size": 26, "stratify": y, "random_state": 0}
    X_in, X_out, y_in, y_out = train_test_split(X, y, **options)
    network = {"batch_norm_momentum": 0.9, "dilation_rates": None, **TINY[0].options}
    given = with_recipe({**ablation.START, "n_epochs": 2, "random_state": 0})
    classifier = NetworkClassifier(network="fcn", network_params=network, **given).fit(X_in, y_in)
    assert one.accuracy == pytest.approx(classifier.score(X_out, y_out), abs=1e-5)
    assert one.log_loss == pytest.approx(log_loss(y_out, classifier.predict_proba(X_out)), abs=1e-4)


def test_all_networks_that_vote_are_counted(monkeypatch, tmp_path):
    small = {"filters": [4], "kernel_sizes": [3]}
    members = {"n_members": 2, "member_options": [{}, {"first_differences": True}]}
    monkeypatch.setitem(AXES, "votes", [Variant("two", "fcn", small, members)])
    (run,) = study(tmp_path / "runs.csv", **{**ASKED, "axes": ["votes"], "n_seeds": 1}, report=str)
    networks = [models.build("fcn", (100, 6), 4, **small, **own) for own in members["member_options"]]
    costs = [models.cost(network) for network in networks]
    assert run.flops == sum(cost.flops for cost in costs) > 2 * costs[0].flops
    assert run.parameters == sum(cost.parameters for cost in costs)


def test_a_class_that_would_not_be_trained_on_is_named(tiny, tmp_path, monkeypatch, rng):
    X, y = rng.normal(size=(100, 1, 20)), np.repeat(["a", "b", "c"], [2, 49, 49])
    monkeypatch.setattr("mlstm_fcn.datasets.load", lambda *where, **how: (X, y))
    with pytest.raises(ValueError, match=r"Every class must be among the training cases.*missing=\['a'\]"):
        study(tmp_path / "runs.csv", **ASKED, most_cases=10, report=str)


def test_the_table_says_what_the_runs_say(tiny):
    one, two = TINY
    runs = [run("a", one, 0, 0.5), run("a", one, 1, 0.7), run("b", one, 0, 0.9)]
    runs += [run("a", two, 0, 0.6), run("a", two, 1, 0.9), run("b", two, 0, 0.8), run("c", two, 0, 0.1)]
    base, row = summary(runs, ["tiny"])
    assert (base.difference, base.error, base.accuracy) == (0, 0, pytest.approx((0.6 + 0.9) / 2))
    assert (row.n_datasets, row.n_runs, row.wins, row.losses) == (2, 3, 1, 1)
    assert row.accuracy == pytest.approx((0.75 + 0.8) / 2)
    assert row.difference == pytest.approx((0.15 - 0.1) / 2)
    assert np.isnan(row.spread)  # of one seed
    assert row.error == pytest.approx(np.sqrt((0.05**2 + 0.05**2) / 1 * (1 / 2 + 1) / 2**2), abs=1e-4)
    _, row = summary([run for run in runs if run.dataset == "a"], ["tiny"])
    assert row.spread == pytest.approx(np.std([0.6, 0.9], ddof=1), abs=1e-4)
    assert summary(runs, ["gate"]) == []
    balanced = [run("a", one, 0, 0.9), run("b", one, 0, 0.7), run("a", two, 0, 0.8), run("b", two, 0, 0.8)]
    _, row = summary(balanced, ["tiny"])
    assert (row.wins, row.losses, row.difference) == (1, 1, 0)
    with pytest.raises(ValueError, match="same number of epochs"):
        summary([*runs, replace(runs[0], n_epochs=2)], ["tiny"])


def test_the_time_of_an_epoch_is_the_median_without_the_first_that_compiles(monkeypatch):
    ends, times = iter([50.0, 51.0, 52.5, 62.5, 63.5]), _Times()
    monkeypatch.setattr("time.perf_counter", lambda: next(ends))
    assert times.median() == 0
    for epoch in range(5):
        times.on_epoch_end(epoch)
    assert times.median() == (1.0 + 1.5) / 2


def test_the_time_of_a_batch_is_the_least_of_the_seeds_and_other_costs_are_means(tiny):
    one, two = TINY
    runs = [replace(run("a", one, seed, 0.5), ms_per_batch=ms) for seed, ms in enumerate([4.0, 1.0, 7.0])]
    runs += [replace(run("b", one, 0, 0.5), ms_per_batch=3.0, parameters=50, flops=500)]
    runs += [replace(one_run, variant=two.key, ms_per_batch=2.0) for one_run in runs]
    base, _ = summary(runs, ["tiny"])
    assert base.ms_per_batch == (1 + 3) / 2
    assert (base.parameters, base.flops) == ((3 * 10 + 50) / 4, (3 * 100 + 500) / 4)


def test_the_picture_has_the_differences_in_points_with_their_errors(tiny, monkeypatch, tmp_path):
    one, two = TINY
    runs = [run("a", one, 0, 0.5), run("a", one, 1, 0.6), run("a", two, 0, 0.55), run("a", two, 1, 0.75)]
    drawn = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda figure, *a, **k: drawn.append(figure) or save(figure, *a, **k)
    )
    rows = summary(runs, ["tiny"])
    ablation.plot(tmp_path / "it.png", rows)
    assert (tmp_path / "it.png").read_bytes().startswith(b"\x89PNG")
    (axes,) = drawn[0].axes
    (bar,) = axes.containers
    assert bar.lines[0].get_xydata().tolist() == [[pytest.approx(10), 0]]
    (((left, _), (right, _)),) = bar.lines[2][0].get_segments()
    assert (left, right) == pytest.approx((10 - 100 * rows[1].error, 10 + 100 * rows[1].error))
    assert rows[1].error > 0
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"tiny: {two.label}"]


def test_the_command_writes_table_and_picture(tiny, tmp_path):
    path = tmp_path / "runs.csv"
    study(path, **ASKED, report=lambda run: None)
    arguments = ["ablation", "--no-training", "--output", str(tmp_path)]
    result = CliRunner().invoke(main, [*arguments, "--axes", "tiny"])
    assert "must contain runs with this number of epochs. Received: epochs=60" in result.output
    result = CliRunner().invoke(main, [*arguments, "--epochs", "2", "--axes", "tini"])
    assert "Did you mean 'tiny'" in result.output
    result = CliRunner().invoke(main, [*arguments, "--epochs", "2", "--axes", "tiny"])
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) == 2
    assert (tmp_path / "summary.csv").read_text().startswith("axis,variant,n_datasets")
    ablation.plot(tmp_path / "it.png", summary(read_runs(path), ["tiny"]))
    pixels = imread(tmp_path / "it.png")
    assert pixels.shape[0] > 100 < pixels.shape[1]
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 20  # a mark, letters and axes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"axes": ["gates"]}, "Did you mean 'gate'"),
        ({"most_cases": 0}, "`most_cases` must be a positive integer"),
        ({"n_seeds": 0}, "`n_seeds` must be a positive integer"),
        ({"dataset_names": ["BasicMotion"]}, "BasicMotions"),
    ],
)
def test_bad_arguments_are_named(change, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        study(tmp_path / "runs.csv", **{**ASKED, "axes": ["gate"], **change})
    assert not (tmp_path / "runs.csv").exists()


def test_a_file_that_is_none_is_named(tmp_path):
    (tmp_path / "runs.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="must be a CSV file of ablation runs"):
        read_runs(tmp_path / "runs.csv")
