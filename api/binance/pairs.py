"""Pairs of which one cancels the other: orderList and order/oco. A pair is named by the id of its first leg's command.

Every method is cooperative and raises BinanceError for any answer but the one asked for.
Layer: api.binance.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from api.auth.principals import Principal
from api.binance.entering import name_given, old_pair_command, pair_command
from api.binance.errors import BinanceError, refusals
from api.binance.ids import client_order_id, order_named
from api.binance.numbers import milliseconds
from api.binance.order_history import NEWEST_ORDER
from api.binance.order_states import entered_state, requested_state
from api.binance.order_views import CancelledOrder, OrderResult, cancelled_view, result_view
from api.binance.orders import Charge
from api.binance.requests import EndPair, NewPair, OldPair, OnePair, Pairs
from api.binance.statuses import is_of_pair
from api.binance.symbols import SymbolTable
from api.http.documented import any_of
from api.http.limits import ROWS_A_UNIT
from api.http.processing import Processing
from api.json.requests import MAX_PAGE
from api.orders.entered import entered_orders
from api.orders.lookup import OrderLookup
from api.orders.service import OrderService
from engine.commands import CancelOrder, EnterOrder
from engine.events import Cancelled, CommandResult
from engine.exchange import Exchange
from engine.order import Order
from engine.types import STOP_LEG, AccountId, OrderId, entry_of, leg_id
from history.reader import HistoryReader
from history.store import DoneOrder
from loop.turns import in_turns

UNKNOWN_LIST: Final = (-2018, "Order list does not exist.")

REPORTS: Final = (OrderResult, CancelledOrder)

Leg = Order | DoneOrder


class LegId(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One order of a pair."""

    symbol: str
    order_id: int
    client_order_id: str


class PairView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A pair, and where it stands."""

    order_list_id: int
    contingency_type: Literal["OCO"] = "OCO"
    list_status_type: Literal["EXEC_STARTED", "ALL_DONE"]
    list_order_status: Literal["EXECUTING", "ALL_DONE"]
    list_client_order_id: str
    transaction_time: int
    symbol: str
    orders: list[LegId]
    order_reports: list[Annotated[Any, any_of(*REPORTS)]] | UnsetType = UNSET


class BinancePairs:
    """The pairs of one venue."""

    def __init__(
        self,
        exchange: Exchange,
        symbols: SymbolTable,
        service: OrderService,
        lookup: OrderLookup,
        history: HistoryReader,
        count_order: Callable[[AccountId], None],
    ) -> None:
        """`count_order` is called for each order of a pair that an account sends."""
        self._count_order = count_order
        self._exchange = exchange
        self._symbols = symbols
        self._service = service
        self._lookup = lookup
        self._history = history

    def place(self, asked: NewPair | OldPair, principal: Principal, processing: Processing) -> PairView:
        """POST orderList/oco and order/oco."""
        instrument = self._symbols.instrument(asked.symbol)
        for _ in range(2):
            self._count_order(principal.account)
        command: EnterOrder
        if isinstance(asked, NewPair):
            command = pair_command(asked, principal.account, instrument)
        else:
            command = old_pair_command(asked, principal.account, instrument)
        with refusals():
            applied = self._service.apply_entry(command, processing)
            if not isinstance(applied, CommandResult):
                return self._view(self._legs_of(applied.first, principal.account))
        entered = list(entered_orders(applied.events).values())
        first = entered[0].order_id
        reports: list[OrderResult] | UnsetType = UNSET
        if asked.new_order_resp_type != "ACK":
            reports = [
                result_view(entered_state(leg, applied.ts_ns), instrument, asked.symbol, applied.ts_ns)
                for leg in entered
                if entry_of(leg.order_id) == first
            ]
        return PairView(
            order_list_id=first,
            list_status_type="EXEC_STARTED",
            list_order_status="EXECUTING",
            list_client_order_id=client_order_id(first, command.client_order_id),
            transaction_time=milliseconds(applied.ts_ns),
            symbol=asked.symbol,
            orders=[
                _leg_id(leg.order_id, leg.accepted.client_order_id, asked.symbol)
                for leg in entered
                if entry_of(leg.order_id) == first
            ],
            order_reports=reports,
        )

    def query(self, asked: OnePair, principal: Principal) -> PairView:
        """GET orderList."""
        return self._view(self._find(asked.order_list_id, asked.orig_client_order_id, principal.account, None))

    def open_pairs(self, principal: Principal, charge: Charge) -> list[PairView]:
        """GET openOrderList, oldest first. O(open orders)."""
        found: dict[OrderId, list[Leg]] = {}
        for order in in_turns(self._open_orders(principal.account, charge)):
            if is_of_pair(order.terms):
                entry = entry_of(order.order_id)
                if entry not in found:
                    found[entry] = self._legs_of(entry, principal.account)
        return [self._view(legs) for legs in in_turns(found.values()) if legs]

    def all_pairs(self, asked: Pairs, principal: Principal, charge: Charge) -> list[PairView]:
        """GET allOrderList: of the orders that are open and the newest thousand that are done, oldest first."""
        account, until = principal.account, self._exchange.seq
        found: dict[OrderId, dict[OrderId, Leg]] = {}
        for order in in_turns(self._open_orders(account, charge)):
            if is_of_pair(order.terms):
                found.setdefault(entry_of(order.order_id), {})[order.order_id] = order
        with refusals():
            self._history.wait_for(until)
            page = self._history.orders(account, None, NEWEST_ORDER, MAX_PAGE, None, until)
            charge(len(page) // ROWS_A_UNIT)
            for done in in_turns(page):
                if is_of_pair(done.terms):
                    found.setdefault(entry_of(done.order_id), {})[done.order_id] = done  # it may have ended since
        views = []
        for entry in in_turns(sorted(found)):
            legs = sorted(found[entry].values(), key=lambda leg: leg.order_id)
            time = milliseconds(legs[0].entered_ns)
            if entry >= (asked.from_id or 0) and (asked.start_time or 0) <= time <= (asked.end_time or 2**63):
                views.append(self._view(legs))
        from_the_oldest = asked.from_id is not None or asked.start_time is not None
        return views[: asked.limit] if from_the_oldest else views[-asked.limit :]

    def cancel(self, asked: EndPair, principal: Principal) -> PairView:
        """DELETE orderList: both legs."""
        instrument = self._symbols.instrument(asked.symbol)
        cancel_name = name_given("newClientOrderId", asked.new_client_order_id) or secrets.token_hex(11)
        legs = self._find(asked.order_list_id, asked.list_client_order_id, principal.account, instrument.symbol)
        open_leg = next((leg for leg in legs if isinstance(leg, Order)), None)
        if open_leg is None:
            raise BinanceError(-2011, "Unknown order sent.")
        with refusals():
            applied, _ = self._service.apply_cancel(
                CancelOrder(principal.account, open_leg.order_id, None, instrument.symbol, by_operator=False)
            )
        entry = entry_of(open_leg.order_id)
        reports = [
            cancelled_view(requested_state(event, applied.ts_ns), instrument, asked.symbol, applied.ts_ns, cancel_name)
            for event in applied.events
            if isinstance(event, Cancelled) and entry_of(event.order_id) == entry
        ]
        view = self._view(legs)
        return msgspec.structs.replace(
            view,
            list_status_type="ALL_DONE",
            list_order_status="ALL_DONE",
            transaction_time=milliseconds(applied.ts_ns),
            order_reports=sorted(reports, key=lambda report: report.order_id),
        )

    # -- steps

    def _open_orders(self, account: AccountId, charge: Charge) -> list[Order]:
        """The open orders of an account, oldest first; a walk through many counts for more."""
        with refusals():
            charge(self._lookup.open_orders_units(account))
        return self._lookup.open_orders(account)

    def _find(self, list_id: int | None, name: str | None, account: AccountId, symbol: str | None) -> list[Leg]:
        """The legs of a pair by its id or its name. Raises BinanceError."""
        if list_id is None and name is None:
            raise BinanceError(
                -1102, "Param 'origClientOrderId' or 'orderListId' must be sent, but both were empty/null!"
            )
        with refusals(UNKNOWN_LIST):
            if list_id is None:
                list_id = order_named(self._lookup, name or "", account).order_id
            legs = self._legs_of(OrderId(list_id), account)
        if not legs or symbol not in (None, legs[0].symbol):
            raise BinanceError(*UNKNOWN_LIST)
        return legs

    def _legs_of(self, entry: OrderId, account: AccountId) -> list[Leg]:
        """Both legs of a pair; none where that is no pair. Raises ApiError 404."""
        first = self._lookup.find(entry, account)
        if not is_of_pair(first.terms):
            return []
        return [first, self._lookup.find(leg_id(entry, STOP_LEG), account)]

    def _view(self, legs: list[Leg]) -> PairView:
        first = legs[0]
        name = self._symbols.binance(first.symbol)
        executing = any(isinstance(leg, Order) for leg in legs)
        entry = entry_of(first.order_id)
        return PairView(
            order_list_id=entry,
            list_status_type="EXEC_STARTED" if executing else "ALL_DONE",
            list_order_status="EXECUTING" if executing else "ALL_DONE",
            list_client_order_id=client_order_id(entry, first.client_order_id),
            transaction_time=milliseconds(first.entered_ns),
            symbol=name,
            orders=[_leg_id(leg.order_id, leg.client_order_id, name) for leg in legs],
        )


def _leg_id(order_id: OrderId, given: str | None, name: str) -> LegId:
    return LegId(symbol=name, order_id=order_id, client_order_id=client_order_id(order_id, given))
