"""Faults on demand in the page: set for oneself, set and ended by operators, and a badge while some are active."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.access.cast import OPERATOR, appoint
from tests.api.clients import PASSWORD
from tests.browser.conftest import Opens
from tests.browser.trader import PHONE
from tests.server import RunningServer

SYMBOL = "SOL-USDT"
FITS = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with an operator."""
    with RunningServer(tmp_path_factory.mktemp("misbehaves") / "data") as running:
        appoint(running.data)
        yield running


def test_one_sets_faults_for_oneself_sees_the_badge_and_ends_them(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL, size=PHONE, forgive=True)
    badge = trader.page.locator("#fault-badge")
    panel = trader.opens_tab("API")
    panel.get_by_text("Faults on demand, for your own requests").click()
    own = panel.locator("#own-faults")
    own.locator('select[name="fault"]').select_option("doubt")
    own.get_by_label("Seconds").fill("0")
    expect(own.get_by_role("button", name="Set faults")).to_be_disabled()
    own.get_by_label("Seconds").fill("600")
    own.get_by_role("button", name="Set faults").click()
    expect(trader.page.locator("#own-faults-result")).to_have_text("Set: server errors.")
    expect(badge).to_have_text("Faults: server errors")
    assert trader.page.evaluate(FITS)
    trader.screenshot("faults-own-phone")
    own.get_by_role("button", name="End mine").click()
    expect(badge).to_have_count(0)
    trader.page.reload()
    expect(badge).to_have_count(0)


def test_an_operator_sets_faults_for_the_venue_and_ends_them_and_everybody_sees_so(
    opens: Opens, venue: RunningServer
) -> None:
    somebody = opens(venue, SYMBOL, forgive=True)
    trader = opens(venue, SYMBOL, forgive=True)
    trader.signs("Sign in", OPERATOR, PASSWORD)
    trader.is_known_as(OPERATOR)
    panel = trader.opens_tab("Operator")
    panel.get_by_role("group", name="What to operate").get_by_role("button", name="Faults", exact=True).click()
    expect(panel.get_by_text("No faults are set: the venue behaves.")).to_be_visible()
    panel.locator('select[name="fault"]').select_option("gaps")
    panel.get_by_role("button", name="Set faults").click()
    row = panel.locator('tr[data-faults="the venue"]')
    expect(row).to_contain_text("feed with gaps")
    expect(somebody.page.locator("#fault-badge")).to_have_text("Faults: feed with gaps")
    panel.locator('input[name="fault-account"]').fill("1")
    panel.locator('select[name="fault"]').select_option("late")
    panel.get_by_role("button", name="Set faults").click()
    expect(panel.locator('tr[data-faults="account 1"]')).to_contain_text("late answers")
    trader.screenshot("faults-operator")
    somebody.screenshot("faults-badge")
    for whose in ("the venue", "account 1"):
        panel.get_by_role("button", name=f"End those of {whose}").click()
    expect(panel.get_by_text("No faults are set: the venue behaves.")).to_be_visible()
    expect(somebody.page.locator("#fault-badge")).to_have_count(0)
