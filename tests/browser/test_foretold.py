"""In a quiet market what is foretold is still true as it is sent; where it was not, the answer says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.browser.forecast import caution, forecast_line
from tests.server import RunningServer

SYMBOL = "SOL-USDT"


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Where nothing has traded that a price collar could be reckoned from."""
    with RunningServer(tmp_path_factory.mktemp("foretold") / "data") as running:
        yield running


@pytest.fixture
def quiet(venue: RunningServer) -> Iterator[RunningServer]:
    """A hundred SOL at 111 and as many at 116, somebody who wants some at 110, and nobody who moves."""
    for side, price in (("sell", "111.00"), ("sell", "116.00"), ("buy", "110.00")):
        entered(venue, side, "100", price, SYMBOL)
    yield venue
    asked(venue, "DELETE", f"/orders?symbol={SYMBOL}")


def cheapest(server: RunningServer) -> str:
    """The order at 111."""
    orders = asked(server, "GET", f"/orders?symbol={SYMBOL}&status=open")["orders"]
    return next(str(order["order_id"]) for order in orders if order["price"].startswith("111"))


def test_what_goes_just_after_the_preview_came_is_in_the_next_one_though_nothing_else_moves(
    opens: Opens, quiet: RunningServer
) -> None:
    trader = opens(quiet, SYMBOL)
    cheap = cheapest(quiet)
    trader.fills_in("Buy", "Market", quantity="10")
    expect(forecast_line(trader, "average")).to_have_text("111.00 USDT")
    asked(quiet, "DELETE", f"/order/{cheap}")
    expect(forecast_line(trader, "average")).to_have_text("116.00 USDT")
    expect(caution(trader)).to_contain_text("Slippage: it would trade 2.65 % worse")
    trader.screenshot("quiet-market")
    trader.sends()
    trader.sees_result(r"^Bought 10 SOL at 116(\.00)? on average\.$")


def test_who_bought_for_more_than_the_screen_told_reads_by_how_much(opens: Opens, quiet: RunningServer) -> None:
    first: list[str] = []

    def stands_still(route: Route) -> None:
        if not first:
            first.append(route.fetch().text())
        route.fulfill(status=200, body=first[0], content_type="application/json")

    def prepare(page: Page) -> None:
        page.route("**/order/test", stands_still)

    trader = opens(quiet, SYMBOL, prepare=prepare)
    trader.fills_in("Buy", "Market", quantity="10")
    expect(forecast_line(trader, "average")).to_have_text("111.00 USDT")
    asked(quiet, "DELETE", f"/order/{cheapest(quiet)}")
    trader.sends()
    trader.sees_result(r"^Bought 10 SOL at 116.* on average\. That is 4\.5 % worse than the preview's 111.*\.$")
    expect(trader.page.locator("#result")).to_have_attribute("data-tone", "plain")
    trader.screenshot("worse-than-foretold")


def test_on_a_desk_the_longest_answer_of_a_market_order_is_read_without_scrolling(
    opens: Opens, quiet: RunningServer
) -> None:
    trader = opens(quiet, SYMBOL)
    trader.fills_in("Buy", "Market", quantity="1")
    trader.sends()
    trader.sees_result(r"^Bought 1 SOL")
    answer = "Bought 0.3 BTC at 29,997.3654 on average. That is less than 0.01 % worse than the preview's 29,996.4122."
    trader.page.locator("#result").evaluate("(said, text) => { said.textContent = text; }", answer)
    expect(trader.page.locator("#result-why")).to_be_visible()
    assert trader.page.locator("#ticket .outcome").evaluate("box => box.scrollHeight - box.clientHeight") <= 0
