"""An auction gathers: the book crosses, the page says what would trade, and then what did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.access.cast import OPERATOR, appoint
from tests.api.clients import PASSWORD
from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.server import RunningServer

SYMBOL = "AAPL-USD"


@pytest.fixture
def operated(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with an operator; it outlives the pages that were opened."""
    appoint(tmp_path / "data")
    with RunningServer(tmp_path / "data") as server:
        yield server


def test_a_gathering_auction_shows_its_price_and_its_trades_are_marked(operated: RunningServer, opens: Opens) -> None:
    token = asked(operated, "POST", "/auth/login", {"name": OPERATOR, "password": PASSWORD})["token"]
    trader = opens(operated, SYMBOL)
    asked(operated, "POST", f"/admin/symbols/{SYMBOL}/auction", token=token)
    middle = trader.page.locator(".ladder .middle")
    expect(middle).to_contain_text("No auction price yet")
    entered(operated, "sell", "4", "189.00", SYMBOL)
    entered(operated, "sell", "7", "190.50", SYMBOL)
    trader.enters("Buy", "Limit", "5", "190.00")
    entered(operated, "buy", "3", "188.00", SYMBOL)
    expect(middle).to_contain_text(re.compile(r"Would trade\s+4 AAPL"))
    expect(middle).to_contain_text("1 more to buy")
    expect(trader.level("190.00")).to_have_class(re.compile("own.* meets"))
    expect(trader.level("189.00")).to_have_class(re.compile("meets"))
    expect(trader.level("190.50")).not_to_have_class(re.compile("meets"))
    trader.page.mouse.move(0, 0)
    trader.screenshot("auction")
    asked(operated, "POST", f"/admin/symbols/{SYMBOL}/resume", token=token)
    expect(trader.tape().first).to_have_class("own auction")
    expect(trader.tape().first).to_contain_text("Auction")
    expect(middle).to_contain_text("Spread")
    expect(trader.page.locator("#fill-notice")).to_have_text(re.compile("Bought 4 AAPL at"))
    asked(operated, "POST", f"/admin/symbols/{SYMBOL}/halt", token=token)
    expect(trader.page.locator("#state-banner")).to_contain_text("Trading is halted.")
    trader.screenshot("halted")
