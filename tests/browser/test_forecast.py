"""The ticket foretells what the venue would do, and nothing on the page is too narrow for great or tiny numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.access.cast import OPERATOR, appoint
from tests.api.clients import PASSWORD
from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.browser.forecast import caution, forecast_line
from tests.browser.trader import PHONE
from tests.server import RunningServer

PEPE, WEI = "PEPE-USDT", "WEI-GWEI"
LISTED = """
[[instrument]]
symbol = "SOL-USDT"
base = "SOL"
quote = "USDT"
tick_size = "0.01"
lot_size = "0.000001"
quote_scale = 10
max_quantity = "1000000"
max_notional = "1000000000"
maker_fee_bps = "2"
taker_fee_bps = "5"
collar_percent = "10"

[[instrument]]
symbol = "AAPL-USD"
base = "AAPL"
quote = "USD"
tick_size = "0.01"
lot_size = "1"
quote_scale = 4
max_quantity = "1000000"
max_notional = "1000000000"
maker_fee_bps = "2"
taker_fee_bps = "5"

[[instrument]]
symbol = "PEPE-USDT"
base = "PEPE"
quote = "USDT"
tick_size = "0.00000001"
lot_size = "1"
quote_scale = 10
max_quantity = "1000000000000"
max_notional = "100000000"
maker_fee_bps = "2"
taker_fee_bps = "5"

[[instrument]]
symbol = "WEI-GWEI"
base = "WEI"
quote = "GWEI"
tick_size = "0.0000000001"
lot_size = "0.00000001"
quote_scale = 18
max_quantity = "10"
max_notional = "1"
maker_fee_bps = "-1"
taker_fee_bps = "5"
"""
# Texts of a row that touch each other or are cut, row by row; and whatever is wider than what holds it.
OVERLAPS = """() => {
  const found = [];
  for (const row of document.querySelectorAll(".ladder tr:not(.vacant), #tape tbody tr")) {
    const cells = [...row.cells].filter((cell) => cell.textContent && getComputedStyle(cell).display !== "none");
    const boxes = cells.map((cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell.querySelector("button > span:not(.visually-hidden)") ?? cell);
      const { left, right } = range.getBoundingClientRect();
      if (cell.tagName === "TD" && cell.scrollWidth > cell.clientWidth + 1) found.push(`cut: ${cell.textContent}`);
      return { left, right, text: cell.textContent };
    });
    if (row.closest(".middle")) continue;
    boxes.slice(1).forEach((box, at) => {
      if (box.left < boxes[at].right) found.push(`${boxes[at].text} | ${box.text}`);
    });
  }
  const select = document.querySelector(".ladder-tools select");
  const whole = document.body.appendChild(select.cloneNode(true));
  const { fontSize } = getComputedStyle(select);
  whole.style.cssText = `position: absolute; font-size: ${fontSize}; border: 1px solid; padding: 0.125rem 0`;
  if (select.offsetWidth < whole.offsetWidth - 1) found.push("the grouping is cut");
  whole.remove();
  const edge = document.querySelector(".ladder-panel").getBoundingClientRect().right;
  if (select.getBoundingClientRect().right > edge - 4) found.push("the grouping is beyond its panel");
  const bar = [...document.querySelectorAll(".header > *, #figures > div")].filter((part) => part.offsetParent);
  for (const part of bar) if (part.scrollWidth > part.clientWidth + 1) found.push(`header: ${part.textContent}`);
  return found;
}"""


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with an operator and symbols of every grain."""
    folder = tmp_path_factory.mktemp("forecast")
    (folder / "listed.toml").write_text(LISTED)
    appoint(folder / "data")
    with RunningServer(folder / "data", "--instruments", str(folder / "listed.toml")) as server:
        yield server


@pytest.fixture
def book(venue: RunningServer) -> RunningServer:
    """60.5 SOL offered within the collar and 2,000 far beyond it; 50 SOL are wanted."""
    asked(venue, "DELETE", "/orders")
    last = entered(venue, "sell", "1", "107.00")
    entered(venue, "buy", "1", "107.00")
    assert last
    for side, quantity, price in (
        ("sell", "60.5", "107.00"),
        ("sell", "1000", "125.00"),
        ("sell", "1000", "126.00"),
        ("buy", "50", "106.00"),
    ):
        entered(venue, side, quantity, price)
    return venue


def test_a_market_buy_that_the_venue_takes_is_never_refused_by_the_page(opens: Opens, book: RunningServer) -> None:
    trader = opens(book, "SOL-USDT")
    ticket = trader.fills_in("Buy", "Market", quantity="1000")
    expect(forecast_line(trader, "cost")).to_have_text("6,473.5 USDT for 60.5 SOL")
    expect(forecast_line(trader, "holds")).to_have_text("6,476.73675 USDT")  # with 0.05 % of it
    expect(caution(trader)).to_contain_text("Only 60.5 of 1,000 SOL would trade; the rest would be cancelled.")
    expect(caution(trader)).to_contain_text("collar")
    expect(trader.page.locator("#quantity-problem")).to_have_text("")
    quantity = ticket.get_by_label("Quantity", exact=True)
    ticket.get_by_role("button", name="100 %", exact=True).click()
    expect(quantity).to_have_value("60.500000")
    trader.sees_result("That is all that is offered to a market order now")
    quantity.fill("1000")
    expect(trader.page.locator("#result")).to_have_text("")
    trader.sends()
    trader.sees_result(r"Bought 60\.5 SOL at 107\.00?.*; the rest, 939\.5 SOL, was cancelled")


def test_ioc_and_fok_are_foretold_as_they_end(opens: Opens, book: RunningServer) -> None:
    trader = opens(book, "SOL-USDT")
    trader.opens_options()
    ticket = trader.fills_in("Buy", "Limit", price="107", quantity="80")
    lasts = ticket.get_by_label("Lasts")
    lasts.select_option("ioc")
    expect(caution(trader)).to_have_text(
        "Only 60.5 of 80 SOL would trade within your price; the rest would be cancelled."
    )
    expect(forecast_line(trader, "holds")).to_have_text("6,476.73675 USDT")
    lasts.select_option("fok")
    expect(caution(trader)).to_have_text(
        "It would be cancelled: only 60.5 of 80 SOL is offered within your price. What others hide is not counted."
    )
    for name, text in (("average", "would be cancelled"), ("cost", "nothing"), ("fee", "none"), ("holds", "nothing")):
        expect(forecast_line(trader, name)).to_have_text(text)
    lasts.select_option("ioc")
    trader.fills_in("Buy", "Limit", price="95", quantity="1")
    expect(caution(trader)).to_have_text("It would be cancelled: nothing is offered within your price.")
    expect(forecast_line(trader, "holds")).to_have_text("nothing")
    trader.fills_in("Sell", "Limit", price="106", quantity="80")
    expect(caution(trader)).to_have_text(
        "Only 50 of 80 SOL would trade within your price; the rest would be cancelled."
    )
    expect(forecast_line(trader, "gets")).to_have_text("5,297.35 USDT")  # 5,300 less 0.05 %
    lasts.select_option("gtc")
    expect(forecast_line(trader, "holds")).to_have_text("30 SOL")  # the rest
    trader.fills_in("Buy", "Market", quantity="600")
    lasts.select_option("fok")
    expect(caution(trader)).to_contain_text("It would be cancelled: only 60.5 of 600 SOL is offered.")
    expect(forecast_line(trader, "holds")).to_have_text("nothing")


def test_what_a_percentage_cannot_buy_is_said_until_another_can(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, "AAPL-USD")
    ticket = trader.fills_in("Buy", "Market")
    ticket.get_by_role("button", name="100 %").click()
    trader.sees_result("Nobody is quoting: there is nothing to buy.")
    trader.fills_in("Buy", "Limit", price="66666.66")
    ticket.get_by_role("button", name="50 %").click()
    trader.sees_result("That is less than one lot.")
    ticket.get_by_role("button", name="100 %").click()
    expect(ticket.get_by_label("Quantity", exact=True)).to_have_value("1")
    expect(trader.page.locator("#result")).to_have_text("")


def test_great_sizes_and_tiny_prices_fit_and_are_exact(opens: Opens, venue: RunningServer) -> None:
    token = asked(venue, "POST", "/auth/login", {"name": OPERATOR, "password": PASSWORD})["token"]
    for asset, amount in (("PEPE", "999999999999"), ("USDT", "900000"), ("WEI", "100"), ("GWEI", "100000")):
        asked(venue, "POST", "/admin/accounts/1/deposit", {"asset": asset, "amount": amount}, token)
    entered(venue, "sell", "987654321112", "0.00001234", PEPE)
    entered(venue, "buy", "1000000", "0.00001200", PEPE)
    trader = opens(venue, PEPE)
    trader.enters("Buy", "Limit", "7654321", "0.00001234")
    trader.sees_result("Bought 7,654,321 PEPE")
    trader.enters("Sell", "Limit", "7000000", "0.00001299")
    trader.sees_result("In the book")
    expect(trader.page.get_by_label("Price grouping").locator("option").first).to_have_text("0.00000001")
    expect(trader.level("0.00001234")).to_contain_text("987.6B")
    expect(trader.level("0.00001234")).to_have_attribute("title", re.compile("987,646,666,791"))
    entered(venue, "buy", "987000000000", "0.00001234", PEPE)
    expect(trader.tape().first).to_contain_text("987B")  # more than is there trades less
    assert trader.page.evaluate(OVERLAPS) == []
    trader.screenshot("tiny-prices")

    row = trader.opens_tab("Profit").locator('tr[data-of="PEPE-USDT"]')
    expect(row.locator('[data-profit="average"]')).to_have_text("0.00001234")
    trader.opens_tab("Balances")
    trader.fills_in("Buy", "Limit")
    available = trader.balance("USDT", "available")
    expect(forecast_line(trader, "available")).to_have_text(f"{available.inner_text()} USDT")
    exact = (available.get_attribute("title") or "").removesuffix(" USDT")
    assert len(exact.split(".")[1]) > 8, "there is something to cut"
    assert exact.startswith(available.inner_text().replace(",", ""))

    for side, price in (("sell", "0.0000000012"), ("buy", "0.0000000011")):
        entered(venue, side, "9.12345678", price, WEI)
    trader.switches_to(WEI)
    expect(trader.level("0.0000000012")).to_have_count(1)
    assert trader.page.evaluate(OVERLAPS) == []
    trader.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    trader.views("Book")
    expect(trader.level("0.0000000012")).to_be_visible()
    assert [each for each in trader.page.evaluate(OVERLAPS) if not each.startswith("header")] == []


def test_a_symbol_that_takes_no_orders_says_so_and_one_that_gathers_says_which(
    opens: Opens, venue: RunningServer
) -> None:
    token = asked(venue, "POST", "/auth/login", {"name": OPERATOR, "password": PASSWORD})["token"]

    def sets(status: str) -> Any:
        return asked(venue, "POST", f"/admin/symbols/AAPL-USD/{status}", token=token)

    trader = opens(venue, "AAPL-USD")
    trader.fills_in("Buy", "Market", quantity="1")
    send = trader.page.locator("#ticket .send")
    for status, words in (("halt", "halted"), ("close", "closed")):
        sets(status)
        expect(send).to_be_disabled()
        expect(caution(trader)).to_have_text(f"AAPL-USD is {words}: no orders are taken; cancels work.")
        expect(send).to_have_accessible_description(f"AAPL-USD is {words}: no orders are taken; cancels work.")
    sets("auction")
    expect(send).to_be_enabled()
    expect(caution(trader)).to_contain_text("gathers orders for an auction")
    expect(caution(trader)).to_contain_text("not a market order")
    trader.fills_in("Buy", "Limit", price="100", quantity="1")
    expect(forecast_line(trader, "average")).to_have_text("gathers for the auction")
    expect(caution(trader)).to_have_text("")
    sets("resume")
    expect(forecast_line(trader, "average")).to_have_text("rests in the book")
