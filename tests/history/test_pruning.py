"""What is old goes when it is asked for: no more, in small steps, and its room is used again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec

from audit.history_check import HistoryCheck
from engine.events import CommandResult
from engine.ledger import FEE_ACCOUNT
from engine.recent import HOUR_NS, REMEMBERED_HOURS
from history.candles import Interval
from history.pruning import KEPT_NS, LEAST_DAYS
from tests.history.runs import ACCOUNTS, START_NS, SYMBOLS, expected_orders, expected_trades, run_exchange
from tests.history.written import WrittenHistory

DAY_NS = 24 * HOUR_NS
DAYS = 20


def over_days(count: int, days: int, seed: int = 1) -> list[CommandResult]:
    """A run that is spread over so many days. Orders that rest get old, so they end much later than they came."""
    run = run_exchange(count, seed)

    def later(ts_ns: int) -> int:
        return START_NS + (ts_ns - START_NS) * days * DAY_NS // (count * 1000)

    spread = []
    for item in run:
        events = [
            msgspec.structs.replace(event, entered_ns=later(event.entered_ns))
            if hasattr(event, "entered_ns")
            else event
            for event in item.events
        ]
        spread.append(CommandResult(item.seq, later(item.ts_ns), item.command, events))
    return spread


RUN = over_days(3000, DAYS)
END_NS = RUN[-1].ts_ns


def prune_all(history: WrittenHistory, before_ns: int, limit: int = 50) -> int:
    steps = 1
    while history.writer.prune(before_ns, limit):
        steps += 1
    return steps


def test_what_is_older_goes_in_small_steps_and_all_that_is_younger_stays(tmp_path: Path) -> None:
    with closing(WrittenHistory(tmp_path / "history.sqlite")) as history:
        history.write(RUN)
        before_ns = END_NS - 5 * DAY_NS
        hours = history.candles(SYMBOLS[0], Interval.ONE_HOUR, limit=10_000)
        minutes = history.candles(SYMBOLS[0], Interval.ONE_MINUTE, limit=10_000)
        postings = [history.postings(account, limit=10**6) for account in (FEE_ACCOUNT, *ACCOUNTS)]
        assert prune_all(history, before_ns) > 10

        assert history.trades(limit=10_000) == [each for each in expected_trades(RUN) if each.ts_ns >= before_ns][::-1]
        orders = expected_orders(RUN)
        kept = {order_id for order_id, order in orders.items() if order.ended_ns >= before_ns}
        assert 100 < len(kept) < len(orders) - 100
        assert any(orders[order_id].entered_ns < before_ns for order_id in kept)
        assert {order_id for order_id in orders if history.order(order_id) is not None} == kept
        for order in orders.values():
            if order.client_order_id is not None:
                found = history.order_by_client_id(order.account, order.client_order_id)
                assert found == (order if order.order_id in kept else None)
        young = [[each for each in page if each.ts_ns >= before_ns] for page in postings]
        assert [history.postings(account, limit=10**6) for account in (FEE_ACCOUNT, *ACCOUNTS)] == young
        fills = history.account_fills(ACCOUNTS[0], limit=10_000)
        assert fills == [
            each for each in history.trades(limit=10_000) if ACCOUNTS[0] in (each.maker_account, each.taker_account)
        ]
        assert history.candles(SYMBOLS[0], Interval.ONE_HOUR, limit=10_000) == hours
        left = history.candles(SYMBOLS[0], Interval.ONE_MINUTE, limit=10_000)
        assert left == [candle for candle in minutes if (candle.time + 60) * 10**9 > before_ns]
        assert left != minutes


def test_it_goes_on_being_written_and_opened_and_the_auditor_knows_that_it_was_pruned(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with closing(WrittenHistory(path)) as history:
        history.write(RUN[:2500])
        prune_all(history, RUN[2499].ts_ns - 5 * DAY_NS)
    with closing(WrittenHistory(path)) as history:
        assert history.applied_seq == 2500
        history.write(RUN)
    check = HistoryCheck(path)
    wrong = [line for item in RUN for line in check.compare(item.seq, item.ts_ns, item.events)]
    check.close()
    assert wrong == []
    assert check.trades < len(expected_trades(RUN))


def test_the_last_two_days_stay_whatever_is_asked_for(tmp_path: Path) -> None:
    assert LEAST_DAYS * 24 > REMEMBERED_HOURS + 1  # what the engine remembers is found without the history
    with closing(WrittenHistory(tmp_path / "history.sqlite")) as history:
        history.write(RUN)
        prune_all(history, END_NS + DAY_NS)
        kept = [each for each in expected_trades(RUN) if each.ts_ns >= END_NS - KEPT_NS]
        assert history.trades(limit=10_000) == kept[::-1]
        assert kept


def test_nothing_is_pruned_before_anything_was_written(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with closing(WrittenHistory(path)) as history:
        history.write(RUN)
    with closing(WrittenHistory(path)) as history:
        assert not history.writer.prune(END_NS, 1000)
        assert len(history.trades(limit=10_000)) == len(expected_trades(RUN))


def test_the_file_grows_no_more_once_as_much_goes_as_comes(tmp_path: Path) -> None:
    run = over_days(12_000, 40, seed=3)
    path = tmp_path / "history.sqlite"
    sizes = []
    with closing(WrittenHistory(path)) as history:
        for start in range(0, len(run), 600):  # two days
            history.write(run[start : start + 600])
            prune_all(history, run[min(start + 599, len(run) - 1)].ts_ns - 4 * DAY_NS, 200)
            history.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            sizes.append(path.stat().st_size)
    assert sizes[-1] < 1.25 * sizes[5], sizes  # some lanes of hours and days are kept
    assert sizes[5] > 1.5 * sizes[0]
