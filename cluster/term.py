"""One term of a writer: from the record that dates its take-over until it is fenced, stands down or is refused.

Layer: cluster. No I/O.
"""

from __future__ import annotations

import threading
from typing import Final

from cluster.append import Appender
from cluster.failures import AppendRefused
from cluster.ownership import Claim
from journal.codec import BatchRecord

REFUSED_S: Final = 1.0  # before a writer whose append was refused tries to go on


class Term:
    """What the node's thread and the event loop know of it together. Attributes are written by one of them each."""

    def __init__(self, claim: Claim, appender: Appender, first: BatchRecord, giving_up: threading.Event) -> None:
        """`first`: the record that dates the take-over, which is the log's head. `giving_up`: of the appender."""
        self.claim = claim
        self.appender = appender
        self.first = first
        self.giving_up = giving_up  # set: the append under way is to end, whatever became of it
        # -- written by the event loop
        self.failure: Exception | None = None  # what ended it; None: it was asked to end
        self.last = first  # the newest record that it has applied
        self.over = threading.Event()  # nothing is appended and nothing applied by it any more

    @property
    def was_refused(self) -> bool:
        """Whether the log definitely said no, and the same claim may go on."""
        return isinstance(self.failure, AppendRefused)
