"""A real server, a real Chromium, and people who trade in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import CHROMIUM_FLAGS, chromium
from tests.browser.trader import DESKTOP, Trader
from tests.browser.wire import Wire
from tests.server import RunningServer

Opens = Callable[..., Trader]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that all tests share: each trades a symbol of its own."""
    with RunningServer(tmp_path_factory.mktemp("browser") / "data") as running:
        yield running


@pytest.fixture(scope="package")  # no longer: while Playwright runs, no other test can run an asyncio loop
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    path = chromium()
    if path is None:
        pytest.skip("no Chromium is installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield launched
        launched.close()


@pytest.fixture
def wire() -> Wire:
    """Give its `tap` to `opens` as `prepare`."""
    return Wire()


@pytest.fixture
def opens(browser: Browser) -> Iterator[Opens]:
    """Open the page of a server in a browser profile of its own; afterwards nothing may have gone wrong in it."""
    traders: list[Trader] = []

    def open_page(
        of: RunningServer,
        symbol: str,
        *,
        size: tuple[int, int] = DESKTOP,
        scheme: Any = "dark",
        forgive: bool = False,
        prepare: Callable[[Page], None] = lambda _: None,
        account: bool = True,
        live: bool = True,
        beside: Trader | None = None,
        zone: str = "UTC",
    ) -> Trader:
        """`beside`: another tab of that trader's browser; `zone`: where its reader lives."""
        if beside is not None:
            context = beside.page.context
        else:
            viewport: Any = {"width": size[0], "height": size[1]}
            context = browser.new_context(viewport=viewport, color_scheme=scheme, timezone_id=zone)
        trader = Trader(context, of.url, symbol, prepare, account=account, live=live)
        if not forgive:
            traders.append(trader)
        return trader

    yield open_page
    for context in browser.contexts:
        context.close()
    assert [problem for trader in traders for problem in trader.problems] == []
