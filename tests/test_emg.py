"""The example on real recordings: it reads them, cuts them, and tests on what was not trained on."""

import importlib.util
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mlstm_fcn import MLSTMFCNClassifier, datasets
from tests.archives_at_hand import ROOT

RECORDINGS = ROOT / "emg"


@pytest.fixture(scope="module")
def emg():
    path = Path(__file__).parent.parent / "examples" / "emg.py"
    spec = importlib.util.spec_from_file_location("emg", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_session(folder, person, session, damage=False):
    """Gesture 1 is strong at sensor 1, gesture 2 at sensor 2; rest is weak; three stretches of 250 steps."""
    random = np.random.default_rng(int(person) + session)
    (folder / f"{person}-{session}").mkdir()
    for gesture in (1, 2):
        labels = np.repeat([0, gesture, 0], 250)
        values = random.normal(0, 2, (750, 8))
        values[labels == gesture, gesture - 1] *= 20
        lines = [
            ",".join(map(str, [*row, label])) for row, label in zip(values.astype(int), labels, strict=True)
        ]
        if damage:
            lines[10] += lines.pop(11)
        (folder / f"{person}-{session}" / f"{gesture}.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def made(tmp_path):
    for person in ("11", "22", "33"):
        for session in (1, 2, 3):
            write_session(tmp_path, person, session)
    return tmp_path


class Strongest:
    """In place of a network: the gesture is the sensor with the strongest signal, if one is strong."""

    def __init__(self, **parameters):
        MLSTMFCNClassifier(**parameters)  # has these parameters

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.fitted.append(X)

    def predict(self, X):
        strength = X.std(axis=2)
        return np.where(strength.max(axis=1) > 10, strength.argmax(axis=1) + 1, 0)


def test_the_example_tests_on_another_session_and_another_person(emg, made, capsys, monkeypatch):
    monkeypatch.setattr(Strongest, "fitted", [], raising=False)
    monkeypatch.setattr(emg, "MLSTMFCNClassifier", Strongest)
    assert emg.main(made, quick=True) == {"another session": 1.0, "another person": 1.0}
    shown = capsys.readouterr().out
    assert "another session: balanced accuracy 1.000 (12 windows; chance 0.333)" in shown
    assert "another person: balanced accuracy 1.000 (18 windows; chance 0.333)" in shown
    [X] = Strongest.fitted
    windows = datasets.windows(emg.read(made), 200, 400)
    trained_on = {
        group
        for window, group in zip(windows.X, windows.groups, strict=True)
        if (window == X).all((1, 2)).any()
    }
    assert trained_on == {"11/1", "11/2", "22/1", "22/2"}
    assert len(X) == 4 * 2 * 3  # groups, gestures, stretches


def test_people_in_zip_files_and_lines_that_ran_together(emg, tmp_path):
    write_session(tmp_path, "11", 1, damage=True)
    (tmp_path / "zips").mkdir()
    with zipfile.ZipFile(tmp_path / "zips" / "11.zip", "w") as file:
        for path in sorted((tmp_path / "11-1").iterdir()):
            file.write(path, path.relative_to(tmp_path).as_posix())
    with pytest.warns(UserWarning, match=r"[12]\.txt: lines without 9 values are left out: 11\."):
        found = emg.read(tmp_path / "zips")
    assert [one.shape for one in found.X] == [(8, 748)] * 2
    assert found.groups.tolist() == ["11/1"] * 2


@pytest.mark.skipif(not RECORDINGS.exists(), reason=f"no recordings in {RECORDINGS}")
def test_real_recordings_become_windows_of_one_label_and_one_group(emg):
    recordings = emg.read(RECORDINGS, most=1)
    assert len(recordings) == 24
    assert len(set(recordings.groups)) == 3
    assert {len(one) for one in recordings.X} == {8}
    windows = datasets.windows(recordings, size=200, stride=100)
    number = {name: at for at, name in enumerate(recordings.cases)}
    for window, label, group, case, start in zip(
        windows.X, windows.y, windows.groups, windows.cases, windows.starts, strict=True
    ):
        at, part = number[case], slice(start, start + 200)
        assert (recordings.y[at][part] == label).all()
        assert recordings.groups[at] == group
        np.testing.assert_array_equal(window, recordings.X[at][:, part])
    whole = [len(y) for y in recordings.y]
    assert 0.7 < len(windows) * 100 / sum(whole) < 1  # what the changes of the label cost


@pytest.mark.slow
@pytest.mark.skipif(not RECORDINGS.exists(), reason=f"no recordings in {RECORDINGS}")
def test_the_example_learns_from_real_recordings(emg):
    scores = emg.main(RECORDINGS, quick=True)
    assert scores["another session"] > 0.5  # of eight labels
    assert 0.125 < scores["another person"] < scores["another session"]
