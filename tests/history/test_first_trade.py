"""The first trade of a moment or later is found by halves, however many trades share a time or are missing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import hypothesis.strategies as st
from hypothesis import given

from history import store


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2)), max_size=12), st.integers(-1, 26))
def test_all_trades_from_the_one_found_on_are_those_of_the_moment_or_later(
    steps: list[tuple[int, int]], ts_ns: int
) -> None:
    trades = [(sum(step for step, _ in steps[:end]), sum(wait for _, wait in steps[:end])) for end in range(len(steps))]
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE trades (trade_id INTEGER PRIMARY KEY, ts_ns INTEGER)")
        database.executemany("INSERT INTO trades VALUES (?, ?)", trades)
        (first,) = database.execute(store._FIRST_TRADE_AT, {"ts_ns": ts_ns}).fetchone()
    assert [trade for trade, _ in trades if trade >= first] == [trade for trade, time in trades if time >= ts_ns]
