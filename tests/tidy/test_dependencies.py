"""Every dependency is pinned, and somebody has written down why it is there."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.sources import ROOT

INDIRECT = "# what those need"
REASONS = "Documentation/decisions/0002-dependencies.md"
PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9._+!-]+)")
FILES = ("requirements.txt", "requirements-dev.txt")


def lines(text: str) -> list[str]:
    """The requirements in `text`: no comments, no blank lines, no reference to the other file."""
    stripped = (line.split(" #")[0].strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith(("#", "-r "))]


def loose(text: str) -> list[str]:
    """The requirements in `text` that leave the version open."""
    return [line for line in lines(text) if not PINNED.fullmatch(line)]


def names(text: str) -> list[str]:
    """The canonical names of the requirements in `text`."""
    return [canonicalize_name(re.split(r"[=<>~! ]", line)[0]) for line in lines(text)]


def read(file: str) -> str:
    """The text of one file of the repository."""
    return (ROOT / file).read_text(encoding="utf-8")


def needed_by(name: str) -> list[str]:
    """What an installed package requires here, its optional extras left out."""
    found = [Requirement(text) for text in requires(name) or []]
    return [canonicalize_name(item.name) for item in found if not item.marker or item.marker.evaluate({"extra": ""})]


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_is_pinned(file: str) -> None:
    assert loose(read(file)) == []


@pytest.mark.parametrize("file", FILES)
def test_every_direct_requirement_has_its_reason(file: str) -> None:
    reasons = {canonicalize_name(name) for name in re.findall(r"^\| `([^`]+)` \|", read(REASONS), re.MULTILINE)}
    direct = names(read(file).split(INDIRECT)[0])
    assert direct
    assert [name for name in direct if name not in reasons] == []


def test_no_reason_outlives_its_requirement() -> None:
    reasons = [canonicalize_name(name) for name in re.findall(r"^\| `([^`]+)` \|", read(REASONS), re.MULTILINE)]
    direct = [name for file in FILES for name in names(read(file).split(INDIRECT)[0])]
    package = json.loads(read("package.json"))
    direct += [canonicalize_name(name) for name in package["dependencies"] | package["devDependencies"]]
    assert [name for name in reasons if name not in direct] == []


def test_what_the_requirements_need_is_pinned_too() -> None:
    pinned = {name for file in FILES for name in names(read(file))}
    missing = {}
    for name in sorted(pinned):
        try:
            missing[name] = [needed for needed in needed_by(name) if needed not in pinned]
        except PackageNotFoundError:
            missing[name] = ["itself: it is not installed"]
    assert {name: needed for name, needed in missing.items() if needed} == {}


@pytest.mark.parametrize("line", ["flask", "flask>=3", "flask==3.*", "flask @ file:///flask"])
def test_a_loose_requirement_is_seen(line: str) -> None:
    assert loose(f"# comment\nmsgspec==0.22.0\n{line}\n") == [line]
