"""Trading on the page, in a real browser against a real server."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Opens
from tests.server import RunningServer


def test_an_order_is_seen_in_the_ladder_and_in_open_orders_until_it_is_cancelled(
    opens: Opens, server: RunningServer
) -> None:
    trader = opens(server, "BTC-USDT")
    trader.enters("Buy", "Limit", "0.5", "29950.25")
    trader.sees_result(r"In the book: buy 0\.5 BTC at 29,950\.25\.")

    level = trader.level("29,950.25")
    expect(level).to_have_class(re.compile("own"))
    expect(level).to_contain_text("0.5000000")
    order = trader.orders()
    expect(order).to_have_count(1)
    expect(order).to_contain_text("BTC-USDT")
    expect(order).to_contain_text("29,950.25")
    trader.screenshot("order-resting")

    order.get_by_role("button", name="Cancel").click()
    expect(trader.orders()).to_have_count(0)
    expect(trader.page.locator("#cancel-result")).to_have_text("Order cancelled.")
    expect(trader.level("29,950.25")).to_have_count(0)


def test_a_second_browser_sees_the_trade_and_each_their_own_part_of_it(opens: Opens, server: RunningServer) -> None:
    maker, taker = opens(server, "ETH-USDT"), opens(server, "ETH-USDT")
    maker.enters("Sell", "Limit", "2", "2001.50")
    expect(taker.level("2,001.50")).to_have_count(1)
    expect(taker.level("2,001.50")).not_to_have_class(re.compile("own"))
    expect(taker.orders()).to_have_count(0)

    taker.enters("Buy", "Limit", "1.5", "2001.50")
    taker.sees_result(r"Bought 1\.5 ETH at 2,001\.5\d* on average\.")

    for trader in (maker, taker):
        expect(trader.tape()).to_have_count(1)
        expect(trader.tape()).to_contain_text("2,001.50")
        expect(trader.tape()).to_contain_text("1.500000")
        expect(trader.page.locator("#last .last-price")).to_have_text("2,001.50")
        expect(trader.fills()).to_have_count(1)
    expect(maker.fills()).to_contain_text("Maker")
    expect(maker.orders()).to_contain_text("Part filled")
    expect(taker.fills()).to_contain_text("Taker")
    maker.cancels_all()
    expect(taker.level("2,001.50")).to_have_count(0)


def test_each_order_type_does_what_its_line_says(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BNB-USDT")
    trader.trades_with_self()
    trader.enters("Buy", "Market", "1")
    trader.sees_result("Nothing was filled; there is nobody to trade with")
    trader.enters("Sell", "Limit", "3", "300.00")
    trader.sees_result("In the book: sell 3 BNB")
    trader.enters("Sell", "Limit", "1", "301.00")
    trader.sees_result("In the book: sell 1 BNB at 301")

    traded = trader.tape().count()  # by other tests
    trader.enters("Buy", "FOK", "3.5", "300.00")
    trader.sees_result("Nothing was filled; the book can't fill all of it")
    expect(trader.tape()).to_have_count(traded)
    trader.enters("Buy", "FOK", "1", "300.00")
    trader.sees_result(r"Bought 1 BNB at 300(\.0+)? on average\.")
    trader.enters("Buy", "IOC", "2.5", "300.00")
    trader.sees_result(r"Bought 2 BNB at 300(\.0+)? on average; the rest, 0\.5 BNB, was cancelled\.")
    trader.enters("Buy", "Market", "0.25")
    trader.sees_result(r"Bought 0\.25 BNB at 301(\.0+)? on average\.")
    trader.screenshot("order-types")

    expect(trader.orders()).to_have_count(1)
    expect(trader.orders()).to_contain_text("0.250000")
    # one trades with oneself: both parties are ours; what other tests traded had other prices
    expect(trader.fills().filter(has_text=re.compile(r"BNB-USDT.*30[01]\.00"))).to_have_count(6)
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)


def test_the_estimate_tells_what_the_book_would_charge_now(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "SOL-USDT")
    trader.trades_with_self()
    for price in ("100.00", "102.00"):
        trader.enters("Sell", "Limit", "1", price)
        trader.sees_result(f"In the book: sell 1 SOL at {price}")
    trader.page.locator("#ticket").get_by_text("Market", exact=True).click()
    trader.page.locator("#ticket").get_by_text("Buy", exact=True).click()
    trader.page.get_by_label("Quantity", exact=True).fill("2")
    expect(trader.page.locator('[data-estimate="average"]')).to_have_text(re.compile(r"101"))
    expect(trader.page.locator('[data-estimate="cost"]')).to_have_text("202 USDT")
    trader.page.get_by_label("Quantity", exact=True).fill("5")
    expect(trader.page.locator('[data-estimate="cost"]')).to_have_text("202 USDT for 2 SOL")
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)


def test_a_mistake_is_explained_beside_its_field_and_never_sent(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "AAPL-USD")
    sent: list[str] = []
    trader.page.on("request", lambda request: sent.append(request.method) if request.method == "POST" else None)
    trader.enters("Buy", "Limit", "1.5", "189.999")
    expect(trader.page.locator("#price-problem")).to_have_text("Steps of 0.01: 189.99 or 190.00.")
    expect(trader.page.locator("#quantity-problem")).to_have_text("Steps of 1: 1 or 2.")
    expect(trader.page.get_by_label("Price", exact=True)).to_be_focused()
    trader.screenshot("ticket-problems")
    assert sent == []


def test_a_reject_of_the_venue_is_shown_in_words(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "AAPL-USD", forgive=True)  # the browser itself logs every 4xx to the console
    trader.trades_with_self()
    for side in ("Sell", "Buy"):  # the collar lies around the last trade
        trader.enters(side, "Limit", "1", "190.00")
    trader.sees_result("Bought 1 AAPL")
    trader.enters("Buy", "Limit", "1", "500.00")
    trader.sees_result(r"Rejected: the price .* collar .*10 %")
    expect(trader.orders()).to_have_count(0)
    trader.screenshot("reject")
    assert [problem for problem in trader.problems if "400" not in problem] == []


def test_a_level_that_is_clicked_fills_the_price_and_the_keyboard_does_the_same(
    opens: Opens, server: RunningServer
) -> None:
    trader = opens(server, "AAPL-USD")
    for price in ("191.00", "192.00"):
        trader.enters("Sell", "Limit", "5", price)
        trader.sees_result(f"In the book: sell 5 AAPL at {price}")
    field = trader.page.get_by_label("Price", exact=True)
    trader.level("192.00").locator(".level-price").click()
    expect(field).to_have_value("192.00")
    trader.level("191.00").locator(".level-price").focus()
    trader.page.keyboard.press("Enter")
    expect(field).to_have_value("191.00")
    trader.page.keyboard.press("ArrowUp")
    trader.page.keyboard.press("Enter")
    expect(field).to_have_value("192.00")
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)


def test_another_symbol_shows_another_market_and_nothing_of_the_first(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT")
    trader.enters("Buy", "Limit", "0.1", "29000.00")
    expect(trader.level("29,000.00")).to_have_count(1)
    trader.switches_to("ETH-USDT")
    expect(trader.level("29,000.00")).to_have_count(0)
    expect(trader.page.get_by_label("Price", exact=True)).to_have_value("")
    expect(trader.page.locator("#ticket .send")).to_have_text("Buy ETH")
    assert trader.page.url.endswith("#ETH-USDT")
    trader.switches_to("BTC-USDT")
    expect(trader.level("29,000.00")).to_have_class(re.compile("own"))
    trader.page.reload()
    expect(trader.level("29,000.00")).to_have_class(re.compile("own"))
    trader.orders().get_by_role("button", name="Cancel").click()
    expect(trader.orders()).to_have_count(0)
