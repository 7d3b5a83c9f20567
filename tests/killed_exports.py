"""Exports of text, killed at each of their steps: `python -m tests.killed_exports FORMAT FOLDER`.

Prints what is read after each kill, one word a line. A process without threads, so that it may fork.
"""

import sys
from pathlib import Path
from unittest import mock

from mlstm_fcn._files import partial_folder
from mlstm_fcn.export import FORMATS, manifest, swap
from tests.killed import steps_of

NAMES = {"": "saved", ".onnx": "model.onnx", ".xml": "model.xml"}


def write(path, form, word):
    """What a format writes: the same word in each file."""
    files = form.files(path) if form.suffix else [path / "graph", path / "variables" / "data"]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(word)


def exported(path, kind, word):
    """The last steps of `export`."""
    swap.settle(path, unlocked=True)
    with partial_folder(path.parent) as folder:
        artifact = folder / path.name
        write(artifact, FORMATS[kind], word)
        about = {"kind": kind, "channels": 1, "length": None, "labels": [word, "other"]}
        manifest.write(artifact, FORMATS[kind].files(artifact), about)
        swap.replace(folder, path)


def read(path):
    """The word that all files hold, by `export.load`."""

    def words(place):
        about = manifest.read(place)
        found = {file.read_text() for file in FORMATS[about["kind"]].files(place)} | {about["labels"][0]}
        if len(found) > 1:
            raise ValueError(f"a mixture: {found}")
        return found.pop()

    return swap.read_whole(path, words)


def require_only(path, kind, word):
    """The artifact is the one with the word, and nothing else is in its folder."""
    assert read(path) == word
    files = {path, *FORMATS[kind].companion_files(path), manifest.path_of(path)}
    assert set(path.parent.iterdir()) == files, set(path.parent.iterdir()) - files


def main(kind, folder):
    """Kill an export, then read or export again; kill a reader that finishes an export."""
    path = Path(folder) / NAMES[FORMATS[kind].suffix]
    for read_first in (True, False):
        exported(path, kind, "old")
        for _ in steps_of(lambda: exported(path, kind, "new")):
            if read_first:
                print(read(path))
            exported(path, kind, "old")
            require_only(path, kind, "old")
        require_only(path, kind, "new")
    exported_but_not_put_in_place(path, kind, "newer")
    for _ in steps_of(lambda: read(path)):
        assert read(path) == "newer"
        exported(path, kind, "old")
        require_only(path, kind, "old")
        exported_but_not_put_in_place(path, kind, "newer")


def exported_but_not_put_in_place(path, kind, word):
    """What a kill right after the new artifact counts leaves."""
    with mock.patch.object(swap, "_put_in_place"):
        exported(path, kind, word)


if __name__ == "__main__":
    main(*sys.argv[1:])
