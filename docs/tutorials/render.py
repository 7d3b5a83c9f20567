"""Make the pages of the tutorials, with output and figures, from their scripts.

    python docs/tutorials/render.py             # all
    python docs/tutorials/render.py sensors     # one

A docstring is the title and the introduction. Comments that start a line are prose, in Markdown. What lies
between is code, run from top to bottom in an empty folder; what it prints and draws follows it on the page.
"""

import ast
import contextlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent
COLOURS, DOTS = 40, 100  # of a figure; dots per inch


class Cell(NamedTuple):
    """Prose, or code with what it has printed and drawn."""

    prose: str = ""
    code: str = ""
    printed: str = ""
    figures: tuple[str, ...] = ()


def scripts() -> list[Path]:
    """The scripts of all tutorials."""
    return sorted(path for path in FOLDER.glob("*.py") if path != Path(__file__))


def cells(text: str) -> list[Cell]:
    """The prose and the code of a script, in order."""
    docstring = ast.parse(text).body[0]
    title, _, introduction = ast.literal_eval(docstring.value).strip().partition("\n")
    found = [Cell(prose=f"# {title.rstrip('.')}\n\n{introduction.strip()}".strip())]
    rest = "\n".join([*text.splitlines()[docstring.end_lineno :], ""])
    for block in re.split(r"^((?:#.*\n)+)", rest, flags=re.MULTILINE):
        if block.startswith("#"):
            found.append(Cell(prose=re.sub(r"^# ?", "", block, flags=re.MULTILINE).strip()))
        elif block.strip():
            found.append(Cell(code=block.strip("\n").rstrip()))
    return found


def executed(every: list[Cell], name: str, figures: Path) -> list[Cell]:
    """Run the code in an empty folder; keep what it prints, and write what it draws to `figures`."""
    names: dict[str, Any] = {"__name__": "__main__", "__file__": str(FOLDER / f"{name}.py")}
    done: list[Cell] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for cell in every:
            printed, drawn = io.StringIO(), ()
            if cell.code:
                with contextlib.redirect_stdout(printed):
                    exec(compile(cell.code, name, "exec"), names)
                drawn = _drawn(figures, name, sum(len(one.figures) for one in done))
            text = "\n".join(line.rstrip() for line in printed.getvalue().strip("\n").splitlines())
            done.append(cell._replace(printed=text, figures=drawn))
    return done


def _drawn(folder: Path, name: str, count: int) -> tuple[str, ...]:
    """Write the open figures in few colours, and close them."""
    import matplotlib.pyplot as plt
    from PIL import Image

    written = []
    for number in plt.get_fignums():
        file = io.BytesIO()
        plt.figure(number).savefig(file, dpi=DOTS)
        written.append(f"{name}-{count + len(written) + 1}.png")
        picture = Image.open(file).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        picture.save(folder / written[-1], optimize=True)
    plt.close("all")
    return tuple(written)


def page(every: list[Cell], name: str) -> str:
    """The text of a page."""
    parts = []
    for cell in every:
        parts += [cell.prose] if cell.prose else [f"```python\n{cell.code}\n```"]
        parts += [f"```text\n{cell.printed}\n```"] if cell.printed else []
        parts += [f"![What this code draws](figures/{figure})" for figure in cell.figures]
    return "\n\n".join([*parts, f"[The script of this page]({name}.py)"]) + "\n"


def without_results(text: str) -> str:
    """A page without what its code has printed and drawn."""
    text = re.sub(r"^```text\n.*?^```\n\n", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^!\[.*\n\n", "", text, flags=re.MULTILINE)


def main(names: list[str]) -> None:
    """Write the pages of some tutorials, or of all."""
    os.environ.setdefault("MPLBACKEND", "agg")
    for path in scripts():
        if not names or path.stem in names:
            done = executed(cells(path.read_text(encoding="utf-8")), path.stem, FOLDER / "figures")
            path.with_suffix(".md").write_text(page(done, path.stem), encoding="utf-8")
            print(path.with_suffix(".md"))


if __name__ == "__main__":
    main(sys.argv[1:])
