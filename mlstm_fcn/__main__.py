"""`python -m mlstm_fcn` is `mlstm-fcn`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    if not sys.flags.safe_path and Path(sys.path[0]) != Path(__file__).parents[1]:
        sys.path.append(sys.path.pop(0))  # the working folder last: a file there cannot pass for a library
    from mlstm_fcn.cli import main

    main()
