"""The venue asks the page, or its trader, to slow down: nothing stays empty, no draft is lost, the wait is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.access.cast import appoint
from tests.api.clients import PASSWORD
from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.server import RunningServer

SYMBOL = "BNB-USDT"
SLOW_DOWN = '{"error": "Slow down.", "error_code": "TOO_MANY_REQUESTS"}'
ACCOUNT = "() => JSON.parse(localStorage.getItem('openbell.sessions')).sessions[0].account"
# Every text that a place of the page ever had: some are gone too soon to be looked for on a busy machine.
NOTES_TEXTS = """() => {
  window.texts = [];
  new MutationObserver(() => {
    for (const place of ["#result", "#ticket .send", "#tape .empty"]) {
      const text = document.querySelector(place)?.innerText;
      if (text && !window.texts.includes(text)) window.texts.push(text);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
}"""


def _once(text: str) -> Callable[[Page], None]:
    """Refuse the first request whose address has this text, and let the others pass."""
    refused: list[str] = []

    def answer(route: Route) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route.request.url)
        route.fulfill(status=429, body=SLOW_DOWN, headers={"Retry-After": "1"})

    def prepare(page: Page) -> None:
        page.add_init_script(f"({NOTES_TEXTS})()")
        page.route(re.compile(text), answer)

    return prepare


@pytest.fixture
def traded(server: RunningServer) -> Iterator[RunningServer]:
    """One trade; nothing of it stays in the book."""
    entered(server, "sell", "0.5", "310.25", SYMBOL)
    entered(server, "buy", "0.5", "310.25", SYMBOL)
    yield server
    asked(server, "DELETE", f"/orders?symbol={SYMBOL}")


@pytest.mark.parametrize("listing", ["/trades/", "/ticker/"])
def test_a_tape_that_was_refused_for_haste_is_asked_for_again(
    opens: Opens, traded: RunningServer, listing: str
) -> None:
    trader = opens(traded, SYMBOL, prepare=_once(listing), forgive=True)  # the browser logs the refusal
    expect(trader.tape().first).to_contain_text("310.25")
    expect(trader.page.locator("#last .last-price")).to_have_text("310.25")
    texts = trader.page.evaluate("() => texts")
    said = "The venue asks us to slow down. It is asked again by itself."
    assert (said in texts) == (listing == "/trades/")


def test_after_too_many_orders_it_is_said_when_to_try_again_and_the_draft_is_sent_then(
    opens: Opens, server: RunningServer
) -> None:
    appoint(server.data, "hasty-boss")
    token = asked(server, "POST", "/auth/login", {"name": "hasty-boss", "password": PASSWORD})["token"]
    trader = opens(server, SYMBOL, prepare=lambda page: page.add_init_script(f"({NOTES_TEXTS})()"), forgive=True)
    path = f"/admin/accounts/{trader.page.evaluate(ACCOUNT)}"
    asked(server, "PUT", path, {"tier": "slow", "max_orders_per_second": 0}, token)  # type: ignore[dict-item]
    trader.enters("Buy", "Limit", "0.5", "310.25")
    trader.sees_result("The order was not taken. It can be sent again now.")
    texts = trader.page.evaluate("() => texts")
    assert "Rejected: that is more orders a second than this account may send. Try again in 1 s." in texts
    assert "Wait 1 s" in texts
    ticket = trader.page.locator("#ticket")
    expect(ticket.locator("input[name=quantity]")).to_have_value("0.5")
    expect(ticket.locator("input[name=price]")).to_have_value("310.25")
    expect(ticket.locator(".send")).to_have_text("Buy BNB")
    asked(server, "PUT", path, {"tier": "usual"}, token)
    trader.sends()
    trader.sees_result("In the book: buy 0.5 BNB at 310.25")
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)
