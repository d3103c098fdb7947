"""The methods of both clients, one line each: what they ask is in `calls/`.

Layer: openbell_client.
"""

from __future__ import annotations

from typing import Any

from openbell_client.answers import FillsPage, LedgerPage, OrdersPage, TradesPage
from openbell_client.bound import method, pages
from openbell_client.calls import accounts, auth, explanations, faults, market, operator, orders


def _next_orders(page: OrdersPage) -> dict[str, Any]:
    return {"cursor": page.next_cursor} if page.next_cursor is not None else {}


def _before_trade(page: TradesPage | FillsPage) -> dict[str, Any]:
    rows = page.trades if isinstance(page, TradesPage) else page.fills
    return {"before": rows[-1].trade_id} if rows else {}


def _before_posting(page: LedgerPage) -> dict[str, Any]:
    return {"before": page.postings[-1].posting_id} if page.postings else {}


class FeedMethods:
    """Orders, over the feed."""

    enter_order = method(orders.enter_order)
    enter = method(orders.enter)
    test_order = method(orders.test_order)
    cancel_order = method(orders.cancel_order)
    amend_order = method(orders.amend_order)
    cancel_all = method(orders.cancel_all)
    batch = method(orders.batch)


class OrderMethods(FeedMethods):
    """Orders."""

    get_order = method(orders.get_order)
    list_orders = method(orders.list_orders)
    all_orders = pages(orders.list_orders, lambda page: page.orders, _next_orders)
    explain_order = method(explanations.explain_order)
    explain_trade = method(explanations.explain_trade)
    explain_command = method(explanations.explain_command)


class AccountMethods:
    """One's own account."""

    account = method(accounts.account)
    balances = method(accounts.balances)
    fills = method(accounts.fills)
    all_fills = pages(accounts.fills, lambda page: page.fills, _before_trade)
    ledger = method(accounts.ledger)
    all_postings = pages(accounts.ledger, lambda page: page.postings, _before_posting)
    profit = method(accounts.profit)
    deposit = method(accounts.deposit)
    withdraw = method(accounts.withdraw)
    reset = method(accounts.reset)
    ranking = method(accounts.ranking)


class MarketMethods:
    """Market data and the venue."""

    node = method(market.node)
    symbols = method(market.symbols)
    symbol_status = method(market.symbol_status)
    book = method(market.book)
    book_orders = method(market.book_orders)
    bbo = method(market.bbo)
    quote = method(market.quote)
    trades = method(market.trades)
    all_trades = pages(market.trades, lambda page: page.trades, _before_trade)
    candles = method(market.candles)
    ticker = method(market.ticker)
    tickers = method(market.tickers)
    health = method(market.health)
    live = method(market.live)
    ready = method(market.ready)
    statistics = method(market.statistics)
    symbol_statistics = method(market.symbol_statistics)
    metrics = method(market.metrics)
    openapi = method(market.openapi)


class UserMethods:
    """Oneself: user, sessions, keys. Signing in is in the clients, which keep the session."""

    user = method(auth.user)
    change_password = method(auth.change_password)
    begin_second_factor = method(auth.begin_second_factor)
    confirm_second_factor = method(auth.confirm_second_factor)
    turn_off_second_factor = method(auth.turn_off_second_factor)
    sessions = method(auth.sessions)
    end_session = method(auth.end_session)
    end_sessions = method(auth.end_sessions)
    create_key = method(auth.create_key)
    keys = method(auth.keys)
    revoke_key = method(auth.revoke_key)
    own_faults = method(faults.own_faults)
    set_own_faults = method(faults.set_own_faults)
    end_own_faults = method(faults.end_own_faults)


class VenueMethods(OrderMethods, AccountMethods, MarketMethods, UserMethods):
    """All that a trader asks."""


class OperatorMethods:
    """What operators do."""

    set_status = method(operator.set_status)
    auction = method(operator.auction)
    list_symbol = method(operator.list_symbol)
    schedule = method(operator.schedule)
    put_schedule = method(operator.put_schedule)
    remove_schedule = method(operator.remove_schedule)
    accounts = method(operator.accounts)
    account = method(operator.account)
    configure = method(operator.configure)
    credit = method(operator.credit)
    reset_account = method(operator.reset_account)
    ranking = method(operator.ranking)
    create_users = method(operator.create_users)
    stop_account = method(operator.stop_account)
    start_account = method(operator.start_account)
    cancel_account = method(operator.cancel_account)
    cancel_symbol = method(operator.cancel_symbol)
    cancel_venue = method(operator.cancel_venue)
    cancel_order = method(operator.cancel_order)
    stand_down = method(operator.stand_down)
    follow_clock = method(operator.follow_clock)
    audit_trail = method(operator.audit_trail)
    check = method(operator.check)
    user = method(operator.user)
    change_user = method(operator.change_user)
    reset_password = method(operator.reset_password)
    end_user_session = method(operator.end_user_session)
    all_faults = method(faults.all_faults)
    set_venue_faults = method(faults.set_venue_faults)
    end_venue_faults = method(faults.end_venue_faults)
    account_faults = method(faults.account_faults)
    set_account_faults = method(faults.set_account_faults)
    end_account_faults = method(faults.end_account_faults)
