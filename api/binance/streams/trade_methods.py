"""The methods of the ws-api that a key signs: orders and accounts, by the functions that answer REST.

Layer: api.binance.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from api.auth.principals import Principal
from api.binance.requests import (
    AccountQuery,
    AllOrders,
    AmendOrderRequest,
    CancelOrder,
    CancelReplace,
    EndPair,
    MyTrades,
    NewOrder,
    NewPair,
    OldPair,
    OneOrder,
    OnePair,
    OneSymbol,
    OpenOrders,
    Pairs,
    TestOrder,
)
from api.binance.streams.api_methods import ApiCall, Handler
from api.binance.wiring import SecondWire
from identity.users import Scope


class Signed(NamedTuple):
    """A method that asks for a key of a scope."""

    handle: Handler
    scope: Scope


class TradeMethods:
    """Those that a key signs."""

    def __init__(self, wire: SecondWire) -> None:
        self._wire = wire

    def table(self) -> dict[str, Signed]:
        """By name."""
        changes: dict[str, Handler] = {
            "order.place": lambda call: self._wire.orders.place(call.read(NewOrder), _caller(call), call.processing),
            "order.test": lambda call: self._wire.orders.test(call.read(TestOrder), _caller(call)),
            "order.cancel": lambda call: self._wire.orders.cancel(call.read(CancelOrder), _caller(call)),
            "order.cancelReplace": lambda call: self._wire.orders.cancel_replace(
                call.read(CancelReplace), _caller(call), call.processing
            ),
            "order.amend.keepPriority": lambda call: self._wire.orders.amend_keep_priority(
                call.read(AmendOrderRequest), _caller(call)
            ),
            "orderList.place.oco": lambda call: self._wire.pairs.place(
                call.read(NewPair), _caller(call), call.processing
            ),
            "orderList.place": lambda call: self._wire.pairs.place(call.read(OldPair), _caller(call), call.processing),
            "orderList.cancel": lambda call: self._wire.pairs.cancel(call.read(EndPair), _caller(call)),
            "openOrders.cancelAll": lambda call: self._wire.orders.cancel_all(
                call.read(OneSymbol).symbol, _caller(call)
            ),
        }
        reads: dict[str, Handler] = {
            "order.status": lambda call: self._wire.orders.query(call.read(OneOrder), _caller(call)),
            "openOrders.status": lambda call: self._wire.orders.open_orders(
                call.read(OpenOrders), _caller(call), call.charge
            ),
            "allOrders": lambda call: self._wire.history.all_orders(call.read(AllOrders), _caller(call), call.charge),
            "orderList.status": lambda call: self._wire.pairs.query(call.read(OnePair), _caller(call)),
            "openOrderLists.status": lambda call: self._wire.pairs.open_pairs(_caller(call), call.charge),
            "allOrderLists": lambda call: self._wire.pairs.all_pairs(call.read(Pairs), _caller(call), call.charge),
            "myTrades": lambda call: self._wire.history.my_trades(call.read(MyTrades), _caller(call), call.charge),
            "account.status": self._account,
            "account.commission": lambda call: self._wire.accounts.commission(
                call.read(OneSymbol).symbol, _caller(call)
            ),
            "account.rateLimits.orders": lambda call: self._wire.weights.order_limits(_caller(call)),
        }
        table = {name: Signed(handle, Scope.TRADE) for name, handle in changes.items()}
        return table | {name: Signed(handle, Scope.READ) for name, handle in reads.items()}

    def _account(self, call: ApiCall) -> Any:
        omit_zero = call.read(AccountQuery).omit_zero_balances == "true"
        return self._wire.accounts.account(_caller(call), omit_zero=omit_zero)


def _caller(call: ApiCall) -> Principal:
    """Who signed: every method of this module asks for a key."""
    if call.principal is None:
        raise TypeError("a method that is signed was called by nobody")
    return call.principal
