"""Nothing that the venue says moves what one is about to press; the ticket says one thing at a time."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.browser.trader import DESKTOP, PHONE, Trader
from tests.browser.wire import Wire
from tests.server import RunningServer

SYMBOL = "BNB-USDT"
TABLET = (820, 1180)
SIZES = (DESKTOP, (1920, 1080), TABLET, PHONE)
INDICATIVE = {"price": "300.50", "quantity": "12.5", "imbalance": "2.25", "imbalance_side": "buy"}
# Where everything stands that may be pressed or read, as far as it is shown.
PLACES = """() => {
  const parts = ["#bar", ".chart-panel", ".ladder-panel", ".tape-panel", ".ticket-panel", "#ticket .send",
    ".bottom-panel", ".status", ".phone-bar", "#ticket .sides", "#quantity"];
  const box = ({ x, y, width, height }) => [x, y, width, height].map(Math.round);
  const shown = parts.filter((part) => document.querySelector(part)?.checkVisibility());
  return Object.fromEntries(shown.map((part) => [part, box(document.querySelector(part).getBoundingClientRect())]));
}"""
# The banner is over the page, all of it in sight, and nothing that can be pressed is below it.
COVERED = """() => {
  const shown = [...document.querySelectorAll(".banners > *")].filter((each) => each.checkVisibility());
  const pressed = [...document.querySelectorAll("button, input, select, a, [tabindex='0']")]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.disabled)
    .filter((each) => !each.closest(".banners, .chart, .depth, .menu"));
  const found = shown.length ? [] : ["no banner"];
  for (const banner of shown) {
    const box = banner.getBoundingClientRect();
    if (box.left < 0 || box.right > innerWidth || box.top < 0) found.push("it is cut");
    for (const each of pressed) {
      const { left, right, top, bottom } = each.getBoundingClientRect();
      const apart = right <= box.left || left >= box.right || bottom <= box.top || top >= box.bottom;
      if (!apart && !each.matches(".chart, .depth")) found.push(each.outerHTML.slice(0, 80));
    }
  }
  return found;
}"""


def _status(status: str, **more: Any) -> str:
    nothing = {"limit_state": None, "limit_price": None, "band": None, "next_change": None, "indicative": None}
    said = {"symbol": SYMBOL, "status": status, **nothing, "timestamp": 1.0, "seq": 1, **more}
    return "42/market," + json.dumps(["status", said])


def _places(trader: Trader) -> dict[str, list[int]]:
    trader.page.wait_for_timeout(150)
    places: dict[str, list[int]] = trader.page.evaluate(PLACES)
    return places


def _shifts(trader: Trader) -> list[Any]:
    """What has moved by itself since this was asked last, banners and the words they repeat aside."""
    shifts: list[Any] = trader.page.evaluate("() => window.shiftsSince()")
    return shifts


def _settles(trader: Trader) -> None:
    """Wait until nothing has moved for half a second: what one did oneself, however late a busy browser lays it out."""
    deadline = time.monotonic() + 30
    while True:
        trader.page.wait_for_timeout(500)
        if not _shifts(trader):
            return
        assert time.monotonic() < deadline, "the page goes on moving"


def _watched(page: Page) -> None:
    """Have the page note what moves. A busy browser reports it late, so what is asked for goes by when it moved."""
    page.add_init_script("""
      const shifts = [];
      let since = 0;
      const element = ({ node }) => (node instanceof Element ? node : node?.parentElement);
      const repeats = (source) => element(source)?.closest('.banners, .middle, .session');
      const moved = (source) => [element(source)?.outerHTML.slice(0, 200), source.previousRect, source.currentRect];
      const note = (entries) => {
        for (const { value, sources, startTime } of entries) {
          if (!sources.every(repeats)) shifts.push({ value, startTime, moved: sources.map(moved) });
        }
      };
      const observer = new PerformanceObserver((list) => note(list.getEntries()));
      observer.observe({ type: 'layout-shift' });
      window.shiftsSince = () => {
        note(observer.takeRecords());
        const found = shifts.splice(0).filter(({ value, startTime }) => value >= 0.001 && startTime > since);
        since = performance.now();
        return found;
      };
    """)


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}" for width, _ in SIZES])
def test_no_banner_moves_the_page_or_lies_over_what_is_pressed(
    opens: Opens, server: RunningServer, wire: Wire, size: tuple[int, int]
) -> None:
    def prepare(page: Page) -> None:
        _watched(page)
        wire.tap(page)

    trader = opens(server, SYMBOL, size=size, prepare=prepare, forgive=True)
    trader.page.mouse.move(0, 0)
    views = ("Chart", "Book", "Trade", "Orders") if size == PHONE else ("",)
    for view in views:
        if view:
            trader.views(view)
        _settles(trader)
        before = _places(trader)
        for name, say in {
            "halted": lambda: wire.say(_status("halted")),
            "auction": lambda: wire.say(_status("auction", indicative=INDICATIVE)),
            "unknown": lambda: trader.page.evaluate("() => { location.hash = '#NOPE-NOPE'; }"),
            "lost": lambda: wire.say("42/market," + json.dumps(["venue", {"accepting": False, "flows": []}])),
        }.items():
            say()
            expect(trader.page.locator(".banners > :not([hidden])").first).to_be_visible()
            trader.page.wait_for_timeout(100)
            places = _places(trader)
            assert {part: place for part, place in places.items() if place != before[part]} == {}, (view, name)
            assert trader.page.evaluate(COVERED) == [], (view, name)
            assert _shifts(trader) == [], (view, name)
            trader.screenshot(f"banner-{name}-{size[0]}{view and '-'}{view.lower()}")
            _settles(trader)  # the browser lays the page out anew for a picture
        wire.say("42/market," + json.dumps(["venue", {"accepting": True, "flows": []}]))
        wire.say(_status("trading"))
        trader.page.evaluate("() => document.querySelector('[data-do=dismiss]').click()")
        expect(trader.page.locator("#state-banner")).to_have_count(0)
        expect(trader.page.locator(".notice-banner")).to_be_hidden()


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}" for width, _ in SIZES])
def test_what_sends_does_not_move_by_the_length_of_an_answer(
    opens: Opens, server: RunningServer, size: tuple[int, int]
) -> None:
    long = "Said at length, " * 40

    def answer(route: Route) -> None:
        route.fulfill(status=400, json={"error": long, "error_code": "X", "details": {"seq": 7}})

    trader = opens(server, SYMBOL, size=size, forgive=True)
    trader.fills_in("Buy", "Limit", quantity="0.5", price="250")
    trader.page.wait_for_timeout(800)
    before = _places(trader)
    trader.sends()
    trader.sees_result("In the book")
    assert _places(trader) == before
    trader.page.wait_for_timeout(700)
    trader.page.route("**/order", answer)
    trader.sends()
    trader.sees_result("Said at length")
    assert _places(trader) == before
    trader.screenshot(f"long-answer-{size[0]}")
    trader.page.unroute("**/order", answer)
    if size != PHONE:
        trader.cancels_all()
    asked(server, "DELETE", "/orders")


@pytest.mark.parametrize("size", SIZES, ids=[f"{width}" for width, _ in SIZES])
def test_what_sends_does_not_move_by_what_the_venue_foretells(
    opens: Opens, server: RunningServer, size: tuple[int, int]
) -> None:
    notes = "The venue would do many a thing with this order, and says so at length. " * 3

    def answer(route: Route) -> None:
        route.fulfill(json={"accepted": False, "error": notes, "error_code": "X", "details": {}})

    trader = opens(server, SYMBOL, size=size, forgive=True)
    trader.fills_in("Buy", "Limit", quantity="0.5", price="250")
    trader.page.wait_for_timeout(800)
    before = _places(trader)["#ticket .send"]
    trader.page.route("**/order/test", answer)
    trader.page.locator("#quantity").fill("0.6")
    expect(trader.page.locator("#caution")).to_contain_text("says so at length")
    assert _places(trader)["#ticket .send"] == before


def test_no_old_success_stands_beside_a_new_refusal(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, SYMBOL)
    entered(server, "sell", "2", "306.00", SYMBOL)
    result = trader.page.locator("#result")

    def succeeds() -> None:
        trader.page.wait_for_timeout(700)
        trader.enters("Buy", "Limit", "0.1", "306.00")
        trader.sees_result("Bought 0.1 BNB")
        expect(result).to_have_attribute("data-tone", "good")

    succeeds()
    trader.page.locator("#price").fill("")  # refused as soon as it is seen
    expect(result).to_have_text("")
    succeeds()
    trader.page.wait_for_timeout(700)
    trader.page.locator("#quantity").fill("")
    trader.sends()
    expect(trader.page.locator("#quantity-problem")).not_to_be_empty()
    expect(result).to_have_attribute("data-tone", "bad")
    expect(result).to_have_text(re.compile(r"^Not sent\. "))
    trader.screenshot("not-sent")
    trader.page.locator("#quantity").fill("0.1")
    expect(result).to_have_text("")
    succeeds()
    trader.page.locator("#price").fill("2000")  # far outside of what the venue takes
    expect(trader.page.locator("#caution")).to_contain_text("The venue would refuse it")
    expect(result).to_have_text("")
    asked(server, "DELETE", "/orders")


def test_an_address_that_is_edited_followed_or_gone_back_to_shows_its_symbol(
    opens: Opens, server: RunningServer
) -> None:
    trader = opens(server, "BTC-USDT")
    shown = trader.page.locator("#symbol .switcher-symbol")
    notice = trader.page.locator("#notice")
    trader.page.evaluate("() => { location.hash = 'eth-usdt'; }")
    expect(shown).to_have_text("ETH-USDT")
    assert trader.page.url.endswith("#ETH-USDT")
    trader.switches_to("SOL-USDT")
    trader.page.go_back()
    expect(shown).to_have_text("ETH-USDT")
    trader.page.go_back()
    expect(shown).to_have_text("BTC-USDT")
    trader.page.go_forward()
    trader.page.go_forward()
    expect(shown).to_have_text("SOL-USDT")
    trader.page.evaluate(
        "() => { const link = document.createElement('a'); link.href = '#BTC-USDT'; document.body.append(link);"
        " link.click(); link.remove(); }"
    )
    expect(shown).to_have_text("BTC-USDT")
    expect(trader.page.locator('[data-status="book"]')).to_have_text("checked")
    expect(notice).to_be_empty()
    for broken in ("#DOGE-USDT", "#%E0%A4%A", "#<img src=x>", "#" + "y" * 20_000):
        trader.page.evaluate("(hash) => { location.hash = hash; }", broken)
        expect(notice).to_contain_text("No symbol is called")
        expect(notice).to_contain_text("You see BTC-USDT.")
        expect(shown).to_have_text("BTC-USDT")
        assert trader.page.url.endswith("#BTC-USDT")
    trader.page.get_by_role("button", name="Dismiss").click()
    expect(notice).to_be_empty()


@pytest.mark.parametrize("broken", ["%E0%A4%A", "DOGE-USDT", "%", "<b>BTC</b>"])
def test_a_page_opened_at_a_broken_address_shows_a_market_and_says_so(
    opens: Opens, server: RunningServer, broken: str
) -> None:
    trader = opens(server, broken)
    expect(trader.page.locator("#symbol .switcher-symbol")).to_have_text("BTC-USDT")
    expect(trader.page.locator("#notice")).to_contain_text("No symbol is called")
    trader.enters("Buy", "Limit", "0.01", "20000.00")
    trader.sees_result("In the book")
    trader.cancels_all()
