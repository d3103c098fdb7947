"""The content security policy over a whole trading flow: nothing breaks it, and nothing comes from elsewhere."""

from __future__ import annotations

from urllib.request import urlopen

from playwright.sync_api import expect

from tests.browser.calls import asked, entered
from tests.browser.conftest import Opens
from tests.server import RunningServer

SYMBOL = "AAPL-USD"
HEAR = """addEventListener("securitypolicyviolation",
  ({ violatedDirective }) => (window.violations ??= []).push(violatedDirective));"""
STYLE = """() => { const style = document.createElement("style"); style.textContent = "p {}";
  document.head.append(style); }"""
HEARD = "() => window.violations ?? []"


def test_a_whole_trading_flow_breaks_no_policy_and_asks_nobody_else(opens: Opens, server: RunningServer) -> None:
    with urlopen(server.url) as response:  # noqa: S310 - our own server
        policy = response.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    asked(server, "DELETE", f"/orders?symbol={SYMBOL}")
    entered(server, "sell", "2", "190.00", SYMBOL)
    trader = opens(server, SYMBOL, prepare=lambda page: page.add_init_script(HEAR))
    expect(trader.page.locator("#chart canvas").first).to_be_visible()
    trader.deposits("10", "USD")
    trader.enters("Buy", "Limit", "1", "190.00")
    trader.sees_result("Bought")
    trader.page.locator("#result-why").click()
    expect(trader.page.locator(".why-walk")).to_be_visible(timeout=60_000)
    trader.enters("Buy", "Limit", "1", "189.00")
    trader.sees_result("In the book")
    trader.cancels_all()
    for tab in ("Order history", "Fills", "Balances", "API", "Depth", "Chart"):
        trader.opens_tab(tab)
    trader.becomes_a_new_guest()
    trader.page.get_by_role("button", name="Theme").click()
    trader.switches_to("SOL-USDT")
    assert trader.page.evaluate(HEARD) == []
    assert trader.origins == {f"127.0.0.1:{server.port}"}


def test_a_breach_is_heard(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, SYMBOL, forgive=True, prepare=lambda page: page.add_init_script(HEAR))
    trader.page.evaluate(STYLE)
    trader.page.wait_for_function("() => window.violations?.length")
    assert trader.page.evaluate(HEARD)[0].startswith("style-src")
