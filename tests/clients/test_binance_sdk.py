"""binance-sdk-spot, Binance's own library, against a server of ours: REST, its WebSocket API, streams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clients.library_programs import LibraryProgram, configuration
from tests.clients.pages import blocks, run_commands, run_program
from tests.clients.venues import Movement
from tests.server import RunningServer

Results = dict[str, Any]
REFUSED = {"would_take": "Order would immediately match and take.", "unknown_symbol": "Invalid symbol."}

pytestmark = pytest.mark.timeout(1200)  # it may have to be installed first


@pytest.fixture(scope="module")
def results(venue: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What came of every call, and what the streams brought while the market moved."""
    path = configuration("binance-sdk", venue.url, tmp_path_factory.mktemp("binance-sdk") / "openbell.py")
    with LibraryProgram("binance-sdk", "binance_sdk", str(path)) as program:
        program.wait_for("ready")
        with Movement(venue.url):
            program.go_on()
            return program.results()


def test_every_call_that_has_to_succeed_does(results: Results) -> None:
    answers = {step: one for step, one in results.items() if isinstance(one, dict) and step not in REFUSED}
    assert {step: one for step, one in answers.items() if "raised" in one or "error" in one} == {}
    assert len(results) >= 35


@pytest.mark.parametrize(("step", "words"), REFUSED.items())
def test_a_refusal_is_the_librarys_own_error_with_the_words_of_binance(results: Results, step: str, words: str) -> None:
    assert results[step]["raised"] == "BadRequestError"
    assert words in results[step]["message"]


def test_an_order_is_the_same_by_rest_and_by_the_websocket_api(results: Results) -> None:
    entered, read = results["limit_buy"], results["get_order"]
    assert (read["status"], read["orderId"], read["price"]) == ("NEW", entered["orderId"], "29000.00")
    assert results["replace"]["newOrderResult"] == "SUCCESS"
    assert results["ws_status"]["result"]["orderId"] == results["ws_place"]["result"]["orderId"]
    assert results["ws_cancel"]["result"]["status"] == "CANCELED"
    assert results["ws_rolling"]["result"]["symbol"] == results["ws_trading_day"]["result"]["symbol"] == "BTCUSDT"


def test_its_user_and_the_market_are_followed(results: Results) -> None:
    assert results["events"].count("ExecutionReport") == 2
    assert set(results["streams"]) == {"trade", "aggTrade", "depthUpdate", "24hrTicker", "24hrMiniTicker", "bookTicker"}


def test_the_program_of_its_page_runs(venue: RunningServer, tmp_path: Path) -> None:
    run_commands("binance-sdk", venue.url, tmp_path)
    (code,) = blocks("binance-sdk", "python")
    price, *lines = run_program("binance-sdk", code, tmp_path)
    assert 29_000 < float(price) < 31_000
    assert lines == ["CANCELED", "FILLED", "kline"]
