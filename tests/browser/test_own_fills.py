"""Own fills are told once each, by sentence and by sound, however late their listing comes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.browser.trader import Trader
from tests.server import RunningServer

SYMBOL = "SOL-USDT"
LISTING = "**/account/fills?*"
# Counts what the real audio of the browser is told to play.
HEARS = """() => {
  window.heard = { contexts: 0, notes: 0 };
  window.AudioContext = class extends AudioContext {
    constructor() { super(); window.heard.contexts += 1; window.audio = this; }
  };
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (at) { window.heard.notes += 1; return start.call(this, at); };
}"""


@pytest.fixture
def offered(server: RunningServer) -> Iterator[RunningServer]:
    """Somebody sells as much as is wanted."""
    order_id = entered(server, "sell", "50", "104.00", SYMBOL)
    yield server
    asked(server, "DELETE", f"/order/{order_id}")


def _expect_said(trader: Trader, quantity: str) -> None:
    expect(trader.page.locator("#fill-notice")).to_have_text(f"Bought {quantity} SOL at 104.00.")


def test_a_fill_is_told_before_the_fills_are_listed_and_what_the_listing_brings_is_not(
    opens: Opens, offered: RunningServer
) -> None:
    trader = opens(offered, SYMBOL)
    trader.enters("Buy", "Market", "0.1")
    _expect_said(trader, "0.1")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    trader.page.route(LISTING, hold)
    with trader.page.expect_request(LISTING):
        trader.page.reload()
    trader.sees_state("Live")
    expect(trader.balance("USDT", "available")).to_be_attached()
    trader.enters("Buy", "Market", "0.125")
    _expect_said(trader, "0.125")
    expect(trader.tape().first).to_have_class(re.compile("own"))
    expect(trader.fills()).to_have_count(1)
    for route in held:
        route.continue_()
    trader.page.unroute(LISTING)
    expect(trader.fills()).to_have_count(2)  # the listing came, with the fill of before
    trader.enters("Buy", "Market", "0.25")
    _expect_said(trader, "0.25")


def test_the_sound_is_played_for_a_fill_when_asked_for_and_never_otherwise(
    opens: Opens, offered: RunningServer
) -> None:
    def prepare(page: Page) -> None:
        page.add_init_script(f"({HEARS})()")

    trader = opens(offered, SYMBOL, prepare=prepare)
    heard = "() => heard"
    trader.enters("Buy", "Market", "0.1")
    _expect_said(trader, "0.1")
    assert trader.page.evaluate(heard) == {"contexts": 0, "notes": 0}
    trader.opens_account_menu().get_by_role("button", name="Keys and notices").click()
    sound = trader.page.get_by_role("dialog", name="Keys").get_by_label("Sound")
    sound.check()  # which lets one hear it
    assert trader.page.evaluate(heard) == {"contexts": 1, "notes": 2}
    trader.page.keyboard.press("Escape")
    trader.enters("Buy", "Market", "0.125")
    _expect_said(trader, "0.125")
    trader.page.wait_for_function("() => heard.notes === 4 && audio.state === 'running'")
    assert trader.page.evaluate(heard) == {"contexts": 1, "notes": 4}
    trader.opens_account_menu().get_by_role("button", name="Keys and notices").click()
    sound.uncheck()
    trader.page.keyboard.press("Escape")
    trader.enters("Buy", "Market", "0.15")
    _expect_said(trader, "0.15")
    assert trader.page.evaluate(heard) == {"contexts": 1, "notes": 4}
