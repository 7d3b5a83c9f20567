"""Real archives beside the checkout, or where `MLSTM_FCN_TEST_ARCHIVE` says; without them tests skip."""

import csv
import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("MLSTM_FCN_TEST_ARCHIVE", Path(__file__).parents[2] / "shared" / "archive"))
needs_archives = pytest.mark.skipif(not (ROOT / "MANIFEST.csv").exists(), reason=f"no archives in {ROOT}")


def manifest():
    """The rows of the list of archives, none where there is no list."""
    if not (ROOT / "MANIFEST.csv").exists():
        return []
    with (ROOT / "MANIFEST.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
