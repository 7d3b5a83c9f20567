"""`python -m mlstm_fcn` is `mlstm-fcn`."""

from mlstm_fcn.cli import main

if __name__ == "__main__":
    main()
