"""What a command found: one symbol and one order of it as they were before it.

Layer: explain. Pure, except that it renews the price band, as applying the command does right after.
"""

from __future__ import annotations

from engine.accounts import default_prevention
from engine.book import OrderBook
from engine.commands import AmendOrder, CancelOrder, Command, EnterOrder
from engine.entry import duplicate_answer
from engine.exchange import Exchange
from engine.rejects import RejectReason
from engine.rulebook import DUPLICATES_FIRST_SINCE
from engine.triggers import hold_price
from engine.types import AccountId, OrderId, OrderType, SelfTradePrevention, Side, Ticks, TradingStatus, entry_of
from explain.answers import FundsSeen
from explain.chapter_parts import place_of
from explain.checks import (
    amend_funds,
    amend_sentences,
    collar_sentence,
    entry_funds,
    entry_rules,
    entry_sentences,
    funds_sentence,
)
from explain.folded_book import FoldedBook
from listings.grid import Grid, grid_of


class CommandContext:
    """One symbol and one order of it before a command; `book` then follows the command's events."""

    def __init__(
        self,
        exchange: Exchange,
        command: Command,
        seq: int,
        ts_ns: int,
        symbol: str,
        order_id: OrderId,
        account: AccountId,
    ) -> None:
        """Copy the book, as the owner of the order may see it. O(orders), bounded.

        The symbol must be listed; `command` is what is applied to `exchange` next.
        """
        book = exchange.books[symbol]
        order = exchange.order(order_id)
        own_entry = isinstance(command, EnterOrder) and _enters(command, seq, order_id)
        own_amend = isinstance(command, AmendOrder) and command.order_id == order_id and order is not None
        trading = book.status is TradingStatus.TRADING
        comes = isinstance(command, EnterOrder) and not _is_answered_first(exchange, command, ts_ns)
        renews = own_amend or (comes and isinstance(command, EnterOrder) and command.symbol == symbol)
        if renews and trading and book.instrument.band is not None:
            book.renew_band(ts_ns)
        self.grid: Grid = grid_of(book.instrument)
        self.seq, self.ts_ns, self.command, self.symbol, self.order_id = seq, ts_ns, command, symbol, order_id
        self.book = FoldedBook(book)
        self.viewer = account
        self.side: Side | None = None if order is None else order.side
        self.terms = None if order is None else order.terms
        self.rates = _rates(exchange, book, account) if order is None else (order.maker_rate, order.taker_rate)
        self.leaves = 0 if order is None else order.leaves
        self.limit = None if order is None else order.price
        self.prevention = SelfTradePrevention.NONE if order is None else order.prevention
        moved = own_amend and isinstance(command, AmendOrder) and command.stop_price is not None
        self._held_at = None if order is None or moved else order.hold_price
        self.order = None if order is None else (order.side, order.order_type, order.time_in_force)
        self.sentences: dict[RejectReason, str] = {}
        self.funds: FundsSeen | None = None
        self.collar: str | None = None
        self.entry_rules = entry_rules(exchange.rulebook)
        if own_entry and isinstance(command, EnterOrder):
            self.side = command.side
            if comes:
                self._add_entry(exchange, command)
        elif own_amend and isinstance(command, AmendOrder) and order is not None:
            self.funds = amend_funds(exchange, command, order, book)
            self.sentences = amend_sentences(exchange, command, order, book)
            if self.funds is not None:
                self.sentences[RejectReason.INSUFFICIENT_FUNDS] = funds_sentence(self.funds)
            if isinstance(command.price, int):
                self.collar = collar_sentence(self.book, order.side, Ticks(command.price), self.grid)
                if self.collar:
                    self.sentences[RejectReason.PRICE_OUTSIDE_COLLAR] = self.collar
        self.own_entry, self.own_amend = own_entry, own_amend
        self.own_command = own_entry or (
            isinstance(command, AmendOrder | CancelOrder)
            and command.order_id == order_id
            and command.account == account
        )
        self.place_before = place_of(self.book, order_id, self.grid)

    def held_at(self, stop_price: Ticks) -> Ticks | None:
        """The price that the order holds money for until it triggers at `stop_price`; None when it holds its lots."""
        if self._held_at is not None or self.side is None:
            return self._held_at
        return hold_price(self.side, stop_price, self.grid.instrument)

    def _add_entry(self, exchange: Exchange, command: EnterOrder) -> None:
        book = exchange.books[command.symbol]
        asked = command.self_trade_prevention
        owner = exchange.account(command.account)
        self.prevention = default_prevention(owner, command.account) if asked is None else asked
        self.sentences = entry_sentences(exchange, command, book, self.ts_ns)
        self.funds = entry_funds(exchange, command, book, self.ts_ns)
        if self.funds is not None:
            self.sentences[RejectReason.INSUFFICIENT_FUNDS] = funds_sentence(self.funds)
        price = Ticks(command.price) if isinstance(command.price, int) else None
        if command.order_type in (OrderType.LIMIT, OrderType.OCO, OrderType.MARKET):
            self.collar = collar_sentence(self.book, command.side, price, self.grid)
            if self.collar:
                self.sentences[RejectReason.PRICE_OUTSIDE_COLLAR] = self.collar


def _enters(command: EnterOrder, seq: int, order_id: OrderId) -> bool:
    """Whether the command asks for this order: exits come of the entry's end, be it in the same command."""
    return order_id == seq or (command.order_type is OrderType.OCO and entry_of(order_id) == seq)


def _is_answered_first(exchange: Exchange, command: EnterOrder, ts_ns: int) -> bool:
    """Whether an order is answered by its client order id alone, before any other rule."""
    name = command.client_order_id
    if name is None or exchange.rulebook < DUPLICATES_FIRST_SINCE or command.symbol not in exchange.books:
        return False
    return duplicate_answer(exchange, command, name, ts_ns) is not None


def account_of(command: Command) -> AccountId | None:
    """Whose command it is; None for the clock's and for those about symbols."""
    account: AccountId | None = getattr(command, "account", None)
    return account


def _rates(exchange: Exchange, book: OrderBook, account: AccountId) -> tuple[int, int]:
    """The maker and taker rates of an order that is entered now."""
    own, instrument = exchange.account(account).configuration, book.instrument
    maker = instrument.maker_fee if own.maker_fee is None else own.maker_fee
    taker = instrument.taker_fee if own.taker_fee is None else own.taker_fee
    return maker, taker
