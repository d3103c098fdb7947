"""The API tab's code is copied off the page and run: as the account that asked, with what a button made for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Opens
from tests.browser.trader import PHONE, Trader
from tests.frontend.pasted import run_by_python, run_by_shell
from tests.server import RunningServer

SYMBOL = "ETH-USDT"
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("curl", "openssl"))), reason="curl or openssl is not installed"
)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that wants credentials. It outlives the pages that were opened."""
    with RunningServer(tmp_path_factory.mktemp("code") / "data", "--profile", "secured") as running:
        yield running


def _opened(trader: Trader) -> Locator:
    """The call of an order that rests, in the API tab."""
    trader.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    trader.enters("Buy", "Limit", "0.1", "1000.00")
    trader.sees_result("In the book")
    panel = trader.opens_tab("API")
    expect(panel.get_by_role("region", name="POST /order")).to_be_visible()  # the newest
    return panel


def _copied(panel: Locator, title: str) -> str:
    panel.get_by_role("button", name=f"Copy {title}").click()
    expect(panel.get_by_text("Copied")).to_be_visible()
    code: str = panel.page.evaluate("() => navigator.clipboard.readText()")
    expect(panel.get_by_text("Copied")).to_have_count(0)
    return code


def test_the_code_is_run_as_it_is_copied_by_a_token_and_by_a_key_made_at_a_button(
    opens: Opens, server: RunningServer, tmp_path: Path
) -> None:
    trader = opens(server, SYMBOL)
    panel = _opened(trader)
    guest = trader.name()
    ids = set()
    for kind, secret in (("token", "OPENBELL_TOKEN="), ("key", "OPENBELL_SECRET=")):
        expect(panel.locator("#api-credentials")).to_contain_text(f"To run it as {guest}")
        panel.locator(f'[data-do="{kind}"]').click()
        expect(panel.get_by_label("curl", exact=True)).to_contain_text(f"{secret}'••••")
        curl, python = _copied(panel, "curl"), _copied(panel, "Python")
        assert f"As {guest}, account" in curl
        hidden = curl.partition(secret)[2].partition("\n")[0].strip("'")
        assert len(hidden) > 16
        assert hidden not in trader.page.content(), "covered is not in the page"
        ids |= {run_by_shell(curl)["order_id"], run_by_python(python, tmp_path)[1]["order_id"]}
        panel.locator('[data-do="see"]').click()
        expect(panel.get_by_label("Python", exact=True)).to_contain_text(hidden)
        trader.screenshot(f"api-{kind}")
        panel.get_by_text("What the page asks by itself too").click()
        for call in panel.locator(".api-call", has_text="/auth/").all():
            call.click()
            expect(panel.get_by_role("region", name="/auth/")).to_be_visible()
            assert hidden not in panel.inner_text(), "no call shows it"
        panel.get_by_text("What the page asks by itself too").click()
        expect(panel.locator(".api-call", has_text="/symbols")).to_have_count(0)
        panel.locator(".api-call", has_text="/order").first.click()
        assert hidden not in trader.page.evaluate("() => JSON.stringify([localStorage, sessionStorage])")
        panel.locator('[data-do="end"]').click()
    assert run_by_shell(curl)["error_code"] == "UNKNOWN_KEY", "it was ended"
    trader.opens_tab("Open orders")
    expect(trader.orders()).to_have_count(5)
    assert len(ids) == 4
    trader.cancels_all()


def test_the_sandbox_accounts_code_needs_no_credentials(opens: Opens, server: RunningServer, tmp_path: Path) -> None:
    trader = opens(server, SYMBOL, size=PHONE, scheme="light")
    trader.becomes("sandbox")
    panel = _opened(trader)
    expect(panel.locator("#api-credentials")).to_have_count(0)
    curl, python = _copied(panel, "curl"), _copied(panel, "Python")
    trader.screenshot("api-sandbox-phone")
    assert run_by_shell(curl)["status"] == run_by_python(python, tmp_path)[1]["status"] == "resting"
    trader.views("Orders")
    trader.opens_tab("Open orders")
    expect(trader.orders()).to_have_count(3)
    trader.cancels_all()


def test_a_key_of_a_secured_venue_trades_until_it_is_ended(
    secured: RunningServer, opens: Opens, tmp_path: Path
) -> None:
    trader = opens(secured, SYMBOL, account=False)
    trader.signs("Sign up", "ada", "long enough to be taken")
    trader.is_known_as("ada")
    trader.deposits("1000", "USDT")
    panel = _opened(trader)
    panel.locator('[data-do="key"]').click()
    expect(panel.get_by_label("curl", exact=True)).to_contain_text("OPENBELL_SECRET='••••")
    assert run_by_shell(_copied(panel, "curl"))["status"] == "resting"
    assert run_by_python(_copied(panel, "Python"), tmp_path)[1]["status"] == "resting"
