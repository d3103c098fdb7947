"""What the pages about clients show works: their commands and programs, as they are written."""

from __future__ import annotations

import json
from pathlib import Path

from tests.clients.pages import blocks, run_commands, run_program
from tests.server import RunningServer
from tests.tidy.examples import needs_curl

# its sockets see that they are to close when a message comes, or after ten seconds
QUICK_CLOSE = "from binance.ws.reconnecting_websocket import ReconnectingWebsocket as Socket; Socket.TIMEOUT = 0.5"


def test_the_programs_of_the_page_about_ccxt_run(venue: RunningServer, tmp_path: Path) -> None:
    run_commands("ccxt", venue.url, tmp_path)
    plain, pro = blocks("ccxt", "python")
    assert run_program("ccxt", plain, tmp_path)[1:] == ["open", "canceled", "0.1"]
    assert run_program("ccxt", pro, tmp_path) == ["True", "canceled"]


def test_the_program_of_the_page_about_python_binance_runs(venue: RunningServer, tmp_path: Path) -> None:
    run_commands("python-binance", venue.url, tmp_path)
    (code,) = blocks("python-binance", "python")
    price, *lines = run_program("python-binance", code, tmp_path, before=QUICK_CLOSE)
    assert 29_000 < float(price) < 31_000
    assert lines == ["CANCELED", "executionReport", "True"]


@needs_curl
def test_the_commands_of_the_page_about_curl_are_granted(venue: RunningServer, tmp_path: Path) -> None:
    printed = run_commands("curl", venue.url, tmp_path).splitlines()
    depth, entered, opened, cancelled, account = (json.loads(line) for line in printed if line)
    assert depth["bids"]
    assert entered["status"] == "NEW"
    assert [order["orderId"] for order in opened] == [entered["orderId"]]
    assert [order["status"] for order in cancelled] == ["CANCELED"]
    assert account["canTrade"] is True


def test_the_first_page_lists_every_client(venue: RunningServer, tmp_path: Path) -> None:
    printed = run_commands("index", venue.url, tmp_path)
    assert "nautilus_trader" in printed
    assert "exchange = ccxt.binance(SETTINGS)" in printed
