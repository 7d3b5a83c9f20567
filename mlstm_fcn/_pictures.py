"""Figures of matplotlib as text for a page."""

from __future__ import annotations

import io
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import numpy as np

from mlstm_fcn._optional import optional

_DOTS = 120  # per inch


def as_svg(figure: Any) -> str:
    """SVG source without a date, so that equal results give equal files; text is kept as text.

    The frame is as large as all that is drawn, however long the names are.
    """
    style = optional("matplotlib", "plot").rc_context({"svg.fonttype": "none", "svg.hashsalt": "mlstm-fcn"})
    with style, io.StringIO() as file:
        figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
        text = file.getvalue()
    return text[text.index("<svg") :]


def as_image(figure: Any, alt: str) -> str:
    """An `img` element that holds a PNG of few colours, for figures with thousands of lines.

    Args:
        figure: The figure.
        alt: What it shows, for those who do not see it.
    """
    pillow = optional("PIL.Image", "plot")
    with io.BytesIO() as drawn, io.BytesIO() as file:
        figure.savefig(drawn, format="png", dpi=_DOTS, bbox_inches="tight", metadata={"Software": None})
        few = pillow.open(drawn).convert("RGB").quantize(64, dither=pillow.Dither.NONE)
        few.save(file, format="png", optimize=True)
        data, width = b64encode(file.getvalue()).decode(), few.width * 96 // _DOTS
    return f'<img alt="{escape(alt)}" width="{width}" src="data:image/png;base64,{data}">'


def picture(draw: Callable[[], Any], render: Callable[[Any], str] = as_svg) -> str:
    """Draw a new figure for a page, and close it.

    Names are shown as they are: `$` is a dollar, and a letter that the font lacks is a box.

    Args:
        draw: Makes the figure, and returns axes of it.
        render: Makes it text.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    with _on_paper():
        figure = np.ravel(np.asarray(draw(), dtype=object))[0].figure
        try:
            return render(figure)
        finally:
            optional("matplotlib.pyplot", "plot").close(figure)


@contextmanager
def _on_paper() -> Iterator[None]:
    style = optional("matplotlib.style", "plot")
    with style.context(["default", {"text.parse_math": False}]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield
