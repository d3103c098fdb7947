"""One time zone on one screen, named and chosen: in Tokyo, where summers are as winters, and in New York."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.access.cast import OPERATOR, appoint
from tests.api.clients import PASSWORD
from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.browser.trader import PHONE, Trader
from tests.server import RunningServer

SYMBOL = "ETH-USDT"
MINUS = "\u2212"
NAMES = {"Asia/Tokyo": r"UTC\+9", "America/New_York": f"UTC{MINUS}[45]", "UTC": "UTC"}
# What a canvas is told to write, since nobody can read it back.
NOTES_DRAWN_TEXTS = """() => {
  window.drawn = [];
  const { fillText } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
    window.drawn.push(String(text));
    return fillText.call(this, text, ...rest);
  };
}"""
AXIS_TIMES = r"() => [...new Set(window.drawn.filter((text) => /^\d\d:\d\d(:\d\d)?$/.test(text)))]"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with an operator, where ETH has just traded."""
    data = tmp_path_factory.mktemp("times") / "data"
    appoint(data)
    with RunningServer(data) as running:
        for side in ("sell", "buy"):
            entered(running, side, "1", "2000.00", SYMBOL)
        yield running


def _notes(page: Page) -> None:
    page.add_init_script(f"({NOTES_DRAWN_TEXTS})()")


def near(text: str, zone: str, within_s: float = 600) -> bool:
    """Whether the first time of day in a text is about now by the clocks of a zone."""
    found = re.search(r"(\d\d):(\d\d)(?::(\d\d))?", text)
    if found is None:
        return False
    now = datetime.now(ZoneInfo(zone))
    shown = int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)
    apart = abs(shown - (now.hour * 3600 + now.minute * 60 + now.second))
    return min(apart, 86_400 - apart) < within_s


def chooses(trader: Trader, zone: str) -> None:
    """Another zone, by the settings that its name beside the clock leads to."""
    trader.page.locator("#zone").click()
    dialog = trader.page.get_by_role("dialog", name="Keys")
    dialog.get_by_label(zone, exact=True).check()
    dialog.get_by_role("button", name="Close").click()


def times_of(trader: Trader) -> dict[str, str]:
    """Every time that the page shows just now, by its place."""
    page = trader.page
    expect(page.locator("#legend .legend-time")).to_have_text(re.compile("UTC"))
    expect(trader.tape().first).to_contain_text(":")
    trader.opens_tab("API")
    expect(page.locator("#api-log .time").first).to_contain_text(":")
    texts = {"calls": page.locator("#api-log .time").first.inner_text()}
    trader.opens_tab("Fills")
    expect(trader.fills().first).to_contain_text(":")
    texts["fills"] = trader.fills().first.locator(".time").inner_text()
    texts["fill, whole"] = trader.fills().first.locator(".time").get_attribute("title") or ""
    trader.opens_tab("Order history")
    history = page.locator("#history tbody tr").first
    expect(history).to_contain_text(":")
    texts["history"] = history.locator(".time").inner_text()
    trader.opens_tab("Open orders")
    texts["open order, whole"] = trader.orders().first.locator(".time").get_attribute("title") or ""
    texts["clock"] = page.locator("#venue-time").inner_text()
    texts["legend"] = page.locator("#legend .legend-time").inner_text()
    texts["tape"] = trader.tape().first.locator(".time").inner_text()
    return texts


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_every_time_is_in_the_zone_that_stands_beside_the_clock(opens: Opens, venue: RunningServer, zone: str) -> None:
    trader = opens(venue, SYMBOL, zone=zone, prepare=_notes)
    entered(venue, "sell", "1", "2000.00", SYMBOL)
    trader.enters("Buy", "Market", "1")
    trader.sees_result("Bought 1 ETH")
    trader.enters("Buy", "Limit", "1", "1900")
    trader.sees_result("In the book")
    expect(trader.page.locator("#zone")).to_have_text(re.compile(NAMES[zone]))
    for place, text in times_of(trader).items():
        assert near(text, zone), f"{place}: {text}"
        assert ("whole" not in place) or re.search(NAMES[zone], text), f"{place}: {text}"
    axis = trader.page.evaluate(AXIS_TIMES)
    assert axis
    assert all(near(text, zone, 3_600) for text in axis), axis
    trader.screenshot(f"times-{zone.split('/')[1].lower()}")

    chooses(trader, "UTC")
    expect(trader.page.locator("#zone")).to_have_text("UTC")
    trader.page.evaluate("() => void (window.drawn = [])")
    trader.page.locator("#chart").press("+")  # which has all of it drawn anew
    trader.waits_until(lambda: trader.page.evaluate(AXIS_TIMES))
    for place, text in times_of(trader).items():
        assert near(text, "UTC"), f"{place}: {text}"
    assert all(near(text, "UTC", 3_600) for text in trader.page.evaluate(AXIS_TIMES))
    trader.page.reload()
    expect(trader.page.locator("#zone")).to_have_text("UTC")


def test_explanations_and_the_queue_of_a_level_tell_times_of_the_zone(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL, zone="Asia/Tokyo")
    trader.opens_options()
    ticket = trader.fills_in("Buy", "Limit", quantity="1", price="1850")
    ticket.get_by_label("Lasts").select_option("gtd")
    ends = ticket.locator("#expire_time")
    expect(ticket.locator("#expire_time-problem")).to_have_text("Read as UTC+9, the page's time zone")
    ends.fill("2040-01-01T08:30:00")
    expect(ticket.locator("#expire_time-problem")).to_have_text("1 Jan 2040, 08:30:00 UTC+9")
    trader.screenshot("times-until")
    trader.sends()
    trader.sees_result("In the book")
    order = asked(venue, "GET", f"/book/{SYMBOL}/orders?price=1850")["bids"]
    assert order, "it rests"
    row = trader.orders().first
    expect(row).to_contain_text("until 1 Jan 2040, 08:30")

    trader.page.locator("#result-why").click()
    why = trader.page.locator("#why")
    expect(why).to_contain_text("command")
    said = why.inner_text()
    assert near(said, "Asia/Tokyo"), said
    assert not re.search(r"\d\d:\d\d(:\d\d)?(\.\d+)? UTC(?!\+9)", said), said
    trader.screenshot("times-why")

    expect(ends).to_have_value(re.compile("2040-01-01T08:30"))
    chooses(trader, "UTC")
    expect(ends).to_have_value(re.compile("2039-12-31T23:30"))
    expect(ticket.locator("#expire_time-problem")).to_have_text("31 Dec 2039, 23:30:00 UTC")
    trader.opens_tab("Open orders")
    expect(row).to_contain_text("until 31 Dec 2039, 23:30")


def test_a_time_that_the_clocks_show_twice_is_not_guessed(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL, zone="America/New_York")
    trader.opens_options()
    ticket = trader.fills_in("Buy", "Limit", quantity="1", price="1850")
    ticket.get_by_label("Lasts").select_option("gtd")
    ticket.locator("#expire_time").fill("2040-11-04T01:30:00")
    expect(ticket.locator("#expire_time-problem")).to_contain_text("There is that time twice")
    trader.sends()
    expect(ticket.locator("#expire_time")).to_be_focused()
    ticket.locator("#expire_time").fill("2040-11-04T02:30:00")
    expect(ticket.locator("#expire_time-problem")).to_have_text(f"4 Nov 2040, 02:30:00 UTC{MINUS}5")


def test_sessions_and_operators_see_the_same_zone(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL, zone="Asia/Tokyo")
    trader.signs("Sign in", OPERATOR, PASSWORD)
    trader.is_known_as(OPERATOR)
    token = asked(venue, "POST", "/auth/login", {"name": OPERATOR, "password": PASSWORD})["token"]
    asked(venue, "POST", f"/admin/symbols/{SYMBOL}/auction?seconds=120", token=token)
    banner = trader.page.locator("#state-banner")
    expect(banner).to_contain_text(re.compile(r"Trading at \d\d:\d\d:\d\d UTC\+9, in [12]:\d\d"))
    assert near(banner.locator(".state-next").inner_text(), "Asia/Tokyo")
    asked(venue, "POST", f"/admin/symbols/{SYMBOL}/resume", token=token)
    trader.opens_tab("Operator").get_by_role("button", name="Audit trail").click()
    first = trader.page.locator("#operator tbody .time").first
    expect(first).to_contain_text(":")
    assert near(first.inner_text(), "Asia/Tokyo")


def test_on_a_phone_the_zone_stands_beside_the_clock_too(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL, zone="Asia/Kolkata", size=PHONE)
    expect(trader.page.locator("#zone")).to_be_visible()
    expect(trader.page.locator("#zone")).to_have_text("UTC+5:30")
    trader.views("Chart")
    expect(trader.page.locator("#legend .legend-time")).to_have_text(re.compile(r"UTC\+5:30"))
    trader.screenshot("times-phone")
