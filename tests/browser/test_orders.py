"""Every order type from the ticket; open orders amended and cancelled in place; history, fills, profit and loss."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.calls import asked
from tests.browser.conftest import Opens
from tests.browser.trader import PHONE, Trader
from tests.server import RunningServer

BOOK = (("sell", "2010.00"), ("sell", "2040.00"), ("buy", "1990.00"), ("buy", "1980.00"))
MINUS = "\N{MINUS SIGN}"
LIVES_UNTIL = "2090-01-01T12:00"
WIDER_THAN_ITSELF = """() => [...document.querySelectorAll('#orders, .ticket-panel, #history, #fills, #balances')]
  .filter((part) => part.offsetParent && part.scrollWidth > part.clientWidth + 1).map((part) => part.id)"""


def _post(server: RunningServer, path: str, body: dict[str, str]) -> None:
    request = Request(server.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310
    with urlopen(request) as response:  # noqa: S310 - our own server
        assert response.status == 200


def _enter(server: RunningServer, side: str, quantity: str, price: str | None = None) -> None:
    """As somebody else: the account of those without credentials."""
    kind = {"order_type": "market"} if price is None else {"order_type": "limit", "price": price}
    _post(server, "/order", {"symbol": "ETH-USDT", "side": side, "quantity": quantity, **kind})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of these tests' own."""
    with RunningServer(tmp_path_factory.mktemp("orders") / "data") as server:
        yield server


@pytest.fixture
def market(running: RunningServer) -> RunningServer:
    """A server on which somebody quotes ETH-USDT and traded at 2010, whatever was traded before."""
    asked(running, "DELETE", "/orders")
    for side, price in BOOK:
        _enter(running, side, "5", price)
    _enter(running, "buy", "0.5")
    return running


def _sends(trader: Trader, side: str, kind: str, said: str, **fields: str) -> None:
    trader.fills_in(side, kind, **fields)
    trader.sends()
    trader.sees_result(said)


def _row(trader: Trader, text: str) -> Locator:
    return trader.orders().filter(has_text=text)


def test_every_order_type_is_placed_and_listed_with_what_it_is(opens: Opens, market: RunningServer) -> None:
    trader = opens(market, "ETH-USDT")
    ticket = trader.page.locator("#ticket")
    _sends(trader, "Sell", "Stop", r"Waiting: sell 1 ETH when a trade falls to 1,900", stop_price="1900", quantity="1")
    expect(_row(trader, "Sell stop")).to_contain_text("≤ 1,900.00")
    expect(_row(trader, "Sell stop")).to_contain_text("Waiting")

    trader.opens_options()
    ticket.get_by_text("Stop limit", exact=True).click()
    ticket.get_by_label("Lasts").select_option("gtd")
    ticket.get_by_label("Ends at").fill(LIVES_UNTIL)
    _sends(trader, "Buy", "Stop limit", "Waiting: buy", stop_price="2100", price="2110", quantity="1")
    waiting = _row(trader, "Buy stop limit")
    expect(waiting).to_contain_text(re.compile("until .*2090"))
    expect(waiting.locator('[data-label="Status"]')).to_have_attribute("title", re.compile("until .*2090.*00:00"))
    ticket.get_by_label("Lasts").select_option("gtc")

    ticket.get_by_text("Trailing", exact=True).click()
    ticket.get_by_label("Unit of the distance").select_option("percent")
    _sends(trader, "Sell", "Trailing", r"falls to 1,979\.85, and follows the market", trail="1.5", quantity="1")
    expect(_row(trader, "trailing 1.5 %")).to_contain_text("≤ 1,979.85")

    _sends(trader, "Sell", "Profit", "when a trade rises to 2,300", stop_price="2300", quantity="1")
    expect(_row(trader, "Sell take profit")).to_contain_text("≥ 2,300.00")
    _sends(trader, "Buy", "Profit limit", "when a trade falls to 1,700", stop_price="1700", price="1710", quantity="1")
    expect(_row(trader, "Buy take profit limit")).to_contain_text("≤ 1,700.00")

    _sends(trader, "Sell", "OCO", "Its stop waits at 1,850", price="2200", stop_price="1850", quantity="1")
    expect(_row(trader, "OCO")).to_have_count(2)

    ticket.get_by_text("Limit", exact=True).click()
    ticket.get_by_label("Show only").fill("0.25")
    _sends(trader, "Buy", "Limit", "In the book: buy 2 ETH at 1,990", price="1990", quantity="2")
    expect(_row(trader, "0.25 of 2")).to_contain_text("1 order, 5 ahead")
    ticket.get_by_label("Show only").fill("")

    ticket.get_by_label("Post only").select_option("slide")
    _sends(trader, "Buy", "Limit", r"at 2,009\.99\. You asked for 2,020\.00", price="2020", quantity="0.1")
    ticket.get_by_label("Post only").select_option("")
    ticket.get_by_label("Take profit").fill("2100")
    ticket.get_by_label("Stop loss", exact=True).fill("1800")
    _sends(trader, "Buy", "Limit", r"Bought 0\.5 ETH .* Exits are in", price="2010", quantity="0.5")
    expect(_row(trader, "bracket exit")).to_have_count(2)

    expect(trader.orders()).to_have_count(11)
    expect(trader.page.get_by_role("tab", name=re.compile("^Open orders"))).to_contain_text("11")
    trader.screenshot("order-kinds")
    _row(trader, "bracket exit").first.get_by_role("button", name="Cancel").click()
    expect(trader.orders()).to_have_count(9)  # one leg takes the other with it
    trader.cancels_all()
    expect(trader.page.locator("#cancel-result")).to_contain_text("orders cancelled.")
    expect(trader.orders()).to_have_count(0)


def test_cancel_all_asks_first_and_may_mean_one_symbol(opens: Opens, market: RunningServer) -> None:
    trader = opens(market, "ETH-USDT")
    trader.enters("Buy", "Limit", "0.1", "1900")
    trader.sees_result("In the book")
    trader.switches_to("SOL-USDT")
    trader.enters("Buy", "Limit", "1", "90")
    trader.sees_result("In the book")
    expect(trader.orders()).to_have_count(2)
    trader.page.get_by_role("button", name="Cancel all").click()
    expect(trader.page.get_by_role("button", name="Keep")).to_be_focused()
    trader.page.keyboard.press("Escape")
    expect(trader.page.locator("#cancel-all-yes")).to_have_count(0)
    expect(trader.orders()).to_have_count(2)

    trader.page.get_by_label("Only SOL-USDT").check()
    expect(trader.orders()).to_have_count(1)
    trader.cancels_all()
    expect(trader.page.locator("#cancel-result")).to_have_text("Order cancelled.")
    trader.page.get_by_label("Only SOL-USDT").uncheck()
    expect(trader.orders()).to_have_count(1)
    expect(trader.orders()).to_contain_text("ETH-USDT")
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)


def test_an_order_is_amended_in_place_by_keys_and_it_is_told_whether_priority_was_kept(
    opens: Opens, market: RunningServer
) -> None:
    trader = opens(market, "ETH-USDT")
    result = trader.page.locator("#cancel-result")
    trader.enters("Buy", "Limit", "2", "1970")
    row = _row(trader, "1,970")
    expect(row).to_contain_text("next in line")
    row.get_by_role("button", name=re.compile("^Amend")).focus()
    trader.page.keyboard.press("Enter")
    price, quantity = trader.page.get_by_label("New price"), trader.page.get_by_label("New quantity")
    expect(price).to_be_focused()
    quantity.fill("1.5")
    expect(trader.orders()).to_contain_text("keeps its priority")
    trader.screenshot("amend-in-place")
    trader.page.keyboard.press("Enter")
    expect(result).to_contain_text("Amended: priority kept")
    expect(_row(trader, "1.500000")).to_have_count(1)

    trader.page.get_by_role("button", name=re.compile("^Price of buy 1.5 ETH-USDT")).click()
    trader.page.keyboard.press("ArrowUp")
    expect(price).to_have_value("1970.01")
    expect(trader.orders()).to_contain_text("goes to the back")
    trader.page.keyboard.press("Enter")
    expect(result).to_contain_text("Amended: priority lost")
    expect(_row(trader, "1,970.01")).to_have_count(1)

    trader.page.get_by_role("button", name=re.compile("^Price of")).click()
    price.fill("1970.001")
    expect(price).to_have_attribute("aria-invalid", "true")
    trader.page.keyboard.press("Enter")
    expect(price).to_be_visible()
    trader.page.keyboard.press("Escape")
    expect(price).to_have_count(0)
    expect(_row(trader, "1,970.01")).to_have_count(1)
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)


def test_a_contradiction_is_told_beside_its_field_in_the_options_that_open_for_it(
    opens: Opens, market: RunningServer
) -> None:
    trader = opens(market, "ETH-USDT")
    trader.opens_options()
    ticket = trader.fills_in("Buy", "Limit", price="1900", quantity="1")
    ticket.get_by_label("Lasts").select_option("ioc")
    ticket.get_by_label("Post only").select_option("reject")
    expect(ticket.get_by_label("Post only")).to_have_attribute("aria-invalid", "true")
    ticket.locator(".options summary").click()
    expect(ticket.locator(".chosen")).to_have_text("IOC · post only")
    trader.sends()
    expect(ticket.get_by_label("Post only")).to_be_focused()
    expect(trader.page.locator("#post_only-problem")).to_contain_text("IOC never does")
    trader.page.reload()
    expect(ticket.locator(".options")).to_have_attribute("open", "")  # as it was left


def test_what_a_market_order_would_do_is_told_and_a_dear_one_is_cautioned_against(
    opens: Opens, market: RunningServer
) -> None:
    trader = opens(market, "ETH-USDT")
    trader.fills_in("Sell", "Market", quantity="1")
    expect(trader.page.locator('[data-estimate="gets"]')).to_have_text("1,989.005 USDT")  # 1,990 less 0.05 %
    ticket = trader.fills_in("Buy", "Market", quantity="1")
    expect(trader.page.locator('[data-estimate="average"]')).to_have_text("2,010.00 USDT")
    expect(trader.page.locator('[data-estimate="slippage"]')).to_have_text("0.50 %")
    expect(trader.page.locator('[data-estimate="fee"]')).to_contain_text("USDT")
    expect(trader.page.locator("#caution")).to_have_text("")
    ticket.locator("#quantity").fill("9")
    expect(trader.page.locator("#caution")).to_contain_text("worse than the middle")
    trader.screenshot("slippage")
    ticket.get_by_label("Unit of the quantity").select_option("quote")
    expect(ticket.get_by_label("Amount", exact=True)).to_have_value("")
    ticket.get_by_label("Amount", exact=True).fill("402")
    trader.sends()
    trader.sees_result(r"Bought 0\.2 ETH at 2,010\.00")

    trader.fills_in("Buy", "Limit", price="2500", quantity="0.1")
    expect(trader.page.locator("#caution")).to_contain_text("The venue would refuse it")


def test_arrow_keys_step_and_a_percentage_fills_in_the_quantity(opens: Opens, market: RunningServer) -> None:
    trader = opens(market, "ETH-USDT")
    ticket = trader.fills_in("Sell", "Limit", price="2300")
    ticket.get_by_label("Price", exact=True).press("ArrowUp")
    expect(ticket.get_by_label("Price", exact=True)).to_have_value("2300.01")
    ticket.get_by_label("Price", exact=True).press("Shift+ArrowDown")
    expect(ticket.get_by_label("Price", exact=True)).to_have_value("2299.91")
    ticket.get_by_role("button", name="50 %").click()
    expect(ticket.get_by_label("Quantity", exact=True)).to_have_value("50.000000")
    ticket.get_by_text("Buy", exact=True).click()
    ticket.get_by_text("Stop", exact=True).click()
    ticket.get_by_role("button", name="100 %").click()
    expect(ticket.get_by_label("Stop price")).to_be_focused()
    ticket.get_by_label("Stop price").fill("2400")
    ticket.get_by_role("button", name="100 %").click()
    trader.sends()
    trader.sees_result("Waiting: buy")  # what is held, collar and fees included, is there to the last lot
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)


def test_history_fills_and_profit_tell_what_became_of_it(opens: Opens, market: RunningServer) -> None:
    trader = opens(market, "ETH-USDT")
    trader.enters("Buy", "Market", "0.1")
    trader.sees_result("Bought")
    trader.enters("Sell", "Market", "0.05")
    trader.sees_result("Sold")
    trader.enters("Buy", "Limit", "0.1", "1900")
    trader.sees_result("In the book")
    trader.cancels_all()
    history = trader.opens_tab("Order history")
    rows = history.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("Cancelled · by you")
    history.get_by_label("Status").select_option("filled")
    expect(rows).to_have_count(2)
    history.get_by_label("Symbol").select_option("BTC-USDT")
    expect(history.locator(".empty")).to_have_text("No such orders.")
    trader.screenshot("order-history")

    fills = trader.opens_tab("Fills")
    expect(fills.locator("tbody tr")).to_have_count(2)
    expect(fills.locator("tbody tr").first).to_contain_text("Taker")
    fills.get_by_role("button", name=re.compile("^Why: sold")).click()
    expect(trader.page.get_by_role("tab", name="Why")).to_have_attribute("aria-selected", "true")

    profit = trader.opens_tab("Profit")
    row = profit.locator('tr[data-of="ETH-USDT"]')
    expect(row.locator('[data-profit="realised"]')).to_contain_text(f"{MINUS}1.")
    expect(row.locator('[data-profit="unrealised"]')).to_contain_text(f"{MINUS}0.")
    expect(profit.locator(".coverage")).to_contain_text("all your 2 fills")
    trader.screenshot("profit")
    balances = trader.opens_tab("Balances")
    balances.get_by_role("button", name="Withdraw").click()
    balances.get_by_label("Amount").fill("1000000000")
    balances.get_by_role("button", name="Take out").click()
    expect(trader.page.locator("#withdraw-result")).to_contain_text("available")
    balances.get_by_label("Amount").fill("1")
    balances.get_by_role("button", name="Take out").click()
    expect(trader.page.locator("#withdraw-result")).to_have_text("1 USDT withdrawn.")
    trader.screenshot("withdrawn")


def test_on_a_phone_an_order_is_a_card_that_can_be_amended(opens: Opens, market: RunningServer) -> None:
    trader = opens(market, "ETH-USDT", size=PHONE, scheme="light")
    trader.enters("Buy", "Limit", "0.1", "1905")
    trader.sees_result("In the book")
    trader.views("Orders")
    card = _row(trader, "1,905")
    expect(card).to_contain_text("next in line")
    card.get_by_role("button", name=re.compile("^Amend")).click()
    trader.page.get_by_label("New price").fill("1906")
    card = trader.orders()
    card.get_by_role("button", name="Save").click()
    expect(_row(trader, "1,906")).to_have_count(1)
    trader.screenshot("phone-open-orders")
    assert trader.page.evaluate(WIDER_THAN_ITSELF) == []
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)
