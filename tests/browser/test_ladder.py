"""The order book and the tape: levels, groups, queues, and a tape that waits for its reader."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.calls import SYMBOL, asked, entered
from tests.browser.conftest import Opens
from tests.browser.trader import PHONE, Trader
from tests.server import RunningServer

ASKS = ("104.07", "104.12", "104.95", "106.30")
BIDS = ("103.93", "103.88", "103.05", "101.70")


FITS = """() => {
  const bottomOf = (chosen) => document.querySelector(chosen).getBoundingClientRect().bottom;
  return bottomOf(".ladder table") <= bottomOf(".ladder") + 1;
}"""


@pytest.fixture
def quoted(server: RunningServer) -> Iterator[RunningServer]:
    """Four levels a side, one unit each; taken away again."""
    ids = [entered(server, "sell", "1", price) for price in ASKS] + [
        entered(server, "buy", "1", price) for price in BIDS
    ]
    yield server
    for order_id in ids:
        asked(server, "DELETE", f"/order/{order_id}")


def prices(trader: Trader, side: str) -> Locator:
    """The prices of a side, from the top down."""
    return trader.page.locator(f".ladder .{side} .level-price:enabled")


def test_prices_are_grouped_added_up_and_the_group_is_remembered(opens: Opens, quoted: RunningServer) -> None:
    trader = opens(quoted, SYMBOL)
    grouping = trader.page.get_by_label("Price grouping")
    expect(prices(trader, "bids").first).to_have_text("103.93")
    grouping.select_option("1")
    expect(prices(trader, "bids")).to_have_text(["103", "101"])
    expect(prices(trader, "asks")).to_have_text(["107", "105"])
    expect(trader.level("103")).to_contain_text("3.000000")
    trader.page.reload()
    trader.sees_state("Live")
    expect(grouping).to_have_value("1")
    expect(trader.level("103")).to_contain_text("3.000000")
    prices(trader, "asks").last.click()
    expect(trader.page.locator("#price")).to_have_value("105.00")


def test_a_level_opens_to_its_queue_and_tells_which_order_is_ours(opens: Opens, quoted: RunningServer) -> None:
    trader = opens(quoted, SYMBOL)
    trader.enters("Buy", "Limit", "0.5", "103.88")
    expect(trader.level("103.88")).to_contain_text("0.5")
    trader.level("103.88").locator(".level-size").click()
    queue = trader.page.get_by_role("dialog", name=re.compile("Bids at 103.88"))
    expect(queue.locator("tbody tr")).to_have_count(2)
    expect(queue.locator("tbody tr.own")).to_contain_text("Yours")
    expect(queue).to_contain_text("Yours is 2nd, 1 ahead.")
    behind = entered(quoted, "buy", "0.25", "103.88")  # it follows what happens there
    expect(queue.locator("tbody tr")).to_have_count(3)
    trader.page.keyboard.press("Escape")
    expect(queue).to_have_count(0)
    expect(trader.level("103.88").locator(".level-size")).to_be_focused()
    expect(trader.page.locator("dialog[open]")).to_have_count(0)  # Escape closed that and asked for nothing else
    asked(quoted, "DELETE", f"/order/{behind}")
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)


def test_the_levels_are_walked_by_arrows_and_deeper_ones_come(opens: Opens, quoted: RunningServer) -> None:
    trader = opens(quoted, SYMBOL)
    best = trader.level("103.93").locator(".level-price")
    best.focus()
    trader.page.keyboard.press("ArrowDown")
    expect(trader.level("103.88").locator(".level-price")).to_be_focused()
    trader.page.keyboard.press("ArrowRight")
    expect(trader.level("103.88").locator(".level-size")).to_be_focused()
    trader.page.keyboard.press("ArrowLeft")
    trader.page.keyboard.press("ArrowUp")
    trader.page.keyboard.press("ArrowUp")
    expect(trader.level("104.07").locator(".level-price")).to_be_focused()
    recentre = trader.page.get_by_role("button", name="Recentre")
    expect(recentre).to_be_hidden()
    trader.page.keyboard.press("PageUp")
    expect(prices(trader, "bids")).to_have_count(0)
    recentre.click()
    expect(prices(trader, "bids")).to_have_count(len(BIDS))
    trader.page.keyboard.press("Tab")
    expect(trader.page.locator("#price")).to_have_value("")


def test_a_bar_tells_the_total_or_the_level_alone(opens: Opens, quoted: RunningServer) -> None:
    trader = opens(quoted, SYMBOL)
    width = "(row) => row.style.backgroundSize"
    expect(trader.level("103.93")).to_have_attribute("style", re.compile("25% 100%"))
    trader.page.get_by_role("button", name="Level", exact=True).click()
    expect(trader.level("103.93")).to_have_attribute("style", re.compile("100% 100%"))
    assert trader.level("101.70").evaluate(width) == "100% 100%"


def test_the_tape_waits_while_it_is_read_and_counts_what_came(opens: Opens, quoted: RunningServer) -> None:
    trader = opens(quoted, SYMBOL)
    entered(quoted, "buy", "0.01")
    rows = trader.tape()
    expect(rows.first).to_contain_text("0.010000")
    before = rows.count()
    rows.first.hover()
    paused = trader.page.locator("#tape-paused")
    expect(paused).to_have_text("Paused")
    entered(quoted, "sell", "0.02")
    entered(quoted, "sell", "0.03")
    expect(paused).to_have_text("Paused · 2 new")
    assert rows.count() == before
    trader.page.mouse.move(5, 5)
    expect(paused).to_be_hidden()
    expect(rows.first).to_contain_text("0.030000")
    expect(rows.first).to_contain_text("seller took")
    trader.page.locator("#tape").focus()
    expect(paused).to_be_visible()


def test_a_size_that_changes_after_a_quiet_while_flashes(opens: Opens, quoted: RunningServer) -> None:
    trader = opens(quoted, SYMBOL)
    size = trader.level("103.93").locator(".level-size")
    expect(size).not_to_have_attribute("data-flash", re.compile("."))
    trader.page.wait_for_timeout(1_100)
    entered(quoted, "sell", "0.01", "103.93")
    expect(size).to_have_attribute("data-flash", "a")


def test_own_trades_are_marked_on_the_tape_and_told(opens: Opens, quoted: RunningServer) -> None:
    trader = opens(quoted, SYMBOL)
    trader.enters("Buy", "Market", "0.125")
    trader.sees_result("Bought")
    expect(trader.tape().first).to_have_class(re.compile("own"))
    expect(trader.tape().first).to_contain_text("your fill")
    expect(trader.page.locator("#fill-notice")).to_have_text("Bought 0.125 SOL at 104.07.")
    entered(quoted, "buy", "0.01")
    expect(trader.tape().first).not_to_have_class(re.compile("own"))


def test_a_phone_shows_both_sides_and_the_queue(opens: Opens, quoted: RunningServer) -> None:
    trader = opens(quoted, SYMBOL, size=PHONE)
    trader.views("Book")
    expect(prices(trader, "asks").last).to_have_text("104.07")
    trader.level("103.93").locator(".level-size").click()
    expect(trader.page.locator("#level-queue tbody tr")).to_have_count(1)
    assert trader.page.evaluate(FITS)
