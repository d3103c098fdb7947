"""What can go wrong with a database that is reached through native threads.

    StoreError          it cannot be used as asked
    |- StoreAway        it does not answer
    |- StoreClosed      it was closed, since the server is stopping
    `- Busy             more calls wait than may; try again later

Layer: loop.
"""

from __future__ import annotations


class StoreError(Exception):
    """A database cannot be used as asked. Subclasses of the databases say how."""


class StoreAway(StoreError):
    """The database does not answer, or is damaged."""


class StoreClosed(StoreError):
    """It was closed: the server is stopping."""


class Busy(StoreError):
    """More calls wait than may; try again later."""
