"""REST of the second wire: orders and accounts. Parse, ask, format; nothing is decided here.

All of it is signed. What comes by the lane does not come here.
Layer: api.binance.
"""

from __future__ import annotations

from typing import Any, TypeVar

from flask import Blueprint, Response, g, request

from api.binance.accounts import AccountInfo, BinanceAccounts
from api.binance.commissions import Commission, TradeFee
from api.binance.lane import ORDER
from api.binance.market_others import Coin
from api.binance.order_history import BinanceHistory
from api.binance.order_views import (
    AmendedAnswer,
    CancelledOrder,
    OrderAck,
    OrderFull,
    OrderResult,
    QueriedOrder,
    TradeRow,
)
from api.binance.orders import CANCEL_RESPONSES, ORDER_RESPONSES, BinanceOrders, CancelReplaced, TestAnswer
from api.binance.pairs import REPORTS, BinancePairs, PairView
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
    read,
)
from api.binance.signing import PARAMETERS, Signing
from api.binance.surface import described, surface
from api.binance.weights import OrderLimit, Weights
from api.http.documented import Access
from api.http.limits import charge
from api.http.processing import processing_of
from api.http.responses import answer, long_list_answer
from identity.users import Scope

T = TypeVar("T")

NAME = "binance"


def blueprint(
    orders: BinanceOrders,
    pairs: BinancePairs,
    history: BinanceHistory,
    accounts: BinanceAccounts,
    signing: Signing,
    weights: Weights,
) -> Blueprint:
    """The signed routes."""
    routes = surface(NAME)

    @routes.after_request
    def say_what_is_used(response: Response) -> Response:
        response.headers.extend(weights.headers(request.environ, g.get("openbell_principal")))
        return response

    _add_orders(routes, orders, signing)
    _add_changes(routes, orders, signing)
    _add_reads(routes, orders, history, signing)
    _add_pairs(routes, pairs, signing)
    _add_accounts(routes, accounts, signing, weights)
    return routes


def _add_orders(routes: Blueprint, orders: BinanceOrders, signing: Signing) -> None:
    @routes.post(ORDER)
    @described(Access.ACCOUNT, (OrderFull, OrderResult, OrderAck), query=NewOrder, errors=(503,))
    def place_order() -> Response:
        """Enter one order. The same order under the same newClientOrderId once more is answered as the first was."""
        principal = signing.requesting(Scope.TRADE)
        return answer(orders.place(_asked(NewOrder), principal, processing_of(request.environ)))

    @routes.post(f"{ORDER}/test")
    @described(Access.ACCOUNT, TestAnswer, query=TestOrder, errors=(503,))
    def test_order() -> Response:
        """Refuse what POST order would refuse; nothing is entered."""
        return answer(orders.test(_asked(TestOrder), signing.requesting(Scope.TRADE)))

    @routes.get(ORDER)
    @described(Access.ACCOUNT, QueriedOrder, query=OneOrder, errors=(503,))
    def query_order() -> Response:
        """One order, open or done."""
        return answer(orders.query(_asked(OneOrder), signing.requesting(Scope.READ)))

    @routes.delete(ORDER)
    @described(Access.ACCOUNT, CancelledOrder, query=CancelOrder, errors=(503,))
    def cancel_order() -> Response:
        """Cancel one order."""
        return answer(orders.cancel(_asked(CancelOrder), signing.requesting(Scope.TRADE)))


def _add_changes(routes: Blueprint, orders: BinanceOrders, signing: Signing) -> None:
    @routes.post(f"{ORDER}/cancelReplace")
    @described(
        Access.ACCOUNT,
        CancelReplaced,
        query=CancelReplace,
        errors=(409, 503),
        named=(*CANCEL_RESPONSES, *ORDER_RESPONSES),
    )
    def cancel_and_replace() -> Response:
        """Cancel one order and enter another. Where one of the two fails, `data` has both outcomes."""
        principal = signing.requesting(Scope.TRADE)
        return answer(orders.cancel_replace(_asked(CancelReplace), principal, processing_of(request.environ)))

    @routes.put(f"{ORDER}/amend/keepPriority")
    @described(Access.ACCOUNT, AmendedAnswer, query=AmendOrderRequest, errors=(503,))
    def amend_order() -> Response:
        """Take an order's quantity down; it keeps its place in the queue."""
        return answer(orders.amend_keep_priority(_asked(AmendOrderRequest), signing.requesting(Scope.TRADE)))

    @routes.delete("/api/v3/openOrders")
    @described(Access.ACCOUNT, list[CancelledOrder], query=OneSymbol, errors=(503,))
    def cancel_open_orders() -> Response:
        """Cancel every open order in a symbol."""
        principal = signing.requesting(Scope.TRADE)
        return long_list_answer(orders.cancel_all(_asked(OneSymbol).symbol, principal))


def _add_reads(routes: Blueprint, orders: BinanceOrders, history: BinanceHistory, signing: Signing) -> None:
    @routes.get("/api/v3/openOrders")
    @described(Access.ACCOUNT, list[QueriedOrder], query=OpenOrders)
    def list_open_orders() -> Response:
        """The open orders in a symbol, or in all, oldest first."""
        principal = signing.requesting(Scope.READ)
        return long_list_answer(orders.open_orders(_asked(OpenOrders), principal, charge))

    @routes.get("/api/v3/allOrders")
    @described(Access.ACCOUNT, list[QueriedOrder], query=AllOrders, errors=(503,))
    def list_all_orders() -> Response:
        """Orders in a symbol, open and done, oldest first: the newest, or those from an id or a time on."""
        principal = signing.requesting(Scope.READ)
        return long_list_answer(history.all_orders(_asked(AllOrders), principal, charge))

    @routes.get("/api/v3/myTrades")
    @described(Access.ACCOUNT, list[TradeRow], query=MyTrades, errors=(503,))
    def list_trades() -> Response:
        """The caller's trades in a symbol, oldest first: the newest, of an order, or from an id or a time on."""
        return long_list_answer(history.my_trades(_asked(MyTrades), signing.requesting(Scope.READ), charge))


def _add_pairs(routes: Blueprint, pairs: BinancePairs, signing: Signing) -> None:
    @routes.post("/api/v3/orderList/oco")
    @described(Access.ACCOUNT, PairView, query=NewPair, errors=(503,), named=REPORTS)
    def place_pair() -> Response:
        """Enter a limit order and a stop of which one cancels the other."""
        principal = signing.requesting(Scope.TRADE)
        return answer(pairs.place(_asked(NewPair), principal, processing_of(request.environ)))

    @routes.post(f"{ORDER}/oco")
    @described(Access.ACCOUNT, PairView, query=OldPair, errors=(503,), named=REPORTS)
    def place_pair_as_before() -> Response:
        """The same with the older parameters."""
        principal = signing.requesting(Scope.TRADE)
        return answer(pairs.place(_asked(OldPair), principal, processing_of(request.environ)))

    @routes.get("/api/v3/orderList")
    @described(Access.ACCOUNT, PairView, query=OnePair, errors=(503,), named=REPORTS)
    def query_pair() -> Response:
        """One pair."""
        return answer(pairs.query(_asked(OnePair), signing.requesting(Scope.READ)))

    @routes.delete("/api/v3/orderList")
    @described(Access.ACCOUNT, PairView, query=EndPair, errors=(503,), named=REPORTS)
    def cancel_pair() -> Response:
        """Cancel both orders of a pair."""
        return answer(pairs.cancel(_asked(EndPair), signing.requesting(Scope.TRADE)))

    @routes.get("/api/v3/openOrderList")
    @described(Access.ACCOUNT, list[PairView], named=REPORTS)
    def list_open_pairs() -> Response:
        """The pairs that are open, oldest first."""
        return long_list_answer(pairs.open_pairs(signing.requesting(Scope.READ), charge))

    @routes.get("/api/v3/allOrderList")
    @described(Access.ACCOUNT, list[PairView], query=Pairs, errors=(503,), named=REPORTS)
    def list_all_pairs() -> Response:
        """The pairs among the open orders and the newest thousand that are done, oldest first."""
        return long_list_answer(pairs.all_pairs(_asked(Pairs), signing.requesting(Scope.READ), charge))


def _add_accounts(routes: Blueprint, accounts: BinanceAccounts, signing: Signing, weights: Weights) -> None:
    @routes.get("/api/v3/account")
    @described(Access.ACCOUNT, AccountInfo, query=AccountQuery)
    def account() -> Response:
        """What the account has and may do."""
        principal = signing.requesting(Scope.READ)
        omit_zero = _asked(AccountQuery).omit_zero_balances == "true"
        return answer(accounts.account(principal, omit_zero=omit_zero))

    @routes.get("/api/v3/account/commission")
    @described(Access.ACCOUNT, Commission, query=OneSymbol)
    def commission() -> Response:
        """What trading a symbol costs."""
        principal = signing.requesting(Scope.READ)
        return answer(accounts.commission(_asked(OneSymbol).symbol, principal))

    @routes.get("/api/v3/rateLimit/order")
    @described(Access.ACCOUNT, list[OrderLimit])
    def order_limits() -> Response:
        """How many orders the account may enter, and how many it has entered of late."""
        return answer(weights.order_limits(signing.requesting(Scope.READ)))

    @routes.get("/sapi/v1/capital/config/getall")
    @described(Access.ACCOUNT, list[Coin])
    def coins() -> Response:
        """Nothing: no coin comes or goes by a chain here."""
        signing.requesting(Scope.READ)
        return answer([])

    @routes.get("/sapi/v1/asset/tradeFee")
    @described(Access.ACCOUNT, list[TradeFee], query=OpenOrders)
    def trade_fees() -> Response:
        """What trading costs in a symbol, or in each."""
        principal = signing.requesting(Scope.READ)
        return long_list_answer(accounts.trade_fees(_asked(OpenOrders).symbol, principal))


def _asked(kind: type[T]) -> T:
    """The parameters of the current request, which is signed. Raises BinanceError."""
    asked: dict[str, Any] = request.environ[PARAMETERS]
    return read(asked, kind)
