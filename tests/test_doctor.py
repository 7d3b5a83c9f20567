"""`mlstm-fcn doctor`: what it finds, and what it says of a GPU that is not seen."""

import pytest
from click.testing import CliRunner

from mlstm_fcn import doctor, engine
from mlstm_fcn.cli import main
from mlstm_fcn.engine import placement


def test_the_command_tells_devices_versions_and_the_precision_with_its_reason():
    result = CliRunner().invoke(main, ["doctor", "--no-times"])
    assert result.exit_code == 0, result.output
    lines = dict(line.split(None, 1) for line in result.output.splitlines())
    assert "cpu:0" in lines["devices"]
    assert lines["backend"].startswith("tensorflow 2.")
    chosen = engine.current().fastest_precision
    assert lines["precision"].startswith(f"{chosen} (the CPU has ")
    assert "ms" not in result.output


def test_a_step_is_timed_on_each_device_against_its_floor(monkeypatch):
    measured = {"convolutions": 2.0, "float32": 5.0, "bfloat16": 3.0}

    def milliseconds(network, precision):
        is_floor = not any(layer.name.startswith("lstm") for layer in network.layers)
        return measured["convolutions" if is_floor else precision]

    monkeypatch.setattr(doctor, "_milliseconds", milliseconds)
    backend = type(engine.current())
    monkeypatch.setattr(backend, "fastest_precision", "bfloat16")
    monkeypatch.setattr(backend, "devices", lambda self: ["cpu:0", "cpu:0"])
    facts = list(doctor.examine())
    assert facts.count(("floor on cpu:0", "2.0 ms")) == 2
    assert facts.count(("float32 on cpu:0", "5.0 ms, 2.5 times the floor")) == 2
    assert facts.count(("bfloat16 on cpu:0", "3.0 ms, 1.5 times the floor")) == 2


def test_the_floor_is_really_trained():
    network = doctor._convolutions()
    before = network.get_weights()
    assert doctor._milliseconds(network, "float32") > 0
    assert all((one != other).any() for one, other in zip(before, network.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("devices", "present", "told"),
    [(["cpu:0"], True, True), (["cpu:0", "gpu:0"], True, False), (["cpu:0"], False, False)],
)
def test_a_gpu_that_the_backend_does_not_see_is_told_with_the_extra_that_helps(
    devices, present, told, tmp_path, monkeypatch
):
    monkeypatch.setattr(placement, "which", lambda name: None)
    if present:
        (tmp_path / "nvidia0").touch()
    text = placement.unusable_gpu(devices, "tensorflow", tmp_path)
    assert bool(text) == told
    assert not told or "pip install 'mlstm-fcn[gpu]'" in text
