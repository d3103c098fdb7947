"""The fast exchange and the naive one under the same commands, compared after each."""

from __future__ import annotations

from collections import Counter

from engine import depth
from engine.commands import Command
from engine.digest import state_digest
from engine.events import Accepted, Amended, Cancelled, Completed, Deposited, Event, Filled, Withdrawn
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.ledger import FEE_ACCOUNT, Balance
from engine.types import AccountId, Amount, Lots, OrderId, Seq, Side, Ticks
from tools.audit.naive_exchange import NaiveExchange
from tools.audit.naive_money import notional_of
from tools.audit.naive_order import NaiveOrder

# A maker rebate and a taker fee that divide nothing evenly; no collar, no tight limits.
COIN = Instrument(
    symbol="COIN-USD",
    base="COIN",
    quote="USD",
    tick_size="0.01",
    lot_size="0.001",
    quote_scale=8,
    lot_tick_amount=Amount(1000),
    base_scale=4,
    lot_amount=Amount(10),
    max_quantity=Lots(1000),
    max_notional=Amount(10**9),
    maker_fee=-333,
    taker_fee=707,
    max_open_orders=10**6,
)
# Every limit within reach of a few small orders.
SHARE = Instrument(
    symbol="SHARE-USD",
    base="SHARE",
    quote="USD",
    tick_size="0.05",
    lot_size="0.001",
    quote_scale=8,
    lot_tick_amount=Amount(5000),
    base_scale=3,
    min_quantity=Lots(2),
    max_quantity=Lots(12),
    min_notional=Amount(100_000),
    max_notional=Amount(500_000),
    maker_fee=1100,
    taker_fee=2900,
    collar=200_000,
    reference_price=Ticks(10),
    max_open_orders=3,
)
INSTRUMENTS = {instrument.symbol: instrument for instrument in (COIN, SHARE)}
ACCOUNTS = [AccountId(1), AccountId(2), AccountId(3)]
ASSETS = ["COIN", "SHARE", "USD"]
STEP_NS = 400_000_000  # between two commands: two or three of them share a second


class Pair:
    """Applies each command to both exchanges and fails where they differ."""

    def __init__(self) -> None:
        self.fast = Exchange()
        self.naive = NaiveExchange()
        self.commands: list[Command] = []
        self.entered: dict[OrderId, int] = {}  # lots, as last amended
        self.filled: Counter[OrderId] = Counter()
        self.cancelled: Counter[OrderId] = Counter()
        self.issued: Counter[str] = Counter()  # deposited less withdrawn, by asset

    @property
    def seq(self) -> int:
        return len(self.commands)

    def apply(self, command: Command) -> list[Event]:
        """Return the events, which are the same from both."""
        self.commands.append(command)
        seq = Seq(len(self.commands))
        events = self.fast.apply(command, seq, seq * STEP_NS)
        assert events == self.naive.apply(command, seq, seq * STEP_NS), f"seq {seq}: {command}"
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
                case Cancelled():
                    self.cancelled[event.order_id] += event.quantity - event.cum
                case Deposited():
                    self.issued[event.asset] += event.amount
                case Withdrawn():
                    self.issued[event.asset] -= event.amount
                case Completed():
                    assert event.cum == event.quantity

    def check(self) -> None:
        """Both hold the same orders in the same queues; nothing is lost, crossed or out of the index. O(orders)."""
        self.fast.check_invariants()
        for symbol, naive in self.naive.symbols.items():
            book = self.fast.books[symbol]
            assert (book.status, book.last_price) == (naive.status, naive.last_price)
            for side in Side:
                expected = [
                    (o.order_id, o.price, o.quantity, o.cum, o.leaves, o.quote_cum, o.fees) for o in naive.queue(side)
                ]
                resting = depth.l3(book.own_side(side), None)
                assert expected == [
                    (o.order_id, o.price, o.quantity, o.cum, o.leaves, o.quote_cum, o.fees) for o in resting
                ]
        for account in ACCOUNTS:
            mine = [order.order_id for order in self.naive.open if order.asked.account == account]
            assert mine == [order.order_id for order in self.fast.open_orders(account)]
        assert self.fast.next_trade_id == self.naive.trades + 1
        self.check_money()

    def check_money(self) -> None:
        """Nothing is negative, a hold is what open orders need, and what came in less what went out is there."""
        sums: Counter[str] = Counter()
        for account in [FEE_ACCOUNT, *ACCOUNTS]:
            for asset in ASSETS:
                balance = self.fast.ledger.accounts.get(account, {}).get(asset, Balance())
                naive = self.naive.available(account, asset), self.naive.held(account, asset)
                assert (balance.available, balance.held) == naive, (account, asset)
                assert min(naive) >= 0, (account, asset)
                sums[asset] += sum(naive)
        assert sums == self.issued

    def check_conserved(self) -> None:
        """Of every order ever accepted: entered = filled + open + cancelled. O(orders ever)."""
        for order_id, entered in self.entered.items():
            order = self.fast.order(order_id)
            still_open = order.leaves if order else 0
            assert entered == self.filled[order_id] + still_open + self.cancelled[order_id], order_id

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
                    ahead = [o.leaves for o in orders if o.price == order.price and o.turn < order.turn]
                    assert depth.queue_position(self.fast.orders[order.order_id]) == (len(ahead), sum(ahead))
                total = sum(order.leaves for order in orders)
                taker = Side.SELL if side is Side.BUY else Side.BUY
                for quantity in {1, total // 2, total, total + 1}:
                    assert depth.cost(book, taker, Lots(quantity)) == naive_cost(naive.instrument, orders, quantity)

    def check_replay(self) -> None:
        """A fresh exchange given the same commands is in the same state. O(commands)."""
        replayed = Exchange()
        for seq, command in enumerate(self.commands, 1):
            replayed.apply(command, Seq(seq), seq * STEP_NS)
        assert state_digest(replayed) == state_digest(self.fast)


def naive_levels(orders: list[NaiveOrder]) -> list[tuple[int, int, int]]:
    """Price, lots and orders of each level of a sorted side."""
    prices = list(dict.fromkeys(order.price for order in orders))
    at = {price: [order.leaves for order in orders if order.price == price] for price in prices}
    return [(price, sum(leaves), len(leaves)) for price, leaves in at.items()]


def naive_cost(instrument: Instrument, makers: list[NaiveOrder], quantity: int) -> depth.Cost:
    """What `quantity` lots cost, lot by lot."""
    prices = [maker.price for maker in makers for _ in range(maker.leaves)][:quantity]
    return depth.Cost(
        len(prices),
        sum(notional_of(instrument, price, 1) for price in prices),
        prices[0] if prices else None,
        prices[-1] if prices else None,
        len(set(prices)),
    )
