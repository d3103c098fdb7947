"""What is noted of an order while the events of one command are heard.

Layer: explain. Pure.
"""

from __future__ import annotations

from engine import events as ev
from engine.commands import AmendOrder, EnterOrder
from engine.types import OrderId, Side, Ticks
from explain.answers import Asked, AuctionRow, BookMet, FillTold, Protection, RuleCheck
from explain.looking import Look
from explain.pieces import Walked, opposite_of, own_at_best
from explain.words import amend_asked, asked, changed, entry_asked


class Notes:
    """The notes, and the small steps of taking them."""

    def __init__(self, before: Look, only_trade: int | None) -> None:
        self._b, self._only_trade = before, only_trade
        self._grid, self._picture, self._id = before.grid, before.picture, before.order_id
        self._happened: list[str] = []
        self._first_words: list[str] = []  # before the walk
        self._last_words: list[str] = []  # after it
        self._fee_words: list[str] = []
        self._asked: Asked | None = None
        self._book: BookMet | None = None
        self._checks: list[RuleCheck] = []
        self._walk: list[Walked] = []
        self._stopped: str | None = None
        self._protections: list[Protection] = []
        self._fills: list[FillTold] = []
        self._auction: list[AuctionRow] = []
        self._taking = False  # the order is the one that executes
        self._ended = False
        self._end_words: list[str] = []
        self._limit, self._side = before.limit, before.side
        self._trades: list[ev.Filled] = []
        self._bound: tuple[Ticks, str] | None = None  # of an order without a limit: the worst price, and what sets it
        self._touched: dict[OrderId, str] = {}  # what happened to other orders, for the end of a pair
        if before.own_entry and isinstance(before.command, EnterOrder):
            self._words.append(asked(before.command, self._grid))
            self._asked = entry_asked(before.command, self._grid)
        elif before.own_amend and isinstance(before.command, AmendOrder):
            self._words.append(changed(before.command, self._grid))
            if before.order is not None:
                side, order_type, tif = before.order
                self._asked = amend_asked(before.command, side, order_type, tif, self._grid)

    @property
    def _words(self) -> list[str]:
        return self._last_words if self._walk else self._first_words

    def _say(self, happened: str, *sentences: str) -> None:
        if happened not in self._happened:
            self._happened.append(happened)
        self._words.extend(sentences)

    def _protect(self, protection: str, decision: str, sentence: str) -> None:
        self._protections.append(Protection(protection, decision, sentence))

    def _prevented(self) -> bool:
        return any(protection.protection == "self_trade_prevention" for protection in self._protections)

    def _level(self, price: Ticks) -> Walked:
        if not self._walk or self._walk[-1].price != price:
            opposite = opposite_of(self._side or Side.BUY)
            self._walk.append(Walked.of(price, self._picture.levels[opposite].get(price, [])))
        return self._walk[-1]

    def _met(self, order_id: OrderId, price: Ticks) -> None:
        line = self._level(price).lines.get(order_id)
        if line is not None:
            line.met = True

    def _would_meet(self) -> None:
        own = own_at_best(self._picture, self._side or Side.BUY, self._b.viewer)
        if own is not None and own.price is not None:
            self._protect(
                "self_trade_prevention",
                "stopped",
                f"Self-trade prevention: the next it would have met was your own order {own.order_id}, "
                f"{self._grid.said(own.shown)} at {self._grid.price(own.price)}.",
            )

    def _tell_limits(self, side: Side, held_at: Ticks | None = None) -> None:
        """What the collar, what the order holds and the band allow; notes the nearest for one without a limit."""
        collar = self._picture.collar(side)
        if self._b.collar is not None:
            self._protect("collar", "passed", self._b.collar)
        elif collar is not None:
            self._protect("collar", "passed", f"Collar: nothing worse than {self._grid.price(collar)} could trade.")
        if held_at is not None:
            self._protect(
                "hold",
                "passed",
                f"Hold: while it waited it held money for a price of up to {self._grid.price(held_at)}: nothing above "
                "that could trade.",
            )
        band = self._picture.band
        edge = None if band is None else band[1] if side is Side.BUY else band[0]
        bounds = [
            (price, name)
            for price, name in ((collar, "collar"), (held_at, "hold"), (edge, "price_band"))
            if price is not None
        ]
        if bounds:
            self._bound = (min if side is Side.BUY else max)(bounds, key=lambda bound: bound[0])
        if self._picture.band is not None:
            low, high = self._picture.band
            allowed = f"{self._grid.price(low)} to {self._grid.price(high)}"
            state = "" if self._picture.limit_side is None else f"; the symbol was limit-{self._limit_word()}"
            self._protect("price_band", "passed", f"Price band: trades from {allowed} were allowed{state}.")

    def _limit_word(self) -> str:
        return "up" if self._picture.limit_side is Side.BUY else "down"
