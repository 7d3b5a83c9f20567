"""Download the UEA archive into `datasets/cache`: `python datasets/uea/prepare.py`. A second run resumes."""

import os
import sys
from pathlib import Path

from mlstm_fcn.cli import main

if __name__ == "__main__":
    os.environ.setdefault("MLSTM_FCN_CACHE", str(Path(__file__).parents[1] / "cache"))
    main(["data", "fetch", "--archive", "UEA", *sys.argv[1:]])
