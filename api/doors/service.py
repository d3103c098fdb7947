"""What a writer has for its front doors: what all processes share, their link, and what keeps them at one with it.

Layer: api.doors. For the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from api.auth.credentials import SEEN_MS, Credentials
from api.auth.signatures import SHARED_ROWS, SharedSignatures
from api.binance.streams.listen_keys import ListenKeys
from api.doors.host import DoorSource, DoorTables, FrontDoors
from api.doors.mirroring import Mirroring
from api.faults.injector import FaultInjector
from api.feed.feed import Feed
from api.feed.order_entry import CancelOnDisconnect
from api.http.shared_port import SharedPort
from api.market.flow_sources import FlowSource
from api.market.status_views import NextChangeOf
from api.market.venue_views import DoorView
from api.metrics.text import Family
from api.settings import Settings
from cluster.channel import listen_unix
from cluster.link_server import SOCKET_NAME, LinkServer
from engine.exchange import Exchange
from engine.types import Seq
from history.access import HistoryAccess
from journal.codec import BatchRecord
from loop.shared_marks import SharedMarks
from loop.shared_table import SharedTable
from sequencer.sequencer import Sequencer
from sequencer.venue_clock import ClockReading


class Served(NamedTuple):
    """The writer's parts that doors need something of."""

    exchange: Exchange
    sequencer: Sequencer
    credentials: Credentials
    token_key: bytes
    clock: ClockReading
    access: HistoryAccess
    next_change: NextChangeOf
    injector: FaultInjector
    feed: Feed
    listen_keys: ListenKeys
    holding: Callable[[Seq], BatchRecord | None]  # blocks
    hurry: Callable[[Seq], object]


class DoorService:
    """The front doors of one writer, from its start to its end. Nothing is asked of it before `open`."""

    def __init__(self, settings: Settings) -> None:
        """Make what all processes share. Raises OSError."""
        self._settings = settings
        self.tables = DoorTables(SharedTable(), SharedTable(rows=SHARED_ROWS), SharedMarks(settings.front_doors + 1))
        self.signatures = SharedSignatures(self.tables.signatures, SEEN_MS)
        self._doors: FrontDoors | None = None
        self._mirroring: Mirroring | None = None
        self._link: LinkServer | None = None
        self._feed: Feed | None = None
        self._exchange: Exchange | None = None

    def open(self, port: SharedPort, served: Served) -> None:
        """Start the doors, and return when all serve. Cooperative. Raises OSError where one cannot."""
        settings, exchange, access = self._settings, served.exchange, served.access
        self._link = LinkServer(served.sequencer, exchange, history_seq=lambda: access.stored_seq)
        self._link.serve(listen_unix(settings.data / SOCKET_NAME))
        mirroring = self._mirroring = Mirroring(
            exchange,
            served.credentials,
            access,
            served.clock,
            served.next_change,
            served.injector,
            served.listen_keys.all,
            self._publish,
        )
        served.listen_keys.on_change = mirroring.listen_key_changed

        def hurry(seq: int) -> None:
            mirroring.hurry()
            served.hurry(Seq(seq))

        doors = self._doors = FrontDoors(
            settings,
            port,
            DoorSource(
                served.token_key,
                served.credentials.not_before_ms,
                self.tables,
                mirroring.introduction,
                lambda seq: access.look_up(served.holding, Seq(seq)),
                hurry,
                lambda: exchange.seq,
                lambda: CancelOnDisconnect(exchange, served.sequencer),
            ),
        )
        mirroring.sources = lambda: doors.sources
        self._feed, self._exchange = served.feed, exchange
        doors.on_sources = self._sources_changed
        mirroring.start()
        doors.start()

    def _publish(self, message: object) -> None:
        if self._doors is not None:
            self._doors.publish(message)  # type: ignore[arg-type]

    def _sources_changed(self) -> None:
        if self._feed is not None and self._mirroring is not None:
            self._feed.sources_elsewhere = self.sources
            self._mirroring.venue_changed()

    # -- what changes

    def plan_changed(self, symbol: str) -> None:
        """What is planned for a symbol has changed."""
        if self._mirroring is not None:
            self._mirroring.plan_changed(symbol)

    def symbols_changed(self, seq: int) -> None:
        """The symbols have changed by command `seq`."""
        if self._mirroring is not None:
            self._mirroring.symbols_changed(seq)

    def venue_changed(self) -> None:
        """Whatever else clients are told of the venue as a whole has changed."""
        if self._mirroring is not None:
            self._mirroring.venue_changed()

    def settle(self) -> None:
        """Wait until every door is at one with the writer as it is now. Cooperative."""
        self.note_applied()
        if self._doors is not None:
            self._doors.settle()

    def note_applied(self) -> int:
        """What the writer has applied is about to be shown; up to which command."""
        seq = 0 if self._exchange is None else self._exchange.seq
        self.tables.marks.set(0, seq)
        return seq

    # -- reading

    @property
    def views(self) -> list[DoorView]:
        """How each door is."""
        return [] if self._doors is None else self._doors.views

    @property
    def connections(self) -> int:
        """Feed clients of all doors."""
        return 0 if self._doors is None else self._doors.connections

    @property
    def injected(self) -> dict[str, int]:
        """Faults that doors have injected, by kind."""
        return {} if self._doors is None else self._doors.injected

    @property
    def sources(self) -> list[FlowSource]:
        """The made-up or recorded flow of the clients of all doors."""
        return [] if self._doors is None else self._doors.sources

    def families(self, own: Callable[[], bytes]) -> Iterable[Family] | None:
        """The figures of every door, and the writer's `own`. Cooperative."""
        return None if self._doors is None else self._doors.families(own)

    # -- ending

    def stop(self, until: float) -> int:
        """Have every door answer what has come, and end, by the monotonic second `until`; how many are not answered."""
        return 0 if self._doors is None else self._doors.stop(until)

    def close(self) -> None:
        """End what is left. Idempotent."""
        for each in (self._mirroring, self._doors, self._link):
            if each is not None:
                each.close()
        self.tables.close()
        with suppress(OSError):
            (self._settings.data / SOCKET_NAME).unlink()
