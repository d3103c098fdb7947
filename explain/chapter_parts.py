"""The parts of a chapter: the book met, the levels walked, fills with their fees, an auction's table.

Layer: explain. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from engine import events as ev
from engine.instrument import FEE_UNIT
from engine.types import AccountId, Lots, OrderId, Side, Ticks
from explain.answers import AuctionRow, BookMet, FillTold, LevelShown, LevelWalked, Place, QueuedOrder
from explain.folded_book import FoldedBook, RestingOrder
from explain.words import orders
from listings.grid import Grid, percent

LEVELS_FURTHER = 3  # listed beyond the worst that was touched
ORDERS_FURTHER = 3  # listed behind the last of a level that was touched
ORDERS_LISTED_MAX = 200  # of one level
AUCTION_ROWS = 21  # around the price


@dataclass(slots=True)
class WalkedOrder:
    """One order of a level that is being walked."""

    order: RestingOrder
    shown: int
    taken: int = 0
    met: bool = False  # an order of the same account: self-trade prevention acted


@dataclass(slots=True)
class WalkedLevel:
    """One level that is being walked."""

    price: Ticks
    shown: int
    queue: list[WalkedOrder]
    lines: dict[OrderId, WalkedOrder] = field(default_factory=dict)
    taken: int = 0

    @classmethod
    def of(cls, price: Ticks, queue: list[RestingOrder]) -> WalkedLevel:
        """The level as it stands."""
        lines = [WalkedOrder(order, order.shown) for order in queue]
        return cls(price, sum(order.shown for order in queue), lines, {line.order.order_id: line for line in lines})

    def view(self, cumulative: int, viewer: AccountId, grid: Grid) -> LevelWalked:
        """The level as its taker may see it."""
        touched = [number for number, line in enumerate(self.queue) if line.taken or line.met]
        most = min((touched[-1] if touched else -1) + 1 + ORDERS_FURTHER, ORDERS_LISTED_MAX)
        queue = [
            QueuedOrder(
                grid.quantity(line.shown),
                grid.quantity(line.taken),
                line.order.account == viewer,
                str(line.order.order_id) if line.order.account == viewer else None,
            )
            for line in self.queue[:most]
        ]
        return LevelWalked(
            grid.price(self.price),
            grid.quantity(self.shown),
            len(self.queue),
            grid.quantity(self.taken),
            grid.quantity(cumulative),
            queue,
            max(len(self.queue) - most, 0),
        )

    def sentence(self, cumulative: int, viewer: AccountId, grid: Grid) -> str:
        """The level in words: `At 100.50, where 2 orders showed 5, it took 3: all of the first and 1 of the second.`"""
        parts: list[str] = []
        for number, line in enumerate(self.queue, 1):
            if line.taken:
                whose = ", your own" if line.order.account == viewer else ""
                refilled = " (an iceberg, slice by slice)" if line.taken > line.shown else ""
                parts.append(
                    f"{grid.said(line.taken)} from the {ordinal(number)} in the queue, which showed "
                    f"{grid.said(line.shown)}{refilled}{whose}"
                )
        listed = "; ".join(parts[:6]) + (f"; and from {len(parts) - 6} more" if len(parts) > 6 else "")
        verb = "order" if len(self.queue) == 1 else "orders"
        return (
            f"At {grid.price(self.price)}, where {len(self.queue)} {verb} showed {grid.said(self.shown)}, it took "
            f"{grid.said(self.taken)} ({listed or 'nothing'}): {grid.said(cumulative)} in all."
        )


def ordinal(number: int) -> str:
    """1 -> `1st`."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(number % 10, 'th')}"


def opposite_of(side: Side) -> Side:
    """The other side."""
    return Side.SELL if side is Side.BUY else Side.BUY


def book_met(book: FoldedBook, side: Side, grid: Grid) -> BookMet:
    """The market as an order of `side` meets it. All opposite levels are listed; `trimmed` shortens them."""

    def price(ticks: Ticks | None) -> str | None:
        return None if ticks is None else grid.price(ticks)

    def size(of: Side) -> str:
        best = book.best(of)
        return grid.quantity(0 if best is None else sum(order.shown for order in book.levels[of][best]))

    band = book.band
    return BookMet(
        book.status,
        price(book.best(Side.BUY)),
        size(Side.BUY),
        price(book.best(Side.SELL)),
        size(Side.SELL),
        price(book.last_price),
        price(book.reference(side)),
        price(book.collar(side)),
        None if band is None else grid.price(band[0]),
        None if band is None else grid.price(band[1]),
        book.limit_side,
        [
            LevelShown(grid.price(at), grid.quantity(sum(order.shown for order in queue)), len(queue))
            for at, queue in book.depth(opposite_of(side))
        ],
    )


def trimmed(levels: list[LevelShown], worst: str | None) -> list[LevelShown]:
    """The levels down to the worst touched and a few more."""
    touched = next((number for number, level in enumerate(levels, 1) if level.price == worst), 0)
    return levels[: touched + LEVELS_FURTHER]


def met_sentence(book: FoldedBook, side: Side, grid: Grid) -> str:
    """The market in one sentence."""
    opposite = opposite_of(side)
    best, name = book.best(opposite), "offer" if side is Side.BUY else "bid"
    if best is None:
        return f"There was no {name} in the book."
    queue = book.levels[opposite][best]
    shown = grid.said(sum(order.shown for order in queue))
    return f"The best {name} was {grid.price(best)}, with {shown} from {orders(len(queue))}."


def place_of(book: FoldedBook, order_id: OrderId, grid: Grid) -> Place | None:
    """Where an order stands in its queue; None when it does not rest."""
    found = book.ahead(order_id)
    return None if found is None else Place(grid.price(found[0]), found[1], grid.quantity(found[2]))


def place_sentence(place: Place) -> str:
    """A place in words."""
    if place.orders_ahead == 0:
        return f"first in the queue at {place.price}"
    return f"behind {orders(place.orders_ahead)} showing {place.quantity_ahead} at {place.price}"


def fill_view(fill: ev.Filled, *, maker: bool, rate: int, grid: Grid) -> FillTold:
    """One fill from the side of the maker or of the taker."""
    return FillTold(
        str(fill.trade_id),
        grid.price(fill.price),
        grid.quantity(fill.quantity),
        grid.amount(fill.notional),
        "maker" if maker else "taker",
        fill.taker_side,
        fill.auction,
        percent(rate),
        grid.amount(fill.maker_fee if maker else fill.taker_fee),
        grid.quantity(fill.maker_leaves if maker else fill.taker_leaves),
    )


def fee_sentence(fill: ev.Filled, *, maker: bool, rate: int, grid: Grid) -> str:
    """How the fee of a fill came about."""
    fee, quote = (fill.maker_fee if maker else fill.taker_fee), grid.instrument.quote
    plain = grid.instrument.fee(fill.notional, rate)
    role = "maker" if maker else "taker"
    worth = f"{grid.amount(fill.notional)} {quote}"
    if rate < 0 or fee < 0:
        cut = ", cut to what the other side paid" if fee != plain else ""
        return f"{role.capitalize()} rebate: {percent(-rate)} % of {worth} is {grid.amount(Lots(-fee))} {quote}{cut}."
    rounded = ", rounded up to the smallest unit" if fill.notional * rate % FEE_UNIT else ""
    return f"{role.capitalize()} fee: {percent(rate)} % of {worth} is {grid.amount(fee)} {quote}{rounded}."


def auction_rows(book: FoldedBook, event: ev.Uncrossed, grid: Grid) -> list[AuctionRow]:
    """Demand and supply around an auction's price, from what the orders show; at the price the true figures."""
    bids = {price: sum(order.shown for order in queue) for price, queue in book.levels[Side.BUY].items()}
    asks = {price: sum(order.shown for order in queue) for price, queue in book.levels[Side.SELL].items()}
    prices = sorted({event.price, *bids, *asks})
    at = prices.index(event.price)
    half = AUCTION_ROWS // 2
    rows: list[AuctionRow] = []
    for price in reversed(prices[max(at - half, 0) : at + half + 1]):
        demand = sum(quantity for bid, quantity in bids.items() if bid >= price)
        supply = sum(quantity for ask, quantity in asks.items() if ask <= price)
        volume, imbalance, chosen = min(demand, supply), demand - supply, price == event.price
        if chosen:
            volume, imbalance = event.quantity, event.imbalance
            demand, supply = volume + max(imbalance, 0), volume + max(-imbalance, 0)
        row = [grid.quantity(number) for number in (demand, supply, volume, imbalance)]
        rows.append(AuctionRow(grid.price(price), row[0], row[1], row[2], row[3], chosen))
    return rows


def auction_words(book: FoldedBook, event: ev.Uncrossed, grid: Grid) -> list[str]:
    """Why an auction chose its price."""
    reference = book.instrument.reference_price if book.last_price is None else book.last_price
    nearest = "" if reference is None else f", then nearest the reference {grid.price(reference)}"
    left = "nothing was left over"
    if event.imbalance:
        side = "buyers" if event.imbalance > 0 else "sellers"
        left = f"{side} wanted {grid.said(abs(event.imbalance))} more there"
    return [
        f"The auction set one price for all its trades, {grid.price(event.price)}: there the most could trade, "
        f"{grid.said(event.quantity)}, and {left}.",
        f"Of prices that trade as much, the one with the least left over is taken{nearest}, then the higher one.",
    ]


def within(book: FoldedBook, side: Side, limit: Ticks | None) -> list[RestingOrder]:
    """What rests for an order of `side` at `limit` or better, in the order in which it would be met."""
    met: list[RestingOrder] = []
    for price, queue in book.depth(opposite_of(side)):
        if limit is not None and (price > limit if side is Side.BUY else price < limit):
            break
        met.extend(queue)
    return met


def own_at_best(book: FoldedBook, side: Side, viewer: AccountId) -> RestingOrder | None:
    """The first order of `viewer` at the best price that an order of `side` meets."""
    opposite = opposite_of(side)
    best = book.best(opposite)
    queue = [] if best is None else book.levels[opposite][best]
    return next((order for order in queue if order.account == viewer), None)
