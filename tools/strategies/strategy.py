"""What a strategy is given, and what it may ask for: pure, so that a clock that is driven gives the same run again.

A strategy never waits and never asks for the time: it is called with what happened, and what it asks for is carried
out when its method has returned, in order. Chance comes from `self.random`, which is seeded.
Units: prices and quantities are Decimal, in whole ticks and lots; times are epoch nanoseconds.
Layer: tools. No I/O, no clock.
"""

from __future__ import annotations

import random
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import msgspec

Side = Literal["buy", "sell"]

ZERO = Decimal(0)


class Market(msgspec.Struct, frozen=True):
    """The symbol that a strategy trades."""

    symbol: str
    tick: Decimal
    lot: Decimal
    home: Decimal  # a price to begin at, where nothing traded yet


class Book(msgspec.Struct, frozen=True):
    """The best levels, the best first: price and quantity."""

    bids: list[tuple[Decimal, Decimal]] = []
    asks: list[tuple[Decimal, Decimal]] = []

    @property
    def bid(self) -> Decimal | None:
        """The best bid; None where nobody bids."""
        return self.bids[0][0] if self.bids else None

    @property
    def ask(self) -> Decimal | None:
        """The best offer; None where nobody offers."""
        return self.asks[0][0] if self.asks else None

    @property
    def middle(self) -> Decimal | None:
        """Halfway between the best prices; None where a side is empty."""
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2


class Trade(msgspec.Struct, frozen=True):
    """A trade of anybody; `side` is that of who came."""

    price: Decimal
    quantity: Decimal
    side: Side


class Fill(msgspec.Struct, frozen=True):
    """A trade of one's own order."""

    client_order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    leaves: Decimal  # of the order, still open


class OpenOrder(msgspec.Struct):
    """One's own order, as far as is known."""

    side: Side
    price: Decimal | None
    leaves: Decimal


class EnterAction(msgspec.Struct, frozen=True):
    """Enter an order."""

    client_order_id: str
    side: Side
    order_type: Literal["limit", "market", "ioc", "fok"]
    quantity: Decimal
    price: Decimal | None
    display_quantity: Decimal | None = None
    post_only: bool = False


class CancelAction(msgspec.Struct, frozen=True):
    """Cancel an open order."""

    client_order_id: str


class AmendAction(msgspec.Struct, frozen=True):
    """Change an open order; None leaves it."""

    client_order_id: str
    price: Decimal | None
    quantity: Decimal | None  # the whole, what is filled included


Action = EnterAction | CancelAction | AmendAction


class Strategy:
    """To be derived from: define any of the `on_` methods, and call the others within them."""

    market: Market
    random: random.Random
    account: str = ""  # a name for what this one trades as

    # -- what may be defined

    def on_start(self) -> None:
        """Before anything else."""

    def on_book(self, book: Book) -> None:
        """The book changed; `self.book` is it too."""

    def on_trade(self, trade: Trade) -> None:
        """Somebody traded."""

    def on_fill(self, fill: Fill) -> None:
        """An own order traded; `self.position` and `self.orders` know of it."""

    def on_entered(self, client_order_id: str, rests: Decimal) -> None:
        """An own order was taken, and so much of it rests behind its fills."""

    def on_reject(self, client_order_id: str, reason: str) -> None:
        """What was asked of an own order was refused."""

    def on_tick(self, now: int) -> None:
        """The clock moved on, to `now`."""

    # -- what may be asked for

    def buy(self, quantity: Decimal, price: Decimal | None = None) -> str:
        """Enter a limit order, a market order without a price; its client order id."""
        return self.enter("buy", quantity, price)

    def sell(self, quantity: Decimal, price: Decimal | None = None) -> str:
        """Enter a limit order, a market order without a price; its client order id."""
        return self.enter("sell", quantity, price)

    def enter(
        self,
        side: Side,
        quantity: Decimal,
        price: Decimal | None = None,
        order_type: Literal["limit", "market", "ioc", "fok"] | None = None,
        *,
        display_quantity: Decimal | None = None,
        post_only: bool = False,
    ) -> str:
        """Enter an order, at whole ticks and lots; its client order id."""
        self._entered += 1
        client_order_id = f"{self.prefix}{self._entered}"
        kind = order_type or ("market" if price is None else "limit")
        rounded = None if price is None else self.price(price)
        display = None if display_quantity is None else self.quantity(display_quantity)
        self.actions.append(
            EnterAction(client_order_id, side, kind, self.quantity(quantity), rounded, display, post_only)
        )
        return client_order_id

    def cancel(self, client_order_id: str) -> None:
        """Cancel an own order; nothing happens where it is done."""
        self.actions.append(CancelAction(client_order_id))

    def cancel_all(self) -> None:
        """Cancel every own order that is open."""
        for client_order_id in self.orders:
            self.cancel(client_order_id)

    def amend(self, client_order_id: str, *, price: Decimal | None = None, quantity: Decimal | None = None) -> None:
        """Change the price or the whole quantity of an own order."""
        rounded = None if price is None else self.price(price)
        self.actions.append(
            AmendAction(client_order_id, rounded, None if quantity is None else self.quantity(quantity))
        )

    def price(self, price: Decimal) -> Decimal:
        """The nearest price in whole ticks, a tick at least."""
        return max(self.tick, (price / self.tick).to_integral_value(ROUND_HALF_EVEN) * self.tick)

    def quantity(self, quantity: Decimal) -> Decimal:
        """The nearest quantity in whole lots, a lot at least."""
        return max(self.lot, (quantity / self.lot).to_integral_value(ROUND_HALF_EVEN) * self.lot)

    # -- what is known

    @property
    def symbol(self) -> str:
        """What it trades."""
        return self.market.symbol

    @property
    def tick(self) -> Decimal:
        """The least step of prices."""
        return self.market.tick

    @property
    def lot(self) -> Decimal:
        """The least step of quantities."""
        return self.market.lot

    # -- for who drives it

    def begin(self, market: Market, seed: int, number: int, prefix: str = "") -> None:
        """Before it is called with anything. `number`: among the strategies of the run. `prefix`: of its order ids."""
        kind = type(self).__name__
        self.market = market
        self.random = random.Random(f"{seed}/{number}/{kind}/{market.symbol}")  # nosec B311 # to be repeated, not secret
        self.prefix = prefix or f"{kind.lower()}-{number}-"
        self.book, self.position, self.now = Book(), ZERO, 0
        self.orders: dict[str, OpenOrder] = {}
        self.last_price: Decimal | None = None
        self.actions: list[Action] = []
        self._entered = 0
        self.on_start()

    def take_actions(self) -> list[Action]:
        """What was asked for since; it is forgotten here."""
        taken, self.actions = self.actions, []
        return taken

    def see_tick(self, now: int) -> None:
        """Move its clock on."""
        self.now = now
        self.on_tick(now)

    def see_book(self, book: Book) -> None:
        """Show it a book, where it changed."""
        if book != self.book:
            self.book = book
            self.on_book(book)

    def see_trade(self, trade: Trade) -> None:
        """Show it a trade of anybody."""
        self.last_price = trade.price
        self.on_trade(trade)

    def see_fill(self, fill: Fill) -> None:
        """Show it a trade of its own order."""
        self.position += fill.quantity if fill.side == "buy" else -fill.quantity
        order = self.orders.get(fill.client_order_id)
        if order is not None:
            order.leaves = fill.leaves
            if not fill.leaves:
                del self.orders[fill.client_order_id]
        self.on_fill(fill)

    def see_rest(self, client_order_id: str, side: Side, price: Decimal | None, rests: Decimal) -> None:
        """Show it what rests of an order that was entered or amended; nothing does of one that is done."""
        if rests:
            self.orders[client_order_id] = OpenOrder(side, price, rests)
        else:
            self.orders.pop(client_order_id, None)

    def see_entered(self, client_order_id: str, rests: Decimal) -> None:
        """Show it that an order was taken, when its fills and its rest were shown."""
        self.on_entered(client_order_id, rests)

    def see_end(self, client_order_id: str) -> None:
        """Show it that an order is done."""
        self.orders.pop(client_order_id, None)

    def see_reject(self, client_order_id: str, reason: str) -> None:
        """Show it that what it asked for was refused."""
        self.on_reject(client_order_id, reason)
