"""The matching engine alone, for other programs: order books without accounts, money or a server.

`MatchingEngine` is an `Exchange` made without accounts, with methods in the place of commands. The books, the rules
and the matcher are the exchange's own. What differs: nobody's money is held or moved, and nothing is remembered of
orders that are done, so their ids are free again.
Prices are whole ticks and quantities whole lots; a text is a decimal, counted in these. Layer: engine.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from engine import depth
from engine.amending import cancel_order
from engine.arguments import (
    CLIENT_ORDER_ID_LENGTH,
    SYMBOL_LENGTH,
    counted,
    member,
    name,
    on_grid,
    options_of,
    order_number,
    whole,
)
from engine.book import OrderBook
from engine.commands import (
    AdvanceTime,
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    EnterOrder,
    ListInstrument,
    OrderOptions,
    SetStatus,
)
from engine.entry import enter
from engine.events import Cancelled, Completed, Event, Expired, Filled, Rejected
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.order import Order
from engine.rejects import CancelReason, RejectReason
from engine.rulebook import CURRENT_EDITION
from engine.steps import Step
from engine.types import (
    LEG_UNIT,
    SANDBOX_ACCOUNT,
    AccountId,
    Amount,
    Lots,
    OrderId,
    OrderType,
    SelfTradePrevention,
    Seq,
    Side,
    Ticks,
    TimeInForce,
    TradingStatus,
)

__all__ = ["MatchingEngine", "Result"]

NO_LIMIT: Final = 10**18  # lots, and open orders
_LIMIT, _MARKET = OrderType.LIMIT, OrderType.MARKET
_GTC, _IOC = TimeInForce.GTC, TimeInForce.IOC
_REQUESTED = CancelReason.REQUESTED
_enter_order: Any = EnterOrder  # calling Lots(...) and the like for each number costs more than the command


class Result(list[Event]):
    """What came of one call: its events (`engine.events`), in order. The rest are short ways to read them."""

    __slots__ = ()

    @property
    def reject_reason(self) -> RejectReason | None:
        """Why the call was refused and nothing changed; None when it was carried out."""
        return self[0].reason if self and isinstance(self[0], Rejected) else None

    @property
    def fills(self) -> list[Filled]:
        """The trades, in order."""
        return [event for event in self if isinstance(event, Filled)]

    @property
    def done(self) -> list[OrderId]:
        """The ids of the orders that ended: filled, cancelled or expired."""
        return [event.order_id for event in self if isinstance(event, Completed | Cancelled | Expired)]


class MatchingEngine:
    """Order books under the exchange's rules, without accounts. Not for several threads at once.

    Orders are known by integers of the caller's choice, or where none is given by the number of the call. What an order
    may be refused for is a `Rejected` in the result; only an argument that can never be right raises, and changes
    nothing: TypeError for a number that is no int (a float, a Decimal, a bool), ValueError for a text that is no
    decimal, a word that is none of its enum, an empty or too long name. Enums are taken as members or as their words.
    """

    def __init__(self) -> None:
        self.exchange: Final = Exchange(CURRENT_EDITION, accounts=False)  # to read: everything about books and orders
        self._steps: dict[str, tuple[Step, Step]] = {}  # tick and lot by symbol
        self._numbered = 0  # the highest id that an order got for another had the number of its call

    def list_symbol(
        self,
        symbol: str,
        *,
        tick_size: int | str = 1,
        lot_size: int | str = 1,
        min_quantity: int | str = 1,
        max_quantity: int | str = NO_LIMIT,
        reference_price: int | str | None = None,
        collar: int | None = None,
        band: int | None = None,
        maker_fee: int = 0,
        taker_fee: int = 0,
    ) -> Result:
        """Begin trading in `symbol`, or change the limits of one that trades.

        Sizes are decimals; quantities are lots, the reference price ticks, or decimals; collar, band and fees are
        millionths. Raises ValueError for a symbol that is no text of 1 to 32 characters, a size that is no decimal
        above zero, a text off the grid, or limits that nothing can keep; TypeError for a number that is no int.
        """
        name(symbol, "symbol", SYMBOL_LENGTH)
        tick, lot = Step(tick_size), Step(lot_size)
        least = whole(on_grid(min_quantity, lot, "min_quantity"), "min_quantity", 1)
        reference = None if reference_price is None else on_grid(reference_price, tick, "reference_price")
        instrument = Instrument(
            symbol=symbol,
            base=symbol,
            quote=f"{symbol} price",
            tick_size=tick.size,
            lot_size=lot.size,
            quote_scale=tick.scale + lot.scale,
            lot_tick_amount=Amount(tick.units * lot.units),
            base_scale=lot.scale,
            lot_amount=Amount(lot.units),
            min_quantity=Lots(least),
            max_quantity=Lots(whole(on_grid(max_quantity, lot, "max_quantity"), "max_quantity", least)),
            max_notional=Amount(NO_LIMIT**3),
            maker_fee=whole(maker_fee, "maker_fee"),
            taker_fee=whole(taker_fee, "taker_fee"),
            collar=None if collar is None else whole(collar, "collar", 0),
            reference_price=None if reference is None else Ticks(whole(reference, "reference_price", 1)),
            max_open_orders=NO_LIMIT,
            band=None if band is None else whole(band, "band"),
        )
        return self.apply(ListInstrument(instrument))

    def enter(  # noqa: PLR0912 - a check an argument, and calls would cost more
        self,
        symbol: str,
        side: Side | Literal["buy", "sell"],
        quantity: int | str,
        price: int | str | None = None,
        time_in_force: TimeInForce | Literal["gtc", "ioc", "fok", "day", "gtd"] | None = None,
        *,
        order_id: int | None = None,
        client_order_id: str | None = None,
        account: int = SANDBOX_ACCOUNT,
        order_type: OrderType
        | Literal["market", "limit", "stop", "stop_limit", "trailing_stop", "take_profit", "take_profit_limit", "oco"]
        | None = None,
        self_trade_prevention: SelfTradePrevention
        | Literal["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]
        | None = None,
        options: OrderOptions | None = None,
    ) -> Result:
        """Enter one order: a limit order, or without a price a market order, unless `order_type` says another.

        Without a time in force a limit order rests until it is cancelled. Orders of one `account` other than 1 do not
        trade with each other, as `self_trade_prevention` says (None: the newest is cancelled). Texts among the options
        are decimals as well, that of `trail_percent` one of percent; a whole number there is of millionths.
        Raises ValueError for an `order_id` below 1 or from 10^15 on, a word that is none of its enum, a text that is no
        decimal, a `client_order_id` that is no text of 1 to 64 characters; TypeError for a number that is no int.
        """
        if side.__class__ is not Side:
            side = member(Side, side, "side")
        if order_type is None:
            order_type = _MARKET if price is None else _LIMIT
        elif order_type.__class__ is not OrderType:
            order_type = member(OrderType, order_type, "order_type")
        if time_in_force is None:
            time_in_force = _IOC if order_type is _MARKET else _GTC
        elif time_in_force.__class__ is not TimeInForce:
            time_in_force = member(TimeInForce, time_in_force, "time_in_force")
        if price.__class__ is not int and price is not None:
            price = self._price(symbol, price, "price")
        if quantity.__class__ is not int:
            quantity = self._quantity(symbol, quantity)
        if account.__class__ is not int:
            account = whole(account, "account")
        if client_order_id is not None:
            name(client_order_id, "client_order_id", CLIENT_ORDER_ID_LENGTH)
        if self_trade_prevention is not None:
            self_trade_prevention = member(SelfTradePrevention, self_trade_prevention, "self_trade_prevention")
        if options is not None:
            options = options_of(options, *self._steps.get(symbol, (None, None)))
        exchange: Any = self.exchange
        result = Result()
        command = _enter_order(
            account, symbol, side, order_type, time_in_force, quantity, price, client_order_id, None,
            self_trade_prevention, options,
        )  # fmt: skip
        seq = exchange.seq + 1
        if order_id is None:
            order_id = self._free_number(seq, options)
        elif order_id.__class__ is not int or not 0 < order_id < LEG_UNIT:
            order_id = order_number(order_id)
        exchange.seq, exchange.given_id = seq, order_id
        if order_id in exchange.orders or (options is not None and self._has_legs(order_id)):
            result.append(_refused_id(command, order_id))
        else:
            enter(exchange, command, result)
        return result

    def cancel(self, order_id: int | None = None, *, client_order_id: str | None = None, account: int = 1) -> Result:
        """Cancel one open order, by its id, or by the client order id that `account` gave it.

        Raises ValueError unless exactly one of the two is given, TypeError for an id that is no int.
        """
        if order_id.__class__ is not int or client_order_id is not None:
            return self._cancel_by_name(order_id, client_order_id, account)
        exchange, result = self.exchange, Result()
        number: Any = order_id
        order = exchange.orders.get(number)
        if order is None:
            return self._apply(CancelOrder(AccountId(whole(account, "account")), number))
        exchange.seq += 1  # type: ignore[assignment] # calling Seq() costs more
        cancel_order(exchange, order, _REQUESTED, result)
        return result

    def modify(
        self,
        order_id: int,
        *,
        price: int | str | None = None,
        quantity: int | str | None = None,
        stop_price: int | str | None = None,
    ) -> Result:
        """Change an open order; `quantity` is the whole, what is filled included, and None leaves a value as it is.

        It keeps its place in the queue when it only gets smaller, and else goes to the back, where it may trade. To
        lose the place in any case, cancel it and enter it anew under the same id.
        Raises TypeError for an id or a number that is no int, ValueError for a text that is no decimal.
        """
        order = self.order(order_id)
        owner, symbol = (SANDBOX_ACCOUNT, "") if order is None else (order.account, order.symbol)
        asked: tuple[Any, ...] = (
            None if price is None else self._price(symbol, price, "price"),
            None if quantity is None else self._quantity(symbol, quantity),
            None if stop_price is None else self._price(symbol, stop_price, "stop_price"),
        )
        return self._apply(AmendOrder(owner, OrderId(order_id), *asked))

    def cancel_all(self, account: int = SANDBOX_ACCOUNT, symbol: str | None = None) -> Result:
        """Cancel every open order of an account, of one symbol when given, oldest first.

        Raises KeyError when the symbol is not listed, TypeError for an account that is no int.
        """
        if symbol is not None:
            self._book(symbol)
        return self._apply(CancelAll(AccountId(whole(account, "account")), symbol))

    def set_status(
        self, symbol: str, status: TradingStatus | Literal["pre_open", "auction", "trading", "halted", "closed"]
    ) -> Result:
        """Open, halt or close a symbol, or let orders gather for an auction: trading begins with its uncross.

        Raises ValueError for a word that is no status.
        """
        return self._apply(SetStatus(symbol, member(TradingStatus, status, "status")))

    def advance(self, ts_ns: int) -> Result:
        """Set the clock, epoch nanoseconds, and let orders expire that are due. It stands at 0 before, and only rises.

        Raises ValueError when it would go back, TypeError for what is no int.
        """
        return self._apply(AdvanceTime(), whole(ts_ns, "ts_ns", self.exchange.ts_ns))

    def apply(self, command: Command, ts_ns: int | None = None) -> Result:
        """Carry out any command of the exchange, as the next in order; None leaves the clock as it is.

        A command has whole ticks and lots; a text there is a decimal off the grid, and refused. Raises ValueError for a
        field of another type, a word that is none of its enum, or a clock that would go back.
        """
        command = msgspec.convert(msgspec.to_builtins(command), Command)
        moment = None if ts_ns is None else whole(ts_ns, "ts_ns", self.exchange.ts_ns)
        if isinstance(command, EnterOrder):
            number = self._free_number(self.exchange.seq + 1, command.options)
            return self._apply(command, moment, OrderId(number))
        if not isinstance(command, ListInstrument):
            return self._apply(command, moment)
        instrument = command.instrument
        steps = Step(instrument.tick_size), Step(instrument.lot_size)
        result = self._apply(command, moment)
        if result.reject_reason is None:
            self._steps[instrument.symbol] = steps
        return result

    # -- what may be read

    def order(self, order_id: int) -> Order | None:
        """An open order, or None. O(1). Raises TypeError for an id that is no int."""
        if order_id.__class__ is not int:
            order_id = whole(order_id, "order_id")
        number: Any = order_id
        return self.exchange.orders.get(number)

    def bbo(self, symbol: str) -> depth.Bbo:
        """The best bid and offer. O(1). Raises KeyError when the symbol is not listed."""
        return depth.bbo(self._book(symbol))

    def depth(self, symbol: str, levels: int | None = None) -> tuple[list[depth.LevelView], list[depth.LevelView]]:
        """Bids and offers, the best first, each level as price, quantity and number of orders. O(levels).

        Raises KeyError when the symbol is not listed, ValueError for levels below zero.
        """
        book = self._book(symbol)
        if levels is not None:
            whole(levels, "levels", 0)
        return depth.l2(book.bids, levels), depth.l2(book.asks, levels)

    def price_text(self, symbol: str, price: int) -> str:
        """A price as a decimal. Raises KeyError when the symbol is not listed, TypeError for what is no int."""
        return self._steps_of(symbol)[0].text(whole(price, "price", 0))

    def quantity_text(self, symbol: str, quantity: int) -> str:
        """A quantity as a decimal. Raises KeyError when the symbol is not listed, TypeError for what is no int."""
        return self._steps_of(symbol)[1].text(whole(quantity, "quantity", 0))

    def _book(self, symbol: str) -> OrderBook:
        book = self.exchange.books.get(symbol)
        if book is None:
            raise KeyError(f"{symbol!r} is not listed")
        return book

    def _steps_of(self, symbol: str) -> tuple[Step, Step]:
        steps = self._steps.get(symbol)
        if steps is None:
            raise KeyError(f"{symbol!r} is not listed")
        return steps

    def _price(self, symbol: str, price: object, what: str) -> int | str:
        """A price in ticks; one off the grid stays a text, and the engine refuses it."""
        steps = self._steps.get(symbol)
        return counted(price, None if steps is None else steps[0], what)

    def _quantity(self, symbol: str, quantity: object) -> int | str:
        """A quantity in lots; one off the grid stays a text, and the engine refuses it."""
        steps = self._steps.get(symbol)
        return counted(quantity, None if steps is None else steps[1], "quantity")

    def _cancel_by_name(self, order_id: object, client_order_id: object, account: object) -> Result:
        if client_order_id is None:
            if order_id is None:
                raise ValueError("say which order to cancel: give order_id or client_order_id")
            return self.cancel(whole(order_id, "order_id"))
        if order_id is not None:
            raise ValueError("give order_id or client_order_id, not both: they may be of different orders")
        known_as = name(client_order_id, "client_order_id", CLIENT_ORDER_ID_LENGTH)
        return self._apply(CancelOrder(AccountId(whole(account, "account")), None, known_as))

    def _apply(self, command: Command, ts_ns: int | None = None, given_id: OrderId | None = None) -> Result:
        """Carry out a command that is right, as the next in order."""
        exchange = self.exchange
        exchange.given_id = given_id
        return Result(exchange.apply(command, Seq(exchange.seq + 1), exchange.ts_ns if ts_ns is None else ts_ns))

    def _free_number(self, seq: int, options: OrderOptions | None) -> int:
        """The id of an order that is given none: the number of its call, or where that is taken the next that is free.

        O(1), but for passing over ids that callers gave, each once.
        """
        number = seq
        if self._is_taken(number, options):
            number = max(seq, self._numbered) + 1
            while self._is_taken(number, options):
                number += 1
            self._numbered = number
        return number

    def _is_taken(self, order_id: int, options: OrderOptions | None) -> bool:
        return order_id in self.exchange.orders or (options is not None and self._has_legs(order_id))

    def _has_legs(self, order_id: int) -> bool:
        """Whether an exit of a done order of this id, or its other leg, is open still."""
        return any(OrderId(leg * LEG_UNIT + order_id) in self.exchange.orders for leg in (1, 2))


def _refused_id(command: EnterOrder, order_id: int) -> Rejected:
    """The answer to an order whose id is that of an open one."""
    reason = RejectReason.DUPLICATE_CLIENT_ORDER_ID
    return Rejected(command.account, command.symbol, reason, OrderId(order_id), command.client_order_id)
