"""A plan has each fit that is still missing once, in one shard, with an estimate of its time."""

import pytest
from sklearn.dummy import DummyClassifier

from mlstm_fcn import NetworkClassifier, Recipe, benchmark, models
from mlstm_fcn.benchmark import Failure, Folder, RunKey, make_plan, resolve, run
from tests import counting
from tests.counting import Counting, fits
from tests.results import result

log = counting.log


def test_a_second_run_does_only_the_missing_fits(tmp_path, log):
    estimator = {"counting": Counting(str(log))}
    run(["UnitTest"], estimator, tmp_path / "r", n_resamples=2)
    table = run(["UnitTest"], estimator, tmp_path / "r", n_resamples=3)
    assert len(fits(log)) == 3
    assert table["resample"].tolist() == [0, 1, 2]


def test_killed_fits_are_repeated_and_errors_only_with_retry(tmp_path, log):
    folder, estimators = Folder(tmp_path), resolve({"counting": Counting(str(log))})
    for number, kind in enumerate(("error", "killed", "time")):
        folder.keep(Failure(RunKey("counting", "UnitTest", number), kind, "a message"))
    plan = make_plan(["UnitTest"], estimators, 4, folder)
    assert [job.key.resample for job in plan.jobs] == [1, 3]
    assert plan.n_failed == 2
    assert len(make_plan(["UnitTest"], estimators, 4, folder, retry=True).jobs) == 4
    folder.keep(result(RunKey("counting", "UnitTest", 0)))
    assert RunKey("counting", "UnitTest", 0) not in folder.failures()


def test_shards_are_a_partition_that_does_not_change(tmp_path):
    estimators, folder = resolve({"a": DummyClassifier(), "b": DummyClassifier()}), Folder(tmp_path)
    problems = ["UnitTest", "BasicMotions"]
    parts = [make_plan(problems, estimators, 3, folder, shard=(i, 3)).jobs for i in (1, 2, 3)]
    cases = [job.key for part in parts for job in part]
    assert len(cases) == len(set(cases)) == 12
    for n_parts in (2, 3, 4):
        for i in range(1, n_parts + 1):  # every shard has fits of every estimator
            part = make_plan(problems, estimators, 3, folder, shard=(i, n_parts)).jobs
            assert {job.key.estimator for job in part} == {"a", "b"}
            assert abs(len(part) - 12 / n_parts) < 1
    folder.keep(result(parts[0][0].key))
    assert [job.key for job in make_plan(problems, estimators, 3, folder, shard=(2, 3)).jobs] == [
        job.key for job in parts[1]
    ]


@pytest.mark.parametrize(
    ("problems", "n_resamples", "message"),
    [
        ([], 1, "must be at least one data set"),
        (["UnitTest", "UnitTest"], 1, "different names"),
        (["../UnitTest"], 1, "letters, digits"),
        (["UnitTest"], 0, "positive integer"),
    ],
)
def test_wrong_plans_are_refused(tmp_path, problems, n_resamples, message):
    with pytest.raises(ValueError, match=message):
        make_plan(problems, resolve([DummyClassifier()]), n_resamples, Folder(tmp_path))


def test_an_estimate_is_the_mean_of_stored_times_or_counts_operations(tmp_path):
    folder, estimators = Folder(tmp_path), resolve({"d": DummyClassifier(), **{"fcn": "fcn"}})
    folder.keep(result(RunKey("d", "UnitTest", 0)))
    plan = make_plan(["UnitTest", "BasicMotions"], estimators, 3, folder)
    estimates = benchmark.estimated_seconds(plan).set_index("estimator")
    assert estimates.loc["d"].tolist() == [5, 2 * 1.5, 3]
    assert estimates.loc["fcn", "fits_of_unknown_time"] == 0
    assert estimates.loc["fcn", "seconds"] > 6 * 6


def test_counted_operations_are_those_of_all_epochs_forwards_and_backwards(tmp_path, monkeypatch):
    monkeypatch.setattr("mlstm_fcn.benchmark.plan._operations_per_second", lambda: 1e6)
    small = {"network_params": {"filters": (4,), "kernel_sizes": (3,)}, "n_epochs": 7}
    estimators = resolve({str(n): NetworkClassifier(network="fcn", n_members=n, **small) for n in (1, 2)})
    plan = make_plan(["BasicMotions"], estimators, 1, Folder(tmp_path))
    estimates = benchmark.estimated_seconds(plan)["seconds"] - 6.0
    flops = models.cost(models.build("fcn", (100, 6), 4, **small["network_params"])).flops
    assert estimates.tolist() == pytest.approx([3 * flops * 40 * 7 / 1e6, 2 * 3 * flops * 40 * 7 / 1e6])


def test_random_convolutions_are_counted_once_forwards(tmp_path, monkeypatch):
    monkeypatch.setattr("mlstm_fcn.benchmark.plan._operations_per_second", lambda: 1e6)
    options = {"network_params": {"n_thresholds": 84}, "n_epochs": 7}
    estimators = resolve({"rocket": NetworkClassifier(network="multirocket", **options)})
    plan = make_plan(["BasicMotions"], estimators, 1, Folder(tmp_path))
    (found,) = benchmark.estimated_seconds(plan)["seconds"] - 6.0
    network = estimators[0].estimator.network_spec()
    resolved = network.resolved(Recipe(), 0, 100)
    flops = models.cost(models.build("multirocket", (100, 6), 4, **resolved)).flops
    assert found == pytest.approx(flops * 40 / 1e6)


def test_a_plan_and_a_table_include_all_stored_results(tmp_path):
    folder = Folder(tmp_path)
    estimators = resolve({f"e{i}": DummyClassifier() for i in range(3)})
    for one in estimators:
        for number in range(20):
            folder.keep(result(RunKey(one.name, "UnitTest", number)))
    plan = make_plan(["UnitTest"], estimators, 25, folder)
    assert (plan.n_done, len(plan.jobs), plan.n_fits) == (60, 15, 75)
    assert len(folder.table()) == 60
