"""The operator's panel: only for operators, and what it commands happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.access.cast import OPERATOR, appoint
from tests.api.clients import PASSWORD, FeedClient
from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.browser.trader import PHONE, Trader
from tests.server import RunningServer

SYMBOL = "SOL-USDT"
NEW: dict[str, Any] = {
    "symbol": "NEW-USDT",
    "base": "NEW",
    "quote": "USDT",
    "tick_size": "0.01",
    "lot_size": "1",
    "quote_scale": 10,
    "max_quantity": "1000",
    "max_notional": "1000000",
}
FITS = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with an operator."""
    with RunningServer(tmp_path_factory.mktemp("operator") / "data") as running:
        appoint(running.data)
        yield running


def _operates(opens: Opens, venue: RunningServer, **how: Any) -> tuple[Trader, Locator]:
    trader = opens(venue, SYMBOL, **how)
    trader.signs("Sign in", OPERATOR, PASSWORD)
    trader.is_known_as(OPERATOR)
    return trader, trader.opens_tab("Operator")


def _shows(panel: Locator, name: str) -> None:
    panel.get_by_role("group", name="What to operate").get_by_role("button", name=name, exact=True).click()


def test_only_operators_see_the_panel_and_only_they_are_obeyed(opens: Opens, venue: RunningServer) -> None:
    trader = opens(venue, SYMBOL, forgive=True)
    expect(trader.page.get_by_role("tab", name="API")).to_be_visible()
    expect(trader.page.get_by_role("tab", name="Operator")).to_have_count(0)
    status = trader.page.evaluate(
        """async () => { const { token } = await (await fetch("/auth/guest", { method: "POST", body: "{}",
          headers: { "Content-Type": "application/json" } })).json();
        return (await fetch("/admin/check", { headers: { Authorization: `Bearer ${token}` } })).status; }"""
    )
    assert status == 403
    trader.signs("Sign in", OPERATOR, PASSWORD)
    expect(trader.page.get_by_role("tab", name="Operator")).to_be_visible()


def test_a_symbol_is_halted_after_asking_and_resumed_and_called_to_an_auction(
    opens: Opens, venue: RunningServer
) -> None:
    trader, panel = _operates(opens, venue)
    row = panel.locator(f'tr[data-symbol="{SYMBOL}"]')
    confirm = trader.page.locator("#confirm")
    row.get_by_role("button", name="Halt").click()
    confirm.get_by_role("button", name="Leave it").click()
    expect(row.locator(".state")).to_have_text("Trading")
    row.get_by_role("button", name="Halt").click()
    confirm.get_by_role("button", name="Halt").click()
    expect(row.locator(".state")).to_have_text("Halted")
    expect(trader.page.locator("#operator-result")).to_have_text(f"{SYMBOL} is halted.")
    row.get_by_role("button", name="Auction").click()
    confirm.get_by_label("Trading begins after").fill("600")
    confirm.get_by_role("button", name="Auction").click()
    expect(row.locator(".state")).to_have_text("Auction")
    expect(row).to_contain_text("Trading in 10 min")
    expect(trader.page.locator("#operator-result")).to_have_text(f"{SYMBOL} is in an auction.")
    trader.screenshot("operator")
    row.get_by_role("button", name="Resume").click()
    expect(row.locator(".state")).to_have_text("Trading")


def test_a_symbol_that_is_listed_while_the_page_is_open_can_be_traded_at_once(
    opens: Opens, venue: RunningServer
) -> None:
    token = asked(venue, "POST", "/auth/login", {"name": OPERATOR, "password": PASSWORD})["token"]
    trader = opens(venue, SYMBOL)
    asked(venue, "POST", "/admin/symbols", NEW, token=token)
    trader.switches_to(NEW["symbol"])
    trader.fills_in("Buy", "Limit", price="1.00", quantity="2000")
    expect(trader.page.locator("#quantity-problem")).to_contain_text("At most 1,000 NEW")
    asked(venue, "POST", "/admin/symbols", NEW | {"max_quantity": "5000"}, token=token)  # and its limits are changed
    expect(trader.page.locator("#quantity-problem")).to_be_empty()
    asked(venue, "POST", f"/admin/symbols/{NEW['symbol']}/close", token=token)
    trader.switches_to(SYMBOL)
    trader.page.locator("#symbol").click()
    expect(trader.page.locator(f'[data-symbol="{NEW["symbol"]}"] .symbol-status')).to_have_text("Closed")


def test_a_user_who_lost_the_password_is_given_another_and_changes_it(opens: Opens, venue: RunningServer) -> None:
    asked(venue, "POST", "/auth/signup", {"name": "forgetful", "password": PASSWORD})
    operator, panel = _operates(opens, venue)
    _shows(panel, "Account")
    panel.get_by_label("Account", exact=True).fill("forgetful")
    panel.get_by_role("button", name="Find").click()
    user = panel.locator("#operator-user")
    expect(user.locator(".session-list li")).to_have_count(1)
    user.get_by_role("button", name="Reset password").click()
    operator.page.locator("#confirm").get_by_role("button", name="Reset it").click()
    expect(user.locator(".session-list li")).to_have_count(0)
    operator.screenshot("operator-user")
    given = user.locator("#given-password").text_content() or ""

    forgetful = opens(venue, SYMBOL, forgive=True)
    forgetful.signs("Sign in", "forgetful", given)
    dialog = forgetful.page.locator("#security-dialog")  # it opens by itself: the password is good for a day
    expect(dialog.locator(".problem")).to_contain_text("The password you have ends")
    dialog.get_by_label("Current password").fill(given)
    dialog.get_by_label("New password").fill("another battery staple")
    dialog.get_by_role("button", name="Change the password").click()
    expect(dialog.locator(".problem")).to_have_count(0)
    dialog.get_by_role("button", name="Close").click()
    user.get_by_role("button", name="Disable").click()
    operator.page.locator("#confirm").get_by_role("button", name="Disable them").click()
    expect(user.locator(".state")).to_have_text("Disabled")
    expect(forgetful.page.locator("#session-banner")).to_contain_text("The session of forgetful was ended")


def test_an_account_is_found_configured_cancelled_stopped_and_started(opens: Opens, venue: RunningServer) -> None:
    guest = asked(venue, "POST", "/auth/guest", {})
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "quantity": "1", "price": "90.00"}
    asked(venue, "POST", "/order", order, guest["token"])
    trader, panel = _operates(opens, venue)
    _shows(panel, "Account")
    panel.get_by_label("Account", exact=True).fill(str(guest["account"]))
    panel.get_by_role("button", name="Find").click()
    card = panel.locator(f'[data-account="{guest["account"]}"]')
    expect(card).to_contain_text("1 open order")
    confirm, result = trader.page.locator("#confirm"), trader.page.locator("#operator-result")
    card.get_by_role("button", name="Cancel its orders").click()
    confirm.get_by_role("button", name="Cancel them").click()
    expect(card).to_contain_text("0 open orders")
    card.get_by_label("Tier").fill("vip")
    card.get_by_label("Taker fee, bps").fill("1.5")
    card.get_by_label("Self-trade mode").select_option("cancel_oldest")
    card.get_by_role("button", name="Set them").click()
    expect(result).to_have_text("Tier, fees and limits are set.")
    account = asked(venue, "GET", "/account", token=guest["token"])
    assert (account["tier"], account["fees"]["taker_percent"], account["role"]) == ("vip", "0.015", "trader")
    card.get_by_role("button", name="Stop trading").click()
    confirm.get_by_role("button", name="Stop it").click()
    expect(card.locator(".state")).to_have_text("Stopped")
    card.get_by_role("button", name="Start it again").click()
    expect(card.locator(".state")).to_have_text("Active")
    trader.screenshot("operator-account")


def test_an_account_is_found_by_the_name_of_its_user_and_in_the_list_of_all(opens: Opens, venue: RunningServer) -> None:
    guest = asked(venue, "POST", "/auth/guest", {})
    _, panel = _operates(opens, venue)
    _shows(panel, "Account")
    wanted, find = panel.get_by_label("Account", exact=True), panel.get_by_role("button", name="Find")
    wanted.fill(guest["name"].upper())
    find.click()
    card = panel.locator(f'[data-account="{guest["account"]}"]')
    expect(card).to_contain_text(f"{guest['name']}, guest")
    wanted.fill("")
    find.click()
    row = panel.locator(f'[data-account-row="{guest["account"]}"]')
    expect(row).to_contain_text("Active")
    row.get_by_role("button", name=guest["name"]).click()
    expect(card).to_be_visible()


def test_the_venues_health_is_plotted_its_books_checked_its_audit_trail_listed(
    opens: Opens, venue: RunningServer
) -> None:
    number = entered(venue, "buy", "1", "89.00", SYMBOL)
    trader, panel = _operates(opens, venue, scheme="light")
    _shows(panel, "Venue")
    expect(panel.locator(".plot")).to_have_count(3)
    expect(panel.locator(".plot polyline").first).to_have_attribute(
        "points", re.compile(r"[\d.]+,[\d.]+ [\d.]+,[\d.]+")
    )
    panel.get_by_role("button", name="Check the books").click()
    expect(trader.page.locator("#operator-result")).to_have_text("The books balance.")
    panel.get_by_label("Order to cancel").fill(number)
    panel.get_by_role("button", name="Cancel it").click()
    expect(trader.page.locator("#operator-result")).to_contain_text(f"Order {number} of account 1 is cancelled.")
    trader.screenshot("operator-venue-light")
    _shows(panel, "Audit trail")
    expect(panel.get_by_role("table").locator("tbody tr").first).to_contain_text(
        re.compile(f"{OPERATOR}.*cancel.*{number}")
    )


def test_the_panel_fits_a_phone(opens: Opens, venue: RunningServer) -> None:
    trader, panel = _operates(opens, venue, size=PHONE)
    for name in ("Account", "Venue", "Symbols"):
        _shows(panel, name)
        expect(panel.locator("#operator .empty, #operator h3, #operator table").first).to_be_visible()
        assert trader.page.evaluate(FITS), name
    trader.screenshot("phone-operator")


def test_the_ranking_shows_who_made_most_and_the_bar_says_which_seed_trades(opens: Opens, venue: RunningServer) -> None:
    for name, side in (("maker", "buy"), ("taker", "sell")):  # whose fee is higher
        token = asked(venue, "POST", "/auth/signup", {"name": name, "password": PASSWORD})["token"]
        for asset, amount in (("BNB", "10"), ("USDT", "10000")):
            asked(venue, "POST", "/account/deposit", {"asset": asset, "amount": amount}, token=token)
        order = {"symbol": "BNB-USDT", "side": side, "order_type": "limit", "quantity": "2", "price": "300.00"}
        asked(venue, "POST", "/order", order, token=token)
    feed = FeedClient(venue.url, {"flow": "simulated", "seed": 42, "strategy": "noise, my_module:Mine"})
    try:
        operator, panel = _operates(opens, venue)
        _shows(panel, "Ranking")
        rows = panel.locator("tr[data-ranked]")
        expect(rows.first).to_contain_text("maker")
        expect(rows.last).to_contain_text("taker")
        expect(operator.page.locator("#flow")).to_have_text("Simulated flow (noise, my_module:Mine, seed 42)")
        operator.screenshot("operator-ranking")
        assert operator.page.evaluate(FITS)
    finally:
        feed.close()
