"""Files that are there whole or not at all, for their owner alone.

Layer: journal. Blocks.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path


class NotRegular(OSError):
    """What has the name is a folder, a pipe or a device, which is no file to read. The message is a sentence."""


def is_no_file(error: OSError) -> bool:
    """Whether what has the name is no file, or a link that leads back to itself."""
    return isinstance(error, NotRegular) or error.errno == errno.ELOOP


def open_regular(path: Path, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
    """A descriptor of a regular file; never waits, as opening a pipe would. Raises NotRegular, OSError."""
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, mode)
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.ENXIO):  # a folder, a socket or a pipe
            raise NotRegular(f"{path} is not a regular file") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegular(f"{path} is not a regular file")
    return descriptor


def read_regular(path: Path, size: int = -1) -> bytes:
    """The first `size` bytes of a regular file, or all. Raises NotRegular, OSError."""
    with os.fdopen(open_regular(path), "rb") as file:
        return file.read(size)


def flush(path: Path) -> None:
    """Flush a file or a folder to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_flushed(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file that only its owner may read, to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, *parts: bytes) -> None:
    """Write `parts` beside `path`, flush them, and give them the name; durable on return.

    Raises OSError; then what has the name is whole all the same, the new or the old.
    """
    beside = path.with_name(path.name + ".tmp")
    try:
        write_flushed(beside, parts)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    flush(path.parent)
