"""Random convolutions: the layer against oracles, the trainer against leakage, the hybrid recipe."""

import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, NetworkClassifier, NetworkRegressor, Recipe, export, models
from mlstm_fcn.fitting import Classification, Regression, RngSpec, voting
from mlstm_fcn.layers import MiniRocket1D, WeightedVote
from mlstm_fcn.layers.minirocket import POOLINGS, base_kernels
from mlstm_fcn.preprocess import pad
from mlstm_fcn.training.dataset import Dataset

SMALL = {"n_thresholds": 336, "max_dilations": 3}
QUICK = {"filters": (8,), "kernel_sizes": (5,), "n_epochs": 2, "random_state": 0}


def adapted(series, lengths, thresholds=3, **options):
    layer = MiniRocket1D(2, thresholds, **options)
    layer.build(series.shape)
    layer.adapt(series, lengths, np.random.default_rng(0))
    return layer


def expected(layer, series):
    """The pooled features of one series `(time, channels)`, with loops."""
    kernel, offsets = (np.asarray(weight).astype(np.float64) for weight in (layer.kernel, layer.offsets))
    steps, margin = len(series), 4 * layer.dilation_rate
    padded = np.pad(series.astype(np.float64), ((margin, margin), (0, 0)))
    pooled = {name: [] for name in ("whole", "inner")}
    for number in range(84):
        outputs = np.array(
            [
                np.sum(padded[t : t + 2 * margin + 1 : layer.dilation_rate] * kernel[:, :, number])
                for t in range(steps)
            ]
        )
        half = "whole" if number < 42 else "inner"
        read = slice(None) if half == "whole" else slice(margin, max(margin, steps - margin))
        places = np.arange(steps)[read] / max(steps - 1, 1) - 0.5
        for offset in offsets[number]:
            above = np.maximum(outputs[read] - offset, 0)
            share = np.minimum(above / layer.ramp, 1)
            values = {"share": share, "mean": above, "moment": share * places}
            pooled[half].append([values[name].mean() if len(above) else 0.0 for name in layer.poolings])
    return np.concatenate([np.array(pooled[half]).T.ravel() for half in ("whole", "inner")])


@pytest.fixture
def series(rng):
    return rng.normal(size=(5, 30, 3)).astype(np.float32)


@pytest.mark.parametrize("poolings", [POOLINGS, ("moment", "share")])
def test_features_are_those_of_an_oracle(series, poolings):
    layer = adapted(series, np.full(5, 30), poolings=poolings, ramp=0.1)
    features = np.asarray(layer(series))
    assert features.shape == (5, 84 * 3 * len(poolings)) == layer.compute_output_shape((5, 30, 3))
    np.testing.assert_allclose(features, [expected(layer, one) for one in series], atol=1e-5)
    assert features.std() > 0.1


@pytest.mark.parametrize("length", [1, 5, 17, 25])
def test_padding_changes_no_feature(series, length):
    """Also of a series within which no kernel lies: 17 steps are what a kernel spans."""
    layer = adapted(series, np.full(5, 30), ramp=0.1)
    padded = series.copy()
    padded[:, length:] = 1e6
    masked = layer(padded, mask=np.tile(np.arange(30) < length, (5, 1)))
    np.testing.assert_allclose(masked, layer(series[:, :length]), atol=1e-5)
    np.testing.assert_allclose(masked, [expected(layer, one[:length]) for one in series], atol=1e-5)


def test_kernels_have_unit_variance_and_thresholds_are_quantiles_of_training_series(series):
    layer = adapted(1e3 * series, np.full(5, 30), thresholds=5)
    chosen = (np.asarray(layer.kernel) != 0).any(axis=0)
    assert set(chosen.sum(axis=0)) == {1, 2, 3}
    outputs = np.asarray(layer(1e3 * series)).reshape(5, 2, 3, 42, 5)
    shares = outputs[:, :, POOLINGS.index("share")].mean(axis=0)
    assert 0.4 < shares.mean() < 0.6
    assert shares.min(axis=-1).mean() < 0.25
    assert shares.max(axis=-1).mean() > 0.75


@pytest.mark.parametrize("n_channels", [1, 5])
def test_shares_are_those_of_aeon(rng, n_channels):
    kind = pytest.importorskip("aeon.transformations.collection.convolution_based").MiniRocket
    X = rng.integers(-20, 21, size=(12, n_channels, 60)).astype(np.float32)
    theirs = kind(n_kernels=2000, random_state=3).fit(X)
    counts, channels, dilations, n_features, biases = theirs.parameters
    channels, biases, ours = list(channels), list(biases), []
    for number, (dilation, thresholds) in enumerate(zip(dilations, n_features, strict=True)):
        layer = MiniRocket1D(
            int(dilation), int(thresholds), ("share",), ramp=1e-30, whole_first=number % 2 == 0
        )
        layer.build((None, None, n_channels))
        chosen = np.zeros((n_channels, 84), np.float32)
        for kernel, count in enumerate(counts[84 * number : 84 * (number + 1)]):
            chosen[channels[:count], kernel] = 1
            del channels[:count]
        offsets = np.array(biases[: 84 * thresholds]).reshape(84, thresholds)
        del biases[: 84 * thresholds]
        layer.kernel.assign((base_kernels()[:, None] * chosen)[:, :, layer.order])
        layer.offsets.assign(offsets[layer.order])
        features = np.empty((12, 84, thresholds))
        features[:, layer.order] = np.asarray(layer(np.swapaxes(X, 1, 2))).reshape(12, 84, thresholds)
        ours.append(features.reshape(12, -1))
    np.testing.assert_allclose(np.concatenate(ours, axis=1), theirs.transform(X), atol=1e-5)


def test_dilations_go_from_one_to_a_kernel_that_spans_the_series():
    config = models.MultiRocketConfig()
    for time in (9, 50, 100, 2000):
        dilations, thresholds = zip(*config.spread(time), strict=True)
        assert dilations[0] == 1
        assert 8 * dilations[-1] <= time - 1 < 8 * (dilations[-1] + 1) * 1.1
        assert sum(thresholds) == 5000 // 84
        assert min(thresholds) > 0
    assert config.spread(3) == config.spread(None) == ((1, 5000 // 84),)


@pytest.fixture(scope="module")
def problem():
    """Two classes that differ in their frequency, series of different lengths with gaps."""
    rng = np.random.default_rng(0)
    y = np.array(["slow", "fast"] * 15)
    X = []
    for label in y:
        time = np.arange(rng.integers(25, 40))
        wave = np.sin(time * (0.3 if label == "slow" else 0.9) + rng.uniform(0, 6))
        one = np.stack([wave, rng.normal(size=len(time))]) + rng.normal(scale=0.2, size=(2, len(time)))
        one[0, rng.integers(1, len(time) - 1)] = np.nan
        X.append(one)
    return X, y


@pytest.fixture(scope="module")
def solved(problem):
    return NetworkClassifier(network="multirocket", network_params=SMALL, random_state=0).fit(*problem)


def test_it_classifies_series_of_different_lengths_with_gaps(solved, problem):
    X, y = problem
    assert solved.score(X, y) == 1
    assert set(solved.history_) == {"leave_one_out_loss", "leave_one_out_accuracy"}
    assert solved.history_["leave_one_out_accuracy"][0] > 0.9
    assert solved.n_epochs_ == 0
    alone = np.concatenate([solved.predict_proba([one]) for one in X])
    np.testing.assert_allclose(alone, solved.predict_proba(X), atol=1e-5)


def test_it_is_saved_to_the_bit_and_exported(solved, problem, tmp_path, onnx_in_one_attempt):
    X, _ = problem
    solved.save(tmp_path / "model.keras")
    loaded = NetworkClassifier.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_proba(X), solved.predict_proba(X))
    solved.export(tmp_path / "model.onnx")
    outputs = export.load(tmp_path / "model.onnx").outputs(pad(X))
    np.testing.assert_allclose(outputs, solved.predict_proba(X), atol=1e-5)


def test_it_is_the_same_again(solved, problem):
    again = NetworkClassifier(network="multirocket", network_params=SMALL, random_state=0).fit(*problem)
    np.testing.assert_array_equal(again.predict_proba(problem[0]), solved.predict_proba(problem[0]))


def test_validation_cases_decide_nothing(problem):
    """Thresholds, statistics, penalty and sharpness are the same whatever is held back for validation."""
    X, y = problem
    how = {"network": "multirocket", "network_params": SMALL, "random_state": 0}
    one = NetworkClassifier(**how).fit(X, y, X_val=X[:4], y_val=y[:4])
    strange = [np.full_like(series, 1e3) for series in X[:4]]
    other = NetworkClassifier(**how).fit(X, y, X_val=strange, y_val=y[3::-1])
    for first, second in zip(one.model_.get_weights(), other.model_.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert one.history_["val_accuracy"] == [1.0]
    assert other.history_["val_loss"] != one.history_["val_loss"]


def test_fine_tuning_keeps_the_kernels_and_solves_the_head_for_other_labels(solved, problem):
    X, _ = problem
    tuned = solved.fine_tune(X[:20], np.array([3, 7] * 10))
    assert set(tuned.predict(X)) == {3, 7}
    for old, new in zip(solved.model_.layers[-1].layers, tuned.model_.layers[-1].layers, strict=True):
        same = all(np.array_equal(a, b) for a, b in zip(old.get_weights(), new.get_weights(), strict=True))
        assert same == (old.name != "output"), old.name


def test_what_has_no_closed_form_is_refused(solved, problem):
    with pytest.raises(ValueError, match="solved from all cases at once: use `fit`"):
        solved.clone().partial_fit(*problem)
    with pytest.raises(ValueError, match="`freeze` must leave the head"):
        solved.fine_tune(*problem, freeze=("output",))


def test_a_refused_call_leaves_a_hybrid_as_it_was(hybrid, problem):
    """The refusal comes before the members that could be trained further are."""
    before = hybrid.fitted_
    with pytest.raises(ValueError, match="solved from all cases at once"):
        hybrid.partial_fit(*problem)
    assert hybrid.fitted_ is before


def test_weights_of_cases_count(problem):
    X, y = problem
    how = {"network": "multirocket", "network_params": SMALL, "random_state": 0}
    flipped = np.concatenate([y, y[1::-1]])
    weights = np.r_[np.ones(len(y)), np.zeros(2)]
    heavy = NetworkClassifier(**how).fit([*X, *X[:2]], flipped, sample_weight=weights)
    assert heavy.score(X, y) == 1
    assert heavy.history_["leave_one_out_accuracy"][0] > 0.9


def test_further_training_keeps_the_shares_and_leaves_nothing_out(hybrid, problem):
    """Each member may have seen any case, so accuracy on what it leaves out now would be of seen cases."""
    before = hybrid.fitted_.network.layers[-1].shares
    tuned = hybrid.fine_tune(*problem, random_state=1)
    assert tuned.fitted_.network.layers[-1].shares == pytest.approx(before)


def test_a_hybrid_of_many_cases_still_votes_by_worth(problem, monkeypatch):
    """The cases that decide the penalty have leave-one-out, and the others are left out of the estimate."""
    from mlstm_fcn.fitting import closed_form

    monkeypatch.setattr(closed_form, "MOST_AT_ONCE", 20)
    recipe = Recipe.named("hybrid", member_options=({}, {}, {"network": "multirocket", **SMALL}), n_members=3)
    fitted = MLSTMFCNClassifier(recipe=recipe, **QUICK).fit(*problem)
    first, second, third = fitted.fitted_.network.layers[-1].shares
    assert first == second < third


def test_many_cases_are_solved_in_blocks(problem, solved, monkeypatch):
    """More cases than are solved at once: the rest is added in the space that those span."""
    from mlstm_fcn.fitting import closed_form

    X, y = problem
    monkeypatch.setattr(closed_form, "MOST_AT_ONCE", 20)
    some = NetworkClassifier(network="multirocket", network_params=SMALL, random_state=0).fit(X, y)
    assert some.score(X, y) == 1
    assert np.abs(some.predict_proba(X) - solved.predict_proba(X)).max() > 0


def test_a_regression_is_solved_in_the_unit_of_the_targets(rng):
    rates = rng.uniform(0.2, 1.0, size=40)
    X = np.sin(np.arange(40) * rates[:, None] + rng.uniform(0, 6, size=(40, 1)))
    y = 1000 + 100 * rates
    fitted = NetworkRegressor(network="multirocket", network_params=SMALL, random_state=0).fit(X[:30], y[:30])
    assert fitted.score(X[30:], y[30:]) > 0.8
    assert set(fitted.history_) == {"leave_one_out_loss"}
    assert fitted.history_["leave_one_out_loss"][0] < 0.3  # of the variance


@pytest.fixture(scope="module")
def hybrid(problem):
    recipe = Recipe.named("hybrid", member_options=({}, {}, {"network": "multirocket", **SMALL}), n_members=3)
    return MLSTMFCNClassifier(recipe=recipe, **QUICK).fit(*problem)


def test_members_of_a_hybrid_are_of_two_kinds_and_vote_by_their_worth(hybrid, problem):
    X, y = problem
    assert [one.get("network") for one in hybrid.network_options_] == [None, None, "multirocket"]
    vote = hybrid.fitted_.network.layers[-1]
    assert isinstance(vote, WeightedVote)
    first, second, third = vote.shares
    assert first == second < third  # the networks of two epochs know little
    assert hybrid.score(X, y) == 1
    outputs = hybrid.fitted_.members
    assert len(outputs) == 3
    assert len(hybrid.history_["loss"]) == hybrid.n_epochs_ == 2


def test_a_hybrid_is_saved_with_its_shares(hybrid, problem, tmp_path):
    hybrid.save(tmp_path / "model.keras")
    loaded = MLSTMFCNClassifier.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict_proba(problem[0]), hybrid.predict_proba(problem[0]))
    assert loaded.fitted_.network.layers[-1].shares == hybrid.fitted_.network.layers[-1].shares


def test_a_hybrid_for_one_length_reads_shorter_series_with_the_same_shares(problem):
    X = np.stack([np.nan_to_num(one[:, :25]) for one in problem[0]])
    recipe = Recipe.named("hybrid", member_options=({}, {}, {"network": "multirocket", **SMALL}), n_members=3)
    fitted = MLSTMFCNClassifier(recipe=recipe, **QUICK).fit(X, problem[1])
    masked = fitted.fitted_.with_mask()
    assert masked.network.layers[-1].shares == fitted.fitted_.network.layers[-1].shares
    np.testing.assert_allclose(masked.outputs(X), fitted.predict_proba(X), atol=1e-5)
    assert fitted.predict_proba(X[:, :, :20]).shape == (30, 2)


def test_the_last_learned_member_leaves_out_a_third():
    data = Dataset([np.zeros((12, 1, 1))], np.eye(2)[[0] * 6 + [1] * 6], np.ones(12))
    recipe, kinds = Recipe.named("hybrid"), ["gradient", "gradient", "ridge", "gradient", "ridge"]
    task = Classification(np.array(["a", "b"]))
    *others, last, solved = voting.parts_left_out(recipe, kinds, data, task, RngSpec(0))
    assert others == [None] * 3
    assert solved is None
    assert np.bincount(data.targets[last, 1].astype(int)).tolist() == [2, 2]
    assert voting.parts_left_out(recipe, ["gradient", "ridge"], data, task, RngSpec(0)) == [None, None]
    assert voting.parts_left_out(recipe.but(vote="mean"), kinds, data, task, RngSpec(0)) == [None] * 5


def test_cases_are_divided_class_by_class():
    targets = np.eye(3)[[0] * 7 + [1] * 5 + [2]]
    parts = voting.divided(targets, 3, np.random.default_rng(0))
    assert sorted(np.concatenate(parts).tolist()) == list(range(12))  # the class of one case is in all
    for part in parts:
        assert targets[part, 0].sum() in (2, 3)
        assert targets[part, 1].sum() in (1, 2)


def test_shares_are_the_fourth_powers_of_accuracies_on_unseen_cases():
    data = Dataset([np.zeros((4, 1, 1))], np.eye(2)[[0, 0, 1, 1]], np.ones(4))
    task = Classification(np.array(["a", "b"]))
    right, nan = np.eye(2)[[0, 0, 1, 1]], np.full((2, 2), np.nan)
    first, second = np.r_[right[:2], nan], np.r_[nan, right[2:]]
    solved = np.eye(2)[[1, 1, 1, 1]]  # half of them right
    kinds = ["gradient", "gradient", "ridge"]
    shares = voting.worths(kinds, [first, second, solved], data, task)
    assert shares == pytest.approx([8 / 17, 8 / 17, 1 / 17])
    assert voting.worths(kinds, [None, second, solved], data, task) == pytest.approx(
        shares
    )  # one member tells
    assert voting.worths(kinds, [None, None, solved], data, task) is None
    weighted = Dataset(data.inputs, data.targets, np.array([1, 1, 0, 0]))
    assert voting.worths(kinds, [first, second, solved], weighted, task) == pytest.approx([0.5, 0.5, 0])
    assert voting.worths(kinds, [None, second, right], weighted, task) is None  # no case that counts


def test_shares_of_a_regression_are_of_explained_variance():
    targets = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    data, task = Dataset([np.zeros((4, 1, 1))], targets, np.ones(4)), Regression(0.0, 1.0)
    halved = targets / 2  # explains three quarters
    assert voting.worths(["gradient", "ridge"], [targets, halved], data, task) == pytest.approx(
        [1 / (1 + 0.75**4), 0.75**4 / (1 + 0.75**4)]
    )
    assert voting.worths(["gradient", "ridge"], [0 * targets, 0 * targets], data, task) is None


@pytest.mark.parametrize("shares", [(0.5, 0.6), (1.5, -0.5), ()])
def test_shares_must_be_shares(shares):
    with pytest.raises(ValueError, match="must not be negative, and must sum to 1"):
        WeightedVote(shares)
