"""One text that all nodes share, such as the schedules that operators gave: replaced as a whole, by compare.

Layer: cluster. Blocks; from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from cluster.store import LogStore, ModifiedIn, NoAnswer, Put, Read, StoreError, Transaction

ANSWER_S: Final = 1.0
TRIES: Final = 5


class SharedText:
    """A key of the store with a text in it."""

    def __init__(self, store: LogStore, key: str) -> None:
        """`store`: for this alone."""
        self.name = key
        self._store = store
        self._key = key
        self._lock = threading.Lock()

    def read(self) -> bytes | None:
        """What it is now; None where nobody has put anything. Raises OSError."""
        with self._lock:
            return self._read()[0]

    def change(self, changed: Callable[[bytes | None], bytes]) -> bytes:
        """Replace it by what `changed` makes of it; return that.

        Where somebody else replaces it meanwhile, what they put is changed. Raises OSError: nothing has changed then,
        or nobody knows whether it has.
        """
        with self._lock:
            for _ in range(TRIES):
                content, revision = self._read()
                wanted = changed(content)
                if content == wanted or self._replace(wanted, revision):
                    return wanted
            raise OSError(f"{self._key} was changed by others again and again")

    def _read(self) -> tuple[bytes | None, int]:
        for again in range(TRIES, 0, -1):
            try:
                entries = self._store.transact(Transaction(then=(Read(self._key),)), ANSWER_S).reads[0]
            except StoreError as problem:
                self._store.next_member()
                if again == 1:
                    raise OSError(f"{self._key} cannot be read: {problem}") from problem
            else:
                return (entries[0].value, entries[0].modified) if entries else (None, 0)
        raise OSError(f"{self._key} cannot be read")

    def _replace(self, wanted: bytes, revision: int) -> bool:
        """Whether it was as of `revision`, and is `wanted` now. Raises OSError."""
        try:
            put = Transaction((ModifiedIn(self._key, revision),), (Put(self._key, wanted),))
            return self._store.transact(put, ANSWER_S).succeeded
        except NoAnswer:
            self._store.next_member()
            return False  # it may be there by now: the next read says so
        except StoreError as problem:
            if self._read()[0] == wanted:
                return True  # a store that becomes full may refuse what it has carried out
            raise OSError(f"{self._key} cannot be changed: {problem}") from problem
