"""Random days of a price-time book, seen through a window as LOBSTER writes it: the playback finds them again.

The book that is recorded is kept here in plain lists, so what is compared with is not our engine.
"""

import random

import pytest

from tests.data.venue import EngineVenue
from tools.lobster import LobsterPlayback
from tools.recorded import LobsterDepth, LobsterMessage, MessageType, RecordedSide

EVENTS = 1500


class RecordedDay:
    """Random orders, cancels and executions of a whole book; kept of them is what a window of `levels` shows."""

    def __init__(self, seed: int, levels: int) -> None:
        self._random = random.Random(seed)
        self._levels = levels
        self._orders: dict[RecordedSide, list[tuple[int, int, int]]] = {"buy": [], "sell": []}  # price, id, shares
        self._next_id = 1
        self.messages: list[LobsterMessage] = []
        self.rows: list[LobsterDepth] = []
        for _ in range(30):
            self._enter()
        self._recording = True
        while len(self.messages) < EVENTS:
            self._random.choices((self._enter, self._cancel, self._execute), (10, 6, 3))[0]()

    _recording = False

    def _queue(self, side: RecordedSide) -> list[tuple[int, int, int]]:
        """First to trade first."""
        sign = -1 if side == "buy" else 1
        return sorted(self._orders[side], key=lambda order: (sign * order[0], order[1]))

    def _window(self, side: RecordedSide) -> list[tuple[int, int]]:
        levels: dict[int, int] = {}
        for price, _, shares in self._queue(side):
            levels[price] = levels.get(price, 0) + shares
        return list(levels.items())[: self._levels]

    def _write(self, kind: MessageType, side: RecordedSide, order: tuple[int, int, int], was: set[int]) -> None:
        price, order_id, shares = order
        if self._recording and price in was | {price for price, _ in self._window(side)}:
            time_ns = len(self.messages)
            self.messages.append(LobsterMessage(time_ns, kind, order_id, shares, price, side))
            self.rows.append(LobsterDepth(self._window("sell"), self._window("buy")))

    def _enter(self) -> None:
        side: RecordedSide = self._random.choice(("buy", "sell"))
        away = int(self._random.expovariate(0.25))
        price = 1000 - 1 - away if side == "buy" else 1000 + away
        other = self._window("sell" if side == "buy" else "buy")
        if other and (price >= other[0][0] if side == "buy" else price <= other[0][0]):
            return
        was = {level for level, _ in self._window(side)}
        order = (price, self._next_id, self._random.randint(1, 9))
        self._next_id += 1
        self._orders[side].append(order)
        self._write(MessageType.NEW_ORDER, side, order, was)

    def _cancel(self) -> None:
        side: RecordedSide = self._random.choice(("buy", "sell"))
        if self._orders[side]:
            order = self._random.choice(self._orders[side])
            part = self._random.random() < 0.2 and order[2] > 1
            self._take(MessageType.PARTIAL_CANCEL if part else MessageType.DELETE, side, order, 1 if part else order[2])

    def _execute(self) -> None:
        side: RecordedSide = self._random.choice(("buy", "sell"))
        shares = self._random.randint(1, 15)
        for order in self._queue(side):
            taken = min(shares, order[2])
            if taken:
                self._take(MessageType.EXECUTION, side, order, taken)
            shares -= taken

    def _take(self, kind: MessageType, side: RecordedSide, order: tuple[int, int, int], shares: int) -> None:
        price, order_id, had = order
        was = {level for level, _ in self._window(side)}
        self._orders[side].remove(order)
        if had > shares:
            self._orders[side].append((price, order_id, had - shares))
        self._write(kind, side, (price, order_id, shares), was)


@pytest.mark.parametrize("levels", [1, 2, 5, 10])
@pytest.mark.parametrize("seed", range(3))
def test_every_row_and_every_execution_of_a_random_day_is_found_again(seed: int, levels: int) -> None:
    day = RecordedDay(seed, levels)
    playback = LobsterPlayback(day.messages, day.rows, levels)
    venue = EngineVenue(playback)
    for row, event in zip(day.rows, playback.events(), strict=True):
        for step in event.steps:
            venue.do(step)
        assert venue.depth(levels) == row
    assert venue.refused == []
    remarks = " ".join(playback.remarks())
    executions = sum(message.kind is MessageType.EXECUTION for message in day.messages[1:])
    assert executions > 100
    assert f"executions: {executions} of {executions} took the recorded order" in remarks
    assert "contradicted" not in remarks
