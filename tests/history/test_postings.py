"""The postings of an account sum to what it owns, and its fills are the trades of its orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.exchange import Exchange
from engine.ledger import FEE_ACCOUNT
from engine.types import AccountId
from history.postings import Posting, PostingKind
from tests.history.runs import ACCOUNTS, ASSETS, SYMBOLS, expected_trades, run_exchange
from tests.history.written import WrittenHistory

EXCHANGE = Exchange()
RUN = run_exchange(2500, seed=3, exchange=EXCHANGE)
EVERYBODY = [FEE_ACCOUNT, *ACCOUNTS]


@pytest.fixture
def history(tmp_path: Path) -> Iterator[WrittenHistory]:
    history = WrittenHistory(tmp_path / "history.sqlite")
    yield history
    history.close()


def balances() -> dict[tuple[AccountId, str], int]:
    """What the engine says everybody owns."""
    owned = {
        (account, asset): balance.total
        for account, assets in EXCHANGE.ledger.accounts.items()
        for asset, balance in assets.items()
    }
    return {key: total for key, total in owned.items() if total}


def sums(postings: list[Posting]) -> dict[tuple[AccountId, str], int]:
    """What the postings come to, by account and asset."""
    found: Counter[tuple[AccountId, str]] = Counter()
    for posting in postings:
        found[posting.account, posting.asset] += posting.amount
    return {key: total for key, total in found.items() if total}


def everything(history: WrittenHistory) -> list[Posting]:
    return [posting for account in EVERYBODY for posting in history.postings(account, limit=10**6)]


def test_the_postings_of_a_run_sum_to_the_balances_to_the_minor_unit(history: WrittenHistory) -> None:
    for start in range(0, len(RUN), 300):
        history.write(RUN[start : start + 300])

    postings = everything(history)
    assert sums(postings) == balances()
    assert {posting.kind for posting in postings} == set(PostingKind)
    assert sorted(posting.posting_id for posting in postings) == list(range(1, len(postings) + 1))
    assert max(posting.amount for posting in postings) > 2**64


def test_a_history_that_is_closed_and_opened_goes_on_where_it_was(tmp_path: Path) -> None:
    for start in range(0, len(RUN), 900):
        history = WrittenHistory(tmp_path / "history.sqlite")
        history.write(RUN[: start + 900])  # what is stored already comes again, as after a replay
        history.close()

    history = WrittenHistory(tmp_path / "history.sqlite")
    assert sums(everything(history)) == balances()
    history.close()


def test_each_trade_posts_nothing_in_sum(history: WrittenHistory) -> None:
    history.write(RUN)

    by_trade: Counter[tuple[int, str]] = Counter()
    for posting in everything(history):
        if posting.trade_id is not None:
            by_trade[posting.trade_id, posting.asset] += posting.amount
    assert set(by_trade.values()) == {0}
    assert {trade_id for trade_id, _ in by_trade} == {trade.trade_id for trade in expected_trades(RUN)}


def test_postings_are_paged_newest_first_of_one_asset_or_all(history: WrittenHistory) -> None:
    history.write(RUN)

    for asset in (None, *ASSETS):
        whole = [p for p in history.postings(ACCOUNTS[0], limit=10**6) if asset in (None, p.asset)]
        assert whole == sorted(whole, key=lambda posting: -posting.posting_id)
        assert whole == history.postings(ACCOUNTS[0], asset, limit=10**6)
        assert whole[:7] == history.postings(ACCOUNTS[0], asset, limit=7)
        assert whole[7:14] == history.postings(ACCOUNTS[0], asset, before_id=whole[6].posting_id, limit=7)
    assert history.postings(AccountId(99)) == []


def test_the_fills_of_an_account_are_the_trades_on_either_side_once_and_newest_first(history: WrittenHistory) -> None:
    history.write(RUN)

    for account in ACCOUNTS:
        for symbol in (None, *SYMBOLS):
            expected = [
                trade
                for trade in expected_trades(RUN)[::-1]
                if account in (trade.maker_account, trade.taker_account) and symbol in (None, trade.symbol)
            ]
            assert any(trade.maker_account == trade.taker_account for trade in expected)
            assert expected == history.account_fills(account, symbol, limit=10**6)
            before = expected[4].trade_id
            assert expected[5:9] == history.account_fills(account, symbol, before_trade_id=before, limit=4)
