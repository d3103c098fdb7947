"""What can be done with accounts and their money: balances, fills, deposits, withdrawals, tiers, the kill switch.

One for the traders' routes, the operators' and the feed. Every method is cooperative where it
submits, and raises `ApiError` for any answer but the one asked for.
Layer: api.accounts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from api.accounts.profit_views import ProfitView, profit_view
from api.accounts.ranking import RankingService, UsersOf
from api.accounts.requests import ConfigureRequest
from api.accounts.reset import AccountReset, amount_of
from api.accounts.views import (
    AccountFillView,
    AccountView,
    BalancesView,
    PostingView,
    account_fill_view,
    account_view,
    balances_view,
    posting_view,
)
from api.http.idempotency import RequestKey
from api.json.errors import Malformed, rejected
from api.orders.keyed import Outcome, submit_once
from api.orders.mass_cancels import MassCancels
from engine.commands import ConfigureAccount, Deposit, StopAccount, Withdraw
from engine.events import Rejected
from engine.exchange import Exchange
from engine.rejects import RejectReason
from engine.types import SANDBOX_ACCOUNT, AccountId, TradeId
from history.reader import HistoryReader
from listings.grid import grid_of
from loop.turns import in_turns
from projections.profits import Profits
from sequencer.port import Sequencing

GUEST_QUOTE_FUNDS = "100000"  # a guest's first balance of each asset that others are priced in
GUEST_BASE_FUNDS = "100"  # a guest's first balance of every other asset

SANDBOX_FUNDS = "1000000000000"  # the sandbox account's balance of every asset


class AccountService:
    """The accounts of one venue."""

    def __init__(
        self,
        exchange: Exchange,
        sequencer: Sequencing,
        profits: Profits,
        history: HistoryReader,
        users_of: UsersOf,
        *,
        sandbox: bool,
    ) -> None:
        """`users_of`: who has these accounts; `sandbox`: the built-in account trades on paper money."""
        self._exchange = exchange
        self._sequencer = sequencer
        self._profits = profits
        self._history = history
        self._sandbox = sandbox
        self._mass_cancels = MassCancels(exchange, sequencer)
        self.ranking = RankingService(exchange, profits, users_of).view
        self._resets = AccountReset(exchange, sequencer, profits, self._mass_cancels)
        self.reset = self._resets.reset
        self.resume_resets = self._resets.resume

    def account(self, account: AccountId) -> AccountView:
        """Tier, fees, limits and status of an account. O(1)."""
        return account_view(self._exchange, account)

    def balances(self, account: AccountId) -> BalancesView:
        """What an account holds. O(assets)."""
        return balances_view(self._exchange, account)

    def profit(self, account: AccountId, symbol: str | None) -> ProfitView:
        """What an account's trades earned, in one symbol or in all. O(symbols traded)."""
        if symbol is not None and self._exchange.book(symbol) is None:
            raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=symbol)
        return profit_view(self._profits, self._exchange, account, symbol)

    def deposit(
        self, account: AccountId, asset: str, amount: Decimal, limit: str | None = None, key: RequestKey | None = None
    ) -> BalancesView:
        """Credit an account, once under a `key`; refused above `limit`, the most it may deposit of the asset in all."""
        return self._transfer(Deposit(account, asset, amount_of(amount), limit), key)

    def withdraw(self, account: AccountId, asset: str, amount: Decimal, key: RequestKey | None = None) -> BalancesView:
        """Take what is available out of the venue, once under a `key`."""
        return self._transfer(Withdraw(account, asset, amount_of(amount)), key)

    def _transfer(self, command: Deposit | Withdraw, key: RequestKey | None) -> BalancesView:
        repeated = self._submit(command, key).repeated
        balances = self.balances(command.account)
        return msgspec.structs.replace(balances, repeated=True) if repeated else balances

    def welcome(self, account: AccountId) -> None:
        """Give a new guest its paper money."""
        priced_in = {book.instrument.quote for book in self._exchange.books.values()}
        self._sequencer.submit_all(
            [
                Deposit(account, asset, GUEST_QUOTE_FUNDS if asset in priced_in else GUEST_BASE_FUNDS)
                for asset in self._exchange.ledger.scales
            ]
        )

    def fund_sandbox(self) -> None:
        """In the sandbox profile, give its account what it needs of each asset that it has none of yet."""
        paper = paper_money(self._exchange)
        if self._sandbox and paper:
            self._sequencer.submit_all(paper)

    def configure(self, account: AccountId, wanted: ConfigureRequest) -> AccountView:
        """Set tier and limits."""
        notional = wanted.max_notional
        self._submit(
            ConfigureAccount(
                account,
                wanted.tier,
                _rate("maker_fee_bps", wanted.maker_fee_bps),
                _rate("taker_fee_bps", wanted.taker_fee_bps),
                wanted.max_open_orders,
                wanted.max_orders_per_second,
                None if notional is None else amount_of(notional),
                wanted.self_trade_prevention,
            )
        )
        return self.account(account)

    def stop(self, account: AccountId, *, stopped: bool) -> AccountView:
        """The kill switch: cancel all its orders and take no more; or let it trade again."""
        self._resets.wait(account)
        self._mass_cancels.stop(StopAccount(account, stopped))
        return self.account(account)

    def fills(self, account: AccountId, symbol: str | None, before: int | None, limit: int) -> list[AccountFillView]:
        """The fills of all orders of `account`, newest first; of a trade with itself the taker's comes first."""
        if symbol is not None and self._exchange.instrument(symbol) is None:
            raise rejected(RejectReason.UNKNOWN_SYMBOL, None, symbol=symbol)
        until = self._exchange.seq
        self._history.wait_for(until)
        views: list[AccountFillView] = []
        before_id = None if before is None else TradeId(before)
        trades = self._history.account_fills(account, symbol, before_id, limit, until)
        for trade in in_turns(trades):
            grid = grid_of(self._exchange.books[trade.symbol].instrument)
            if trade.taker_account == account:
                views.append(account_fill_view(trade, maker=False, grid=grid))
            if trade.maker_account == account:
                views.append(account_fill_view(trade, maker=True, grid=grid))
        return views

    def postings(self, account: AccountId, asset: str | None, before: int | None, limit: int) -> list[PostingView]:
        """Every change of the balances of `account`, newest first. Raises ApiError 404 for an unknown asset."""
        if asset is not None and asset not in self._exchange.ledger.scales:
            raise rejected(RejectReason.UNKNOWN_ASSET, None, asset=asset)
        until = self._exchange.seq
        self._history.wait_for(until)
        rows = self._history.postings(account, asset, before, limit, until)
        return [posting_view(row, self._exchange) for row in in_turns(rows)]

    def _submit(self, command: Any, key: RequestKey | None = None) -> Outcome:
        outcome = submit_once(self._sequencer, command, key)
        first = outcome.applied.events[0]
        if isinstance(first, Rejected):
            asset = getattr(command, "asset", None)
            details: dict[str, Any] = (
                {} if asset is None or first.reason is RejectReason.ACCOUNT_STOPPED else {"asset": asset}
            )
            if first.reason is RejectReason.DEPOSIT_LIMIT_EXCEEDED:
                details["limit"] = command.limit
            raise rejected(first.reason, None, **details)
        return outcome


def paper_money(exchange: Exchange) -> list[Deposit]:
    """What the built-in sandbox account still needs to trade every asset without ever running out."""
    owned = exchange.ledger.accounts.get(SANDBOX_ACCOUNT, {})
    return [
        Deposit(SANDBOX_ACCOUNT, asset, SANDBOX_FUNDS)
        for asset in exchange.ledger.scales
        if asset not in owned or owned[asset].deposited == 0
    ]


def _rate(field: str, bps: Decimal | None) -> int | None:
    """Basis points in millionths. Raises Malformed when finer, or beyond ten percent."""
    if bps is None:
        return None
    if not bps.is_finite() or abs(bps.adjusted()) > 3 or abs(bps) > 1000 or bps * 100 != int(bps * 100):
        raise Malformed("OUT_OF_RANGE", f"{field} is within 1000 and a multiple of 0.01.", field=field)
    return int(bps * 100)
