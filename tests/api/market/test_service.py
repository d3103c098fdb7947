"""Looking up recent trades: the text of each is made once, so that asking again costs the others little."""

from __future__ import annotations

from typing import Any, cast

import pytest

from api.market import service
from api.market.requests import TradesQuery
from api.market.service import MarketService
from api.market.views import trade_view
from history.reader import HistoryReader
from projections.activity import RECENT_TRADES
from tests.api.market.one_symbol import COIN, Market


def test_recent_trades_are_told_newest_first_and_the_text_of_each_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def counted(filled: Any, *others: Any) -> Any:
        made.append(filled.trade_id)
        return trade_view(filled, *others)

    monkeypatch.setattr(service, "trade_view", counted)
    market = Market()
    looked_up = MarketService(market.exchange, market.activity, cast(HistoryReader, None))
    assert looked_up.trades("ANY", TradesQuery()) == []
    for further in (3, 1, 0, RECENT_TRADES + 5, 2):
        for price in range(1, further + 1):
            market.trade(1, price, 1)
        recent = market.activity.of("ANY").recent
        due = [trade_view(trade.filled, COIN, trade.ts_ns, trade.seq) for trade in reversed(recent)]
        for limit in (1, 2, 1000):
            assert looked_up.trades("ANY", TradesQuery(limit=limit)) == due[:limit]
    assert len(made) == len(set(made)) == 3 + 1 + RECENT_TRADES + 2
