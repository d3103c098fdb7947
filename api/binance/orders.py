"""What a trader does on the second wire: parsed parameters and a principal -> structs as clients read them.

REST, the lane and ws-api call the same methods. No rule of trading is here: the services of the first wire decide.
Every method is cooperative and raises BinanceError for any answer but the one asked for.
Layer: api.binance.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec

from api.auth.principals import Principal
from api.binance.commissions import NO_RATES, Discount, Rates, rates_of
from api.binance.entering import lots_of, name_given, order_command
from api.binance.errors import (
    UNKNOWN_TO_A_QUERY,
    BinanceError,
    BinanceErrorBody,
    missing,
    not_required,
    of_api_error,
    refusals,
)
from api.binance.ids import client_order_id, generated_for, order_named
from api.binance.numbers import milliseconds
from api.binance.order_states import State, done_state, ended_state, entered_state, open_state, requested_state
from api.binance.order_views import (
    AmendedAnswer,
    CancelledOrder,
    OrderAck,
    OrderFill,
    OrderFull,
    OrderResult,
    QueriedOrder,
    ack_view,
    amended_view,
    cancelled_view,
    fill_view,
    full_view,
    queried_view,
    result_view,
)
from api.binance.requests import (
    AmendOrderRequest,
    CancelOrder,
    CancelReplace,
    NewOrder,
    OneOrder,
    OpenOrders,
    TestOrder,
)
from api.binance.symbols import SymbolTable
from api.http.documented import any_of
from api.http.processing import Processing
from api.json.errors import ApiError
from api.orders.entered import EnteredOrder, entered_orders
from api.orders.lookup import OrderLookup
from api.orders.service import OrderService
from engine import commands
from engine.commands import EnterOrder
from engine.events import Accepted, Amended, Cancelled, CommandResult
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.order import Order
from engine.types import AccountId, OrderId
from history.store import DoneOrder, Trade
from loop.turns import in_turns

REPEATED_NS: Final = 60 * 10**9  # a request is good for so long: a repetition of a done order that comes later is none
_FULL_BY_DEFAULT: Final = ("LIMIT", "MARKET")  # types whose answer has the fills unless it is asked for otherwise

Placed = OrderAck | OrderResult | OrderFull
Charge = Callable[[int], None]  # counts units of work for who asks; raises ApiError 429
CANCEL_RESPONSES: Final = (CancelledOrder, BinanceErrorBody)
ORDER_RESPONSES: Final = (OrderFull, OrderResult, OrderAck, BinanceErrorBody)


class CancelReplaced(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """POST order/cancelReplace, and the `data` of its errors."""

    cancel_result: str
    new_order_result: str
    cancel_response: Annotated[Any, any_of(*CANCEL_RESPONSES)]
    new_order_response: Annotated[Any, any_of(*ORDER_RESPONSES, otherwise="null: it was not attempted.")]


class TestAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """POST order/test: nothing, or with computeCommissionRates the commission of the order."""

    standard_commission_for_order: Rates | None = None
    tax_commission_for_order: Rates | None = None
    discount: Discount | None = None


class BinanceOrders:
    """The orders of one venue."""

    def __init__(
        self,
        exchange: Exchange,
        symbols: SymbolTable,
        service: OrderService,
        lookup: OrderLookup,
        count_order: Callable[[AccountId], None],
    ) -> None:
        """`count_order` is called for each order that an account sends."""
        self._count_order = count_order
        self._exchange = exchange
        self._symbols = symbols
        self._service = service
        self._lookup = lookup

    # -- entering

    def place(self, asked: NewOrder, principal: Principal, processing: Processing) -> Placed:
        """POST order. The same fields under the same newClientOrderId once more are the same order."""
        self._count_order(principal.account)
        command = order_command(asked, principal.account, self._symbols.instrument(asked.symbol))
        wanted = asked.new_order_resp_type or ("FULL" if asked.type in _FULL_BY_DEFAULT else "ACK")
        return self._enter(command, asked.symbol, wanted, processing)

    def _enter(self, command: EnterOrder, name: str, wanted: str, processing: Processing) -> Placed:
        with refusals():
            applied = self._service.apply_entry(command, processing)
        if not isinstance(applied, CommandResult):
            return self._repeated(applied.first, command, name, wanted)
        first = applied.events[0]
        if not isinstance(first, Accepted):
            raise TypeError(f"an order caused {first}")
        order = entered_orders(applied.events)[first.order_id]
        return self._placed(order, command, name, wanted, applied.ts_ns)

    def test(self, asked: TestOrder, principal: Principal) -> TestAnswer:
        """POST order/test: what POST order would refuse is refused; nothing is entered."""
        instrument = self._symbols.instrument(asked.symbol)
        command = order_command(asked, principal.account, instrument)
        with refusals():
            preview = self._service.test(command)
        if not preview.accepted:
            raise of_api_error(ApiError(400, preview.error_code or "", preview.error or ""))
        if asked.compute_commission_rates == "false":
            return TestAnswer()
        rates = rates_of(self._exchange, principal.account, instrument)
        return TestAnswer(standard_commission_for_order=rates, tax_commission_for_order=NO_RATES, discount=Discount())

    def _placed(self, order: EnteredOrder, command: EnterOrder, name: str, wanted: str, ts_ns: int) -> Placed:
        state = entered_state(order, ts_ns)
        if wanted == "ACK":
            return ack_view(state, name, ts_ns)
        instrument = self._exchange.books[command.symbol].instrument
        asked_quote = command.quote_quantity if isinstance(command.quote_quantity, int) else 0
        if wanted == "RESULT":
            return result_view(state, instrument, name, ts_ns, asked_quote)
        fills = [
            fill_view(
                trade.price,
                trade.quantity,
                trade.taker_fee if trade.taker_order_id == state.order_id else trade.maker_fee,
                trade.trade_id,
                instrument,
            )
            for trade in order.trades
        ]
        return full_view(state, instrument, name, ts_ns, asked_quote, fills)

    def _repeated(self, first: OrderId, command: EnterOrder, name: str, wanted: str) -> Placed:
        """The answer to a repetition: the order as it is now; of one that is long done, -2010."""
        with refusals():
            state = self._state(self._lookup.find(first, command.account))
            trades = self._lookup.fills_of(first) if wanted == "FULL" else []
        is_open = self._exchange.order(first) is not None
        if not is_open and self._exchange.ts_ns - state.entered_ns > REPEATED_NS:
            raise BinanceError(-2010, "Duplicate order sent.")
        instrument = self._exchange.books[state.symbol].instrument
        if wanted == "ACK":
            return ack_view(state, name, state.entered_ns)
        if wanted == "RESULT":
            return result_view(state, instrument, name, state.entered_ns)
        return full_view(
            state, instrument, name, state.entered_ns, 0, [_fill_of(trade, first, instrument) for trade in trades]
        )

    # -- ending and changing

    def cancel(self, asked: CancelOrder, principal: Principal) -> CancelledOrder:
        """DELETE order."""
        instrument = self._symbols.instrument(asked.symbol)
        if asked.cancel_restrictions is not None:
            raise not_required("cancelRestrictions", "An order is cancelled here whatever is filled of it.")
        cancel_name = name_given("newClientOrderId", asked.new_client_order_id)
        command = self._cancel_command(asked.order_id, asked.orig_client_order_id, principal.account, instrument)
        with refusals():
            applied, event = self._service.apply_cancel(command)
        return self._cancelled(event, applied.ts_ns, asked.symbol, instrument, cancel_name)

    def cancel_all(self, name: str, principal: Principal) -> list[CancelledOrder]:
        """DELETE openOrders. Raises BinanceError -2011 where nothing is open."""
        instrument = self._symbols.instrument(name)
        with refusals():
            results = self._service.apply_cancel_all(
                commands.CancelAll(principal.account, instrument.symbol, None, by_operator=False)
            )
        ended = [
            self._cancelled(event, applied.ts_ns, name, instrument, None)
            for applied in results
            for event in in_turns(applied.events)
            if isinstance(event, Cancelled) and event.account == principal.account
        ]
        if not ended:
            raise BinanceError(-2011, "Unknown order sent.")
        return ended

    def cancel_replace(self, asked: CancelReplace, principal: Principal, processing: Processing) -> CancelReplaced:
        """POST order/cancelReplace: a cancel, then an order; two commands, one behind the other."""
        instrument = self._symbols.instrument(asked.symbol)
        if asked.cancel_order_id is None and asked.cancel_orig_client_order_id is None:
            raise missing("cancelOrderId")
        order_command(asked, principal.account, instrument)  # what is malformed cancels nothing
        self._require_new_name(asked, principal.account)
        ending = CancelOrder(
            symbol=asked.symbol,
            order_id=asked.cancel_order_id,
            orig_client_order_id=asked.cancel_orig_client_order_id,
            new_client_order_id=asked.cancel_new_client_order_id,
            cancel_restrictions=asked.cancel_restrictions,
        )
        cancelled: CancelledOrder | BinanceError
        try:
            cancelled = self.cancel(ending, principal)
        except BinanceError as refusal:
            cancelled = refusal
            if asked.cancel_replace_mode == "STOP_ON_FAILURE":
                raise _replace_failed(cancelled, None) from refusal
        placed: Placed | BinanceError
        try:
            placed = self.place(asked, principal, processing)
        except BinanceError as refusal:
            placed = refusal
        if isinstance(cancelled, BinanceError) or isinstance(placed, BinanceError):
            raise _replace_failed(cancelled, placed)
        return CancelReplaced(
            cancel_result="SUCCESS", new_order_result="SUCCESS", cancel_response=cancelled, new_order_response=placed
        )

    def amend_keep_priority(self, asked: AmendOrderRequest, principal: Principal) -> AmendedAnswer:
        """PUT order/amend/keepPriority: less of an open order."""
        instrument, account = self._symbols.instrument(asked.symbol), principal.account
        if asked.new_client_order_id is not None:
            raise not_required("newClientOrderId", "An order keeps its client order id.")
        quantity = lots_of("newQty", asked.new_qty, instrument)
        with refusals(UNKNOWN_TO_A_QUERY):
            order = self._find(asked.order_id, asked.orig_client_order_id, account, instrument)
        if isinstance(order, DoneOrder):
            raise BinanceError(-2013, "Order does not exist.")
        if isinstance(quantity, int) and not order.cum < quantity < order.quantity:
            raise BinanceError(-2038, "The new quantity must be below the order's, and above what is filled of it.")
        with refusals():
            applied = self._service.apply_amend(commands.AmendOrder(account, order.order_id, None, quantity))
        first = applied.events[0]
        if isinstance(first, Cancelled):  # it traded meanwhile
            state = ended_state(first, applied.ts_ns)
        elif isinstance(first, Amended):
            state = msgspec.structs.replace(
                open_state(order, applied.ts_ns), quantity=first.quantity, terms=first.terms
            )
        else:
            raise TypeError(f"an amend caused {first}")
        return AmendedAnswer(
            transact_time=milliseconds(applied.ts_ns),
            execution_id=applied.seq,
            amended_order=amended_view(state, instrument, asked.symbol),
        )

    # -- looking up

    def query(self, asked: OneOrder, principal: Principal) -> QueriedOrder:
        """GET order."""
        instrument = self._symbols.instrument(asked.symbol)
        with refusals(UNKNOWN_TO_A_QUERY):
            order = self._find(asked.order_id, asked.orig_client_order_id, principal.account, instrument)
        return queried_view(self._state(order), instrument, asked.symbol)

    def open_orders(self, asked: OpenOrders, principal: Principal, charge: Charge) -> list[QueriedOrder]:
        """GET openOrders, oldest first."""
        with refusals():
            charge(self._lookup.open_orders_units(principal.account))
        symbol = None if asked.symbol is None else self._symbols.instrument(asked.symbol).symbol
        return [self.view(order) for order in in_turns(self._lookup.open_orders(principal.account, symbol))]

    def view(self, order: Order | DoneOrder) -> QueriedOrder:
        """An order as GET order shows it."""
        instrument = self._exchange.books[order.symbol].instrument
        return queried_view(self._state(order), instrument, self._symbols.binance(order.symbol))

    # -- steps

    def _state(self, order: Order | DoneOrder) -> State:
        if isinstance(order, DoneOrder):
            linked = None if order.terms is None else order.terms.linked_to
            other = None if linked is None else self._lookup.known(linked)
            return done_state(order, other if isinstance(other, DoneOrder) else None)
        return open_state(order, self._lookup.last_traded_ns(order.order_id) if order.cum else None)

    def _find(
        self, order_id: int | None, name: str | None, account: AccountId, instrument: Instrument
    ) -> Order | DoneOrder:
        """One order by either id, or by both where both are its own. Raises ApiError, BinanceError."""
        _require_id(order_id, name)
        if order_id is None:
            return order_named(self._lookup, name or "", account, instrument.symbol)
        order = self._lookup.find(OrderId(order_id), account, instrument.symbol)
        if name is not None and client_order_id(order.order_id, order.client_order_id) != name:
            raise BinanceError(-2013, "Order does not exist.")
        return order

    def _cancel_command(
        self, order_id: int | None, name: str | None, account: AccountId, instrument: Instrument
    ) -> commands.CancelOrder:
        _require_id(order_id, name)
        generated = None if name is None else generated_for(name)
        if generated is not None and order_id in (None, generated):
            shown = self._exchange.order(generated)
            if shown is not None and shown.account == account and shown.client_order_id is None:
                order_id, name = generated, None
        number = None if order_id is None else OrderId(order_id)
        return commands.CancelOrder(account, number, name, instrument.symbol, by_operator=False)

    def _require_new_name(self, asked: CancelReplace, account: AccountId) -> None:
        """Raise BinanceError where the new order has the name of the one that it replaces: it would be its repetition.

        So nothing is cancelled, as names are used for good.
        """
        name, old_name = asked.new_client_order_id, asked.cancel_orig_client_order_id
        if name is None:
            return
        old = asked.cancel_order_id or self._exchange.order_id_of(account, old_name or "")
        if name == old_name or (old is not None and old == self._exchange.order_id_of(account, name)):
            raise BinanceError(-2010, "Duplicate order sent.")

    def _cancelled(
        self, event: Cancelled, ts_ns: int, name: str, instrument: Instrument, cancel_name: str | None
    ) -> CancelledOrder:
        shown = secrets.token_hex(11) if cancel_name is None else cancel_name
        return cancelled_view(requested_state(event, ts_ns), instrument, name, ts_ns, shown)


def _require_id(order_id: int | None, name: str | None) -> None:
    if order_id is None and name is None:
        raise BinanceError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")


def _fill_of(trade: Trade, order_id: OrderId, instrument: Instrument) -> OrderFill:
    fee = trade.taker_fee if trade.taker_order_id == order_id else trade.maker_fee
    return fill_view(trade.price, trade.quantity, fee, trade.trade_id, instrument)


def _replace_failed(cancelled: CancelledOrder | BinanceError, placed: Placed | BinanceError | None) -> BinanceError:
    """What a cancelReplace that failed, or half of it, answers."""
    data = CancelReplaced(
        cancel_result="FAILURE" if isinstance(cancelled, BinanceError) else "SUCCESS",
        new_order_result="NOT_ATTEMPTED"
        if placed is None
        else "FAILURE"
        if isinstance(placed, BinanceError)
        else "SUCCESS",
        cancel_response=cancelled.body() if isinstance(cancelled, BinanceError) else cancelled,
        new_order_response=placed.body() if isinstance(placed, BinanceError) else placed,
    )
    if "SUCCESS" in (data.cancel_result, data.new_order_result):
        return BinanceError(-2021, "Order cancel-replace partially failed.", 409, data=data)
    return BinanceError(-2022, "Order cancel-replace failed.", data=data)
