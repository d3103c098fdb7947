"""A front door's end of the socket to the writer: what it is sent is kept and handed on, what it needs is asked for.

Layer: api.doors. For the event loop's thread.
"""

from __future__ import annotations

import logging
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import eventlet
from eventlet.event import Event

from api.auth.credentials import Credentials
from api.auth.mirrored import Identities
from api.doors.channel import DoorChannel
from api.doors.messages import (
    Ask,
    Done,
    DoorState,
    Entered,
    FaultsSet,
    HistoryAt,
    Holding,
    Hurry,
    Introduced,
    Left,
    ListenKeyAt,
    Planned,
    RecordIs,
    Stop,
    ToDoor,
    ToWriter,
    VenueChanged,
    VenueTime,
    Welcome,
    to_door,
)
from api.market.flow_sources import FlowSource
from api.orders.duplicates import entry_in
from engine.commands import EnterOrder
from engine.types import AccountId, Seq
from history.access import READ_S
from journal.codec import BatchRecord
from listings.schedule import Change
from loop.errors import StoreAway
from sequencer.venue_clock import HeldClock, steady_ns

log = logging.getLogger("openbell")

STATE_S: Final = 1.0
APPLIED_S: Final = 2.0  # that an answer to the writer waits for commands that are not applied here yet
APPLIED_STEP_S: Final = 0.002
ASKED_MAX: Final = 1_000  # records that are asked for at a time


class DoorClock:
    """The venue's time, by the writer's and the steady clock, which both processes share."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - steady_ns()
        self._last_ns = 0
        self.held: HeldClock | None = None

    def __call__(self) -> int:
        """Epoch nanoseconds of now; never less than before."""
        self._last_ns = max(self._last_ns, steady_ns() + self._offset_ns)
        return self._last_ns

    def follow(self, said: VenueTime) -> bool:
        """Go by what the writer says; whether the machine's clock is held now and was not before, or the reverse."""
        self._offset_ns = said.venue_ns - said.steady_ns
        was_held, self.held = self.held is not None, None if said.held is None else HeldClock(*said.held)
        return was_held != (said.held is not None)


class DoorAgent:
    """What the writer says, for whoever needs it here. `attach` what there is when it is made."""

    def __init__(self, connection: socket.socket) -> None:
        """Takes over `connection`."""
        self.welcome: Welcome | None = None
        self.clock = DoorClock()
        self.planned: dict[str, Change] = {}
        self.stop: Stop | None = None  # once it was asked for
        self.stop_at = 0.0  # the monotonic second by which this ends then
        self.is_over = False  # whether the writer is gone
        self._introduced = Event()
        self._kept: list[ToDoor] | None = []  # until there is what it is for
        self._later: deque[Planned | VenueChanged] = deque()  # of commands that are not applied here yet
        self._asked: dict[int, Event] = {}
        self._questions = 0
        self._credentials: Credentials | None = None
        self._users: DoorUsers | None = None
        self._channel: DoorChannel[ToDoor] = DoorChannel(connection, to_door(), self._on_message, self._on_end)

    def wait_introduced(self, wait_s: float) -> Welcome:
        """What the writer begins with. Cooperative. Raises StoreAway where it does not say it in time."""
        with eventlet.Timeout(wait_s, StoreAway("the writer does not say what this door is to be")):
            self._introduced.wait()
        if self.welcome is None:
            raise StoreAway("the writer is gone")
        return self.welcome

    def attach(self, credentials: Credentials, users: DoorUsers) -> None:
        """Hand on everything that was said, and is said from now on."""
        self._credentials, self._users = credentials, users
        kept, self._kept = self._kept or [], None
        for message in kept:
            self._take(message)
        eventlet.spawn(self._say_state)

    def say(self, message: ToWriter) -> None:
        """Say something to the writer. Never waits."""
        self._channel.send(message)

    def next_change(self, symbol: str) -> Change | None:
        """What is planned next for a symbol, as the writer said."""
        change = self.planned.get(symbol)
        return None if change is None or change.at_ns <= self.clock() else change

    def entered(self, seq: Seq) -> EnterOrder | None:
        """Command `seq` when it enters an order; None, too, where nobody knows. Cooperative. Raises StoreAway."""
        if len(self._asked) >= ASKED_MAX:
            raise StoreAway("too many records are asked for")
        self._questions = number = self._questions + 1
        answered = self._asked[number] = Event()
        self.say(Holding(number, seq))
        try:
            with eventlet.Timeout(READ_S, StoreAway("the writer does not answer")):
                record: BatchRecord | None = answered.wait()
        finally:
            del self._asked[number]
        return None if record is None else entry_in(record, seq)

    def hurry(self, seq: Seq) -> None:
        """Have the history written up to a command soon."""
        self.say(Hurry(seq))

    def on_applied(self) -> None:
        """Commands were applied: go by what was said of them."""
        while self._later and self._users is not None and self._later[0].seq <= self._users.applied_seq():
            self._take_now(self._later.popleft())

    # -- what is said

    def _on_message(self, message: ToDoor) -> None:
        if isinstance(message, Welcome):
            self.welcome = message
        elif isinstance(message, Introduced):
            self._introduced.send()
        elif isinstance(message, VenueTime):
            if self.clock.follow(message) and self._users is not None:
                self._users.venue_changed(None)
        elif isinstance(message, Stop):
            self.stop, self.stop_at = message, time.monotonic() + message.within_s
        elif isinstance(message, RecordIs):
            answered = self._asked.get(message.number)
            if answered is not None and not answered.ready():
                answered.send(message.record)
        elif self._kept is not None:
            self._kept.append(message)
        else:
            self._take(message)

    def _take(self, message: ToDoor) -> None:
        users, credentials = self._users, self._credentials
        if users is None or credentials is None:
            return
        match message:
            case Identities():
                credentials.take(message)
            case HistoryAt():
                users.history(message)
            case FaultsSet():
                users.faults(message)
            case ListenKeyAt():
                users.listen_key(message)
            case Planned() | VenueChanged():
                self._later.append(message)
                self.on_applied()
            case Ask():
                eventlet.spawn(self._answer, message)
            case _:
                log.error("the writer says what was no use of: %s", type(message).__name__)

    def _take_now(self, message: Planned | VenueChanged) -> None:
        if self._users is None:
            return
        if isinstance(message, VenueChanged):
            self._users.sources(message.sources)
            self._users.venue_changed(message.seq if message.symbols else None)
            return
        if message.status is None:
            self.planned.pop(message.symbol, None)
        else:
            self.planned[message.symbol] = Change(message.at_ns, message.status)
        self._users.plan_changed(message.symbol)

    def _answer(self, asked: Ask) -> None:
        """Say that all is done that was said before, and applied what was applied there."""
        users = self._users
        if users is not None:
            wait_applied(users.applied_seq, asked.seq, APPLIED_S)
        self.say(Done(asked.number, users.figures() if asked.figures and users is not None else b""))

    def _say_state(self) -> None:
        while not self.is_over:
            if self._users is not None:
                self.say(self._users.state())
            eventlet.sleep(STATE_S)

    def _on_end(self) -> None:
        self.is_over = True
        if not self._introduced.ready():
            self.welcome = None
            self._introduced.send()


class WriterBystander:
    """The writer, which cancels the orders of this door's connections where this door is killed."""

    def __init__(self, agent: DoorAgent) -> None:
        self._say = agent.say

    def entered(self, connection: str, order_ids: list[str], account: AccountId) -> None:
        """As `Bystander`."""
        self._say(Entered(connection, order_ids, account))

    def left(self, connection: str) -> None:
        """As `Bystander`."""
        self._say(Left(connection))


class DoorUsers:
    """What of a door goes by what the writer says. Each is set by who puts the door together."""

    def __init__(
        self,
        *,
        applied_seq: Callable[[], int],
        history: Callable[[HistoryAt], object],
        faults: Callable[[FaultsSet], object],
        listen_key: Callable[[ListenKeyAt], object],
        sources: Callable[[list[FlowSource]], object],
        venue_changed: Callable[[int | None], object],
        plan_changed: Callable[[str], object],
        figures: Callable[[], bytes],
        connections: Callable[[], int],
        own_sources: Callable[[], list[FlowSource]],
        injected: Callable[[], Mapping[str, int]],
    ) -> None:
        """`venue_changed`: with the command that changed the symbols, if one did."""
        self.applied_seq = applied_seq
        self.history = history
        self.faults = faults
        self.listen_key = listen_key
        self.sources = sources
        self.venue_changed = venue_changed
        self.plan_changed = plan_changed
        self.figures = figures
        self._connections = connections
        self._own_sources = own_sources
        self._injected = injected

    def state(self) -> DoorState:
        """How this door is."""
        return DoorState(self.applied_seq(), self._connections(), self._own_sources(), dict(self._injected()))


def wait_applied(applied: Callable[[], int], seq: int, wait_s: float) -> bool:
    """Wait until command `seq` is applied, so long at most; whether it is. Cooperative."""
    until = time.monotonic() + wait_s
    while applied() < seq:
        if time.monotonic() >= until:
            return False
        eventlet.sleep(APPLIED_STEP_S)
    return True
