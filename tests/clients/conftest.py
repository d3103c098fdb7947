"""A server with a market, for each module of tests of clients."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.api.clients import START_GRACE_S
from tests.clients.venues import make_market
from tests.server import RunningServer

# an environment more for the gate, or minutes and the better part of a gigabyte to install: `make clients` runs them
LEFT_OUT = ["test_binance_sdk.py", "test_freqtrade.py", "test_nautilus.py"]
collect_ignore = [] if os.environ.get("OPENBELL_CLIENTS") == "all" else LEFT_OUT


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of the module's own, on which BTC-USDT trades at 30000 and ETH-USDT at 2000."""
    with RunningServer(tmp_path_factory.mktemp("clients") / "data") as server:
        make_market(server.http)
        make_market(server.http, "ETH-USDT", 2000)
        time.sleep(START_GRACE_S)
        yield server
