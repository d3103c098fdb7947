"""Guests, users, balances and sessions on the page, in a real browser against a real server."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.request import Request, urlopen

import pyotp
import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Opens
from tests.browser.trader import PHONE
from tests.browser.wire import Wire
from tests.server import RunningServer

PASSWORD = "correct horse battery"  # noqa: S105 - of the users of these tests
NEW_PASSWORD = "another battery staple"  # noqa: S105
STORED = "() => JSON.parse(localStorage.getItem('openbell.sessions')).sessions"
TICKET_ASKS = "Sign in to trade"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server of these tests' own: what they trade is in nobody's way."""
    with RunningServer(tmp_path_factory.mktemp("accounts") / "data") as running:
        yield running


@pytest.fixture
def short(tmp_path: Path) -> Iterator[RunningServer]:
    """A server whose tokens last a minute. Asked for before `opens`, it outlives the pages that were opened."""
    with RunningServer(tmp_path / "data", "--token-minutes", "1") as running:
        yield running


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that wants credentials."""
    with RunningServer(tmp_path_factory.mktemp("secured") / "data", "--profile", "secured") as running:
        yield running


def _call(
    server: RunningServer, method: str, path: str, token: str | None = None, body: object = None
) -> dict[str, object]:
    """A request from elsewhere than the browser."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    asked = Request(server.url + path, json.dumps(body).encode() if body else None, headers, method=method)  # noqa: S310
    with urlopen(asked) as response:  # noqa: S310 - our own server
        answer: dict[str, object] = json.load(response)
    return answer


def _fees(server: RunningServer, symbol: str) -> tuple[Decimal, Decimal]:
    """Maker's and taker's, as parts of the notional."""
    fees = _call(server, "GET", "/symbols")["symbol_info"][symbol]["fees"]  # type: ignore[index]
    return Decimal(fees["maker_percent"]) / 100, Decimal(fees["taker_percent"]) / 100


def _text(amount: Decimal) -> str:
    return f"{amount:f}".rstrip("0").rstrip(".") if "." in f"{amount:f}" else f"{amount:f}"


def test_on_first_sight_one_is_a_guest_with_paper_money_and_stays_it(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT")
    name = trader.name()
    assert name.lower().startswith("guest")
    trader.has("USDT", available="100000")
    trader.has("BTC", available="100")
    menu = trader.opens_account_menu()
    expect(menu.locator(".account-kind")).to_contain_text("Guest with paper money")
    trader.screenshot("account-menu")
    trader.page.reload()
    trader.is_known_as(name)
    trader.has("USDT", available="100000")
    another = opens(server, "BTC-USDT")
    assert another.name() != name


def test_no_token_is_written_down_and_the_cookie_that_no_script_reads_changes_with_every_use(
    opens: Opens, server: RunningServer
) -> None:
    trader = opens(server, "BTC-USDT")
    (session,) = trader.page.evaluate(STORED)
    assert set(session) == {"session_id", "account", "name", "guest"}
    (before,) = trader.page.context.cookies(f"{server.url}/auth/refresh")
    trader.page.reload()
    trader.has("USDT", available="100000")
    (after,) = trader.page.context.cookies(f"{server.url}/auth/refresh")
    assert before["name"] == after["name"] == f"openbell-{session['session_id']}"
    assert before["value"] != after["value"]
    assert (after["httpOnly"], after["sameSite"], after["path"]) == (True, "Strict", "/auth")
    assert trader.page.context.cookies(server.url) == []  # it is sent with no other request
    readable = trader.page.evaluate("() => document.cookie + JSON.stringify([localStorage, sessionStorage])")
    assert after["value"].split(".")[1] not in readable


def test_tabs_of_one_browser_do_not_spoil_each_others_session(opens: Opens, server: RunningServer) -> None:
    first = opens(server, "BTC-USDT")
    tabs = [first, *(opens(server, "BTC-USDT", beside=first) for _ in range(2))]
    assert {tab.name() for tab in tabs} == {first.name()}
    for _ in range(2):
        for tab in tabs:  # all at once
            tab.page.evaluate("() => { window.former = true; setTimeout(() => location.reload(), 50); }")
        for tab in tabs:
            tab.page.wait_for_function("() => !window.former")
        for tab in tabs:
            tab.sees_state("Live")
            tab.is_known_as(first.name())
            tab.has("USDT", available="100000")


def test_a_resting_order_holds_its_money_and_a_cancel_gives_it_back(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT")
    fee = max(_fees(server, "BTC-USDT"))
    held = Decimal("29000") * Decimal("0.5") * (1 + fee)
    trader.page.get_by_label("Price", exact=True).fill("29000")
    trader.page.get_by_label("Quantity", exact=True).fill("0.5")
    expect(trader.page.locator('[data-estimate="holds"]')).to_have_text(f"{held.normalize():,f} USDT")
    trader.enters("Buy", "Limit", "0.5", "29000")
    trader.sees_result("In the book")
    trader.has("USDT", available=_text(100000 - held), held=_text(held))
    trader.cancels_all()
    expect(trader.page.locator("#cancel-result")).to_have_text("Order cancelled.")
    trader.has("USDT", available="100000")


def test_paper_money_is_deposited_and_the_limit_is_said_in_words(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT", forgive=True)  # the browser itself logs every 4xx to the console
    trader.deposits("0.5", "BTC")
    expect(trader.page.locator("#deposit-result")).to_have_text("0.5 BTC deposited.")
    trader.has("BTC", available="100.5")
    trader.deposits("1e3", "USDT")
    expect(trader.page.locator("#deposit-result")).to_have_text("Enter an amount such as 1000.")
    trader.deposits("1000001", "USDT")
    expect(trader.page.locator("#deposit-result")).to_have_text(
        re.compile("^Not deposited: an account may deposit only .* USDT in all")
    )
    trader.screenshot("deposit")
    trader.has("USDT", available="100000")


def test_what_cannot_be_paid_is_refused_in_words_and_never_sent(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT")
    sent: list[str] = []
    trader.page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/order") else None)
    trader.enters("Buy", "Limit", "4", "30000.00")
    expect(trader.page.locator("#quantity-problem")).to_have_text(
        re.compile(r"^Needs 120,\d+(\.\d+)? USDT; 100,000 available\.$")
    )
    trader.screenshot("ticket-refuses")
    trader.enters("Sell", "Limit", "100.00000001", "30000.00")
    expect(trader.page.locator("#quantity-problem")).to_have_text("Needs 100.00000001 BTC; 100 available.")
    assert sent == []


@pytest.mark.parametrize("percent", [25, 100])
def test_a_part_of_what_is_available_can_be_paid_to_the_last_lot(
    opens: Opens, server: RunningServer, percent: int
) -> None:
    trader = opens(server, "SOL-USDT")
    trader.page.get_by_label("Price", exact=True).fill("77.77")
    trader.page.get_by_role("button", name=f"{percent} %", exact=True).click()
    quantity = trader.page.get_by_label("Quantity", exact=True).input_value()
    trader.page.locator("#ticket .send").click()
    trader.sees_result("In the book")
    expect(trader.balance("USDT", "held")).not_to_have_text("0")
    held = Decimal((trader.balance("USDT", "held").get_attribute("title") or "").removesuffix(" USDT"))
    lot = Decimal("0.000001") * Decimal("77.77") * (1 + max(_fees(server, "SOL-USDT")))
    assert 0 <= Decimal(100000 * percent) / 100 - held < lot, quantity
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)


def test_the_venue_has_the_last_word_on_money_and_is_quoted_in_words(
    opens: Opens, server: RunningServer, wire: Wire
) -> None:
    trader = opens(server, "BTC-USDT", forgive=True, prepare=wire.tap)
    wire.spoil = lambda message: None if '"balances"' in message else message  # the page believes in what is gone
    tab = opens(server, "ETH-USDT", beside=trader)
    tab.enters("Buy", "Limit", "60", "1500.00")
    tab.sees_result("In the book")
    trader.has("USDT", available="100000")
    trader.enters("Buy", "Limit", "1", "29000")
    trader.sees_result("Rejected: there is not enough available to pay for it")
    tab.cancels_all()
    tab.has("USDT", available="100000")


def test_two_accounts_of_one_browser_trade_and_both_balances_move_exactly(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "ETH-USDT")
    maker_fee, taker_fee = _fees(server, "ETH-USDT")
    seller = trader.name()
    trader.enters("Sell", "Limit", "1.5", "2001.57")
    trader.sees_result("In the book")
    trader.has("ETH", available="98.5", held="1.5")

    buyer = trader.becomes_a_new_guest()
    assert buyer != seller
    trader.has("ETH", available="100")
    expect(trader.orders()).to_have_count(0)
    expect(trader.level("2,001.57")).not_to_have_class(re.compile("own"))
    trader.enters("Buy", "Limit", "1.5", "2001.57")
    trader.sees_result("Bought 1.5 ETH")
    notional = Decimal("1.5") * Decimal("2001.57")
    trader.has("USDT", available=_text(100000 - notional - notional * taker_fee))
    trader.has("ETH", available="101.5")
    expect(trader.fills()).to_have_count(1)
    expect(trader.fills()).to_contain_text("Taker")
    trader.screenshot("two-accounts")

    trader.becomes(seller)
    trader.has("USDT", available=_text(100000 + notional - notional * maker_fee))
    trader.has("ETH", available="98.5")
    expect(trader.orders()).to_have_count(0)
    expect(trader.fills()).to_have_count(1)
    expect(trader.fills()).to_contain_text("Maker")
    expect(trader.fills()).to_contain_text(f"{(notional * maker_fee).normalize():f}")


def test_each_tab_can_be_another_account_and_stays_it(opens: Opens, server: RunningServer) -> None:
    one = opens(server, "BNB-USDT")
    first = one.name()
    other = opens(server, "BNB-USDT", beside=one)
    second = other.becomes_a_new_guest()
    one.is_known_as(first)
    one.page.reload()
    other.page.reload()
    one.is_known_as(first)
    other.is_known_as(second)
    one.enters("Buy", "Limit", "1", "200.00")
    expect(one.orders()).to_have_count(1)
    expect(other.level("200.00")).to_have_count(1)
    expect(other.orders()).to_have_count(0)
    one.cancels_all()
    expect(one.orders()).to_have_count(0)


def test_signing_up_out_and_in_again_finds_the_account_as_it_was(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT", forgive=True)
    guest = trader.name()
    trader.signs("Sign up", "ada.l", PASSWORD)
    trader.is_known_as("ada.l")
    trader.has("USDT", available="0")
    trader.deposits("5000", "USDT")
    trader.has("USDT", available="5000")

    trader.opens_account_menu().get_by_role("button", name="Sign out").click()
    trader.is_known_as("Sign in")
    expect(trader.page.locator("#session-banner")).to_contain_text("You are signed out")
    expect(trader.page.locator("#ticket .send")).to_have_text(TICKET_ASKS)
    expect(trader.page.locator("#balances tbody tr")).to_have_count(0)
    trader.page.reload()  # and nobody else takes the place
    trader.is_known_as("Sign in")

    trader.signs("Sign in", "ada.l", "wrong password")
    expect(trader.page.locator("#account-menu .result")).to_have_text("That name and password do not go together.")
    trader.screenshot("sign-in")
    trader.signs("Sign in", "ada.l", PASSWORD)
    trader.is_known_as("ada.l")
    trader.has("USDT", available="5000")
    expect(trader.page.locator("#session-banner")).to_be_hidden()
    trader.becomes(guest)
    trader.has("USDT", available="100000")


def test_a_name_that_is_taken_is_said_beside_the_form(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT", forgive=True)
    _call(server, "POST", "/auth/signup", body={"name": "taken", "password": PASSWORD})
    trader.signs("Sign up", "Taken", PASSWORD)
    expect(trader.page.locator("#account-menu .result")).to_have_text("Somebody has that name already.")
    trader.page.locator("#account-menu").get_by_label("Password").fill("short")
    trader.page.locator("#account-menu").get_by_role("button", name="Sign up", exact=True).click()
    expect(trader.page.locator("#account-menu .result")).to_have_text(
        "Password must be a text of 12 to 256 characters."
    )


def test_password_and_second_factor_are_changed_on_the_page_and_other_sessions_end(
    opens: Opens, server: RunningServer
) -> None:
    trader = opens(server, "BTC-USDT", forgive=True)
    menu = trader.opens_account_menu()
    menu.get_by_role("button", name="Sign up…").click()
    expect(menu.locator(".sign .hint")).to_contain_text("12 characters or more")  # said before one types
    trader.signs("Sign up", "careful", PASSWORD)
    trader.is_known_as("careful")
    elsewhere = _call(server, "POST", "/auth/login", body={"name": "careful", "password": PASSWORD})
    trader.opens_account_menu().locator("[data-do=security]").click()
    dialog = trader.page.locator("#security-dialog")
    expect(dialog.locator(".session-list li")).to_have_count(2)
    expect(dialog.locator(f"[data-session='{elsewhere['session_id']}']")).to_contain_text("127.0.0.1")
    expect(dialog).to_contain_text("This session")

    dialog.get_by_label("Current password").fill(PASSWORD)
    dialog.get_by_label("New password").fill("password1234")
    dialog.get_by_role("button", name="Change the password").click()
    expect(dialog.locator("#security-result")).to_contain_text("one of the most common")
    dialog.get_by_label("New password").fill(NEW_PASSWORD)
    dialog.get_by_role("button", name="Change the password").click()
    expect(dialog.locator("#security-result")).to_have_text("The password is changed; your other sessions have ended.")
    expect(dialog.locator(".session-list li")).to_have_count(1)

    factor = dialog.locator("#second-factor")
    factor.get_by_label("Password").fill(NEW_PASSWORD)
    factor.get_by_role("button", name="Set it up…").click()
    expect(factor.locator(".qr path")).to_be_visible()
    trader.screenshot("second-factor")
    opened_at = int(time.time())
    app = pyotp.TOTP(factor.locator(".secret code").text_content() or "")
    factor.get_by_label("Code of the authenticator app").fill(app.at(opened_at))
    factor.get_by_role("button", name="Turn it on").click()
    expect(dialog.locator("#security-result")).to_contain_text("The second factor is on")
    expect(factor.locator(".qr")).to_have_count(0)
    trader.screenshot("security")

    dialog.locator("[data-do=everywhere]").click()
    trader.is_known_as("Sign in")
    assert trader.page.context.cookies(f"{server.url}/auth/refresh")[1:] == []  # the guest's is left
    trader.signs("Sign in", "careful", NEW_PASSWORD)
    expect(menu.locator(".result")).to_have_text("This needs a code of your authenticator app.")
    expect(menu.get_by_label("Code of the authenticator app")).to_be_focused()
    trader.screenshot("sign-in-code")
    menu.get_by_label("Code of the authenticator app").fill(app.at(int(max(time.time(), opened_at + app.interval))))
    menu.get_by_role("button", name="Sign in", exact=True).click()
    trader.is_known_as("careful")
    calls = trader.opens_tab("API")
    expect(calls).not_to_contain_text(NEW_PASSWORD)
    expect(calls).not_to_contain_text(app.secret)


def test_a_guest_is_given_up_only_when_asked_twice(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT")
    guest = trader.name()
    menu = trader.opens_account_menu()
    menu.get_by_role("button", name="Sign out").click()
    expect(menu.locator(".result")).to_contain_text("nobody can come back to its money")
    trader.is_known_as(guest)
    menu.get_by_role("button", name="Give up this guest for good").click()
    trader.is_known_as("Sign in")
    trader.page.locator("#session-banner").get_by_role("button", name="New guest").click()
    trader.has("USDT", available="100000")
    assert trader.name() != guest


def test_a_session_that_is_revoked_from_elsewhere_is_said_and_nobody_takes_its_place(
    opens: Opens, server: RunningServer
) -> None:
    trader = opens(server, "BTC-USDT", forgive=True)
    trader.signs("Sign up", "revoked", PASSWORD)
    trader.is_known_as("revoked")
    trader.deposits("5000", "USDT")
    trader.has("USDT", available="5000")
    (session,) = [known for known in trader.page.evaluate(STORED) if known["name"] == "revoked"]
    elsewhere = _call(server, "POST", "/auth/login", body={"name": "revoked", "password": PASSWORD})
    _call(server, "DELETE", f"/auth/sessions/{session['session_id']}", str(elsewhere["token"]))

    banner = trader.page.locator("#session-banner")
    expect(banner).to_contain_text("The session of revoked was ended from elsewhere, or ran out. Sign in again")
    expect(trader.page.locator("#ticket .send")).to_have_text(TICKET_ASKS)
    expect(trader.balance("USDT", "available")).to_have_count(0)
    trader.sees_state("Live")  # the market goes on
    trader.screenshot("session-ended")
    banner.get_by_role("button", name="Sign in").click()
    menu = trader.page.locator("#account-menu")
    menu.get_by_label("Name").fill("revoked")
    menu.get_by_label("Password").fill(PASSWORD)
    menu.get_by_role("button", name="Sign in", exact=True).click()
    trader.has("USDT", available="5000")


def test_signing_out_in_one_tab_is_said_in_the_other(opens: Opens, server: RunningServer) -> None:
    one = opens(server, "BTC-USDT", forgive=True)
    one.signs("Sign up", "two-tabs", PASSWORD)
    one.is_known_as("two-tabs")
    other = opens(server, "BTC-USDT", beside=one, forgive=True)
    other.is_known_as("two-tabs")
    other.opens_account_menu().get_by_role("button", name="Sign out").click()
    expect(one.page.locator("#session-banner")).to_contain_text("The session of two-tabs was ended")
    one.is_known_as("Signed out")


def test_a_token_that_ended_is_renewed_before_anybody_notices(short: RunningServer, opens: Opens) -> None:
    trader = opens(short, "BTC-USDT")
    refreshes: list[str] = []
    trader.page.on("request", lambda request: refreshes.append(request.url) if "refresh" in request.url else None)
    trader.page.clock.install()
    trader.page.clock.fast_forward(50_000)  # three quarters of its minute are over
    trader.enters("Buy", "Limit", "0.1", "29000")
    trader.sees_result("In the book")
    assert len(refreshes) == 1


def test_a_token_that_ended_while_the_machine_slept_is_renewed_and_the_page_connected_again(
    opens: Opens, secured: RunningServer
) -> None:
    trader = opens(secured, "BTC-USDT", account=False, forgive=True)
    trader.signs("Sign up", "sleeper", PASSWORD)
    trader.is_known_as("sleeper")
    tokens: list[str] = []

    def end_the_first(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        tokens.append(body["token"])
        head, claims, _ = body["token"].split(".")  # still long to go, says the token; the server says it is none
        route.fulfill(response=answer, json=body | {"token": f"{head}.{claims}.AAAA"} if len(tokens) == 1 else body)

    trader.page.route("**/auth/refresh", end_the_first)
    trader.page.reload()
    trader.is_known_as("sleeper")
    trader.sees_state("Live")
    expect(trader.balance("USDT", "available")).to_be_attached()
    expect(trader.page.locator("#session-banner")).to_be_hidden()
    expect(trader.page.locator("#notice")).to_be_empty()
    assert len(tokens) == 2


def test_the_secured_page_shows_the_market_and_asks_to_sign_in(opens: Opens, secured: RunningServer) -> None:
    trader = opens(secured, "BTC-USDT", account=False)
    trader.is_known_as("Sign in")
    expect(trader.page.locator("#session-banner")).to_contain_text("You see the market. To trade, sign in.")
    expect(trader.page.locator("#ladder .empty")).to_contain_text("Nobody is quoting")
    send = trader.page.locator("#ticket .send")
    expect(send).to_have_text(TICKET_ASKS)
    trader.screenshot("secured")
    send.click()
    menu = trader.page.locator("#account-menu")
    expect(menu.get_by_label("Name")).to_be_focused()
    trader.signs("Sign up", "secured-1", PASSWORD)
    trader.is_known_as("secured-1")
    trader.deposits("40000", "USDT")
    trader.has("USDT", available="40000")
    trader.enters("Buy", "Limit", "1", "30000.00")
    trader.sees_result("In the book: buy 1 BTC")


def test_the_account_fits_a_phone(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT", size=PHONE)
    trader.opens_account_menu().get_by_role("button", name="Sign up…").click()
    trader.screenshot("phone-sign-up")
    assert trader.page.evaluate("() => document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    box = trader.page.locator("#account-menu").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE[0]
