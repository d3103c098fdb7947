"""What is in a data folder is its owner's alone, also in one that was made otherwise."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.private_files import make_private, warn_of_readable_key
from tests.server import RunningServer, self_signed


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_umask() -> Iterator[None]:
    """As some service managers start a program."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_a_data_folder_is_private_from_its_start_and_made_so_later(tmp_path: Path) -> None:
    data, elsewhere, elsewhere_folder = tmp_path / "data", tmp_path / "elsewhere", tmp_path / "elsewhere-folder"
    cert, key = self_signed(tmp_path)
    key.chmod(0o644)
    with RunningServer(data) as server:
        assert server.http.get("/health")["accepting"]
        assert {path.name: mode_of(path) for path in data.iterdir() if mode_of(path) not in (0o600, 0o700)} == {}
        assert "private" not in server.log
        server.stop()
        (data / "archive").mkdir(0o755)
        elsewhere_folder.mkdir(0o755)
        (data / "explain").symlink_to(elsewhere_folder)
        for path in [*(path for path in data.iterdir() if not path.is_symlink()), data]:
            path.chmod(path.stat().st_mode | 0o055)
        (data / "notes.txt").touch(0o644)
        elsewhere.touch(0o644)
        (data / "schedules.json.link").symlink_to(elsewhere)
        server.options += ["--profile", "secured", "--tls-cert", str(cert), "--tls-key", str(key)]
        server.start()
        names = {path.name: mode_of(path) for path in data.iterdir()}
        assert mode_of(data) == 0o700
        assert names.pop("notes.txt") == 0o644  # none of ours, and out of reach in its folder
        assert names.pop("schedules.json.link") == mode_of(elsewhere) == 0o644
        assert names.pop("explain") == mode_of(elsewhere_folder) == 0o755
        assert names.pop("snapshots") == names.pop("archive") == 0o700
        assert set(names.values()) == {0o600}
        log = server.log
    for name in ("journal.sqlite", "history.sqlite", "identity.sqlite", "secret.key", "clock.json"):
        assert f"others could reach {data / name}, by mode 0655; it is private now" in log
    assert f"everybody on this machine may read the TLS key {key}" in log


def test_a_folder_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "index.html").touch(0o644)
    make_private(tmp_path)
    assert (mode_of(tmp_path), mode_of(tmp_path / "index.html")) == (0o755, 0o644)


def test_a_shared_folder_is_told_of_and_left_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "journal.sqlite").touch(0o644)
    tmp_path.chmod(0o1777)
    make_private(tmp_path)
    assert (mode_of(tmp_path), mode_of(tmp_path / "journal.sqlite")) == (0o1777, 0o600)
    assert "shared" in caplog.text


def test_what_cannot_be_changed_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "journal.sqlite").touch(0o644)

    def refuse(_descriptor: int, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refuse)  # as of a file of another user; tests may run as root
    make_private(tmp_path)
    assert f"others may read {tmp_path / 'journal.sqlite'}, and that cannot be changed" in caplog.text


def test_neither_a_pipe_nor_a_folder_in_the_place_of_a_file_stops_a_start(tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir(0o755)
    os.mkfifo(tmp_path / "journal.pipe", 0o644)
    (tmp_path / "history.sqlite").symlink_to(tmp_path / "nowhere")
    make_private(tmp_path)
    assert mode_of(tmp_path / "secret.key") == 0o755


def test_a_key_of_a_group_is_no_matter(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    key = tmp_path / "key.pem"
    key.touch()
    key.chmod(0o640)
    for path in (key, None, tmp_path / "nowhere"):
        warn_of_readable_key(path)
    assert caplog.messages == []
