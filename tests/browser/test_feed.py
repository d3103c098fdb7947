"""What the page does when the wire loses or spoils a message, or the server says it fell behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opens
from tests.browser.trader import Trader
from tests.browser.wire import Wire
from tests.server import RunningServer

RESYNC = '42/market,["resync",{"type":"%s","symbol":%s}]'
JOIN_AS_FLOW = """async (flow) => {
  const { io } = await import("/static/vendor/socket.io.esm.min.js");
  window.source = io("/market", { auth: { flow }, forceNew: true, transports: ["websocket"] });
}"""


class _Once:
    """Does `spoil` to the first delta of the book, and nothing to other messages."""

    def __init__(self, spoil: Callable[[str], str | None]) -> None:
        self._spoil = spoil
        self.done = False

    def __call__(self, message: str) -> str | None:
        if self.done or "l2_delta" not in message:
            return message
        self.done = True
        return self._spoil(message)


def _two_orders(trader: Trader, spoilt: _Once, low: str, high: str) -> None:
    for price in (low, high):
        trader.enters("Buy", "Limit", "1", price)
        trader.sees_result(f"at {float(price):,.2f}")
        trader.waits_until(lambda: spoilt.done)  # so that the second is in a delta of its own


def test_a_lost_delta_is_noticed_and_the_book_comes_right_again(
    opens: Opens, server: RunningServer, wire: Wire
) -> None:
    trader = opens(server, "ETH-USDT", prepare=wire.tap)
    wire.spoil = spoilt = _Once(lambda _: None)
    _two_orders(trader, spoilt, "1801.00", "1802.00")
    trader.sees_status("gaps", "1")
    trader.sees_status("book", "checked")
    expect(trader.level("1,801.00")).to_have_count(1)
    expect(trader.level("1,802.00")).to_have_count(1)


def test_a_delta_that_was_spoilt_is_caught_by_its_checksum(opens: Opens, server: RunningServer, wire: Wire) -> None:
    trader = opens(server, "ETH-USDT", prepare=wire.tap)
    wire.spoil = spoilt = _Once(lambda message: message.replace("1.000000", "7.000000"))
    _two_orders(trader, spoilt, "1803.00", "1804.00")
    trader.sees_status("gaps", "1")
    trader.sees_status("book", "checked")
    expect(trader.level("1,803.00")).to_contain_text("1.000000")


def test_a_page_that_fell_behind_subscribes_again_to_what_it_lost(
    opens: Opens, server: RunningServer, wire: Wire
) -> None:
    trader = opens(server, "SOL-USDT", prepare=wire.tap)
    trader.enters("Buy", "Limit", "1", "81.00")
    expect(trader.orders()).to_have_count(1)
    asked: list[str] = []
    trader.page.on("request", lambda request: asked.append(request.url.removeprefix(server.url)))
    for kind in ("l2_deltas", "trades"):
        wire.say(RESYNC % (kind, '"SOL-USDT"'))
    wire.say(RESYNC % ("orders", "null"))
    trader.sees_status("resyncs", "3")
    trader.sees_status("book", "checked")
    trader.sees_state("Live")
    expect(trader.orders()).to_have_count(1)
    for path in ("/orders?status=open", "/trades/SOL-USDT"):
        trader.waits_until(lambda path=path: [url for url in asked if url.startswith(path)])
    trader.orders().get_by_role("button", name="Cancel").click()
    expect(trader.orders()).to_have_count(0)


@pytest.mark.parametrize(("flow", "label"), [("simulated", "Simulated flow"), ("replay", "Replay")])
def test_made_up_flow_is_labelled_as_long_as_it_is_there(
    opens: Opens, server: RunningServer, flow: str, label: str
) -> None:
    trader, source = opens(server, "BTC-USDT"), opens(server, "BTC-USDT")
    expect(trader.page.locator("#flow")).to_be_hidden()
    source.page.evaluate(JOIN_AS_FLOW, flow)
    expect(trader.page.locator("#flow")).to_have_text(label)
    source.page.evaluate("() => window.source.disconnect()")
    expect(trader.page.locator("#flow")).to_be_hidden()


def test_a_venue_that_takes_no_orders_says_so_and_the_ticket_is_shut(
    opens: Opens, server: RunningServer, wire: Wire
) -> None:
    trader = opens(server, "BTC-USDT", prepare=wire.tap)
    wire.say('42/market,["venue",{"flows":[],"accepting":false}]')
    expect(trader.page.locator("#banner")).to_have_text("The venue is not taking orders just now. Market data goes on.")
    expect(trader.page.locator("#ticket .send")).to_be_disabled()
    trader.sees_state("Live")
    # The page asks GET /health now and then, and believes it.
    expect(trader.page.locator("#banner")).to_be_hidden()
    expect(trader.page.locator("#ticket .send")).to_be_enabled()
