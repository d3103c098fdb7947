"""Queue positions of orders in long queues: right, and looked at in bounded steps."""

from __future__ import annotations

import eventlet

from api.feed.queue import POSITIONS_MAX, REACH, QueueFeed, QueueView
from engine.commands import CancelOrder, Command, Deposit, EnterOrder, ListInstrument, OrderOptions
from engine.depth import queue_position
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.types import AccountId, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce
from tests.api.market.touched import touched
from tests.sequencer.venue import COIN

CROWD, WATCHER = AccountId(1), AccountId(2)


class Floor:
    """An exchange whose queue feed is told of every command, and what it said of the watcher's orders."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.received: dict[str, tuple[int, str]] = {}
        self.longest = 0  # positions in one message
        self.feed = QueueFeed(self.exchange, lambda account: account == WATCHER, self._publish)
        self.apply(ListInstrument(COIN))
        for account in (CROWD, WATCHER):
            self.apply(Deposit(account, COIN.quote, "1000000"))

    def _publish(self, account: AccountId, queue: QueueView) -> None:
        assert account == WATCHER
        self.longest = max(self.longest, len(queue.positions))
        self.received |= {place.order_id: (place.orders_ahead, place.quantity_ahead) for place in queue.positions}

    def apply(self, command: Command) -> OrderId:
        """Apply a command; its seq, which is the id of its order."""
        seq = Seq(self.exchange.seq + 1)
        applied = CommandResult(seq, seq, command, self.exchange.apply(command, seq, seq))
        self.feed.on_batch([applied], touched(applied, self.exchange))
        return OrderId(seq)

    def enter(self, account: AccountId, price: int = 100, options: OrderOptions | None = None) -> OrderId:
        """An order for two lots."""
        terms = (Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(2), Ticks(price))
        return self.apply(EnterOrder(account, "COIN", *terms, options=options))

    def right(self, *orders: OrderId) -> bool:
        """Whether what was told of these orders is where they stand."""
        found = {str(order_id): self.exchange.order(order_id) for order_id in orders}
        resting = {name: order for name, order in found.items() if order is not None}
        truth = {name: place for name, order in resting.items() if (place := queue_position(order)) is not None}
        return {name: (count, str(lots)) for name, (count, lots) in truth.items()} == {
            name: self.received.get(name) for name in found
        }


def test_both_ends_of_a_long_queue_are_told_and_its_middle_when_it_has_come_nearer() -> None:
    floor = Floor()
    first = floor.enter(WATCHER)
    ahead = [floor.enter(CROWD) for _ in range(REACH + 10)]
    middle = floor.enter(WATCHER)
    for _ in range(REACH + 10):
        floor.enter(CROWD)
    last = floor.enter(WATCHER)
    floor.feed.watch(WATCHER)
    floor.feed._flush()
    assert floor.right(first, last)
    assert str(middle) not in floor.received
    for order_id in ahead[:20]:
        floor.apply(CancelOrder(CROWD, order_id))
    floor.feed._flush()
    assert floor.right(first, middle, last)
    floor.apply(CancelOrder(WATCHER, first))
    floor.feed._flush()
    assert floor.right(middle, last)


def test_levels_that_are_left_over_come_next_time_and_strangers_levels_cost_nothing() -> None:
    floor = Floor()
    floor.feed.watch(WATCHER)
    mine: list[OrderId] = []
    for price in range(50, 56):
        for _ in range(REACH):
            floor.enter(CROWD, price)
        mine.append(floor.enter(WATCHER, price))
    floor.enter(CROWD, 60)
    assert len(floor.feed._changed) == len(mine)
    floor.feed._flush()
    assert 0 < len(floor.received) < len(mine)
    floor.feed._flush()
    assert floor.right(*mine)
    assert not floor.feed._changed


def test_what_an_iceberg_ahead_hides_is_not_told_from_either_end() -> None:
    floor = Floor()
    floor.feed.watch(WATCHER)
    floor.enter(CROWD, options=OrderOptions(display_quantity=Lots(1)))
    second = floor.enter(WATCHER)
    for _ in range(REACH):
        floor.enter(CROWD)
    last = floor.enter(WATCHER)
    floor.feed._flush()
    assert floor.received[str(second)] == (1, "1")
    assert floor.right(second, last)


def test_many_positions_are_told_in_messages_of_bounded_length() -> None:
    floor = Floor()
    floor.feed.watch(WATCHER)
    mine = [floor.enter(WATCHER) for _ in range(POSITIONS_MAX + 1)]
    floor.feed._flush()
    assert floor.longest == POSITIONS_MAX
    assert floor.right(mine[0], mine[-1])


def test_nothing_is_kept_of_an_account_that_nobody_watches_any_more() -> None:
    floor = Floor()
    floor.feed.watch(WATCHER)
    order_id = floor.enter(WATCHER)
    floor.feed._flush()
    assert floor.right(order_id)
    floor.feed._is_watching = lambda _account: False
    floor.enter(WATCHER)
    floor.feed._flush()
    assert (floor.feed._watched, floor.feed._last_published, dict(floor.feed._levels)) == ({}, {}, {})
    eventlet.sleep(0)
