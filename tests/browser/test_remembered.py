"""How its reader likes the page is how they find it again after a reload."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.access.cast import appoint
from tests.api.clients import PASSWORD
from tests.browser.conftest import Opens
from tests.browser.trader import PHONE, Trader
from tests.server import RunningServer

SYMBOL = "ETH-USDT"


def _pressed(button: Locator) -> None:
    expect(button).to_have_attribute("aria-pressed", "true")


def _button(trader: Trader, group: str, name: str) -> Locator:
    return trader.page.get_by_role("group", name=group).get_by_role("button", name=name, exact=True)


def _after_a_reload(trader: Trader, sees: Callable[[], None]) -> None:
    sees()
    trader.page.reload()
    sees()


def test_on_a_desk_tabs_and_choices_of_every_panel_are_remembered(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, SYMBOL)
    page = trader.page
    trader.opens_tab("Depth")
    _button(trader, "Bars", "Level").click()
    trader.opens_options()
    trader.opens_tab("Open orders")
    page.locator("#only-symbol").check()
    page.locator("#orders").get_by_role("button", name="Price", exact=True).click()
    trader.opens_tab("API").get_by_label("What the page asks by itself too").check()

    def sees() -> None:
        expect(page.locator("#symbol .switcher-symbol")).to_have_text(SYMBOL)
        expect(page.get_by_role("tab", name="Depth")).to_have_attribute("aria-selected", "true")
        expect(page.get_by_role("tab", name="API")).to_have_attribute("aria-selected", "true")
        _pressed(_button(trader, "Bars", "Level"))
        expect(page.locator("#ticket .options")).to_have_attribute("open", "")
        expect(page.get_by_label("What the page asks by itself too")).to_be_checked()
        expect(page.locator("#only-symbol")).to_be_checked()
        expect(page.locator("#orders th[aria-sort=descending]")).to_have_text("Price")

    _after_a_reload(trader, sees)


def test_keys_and_the_sound_stay_as_they_were_set(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, SYMBOL)
    keys = trader.page.get_by_role("dialog", name="Keys")

    def see() -> None:
        trader.opens_account_menu().get_by_role("button", name="Keys and notices").click()

    see()
    keys.get_by_label("Single keys work").uncheck()
    keys.get_by_label("Sound").check()
    trader.page.reload()
    trader.sees_state("Live")
    trader.page.keyboard.press("s")
    expect(trader.page.locator("#ticket")).to_have_attribute("data-side", "buy")
    see()
    expect(keys.get_by_label("Single keys work")).not_to_be_checked()
    expect(keys.get_by_label("Sound")).to_be_checked()
    expect(keys.get_by_label("Notification when")).not_to_be_checked()


def test_a_phone_opens_at_the_view_it_was_left_at(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, SYMBOL, size=PHONE)
    trader.views("Book")
    _after_a_reload(trader, lambda: expect(trader.page.locator("#ladder")).to_be_visible())
    expect(trader.page.locator("#ticket")).to_be_hidden()


def test_the_operators_panel_opens_at_what_was_operated(opens: Opens, server: RunningServer) -> None:
    appoint(server.data, "keen-boss")
    trader = opens(server, SYMBOL)
    trader.signs("Sign in", "keen-boss", PASSWORD)
    trader.is_known_as("keen-boss")
    trader.opens_tab("Operator")
    audit = _button(trader, "What to operate", "Audit trail")
    audit.click()
    _after_a_reload(trader, lambda: _pressed(audit))
