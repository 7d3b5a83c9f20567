"""Scripts of `benchmarks/` that cannot be run in full here: their parts, and one candidate on the CPU."""

import csv
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_says_what_makes_each_table():
    """No script or table without a line, and no line without its file, but for those that are not kept."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/]+\.\w+)`", text)) | set(re.findall(r"python benchmarks/(\w+\.py)", text))
    kept = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.*") if "__pycache__" not in path.parts}
    assert kept - named == {"README.md"}
    assert named - kept <= {"gpu.csv", "kills.csv"}
    assert {"speed.py", "speed.csv", "accuracy/report/scatter.svg"} <= named & kept


@pytest.fixture(scope="module")
def gpu():
    return loaded("gpu")


@pytest.fixture(scope="module")
def step():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        return loaded("step")


def main_of(gpu, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["gpu.py", *map(str, arguments)])
    gpu.main()


def test_without_a_gpu_the_script_says_what_helps_and_measures_nothing(gpu, monkeypatch):
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: [])
    monkeypatch.setattr("mlstm_fcn.engine.placement.unusable_gpu", lambda *_: "Run `pip install it`.")
    with pytest.raises(SystemExit, match=r"Run `pip install it`. `--cpu` tests the script without one"):
        gpu.gpu_or_exit()


def test_each_figure_is_compared_with_the_floor_of_its_framework(gpu, monkeypatch, tmp_path):
    figures = {
        "floor, TensorFlow": {"epoch": 2.0, "latency": 0.5},
        "floor, JAX": {"epoch": 4.0, "latency": 1.0},
        "this package, TensorFlow": {"epoch": 5.0, "latency": 2.0},
        "this package, JAX": {"epoch": 6.0, "latency": 2.0},
    }
    monkeypatch.setattr(gpu, "measured", lambda candidate, *_: figures.get(candidate, {}))
    main_of(gpu, monkeypatch, "--cpu", "--shapes", "large", "--output", tmp_path / "it.csv")
    rows = list(csv.DictReader((tmp_path / "it.csv").read_text().splitlines()))
    ratios = {row["candidate"]: (row["times floor"], row["times its floor"]) for row in rows}
    assert ratios["this package, TensorFlow"] == ("2.50", "4.00")
    assert ratios["this package, JAX"] == ("1.50", "2.00")
    assert len(rows) == 4
    assert {row["device"] for row in rows} == {"CPU"}


def test_what_does_not_fit_into_the_time_is_not_measured(gpu, monkeypatch, tmp_path, capsys):
    path = tmp_path / "it.csv"
    main_of(gpu, monkeypatch, "--cpu", "--seconds", 0, "--candidates", "aeon FCN", "--output", path)
    assert "aeon FCN: not measured, the time is over" in capsys.readouterr().err
    assert not path.exists()


@pytest.mark.slow
def test_a_candidate_and_its_floor_run_on_the_cpu(tmp_path):
    path = tmp_path / "it.csv"
    names = ["floor, TensorFlow", "this package, TensorFlow", "aeon FCN"]
    command = [sys.executable, str(FOLDER / "gpu.py"), "--cpu", "--epochs", "1", "--output", str(path)]
    command += ["--shapes", "BasicMotions", "--candidates", *names]
    subprocess.run(command, check=True, timeout=280)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["candidate"] for row in rows][:2] == names[:2]
    assert float(rows[1]["times floor"]) > 1


@pytest.mark.parametrize(
    ("operation", "part"),
    [
        ("_MklNativeConv2D", "convolution"),
        ("_MklNativeConv2DBackpropFilter", "convolution, gradient of kernels"),
        ("Conv2DBackpropInput", "convolution, gradient of series"),
        ("_MklNativeFusedBatchNormGradV3", "batch normalisation"),
        ("BlockLSTMGrad", "LSTM"),
        ("ResourceApplyAdam", "Adam"),
        ("ReluGrad", "between the layers: ReLU, gates, sums, layout"),
        ("ReadVariableOp", "rest: reads, casts, random numbers, control"),
    ],
)
def test_operations_are_known_by_their_type(step, operation, part):
    assert step.part_of(operation) == part


def test_operations_of_the_graph_are_counted_for_a_step_and_what_runs_them_is_not(step, tmp_path):
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    plane = space.planes.add(name="/host:CPU")
    line = plane.lines.add(name="tf_Compute")
    names = [
        "while/body/conv_1/convolution:Conv2D",
        "while/body/adam:ResourceApplyAdam",
        "ExecutorState::Process",
    ]
    for number, name in enumerate(names):
        plane.event_metadata[number].name = name
        for _ in range(5):
            line.events.add(metadata_id=number, duration_ps=3_000_000_000)
        line.events.add(metadata_id=number, duration_ps=900_000_000_000)  # it waited for a core
    (tmp_path / "a.xplane.pb").write_bytes(space.SerializeToString())
    milliseconds, count = step.recorded(tmp_path, 3)
    assert milliseconds == {"convolution": 6.0, "Adam": 6.0}
    assert count == {"convolution": 2.0, "Adam": 2.0}
