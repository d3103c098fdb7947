"""The version is written once, and whatever tells it tells the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib

import pytest

import openbell
from tests.tidy.sources import PACKAGES, ROOT, python_files

HEADING = re.compile(r"^## \[(.+?)\] - (Unreleased|\d{4}-\d\d-\d\d)$", re.MULTILINE)


def test_it_is_one_of_semantic_versioning() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?", openbell.__version__)


def test_the_changelog_begins_with_it() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = HEADING.findall(text)
    assert found[0][0] == openbell.__version__
    assert len(found) == len(re.findall(r"^## ", text, re.MULTILINE)), "a heading is of another form"


def test_the_package_takes_it_from_there() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in pyproject["project"]
    assert {"version", "dependencies"} == set(pyproject["project"]["dynamic"])
    assert pyproject["tool"]["hatch"]["version"]["path"] == "openbell/__init__.py"
    assert "version" not in json.loads((ROOT / "package.json").read_text(encoding="utf-8"))


def test_no_module_writes_it_anew() -> None:
    written = [path for path in python_files(*PACKAGES) if openbell.__version__ in path.read_text(encoding="utf-8")]
    assert written == [ROOT / "openbell" / "__init__.py"]


def test_the_builder_is_the_one_that_the_tests_use() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (builder,) = pyproject["build-system"]["requires"]
    assert builder in (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.slow
def test_the_server_tells_it() -> None:
    for program in (["api/app.py"], ["-m", "openbell"]):
        done = subprocess.run([sys.executable, *program, "--version"], cwd=ROOT, capture_output=True, check=True)
        assert done.stdout.decode() == f"Openbell, version {openbell.__version__}\n"
