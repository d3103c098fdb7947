"""Unix sockets in a data folder: for its owner alone, however deep it is, and in place of one that was left."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from replica.unix_sockets import ADDRESS_BYTES_MAX, connect, listen

PATIENCE_S = 30.0
NOWHERE = r"No such file|Not a directory"
SHORT, DEEP = "s", f"{'deep/' * 30}s"


@pytest.fixture(params=[SHORT, DEEP], ids=["short", "deep"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a socket is to be; nobody else's files are in its folder."""
    made: Path = tmp_path / request.param
    made.parent.mkdir(parents=True, exist_ok=True)
    if request.param == DEEP:
        assert len(os.fsencode(made)) > 108  # more than any system takes
    return made


@pytest.fixture(autouse=True)
def _nothing_stays_open() -> Iterator[None]:
    before = os.listdir("/proc/self/fd")
    yield
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_two_ends_speak_and_nobody_but_the_owner_may(path: Path) -> None:
    with closing(listen(path, 1)) as listening, closing(connect(path, PATIENCE_S)) as one:
        other, _ = listening.accept()
        with other:
            one.sendall(b"hello")
            assert other.recv(100) == b"hello"
        assert one.gettimeout() == PATIENCE_S
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_socket_that_an_earlier_process_left_is_replaced(path: Path) -> None:
    listen(path, 1).close()
    with pytest.raises(ConnectionRefusedError):
        connect(path)
    with closing(listen(path, 1)) as listening, closing(connect(path)) as one:
        assert one.gettimeout() == 0
        listening.accept()[0].close()


def test_what_is_no_socket_stays(path: Path, tmp_path: Path) -> None:
    path.write_text("somebody's", encoding="ascii")
    with pytest.raises(FileExistsError, match="is no socket"):
        listen(path, 1)
    assert path.read_text(encoding="ascii") == "somebody's"
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        listen(path, 1)
    assert path.is_symlink()


def test_where_nobody_listens_is_no_connection(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        connect(path)
    with pytest.raises(OSError, match=NOWHERE):
        connect(path.parent / "nowhere" / path.name)
    with pytest.raises(OSError, match=NOWHERE):
        listen(path.parent / "nowhere" / path.name, 1)


@pytest.mark.parametrize("timeout_s", [0.0, PATIENCE_S])
def test_a_queue_that_is_full_is_not_waited_for(path: Path, timeout_s: float) -> None:
    with closing(listen(path, 0)), ExitStack() as waiting:
        waiting.enter_context(connect(path, timeout_s))
        with pytest.raises(BlockingIOError):
            connect(path, timeout_s)


@pytest.mark.parametrize("more", [0, 1])
def test_a_path_as_long_as_is_taken_and_one_byte_longer_are_both_served(tmp_path: Path, more: int) -> None:
    folder = tmp_path
    while (room := ADDRESS_BYTES_MAX - len(os.fsencode(folder)) - 1) < 1:
        folder = folder.parent
    path = folder / ("s" * (room + more))
    assert len(os.fsencode(path)) == ADDRESS_BYTES_MAX + more
    if folder != tmp_path:
        pytest.skip("the folder of this test is too deep")
    with closing(listen(path, 1)) as listening, closing(connect(path)):
        accepted: socket.socket = listening.accept()[0]
        accepted.close()
