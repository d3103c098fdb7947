"""axe-core looks at every part of the page, in both themes, on a desk and on a phone, and finds nothing serious."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.access.cast import OPERATOR, appoint
from tests.api.clients import PASSWORD
from tests.browser.calls import entered
from tests.browser.conftest import Opens
from tests.browser.trader import DESKTOP, PHONE, Trader
from tests.server import RunningServer

SYMBOL = "ETH-USDT"
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
# What moves has come to rest, and what was asked for is there: half-way, colours are others.
RUN = """async () => {
  const moving = () => document.getAnimations().filter((each) => each.effect.getComputedTiming().endTime < Infinity);
  while (document.querySelector("[data-asking=true]") || moving().length > 0) await new Promise(requestAnimationFrame);
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target, html }) => `${id}: ${target.join(" ")}: ${html}`));
}"""
ORDER_TYPES = ("Limit", "Market", "Stop", "Stop limit", "Trailing", "OCO")


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with an operator, on which somebody quotes and traded."""
    with RunningServer(tmp_path_factory.mktemp("accessible") / "data") as running:
        appoint(running.data)
        for side, price in (("sell", "2010.00"), ("sell", "2011.00"), ("buy", "1990.00"), ("buy", "1989.00")):
            entered(running, side, "5", price, SYMBOL)
        yield running


def _finds_nothing(trader: Trader, where: str) -> None:
    if not trader.page.evaluate("() => 'axe' in window"):
        trader.page.evaluate(AXE)
    found: list[Any] = trader.page.evaluate(RUN)
    assert found == [], f"{where}: {found}"


def _trades(opens: Opens, venue: RunningServer, **how: Any) -> Trader:
    """Somebody with a fill, an open order and a refusal."""
    trader = opens(venue, SYMBOL, **how)
    trader.enters("Buy", "Limit", "0.1", "2010.00")
    trader.sees_result("Bought")
    trader.enters("Buy", "Limit", "0.1", "1990.00")
    trader.sees_result("In the book")
    return trader


def _why(trader: Trader) -> None:
    trader.views("Trade")
    trader.page.locator("#result-why").click()
    expect(trader.page.locator(".why-story")).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_desk_and_its_tabs(opens: Opens, venue: RunningServer, scheme: str) -> None:
    trader = _trades(opens, venue, scheme=scheme)
    expect(trader.fills()).to_have_count(1)
    for tab in ("Open orders", "Order history", "Fills", "Balances", "API", "Depth"):
        trader.opens_tab(tab)
        _finds_nothing(trader, f"{scheme} {tab}")
    _why(trader)
    _finds_nothing(trader, f"{scheme} Why")
    trader.opens_options()
    for kind in ORDER_TYPES:
        trader.page.locator("#ticket").get_by_text(kind, exact=True).click()
        trader.sends()  # empty as it is, so that its problems show
        _finds_nothing(trader, f"{scheme} {kind}")


def test_a_phone(opens: Opens, venue: RunningServer) -> None:
    trader = _trades(opens, venue, size=PHONE)
    for view in ("Chart", "Book", "Trade", "Orders", "Account"):
        trader.views(view)
        _finds_nothing(trader, view)
    _why(trader)
    _finds_nothing(trader, "Why")


def test_what_opens_over_the_page(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL, size=DESKTOP)
    trader.page.locator("#symbol").click()
    expect(trader.page.locator("#symbols")).to_be_visible()
    _finds_nothing(trader, "switcher")
    trader.page.keyboard.press("Escape")
    trader.page.get_by_role("button", name="Keys").click()
    expect(trader.page.get_by_role("dialog")).to_be_visible()
    _finds_nothing(trader, "keys")
    trader.page.keyboard.press("Escape")
    trader.opens_account_menu()
    _finds_nothing(trader, "account")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_operators_panel(opens: Opens, venue: RunningServer, scheme: str) -> None:
    trader = opens(venue, SYMBOL, scheme=scheme)
    trader.signs("Sign in", OPERATOR, PASSWORD)
    panel = trader.opens_tab("Operator")
    for name in ("Account", "Venue", "Audit trail", "Symbols"):
        panel.get_by_role("group", name="What to operate").get_by_role("button", name=name, exact=True).click()
        if name == "Account":
            panel.get_by_label("Account", exact=True).fill("1")
            panel.get_by_role("button", name="Find").click()
            expect(panel.locator(".operator-account")).to_be_visible()
        _finds_nothing(trader, name)
    panel.get_by_role("button", name=f"Halt {SYMBOL}").click()
    _finds_nothing(trader, "confirm")
