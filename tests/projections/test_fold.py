"""One walk over a batch finds all that happened in it, and kept text is what would be made anew."""

from __future__ import annotations

import zlib
from collections import Counter

from api.market.level_texts import LevelTexts
from engine.commands import (
    EnterOrder,
    StopAccount,
)
from engine.depth import l2
from engine.events import Filled, Rejected
from engine.types import AccountId, OrderId, Side, Ticks
from listings.grid import grid_of
from projections.activity import RECENT_TRADES, Activity, TradePrint
from projections.fold import Fold
from projections.profits import Profits, begin_of_reset, mark_of_reset
from projections.projections import RESETS, Projections
from tests.projections.flow import Flow

COMMANDS = 3_000
BATCH = 7


def test_one_walk_finds_every_trade_order_and_refusal_and_every_level_that_changes() -> None:
    flow = Flow(11)
    activity = Activity(flow.exchange)
    profits = Profits()
    fold = Fold(flow.exchange, activity, profits, lambda: True)
    before = flow.shown()
    trades: list[TradePrint] = []
    orders, rejects = 0, Counter[str]()
    for _ in range(COMMANDS // BATCH):
        batch = [flow.step() for _ in range(BATCH)]
        happened = [(event, applied) for applied in batch for event in applied.events]
        fills = [TradePrint(e, applied.ts_ns, applied.seq) for e, applied in happened if isinstance(e, Filled)]
        orders += sum(isinstance(applied.command, EnterOrder) for applied in batch)
        rejects.update(event.reason.value for event, _ in happened if isinstance(event, Rejected))
        folded = fold.fold(batch)
        assert folded.trades == fills
        after = flow.shown()
        changed = {level for level in before | after if before.get(level) != after.get(level)}
        assert changed <= set(folded.touched)
        before, trades = after, trades + fills
    assert len(trades) > 500
    expected = Profits()
    for trade in trades:
        expected.trade(trade.filled)
    assert profits.saved() == expected.saved()
    assert (activity.trades, activity.orders, activity.rejects) == (len(trades), orders, rejects)
    assert list(activity.of("ANY").recent) == trades[-RECENT_TRADES:]
    assert activity.of("ANY").orders == orders


def test_a_reset_begins_the_profit_of_one_account_anew_and_of_no_other() -> None:
    flow, profits = Flow(14), Profits()
    fold = Fold(flow.exchange, Activity(flow.exchange), profits, lambda: False)
    for _ in range(COMMANDS):
        fold.fold([flow.step()])
    before = dict.fromkeys(profits.accounts())
    first = next(iter(before))
    kept = {account: profits.positions(account) for account in before}
    for stopped in (False, True):  # the kill switch and its undoing are none
        fold.fold([flow.apply(StopAccount(first, stopped))])
    assert {account: profits.positions(account) for account in before} == kept
    fold.fold([flow.apply(mark_of_reset(first))])
    assert len(before) > 1
    assert {account: profits.positions(account) for account in before} == kept | {first: {}}


def test_an_account_that_a_reset_stopped_is_known_until_it_may_trade_again_or_an_operator_stops_it() -> None:
    flow = Flow(15)
    projections = Projections(flow.exchange)
    account = AccountId(2)

    def stopped_behind(*commands: StopAccount) -> set[AccountId]:
        for command in commands:
            projections.fold([flow.apply(command)])
        again = Projections.restored(flow.exchange, projections.saved())  # from a snapshot
        assert again.profits.stopped_by_reset == projections.profits.stopped_by_reset
        return set(again.profits.stopped_by_reset)

    part = StopAccount(account, stopped=True, among=(OrderId(7), OrderId(8)))
    assert stopped_behind(begin_of_reset(account), part) == {account}
    assert stopped_behind(mark_of_reset(account)) == set()
    for ends in (StopAccount(account, stopped=False), StopAccount(account, stopped=True)):
        assert stopped_behind(begin_of_reset(account)) == {account}
        assert stopped_behind(ends) == set()
    assert stopped_behind(begin_of_reset(account), StopAccount(account, stopped=True, among=()), part) == set()
    older = {name: section for name, section in projections.saved().items() if name != RESETS}
    assert Projections.restored(flow.exchange, older).profits.stopped_by_reset == set()


def test_levels_are_found_only_where_somebody_follows_them() -> None:
    flow = Flow(12)
    fold = Fold(flow.exchange, Activity(flow.exchange), Profits(), lambda: False)
    assert all(fold.fold([flow.step()]).touched == [] for _ in range(100))


def test_the_kept_text_and_the_checksum_are_what_would_be_made_anew() -> None:
    flow = Flow(13)
    book = flow.exchange.books["ANY"]
    texts, grid = LevelTexts(book), grid_of(book.instrument)
    for _ in range(COMMANDS):
        flow.step()
        sides = []
        for side in (Side.BUY, Side.SELL):
            levels = [(grid.price(p), grid.quantity(q), orders) for p, q, orders in l2(book.own_side(side), 10)]
            assert texts.best(side, 10) == levels
            sides += levels
            price = Ticks(flow.random.randint(90, 110))
            level = book.own_side(side).level(price)
            shown = (grid.quantity(0), 0) if level is None else (grid.quantity(level.quantity), level.count)
            assert texts.at(side, [price]) == [(grid.price(price), *shown)]
        assert texts.checksum() == zlib.crc32("|".join(f"{p}:{q}" for p, q, _ in sides).encode())
