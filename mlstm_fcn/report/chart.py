"""A learning curve in text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

_MARKS = {"loss": "*", "val_loss": "o"}
_WIDEST = 6  # columns between the marks of few epochs
_LABELS = {"loss": "* training", "val_loss": "o validation"}


def learning_curve(history: Mapping[str, Sequence[float]], width: int = 80, height: int = 8) -> str:
    """The loss by epoch, of training and validation, in ASCII.

    Args:
        history: Figures of each epoch by name, as in `history_`.
        width: Columns, at least 20.
        height: Lines of the curve.

    Returns:
        Lines without a newline at the end; empty if there are fewer than two epochs with a finite loss.
    """
    curves = {name: np.asarray(history[name], float) for name in _MARKS if name in history}
    known = [value for values in curves.values() for value in values if np.isfinite(value)]
    n_epochs = max(map(len, curves.values()), default=0)
    if n_epochs < 2 or len(known) < 2:
        return ""
    low, high = min(known), max(known)
    names = [f"{high:.3g}", f"{low:.3g}"]
    left = max(map(len, names))
    columns = min(width - left - 2, n_epochs)
    apart = min(_WIDEST, (width - left - 2) // n_epochs) or 1  # columns from a mark to the next
    canvas = np.full((height, (columns - 1) * apart + 1), " ")
    for name, values in curves.items():
        for column, part in enumerate(np.array_split(values, columns)):
            mean = float(np.mean(part)) if len(part) else np.nan
            if np.isfinite(mean):
                line = round((high - mean) / ((high - low) or 1) * (height - 1))
                canvas[line, column * apart] = _MARKS[name]
    starts = [names[0], *[""] * (height - 2), names[1]]
    lines = [f"{start:>{left}} |{''.join(row)}".rstrip() for start, row in zip(starts, canvas, strict=True)]
    title = f"loss by epoch: {', '.join(_LABELS[name] for name in curves)}"
    last = str(n_epochs)
    axis = f"{'':>{left}} +{'-' * canvas.shape[1]}"
    ticks = f"{'':>{left}}  1{last:>{canvas.shape[1] - 1}}" if canvas.shape[1] > len(last) + 1 else ""
    return "\n".join([title, *lines, axis, *([ticks] if ticks else [])])
