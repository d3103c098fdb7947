"""A data folder of every release is opened by this version: the same state, and its users can sign in."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from audit.__main__ import CLEAN
from audit.__main__ import main as audit
from journal.snapshots import SnapshotFolder
from openbell import __version__
from tests.server import RunningServer
from tests.upgrades.record import FOLDERS, NAME, OPTIONS, PASSWORD, shown

VERSIONS = sorted(path.name for path in FOLDERS.iterdir())


@pytest.fixture
def data(tmp_path: Path, version: str) -> Path:
    return shutil.copytree(FOLDERS / version, tmp_path / "data")


def expected(version: str) -> Any:
    return msgspec.json.decode((FOLDERS / version / "expected.json").read_bytes())


def test_this_version_is_recorded() -> None:
    assert __version__ in VERSIONS, "python -m tests.upgrades.record"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("with_snapshots", [True, False])
def test_the_folder_of_a_release_is_the_same_venue_here(version: str, data: Path, with_snapshots: bool) -> None:
    if not with_snapshots:
        shutil.rmtree(data / "snapshots")
    with RunningServer(data, *OPTIONS) as server:
        assert shown(server) == expected(version)
        assert ("begun with the snapshot" in server.log) is with_snapshots
        token = server.http.post("/auth/login", {"name": NAME, "password": PASSWORD}).granted()["token"]
        user = server.http.call("GET", "/auth/user", headers={"Authorization": f"Bearer {token}"}).granted()
        assert user["name"] == NAME
        server.http.enter("BTC-USDT", "buy", "0.001", "20000")
        assert server.stop() == 0
        assert "Traceback" not in server.log
    assert audit([str(data), "--quiet"]) == CLEAN


def newer_journal(data: Path) -> None:
    with closing(sqlite3.connect(data / "journal.sqlite")) as journal:
        journal.execute("PRAGMA user_version = 99")


def newer_identity(data: Path) -> None:
    with closing(sqlite3.connect(data / "identity.sqlite")) as identity, identity:
        identity.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize("version", VERSIONS[-1:])
@pytest.mark.parametrize(
    ("newer", "named"), [(newer_journal, r"newer Openbell \(format 99"), (newer_identity, "newer Openbell")]
)
def test_what_a_newer_version_wrote_is_refused_by_name(data: Path, newer: Callable[[Path], None], named: str) -> None:
    newer(data)
    server = RunningServer(data, *OPTIONS)
    status, _ = server.fails_to_start()
    assert status == 1
    assert "Traceback" not in server.log
    assert re.search(named, server.log), server.log


@pytest.mark.parametrize("version", VERSIONS[-1:])
def test_snapshots_of_a_newer_version_are_passed_over_and_stay(version: str, data: Path) -> None:
    for file in SnapshotFolder(data / "snapshots").files():
        content = file.path.read_bytes()
        file.path.write_bytes(content.replace(b"openbell snapshot 1 ", b"openbell snapshot 9 ", 1))
    with RunningServer(data, *OPTIONS) as server:
        assert shown(server) == expected(version)
        assert "format 9" in server.log
        assert len(list((data / "snapshots").glob("*.bad"))) == 0
