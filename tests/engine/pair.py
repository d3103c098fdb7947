"""The fast exchange and the naive one under the same commands, compared after each."""

from __future__ import annotations

from collections import Counter

from audit.auditor import Auditor
from audit.engine_side import EngineBalances, state_differences
from audit.mix import ACCOUNTS, ASSETS, BOND, COIN, INSTRUMENTS, SHARE, STEP_NS
from audit.naive_money import notional_of
from audit.naive_order import NaiveOrder
from engine import depth
from engine.commands import Command
from engine.digest import state_digest
from engine.events import Accepted, Amended, Cancelled, Completed, Event, Expired, Filled
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rulebook import CURRENT_EDITION
from engine.types import Lots, OrderId, Seq, Side, TradingStatus

__all__ = ["ACCOUNTS", "ASSETS", "BOND", "COIN", "INSTRUMENTS", "SHARE", "Pair"]


class Pair:
    """Applies each command to both exchanges and fails where they differ, or where the auditor finds anything."""

    def __init__(self, rulebook: int = CURRENT_EDITION) -> None:
        self._rulebook = rulebook
        self.fast = Exchange(rulebook)
        self.auditor = Auditor(EngineBalances(self.fast), rulebook=rulebook)
        self.naive = self.auditor.naive
        self.commands: list[tuple[int, Command]] = []  # with their times
        self.entered: dict[OrderId, int] = {}  # lots, as last amended
        self.filled: Counter[OrderId] = Counter()
        self.ended: Counter[OrderId] = Counter()  # unfilled

    @property
    def seq(self) -> int:
        return len(self.commands)

    @property
    def ts_ns(self) -> int:
        return self.commands[-1][0] if self.commands else 0

    def apply(self, command: Command, step_ns: int = STEP_NS) -> list[Event]:
        """Return the events, which are the same from both."""
        ts_ns = self.ts_ns + step_ns
        self.commands.append((ts_ns, command))
        seq = Seq(len(self.commands))
        events = self.fast.apply(command, seq, ts_ns)
        self.auditor.observe(seq, ts_ns, command, events)
        assert self.auditor.findings == [], f"seq {seq}: {command}"
        self._count(events)
        return events

    def _count(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Accepted() | Amended():
                    self.entered[event.order_id] = event.quantity
                case Filled():
                    self.filled[event.maker_order_id] += event.quantity
                    self.filled[event.taker_order_id] += event.quantity
                case Cancelled() | Expired():
                    self.ended[event.order_id] += event.quantity - event.cum
                case Completed():
                    assert event.cum == event.quantity

    def check(self) -> None:
        """Both are in the same state, and no balance or index contradicts itself. O(orders)."""
        self.fast.check_invariants()
        assert state_differences(self.fast, self.naive) == []
        for book in self.fast.books.values():
            low, high = book.band_limits or (0, None)
            bid, ask = book.bids.best_price, book.asks.best_price
            if book.status is TradingStatus.TRADING and high is not None:
                assert (bid or 0) <= high, "a bid rests above the band"
                assert low <= (ask or low), "an offer rests below the band"
        self.auditor.check_sums(self.seq)
        assert self.auditor.findings == []

    def check_conserved(self) -> None:
        """Of every order ever accepted: entered = filled + open + ended unfilled. O(orders ever)."""
        for order_id, entered in self.entered.items():
            order = self.fast.order(order_id)
            still_open = order.leaves if order else 0
            assert entered == self.filled[order_id] + still_open + self.ended[order_id], order_id

    def check_views(self) -> None:
        """The views of depth tell what a look at every order tells. O(orders squared)."""
        for symbol, naive in self.naive.symbols.items():
            book = self.fast.books[symbol]
            sides = {side: naive.queue(side) for side in Side}
            levels = {side: naive_levels(orders) for side, orders in sides.items()}
            bid, ask = ((levels[side] or [(None, 0, 0)])[0] for side in Side)
            assert depth.bbo(book) == depth.Bbo(bid[0], bid[1], ask[0], ask[1])
            for side, orders in sides.items():
                for limit in (0, 1, 3, None):
                    assert depth.l2(book.own_side(side), limit) == levels[side][:limit]
                    first = [order.order_id for order in depth.l3(book.own_side(side), limit)]
                    assert first == [order.order_id for order in orders][:limit]
                for order in orders:
                    ahead = [o.shown for o in orders if o.price == order.price and o.turn < order.turn]
                    assert depth.queue_position(self.fast.orders[order.order_id]) == (len(ahead), sum(ahead))
                total = sum(order.shown for order in orders)
                taker = Side.SELL if side is Side.BUY else Side.BUY
                for quantity in {1, total // 2, total, total + 1}:
                    assert depth.cost(
                        book.instrument, depth.l2(book.opposite(taker), None), Lots(quantity)
                    ) == naive_cost(naive.instrument, orders, quantity)

    def check_replay(self) -> None:
        """A fresh exchange given the same commands is in the same state. O(commands)."""
        replayed = Exchange(self._rulebook)
        for seq, (ts_ns, command) in enumerate(self.commands, 1):
            replayed.apply(command, Seq(seq), ts_ns)
        assert state_digest(replayed) == state_digest(self.fast)


def naive_levels(orders: list[NaiveOrder]) -> list[tuple[int, int, int]]:
    """Price, lots on show and orders of each level of a sorted side."""
    prices = list(dict.fromkeys(order.price for order in orders))
    at = {price: [order.shown for order in orders if order.price == price] for price in prices}
    return [(price, sum(shown), len(shown)) for price, shown in at.items()]


def naive_cost(instrument: Instrument, makers: list[NaiveOrder], quantity: int) -> depth.Cost:
    """What `quantity` lots on show cost, lot by lot."""
    prices = [maker.price for maker in makers for _ in range(maker.shown)][:quantity]
    return depth.Cost(
        len(prices),
        sum(notional_of(instrument, price, 1) for price in prices),
        prices[0] if prices else None,
        prices[-1] if prices else None,
        len(set(prices)),
    )
