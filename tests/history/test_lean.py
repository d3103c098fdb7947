"""What is stored is small, and gives back exactly what was written: amounts of any size, every word."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.events import Filled
from engine.ledger import FEE_ACCOUNT
from engine.rejects import CancelReason
from engine.types import (
    LEG_UNIT,
    Amount,
    Lots,
    OrderId,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
    leg_id,
)
from history import layout
from history.layout import place_of, stored
from history.store import listing_key
from tests.history.runs import ACCOUNTS, expected_orders, expected_trades, run_exchange
from tests.history.written import WrittenHistory

BYTES_A_COMMAND_MAX = 400
RUN = run_exchange(400, seed=4)
AMOUNTS = st.integers(-(2**70), 2**70) | st.sampled_from([-(2**63) - 1, -(2**63), 2**63 - 1, 2**63, 10**40, 0])


def test_a_command_takes_less_than_400_bytes(tmp_path: Path) -> None:
    run = run_exchange(6000, seed=2)
    with closing(WrittenHistory(tmp_path / "history.sqlite")) as history:
        for start in range(0, len(run), 1000):
            history.write(run[start : start + 1000])
        history.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert len(expected_trades(run)) > 1500
    assert (tmp_path / "history.sqlite").stat().st_size < BYTES_A_COMMAND_MAX * len(run)


@settings(max_examples=40, deadline=None)
@given(notional=AMOUNTS.map(abs), maker_fee=AMOUNTS, taker_fee=AMOUNTS, quantity=st.integers(1, 10**18 - 1))
def test_amounts_of_any_size_are_read_back_to_the_last_unit(
    notional: int, maker_fee: int, taker_fee: int, quantity: int
) -> None:
    run = [msgspec.structs.replace(each, events=list(each.events)) for each in RUN]
    for item in run:
        for index, event in enumerate(item.events):
            if isinstance(event, Filled):
                item.events[index] = msgspec.structs.replace(
                    event,
                    notional=Amount(notional),
                    maker_fee=Amount(maker_fee),
                    taker_fee=Amount(taker_fee),
                    quantity=Lots(quantity),
                )
    trades = expected_trades(run)
    with tempfile.TemporaryDirectory() as folder, closing(WrittenHistory(Path(folder, "history.sqlite"))) as history:
        history.write(run)
        assert history.trades(limit=1000) == trades[::-1]
        received = [
            posting.amount
            for posting in history.postings(FEE_ACCOUNT, limit=10_000)[::-1]
            if posting.trade_id is not None
        ]
        assert received == [fee for trade in trades for fee in (trade.maker_fee, trade.taker_fee) if fee]
        moved = {posting.amount for account in ACCOUNTS for posting in history.postings(account, limit=10_000)}
        assert {notional, -notional, quantity, -quantity} <= moved
        orders = expected_orders(run)
        assert {order_id: history.order(order_id) for order_id in orders} == orders


@given(AMOUNTS)
def test_amounts_are_integers_as_far_as_64_bits_go(amount: int) -> None:
    assert int(stored(amount)) == amount
    assert isinstance(stored(amount), int) == (-(2**63) <= amount < 2**63)


def test_every_word_has_its_place_in_a_list_and_keeps_it() -> None:
    assert set(layout.SIDES) == set(Side)
    assert set(layout.ORDER_TYPES) == set(OrderType)
    assert set(layout.TIMES_IN_FORCE) == set(TimeInForce)
    assert set(layout.STATUSES) == {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED}
    assert set(layout.REASONS) == set(CancelReason)
    assert set(layout.PREVENTIONS) == set(SelfTradePrevention)
    # stored as places: who moves one must raise SCHEMA_VERSION
    assert [layout.SIDES[0], layout.ORDER_TYPES[0], layout.STATUSES[2]] == ["buy", "limit", "expired"]
    assert [layout.TIMES_IN_FORCE[4], layout.REASONS[9], layout.PREVENTIONS[4]] == ["gtd", "price_band", "decrement"]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, LEG_UNIT - 1)), min_size=2, max_size=10))
def test_places_are_in_the_order_in_which_orders_are_listed(orders: list[tuple[int, int]]) -> None:
    ids = [leg_id(OrderId(entry), leg) for leg, entry in orders]
    assert sorted(ids, key=place_of) == sorted(ids, key=listing_key)
    for order_id in ids:
        assert place_of(order_id) % layout.PLACES * LEG_UNIT + place_of(order_id) // layout.PLACES == order_id
    assert place_of(OrderId(10**17)) % layout.PLACES == layout.PLACES - 1  # which no order has
