"""On a wrong or bare Python every program says in one sentence what to do, and ends with status 1."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.server import ROOT

PROGRAMS = (
    ("api/app.py",),
    ("-m", "api.rebuild"),
    ("-m", "explain"),
    ("-m", "identity.operators"),
    ("-m", "tools.operator"),
    ("-m", "tools.flow"),
    ("-m", "tools.replay"),
    ("-m", "tools.launch"),
    ("-m", "audit"),
    ("-m", "tools.health"),
    ("-m", "openbell"),
    ("tests/advanced_load_test.py",),
    ("tests/monitoring_suite.py",),
)
OLD = ("3.10", "3.9", "3.8")


def old_pythons() -> list[str]:
    """Pythons of this machine that are too old, wherever pyenv or Debian keep them."""
    on_path = [found for version in OLD if (found := shutil.which(f"python{version}"))]
    kept = [path for version in OLD for path in Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    usable = [*map(str, kept), *on_path]
    return [
        path for path in usable if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
    ]


def output(python: str | Path, program: tuple[str, ...]) -> str:
    """The one line that a program says before it ends with status 1."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OPENBELL_"))}
    done = subprocess.run(
        [str(python), *program], cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, ""), (program, done.stderr)
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This Python without any package."""
    folder = tmp_path_factory.mktemp("bare") / "python"
    venv.create(folder, with_pip=False)
    return folder / "bin" / "python"


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program[-1])
def test_a_python_without_our_packages_says_what_to_do(bare_python: Path, program: tuple[str, ...]) -> None:
    line = output(bare_python, program)
    assert "does not have (aiohttp, " in line
    assert "make run" in line
    assert ".venv/bin/python" in line


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program[-1])
def test_a_python_that_is_too_old_says_what_to_do(program: tuple[str, ...]) -> None:
    pythons = old_pythons()
    if not pythons:
        pytest.skip(f"there is no Python {', '.join(OLD)} on this machine to try")
    line = output(pythons[0], program)
    assert line.startswith("Openbell needs Python 3.11 or newer, and this is 3.")
    assert ".venv/bin/python" in line


def test_this_python_is_good_enough() -> None:
    done = subprocess.run([sys.executable, "api/app.py", "--version"], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_server_finds_its_packages_when_it_is_started_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "serve").symlink_to(ROOT / "api" / "app.py")
    done = subprocess.run([sys.executable, "serve", "--version"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
