"""One symbol of the naive exchange: its orders in plain lists, and the prices that protect it.

Units: ticks and lots. Costs: O(orders of the symbol) a question.
Layer: audit. Of the engine it knows only the value modules.
"""

from __future__ import annotations

import math
from fractions import Fraction

from audit.naive_order import NaiveOrder
from engine.instrument import Instrument
from engine.types import Side, TradingStatus

BUY, SELL = Side.BUY, Side.SELL
STOP_ROOM = 100_000  # millionths above its stop price that a stop buy may pay where there is no collar


def other(side: Side) -> Side:
    """Whom an order of `side` trades with."""
    return SELL if side is BUY else BUY


def within(side: Side, price: int, limit: int | None) -> bool:
    """Whether an order of `side` with this limit (None: any price) may trade at `price`."""
    if limit is None:
        return True
    return price <= limit if side is BUY else price >= limit


def nearest(side: Side, *limits: int | None) -> int | None:
    """The strictest of several limits for an order of `side`; None when there is none."""
    given = [limit for limit in limits if limit is not None]
    if not given:
        return None
    return min(given) if side is BUY else max(given)


class NaiveSymbol:
    """One symbol: what it is, whether it trades, and the orders that rest or wait, in no order."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.status = TradingStatus.TRADING
        self.last_price: int | None = None
        self.sides: dict[Side, list[NaiveOrder]] = {BUY: [], SELL: []}  # resting
        self.waiting: list[NaiveOrder] = []  # for a trigger, in order of entry
        self.band_reference: int | None = None
        self.band_set_ns: int | None = 0
        self.limit_state: tuple[Side, int] | None = None  # of which side's orders, when it halts
        self.timer: tuple[int, TradingStatus] | None = None  # when what becomes of it by itself

    @property
    def trading(self) -> bool:
        """Whether orders match."""
        return self.status is TradingStatus.TRADING

    @property
    def gathering(self) -> bool:
        """Whether orders are taken without matching."""
        return self.status in (TradingStatus.PRE_OPEN, TradingStatus.AUCTION)

    def queue(self, side: Side) -> list[NaiveOrder]:
        """The resting orders of a side as they would trade: best price first, then oldest first."""
        return sorted(self.sides[side], key=_bids_first if side is BUY else _asks_first)

    def makers(self, taker: Side, limit: int | None) -> list[NaiveOrder]:
        """The orders that a taker with this limit (None: any price) may trade with, first to trade first."""
        resting = self.sides[other(taker)]
        if taker is BUY:
            chosen = resting if limit is None else [o for o in resting if (o.price or 0) <= limit]
            return sorted(chosen, key=_asks_first)
        chosen = resting if limit is None else [o for o in resting if (o.price or 0) >= limit]
        return sorted(chosen, key=_bids_first)

    def best(self, side: Side) -> int | None:
        """The best price of a side, or None."""
        prices = [order.price or 0 for order in self.sides[side]]
        if not prices:
            return None
        return max(prices) if side is BUY else min(prices)

    def reference(self, side: Side) -> int | None:
        """The last trade, else the instrument's price, brought inside the BBO; else the best to take."""
        price = self.market_price()
        if price is None:
            return self.best(other(side))
        return self.inside(price)

    def inside(self, price: int) -> int:
        """A price brought inside the best bid and offer: not below the one, not above the other."""
        bid, ask = self.best(BUY), self.best(SELL)
        if bid is not None:
            price = max(price, bid)
        if ask is not None:
            price = min(price, ask)
        return price

    def collar(self, side: Side) -> int | None:
        """The worst price that the collar lets an order of `side` have."""
        if self.instrument.collar is None:
            return None
        reference = self.reference(side)
        if reference is None:
            return None
        room = Fraction(reference * self.instrument.collar, 1_000_000)
        if side is BUY:
            return math.floor(reference + room)
        return max(math.ceil(reference - room), 1)

    def renew_band(self, ts_ns: int) -> None:
        """As trading, an entry or an amend begins: a reference that has served its time gives way to the last price."""
        if not self.trading or self.instrument.band is None or self.limit_state is not None:
            return
        since = self.band_set_ns
        if self.band_reference is None or since is None or ts_ns >= since + self.instrument.band_window_ns:
            if self.last_price is not None:
                self.band_reference, self.band_set_ns = self.inside(self.last_price), ts_ns
            elif self.instrument.reference_price is not None:  # for now: the next look takes it anew
                self.band_reference, self.band_set_ns = self.inside(self.instrument.reference_price), None

    def list_again(self, instrument: Instrument) -> None:
        """Other limits and fees. What rests stays within the band, be it narrower: it is measured from there then."""
        self.instrument = instrument
        if self.band_reference is None:
            return
        beyond = [
            edge is not None and best is not None and (best > edge if side is BUY else best < edge)
            for side in Side
            for edge, best in [(self.band(side), self.best(side))]
        ]
        if any(beyond):
            self.band_reference = self.inside(self.band_reference)

    def band(self, side: Side) -> int | None:
        """The price beyond which no order of `side` may trade; None without a band or while there is no trading."""
        if self.instrument.band is None or not self.trading:
            return None
        reference = self.band_reference
        if reference is None:
            if self.instrument.reference_price is None:
                return None
            reference = self.inside(self.instrument.reference_price)
        room = Fraction(reference * self.instrument.band, 1_000_000)
        if side is BUY:
            return math.floor(reference + room)
        return max(math.ceil(reference - room), 1)

    def market_price(self) -> int | None:
        """What a trailing stop begins to follow."""
        return self.last_price if self.last_price is not None else self.instrument.reference_price

    def hold_price(self, stop_price: int) -> int:
        """The most that a stop buy may pay once it triggers."""
        collar = self.instrument.collar
        return stop_price + math.floor(Fraction(stop_price * (STOP_ROOM if collar is None else collar), 1_000_000))

    def reached(self, order: NaiveOrder, price: int) -> bool:
        """Whether a trade at `price` triggers a waiting order."""
        stop_price = order.stop_price or 0
        return price >= stop_price if order.rises else price <= stop_price

    def auction(self) -> tuple[int, int, int] | None:
        """Price, quantity and imbalance of an uncross now; None when nothing crosses.

        Demand and supply change only at the prices of orders, so these, their neighbours and the
        reference are all that can be the best of "every whole tick".
        """
        bid, ask = self.best(BUY), self.best(SELL)
        if bid is None or ask is None or bid < ask:
            return None
        reference = self.market_price()
        bids = [(order.price or 0, order.leaves) for order in self.sides[BUY]]
        asks = [(order.price or 0, order.leaves) for order in self.sides[SELL]]
        asked = {price + step for price, _ in bids + asks for step in (-1, 0, 1)}
        if reference is not None:
            asked.add(reference)
        ranked = []
        for price in sorted(price for price in asked if ask <= price <= bid):
            demand = sum(leaves for limit, leaves in bids if limit >= price)
            supply = sum(leaves for limit, leaves in asks if limit <= price)
            away = 0 if reference is None else abs(price - reference)
            ranked.append((min(demand, supply), -abs(demand - supply), -away, price, demand - supply))
        volume, _, _, price, imbalance = max(ranked)
        return price, volume, imbalance


def _asks_first(order: NaiveOrder) -> tuple[int, int]:
    return (order.price or 0, order.turn)


def _bids_first(order: NaiveOrder) -> tuple[int, int]:
    return (-(order.price or 0), order.turn)
