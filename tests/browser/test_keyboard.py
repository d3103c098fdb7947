"""Trading by the keyboard alone, and own fills that are told."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.server import RunningServer

SYMBOL = "BNB-USDT"
FOCUS_WITHIN = "() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null"


def test_one_trades_without_a_mouse_from_the_first_key_to_cancel_all(opens: Opens, server: RunningServer) -> None:
    resting = [entered(server, "sell", "2", "311.00", SYMBOL), entered(server, "buy", "2", "309.00", SYMBOL)]
    trader = opens(server, SYMBOL)
    keyboard = trader.page.keyboard
    price, quantity = trader.page.locator("#price"), trader.page.locator("#quantity")
    expect(trader.level("309.00")).to_have_count(1)
    trader.page.locator(".level-price[tabindex='0']").focus()  # the one stop of the tab key
    keyboard.press("ArrowUp")
    keyboard.press("Enter")  # the best ask into the ticket, on to the quantity
    expect(price).to_have_value("311.00")
    expect(quantity).to_be_focused()
    keyboard.type("0.5")
    keyboard.press("Enter")
    trader.sees_result("Bought 0.5 BNB at 311")
    expect(trader.page.locator("#fill-notice")).to_have_text("Bought 0.5 BNB at 311.00.")
    keyboard.press("Escape")  # out of the field
    expect(quantity).not_to_be_focused()
    keyboard.press("s")
    expect(trader.page.locator("#ticket")).to_have_attribute("data-side", "sell")
    keyboard.press("Shift+ArrowUp")
    keyboard.press("ArrowUp")
    expect(price).to_have_value("311.11")
    keyboard.press("Enter")
    expect(trader.orders()).to_have_count(1)
    keyboard.press("m")
    expect(price).to_be_hidden()
    keyboard.press("l")
    keyboard.press("b")
    expect(trader.page.locator("#ticket")).to_have_attribute("data-side", "buy")
    keyboard.press("Escape")
    dialog = trader.page.get_by_role("dialog", name="Cancel your open order?")
    expect(dialog).to_contain_text("1 in BNB-USDT")
    keyboard.press("Escape")  # thought better of it
    expect(dialog).to_have_count(0)
    expect(trader.orders()).to_have_count(1)
    keyboard.press("b")  # an Escape right after one that closed something asks nothing
    keyboard.press("Escape")
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(trader.page.get_by_role("dialog", name="No open orders")).to_contain_text("Order cancelled.")
    expect(trader.orders()).to_have_count(0)
    keyboard.press("Escape")
    for order_id in resting:
        asked(server, "DELETE", f"/order/{order_id}")


def test_keys_are_listed_keep_out_of_texts_and_can_be_switched_off(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, SYMBOL)
    keyboard, ticket = trader.page.keyboard, trader.page.locator("#ticket")
    trader.page.locator("#quantity").focus()
    keyboard.type("s?/")
    expect(ticket).to_have_attribute("data-side", "buy")
    expect(trader.page.locator("dialog[open]")).to_have_count(0)
    keyboard.press("Escape")
    keyboard.press("Control+s")
    expect(ticket).to_have_attribute("data-side", "buy")
    keyboard.press("?")
    keys = trader.page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Send the order in the ticket")
    for _ in range(8):  # the focus stays within
        keyboard.press("Tab")
        assert trader.page.evaluate(FOCUS_WITHIN)
    keys.get_by_label("Single keys work").uncheck()
    keyboard.press("Escape")
    expect(keys).to_have_count(0)
    keyboard.press("s")
    keyboard.press("?")  # which still tells how to have them again
    keys.get_by_label("Single keys work").check()
    expect(ticket).to_have_attribute("data-side", "buy")


def test_fills_are_notified_only_after_one_asked_for_it(opens: Opens, server: RunningServer) -> None:
    noted = """() => {
      window.noted = [];
      window.Notification = class { constructor(title, { body }) { window.noted.push(body); }
        static permission = "default";
        static async requestPermission() { return (this.permission = "granted"); } };
      Object.defineProperty(document, "hasFocus", { value: () => false });
    }"""
    trader = opens(server, SYMBOL, prepare=lambda page: page.add_init_script(f"({noted})()"))
    sell = entered(server, "sell", "2", "310.50", SYMBOL)
    trader.enters("Buy", "Limit", "0.25", "310.50")
    expect(trader.page.locator("#fill-notice")).to_have_text("Bought 0.25 BNB at 310.50.")
    assert trader.page.evaluate("() => [noted.length, Notification.permission]") == [0, "default"]
    trader.opens_account_menu().get_by_role("button", name="Keys and notices").click()
    keys = trader.page.get_by_role("dialog", name="Keys")
    keys.get_by_label("Notification when").check()
    keys.get_by_label("Sound").check()
    trader.page.keyboard.press("Escape")
    trader.enters("Buy", "Limit", "0.75", "310.50")
    expect(trader.page.locator("#fill-notice")).to_have_text("Bought 0.75 BNB at 310.50.")
    assert trader.page.evaluate("() => noted") == ["Bought 0.75 BNB at 310.50."]
    asked(server, "DELETE", f"/order/{sell}")
