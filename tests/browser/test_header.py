"""The top of the page: which symbol, where it stands, how well the venue is heard."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opens
from tests.browser.trader import DESKTOP, PHONE
from tests.browser.wire import Wire
from tests.server import RunningServer

SYMBOL = "BNB-USDT"
WRONG_S_MAX = 20  # the clock on the page, on a busy machine
INDICATIVE = {"price": "300.50", "quantity": "12.500000", "imbalance": "2.250000", "imbalance_side": "buy"}
# Of the words that a reader must be able to read, the ones whose contrast with what is behind them is below 4.5.
FAINT = """(where) => {
  const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parsed = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const colour = parsed(getComputedStyle(element).backgroundColor);
      if (colour.length === 3) return colour;
    }
    return [255, 255, 255];
  };
  const faint = (element) => {
    const [a, b] = [luminance(parsed(getComputedStyle(element).color)), luminance(behind(element))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
  };
  const written = [...document.querySelectorAll(where)].filter((element) => element.checkVisibility()
    && !element.disabled && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const named = (element) => `${element.className} ${element.textContent}`;
  return { written: written.length, faint: written.filter(faint).map(named) };
}"""


def _status(status: str, **more: Any) -> str:
    """The feed's message of where the symbol stands."""
    nothing = {"limit_state": None, "limit_price": None, "band": None, "next_change": None, "indicative": None}
    said = {"symbol": SYMBOL, "status": status, **nothing, "timestamp": 1.0, "seq": 1, **more}
    return "42/market," + json.dumps(["status", said])


def test_a_symbol_is_found_starred_and_chosen_by_the_keyboard_alone(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, SYMBOL)
    button = trader.page.locator("#symbol")
    button.focus()
    trader.page.keyboard.press("Enter")
    search = trader.page.get_by_label("Find a symbol")
    expect(search).to_be_focused()
    rows = trader.page.locator("#symbols .symbol-row")
    expect(rows).to_have_count(5)
    star = trader.page.get_by_role("button", name="SOL-USDT is a favourite")
    star.press("Space")
    expect(star).to_have_attribute("aria-pressed", "true")
    expect(rows.first).to_contain_text("SOL-USDT")
    search.fill("et")
    expect(rows).to_have_count(1)
    search.press("ArrowDown")
    expect(rows).to_be_focused()
    trader.page.keyboard.press("Enter")
    expect(trader.page.locator("#symbols")).to_be_hidden()
    expect(button).to_have_text(re.compile("ETH-USDT"))
    trader.page.reload()
    button.click()
    expect(rows.first).to_contain_text("SOL-USDT")


def test_a_search_without_a_match_says_so_and_escape_leaves_it(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, SYMBOL)
    trader.page.locator("#symbol").click()
    trader.page.get_by_label("Find a symbol").fill("doge")
    expect(trader.page.locator("#symbols").get_by_role("status")).to_have_text("No symbol is called “doge”.")
    trader.page.keyboard.press("Enter")
    trader.page.keyboard.press("Escape")
    trader.page.keyboard.press("Escape")
    expect(trader.page.locator("#symbols")).to_be_hidden()
    expect(trader.page.locator("#symbol")).to_have_text(re.compile(SYMBOL))


def test_the_pill_opens_to_all_that_is_known_of_the_connection(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, SYMBOL)
    trader.page.locator("#pill").click()
    details = trader.page.get_by_role("dialog", name="Connection")
    expect(details.locator('[data-link="rtt"]')).to_have_text(re.compile(r"^[\d.]+ ms$"))
    expect(details.locator('[data-link="seq"]')).to_have_text(re.compile(r"^[\d,]+$"))
    expect(details.locator('[data-link="age"]')).to_have_text(re.compile(r"^\d+\.\d s$"))
    expect(details).to_contain_text("No message was missed.")


def test_the_clock_is_the_venues(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, SYMBOL, prepare=lambda page: page.clock.set_system_time("2001-01-01T00:00:00Z"))
    shown = "() => document.querySelector('#venue-time').textContent.match(/(\\d\\d):(\\d\\d):(\\d\\d)/)"
    found = trader.page.wait_for_function(shown).json_value()
    venue = float(trader.page.evaluate("async () => (await (await fetch('/health')).json()).timestamp"))
    seconds = sum(int(part) * unit for part, unit in zip(found[1:], (3600, 60, 1), strict=True))
    # the page's guess is wrong by half of a round trip, to either side; and midnight may have come in between
    assert (venue - seconds + WRONG_S_MAX) % 86_400 < 2 * WRONG_S_MAX


def test_a_clock_that_is_wrong_by_an_hour_keeps_no_order_from_lasting_and_is_not_told_as_the_time_of_calls(
    opens: Opens, server: RunningServer
) -> None:
    ahead = """const Real = Date, ms = 3_600_000;
      window.Date = class extends Real { constructor(...of) { of.length ? super(...of) : super(Real.now() + ms); }
        static now() { return Real.now() + ms; } };"""
    trader = opens(server, SYMBOL, prepare=lambda page: page.add_init_script(ahead))
    ends = trader.page.evaluate(
        """async () => { const { timestamp } = await (await fetch('/health')).json();
          const at = new Date((timestamp + 1_800) * 1_000);
          return new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16); }"""
    )
    trader.fills_in("Buy", "Limit", price="280.00", quantity="1")
    trader.opens_options()
    trader.page.locator("select[name=time_in_force]").select_option("gtd")
    trader.page.locator("input[name=expire_time]").fill(ends)
    trader.sends()
    trader.sees_result("In the book: buy 1 BNB at 280.00")
    call_time = trader.opens_tab("API").locator(".api-call .time").first.inner_text()
    clock = trader.page.locator("#venue-time").inner_text()
    east = -int(trader.page.evaluate("() => new Date().getTimezoneOffset()"))  # calls are told in local time
    found = re.findall(r"(\d\d):(\d\d):\d\d", f"{call_time} {clock}")
    local, utc = (int(hours) * 60 + int(minutes) for hours, minutes in found)
    assert (utc + east - local) % 1440 < 10
    trader.cancels_all()


def test_nothing_in_the_header_moves_when_the_round_trip_needs_another_digit(
    opens: Opens, server: RunningServer
) -> None:
    trader = opens(server, SYMBOL)
    edges = trader.page.evaluate(
        """() => { const edges = (box, of) => ["1.1 ms", "88 ms", "888 ms", "8888 ms"].map((text) => {
            document.querySelector(of).firstChild.data = text;
            return document.querySelector(box).getBoundingClientRect().left; });
          return [edges(".bar-end", ".pill-rtt"), edges(".status dl div:last-child", '[data-status="rtt"]')]; }"""
    )
    assert [len(set(each)) for each in edges] == [1, 1]


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "dark"), (DESKTOP, "light"), (PHONE, "dark")])
def test_an_auction_is_announced_with_its_price_volume_and_imbalance(
    opens: Opens, server: RunningServer, wire: Wire, size: tuple[int, int], scheme: str
) -> None:
    trader = opens(server, SYMBOL, prepare=wire.tap, size=size, scheme=scheme)
    at = trader.page.evaluate("async () => (await (await fetch('/health')).json()).timestamp") + 125
    wire.say(_status("auction", indicative=INDICATIVE, next_change={"status": "trading", "at": at}))
    banner = trader.page.locator("#state-banner")
    expect(banner).to_contain_text("Indicative price 300.50 USDT, volume 12.5 BNB, 2.25 BNB more to buy.")
    expect(banner).to_contain_text(re.compile(r"Trading at \d\d:\d\d:\d\d UTC, in [12]:\d\d"))
    expect(trader.page.locator("#session-state")).to_have_text("Session: Auction")
    assert trader.page.evaluate(FAINT, ".banner *, .bar *")["faint"] == []
    wire.say(_status("trading"))
    expect(banner).to_have_count(0)


def test_halted_closed_and_limit_states_are_told_apart(opens: Opens, server: RunningServer, wire: Wire) -> None:
    trader = opens(server, SYMBOL, prepare=wire.tap)
    banner, chip = trader.page.locator("#state-banner"), trader.page.locator("#session-state")
    wire.say(_status("halted"))
    expect(banner).to_contain_text("Trading is halted.")
    wire.say(_status("closed"))
    expect(banner).to_contain_text("The market is closed.")
    wire.say(_status("trading", limit_state="sell", limit_price="270.00"))
    expect(banner).to_contain_text("The price is at its lower limit at 270.00 USDT.")
    expect(chip).to_have_text("Session: Limit down")
    trader.switches_to("ETH-USDT")
    expect(banner).to_have_count(0)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_words_of_header_and_chart_can_be_read(opens: Opens, server: RunningServer, scheme: str) -> None:
    trader = opens(server, SYMBOL, scheme=scheme)
    trader.page.locator("#symbol").click()
    expect(trader.page.locator(".symbol-row").first).to_be_visible()
    found = trader.page.evaluate(FAINT, ".bar *, .chart-panel *, .status *")
    assert found["written"] > 20
    assert found["faint"] == []
