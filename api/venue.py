"""The running exchange, as the handlers see it. Put together by `bootstrap`.

Layer: api.
"""

from __future__ import annotations

import time

import msgspec

from api.activity import Activity
from api.auth import Access
from api.explain_host import ExplainHost
from api.repetition import Repetitions
from api.sessions import Sessions
from api.settings import Settings
from api.signing import Signing
from api.timetable import Timetable
from engine.exchange import Exchange
from sequencer.sequencer import Sequencer
from store.history import History
from store.writer import HistoryWriter


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a request may need, made once."""

    settings: Settings
    exchange: Exchange  # to read; only the sequencer changes it
    sequencer: Sequencer
    history: History  # its reads are run through `history_writer.query`
    history_writer: HistoryWriter
    activity: Activity
    sessions: Sessions
    timetable: Timetable
    access: Access
    signing: Signing
    explainer: ExplainHost
    repetitions: Repetitions
    started_ns: int

    @property
    def uptime_s(self) -> float:
        """Seconds since the server started to take orders."""
        return (time.time_ns() - self.started_ns) / 1e9
