"""How many public names have complete types, by pyright (`pip install 'pyright[nodejs]'`); fails below LEAST.

    python .ci/complete_types.py

Run it in an environment in which the package is installed, not as editable.
"""

import json
import subprocess
import sys

LEAST = 0.95


def main() -> None:
    """Print the share, and exit with 1 if it is too small."""
    command = ["pyright", "--pythonpath", sys.executable, "--verifytypes", "mlstm_fcn", "--ignoreexternal"]
    done = subprocess.run([*command, "--outputjson"], capture_output=True, text=True)
    about = json.loads(done.stdout)["typeCompleteness"]
    share = about["completenessScore"]
    if share < LEAST:
        for symbol in about["symbols"]:
            if symbol["isExported"] and not symbol["isTypeKnown"]:
                print(symbol["name"], file=sys.stderr)
    print(f"{share:.1%} of the public names have complete types (at least {LEAST:.0%})")
    sys.exit(share < LEAST)


if __name__ == "__main__":
    main()
