"""The README's tour, and where on the page one sees what it did."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opens
from tests.browser.trader import PHONE
from tests.server import ROOT, RunningServer

README = (ROOT / "README.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:5000"
(TOUR,) = [code for code in re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL) if "tour-1" in code]
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server on which somebody has followed the README."""
    with RunningServer(tmp_path_factory.mktemp("toured") / "data") as running:
        script = TOUR.replace(URL, running.url)
        subprocess.run(["sh", "-euc", script], capture_output=True, check=True, timeout=60)
        yield running


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server where one needs credentials."""
    with RunningServer(tmp_path_factory.mktemp("barred") / "data", "--profile", "secured") as running:
        yield running


@needs_curl
def test_what_the_readmes_tour_entered_is_seen_and_cancelled_where_the_readme_says(
    opens: Opens, toured: RunningServer
) -> None:
    assert "choose `sandbox`" in README
    trader = opens(toured, "BTC-USDT")
    expect(trader.orders()).to_have_count(0)  # a guest of one's own
    guest = trader.name()
    trader.opens_account_menu()
    trader.screenshot("account-menu-sandbox")
    trader.becomes("sandbox")
    expect(trader.orders()).to_have_count(1)
    expect(trader.orders().first).to_contain_text("29,890")
    trader.opens_tab("Fills")
    expect(trader.fills().first).to_contain_text("30,500.00")
    trader.opens_tab("Open orders")
    trader.orders().first.get_by_role("button", name="Cancel").click()
    expect(trader.orders()).to_have_count(0)
    trader.enters("Buy", "Limit", "0.25", "29000.00")
    trader.sees_result("In the book")
    expect(trader.level("29,000.00")).to_contain_text("0.25")
    script = f'curl -s "{toured.url}/orders?status=open"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, check=True, timeout=60, text=True).stdout
    assert "29000.00" in said, "what the page enters is what curl sees"
    trader.page.reload()
    trader.is_known_as("sandbox")
    expect(trader.orders()).to_have_count(1)
    trader.cancels_all()
    trader.becomes(guest)
    expect(trader.orders()).to_have_count(0)


def test_where_credentials_are_needed_no_account_of_everybody_is_offered(opens: Opens, secured: RunningServer) -> None:
    trader = opens(secured, "BTC-USDT", account=False)
    menu = trader.opens_account_menu()
    expect(menu.get_by_role("button", name="Sign in…")).to_be_visible()
    expect(menu.locator(".account-entry")).to_have_count(0)


@needs_curl
def test_a_phone_reaches_the_sandbox_account_too(opens: Opens, toured: RunningServer) -> None:
    trader = opens(toured, "BTC-USDT", size=PHONE, scheme="light")
    trader.opens_account_menu()
    trader.screenshot("account-menu-sandbox-phone")
    trader.page.locator("#account-everybodys").click()
    trader.is_known_as("sandbox")
    trader.has("USDT", available=_funds(toured, "USDT"))


@needs_curl
def test_the_tours_order_is_seen_beside_hundreds_of_simulated_traders_on_that_account(
    opens: Opens, toured: RunningServer
) -> None:
    order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "limit", "quantity": "0.001", "price": "29000.00"}
    _post(toured, "/order", order | {"client_order_id": "tour-3", "price": "29500.00"})
    flow = [order | {"client_order_id": f"flow-test-{each}"} for each in range(120)]
    for first in range(0, len(flow), 20):
        _post(toured, "/orders/batch", {"orders": flow[first : first + 20]})
    trader = opens(toured, "BTC-USDT")
    trader.becomes("sandbox")
    tab = trader.page.get_by_role("tab", name=re.compile("^Open orders"))
    expect(trader.orders().filter(has_text="29,500.00")).to_have_count(1)
    expect(trader.orders().filter(has_text="29,000.00")).to_have_count(0)
    expect(tab).not_to_contain_text("shown")
    trader.page.get_by_label("Simulated ones too").check()
    expect(tab).to_contain_text("100 shown")
    expect(trader.orders()).to_have_count(100)
    trader.screenshot("open-orders-simulated-too")
    trader.page.get_by_label("Simulated ones too").uncheck()
    expect(trader.orders().filter(has_text="29,000.00")).to_have_count(0)
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)
    expect(trader.page.locator("#cancel-result")).to_contain_text("orders cancelled.")
    expect(trader.page.locator("#flow-too")).to_have_count(0)


def _post(server: RunningServer, path: str, body: dict[str, object]) -> None:
    script = ["curl", "-sf", server.url + path, "-d", json.dumps(body)]
    subprocess.run(script, capture_output=True, check=True, timeout=60)


def _funds(server: RunningServer, asset: str) -> str:
    script = f'curl -s "{server.url}/account/balances"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, check=True, timeout=60, text=True).stdout
    found = re.search(rf'"asset": ?"{asset}","available": ?"([\d.]+)"', said)
    assert found, said
    return found[1]
