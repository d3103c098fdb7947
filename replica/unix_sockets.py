"""Unix sockets in a data folder: for its owner alone, however deep it is.

Layer: replica.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

ADDRESS_BYTES_MAX: Final = 100  # of a socket's path, which some systems limit to 103


def connect(path: Path, timeout_s: float = 0.0) -> socket.socket:
    """A connection to the socket at `path`, which keeps the timeout. Raises OSError.

    A queue that is full is not waited for, however long the timeout: there may be nobody who accepts.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        with _address(path) as address:
            connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection


def listen(path: Path, backlog: int) -> socket.socket:
    """A listening socket for its owner alone, in place of one that an earlier process left. Raises OSError."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(f"{path} is there and is no socket")
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(path) as address:
            os.fchmod(listening.fileno(), 0o600)  # the file that binding makes has these permissions from the first
            listening.bind(address)
        path.chmod(0o600)
        listening.listen(backlog)
    except BaseException:
        listening.close()
        raise
    return listening


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """An address of `path` that a socket takes. Raises OSError where there is none."""
    if len(os.fsencode(path)) <= ADDRESS_BYTES_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
