"""Augmentation changes series as it says, within their lengths, and reproducibly."""

import keras
import numpy as np
import pytest

from mlstm_fcn.training.augmentation import CHANGES, MIXTURES, augmented
from mlstm_fcn.training.dataset import Dataset
from tests.quick_fit import assert_same, differ, fit

STRENGTHS = {**dict.fromkeys(CHANGES, 0.3), **dict.fromkeys(MIXTURES, 1.0)}
LENGTHS = np.array([40, 11, 1, 29, 36, 40])


@pytest.fixture
def examples(rng):
    """Six cases of four classes, with a mask; padding is zero, as in training."""
    mask = np.arange(40) < LENGTHS[:, None]
    series = np.where(mask[..., None], rng.normal(size=(6, 40, 3)), 0).astype("float32")
    targets = np.eye(4, dtype="float32")[[0, 1, 2, 3, 0, 1]]
    return Dataset([series, mask], targets, np.ones(6, "float32"))


@pytest.mark.parametrize("name", STRENGTHS)
def test_the_same_seed_gives_the_same_and_another_another(name, examples):
    one, same, other = (
        augmented(examples, {name: STRENGTHS[name]}, np.random.default_rng(seed)).inputs[0]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert one.dtype == np.float32
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, examples.inputs[0])


@pytest.mark.parametrize("name", STRENGTHS)
def test_nothing_beyond_the_end_of_a_series_comes_into_it(name, examples, rng):
    series, mask = examples.inputs
    garbage = np.where(mask[..., None], series, 1e6).astype("float32")
    changed = augmented(Dataset([garbage, mask], *examples.arrays()[2:]), {name: STRENGTHS[name]}, rng)
    after, mask_after = changed.inputs
    assert np.abs(after[mask_after]).max() < 1e3
    assert not np.array_equal(after[mask_after & mask], series[mask_after & mask])


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_keeps_lengths_and_targets(name, examples, rng):
    changed = augmented(examples, {name: 0.3}, rng)
    np.testing.assert_array_equal(changed.inputs[1], examples.inputs[1])
    np.testing.assert_array_equal(changed.targets, examples.targets)


def test_jitter_and_scale_have_the_strength_they_are_given(rng):
    ones = Dataset([np.ones((500, 20, 2), "float32")], np.ones((500, 1)), np.ones(500))
    noise = augmented(ones, {"jitter": 0.2}, rng).inputs[0] - 1
    assert np.std(noise) == pytest.approx(0.2, rel=0.05)
    factors = augmented(ones, {"scale": 0.2}, rng).inputs[0]
    assert (factors == factors[:, :1]).all()
    assert np.std(factors[:, 0]) == pytest.approx(0.2, rel=0.1)


def test_channel_dropout_takes_whole_channels_but_never_all(rng):
    ones = Dataset([np.ones((2000, 5, 3), "float32")], np.ones((2000, 1)), np.ones(2000))
    kept = augmented(ones, {"channel_dropout": 0.5}, rng).inputs[0]
    assert set(np.unique(kept)) == {0, 1}
    assert (kept == kept[:, :1]).all()
    assert kept[:, 0].sum(axis=1).min() == 1
    assert 0.5 < kept.mean() < 0.7  # one of three is always kept: 1/3 + 2/3 * 0.5


@pytest.mark.parametrize(("name", "reach"), [("shift", 0.2), ("crop", 0.2), ("warp", 0.2)])
def test_changes_of_time_keep_values_and_order(name, reach, rng):
    """On a series that is its own clock, each step tells which time it was read at."""
    clock = np.arange(100, dtype="float32")[None, :, None].repeat(300, axis=0)
    read = augmented(Dataset([clock], np.ones((300, 1)), np.ones(300)), {name: reach}, rng).inputs[0]
    assert (np.diff(read, axis=1) >= 0).all()
    assert read.min() >= 0
    assert read.max() <= 99
    moved = np.abs(read - clock).max()
    most = 99 * reach / np.pi if name == "warp" else 99 * reach
    assert 0.8 * most < moved <= most + 1


def test_a_crop_may_begin_and_end_anywhere_and_a_shift_goes_both_ways(rng):
    """Of what is cut off, a share between nothing and all comes from the beginning; each is as likely."""
    clock = np.arange(100, dtype="float32")[None, :, None].repeat(2000, axis=0)
    examples = Dataset([clock], np.ones((2000, 1)), np.ones(2000))
    first, last = augmented(examples, {"crop": 0.5}, rng).inputs[0][:, [0, -1], 0].T
    at_the_beginning = first / (first + 99 - last)
    np.testing.assert_allclose(
        np.quantile(at_the_beginning, [0, 0.25, 0.5, 0.75, 1]), np.arange(5) / 4, atol=0.05
    )
    cut = (first + 99 - last) / 99
    np.testing.assert_allclose(np.quantile(cut, [0, 0.5, 1]), [0, 0.25, 0.5], atol=0.02)
    moved = augmented(examples, {"shift": 0.2}, rng).inputs[0][:, 50, 0] - 50
    np.testing.assert_allclose(np.quantile(moved, [0, 0.25, 0.5, 0.75, 1]), [-20, -10, 0, 10, 20], atol=1.5)


def test_mixup_mixes_series_and_targets_by_the_same_shares(rng):
    levels = np.array([0.0, 1.0, 5.0, 20.0], "float32")
    series = levels[:, None, None] * np.ones((4, 6, 2), "float32")
    mixed = augmented(Dataset([series], np.eye(4), np.ones(4)), {"mixup": 1.0}, rng)
    np.testing.assert_allclose(mixed.inputs[0][:, 0, 0], mixed.targets @ levels, rtol=1e-5)
    np.testing.assert_allclose(mixed.targets.sum(axis=1), 1, rtol=1e-6)
    assert (mixed.targets.max(axis=1) < 1).any()


@pytest.mark.parametrize("name", MIXTURES)
def test_partners_are_drawn_anew_from_all_cases(name, rng):
    series, seen = np.ones((4, 8, 1), "float32"), set()
    for _ in range(60):
        targets = augmented(Dataset([series], np.eye(4), np.ones(4)), {name: 1.0}, rng).targets
        seen |= {tuple(pair) for pair in np.argwhere(targets > 0).tolist()}
    assert len(seen) == 16


def test_a_mixture_is_as_long_as_the_longer_of_its_parts(rng):
    mask = np.arange(9) < np.array([9, 4])[:, None]
    series = np.where(mask[..., None], 1, 0).astype("float32")
    mixed = 0
    for _ in range(20):
        after = augmented(Dataset([series, mask], np.eye(2), np.ones(2)), {"mixup": 1.0}, rng)
        swapped = bool((after.targets > 0).all())
        mixed += swapped
        assert after.inputs[1].sum(axis=1).tolist() == ([9, 9] if swapped else [9, 4])
    assert 0 < mixed < 20


@pytest.mark.parametrize("name", MIXTURES)
def test_a_case_without_weight_is_as_if_it_were_not_there(name, rng):
    series = np.array([1.0, 2.0, 1e6, 3.0], "float32")[:, None, None] * np.ones((4, 8, 1), "float32")
    weights = np.array([1, 1, 0, 1], "float32")
    for _ in range(20):
        mixed = augmented(Dataset([series], np.eye(4), weights), {name: 1.0}, rng)
        present = weights > 0
        assert mixed.inputs[0][present].max() <= 3
        assert (mixed.targets[present, 2] == 0).all()
        assert mixed.sample_weight.tolist() == pytest.approx([1, 1, 0, 1])


def test_mixtures_of_different_weights_have_the_loss_of_their_parts(rng):
    """Cross-entropy is linear in the target, so weight times target adds up."""
    weights = np.array([1.0, 10.0], "float32")
    for _ in range(20):
        series = np.array([[[0.0]], [[1.0]]], "float32")
        mixed = augmented(Dataset([series], np.eye(2), weights), {"mixup": 1.0}, rng)
        share_of_second = mixed.inputs[0][:, 0, 0]
        expected = np.stack([(1 - share_of_second) * 1.0, share_of_second * 10.0], axis=1)
        np.testing.assert_allclose(mixed.targets * mixed.sample_weight[:, None], expected, atol=1e-5)


def test_cutmix_puts_in_one_stretch_and_its_share_of_the_target(rng):
    series = np.arange(4, dtype="float32")[:, None, None] * np.ones((4, 50, 1), "float32")
    mixed = augmented(Dataset([series], np.eye(4), np.ones(4)), {"cutmix": 1.0}, rng)
    for case, target in zip(mixed.inputs[0][..., 0], mixed.targets, strict=True):
        shares = np.bincount(case.astype(int), minlength=4) / 50
        np.testing.assert_allclose(target, shares, atol=1e-6)
        assert np.count_nonzero(np.diff(case)) <= 2
    assert ((mixed.targets > 0).sum(axis=1) == 2).any()


def test_a_fit_with_augmentation_is_reproducible_and_another_fit(basic_motions):
    data = basic_motions.X_train, basic_motions.y_train
    augmentation = {"crop": 0.2, "mixup": 0.2}
    one = fit(data, augmentation=augmentation)
    assert_same(one, fit(data, augmentation=augmentation))
    assert differ(one, fit(data))


def test_a_killed_fit_with_augmentation_ends_as_if_it_had_not_been(basic_motions, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("the machine fails")

    data = basic_motions.X_train, basic_motions.y_train
    given = {"augmentation": {"crop": 0.2, "mixup": 0.2}, "average_weights": 0.6}
    with pytest.raises(RuntimeError, match="the machine fails"):
        fit(data, **given, checkpoint=tmp_path / "state", callbacks=[Stop()])
    assert_same(fit(data, **given, checkpoint=tmp_path / "state"), fit(data, **given))


def test_series_in_a_file_are_augmented_as_those_in_memory(basic_motions, monkeypatch, tmp_path):
    X, y = basic_motions.X_train.astype("float32"), basic_motions.y_train
    np.save(tmp_path / "X.npy", X)
    given = {"augmentation": {"shift": 0.2, "jitter": 0.1}}
    expected = fit((X, y), **given).predict_proba(X)
    monkeypatch.setattr("mlstm_fcn.memmap.LARGE", 1)
    read = fit((np.load(tmp_path / "X.npy", mmap_mode="r"), y), **given)
    np.testing.assert_allclose(read.predict_proba(X), expected, atol=1e-4)
    assert np.abs(expected - fit((X, y)).predict_proba(X)).max() > 1e-3


def test_series_of_different_lengths_are_augmented_too(basic_motions):
    X = [case[:, : 40 + number] for number, case in enumerate(basic_motions.X_train)]
    classifier = fit((X, basic_motions.y_train), augmentation=STRENGTHS)
    assert np.isfinite(classifier.history_["loss"]).all()
    assert differ(classifier, fit((X, basic_motions.y_train)))


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        ({"jiter": 0.1}, "Did you mean 'jitter'"),
        ({"crop": 1.0}, "only jitter, mixup and cutmix may be 1 or more. Received: crop=1.0"),
        ({"mixup": 0}, "must be positive.*Received: mixup=0"),
        (("crop",), "must be a dictionary from names to strengths"),
    ],
)
def test_bad_augmentation_raises(augmentation, message, basic_motions):
    with pytest.raises(ValueError, match=message):
        fit((basic_motions.X_train, basic_motions.y_train), augmentation=augmentation)
