"""What is published: the checks of `.ci/release.py`, and the declared dependencies."""

import ast
import email
import importlib.util
import re
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
IMPORTED_AS = {
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "pytest-timeout": "pytest_timeout",
    "pytest-xdist": "xdist",
}


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def release():
    return loaded("release")


@pytest.fixture(scope="module")
def oldest():
    return loaded("oldest")


UNRELEASED = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- One.\n"
RELEASED = """# Changelog

## [Unreleased]

## [1.2.0] - 2026-01-31

- Two.

## [1.1.0] - 2025-01-31

- One.
"""


def test_the_notes_are_the_lines_of_the_version(release):
    assert release.notes(UNRELEASED, "1.2.0", released=False) == "### Added\n\n- One.\n"
    assert release.notes(RELEASED, "1.2.0", released=True) == "- Two.\n"
    assert release.notes(RELEASED, "1.1.0", released=False).endswith("- One.\n")


@pytest.mark.parametrize(
    "changelog",
    [
        UNRELEASED,  # no date yet
        RELEASED.replace(" - 2026-01-31", ""),
        RELEASED.replace("- Two.\n", ""),
        RELEASED.replace("[Unreleased]\n", "[Unreleased]\n\n- Three.\n"),
        RELEASED.replace("1.2.0", "1x2.0"),
    ],
)
def test_a_release_without_dated_lines_is_refused(release, changelog):
    with pytest.raises(SystemExit, match=r"CHANGELOG.md must have"):
        release.notes(changelog, "1.2.0", released=True)


def test_a_tag_is_the_version(release):
    release.check_tag("v1.2.0", "1.2.0")
    for tag in ("1.2.0", "v1.2", "v1.2.0rc1"):
        with pytest.raises(SystemExit, match="the tag must be the version"):
            release.check_tag(tag, "1.2.0")


def test_lost_and_other_files_are_named(release, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        for name in ("mlstm_fcn/a.py", "mlstm_fcn/secret.txt", "mlstm_fcn-1.dist-info/METADATA"):
            wheel.writestr(name, "Version: 1\n")
    names = release.wheel_names(tmp_path / "a.whl")
    assert names == {"mlstm_fcn/a.py", "mlstm_fcn/secret.txt"}
    with pytest.raises(
        SystemExit, match=r"lacks \['mlstm_fcn/b.py'\] and must not have \['mlstm_fcn/secret.txt'\]"
    ):
        release.check_names("wheel", names, {"mlstm_fcn/a.py", "mlstm_fcn/b.py"})
    assert release.metadata(tmp_path / "a.whl")["Version"] == "1"


METADATA = """Name: mlstm-fcn
Version: 1.2.0
License-Expression: BSD-3-Clause
License-File: LICENSE
Description-Content-Type: text/markdown

# mlstm-fcn

[Guide](docs/guide.md#start), [docs](docs), [paper](https://example.org).

```python
a[0](x)
```
"""


def test_links_of_the_long_description_are_found(release):
    about = email.message_from_string(METADATA)
    assert release.check_metadata(about, "1.2.0", {"docs/guide.md"}) == ["docs/guide.md", "docs"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Version: 1.2.0", "Version: 1.1.0", "version='1.2.0'"),
        ("License-File: LICENSE\n", "", "licence"),
        ("text/markdown", "text/plain", "Markdown"),
        ("# mlstm-fcn", "mlstm-fcn", "must start with"),
        ("docs/guide.md", "docs/gone.md", r"does not track: \['docs/gone.md'\]"),
    ],
)
def test_faults_of_the_metadata_are_named(release, old, new, message):
    assert old in METADATA
    with pytest.raises(SystemExit, match=message):
        release.check_metadata(
            email.message_from_string(METADATA.replace(old, new)), "1.2.0", {"docs/guide.md"}
        )


def test_a_release_without_the_address_of_its_source_is_refused(release, capsys):
    papers = ["Paper: MLSTM-FCN, https://arxiv.org/abs/1801.04503"]
    release.check_source(papers, 3, released=False)
    assert "for a release [project.urls] must have `Source`, for 3 links" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="must have `Source`"):
        release.check_source(papers, 3, released=True)
    release.check_source([*papers, "Source, https://example.org/source"], 3, released=True)


def test_the_changelog_and_the_readme_are_ready(release):
    release.notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), release.version(), released=False)
    head = METADATA.partition("# mlstm-fcn")[0].replace("1.2.0", release.version())
    files = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.*") if ".venv" not in path.parts}
    about = email.message_from_string(head + (ROOT / "README.md").read_text(encoding="utf-8"))
    assert release.check_metadata(about, release.version(), files | {"LICENSE"})


def test_the_changelog_has_one_line_for_each_change():
    """Text, then headings with lists; no list item goes on in another line."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").partition("\n## ")[2]
    lines = text.partition("\n### ")[2].splitlines()[1:]
    assert len(lines) > 40
    assert [line for line in lines if line and not re.match(r"- \S|##+ \S", line)] == []
    assert [line for line in lines if len(line) > 140] == []


def test_the_version_stands_in_one_place(release):
    """Other files take it from the installed package, or do not say it."""
    files = [
        *(ROOT / "mlstm_fcn").rglob("*.py"),
        ROOT / "README.md",
        ROOT / "CITATION.cff",
        *(ROOT / "docs").glob("*.md"),
    ]
    pattern = re.compile(rf"(?<![\d.]){re.escape(release.version())}(?![\d.])")
    assert [path for path in files if pattern.search(path.read_text(encoding="utf-8"))] == []


def test_an_old_version_is_the_lower_bound(oldest):
    assert oldest.oldest(["numpy>=2.0", "keras>=3.12.4,!=3.13.0", "tensorflow[and-cuda]>=2.19", "bare"]) == [
        "keras==3.12.4",
        "numpy==2.0",
        "tensorflow==2.19",
    ]
    pins = oldest.constraints()
    assert {"keras==3.12.4", "scikit-learn==1.9", "onnx==1.17"} <= set(
        pins
    )  # `onnx` is an extra of the extra test
    assert len(pins) == len({pin.partition("==")[0] for pin in pins}), "one lower bound for each package"


def module_of(requirement):
    name = re.match(r"[\w.-]+", requirement)[0]
    return IMPORTED_AS.get(name, name.replace("-", "_"))


def imports():
    """Packages that modules of `mlstm_fcn` import, and with which extra if it is optional."""
    for path in (ROOT / "mlstm_fcn").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((alias.name.partition(".")[0], None) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0], None
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "optional":
                module, extra = (getattr(one, "value", None) for one in node.args)
                if module and extra:
                    yield module.partition(".")[0], extra


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    declared = {module_of(one) for one in PROJECT["dependencies"]}
    used = (
        {module for module, extra in imports() if extra is None}
        - set(sys.stdlib_module_names)
        - {"mlstm_fcn"}
    )
    of_extras = {module_of(one) for extra in EXTRAS.values() for one in extra}
    assert declared - used == set()
    assert used - declared - of_extras == set()


def test_an_extra_that_an_error_names_installs_the_package():
    named = {(module, extra) for module, extra in imports() if extra}
    assert len(named) > 4
    for module, extra in named:
        assert module in {module_of(one) for one in EXTRAS[extra]}, (module, extra)


def commands(workflow):
    text = (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text(encoding="utf-8")
    return [
        step["run"] for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"] if "run" in step
    ]


def test_the_workflow_checks_what_ci_run_checks():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    checks = re.findall(r"^\.venv/bin/((?!pip)\S.*)$", script, flags=re.MULTILINE)
    assert len(checks) >= 6
    assert {re.sub(r" --base \S+", "", check) for check in checks} - set(commands("ci")) == set()
    assert {"pip install '.[test]'", "pytest -n 2"} <= set(commands("ci"))  # the README's test command


def test_the_workflow_tests_the_python_versions_that_are_promised():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    promised = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    assert promised[0] == PROJECT["requires-python"].removeprefix(">=")
    assert [job["strategy"]["matrix"]["python"] for job in (jobs["tests"], jobs["wheel-elsewhere"])] == [
        promised
    ] * 2


def test_workflows_name_scripts_extras_and_tests_that_exist():
    every = " ".join(one for name in ("ci", "nightly", "release") for one in commands(name))
    for path in re.findall(r"(?:\.ci|tests)/\w+\.py", every):
        assert (ROOT / path).exists(), path
    named = {extra for extras in re.findall(r"\.\[([\w,]+)\]", every) for extra in extras.split(",")}
    assert {"test", "dev", "docs"} <= named <= set(EXTRAS)


def test_what_to_cite_is_complete():
    about = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert about["license"] == PROJECT["license"]
    assert {"cff-version", "message", "title", "authors"} <= set(about)
    for paper in about["references"]:
        assert {"title", "authors", "year", "doi", "type"} <= set(paper)
        assert all({"given-names", "family-names"} == set(author) for author in paper["authors"])


def test_the_guide_says_what_each_extra_is_for():
    section = (
        (ROOT / "docs" / "guide.md")
        .read_text(encoding="utf-8")
        .partition("| extra |")[2]
        .partition("\n\n")[0]
    )
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert {extra for row in rows for extra in re.findall(r"`(\w+)`", row)} == set(EXTRAS)
