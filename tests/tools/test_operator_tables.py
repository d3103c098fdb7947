"""Tables for operators break no price, no name and no id, however narrow the terminal is."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console, RenderableType

from tools.operator_tables import facts, rows_of

SYMBOLS = ("symbol", "status", "best bid", "best ask", "open orders", "trades", "maker %", "taker %")
ROWS = [("BTC-USDT", "trading", "30002.27", "30002.28", 12_345, 1_234_567, "-0.005", "0.02")] * 2
AUDIT = ("time", "who", "did", "to", "details", "seq")
DETAILS = {"session_id": "0123456789abcdef0123456789abcdef", "reason": "one word after another, as many as it takes"}
ENTRY = ("2026-12-01 00:05:45 UTC", "ada.lovelace", "end_session", "charles.babbage", DETAILS, 123_456_789)


@pytest.fixture(params=[40, 60, 80, 100, 200])
def columns(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How wide the terminal is."""
    width: int = request.param
    monkeypatch.setenv("COLUMNS", str(width))
    return width


def printed(shown: RenderableType, columns: int) -> str:
    """What stands in a terminal."""
    file = io.StringIO()
    Console(file=file, width=columns).print(shown)
    assert max(map(len, file.getvalue().splitlines())) <= columns
    return file.getvalue()


def words(row: tuple[Any, ...]) -> list[str]:
    """Everything in a row that must not be broken up."""
    return " ".join(str(cell) for cell in row if not isinstance(cell, dict)).split()


def test_prices_names_and_ids_stay_in_one_piece(columns: int) -> None:
    shown = printed(rows_of(SYMBOLS, ROWS), columns).split()
    assert [word for word in words(ROWS[0]) if shown.count(word) < 2] == []
    assert [word for word in " ".join(SYMBOLS).split() if word not in shown] == []
    shown = printed(rows_of(AUDIT, [ENTRY]), columns).replace(",", " ").split()
    assert [word for word in words(ENTRY) if word not in shown] == []
    if columns > 40:
        assert DETAILS["session_id"] in shown


def test_what_fits_stands_in_lines_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(rows_of(SYMBOLS, ROWS), 80).splitlines()
    assert len([line for line in lines if line.split()[:1] == ["BTC-USDT"] and "0.02" in line]) == 2


def test_a_clock_is_shown_as_dates_and_days() -> None:
    clock = {
        "time": 1796082552.309307,
        "followed": False,
        "held_back_s": 7776000.0,
        "since": 1796082500.0,
        "advice": "x",
    }
    shown = printed(facts({"clock": clock}), 80)
    assert "2026-11-30 23:49:12 UTC" in shown
    assert "90 days ahead" in shown
    assert "1796082552" not in shown
    assert "1 h behind" in printed(facts({"accepted_s": -3600.0}), 80)
