"""The files of a data folder are their owner's alone: those that were readable to others are made private at a start.

Nothing but the files that Openbell makes is touched, nor the folder unless it has one of them, or nothing: a folder of
something else may be given by mistake. Links in it are not followed.
Layer: api.
"""

from __future__ import annotations

import logging
import os
import stat
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

OURS: Final = (
    "journal.*",
    "history.sqlite*",
    "history.damaged-*",
    "identity.sqlite*",
    "secret.key*",
    "schedules.json*",
    "explain.sqlite*",
    "clock.json*",
    "log-seen.*",
)
OUR_FOLDERS: Final = ("snapshots", "archive", "explain")  # what lies in them is out of reach of others with them
GROUP_AND_OTHERS: Final = 0o077
EVERYBODY: Final = 0o007
_OPENED: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # of a pipe nobody waits for the other end


def keep_new_files_private() -> None:
    """From now on what this process makes is readable to its owner only."""
    os.umask(GROUP_AND_OTHERS)


def make_private(folder: Path) -> None:
    """Take the rights of group and others from the data folder and its files, and log what was changed or cannot be.

    Does nothing where there is no such folder. Raises nothing. O(files).
    """
    try:
        entries = list(os.scandir(folder))
    except OSError:  # whoever opens the journal finds out, and says so
        return
    files = [entry.name for entry in entries if any(fnmatchcase(entry.name, pattern) for pattern in OURS)]
    if files or not entries:
        _make_private(folder, directory=True)
    for name in files:
        _make_private(folder / name, directory=False)
    for name in {entry.name for entry in entries}.intersection(OUR_FOLDERS) if files else ():
        _make_private(folder / name, directory=True, follow=False)


def warn_of_readable_key(path: Path | None) -> None:
    """Log that everybody on this machine can read the private key of TLS, where that is so."""
    try:
        readable = path is not None and path.stat().st_mode & EVERYBODY
    except OSError:  # whoever uses it finds out, and says so
        return
    if readable:
        log.warning("everybody on this machine may read the TLS key %s; run: chmod 600 %s", path, path)


def _make_private(path: Path, *, directory: bool, follow: bool = True) -> None:
    """`follow`: a folder that is a link is what it points to; its operator named it."""
    flags = (os.O_RDONLY | os.O_CLOEXEC if follow else _OPENED) | os.O_DIRECTORY if directory else _OPENED
    try:
        descriptor = os.open(path, flags)
    except OSError as problem:
        log.warning("whether others may read %s is not known: %s", path, problem.strerror)
        return
    try:
        mode = os.fstat(descriptor).st_mode
        if not mode & GROUP_AND_OTHERS or not (stat.S_ISDIR(mode) if directory else stat.S_ISREG(mode)):
            return
        if mode & stat.S_ISVTX:  # such as /tmp: shared on purpose
            log.warning("others may see what is in %s, which is shared: give --data a folder of its own", path)
            return
        os.fchmod(descriptor, stat.S_IMODE(mode) & ~GROUP_AND_OTHERS)
        log.warning("others could reach %s, by mode %04o; it is private now", path, stat.S_IMODE(mode))
    except OSError as problem:
        log.warning("others may read %s, and that cannot be changed: %s", path, problem.strerror)
    finally:
        os.close(descriptor)
