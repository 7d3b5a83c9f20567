"""Check what would be published: tag, changelog, wheel, sdist, long description; then install and use them.

    python .ci/release.py                 # at any time
    python .ci/release.py --tag v0.1.0    # for a release: the changelog must have the version, with its date
    python .ci/release.py --base PYTHON   # with the dependencies that PYTHON has, instead of an index's

Needs git and the package `build`. Leaves the checked files in dist/; with --tag, the notes in build/.
The wheel is built from the sdist. Both are installed in new environments, where `.ci/smoke.py` uses them
without the source tree. Nothing is uploaded.
"""

import argparse
import email.message
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIST, NOTES = ROOT / "dist", ROOT / "build" / "notes.md"
PAGES = {
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "pyproject.toml",
}  # of the sdist, with what git tracks in mlstm_fcn
MADE = {"PKG-INFO", ".gitignore"}  # of the sdist, by the build backend


def version() -> str:
    """The version, which stands in pyproject.toml only."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def require(condition: object, message: str) -> None:
    """Exit with a message unless the condition holds."""
    if not condition:
        sys.exit(f"not ready: {message}")


def notes(changelog: str, version: str, *, released: bool) -> str:
    """The changelog's lines for a version; before its release, they may stand under Unreleased."""
    dated = _section(changelog, rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d")
    waiting = _section(changelog, r"\[Unreleased\]")
    wanted = f"## [{version}] - YYYY-MM-DD"
    require(
        not (released and waiting), f"CHANGELOG.md must have nothing under Unreleased, but under {wanted!r}"
    )
    found = dated if released else dated or waiting
    require(re.search("^- ", found, flags=re.MULTILINE), f"CHANGELOG.md must have a list under {wanted!r}")
    return f"{found}\n"


def _section(changelog: str, heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", changelog, flags=re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def check_tag(tag: str, version: str) -> None:
    """A tag is `v` and the version."""
    require(
        tag == f"v{version}", f"the tag must be the version of pyproject.toml. Received: {tag=}, {version=}"
    )


def check_names(kind: str, names: set[str], expected: set[str]) -> None:
    """An artifact holds what it should and nothing else."""
    lost, other = sorted(expected - names), sorted(names - expected)
    require(not lost and not other, f"the {kind} lacks {lost} and must not have {other}")


def wheel_names(path: Path) -> set[str]:
    """Files in a wheel, without its metadata."""
    with zipfile.ZipFile(path) as wheel:
        return {name for name in wheel.namelist() if ".dist-info/" not in name}


def sdist_names(path: Path) -> set[str]:
    """Files in an sdist, below its folder."""
    with tarfile.open(path) as sdist:
        return {member.name.partition("/")[2] for member in sdist if member.isfile()}


def metadata(path: Path) -> email.message.Message:
    """The metadata of a wheel."""
    with zipfile.ZipFile(path) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(wheel.read(name))


def check_metadata(about: email.message.Message, version: str, tracked: set[str]) -> list[str]:
    """Version, licence, and a long description with links to existing files. Returns the relative links."""
    require(about["Version"] == version, f"the wheel must have {version=}. Received: {about['Version']!r}")
    require(
        about["License-Expression"] and about["License-File"], "the wheel must have a licence and its text"
    )
    require(about["Description-Content-Type"] == "text/markdown", "the long description must be Markdown")
    text = re.sub(r"^```.*?^```$", "", str(about.get_payload()), flags=re.MULTILINE | re.DOTALL)
    require(
        text.startswith(f"# {about['Name']}\n"), f"the long description must start with '# {about['Name']}'"
    )
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if ":" not in link]
    lost = sorted(link for link in links if not any(f"{name}/".startswith(f"{link}/") for name in tracked))
    require(not lost, f"the long description has links to files that git does not track: {lost}")
    return links


def check_source(urls: list[str], n_links: int, *, released: bool) -> None:
    """A release says where its source is, since an index cannot follow relative links."""
    if not any(url.startswith("Source, ") for url in urls):
        message = f"[project.urls] must have `Source`, for {n_links} links that an index cannot follow"
        require(not released, message)
        print(f"note: for a release {message}")


def build() -> tuple[Path, Path]:
    """The sdist, and the wheel that is built from it."""
    shutil.rmtree(DIST, ignore_errors=True)
    subprocess.check_call([sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT)])
    (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    return wheel, sdist


def smoke(artifact: Path, base: str | None) -> None:
    """Install an artifact in a new environment, and use it there, away from the source tree."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(Path(folder) / "venv", with_pip=True)
        python = str(Path(folder) / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python")
        subprocess.check_call(
            [python, "-m", "pip", "install", "-q", *(["--no-deps"] if base else []), str(artifact)]
        )
        if base:  # after the installation: pip installs nothing that the base has
            _add_packages_of(base, python)
        shutil.copy(Path(__file__).with_name("smoke.py"), folder)
        subprocess.check_call([python, "-I", "smoke.py"], cwd=folder, timeout=600)


def _add_packages_of(base: str, python: str) -> None:
    """Let an environment import what another has, after its own packages, and without editable ones."""
    place = "import sysconfig; print(sysconfig.get_path('purelib'))"
    theirs, own = (subprocess.check_output([one, "-c", place], text=True).strip() for one in (base, python))
    (Path(own) / "base.pth").write_text(f"{theirs}\n", encoding="utf-8")


def main() -> None:
    """Exit with the first thing that is not ready."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tag", help="the tag of the release, `v` and the version")
    parser.add_argument("--base", help="a Python whose environment has the dependencies")
    options = parser.parse_args()
    number = version()
    if options.tag:
        check_tag(options.tag, number)
    told = notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), number, released=bool(options.tag))
    tracked = set(subprocess.check_output(["git", "-C", str(ROOT), "ls-files"], text=True).split())
    package = {name for name in tracked if name.startswith("mlstm_fcn/")}
    wheel, sdist = build()
    check_names("wheel", wheel_names(wheel), package)
    check_names("sdist", sdist_names(sdist), package | PAGES | MADE)
    about = metadata(wheel)
    links = check_metadata(about, number, tracked)
    check_source(about.get_all("Project-URL", []), len(links), released=options.tag is not None)
    for artifact in (wheel, sdist):
        smoke(artifact, options.base)
        print(f"{artifact.name} works without the source tree", flush=True)
    if options.tag:
        NOTES.parent.mkdir(exist_ok=True)
        NOTES.write_text(told, encoding="utf-8")
    print(f"ready: {wheel.name} ({len(package)} files), {sdist.name}")


if __name__ == "__main__":
    main()
