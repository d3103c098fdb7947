"""A press too many, or one that was meant for what is gone: it never sends an order and never cancels another one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.browser.trader import PHONE, Trader
from tests.server import RunningServer

SYMBOL = "BNB-USDT"
FOCUSED = "() => document.activeElement.id || document.activeElement.dataset.does || document.activeElement.tagName"
FOCUSED_ROW = "() => document.activeElement.closest('tr')?.dataset.order"
# What is to happen just after another thing does so for the page, however busy the machine is.
SLOW_CLOCK = """(() => {
  const now = performance.now.bind(performance);
  performance.now = () => now() / 20;
})()"""
# A click at a place, as soon as another row has come there.
CLICKS_WHAT_COMES = """([x, y]) => {
  const rows = document.querySelector("#orders tbody");
  const count = rows.children.length;
  new MutationObserver(() => {
    if (window.clicked || rows.children.length === count) return;
    const button = document.elementFromPoint(x, y).closest("button");
    window.clicked = button.ariaLabel;
    button.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 1, clientX: x, clientY: y }));
  }).observe(rows, { childList: true });
}"""
# More presses, the moment the answer is told.
PRESSES_ON = """() => new MutationObserver((_, observer) => {
  if (!document.querySelector("#result").textContent.includes("at 304")) return;
  observer.disconnect();
  document.querySelector("#ticket .send").click();
  document.querySelector("#ticket").requestSubmit();
}).observe(document.querySelector("#result"), { subtree: true, childList: true, characterData: true })"""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Slips:
    """A trader with an order in the ticket, and a note of what was sent."""

    def __init__(self, trader: Trader) -> None:
        self.trader = trader
        self.page = trader.page
        self.press = trader.page.keyboard.press
        self.sent: list[str] = []
        trader.page.on("request", self._note)
        trader.fills_in("Buy", "Limit", price="304", quantity="0.1")

    def _note(self, request: Any) -> None:
        if request.method == "POST" and request.url.endswith("/order"):
            self.sent.append(request.post_data)

    def rest(self, *prices: str) -> None:
        """Have orders at these prices in the book, the last one on top."""
        for price in prices:
            self.trader.enters("Buy", "Limit", "0.1", price)
            self.trader.sees_result(f"at {price}")
        expect(self.trader.orders()).to_have_count(len(prices))
        self.sent.clear()

    def control(self, price: str, name: str) -> Locator:
        """The button of that name in the row of the order at that price."""
        row = self.trader.orders().filter(has_text=price)
        return row.get_by_role("button", name=re.compile(f"^{name}"))

    def sends_one(self) -> None:
        """What is in the ticket."""
        self.trader.sends()
        self.trader.sees_result("at 304")

    def leaves_the_ticket(self) -> None:
        """Nothing has the focus, and the ticket was the last thing touched."""
        self.page.locator("#quantity").focus()
        self.press("Escape")

    def sees_nothing_sent(self) -> None:
        """Nothing was sent, nor is about to be."""
        self.page.evaluate(TWO_FRAMES)
        assert self.sent == []

    def sees_focus(self, name: str) -> None:
        """An id, what a row's button does, or a tag."""
        self.trader.waits_until(lambda: self.page.evaluate(FOCUSED) == name)


@pytest.fixture
def slips(opens: Opens, server: RunningServer) -> Iterator[Slips]:
    """Afterwards nothing of theirs is in the book, as far as the test waited to see it there."""
    one = Slips(opens(server, SYMBOL, prepare=lambda page: page.add_init_script(SLOW_CLOCK)))
    yield one
    if one.trader.orders().count():
        one.trader.cancels_all()
    expect(one.trader.orders()).to_have_count(0)


def test_enter_twice_on_a_rows_cancel_takes_that_order_alone_and_sends_none(slips: Slips) -> None:
    slips.rest("301", "302", "303")
    below = slips.trader.orders().filter(has_text="302").get_attribute("data-order")
    slips.control("303", "Cancel").focus()
    slips.press("Enter")
    slips.press("Enter")
    expect(slips.trader.orders().filter(has_text="303")).to_contain_text("Cancelled")  # still where it was
    slips.sees_focus("cancel")
    slips.press("Enter")
    expect(slips.trader.orders()).to_have_count(2)
    slips.sees_focus("cancel")
    assert slips.page.evaluate(FOCUSED_ROW) == below
    slips.sees_nothing_sent()
    slips.press("Tab")
    slips.press("Shift+Tab")
    slips.press("Enter")  # meant
    expect(slips.trader.orders()).to_have_count(1)


def test_two_clicks_on_one_place_cancel_one_order(slips: Slips) -> None:
    slips.rest("302", "303")
    box = slips.control("303", "Cancel").bounding_box()
    assert box
    place = (box["x"] + 5, box["y"] + 5)
    slips.page.evaluate(CLICKS_WHAT_COMES, place)
    slips.page.mouse.click(*place)
    slips.page.mouse.click(*place)
    slips.trader.waits_until(lambda: slips.page.evaluate("() => window.clicked"))
    assert slips.page.evaluate("() => window.clicked") == "Cancel buy 0.1 BNB-USDT at 302.00"
    expect(slips.page.locator("#cancel-result")).to_contain_text("The rows had just moved")
    expect(slips.trader.orders()).to_have_count(1)
    assert slips.page.locator("#orders .gone").count() == 0


def test_cancel_all_in_the_panel_wants_more_than_enter_twice_and_gives_the_focus_on(slips: Slips) -> None:
    slips.rest("301", "302")
    slips.trader.opens_tab("Open orders").get_by_role("button", name="Cancel all").focus()
    slips.press("Enter")
    slips.sees_focus("cancel-all-keep")
    slips.press("Enter")
    slips.sees_focus("cancel-all-keep")
    slips.press("Shift+Tab")
    slips.sees_focus("cancel-all-yes")
    slips.press("Enter")
    slips.press("Enter")
    expect(slips.trader.orders()).to_have_count(0)
    slips.sees_focus("orders")
    slips.press("Enter")
    slips.sees_nothing_sent()


def test_after_an_amend_the_row_has_the_focus_and_enter_sends_nothing(slips: Slips) -> None:
    slips.rest("301", "302")
    slips.control("302", "Amend").click()
    slips.page.get_by_label("New quantity").fill("0.05")
    slips.press("Enter")
    slips.press("Enter")
    expect(slips.page.locator("#cancel-result")).to_contain_text("Amended")
    slips.sees_focus("amend")
    expect(slips.page.locator("input.amend")).to_have_count(0)

    slips.control("301", "Amend").click()
    slips.press("Escape")
    slips.press("Escape")  # no question whether to cancel all
    slips.press("Enter")
    slips.sees_focus("amend")
    slips.sees_nothing_sent()
    expect(slips.page.locator("dialog[open]")).to_have_count(0)
    expect(slips.page.locator("input.amend")).to_have_count(0)


def test_enter_after_the_search_or_a_dialog_closed_sends_nothing(slips: Slips) -> None:
    slips.leaves_the_ticket()
    slips.press("/")
    expect(slips.page.get_by_label("Find a symbol")).to_be_focused()
    slips.page.keyboard.type("BNB")
    slips.press("Enter")
    slips.press("Enter")
    expect(slips.page.locator("#symbols")).to_be_hidden()
    slips.sees_focus("symbol")
    slips.sees_nothing_sent()

    slips.leaves_the_ticket()
    slips.press("?")
    expect(slips.page.locator("#keys-dialog").get_by_role("button", name="Close")).to_be_focused()
    slips.press("Enter")
    slips.press("Enter")
    expect(slips.page.locator("dialog[open]")).to_have_count(0)
    slips.press("Enter")
    slips.sees_nothing_sent()


def test_enter_sends_what_one_has_just_worked_on_and_nothing_after_other_things(slips: Slips) -> None:
    slips.page.locator("#ladder-title, .ladder-panel h2").first.click()
    slips.press("Enter")
    slips.sees_nothing_sent()
    slips.press("b")
    slips.press("l")
    slips.press("ArrowUp")
    slips.press("Enter")
    slips.trader.sees_result("In the book: buy 0.1 BNB at 304.01")
    expect(slips.trader.orders()).to_have_count(1)
    assert len(slips.sent) == 1


def test_a_held_enter_sends_once(slips: Slips) -> None:
    for place in ("#quantity", "#ticket .send"):
        slips.sent.clear()
        slips.page.locator("#quantity").press("ArrowUp")
        slips.page.locator(place).focus()
        slips.page.keyboard.down("Enter")
        slips.trader.waits_until(lambda: slips.sent)
        expect(slips.page.locator("#ticket .send")).to_have_text("Buy BNB")
        for _ in range(5):
            slips.page.keyboard.down("Enter")
        slips.page.keyboard.up("Enter")
        slips.page.evaluate(TWO_FRAMES)
        assert len(slips.sent) == 1
    expect(slips.trader.orders()).to_have_count(2)


def test_a_second_press_is_the_same_order_and_a_later_or_changed_one_another(slips: Slips) -> None:
    send = slips.page.locator("#ticket .send")
    slips.page.evaluate(PRESSES_ON)
    slips.page.locator("#quantity").focus()
    slips.press("Enter")
    slips.trader.sees_result("at 304")
    slips.page.evaluate(TWO_FRAMES)
    assert len(slips.sent) == 1
    slips.page.locator("#quantity").press("ArrowUp")  # touched
    expect(send).to_have_text("Buy BNB")
    slips.press("Enter")
    expect(slips.trader.orders()).to_have_count(2)
    expect(send).to_have_text("Buy BNB")  # the moment is over
    slips.press("Enter")
    expect(slips.trader.orders()).to_have_count(3)
    assert len(slips.sent) == 3


def test_escape_asks_about_cancelling_only_when_it_closed_nothing_and_keeping_is_the_first_choice(slips: Slips) -> None:
    slips.rest("301", "302")
    slips.leaves_the_ticket()
    slips.press("/")
    expect(slips.page.get_by_label("Find a symbol")).to_be_focused()
    slips.press("Escape")
    slips.press("Escape")
    expect(slips.page.locator("#symbols")).to_be_hidden()
    expect(slips.page.locator("dialog[open]")).to_have_count(0)
    slips.press("b")
    slips.press("Escape")
    dialog = slips.page.locator("#cancel-all-dialog")
    expect(dialog.get_by_role("button", name="Keep them")).to_be_focused()
    slips.press("Enter")
    slips.press("Enter")
    expect(dialog).to_have_count(0)
    expect(slips.trader.orders()).to_have_count(2)
    slips.press("b")
    slips.press("Escape")
    slips.press("Tab")
    slips.press("Enter")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    expect(slips.trader.orders()).to_have_count(0)
    slips.press("Escape")
    expect(dialog).to_have_count(0)
    slips.press("Enter")
    slips.sees_nothing_sent()


def test_a_price_that_is_clicked_is_ready_to_be_sent_and_who_walks_the_levels_stays_there(slips: Slips) -> None:
    slips.sends_one()
    level = slips.trader.level("304.00").locator(".level-price")
    slips.page.locator("#price").fill("")
    level.click()
    expect(slips.page.locator("#price")).to_have_value("304.00")
    expect(slips.page.locator("#ticket .send")).to_be_focused()
    level.focus()
    slips.press("Enter")
    expect(level).to_be_focused()
    slips.page.locator("#quantity").fill("")
    level.click()
    expect(slips.page.locator("#quantity")).to_be_focused()
    slips.page.keyboard.type("0.2")
    level.click()
    slips.press("Enter")
    slips.trader.sees_result("In the book: buy 0.2 BNB at 304")
    expect(slips.trader.orders()).to_have_count(2)
    assert len(slips.sent) == 2


def test_on_a_phone_a_price_leads_to_the_ticket_with_button_and_outcome_in_sight(
    opens: Opens, server: RunningServer
) -> None:
    resting = entered(server, "sell", "2", "310.00", SYMBOL)
    trader = opens(server, SYMBOL, size=PHONE)
    bar = trader.page.locator(".phone-bar").bounding_box()
    assert bar

    def in_sight(part: str) -> None:
        box = trader.page.locator(part).bounding_box()
        assert box
        assert 0 <= box["y"] < box["y"] + box["height"] <= bar["y"], part

    trader.views("Trade")
    in_sight("#ticket .send")
    trader.views("Book")
    trader.level("310.00").locator(".level-price").click()
    expect(trader.page.locator("#price")).to_be_visible()
    expect(trader.page.locator("#price")).to_have_value("310.00")
    expect(trader.page.locator("#quantity")).to_be_focused()
    in_sight("#quantity")
    trader.page.locator("#quantity").fill("0.5")
    in_sight("#ticket .send")
    trader.sends()
    trader.sees_result("Bought 0.5 BNB at 310")
    in_sight("#ticket .send")
    in_sight("#result")
    trader.screenshot("phone-sent")
    asked(server, "DELETE", f"/order/{resting}")
