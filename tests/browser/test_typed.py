"""Numbers as people write and paste them: in each field of the page, and what could be two is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.access.cast import OPERATOR, appoint
from tests.api.clients import PASSWORD
from tests.browser.conftest import Opens
from tests.browser.trader import PHONE
from tests.server import RunningServer

SYMBOL = "BTC-USDT"
NO_BREAK = "\u00a0"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with an operator, where nobody else trades."""
    data = tmp_path_factory.mktemp("typed") / "data"
    appoint(data)
    with RunningServer(data) as running:
        yield running


def test_what_is_pasted_into_the_ticket_is_read_and_sent_as_it_says(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL)
    ticket = trader.fills_in("Buy", "Limit", price="30,002.91 USDT", quantity="0,5 BTC")
    expect(ticket.locator("#price-problem")).to_have_text("Read as 30,002.91 USDT")
    expect(ticket.locator("#quantity-problem")).to_have_text("Read as 0.5 BTC")
    trader.screenshot("typed-read")
    sent: list[str] = []
    trader.page.on("request", lambda request: sent.append(request.post_data or ""))
    trader.sends()
    trader.sees_result(r"^In the book: buy 0\.5 BTC at 30,002\.91\.")
    body = next(each for each in sent if "client_order_id" in each)
    assert '"price":"30002.91"' in body
    assert '"quantity":"0.50000000"' in body


def test_what_could_be_two_numbers_is_asked_and_not_sent(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL)
    ticket = trader.fills_in("Buy", "Limit", price="30,002", quantity="0.5")
    question = ticket.locator("#price-problem")
    expect(question).to_have_text("30,002 is 30002 or 30.002?")
    trader.screenshot("typed-asked")
    sent: list[str] = []
    trader.page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/order") else None)
    trader.sends()
    expect(ticket.locator("input[name=price]")).to_be_focused()
    question.get_by_role("button", name="30002", exact=True).click()
    expect(ticket.locator("input[name=price]")).to_have_value("30002")
    expect(ticket.locator("input[name=price]")).to_be_focused()
    expect(question).to_have_text("")
    assert sent == []
    trader.sends()
    trader.sees_result(r"at 30,002\.00\.")


def test_an_amend_in_its_row_reads_and_asks_likewise(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL)
    trader.enters("Buy", "Limit", "0.5", "20000")
    trader.opens_tab("Open orders")
    row = trader.orders().first
    row.get_by_role("button", name=re.compile("^Amend")).click()
    price = row.get_by_label("New price")
    price.fill("20,001")
    expect(row.locator(".note")).to_have_text("20001 or 20.001?")
    trader.screenshot("typed-amend")
    row.locator("[data-reads='20001']").click()
    expect(price).to_be_focused()
    price.fill(f"20{NO_BREAK}001,50")
    price.press("Enter")
    expect(row).to_contain_text("20,001.50")


def test_deposits_and_withdrawals_read_and_ask_likewise(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL)
    trader.deposits("1.000,50 USDT", "USDT")
    result = trader.page.locator("#deposit-result")
    expect(result).to_have_text("1,000.5 USDT deposited.")
    trader.deposits("1,234", "USDT")
    form = trader.page.locator("#deposit")
    expect(form.locator(".which-number")).to_have_text("1,234 is 1234 or 1.234?")
    trader.screenshot("typed-deposit")
    form.locator("[data-reads='1234']").click()
    expect(form.locator(".which-number")).to_have_count(0)
    form.get_by_label("Amount").press("Enter")
    expect(result).to_have_text("1,234 USDT deposited.")
    trader.deposits("5 BTC", "USDT")
    expect(result).to_have_text("The unit here is USDT, not BTC.")


def test_an_operator_types_amounts_limits_and_numbers_of_accounts_as_the_page_shows_them(
    opens: Opens, venue: RunningServer
) -> None:
    trader = opens(venue, SYMBOL)
    account = trader.page.evaluate("() => JSON.parse(localStorage.getItem('openbell.sessions')).sessions[0].account")
    trader.signs("Sign in", OPERATOR, PASSWORD)
    trader.is_known_as(OPERATOR)
    trader.opens_tab("Operator").get_by_role("button", name="Account", exact=True).click()
    panel = trader.page.locator("#operator")
    panel.get_by_label("Account", exact=True).fill(f"{int(account):,}")
    panel.get_by_role("button", name="Find").click()
    expect(panel.locator(".operator-account")).to_have_attribute("data-account", account)
    panel.locator("input[name=max_notional]").fill("1,000")
    expect(panel.locator(".operator-settings .problem")).to_have_text("1,000 is 1000 or 1.000?")
    expect(panel.get_by_role("button", name="Set them")).to_be_disabled()
    panel.locator(".operator-settings [data-reads='1000']").click()
    panel.locator("input[name=max_open_orders]").fill("1,000")
    panel.get_by_role("button", name="Set them").click()
    expect(panel.locator("input[name=max_open_orders]")).to_have_value("1000")
    panel.locator("input[name=credit-amount]").fill("1 000,5")
    panel.get_by_role("combobox", name="Asset to credit").select_option("USDT")
    panel.get_by_role("button", name="Credit").click()
    expect(trader.page.locator("#operator-result")).to_have_text("Credited 1000.5 USDT.")


def test_on_a_phone_the_question_has_room_for_fingers(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL, size=PHONE)
    ticket = trader.fills_in("Buy", "Limit", price="30,002", quantity="0,5")
    answer = ticket.locator("#price-problem [data-reads='30002']")
    expect(answer).to_be_visible()
    box = answer.bounding_box()
    assert box is not None
    assert box["height"] >= 40
    trader.screenshot("typed-asked-phone")
