"""Profit and loss on the page is the venue's: of every fill, however many, and of the newest one soon after."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.browser.trader import PHONE
from tests.server import RunningServer

SYMBOL = "SOL-USDT"
NAME, PASSWORD = "often", "often enough"
BATCH = 500
FILLS = 5_200  # more than the page ever lists
MINUS = "\u2212"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Where somebody has bought 260 SOL at 100 and sold them at 99, a tenth at a time."""
    with RunningServer(tmp_path_factory.mktemp("profit") / "data", "--rate-limit", "off") as running:
        token = asked(running, "POST", "/auth/signup", {"name": NAME, "password": PASSWORD})["token"]
        asked(running, "POST", "/account/deposit", {"asset": "USDT", "amount": "50000"}, token)
        each = FILLS // 2
        for side, other, price in (("sell", "buy", "100.00"), ("buy", "sell", "99.00")):
            entered(running, side, str(Decimal(each) / 10), price, SYMBOL)
            order = {"symbol": SYMBOL, "side": other, "order_type": "limit", "price": price, "quantity": "0.1"}
            for start in range(0, each, BATCH):
                orders = [order] * min(BATCH, each - start)
                answer = asked(running, "POST", "/orders/batch", {"orders": orders}, token)  # type: ignore[dict-item]
                assert {result["body"]["status"] for result in answer["results"]} == {"filled"}
        yield running


def test_past_five_thousand_fills_it_is_of_all_of_them(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL)
    trader.signs("Sign in", NAME, PASSWORD)
    trader.is_known_as(NAME)
    profit = trader.opens_tab("Profit")
    row = profit.locator(f'tr[data-of="{SYMBOL}"]')
    expect(row.locator('[data-profit="realised"]')).to_have_text(f"{MINUS}260.00")
    expect(row.locator('[data-profit="position"]')).to_have_text("0")
    fees = Decimal((row.locator('[data-profit="fees"]').get_attribute("title") or "").split()[0])
    assert fees > 0
    total = profit.locator('tr[data-of="total USDT"]')
    expect(total.locator('[data-profit="profit"]')).to_have_attribute("title", f"{(-260 - fees).normalize():f} USDT")
    expect(profit.locator(".coverage")).to_contain_text("all your 5,200 fills")
    trader.screenshot("profit-many")

    entered(venue, "sell", "1", "100.00", SYMBOL)
    trader.enters("Buy", "Market", "1")
    trader.sees_result("Bought 1 SOL")
    expect(profit.locator(".coverage")).to_contain_text("all your 5,201 fills")
    expect(row.locator('[data-profit="position"]')).to_have_text("1")
    expect(row.locator('[data-profit="average"]')).to_have_text("100.00")


def test_it_fits_a_phone_and_says_what_it_waits_for(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL, size=PHONE)
    profit = trader.opens_tab("Profit")
    expect(profit.locator(".coverage")).to_contain_text("Profit and loss appears with your first fill.")
    trader.signs("Sign in", NAME, PASSWORD)
    trader.is_known_as(NAME)
    expect(profit.locator(f'tr[data-of="{SYMBOL}"]')).to_be_visible()
    assert profit.evaluate("(panel) => panel.scrollWidth <= panel.clientWidth")
    trader.screenshot("profit-phone")
