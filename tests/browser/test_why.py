"""Why: a fill, a resting order and a refusal are explained on the page, and every click is told as an API call."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Response, Route, expect

from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.browser.trader import PHONE, Trader
from tests.server import RunningServer

SYMBOL = "BNB-USDT"
ASKS = (("2", "300.50"), ("1", "300.50"), ("3", "301.00"), ("2", "302.00"))
BARS = """() => [...document.querySelectorAll('.why-walk .why-level')]
  .map((row) => [...row.querySelectorAll('.why-bar i')].map((piece) => piece.getBoundingClientRect().width))"""
TOO_WIDE = """() => [...document.querySelectorAll('#why, #api-log, .api-calls, .api-details')]
  .filter((part) => part.offsetParent && part.scrollWidth > part.clientWidth + 1).map((part) => part.className)"""
COPIED = "async (start) => (await navigator.clipboard.readText()).startsWith(start)"


@pytest.fixture(scope="module")
def quoted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of these tests' own, whose book is as they make it."""
    with RunningServer(tmp_path_factory.mktemp("why") / "data") as running:
        yield running


def _clears(server: RunningServer) -> None:
    """An empty book: what others left is taken, what is the account's own is cancelled."""
    asked(server, "DELETE", f"/orders?symbol={SYMBOL}")
    entered(server, "sell", "100", symbol=SYMBOL)


def _walks(opens: Opens, server: RunningServer, **how: object) -> Trader:
    """Somebody who took two levels, and rests with the remainder."""
    _clears(server)
    for quantity, price in ASKS:
        entered(server, "sell", quantity, price, SYMBOL)
    trader = opens(server, SYMBOL, **how)
    trader.enters("Buy", "Limit", "8", "301.20")
    trader.sees_result("Bought 6 BNB")
    return trader


def _story(trader: Trader, title: str) -> Locator:
    story = trader.page.locator(".why-story")
    expect(story.locator(".why-head h3")).to_have_text(re.compile(title), timeout=60_000)
    return story


def test_a_fill_is_explained_as_a_picture_of_the_levels_walked(opens: Opens, quoted: RunningServer) -> None:
    trader = _walks(opens, quoted)
    trader.page.locator("#result-why").click()
    story = _story(trader, r"Order \d+ · BNB-USDT · Buy 8, limit 301\.20")
    expect(story.locator(".why-level .price")).to_have_text(["300.50", "301.00", "302.00"])
    expect(story.locator(".why-line")).to_have_text(
        [re.compile("Your limit"), re.compile("Rests here"), re.compile("Price collar")]
    )
    first, second, third = trader.page.evaluate(BARS)
    assert len(first) == 2
    assert first[0] == pytest.approx(2 * first[1], abs=4)
    assert len(second) == len(third) == 1
    assert second[0] == pytest.approx(1.5 * third[0], abs=4)
    expect(story.locator(".why-sentences")).to_contain_text("the next offer, 302.00, was beyond its limit 301.20")
    expect(story.locator('[aria-label="Fills and fees"] tbody tr')).to_have_count(3)
    expect(trader.page.locator("#why")).to_be_focused()
    trader.screenshot("why")
    # The same of one fill of it, from its row.
    trader.opens_tab("Fills")
    trader.fills().first.get_by_role("button", name="Why").click()
    _story(trader, r"Trade \d+")


def test_a_resting_order_tells_how_its_place_in_the_queue_moved(opens: Opens, quoted: RunningServer) -> None:
    _clears(quoted)
    entered(quoted, "buy", "1", "290.00", SYMBOL)
    trader = opens(quoted, SYMBOL)
    trader.enters("Buy", "Limit", "2", "290.00")
    trader.sees_result("In the book")
    entered(quoted, "sell", "1.5", "290.00", SYMBOL)
    row = trader.opens_tab("Open orders").locator("#orders tbody tr")
    expect(row).to_contain_text("25 %")
    row.get_by_role("button", name="Why").press("Enter")
    story = _story(trader, "Buy 2, limit 290.00")
    expect(story.locator(".why-queue tbody tr")).to_have_count(2)
    expect(story.locator(".why-queue")).to_contain_text("1 order with 1 ahead")
    number = re.findall(r"Order (\d+)", story.locator("h3").inner_text())[0]
    # By its number, with the keys alone.
    question = trader.page.locator(".why-question")
    question.get_by_label("What to explain").select_option("seq")
    question.get_by_label("Its number").fill("1")
    question.get_by_label("Its number").press("Enter")
    expect(trader.page.locator("#why .empty")).to_be_visible()
    question.get_by_label("What to explain").select_option("order_id")
    question.get_by_label("Its number").fill(number)
    question.get_by_label("Its number").press("Enter")
    _story(trader, f"Order {number}")
    trader.problems = [problem for problem in trader.problems if "404" not in problem]  # command 1 is not theirs
    trader.cancels_all()


def test_a_refused_order_says_which_rule_refused_it(opens: Opens, quoted: RunningServer) -> None:
    trader = _walks(opens, quoted, scheme="light")
    trader.enters("Buy", "Limit", "1", "400")
    trader.sees_result("Rejected")
    trader.page.locator("#result-why").click()
    story = _story(trader, r"Command \d+")
    expect(story.locator('[data-passed="false"]')).to_contain_text("price outside collar")
    expect(story.locator(".why-list")).to_contain_text("nothing trades above")
    trader.screenshot("why-refused-light")
    trader.problems = [problem for problem in trader.problems if "400" not in problem]  # the refusal itself


def test_each_click_is_told_as_a_call_with_the_same_for_curl_and_python(opens: Opens, quoted: RunningServer) -> None:
    answers: list[Response] = []

    def keep(answer: Response) -> None:
        if answer.url.endswith("/order"):
            answers.append(answer)

    trader = _walks(opens, quoted, prepare=lambda page: page.on("response", keep))
    panel = trader.opens_tab("API")
    (kept,) = trader.page.context.cookies(f"{quoted.url}/auth/refresh")
    call = panel.locator(".api-call", has_text="/order").first
    call.click()
    expect(call).to_contain_text(re.compile(r"POST\s*/order\s*200\s*[\d.]+ ms"))
    details = panel.locator(".api-details")
    expect(details.get_by_label("Request", exact=True)).to_contain_text('"price": "301.2')
    expect(details.get_by_label("Answer, 200", exact=True)).to_contain_text('"status": "partially_filled"')
    exact = re.search(r'"ts_ns": *\d+', answers[0].text())  # beyond what JavaScript's numbers hold
    assert exact
    expect(details.get_by_label("Answer, 200", exact=True)).to_contain_text(exact[0].replace(":", ": "))
    expect(details.get_by_label("curl", exact=True)).to_contain_text("Bearer ${OPENBELL_TOKEN:?")
    expect(details.get_by_label("Python", exact=True)).to_contain_text("urlopen(request")
    trader.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    details.get_by_role("button", name="Copy curl").click()
    trader.page.wait_for_function(COPIED, arg=": 'As guest-")
    trader.screenshot("api")
    panel.get_by_text("What the page asks by itself too").click()
    panel.get_by_label("Filter the calls").fill("auth")
    expect(panel.locator(".api-call").first).to_contain_text("/auth/")
    panel.locator(".api-call").first.click()
    expect(details.get_by_label("Answer, 201", exact=True)).to_contain_text('"token": "<token>"')
    assert kept["value"] not in panel.inner_text()
    panel.get_by_role("button", name="Clear").click()
    expect(panel.locator(".api-call")).to_have_count(0)


def test_why_and_api_fit_a_phone(opens: Opens, quoted: RunningServer) -> None:
    trader = _walks(opens, quoted, size=PHONE)
    trader.page.locator("#result-why").click()
    _story(trader, "Buy 8")
    expect(trader.page.locator(".why-walk")).to_be_visible()
    assert trader.page.evaluate(TOO_WIDE) == []
    trader.screenshot("phone-why")
    trader.opens_tab("API")
    assert trader.page.evaluate(TOO_WIDE) == []
    trader.screenshot("phone-api")


def test_why_survives_a_server_that_still_reads_its_journal(opens: Opens, quoted: RunningServer) -> None:
    trader = _walks(opens, quoted, forgive=True)
    behind = {"error": "Commands up to 3 of 9 were read.", "error_code": "EXPLAINER_BEHIND", "details": {}}
    seen: list[str] = []

    def behind_until_seen(route: Route) -> None:
        if seen:
            route.continue_()
        else:
            route.fulfill(status=503, json=behind, headers={"Retry-After": "1"})

    trader.page.route(re.compile("/explain$"), behind_until_seen)
    trader.page.locator("#result-why").click()
    expect(trader.page.locator("#why .empty")).to_contain_text("up to 3 of 9")
    seen.append("that it waits")
    _story(trader, "Buy 8")
