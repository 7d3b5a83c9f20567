"""The figures of a report have the right points, and stay inside their frames."""

import re

import numpy as np
import pytest

from mlstm_fcn.benchmark import compare, figures
from tests.results import table


def test_the_points_of_figures_are_means_on_common_data_sets(monkeypatch):
    monkeypatch.setattr(figures, "as_svg", lambda figure: figure)
    rows = table({"worse": [0.5, 0.6, None], "better": [0.9, 0.8, 0.1]}, n_resamples=2)
    rows["fit_seconds"] = np.where(rows["problem"] == "p1", 30.0, 10.0)
    one = compare(rows)
    (axes,) = figures.scatter(one).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("worse", "better")
    assert axes.lines[1].get_xydata().tolist() == [[0.5, 0.9], [0.6, 0.8]]
    assert axes.get_title() == "2 wins, 0 ties, 0 losses"
    (axes,) = figures.cost(one, rows).axes
    points = {
        text.get_text(): line.get_xydata()[0].tolist()
        for text, line in zip(axes.get_legend().get_texts(), axes.lines, strict=True)
    }
    assert points == {"worse": [20, pytest.approx(0.55)], "better": [20, pytest.approx(0.85)]}


def drawn_outside(figure):
    """How far, in inches, a figure's text or lines reach beyond its saved frame."""
    svg = figures.as_svg(figure)
    width, height = (
        float(value) / 72 for value in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()
    )
    box = figure.get_tightbbox()
    return max(box.width - width, box.height - height)


@pytest.mark.parametrize("draw", ["critical_difference", "scatter", "cost"])
def test_figures_are_inside_their_frame_whatever_the_length_of_names(draw, monkeypatch):
    """And names inside the figure do not leave their axes, or cover each other."""
    pytest.importorskip("scikit_posthocs")
    of = {f"{'an estimator with a long name ' * 3}{number}": [0.5, 0.6, 0.7, 0.8] for number in range(4)}
    rows = table(of)
    made = []
    monkeypatch.setattr(
        figures, "as_svg", lambda figure, svg=figures.as_svg: made.append(figure) or svg(figure)
    )
    arguments = (compare(rows), rows) if draw == "cost" else (compare(rows),)
    getattr(figures, draw)(*arguments)
    monkeypatch.undo()
    assert drawn_outside(made[0]) <= 0
    inside = [text for axes in made[0].axes for text in axes.texts if draw == "cost"]
    assert inside == []
