"""A new data folder: made under another name, flushed, and moved to its own when it is whole.

Layer: offline. Blocks.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.exchange import Exchange
from identity import secrets
from identity.store import Identity
from journal.files import flush

JOURNAL_NAME: Final = "journal.sqlite"
SNAPSHOTS: Final = "snapshots"


class OfflineError(Exception):
    """A folder cannot be made; the message is a sentence that says why."""


@contextlib.contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder to be filled, which becomes `target` at the end, and goes where that fails. For its owner only.

    Raises OfflineError where there is something of that name, and OSError.
    """
    if os.path.lexists(target):
        raise OfflineError(f"There is {target} already: name a folder that there is not.")
    target.parent.mkdir(parents=True, exist_ok=True)
    umask = os.umask(0o077)
    making = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))  # mode 0700
    try:
        yield making
        for path in making.rglob("*"):
            flush(path)
        flush(making)
        if os.path.lexists(target):
            raise OfflineError(f"There is {target} by now: name a folder that there is not.")
        making.rename(target)
        flush(target.parent)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    finally:
        os.umask(umask)


def make_identity(folder: Path, exchange: Exchange) -> None:
    """Give a folder a secret and a store of users, nobody yet, to whom no account of the exchange is given.

    So operators can be appointed before it is first served. Raises StoreError, OSError.
    """
    store = Identity(folder / "identity.sqlite", secrets.load_or_create(folder / "secret.key"))
    try:
        store.reserve({*exchange.accounts, *exchange.ledger.accounts})
    finally:
        store.close()
