"""The server dies and comes back: the page says so, and shows everything that was acknowledged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opens
from tests.browser.server import Server


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Server]:
    """A server of this test's own."""
    server = Server(tmp_path / "data")
    server.start()
    yield server
    server.stop()


def test_after_kill_9_and_a_restart_the_page_reconnects_and_shows_the_orders_again(
    opens: Opens, mortal: Server
) -> None:
    trader = opens(mortal, "SOL-USDT", forgive=True)  # the browser logs every failed attempt to connect
    trader.enters("Buy", "Limit", "2", "99.50")
    trader.sees_result("In the book")
    trader.enters("Sell", "Limit", "3", "100.50")
    trader.sees_result("In the book: sell")
    trader.enters("Buy", "Limit", "1", "100.50")
    trader.sees_result("Bought 1 SOL")
    expect(trader.orders()).to_have_count(2)

    mortal.kill()
    trader.sees_state("Disconnected")
    expect(trader.page.locator("#banner")).to_contain_text("Disconnected")
    expect(trader.page.locator("#ticket .send")).to_be_disabled()
    expect(trader.page.locator('[data-status="book"]')).to_have_text("out of date")
    expect(trader.level("99.50")).to_have_count(1)  # the last known state, greyed out
    trader.screenshot("disconnected")

    mortal.start()
    trader.sees_state("Live")
    expect(trader.page.locator("#banner")).to_be_hidden()
    expect(trader.page.locator('[data-status="book"]')).to_have_text("checked")
    expect(trader.orders()).to_have_count(2)
    expect(trader.level("99.50")).to_have_class(re.compile("own"))
    expect(trader.level("100.50")).to_contain_text("2.000000")
    expect(trader.tape()).to_have_count(1)

    trader.enters("Sell", "Market", "2")  # and trading goes on
    trader.sees_result("Sold 2 SOL")
    expect(trader.tape()).to_have_count(2)


def test_a_fill_that_happened_while_the_page_was_away_is_shown_when_it_is_back(opens: Opens, mortal: Server) -> None:
    away = opens(mortal, "SOL-USDT", forgive=True)
    away.enters("Sell", "Limit", "3", "100.50")
    expect(away.orders()).to_have_count(1)
    away.page.route("**/socket.io/**", lambda route: route.abort())
    away.page.route_web_socket("**/socket.io/**", lambda socket: socket.close())  # stays: polling takes over
    mortal.kill()
    away.sees_state("Disconnected")
    mortal.start()

    other = opens(mortal, "SOL-USDT")
    other.enters("Buy", "Limit", "1", "100.50")
    other.sees_result("Bought 1 SOL")
    away.sees_state("Disconnected")

    away.page.unroute_all()
    expect(away.orders()).to_contain_text("Part filled")
    expect(away.fills()).to_have_count(1)
    expect(away.fills()).to_contain_text("Maker")
