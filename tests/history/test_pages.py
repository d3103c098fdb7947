"""Pages of the history end at the command that they are asked for, though it may have more."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from engine.types import Seq
from history.store import listing_key
from tests.history.runs import ACCOUNTS, expected_orders, expected_trades, run_exchange
from tests.history.written import WrittenHistory

RUN = run_exchange(3000)


def test_pages_end_at_the_command_that_is_asked_for(tmp_path: Path) -> None:
    with closing(WrittenHistory(tmp_path / "history.sqlite")) as history:
        history.write(RUN)
        until, account = Seq(1500), ACCOUNTS[0]
        assert history.trades(limit=100_000, until=until) == expected_trades(RUN[:1500])[::-1]
        assert history.trades(limit=5, until=until) == expected_trades(RUN[:1500])[-5:][::-1]
        done = [order for order in expected_orders(RUN[:1500]).values() if order.account == account]
        done.sort(key=lambda order: listing_key(order.order_id), reverse=True)
        assert history.orders(account, limit=100_000, until=until) == done
        fills = history.account_fills(account, limit=100_000)
        assert history.account_fills(account, limit=100_000, until=until) == [
            fill for fill in fills if fill.seq <= until
        ]
        postings = history.postings(account, limit=100_000)
        assert 0 < sum(each.seq > until for each in postings) < len(postings)
        assert history.postings(account, limit=100_000, until=until) == [each for each in postings if each.seq <= until]
