"""A benchmark whose processes are killed loses no result, and repeats no finished fit."""

import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from mlstm_fcn import benchmark
from mlstm_fcn.benchmark import Folder, run
from tests.counting import Counting, fits, processes

pytestmark = pytest.mark.slow
N = 8


def command(log, output, *options):
    estimator = f"c=tests.counting.Counting(log={str(log)!r}, seconds=0.7)"
    options = ["--datasets", "UnitTest", "--estimators", estimator, "--resamples", str(N), *options]
    return [sys.executable, "-m", "mlstm_fcn", "benchmark", *options, "--output", str(output)]


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "timeout"
        time.sleep(0.05)


def probabilities(output):
    results = {case.resample: benchmark.read(path) for case, path in Folder(output).results().items()}
    return {number: one.probabilities.tolist() for number, one in results.items()}


def kill_worker_of_a_fit(log, coordinator):
    """Kill the worker of a running fit; False if none is running."""
    try:
        worker = psutil.Process(processes(log)[-1]).parent().parent()
        assert worker.pid != coordinator
        worker.kill()
        return True
    except (psutil.NoSuchProcess, AttributeError):
        return False


@pytest.fixture
def whole(tmp_path):
    """Results of an undisturbed run."""
    run(["UnitTest"], {"c": Counting(str(tmp_path / "whole.log"))}, tmp_path / "whole", n_resamples=N)
    return probabilities(tmp_path / "whole")


def test_a_run_killed_twice_ends_as_one_that_was_not(tmp_path, whole):
    log, output = tmp_path / "fits.log", tmp_path / "results"
    for n_results in (2, 5):
        with subprocess.Popen(command(log, output, "--jobs", "2"), stdout=subprocess.DEVNULL) as process:
            wait_until(lambda n=n_results: len(Folder(output).results()) >= n)
            process.send_signal(signal.SIGKILL)
        wait_until(lambda: not any(map(psutil.pid_exists, processes(log))), 30)  # fits end with the run
    subprocess.run(command(log, output, "--jobs", "2"), check=True, stdout=subprocess.DEVNULL, timeout=120)
    assert probabilities(output) == whole
    assert len(Folder(output).table()) == N
    on_the_way = 2 + 2  # at each kill: running fits, and finished ones that are not written yet
    assert len(fits(log)) <= N + 2 * on_the_way


def test_a_worker_that_is_killed_is_replaced(tmp_path, whole):
    log, output = tmp_path / "fits.log", tmp_path / "results"
    with subprocess.Popen(command(log, output, "--jobs", "2"), stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: len(Folder(output).results()) >= 2)
        wait_until(lambda: kill_worker_of_a_fit(log, process.pid))
        assert process.wait(timeout=120) == 0
    assert probabilities(output) == whole


def test_a_fit_that_is_killed_is_done_again_by_the_next_run(tmp_path, whole):
    log, output = tmp_path / "fits.log", tmp_path / "results"
    with subprocess.Popen(command(log, output), stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: len(processes(log)) >= 3)
        os.kill(processes(log)[-1], signal.SIGKILL)
        assert process.wait(timeout=120) == 1  # a fit failed
    (failure,) = Folder(output).read_failures()
    assert failure.kind == "killed"
    subprocess.run(command(log, output), check=True, stdout=subprocess.DEVNULL, timeout=120)
    assert Folder(output).read_failures() == []
    assert probabilities(output) == whole
    assert len(fits(log)) == N + 1


def test_a_dask_cluster_that_loses_a_worker_does_all(tmp_path, whole):
    distributed = pytest.importorskip("distributed")
    log, output = tmp_path / "fits.log", tmp_path / "results"
    estimators = {"c": Counting(str(log), seconds=0.7)}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        workers = list(client.run(os.getpid).values())
        assert len(set(workers)) == 2

        def kill_one():
            wait_until(lambda: len(Folder(output).results()) >= 2)
            os.kill(workers[0], signal.SIGKILL)

        killer = threading.Thread(target=kill_one)
        killer.start()
        address = cluster.scheduler_address
        run(["UnitTest"], estimators, output, n_resamples=N, engine="dask", address=address)
        killer.join()
    assert probabilities(output) == whole
