"""One's own account: balances, fills, postings, profit, deposits.

Layer: openbell_client.
"""

from __future__ import annotations

from collections.abc import Mapping

from openbell_client.answers import BalancesView, FillsPage, LedgerPage, OwnAccount, ProfitView, RankingView, ResetView
from openbell_client.calls.call import Call, Repeat, change, get
from openbell_client.requests import Number, ResetRequest, TransferRequest


def account() -> Call[OwnAccount]:
    """Number, tier, fees, limits and status."""
    return get("/account", OwnAccount)


def balances() -> Call[BalancesView]:
    """Available, held and total of each asset."""
    return get("/account/balances", BalancesView)


def fills(*, symbol: str | None = None, limit: int | None = None, before: str | None = None) -> Call[FillsPage]:
    """One page of one's fills, newest first."""
    return get("/account/fills", FillsPage, symbol=symbol, limit=limit, before=before)


def ledger(*, asset: str | None = None, limit: int | None = None, before: str | None = None) -> Call[LedgerPage]:
    """One page of one's postings, newest first, each with its cause."""
    return get("/account/ledger", LedgerPage, asset=asset, limit=limit, before=before)


def profit(symbol: str | None = None) -> Call[ProfitView]:
    """Positions at their average cost, realised and unrealised profit."""
    return get("/account/profit", ProfitView, symbol=symbol)


def deposit(asset: str, amount: Number, *, key: str | None = None) -> Call[BalancesView]:
    """Credit oneself with paper money, where the venue lets one.

    Not sent again when no answer came, unless it has a `key`, new for each deposit, under which the venue does it once.
    """
    body, repeat = TransferRequest(asset=asset, amount=amount), Repeat.UNTAKEN if key is None else Repeat.ALWAYS
    return change("POST", "/account/deposit", BalancesView, body, repeat=repeat, key=key)


def withdraw(asset: str, amount: Number, *, key: str | None = None) -> Call[BalancesView]:
    """Take what is available. Sent again as a deposit is."""
    body, repeat = TransferRequest(asset=asset, amount=amount), Repeat.UNTAKEN if key is None else Repeat.ALWAYS
    return change("POST", "/account/withdraw", BalancesView, body, repeat=repeat, key=key)


def reset(balances: Mapping[str, Number]) -> Call[ResetView]:
    """Cancel what is open, have these balances and no others, and count profit from now on, where one may oneself."""
    return change("POST", "/account/reset", ResetView, ResetRequest(balances=dict(balances)), repeat=Repeat.ALWAYS)


def ranking(*, asset: str | None = None, after: int | None = None, limit: int | None = None) -> Call[RankingView]:
    """Everybody's place by profit, where the venue shows it."""
    return get("/account/ranking", RankingView, asset=asset, after=after, limit=limit)
