"""The code in docs/ works: guide and production page run, and the map to the source names existing code."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from mlstm_fcn import plotting
from tests import quick_fit

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs" / "guide.md"
FIGURES = ROOT / "docs" / "figures"
fitted = quick_fit.fitted


def module_of(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_script_makes_the_figures_of_the_gallery(tmp_path):
    made = {path.name for path in module_of(FIGURES / "make.py").main(tmp_path, n_epochs=1)}
    assert made == {path.name for path in tmp_path.iterdir()} == {path.name for path in FIGURES.glob("*.png")}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())


def test_the_gallery_shows_every_figure_and_every_function():
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\(figures/(\w+\.png)\)", text)
    assert sorted(shown) == sorted(path.name for path in FIGURES.glob("*.png"))
    assert sum(path.stat().st_size for path in FIGURES.glob("*.png")) < 60_000
    functions = {name for name in plotting.__all__ if not name.endswith("Display")}
    assert functions == {path.removesuffix(".png") for path in shown} | {"class_activation_map", "occlusion"}
    assert set(re.findall(r"plotting\.(\w+)", text)) - {"mlstm_fcn"} <= set(plotting.__all__)
    assert all(name in text for name in functions)


@pytest.mark.usefixtures("uncompiled")
def test_the_blocks_of_the_guide_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 8
    names = {}
    for block in blocks:
        quick = re.sub(r"n_epochs=\d+", "n_epochs=2", block)
        quick = quick.replace('on_longer="cut"', 'on_longer="cut", n_epochs=2')
        exec(compile(quick, str(GUIDE), "exec"), names)
    assert names["recordings"].X.shape == (6, 2, 100)
    assert [int(np.isnan(one).any(axis=0).sum()) for one in names["recordings"].X] == [
        4 * (p == "b") for p in "abcdef"
    ]
    assert set(names["y_own"]) == {"rest", "walk"}
    assert len(names["mine"].history_["val_accuracy"]) == 2
    assert names["probabilities"].shape == (40, 4)
    assert names["maps"].shape == (4, 4, 99)  # what is longer than in training is cut
    assert names["fall"].shape == (4, 6, 100)
    assert names["tuned"].classes_.tolist() == ["other", "sport"]
    assert {path.name for path in tmp_path.iterdir()} >= {"motions.keras", "motions.onnx"}


def test_the_map_from_the_papers_names_existing_code():
    text = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w+/\w+\.py)`((?:[:,] `\w+`)*)", text)
    assert len(named) > 15
    for path, names in named:
        source = (ROOT if path.startswith("tests/") else ROOT / "mlstm_fcn") / path
        code = source.read_text(encoding="utf-8")
        for name in re.findall(r"\w+", names):
            assert re.search(rf"^(def |class )?{name}\b", code, flags=re.MULTILINE), (path, name)


@pytest.mark.usefixtures("uncompiled")
def test_the_page_on_production_loads_and_warms_up(fitted, basic_motions, tmp_path):
    page = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
    process, warm_up, drift, *_ = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    names = {"__name__": "served"}
    exec(process, names)
    exec(warm_up.replace("calls=25", "calls=2"), names)
    fitted.save(tmp_path / "motions.keras")
    names["load"](tmp_path / "motions.keras")
    X = basic_motions.X_test
    np.testing.assert_array_equal(names["predict"](X), fitted.predict_proba(X))

    exec(drift, names | {"X_train": basic_motions.X_train}, names)
    warmer = X + 20.0 * np.array([0, 0, 1, 0, 0, 0])[:, None]
    assert (names["drifted"](X).tolist(), names["drifted"](warmer).tolist()) == ([], [2])
