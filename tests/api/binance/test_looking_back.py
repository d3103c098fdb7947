"""How far an account's orders and trades are read back: as far as what is asked for, and no further."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from api.binance.errors import BinanceError
from api.binance.order_history import PAGES_MAX, BinanceHistory
from api.binance.requests import AllOrders, MyTrades
from api.json.requests import MAX_PAGE

MS_NS = 10**6
NEWEST = 10**6  # an id, and when it was in milliseconds


class Endless:
    """A history without end, one order and trade each millisecond; counts the pages that are read."""

    def __init__(self) -> None:
        self.pages = 0

    def wait_for(self, _seq: int) -> None:
        """It has everything."""

    def orders(self, _account: int, _symbol: str, before: int, limit: int, _status: None, _until: int) -> list[Any]:
        return self._page(before, limit)

    def account_fills(self, _account: int, _symbol: str, before: int | None, limit: int, _until: int) -> list[Any]:
        return self._page(before, limit)

    def _page(self, before: int | None, limit: int) -> list[Any]:
        self.pages += 1
        first = NEWEST if before is None else min(NEWEST, before - 1)
        return [
            SimpleNamespace(
                order_id=at, trade_id=at, ts_ns=at * MS_NS, entered_ns=at * MS_NS, taker_account=2, maker_account=2,
                taker_order_id=1, maker_order_id=2, taker_fee=0, maker_fee=0,
            )
            for at in range(first, first - limit, -1)
        ]  # fmt: skip


def history_of(endless: Endless) -> BinanceHistory:
    nothing: Any = SimpleNamespace(
        instrument=lambda name: SimpleNamespace(symbol=name), seq=0, view=lambda order: order.order_id,
        open_orders_units=lambda _account: 0, open_orders=lambda _account, _symbol: [], known=lambda _id: None,
    )  # fmt: skip
    return BinanceHistory(nothing, nothing, nothing, nothing, endless)  # type: ignore[arg-type]


OWNER: Any = SimpleNamespace(account=1)


def test_the_newest_before_a_time_are_read_back_to_there_alone() -> None:
    endless = Endless()
    asked = AllOrders(symbol="A", end_time=NEWEST - MAX_PAGE - 5, limit=3)
    found: Any = history_of(endless).all_orders(asked, OWNER, lambda _units: None)
    assert found == [NEWEST - MAX_PAGE - 7, NEWEST - MAX_PAGE - 6, NEWEST - MAX_PAGE - 5]
    assert endless.pages == 2
    trades = MyTrades(symbol="A", end_time=NEWEST - 5, limit=3)
    assert history_of(endless).my_trades(trades, OWNER, lambda _units: None) == []  # of others
    assert endless.pages == 3


@pytest.mark.parametrize("asked", [{"order_id": 1}, {"start_time": 1}, {"end_time": 1}])
def test_what_lies_too_far_back_is_refused(asked: dict[str, int]) -> None:
    endless = Endless()
    with pytest.raises(BinanceError) as refused:
        history_of(endless).all_orders(AllOrders(symbol="A", **asked), OWNER, lambda _units: None)
    assert (refused.value.code, endless.pages) == (-1127, PAGES_MAX)
