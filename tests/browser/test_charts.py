"""The charts: candles of real trades, the account's own in them, the depth; by pointer and by keyboard."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Opens
from tests.browser.trader import PHONE, Trader
from tests.browser.wire import Wire
from tests.server import RunningServer

SYMBOL = "SOL-USDT"
FIRST_LOAD_BYTES_MAX = 400_000
LADDER_MS_MAX = 6_000  # a machine that runs other tests as well; Documentation/performance.md has what a quiet one does
WATCH_THE_LADDER = """new MutationObserver((_, watch) => {
  if (!document.querySelector('#panels[data-book="live"]')) return;
  window.ladderMs = performance.now();
  watch.disconnect();
}).observe(document, { subtree: true, childList: true, attributeFilter: ["data-book"] });"""
LOADED = """() => {
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const bytes = entries.reduce((sum, { transferSize }) => sum + transferSize, 0);
  const again = entries.filter(({ name, transferSize }) => transferSize > 0 && name.includes("/static/"));
  const chart = entries.find(({ name }) => name.includes("lightweight-charts"));
  return { bytes, files: again.map(({ name }) => name), chartMs: chart?.startTime, ladderMs: window.ladderMs };
}"""

# The most rows in a row that labels cover on the axis of prices, in CSS pixels: what is coloured there is a label.
LONGEST_LABEL = """() => {
  const axis = document.querySelector("#chart td:nth-child(3) canvas");
  const { data } = axis.getContext("2d").getImageData(6 * devicePixelRatio, 0, 1, axis.height);
  let [longest, run] = [0, 0];
  for (let at = 0; at < data.length; at += 4) {
    const rgb = [data[at], data[at + 1], data[at + 2]];
    run = Math.max(...rgb) - Math.min(...rgb) > 60 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest / devicePixelRatio;
}"""


def _prepared(page: Page) -> None:
    page.add_init_script(WATCH_THE_LADDER)


def _drawn(trader: Trader) -> None:
    """The library came, and the candles as well."""
    expect(trader.page.locator("#chart canvas").first).to_be_visible()
    expect(trader.page.locator(".chart-skeleton")).to_have_count(0)


class Maker:
    """Somebody else, who trades by the API."""

    def __init__(self, server: RunningServer) -> None:
        self._url, self._token = server.url, ""
        self._token = self.asks("POST", "/auth/guest", {})["token"]

    def asks(self, method: str, path: str, body: object = None) -> Any:
        """The answer to a request."""
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self._token}"} if self._token else {}
        )
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(self._url + path, data, headers, method=method)) as response:  # noqa: S310 - our own server
            return json.load(response)

    def enters(self, side: str, quantity: str, price: str) -> None:
        """A limit order for SOL-USDT."""
        order = {"symbol": SYMBOL, "side": side, "order_type": "limit", "quantity": quantity, "price": price}
        self.asks("POST", "/order", order)


@pytest.fixture
def maker(server: RunningServer) -> Iterator[Maker]:
    """Has 5 SOL at two prices a side, around 100; takes back what is left."""
    maker = Maker(server)
    for side, prices in {"sell": ("101.00", "102.00"), "buy": ("99.00", "98.00")}.items():
        for price in prices:
            maker.enters(side, "5", price)
    yield maker
    maker.asks("DELETE", "/orders")


@pytest.fixture
def trader(maker: Maker, opens: Opens, server: RunningServer) -> Iterator[Trader]:
    """Has bought 2 SOL at 101, and has two orders, which she takes back."""
    trader = opens(server, SYMBOL)
    trader.enters("Buy", "Limit", "2", "101.00")
    trader.sees_result("Bought 2 SOL")
    trader.enters("Buy", "Limit", "1", "97.00")
    trader.enters("Sell", "Limit", "1", "103.00")
    expect(trader.orders()).to_have_count(2)
    yield trader
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)


def test_the_first_load_is_small_and_quick_and_the_second_fetches_nothing_again(
    opens: Opens, server: RunningServer
) -> None:
    trader = opens(server, "BTC-USDT", prepare=_prepared)
    _drawn(trader)
    first = trader.page.evaluate(LOADED)
    assert 100_000 < first["bytes"] < FIRST_LOAD_BYTES_MAX
    assert first["ladderMs"] < LADDER_MS_MAX
    assert first["chartMs"] > first["ladderMs"], "the chart's library comes after the prices"
    trader.page.reload()
    _drawn(trader)
    second = trader.page.evaluate(LOADED)
    assert [name for name in second["files"] if "?v=" in name] == []
    assert second["bytes"] < first["bytes"] / 3


def test_trades_become_candles_with_their_volume(trader: Trader, server: RunningServer) -> None:
    _drawn(trader)
    legend = trader.page.locator("#legend")
    expect(legend).to_contain_text("C 101.00")
    expect(legend).to_contain_text(re.compile(r"V [\d.]+ SOL"))
    Maker(server).enters("sell", "1", "99.00")
    expect(legend).to_contain_text("C 99.00")
    expect(trader.page.locator("#chart-summary")).to_contain_text("close 99.00")


def test_own_orders_and_fills_are_in_the_chart_and_go_when_they_end(trader: Trader) -> None:
    summary = trader.page.locator("#chart-summary")
    expect(summary).to_contain_text("Yours: Sell 1 at 103; Buy 1 at 97; filled: Buy 2.")
    trader.orders().filter(has_text="97.00").get_by_role("button", name="Cancel").click()
    expect(summary).to_contain_text("Yours: Sell 1 at 103; filled: Buy 2.")


def test_the_interval_is_chosen_and_remembered(trader: Trader) -> None:
    trader.page.get_by_role("button", name="1s", exact=True).click()
    _drawn(trader)
    expect(trader.page.locator("#legend .legend-time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d UTC$"))
    trader.page.reload()
    _drawn(trader)
    expect(trader.page.get_by_role("button", name="1s", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(trader.page.get_by_role("application", name=f"Price chart of {SYMBOL}, 1s candles")).to_be_visible()


@pytest.mark.usefixtures("maker")
def test_candles_far_before_what_shows_are_let_go_and_asked_for_again(opens: Opens, server: RunningServer) -> None:
    newest = int(time.time()) // 60 * 60 - 120
    times = [newest - 60 * (1_199 - index) for index in range(1_200)]
    asked: list[str] = []

    def answer(route: Route) -> None:
        end = parse_qs(urlsplit(route.request.url).query).get("end")
        asked.extend(end or [])
        rows = [] if end else [[at, "100.00", "101.00", "99.00", "100.00", "1.000000"] for at in times]
        route.fulfill(json={"candles": rows, "seq": 0})

    trader = opens(server, SYMBOL, prepare=lambda page: page.route("**/candles/*", answer))
    _drawn(trader)
    asked.clear()
    taker = Maker(server)
    taker.enters("buy", "1", "101.00")  # a new candle
    expect(trader.page.locator("#legend")).to_contain_text("C 101.00")
    taker.enters("sell", "1", "99.00")
    expect(trader.page.locator("#legend")).to_contain_text("C 99.00")
    trader.page.locator("#chart").focus()
    for _ in range(12):
        trader.page.keyboard.press("-")
    trader.waits_until(lambda: asked != [])
    oldest = times.index(int(asked[0]))
    assert 300 < oldest < 700, "a page before what showed was kept, and nothing older"


def test_candles_and_depth_are_walked_by_the_arrow_keys(trader: Trader) -> None:
    _drawn(trader)
    trader.page.locator("#chart").focus()
    trader.page.keyboard.press("ArrowLeft")
    expect(trader.page.locator("#panel-chart > [role=status]").last).to_contain_text("UTC: open ")
    trader.page.keyboard.press("Escape")
    trader.opens_tab("Depth")
    readout = trader.page.locator("#depth-readout")
    expect(readout).to_contain_text("Mid 100.00")
    trader.page.locator("#depth").focus()
    trader.page.keyboard.press("ArrowRight")
    expect(readout).to_have_text(re.compile(r"Asks up to 101\.00 *Quantity 3 SOL *Cost 303 USDT"))
    trader.page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("Cost 813 USDT")
    for _ in range(2):
        trader.page.keyboard.press("ArrowLeft")
    expect(readout).to_have_text(re.compile(r"Bids down to 99\.00 *Quantity 5 SOL *Worth 495 USDT"))


def test_the_depth_is_read_under_the_pointer_and_follows_the_book(trader: Trader, maker: Maker) -> None:
    trader.opens_tab("Depth")
    box = trader.page.locator("#depth").bounding_box()
    assert box is not None
    trader.page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 50)
    readout = trader.page.locator("#depth-readout")
    expect(readout).to_contain_text("Quantity 9 SOL")
    trader.screenshot("depth")
    maker.enters("sell", "4", "101.50")
    expect(readout).to_contain_text("Quantity 13 SOL")


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server on which nothing has traded yet."""
    with RunningServer(tmp_path_factory.mktemp("quiet") / "data") as running:
        yield running


def test_a_symbol_without_trades_says_so_in_place_of_candles(opens: Opens, quiet: RunningServer) -> None:
    trader = opens(quiet, "AAPL-USD", size=PHONE)
    trader.views("Chart")
    expect(trader.page.locator(".chart-state")).to_contain_text("Nothing has traded here yet.")


def test_history_that_is_refused_for_haste_is_asked_for_again(opens: Opens, quiet: RunningServer, wire: Wire) -> None:
    seen: list[str] = []

    def refuse(page: Page) -> None:
        wire.tap(page)

        def answer(route: Route) -> None:
            if seen:
                route.continue_()
                return
            body = '{"error": "Slow down.", "error_code": "RATE_LIMITED"}'
            route.fulfill(status=429, body=body, headers={"Retry-After": "1"})

        page.route("**/candles/**", answer)

    trader = opens(quiet, "AAPL-USD", prepare=refuse, forgive=True)
    expect(trader.page.locator(".chart-state")).to_contain_text("The venue asks us to slow down.")
    seen.append("that it waits")
    expect(trader.page.locator(".chart-state")).to_contain_text("Nothing has traded here yet.")


def test_own_orders_that_the_chart_does_not_reach_are_counted_at_its_edges(trader: Trader) -> None:
    _drawn(trader)
    above, below = (trader.page.locator(f'.beyond[data-edge="{edge}"]') for edge in ("above", "below"))
    expect(above).to_have_text("▲ 11 of yours above: Sell 1 at 103")  # the arrow with the count, and the words
    expect(above.locator("[aria-hidden]")).to_have_text("▲ 1")
    for side, price in (("Sell", "190.00"), ("Sell", "180.00"), ("Buy", "11.00")):
        trader.page.wait_for_timeout(700)
        trader.enters(side, "Limit", "0.5", price)
    expect(trader.orders()).to_have_count(5)
    expect(above.locator("[aria-hidden]")).to_have_text("▲ 3")
    expect(above).to_contain_text("Sell 1 at 103, Sell 0.5 at 180, Sell 0.5 at 190")
    expect(below.locator("[aria-hidden]")).to_have_text("▼ 2")
    expect(below).to_contain_text("Buy 1 at 97, Buy 0.5 at 11")
    trader.screenshot("chart-beyond")
    for scheme, size, name in (("light", (820, 1180), "tablet"), ("light", PHONE, "phone")):
        trader.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        trader.page.set_viewport_size({"width": size[0], "height": size[1]})
        trader.views("Chart")
        expect(above).to_be_visible()
        trader.screenshot(f"chart-beyond-{name}")
    trader.opens_tab("Depth")
    expect(trader.page.locator('.beyond[data-edge="right"]')).to_contain_text("Sell 0.5 at 180, Sell 0.5 at 190")
    trader.screenshot("depth-beyond-phone")


def test_the_depth_is_not_stretched_by_one_far_order_and_shows_it_when_asked_to(trader: Trader, maker: Maker) -> None:
    maker.enters("sell", "1", "9000.00")
    maker.enters("buy", "1", "1.00")
    trader.opens_tab("Depth")
    readout = trader.page.locator("#depth-readout")
    expect(readout).to_contain_text("2 levels farther out")
    box = trader.page.locator("#depth").bounding_box()
    assert box is not None
    right_edge = (box["x"] + box["width"] - 2, box["y"] + 50)
    trader.page.mouse.move(*right_edge)
    expect(readout).to_contain_text("Asks up to 103.00")
    trader.screenshot("depth-far")
    trader.page.get_by_role("button", name="Show more prices").click()
    expect(readout).not_to_contain_text("farther out")
    trader.page.mouse.move(*right_edge)
    expect(readout).to_contain_text("Asks up to 9,000.00")
    expect(trader.page.get_by_role("button", name="Show more prices")).to_be_disabled()


def test_labels_of_own_orders_are_never_pushed_to_another_price(trader: Trader, server: RunningServer) -> None:
    _drawn(trader)
    taker = Maker(server)
    taker.enters("sell", "1", "99.00")  # so that the chart shows prices around 100
    taker.enters("buy", "1", "101.00")
    for step in range(3):  # as good as one price
        trader.page.wait_for_timeout(700)
        trader.enters("Buy", "Limit", "0.25", f"100.{step:02}")
    expect(trader.orders()).to_have_count(5)
    trader.page.wait_for_timeout(500)
    trader.screenshot("chart-labels")
    assert 8 < trader.page.evaluate(LONGEST_LABEL) < 25, "one label, at its price, and not three in a row"
