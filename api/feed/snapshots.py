"""First states of the streams of a book: made once for all who wait for one, at a bounded share of the loop's time.

A whole book may be long. It is written as text in slices, with turns for others in between; what is published meanwhile
follows the snapshot for those who wait for it. Where states are asked for again and again, the next of a kind is made
when others have had `SHARE` times as long as the last one took.
Layer: api.feed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

import eventlet
import msgspec

from api.feed.clients import Client, Subscribers
from api.feed.packets import Message, encoded_json
from api.feed.requests import Subscription
from api.json.views import seconds
from api.market.book_views import SnapshotView
from api.market.level_texts import LevelTexts
from engine.book import OrderBook
from engine.depth import LevelView, l2
from listings.grid import Grid, grid_of
from logs.limit import limited

log = limited(logging.getLogger(__name__))

SHARE: Final = 9  # nothing of a kind is made for as many times as long as the last took
SLICE_LEVELS: Final = 1_000  # written in one turn: 2 ms
STATES_MAX: Final = 256  # kept
AGAIN_S: Final = 1.0  # until a snapshot that failed is tried again


class States:
    """The latest state of each room, for those who join it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, float, Message]] = {}  # seq; monotonic seconds of the next; state

    def message(self, room: str, seq: int, make: Callable[[], Message]) -> Message | None:
        """The state of `room` at `seq`, kept or made; None while it is too early to make another one."""
        kept, began = self._kept.get(room), time.monotonic()
        if kept is not None and kept[0] == seq:
            return kept[2]
        if kept is not None and began < kept[1]:
            return None
        message = make()
        ended = time.monotonic()
        self._kept.pop(room, None)
        self._kept[room] = (seq, ended + SHARE * (ended - began), message)
        if len(self._kept) > STATES_MAX:
            del self._kept[next(iter(self._kept))]
        return message


class BookSnapshots:
    """`l2_snapshot` of one symbol, for all who begin to follow its deltas."""

    def __init__(
        self,
        book: OrderBook,
        level_texts: LevelTexts,
        subscribers: Subscribers,
        flush: Callable[[], None],
        clock: Callable[[], int],
    ) -> None:
        """`flush()` publishes what is older than a snapshot to those who follow already. It must not switch.

        `clock` gives the venue's time in epoch nanoseconds.
        """
        self._book = book
        self._clock = clock
        self._level_texts = level_texts
        self._subscribers = subscribers
        self._flush = flush
        self._awaiting: dict[str, tuple[Client, str, Subscription]] = {}  # by session id
        self._deltas: list[Message] = []  # published since the snapshot that is being written
        self._scheduled = False
        self._due = 0.0  # monotonic seconds: none is begun before
        self._last: tuple[int, Message] | None = None  # its seq, the snapshot
        self.being_written = False  # deltas are to be made then though nobody may be in the room

    def send(self, client: Client, room: str, wanted: Subscription) -> None:
        """Have `client` sent the book, at once or soon, and join `room` with it. Does not switch."""
        client.awaited[room] = wanted
        self._awaiting[client.sid] = (client, room, wanted)
        if self._scheduled:
            return
        early_s = max(self._due, client.state_due) - time.monotonic()
        if early_s <= 0 and len(self._book.bids.levels) + len(self._book.asks.levels) <= SLICE_LEVELS:
            self._make()  # one slice
        else:
            self._schedule(early_s)

    def on_delta(self, delta: Message) -> None:
        """Note what is published while a snapshot is written."""
        self._deltas.append(delta)

    def _schedule(self, early_s: float) -> None:
        self._scheduled = True
        eventlet.spawn_after(max(0.0, early_s), self._run)

    def _run(self) -> None:
        try:
            self._make()
        except Exception:
            log.exception("the snapshot of %s failed", self._book.instrument.symbol)
            self._due = time.monotonic() + AGAIN_S
        self._scheduled = self.being_written = False
        self._deltas = []
        if self._awaiting:
            first = min(client.state_due for client, _, _ in self._awaiting.values())
            self._schedule(max(self._due, first) - time.monotonic())

    def _make(self) -> None:
        """Write the book as it is now, and send it to those who wait. Cooperative between slices."""
        began, waited_s = time.monotonic(), 0.0
        self._flush()
        awaiting, self._awaiting = self._awaiting, {}
        for sid, (client, room, wanted) in list(awaiting.items()):
            if client.awaited.get(room) != wanted:
                del awaiting[sid]  # gone, or unsubscribed
            elif client.state_due > began:
                self._awaiting[sid] = awaiting.pop(sid)  # asks too often
        seq = self._book.changed_seq
        if self._last is None or self._last[0] != seq:
            self.being_written = True
            try:
                message, waited_s = self._written()
            except BaseException:
                self._awaiting = awaiting | self._awaiting  # they still wait
                raise
            self._last = seq, message
        message = self._last[1]
        for client, room, wanted in awaiting.values():
            if client.awaited.get(room) == wanted:  # neither gone nor unsubscribed meanwhile
                self._subscribers.join(client, room, wanted)
                client.send_state(message)
                for delta in self._deltas:
                    client.send(delta)
        self.being_written = False
        self._deltas = []
        ended = time.monotonic()
        self._due = ended + SHARE * (ended - began - waited_s)

    def _written(self) -> tuple[Message, float]:
        """The book as it is now, and how many seconds others had meanwhile."""
        book = self._book
        view = SnapshotView(
            seconds(self._clock()), book.instrument.symbol, [], [], book.changed_seq, self._level_texts.checksum()
        )
        grid, sides = grid_of(book.instrument), (l2(book.bids, None), l2(book.asks, None))
        texts, waited_s = [], 0.0
        left = SLICE_LEVELS
        for levels in sides:
            slices = []
            for at in range(0, len(levels), SLICE_LEVELS):
                if left <= 0:
                    paused = time.monotonic()
                    eventlet.sleep(0)
                    waited_s += time.monotonic() - paused
                    left = SLICE_LEVELS
                piece = levels[at : at + SLICE_LEVELS]
                slices.append(_text_of(piece, grid))
                left -= len(piece)
            texts.append(b",".join(slices))
        lists = b'"bids":[%b],"asks":[%b]' % (texts[0], texts[1])
        whole = msgspec.json.encode(view).replace(b'"bids":[],"asks":[]', lists, 1)
        return encoded_json("l2_snapshot", whole), waited_s


def _text_of(levels: Sequence[LevelView], grid: Grid) -> bytes:
    """Levels as JSON, without the brackets of their list."""
    price, quantity = grid.price, grid.quantity
    return msgspec.json.encode([(price(p), quantity(q), orders) for p, q, orders in levels])[1:-1]
