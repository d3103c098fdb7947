"""The server dies and comes back: the page says so, and shows everything that was acknowledged."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Opens
from tests.browser.wire import Wire
from tests.server import RunningServer


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[RunningServer]:
    """A server of this test's own. Asked for before `opens`, it outlives the pages that were opened."""
    with RunningServer(tmp_path / "data") as server:
        yield server


def test_after_kill_9_and_a_restart_the_page_reconnects_and_shows_the_orders_again(
    mortal: RunningServer, opens: Opens
) -> None:
    trader = opens(mortal, "SOL-USDT", forgive=True)  # the browser logs every failed attempt to connect
    trader.trades_with_self()
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

    mortal.start(mortal.port)
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
    trader.page.reload()
    expect(trader.orders()).to_have_count(1)
    expect(trader.orders()).to_contain_text("Part filled")


def test_a_fill_that_happened_while_the_page_was_away_is_shown_when_it_is_back(
    mortal: RunningServer, opens: Opens, wire: Wire
) -> None:
    away = opens(mortal, "SOL-USDT", forgive=True, prepare=wire.tap)
    away.enters("Sell", "Limit", "3", "100.50")
    expect(away.orders()).to_have_count(1)
    wire.cut = True
    mortal.kill()
    away.sees_state("Disconnected")
    mortal.start(mortal.port)

    other = opens(mortal, "SOL-USDT")
    other.enters("Buy", "Limit", "1", "100.50")
    other.sees_result("Bought 1 SOL")
    away.sees_state("Disconnected")

    wire.cut = False
    expect(away.orders()).to_contain_text("Part filled")
    expect(away.fills()).to_have_count(1)
    expect(away.fills()).to_contain_text("Maker")


def test_a_server_that_begins_anew_knows_nobody_and_the_page_goes_on_as_a_visitor(
    mortal: RunningServer, opens: Opens
) -> None:
    trader = opens(mortal, "SOL-USDT", forgive=True)
    guest = trader.name()
    trader.enters("Buy", "Limit", "2", "99.50")
    trader.sees_result("In the book")
    trader.becomes("sandbox")
    trader.enters("Sell", "Limit", "1", "99.50")
    trader.sees_result("Sold 1 SOL")
    trader.becomes(guest)
    expect(trader.tape()).to_have_count(1)

    mortal.kill_all()
    shutil.rmtree(mortal.data)
    mortal.start(mortal.port)
    banner = trader.page.locator("#session-banner")
    expect(banner).to_contain_text(f"The session of {guest} was ended from elsewhere, or ran out.")
    trader.sees_state("Live")
    trader.sees_status("book", "checked")
    expect(trader.level("99.50")).to_have_count(0)
    expect(trader.tape()).to_have_count(0)
    expect(trader.orders()).to_have_count(0)
    expect(trader.page.locator("#venue-time")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
    banner.get_by_role("button", name="New guest").click()
    trader.has("USDT", available="100000")
    trader.enters("Buy", "Limit", "1", "98.50")
    trader.sees_result("In the book")
    expect(trader.level("98.50")).to_have_count(1)


def test_an_order_whose_answer_was_lost_can_be_sent_again_and_is_entered_once(
    opens: Opens, server: RunningServer
) -> None:
    trader = opens(server, "BNB-USDT", forgive=True)  # the browser logs the broken request

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    trader.page.route("**/order", lose_the_answer)
    trader.enters("Buy", "Limit", "1", "270.00")
    trader.sees_result("No answer came, so the order may or may not have been taken")
    trader.page.unroute("**/order")
    trader.page.locator("#ticket .send").click()
    trader.sees_result("In the book: buy 1 BNB at 270.00")
    expect(trader.orders()).to_have_count(1)
    expect(trader.level("270.00")).to_contain_text("1.000000")
    trader.page.locator("#ticket .send").click()  # the same fields after an answer: another order
    expect(trader.orders()).to_have_count(2)
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)
