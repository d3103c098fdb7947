"""The page itself: its policy, what it loads, how it fits a desk and a phone."""

from __future__ import annotations

import re
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Opens
from tests.browser.trader import DESKTOP, PHONE, Trader
from tests.server import RunningServer

FITS = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
# Cells whose text is wider than they are, and tables wider than their panels.
CUT_OFF = """() => [...document.querySelectorAll('td, th, .scroller, .ladder, dd, .choice span')]
  .filter((cell) => cell.offsetParent && cell.clientWidth > 1 && cell.scrollWidth > cell.clientWidth + 1)
  .map((cell) => `${cell.closest('[id]').id} ${cell.className} ${cell.textContent}`)"""
# Sizes that the page is tried at; the named ones are photographed.
SIZES = (
    (1920, 1080, ""),
    (*DESKTOP, "desktop"),
    (1200, 800, ""),
    (1100, 800, ""),
    (820, 1180, "tablet"),
    (*PHONE, "phone"),
)
# Two frames later, what was resized has been drawn.
LAID_OUT = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"""
# Another guest takes 0.05 BTC of what is offered.
SOMEBODY_BUYS = """async () => {
  const post = async (path, body, token) => (await fetch(path, { method: "POST", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) } })).json();
  const { token } = await post("/auth/guest", {});
  const order = { symbol: "BTC-USDT", side: "buy", order_type: "limit", quantity: "0.05", price: "30007.50" };
  await post("/order", { ...order, time_in_force: "ioc" }, token);
}"""
LADDER_HEIGHT = "() => document.querySelector('.ladder').clientHeight"
# A new order goes on top and moves the rows below it; that is no jump.
SHIFT = """() => new Promise((resolve) => {
  const ofOrders = ({ node }) => (node instanceof Element ? node : node?.parentElement)?.closest("#orders");
  const jumps = (list) => list.getEntries().filter((entry) => !entry.sources.some(ofOrders));
  new PerformanceObserver((list) => resolve(jumps(list).reduce((sum, entry) => sum + entry.value, 0)))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(0), 500);
})"""


def test_the_policy_allows_no_inline_code_and_nothing_from_elsewhere(server: RunningServer) -> None:
    with urlopen(server.url) as response:  # noqa: S310 - our own server
        policy = response.headers["Content-Security-Policy"]
    directives = {name: set(values) for name, *values in (part.split() for part in policy.split(";"))}
    assert directives["default-src"] == {"'none'"}
    assert directives["style-src"] == directives["connect-src"] == {"'self'"}
    import_map, *others = directives["script-src"] - {"'self'"}
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", import_map)
    assert others == []
    assert {"base-uri", "form-action", "frame-ancestors"} <= directives.keys()
    assert "unsafe" not in policy


def test_the_policy_is_enforced_in_the_browser(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT", forgive=True)
    trader.page.evaluate(
        "() => { const code = document.createElement('script'); code.textContent = 'window.inlined = true';"
        " document.head.append(code); }"
    )
    trader.waits_until(lambda: any("Content Security Policy" in problem for problem in trader.problems))
    assert trader.page.evaluate("() => window.inlined") is None


def test_everything_comes_from_the_server_itself(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT")
    assert trader.origins == {f"127.0.0.1:{server.port}"}


def test_the_theme_is_chosen_and_remembered(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT", scheme="dark")
    background = "() => getComputedStyle(document.documentElement).backgroundColor"
    dark = trader.page.evaluate(background)
    button = trader.page.get_by_role("button", name=re.compile("^Theme"))
    for _ in range(2):  # as the system, dark, light
        button.click()
    expect(button).to_have_accessible_name("Theme: light")
    trader.page.reload()
    expect(button).to_have_accessible_name("Theme: light")
    assert trader.page.evaluate(background) != dark


def test_the_tabs_are_walked_by_the_arrow_keys_and_remembered(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT")
    trader.opens_tab("Order history")
    trader.page.keyboard.press("ArrowRight")
    fills = trader.page.get_by_role("tab", name="Fills")
    expect(fills).to_be_focused()
    expect(trader.page.get_by_role("tabpanel", name="Fills")).to_be_visible()
    trader.page.reload()
    expect(fills).to_have_attribute("aria-selected", "true")


def test_a_phone_shows_one_view_at_a_time(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT", size=PHONE)
    shown = {"Chart": "#chart", "Book": "#ladder", "Trade": "#ticket", "Orders": "#orders", "Account": "#balances"}
    for view in shown:
        trader.views(view)
        for name, panel in shown.items():
            expect(trader.page.locator(panel)).to_be_visible(visible=name == view)
        assert trader.page.evaluate(FITS)
        trader.screenshot(f"phone-{view.lower()}")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_fits_every_width_and_is_photographed(opens: Opens, server: RunningServer, scheme: str) -> None:
    trader = opens(server, "BTC-USDT", scheme=scheme)
    _make_a_market(trader)
    trader.page.mouse.move(0, 0)
    for width, height, name in SIZES:
        trader.page.set_viewport_size({"width": width, "height": height})
        trader.page.wait_for_function(LAID_OUT)
        assert trader.page.evaluate(FITS), width
        assert trader.page.evaluate(CUT_OFF) == [], width
        if name:
            trader.screenshot(f"{name}-{scheme}")
    background = trader.page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
    dark = sum(int(part) for part in re.findall(r"\d+", background)[:3]) < 300
    assert dark == (scheme == "dark")
    trader.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    trader.cancels_all()
    expect(trader.orders()).to_have_count(0)


def test_on_a_desk_the_whole_page_is_seen_without_scrolling(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT", size=DESKTOP)
    assert trader.page.evaluate("() => document.documentElement.scrollHeight <= innerHeight")


def test_the_ladder_keeps_to_its_panel(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT")
    for width, height in (PHONE, (820, 1180), DESKTOP):
        trader.page.set_viewport_size({"width": width, "height": height})
        trader.views("Book")
        expect(trader.page.locator("#ladder")).to_be_visible()
        trader.page.wait_for_function(LAID_OUT)
        ladder = trader.page.evaluate(LADDER_HEIGHT)
        trader.page.wait_for_timeout(300)
        assert trader.page.evaluate(LADDER_HEIGHT) == ladder <= height


def test_nothing_jumps_while_the_page_loads_and_trades(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT")
    _make_a_market(trader)
    assert trader.page.evaluate(SHIFT) < 0.02


def test_every_field_has_a_name_and_every_status_is_announced(opens: Opens, server: RunningServer) -> None:
    trader = opens(server, "BTC-USDT")
    nameless = trader.page.evaluate(
        "() => [...document.querySelectorAll('input, select')].filter((field) => field.labels.length === 0).length"
    )
    assert nameless == 0
    expect(trader.page.locator("#result")).to_have_attribute("aria-live", "polite")
    expect(trader.page.get_by_role("table", name="Order book")).to_be_visible()


def _make_a_market(trader: Trader) -> None:
    """Some levels on both sides, and a trade."""
    for step in range(1, 4):
        trader.enters("Sell", "Limit", f"0.{step}5", f"{30000 + step * 7}.50")
        trader.enters("Buy", "Limit", f"0.{step}", f"{30000 - step * 5}.25")
    expect(trader.orders()).to_have_count(6)
    trader.page.evaluate(SOMEBODY_BUYS)
    expect(trader.tape().first).to_be_attached()
