"""The users of one venue for a copy of it: names, passwords, second factors and API keys, but no sessions.

Layer: identity. Blocks.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path
from typing import Final

from identity.errors import IdentityError

FILE: Final = "identity.sqlite"
SECRET: Final = "secret.key"  # noqa: S105 - a file's name


def copy_users(data: Path, target: Path) -> None:
    """Copy the users in one data folder, which may be a running server's, into another that has none.

    The secret comes with them, since keys are encrypted under it: whoever has a key signs at both. Nobody is signed in
    at the copy. Raises IdentityError, OSError.
    """
    source, secret = data / FILE, data / SECRET
    if not (source.is_file() and secret.is_file()):
        raise IdentityError(f"There are no users in {data}: {FILE} and {SECRET} are not both there.")
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as original,
            contextlib.closing(sqlite3.connect(target / FILE)) as copy,
        ):
            original.backup(copy)
            copy.execute("PRAGMA secure_delete = ON")  # so that nothing of them stays in the file
            copy.execute("DELETE FROM sessions")
            copy.commit()
    except sqlite3.Error as problem:
        raise IdentityError(f"{source} cannot be copied: {problem}.") from problem
    (target / FILE).chmod(0o600)
    shutil.copyfile(secret, target / SECRET)
    (target / SECRET).chmod(0o600)
