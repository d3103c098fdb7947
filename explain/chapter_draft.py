"""A chapter while it is being built: what the events of one command have said of the order so far.

Layer: explain. Pure.
"""

from __future__ import annotations

from engine import events as ev
from engine.commands import AmendOrder, EnterOrder
from engine.types import OrderId, Side, Ticks
from explain.answers import Asked, AuctionRow, BookMet, FillTold, Protection, RuleCheck
from explain.chapter_parts import WalkedLevel, opposite_of, own_at_best
from explain.command_context import CommandContext
from explain.words import amend_asked, asked, changed, entry_asked


class ChapterDraft:
    """The parts of one chapter, and the steps in which they are added.

    Sentences come in the order: before the walk through the book, of the walk, after it, of the end, of the fees.
    """

    def __init__(self, context: CommandContext, only_trade: int | None) -> None:
        self.context, self.only_trade = context, only_trade
        self.grid, self.book, self.order_id = context.grid, context.book, context.order_id
        self.happened: list[str] = []
        self.first_words: list[str] = []  # before the walk
        self.last_words: list[str] = []  # after it
        self.fee_words: list[str] = []
        self.asked: Asked | None = None
        self.book_met: BookMet | None = None
        self.checks: list[RuleCheck] = []
        self.walk: list[WalkedLevel] = []
        self.stopped_because: str | None = None
        self.protections: list[Protection] = []
        self.fills: list[FillTold] = []
        self.auction: list[AuctionRow] = []
        self.taking = False  # the order is the one that executes
        self.ended = False
        self.end_words: list[str] = []
        self.limit, self.side = context.limit, context.side
        self.order_type = None if context.order is None else context.order[1]
        self.trades: list[ev.Filled] = []
        self.bound: tuple[Ticks, str] | None = None  # of an order without a limit: worst price, what sets it
        self.touched: dict[OrderId, str] = {}  # what happened to other orders, for pairs
        if context.own_entry and isinstance(context.command, EnterOrder):
            self.words.append(asked(context.command, self.grid))
            self.asked = entry_asked(context.command, self.grid)
        elif context.own_amend and isinstance(context.command, AmendOrder):
            self.words.append(changed(context.command, self.grid))
            if context.order is not None:
                side, order_type, tif = context.order
                self.asked = amend_asked(context.command, side, order_type, tif, self.grid)

    @property
    def words(self) -> list[str]:
        """Where the next sentence goes: behind the walk as soon as there is one."""
        return self.last_words if self.walk else self.first_words

    def say(self, happened: str, *sentences: str) -> None:
        """Add what happened, once, and the sentences about it."""
        if happened not in self.happened:
            self.happened.append(happened)
        self.words.extend(sentences)

    def protect(self, protection: str, decision: str, sentence: str) -> None:
        """Add what a protection decided."""
        self.protections.append(Protection(protection, decision, sentence))

    def prevented(self) -> bool:
        """Whether self-trade prevention has decided something."""
        return any(protection.protection == "self_trade_prevention" for protection in self.protections)

    def level(self, price: Ticks) -> WalkedLevel:
        """The level at `price` of the walk; a new one, as the book has it now, when the walk comes to it."""
        if not self.walk or self.walk[-1].price != price:
            opposite = opposite_of(self.side or Side.BUY)
            self.walk.append(WalkedLevel.of(price, self.book.levels[opposite].get(price, [])))
        return self.walk[-1]

    def meet_own_order(self, order_id: OrderId, price: Ticks) -> None:
        """Mark an order of the same account as met on the walk."""
        line = self.level(price).lines.get(order_id)
        if line is not None:
            line.met = True

    def would_meet_own_order(self) -> None:
        """Add that the next order on the walk would have been one of the same account, where it would."""
        own = own_at_best(self.book, self.side or Side.BUY, self.context.viewer)
        if own is not None and own.price is not None:
            self.protect(
                "self_trade_prevention",
                "stopped",
                f"Self-trade prevention: the next it would have met was your own order {own.order_id}, "
                f"{self.grid.said(own.shown)} at {self.grid.price(own.price)}.",
            )

    def note_limits(self, side: Side, held_at: Ticks | None = None) -> None:
        """Add what collar, hold and band allowed; keep the nearest as the bound of an order without a limit."""
        collar = self.book.collar(side)
        if self.context.collar is not None:
            self.protect("collar", "passed", self.context.collar)
        elif collar is not None:
            self.protect("collar", "passed", f"Collar: nothing worse than {self.grid.price(collar)} could trade.")
        if held_at is not None:
            self.protect(
                "hold",
                "passed",
                f"Hold: while it waited it held money for a price of up to {self.grid.price(held_at)}: nothing above "
                "that could trade.",
            )
        band = self.book.band
        edge = None if band is None else band[1] if side is Side.BUY else band[0]
        bounds = [
            (price, name)
            for price, name in ((collar, "collar"), (held_at, "hold"), (edge, "price_band"))
            if price is not None
        ]
        if bounds:
            self.bound = (min if side is Side.BUY else max)(bounds, key=lambda bound: bound[0])
        if self.book.band is not None:
            low, high = self.book.band
            allowed = f"{self.grid.price(low)} to {self.grid.price(high)}"
            state = "" if self.book.limit_side is None else f"; the symbol was limit-{self._limit_word()}"
            self.protect("price_band", "passed", f"Price band: trades from {allowed} were allowed{state}.")

    def _limit_word(self) -> str:
        return "up" if self.book.limit_side is Side.BUY else "down"
