"""Bandit looks at all that is served (`make lint` runs it), and what it is told to overlook has its reason."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.sources import PACKAGES, ROOT, python_files

EXPLAINED = re.compile(r"# nosec B\d{3} # \w")


def bandit(*folders: str | Path) -> subprocess.CompletedProcess[str]:
    """Bandit's verdict on `folders`."""
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", *map(str, folders)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def unexplained(text: str) -> list[str]:
    """Lines that have bandit overlook something, without saying what or why."""
    return [line.strip() for line in text.splitlines() if "# nosec" in line and not EXPLAINED.search(line)]


def test_bandit_is_run_over_every_package() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (served,) = re.findall(r"^SERVED := (.+)$", makefile, re.MULTILINE)
    assert sorted(served.split()) == sorted(PACKAGES)
    assert "-m bandit --quiet --recursive $(SERVED)\n" in makefile


def test_bandit_sees_what_is_dangerous(tmp_path: Path) -> None:
    (tmp_path / "careless.py").write_text("import pickle\npickle.loads(open('x', 'rb').read())\n", encoding="utf-8")
    assert bandit(tmp_path).returncode == 1


def test_whatever_is_overlooked_is_explained() -> None:
    found = {str(path): unexplained(path.read_text(encoding="utf-8")) for path in python_files(*PACKAGES)}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_no_program_names_an_address_of_a_package_index() -> None:
    files = [*python_files(*PACKAGES), ROOT / "Makefile"]
    found = [path.name for path in files if re.search(r"pypi\.org|pythonhosted|osv\.dev", path.read_text("utf-8"))]
    assert found == []  # which services there are pip-audit knows


@pytest.mark.parametrize("line", ["x = 1  # nosec", "x = 1  # nosec B101", "x = 1  # nosec - harmless"])
def test_an_exception_without_a_reason_is_seen(line: str) -> None:
    assert unexplained(line) == [line]
