"""nautilus_trader live against a server of ours: data and execution clients, reconciliation on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clients.library_programs import LibraryProgram, configuration, configured_key
from tests.clients.pages import blocks, run_commands, run_program
from tests.clients.venues import change_book, signed
from tests.server import RunningServer

CHANGES = 2_000
Results = dict[str, Any]

pytestmark = pytest.mark.timeout(1200)  # it may have to be installed first


@pytest.fixture(scope="module")
def results(venue: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What came of a node's run, before which its account had an open order already."""
    path = configuration("nautilus", venue.url, tmp_path_factory.mktemp("nautilus") / "openbell.py")
    order = {"symbol": "ETHUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    key = configured_key(path)
    earlier = signed(venue.http, key, "POST", "/api/v3/order", **order, quantity="0.5", price="1850.00")
    with LibraryProgram("nautilus", "nautilus", str(path), venue.url) as program:
        program.wait_for("resting")
        venue.http.enter("ETH-USDT", "buy", "1", "2005.00")
        change_book(venue.http, CHANGES, seed=3)
        program.go_on()
        return program.results() | {"earlier": earlier}


def test_an_orders_life_is_seen_event_by_event(results: Results) -> None:
    stages: dict[str, list[str]] = {}
    for stage, kind in results["events"]:
        if kind != "OrderInitialized":
            stages.setdefault(stage, []).append(kind.removeprefix("Order"))
    assert stages == {
        "post only": ["Submitted", "Accepted", "PendingCancel", "Canceled"],
        "market": ["Submitted", "Accepted", "Filled"],
        "resting": ["Submitted", "Accepted", "Filled", "PendingCancel", "Canceled"],
        "would take": ["Submitted", "Rejected"],
    }


def test_reconciliation_finds_the_order_of_before(results: Results) -> None:
    assert results["external"] == [[str(results["earlier"]["orderId"]), "ACCEPTED", "0.500000"]]


def test_the_book_it_keeps_equals_ours(results: Results) -> None:
    assert results["deltas"] > 2
    assert results["compared"]["book"] == results["compared"]["rest_book"]
    assert min(len(side) for side in results["compared"]["book"].values()) > 20


def test_trades_come_once_and_in_order(results: Results) -> None:
    ids = [int(trade_id) for trade_id in results["trades"]]
    assert len(ids) > 20
    assert ids == sorted(set(ids))


def test_every_symbol_is_an_instrument_and_balances_are_ours(results: Results) -> None:
    assert {"BTCUSDT.BINANCE", "ETHUSDT.BINANCE", "AAPLUSD.BINANCE"} <= set(results["instruments"])
    assert results["balances"]["ETH"] == "99.25000000 ETH"  # bought a quarter, sold one; fees are in the quote asset


def test_the_program_of_its_page_runs(venue: RunningServer, tmp_path: Path) -> None:
    run_commands("nautilus", venue.url, tmp_path)
    (code,) = blocks("nautilus", "python")
    assert [line for line in run_program("nautilus", code, tmp_path) if line.startswith("filled")] != []
