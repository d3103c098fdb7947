"""The environments of the clients: every version pinned, none among our own packages, made once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients import environments
from tests.clients.environments import REQUIREMENTS, interpreter, library_names

PINNED = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+")


@pytest.mark.parametrize("library", library_names())
def test_every_requirement_of_a_client_is_pinned(library: str) -> None:
    lines = (REQUIREMENTS / f"{library}.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert [line for line in lines if not PINNED.fullmatch(line)] == []


def test_an_environment_is_made_once_and_again_when_its_requirements_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = tmp_path / "requirements"
    requirements.mkdir()
    (requirements / "nothing.txt").write_text("# none\n")
    made: list[Path] = []

    def install(folder: Path, _: Path) -> None:
        made.append(folder)
        folder.mkdir()
        (folder / environments.COMPLETE).touch()

    monkeypatch.setattr(environments, "REQUIREMENTS", requirements)
    monkeypatch.setattr(environments, "_install", install)
    monkeypatch.setenv("OPENBELL_CLIENTS_CACHE", str(tmp_path / "cache"))
    python = interpreter("nothing")
    assert interpreter("nothing") == python
    assert made == [python.parents[1]]
    (requirements / "nothing.txt").write_text("# none, again\n")
    assert interpreter("nothing") != python
    assert len(made) == 2


def test_an_environment_is_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBELL_CLIENTS_CACHE", raising=False)
    for library in ("ccxt", "python-binance"):
        command = [str(interpreter(library)), "-c", "import sys; print(sys.prefix)"]
        prefix = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
        assert prefix != sys.prefix
