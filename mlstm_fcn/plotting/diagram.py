"""A network, drawn from its layers."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

import keras
import numpy as np

from mlstm_fcn._checks import require
from mlstm_fcn.explain.containers import require_network
from mlstm_fcn.models.counting import receptive_fields
from mlstm_fcn.models.ensemble import members
from mlstm_fcn.plotting.canvas import Display, Grid, shade

_BOX = 1.66, 0.4  # inches, width and height
_GAP = 0.12, 0.16  # inches between boxes


@dataclass(frozen=True)
class Box:
    """A layer as it is drawn.

    Attributes:
        title: Name of the layer.
        shape: Shape of its output for one series.
        text: What it does, and the receptive field of a step of its output.
        row: Its place from the top.
        lane: Its place from the left.
        inputs: Numbers of the boxes that it reads.
    """

    title: str
    shape: str
    text: str
    row: int
    lane: int
    inputs: tuple[int, ...]


@dataclass
class NetworkDisplay(Display):
    """The layers of a network from top to bottom, with shapes, kernels, dilations and receptive fields.

    Activations, dropout and other layers that keep shape and receptive field are left out.

    Args:
        model: A functional `keras.Model`, such as `models.build` returns.

    Attributes:
        boxes: The layers.
        axes_: The axes of the last `plot`.
        figure_: Their figure.
    """

    model: Any

    def __post_init__(self) -> None:
        self.boxes = _boxes(self.model)

    @classmethod
    def from_estimator(cls, estimator: Any, member: int = 1) -> NetworkDisplay:
        """As `network`."""
        own = isinstance(estimator, keras.Model)
        networks = members(estimator if own else require_network(estimator, "plotting.network").network)
        rule = f"`member` must be from 1 to {len(networks)}."
        require(member in range(1, len(networks) + 1), rule, member=member)
        return cls(networks[member - 1])

    def _grid(self) -> Grid:
        lanes, rows = self._size
        width = lanes * (_BOX[0] + _GAP[0]) + 0.1
        return Grid(width=width, height=rows * (_BOX[1] + _GAP[1]) + 0.1)

    @property
    def _size(self) -> tuple[int, int]:
        return 1 + max(box.lane for box in self.boxes), 1 + max(box.row for box in self.boxes)

    def _draw(self, axes: np.ndarray) -> None:
        ax = axes[0, 0]
        for box in self.boxes:
            for number in box.inputs:
                _arrow(ax, self.boxes[number], box, self.boxes)
            _box(ax, box)
        lanes, rows = self._size
        across, down = _BOX[0] + _GAP[0], _BOX[1] + _GAP[1]
        ax.set(
            xlim=(-across / 2, (lanes - 0.5) * across), ylim=((rows - 0.5) * down, -down / 2), aspect="equal"
        )
        ax.set_axis_off()


def network(estimator: Any, *, member: int = 1, ax: Any = None) -> Any:
    """Draw a network from its layers: shapes, kernels, dilations, receptive fields.

    Args:
        estimator: A fitted estimator or `fitting.FittedNetwork`, or a functional `keras.Model`, such as
            `models.build` returns.
        member: Number, from 1, of the member of an ensemble.
        ax: Axes, see `mlstm_fcn.plotting`.

    Returns:
        The axes.

    Raises:
        ValueError: If there is no such member.
    """
    return NetworkDisplay.from_estimator(estimator, member).plot(ax).axes_


def _place(box: Box) -> tuple[float, float]:
    return box.lane * (_BOX[0] + _GAP[0]), box.row * (_BOX[1] + _GAP[1])


def _box(ax: Any, box: Box) -> None:
    from matplotlib.patches import FancyBboxPatch

    (x, y), (width, height) = _place(box), _BOX
    corner, left, right = (x - width / 2, y - height / 2), x - width / 2 + 0.07, x + width / 2 - 0.07
    style: Any = {"boxstyle": "round,pad=0,rounding_size=0.05", "linewidth": 0.8}
    ax.add_patch(FancyBboxPatch(corner, width, height, **style, facecolor=shade(0.08), edgecolor=shade(0.5)))
    first, second = {"va": "bottom", "size": "small"}, {"va": "top", "size": "x-small"}
    middle = y - 0.01 if box.text else y + 0.07
    ax.text(left, middle, box.title, **first, color=shade(1))
    ax.text(right, middle, box.shape, **first, ha="right", color=shade(0.65))
    ax.text(left, y + 0.03, box.text, **second, color=shade(0.65))


def _arrow(ax: Any, start: Box, end: Box, boxes: list[Box]) -> None:
    """A line that goes down in the lane of its start, passes boxes at their side, and ends from above."""
    (x, y), (to_x, to_y) = _place(start), _place(end)
    bottom, top = y + _BOX[1] / 2, to_y - _BOX[1] / 2
    turn = top - _GAP[1] * (0.65 if start.lane % 2 else 0.4)  # of neighbours at different heights
    blocked = any(box.lane == start.lane and start.row < box.row < end.row for box in boxes)
    beside, below = x + (_BOX[0] + _GAP[0]) / 2, bottom + _GAP[1] / 2
    way = [(x, below), (beside, below), (beside, turn)] if blocked else [(x, turn)]
    line = np.array([(x, bottom), *way, (to_x, turn), (to_x, top)])
    ax.plot(*line.T, color=shade(0.6), linewidth=0.8, solid_joinstyle="round", zorder=0)
    ax.plot(to_x, top - 0.02, marker="v", markersize=3, color=shade(0.6), zorder=0)


def _boxes(model: Any) -> list[Box]:
    shown, inputs = _graph(model)
    rows: list[int] = []
    for before in inputs:
        rows.append(1 + max((rows[number] for number in before), default=-1))
    fields = receptive_fields(model)
    lanes = _lanes(inputs, rows)
    return [
        Box(layer.name, _shape(layer), _text(layer, fields), row, lane, before)
        for layer, row, lane, before in zip(shown, rows, lanes, inputs, strict=True)
    ]


def _graph(model: Any) -> tuple[list[Any], list[tuple[int, ...]]]:
    """The layers that are drawn, in order, and the numbers of those that each reads."""
    import keras

    shown: list[Any] = []
    inputs: list[tuple[int, ...]] = []
    sources: dict[int, tuple[int, ...]] = {}  # of each tensor, the drawn layers that it comes from
    for operation in model.operations:
        given = keras.tree.flatten(operation.input)
        if isinstance(operation, keras.layers.InputLayer):
            given = []
        before = tuple(dict.fromkeys(number for tensor in given for number in sources.get(id(tensor), ())))
        outputs = keras.tree.flatten(operation.output)
        if _is_drawn(operation, given, outputs):
            shown.append(operation)
            inputs.append(before)
            before = (len(shown) - 1,)
        sources |= {id(tensor): before for tensor in outputs}
    return shown, inputs


def _is_drawn(operation: Any, given: list[Any], outputs: list[Any]) -> bool:
    """Whether an operation is a layer that has weights, merges, or changes the shape; a mask is not drawn."""
    import keras

    if not isinstance(operation, keras.layers.Layer) or outputs[0].dtype == "bool":
        return False
    series = [tensor for tensor in given if tensor.dtype != "bool"]
    changes = not series or len(series) > 1 or series[0].shape != outputs[0].shape
    return bool(operation.weights) or changes


def _lanes(inputs: list[tuple[int, ...]], rows: list[int]) -> list[int]:
    """A lane for each box: that of its longest way from the top, if no other box has gone on in it."""
    heights = [0] * len(inputs)  # boxes below each, on the longest way
    for number in reversed(range(len(inputs))):
        for before in inputs[number]:
            heights[before] = max(heights[before], heights[number] + 1)
    heirs = {}
    for before in range(len(inputs)):
        after = [number for number, given in enumerate(inputs) if before in given]
        if after:
            heirs[before] = max(after, key=lambda number: (heights[number], -number))
    lanes = [0] * len(inputs)
    taken: set[tuple[int, int]] = set()
    for number in sorted(range(len(inputs)), key=lambda one: (rows[one], -heights[one])):
        from_above = [lanes[before] for before in inputs[number] if heirs[before] == number]
        lane = min(from_above, default=0)
        while (rows[number], lane) in taken:
            lane += 1
        lanes[number] = lane
        end = rows[heirs[number]] if number in heirs else rows[number] + 1
        taken |= {(row, lane) for row in range(rows[number], end)}
    return lanes


def _output(layer: Any) -> Any:
    return layer.output[0] if isinstance(layer.output, list) else layer.output


def _shape(layer: Any) -> str:
    sizes = ["any" if size is None else str(size) for size in _output(layer).shape[1:]]
    return " \N{MULTIPLICATION SIGN} ".join(sizes)


def _text(layer: Any, fields: dict[int, tuple[float, float]]) -> str:
    """The second line of a box."""
    sees = ceil(fields[id(_output(layer))][0]) if len(_output(layer).shape) == 3 else 1
    return ", ".join([*_options(layer), *([f"sees {sees} steps"] if sees > 1 else [])])


def _options(layer: Any) -> list[str]:
    kernel = getattr(layer, "kernel_size", None)
    if kernel is None:
        return []
    options = [f"kernel {np.ravel(kernel)[0]}"]
    dilations = np.ravel(getattr(layer, "dilation_rate", 1)).tolist()
    strides = np.ravel(getattr(layer, "strides", 1)).tolist()
    options += [f"dilation {'/'.join(map(str, dilations))}"] if dilations != [1] else []
    options += [f"stride {strides[0]}"] if strides != [1] else []
    return options
