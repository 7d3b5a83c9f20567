"""Build the wheel and compare what it holds with what git tracks: nothing lost, nothing else."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def main() -> None:
    """Exit with the difference, if there is one."""
    tracked = set(subprocess.check_output(["git", "ls-files", "mlstm_fcn"], text=True).split())
    with tempfile.TemporaryDirectory() as folder:
        subprocess.check_call([sys.executable, "-m", "build", "--wheel", "--outdir", folder])
        (wheel,) = Path(folder).glob("*.whl")
        names = set(zipfile.ZipFile(wheel).namelist())
    held = {name for name in names if ".dist-info/" not in name}
    if held != tracked:
        sys.exit(f"missing in the wheel: {sorted(tracked - held)}; not tracked: {sorted(held - tracked)}")
    print(f"the wheel holds the {len(held)} files that git tracks")


if __name__ == "__main__":
    main()
