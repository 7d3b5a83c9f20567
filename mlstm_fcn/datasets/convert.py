"""Convert a data set to another format, in a folder that `load` can read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlstm_fcn._checks import require, require_choice
from mlstm_fcn._files import partial_folder
from mlstm_fcn.datasets import places
from mlstm_fcn.datasets.formats import FORMATS, Dtype, Source, arrays, blocks, read, write

TARGETS = ("npy", "npz", *(suffix.removeprefix(".") for suffix in FORMATS))


def convert(
    name: str,
    output: Path | str,
    to: str = "npy",
    *,
    dtype: Dtype = "float32",
    folder: Path | str | None = None,
    offline: bool = False,
) -> Path:
    """Write a data set in another format.

    Conversion from text to `npy` reads a few hundred kilobytes at a time, so the data set may be larger than
    memory. `load(name, folder=output, dtype=..., memory_map=True)` then memory-maps it.

    Args:
        name: The data set.
        output: The parent folder. The files are written to a new subfolder named after the data set.
        to: `"npy"`, `"npz"`, `"ts"`, `"arff"`, `"tsv"`, `"txt"` or `"csv"`.
        dtype: Type of the values in `npy` files. The other formats keep the values unchanged.
        folder: The folder to search first for the data set.
        offline: Never download.

    Returns:
        The new folder. It is written completely or not at all.

    Raises:
        FileExistsError: If the new folder exists already.
        ValueError: If the format cannot hold the data set. Also raises all that `load` raises.
    """
    require_choice("to", to, TARGETS)
    require_choice("dtype", dtype, ("float32", "float64"))
    target = Path(output) / name
    if target.exists():
        raise FileExistsError(f"{target} exists already. Remove it, or choose another output folder.")
    sources = places.find(name, folder, offline)
    with partial_folder(Path(output)) as partial:
        made = partial / name
        made.mkdir()
        for split, source in sources.items():
            _convert(source, made, f"{name}_{split.upper()}.{to}", split, dtype)
        made.replace(target)
    return target


def _convert(source: Source, folder: Path, file: str, split: str, dtype: Dtype) -> None:
    if not file.endswith(".npy"):
        X, y = read(source)
        require(len(y) > 0, "A data set must have labels.", file=str(source))
        write(folder / file, X, y)
    elif source.name.suffix in FORMATS:
        arrays.write_folder(folder, split, blocks(source), np.dtype(dtype))
    else:
        arrays.write_folder(folder, split, arrays.to_blocks(*read(source)), np.dtype(dtype))
