"""What a person does on the page, and what they see there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

SCREENSHOTS = Path(__file__).parent / "screenshots"
DESKTOP = (1440, 900)
PHONE = (360, 740)
WAIT_MS = 15_000  # the machine may be busy
expect.set_options(timeout=WAIT_MS)


class Trader:
    """One person with one browser window. Notes everything the page does that it must not."""

    def __init__(
        self, context: BrowserContext, url: str, symbol: str, prepare: Callable[[Page], None] = lambda _: None
    ) -> None:
        self.page: Page = context.new_page()
        prepare(self.page)
        self.page.set_default_timeout(WAIT_MS)
        self.problems: list[str] = []
        self.origins: set[str] = set()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        self.page.on("request", self._note)
        self.page.on("websocket", lambda socket: self.origins.add(_origin(socket.url)))
        self.page.goto(f"{url}/#{symbol}")
        self.sees_state("Live")
        expect(self.page.locator('[data-status="book"]')).to_have_text("checked")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text}")

    def _note(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.origins.add(_origin(request.url))

    # -- doing

    def enters(self, side: str, order_type: str, quantity: str, price: str | None = None) -> None:
        """Fill in the ticket and send it."""
        ticket = self.page.locator("#ticket")
        expect(ticket.get_by_role("button")).to_be_enabled(timeout=WAIT_MS)
        ticket.get_by_text(side, exact=True).click()
        ticket.get_by_text(order_type, exact=True).click()
        if price is not None:
            ticket.get_by_label("Price").fill(price)
        ticket.get_by_label("Quantity").fill(quantity)
        ticket.get_by_role("button").click()

    def switches_to(self, symbol: str) -> None:
        """Choose another symbol."""
        self.page.get_by_label("Symbol").select_option(symbol)
        expect(self.page.locator('[data-status="book"]')).to_have_text("checked")

    def screenshot(self, name: str) -> None:
        """Keep what the page looks like, for people to look at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.evaluate("() => scrollTo(0, 0)")
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    # -- seeing

    def sees_status(self, name: str, words: str) -> None:
        """A figure at the foot of the page."""
        expect(self.page.locator(f'[data-status="{name}"]')).to_have_text(words)

    def sees_state(self, words: str) -> None:
        """The connection is in this state."""
        expect(self.page.locator("#pill .pill-state")).to_have_text(words)

    def sees_result(self, pattern: str) -> None:
        """The ticket says what became of the order."""
        expect(self.page.locator("#result")).to_have_text(re.compile(pattern))

    def level(self, price: str) -> Locator:
        """The ladder's row at a price, as it is shown."""
        return self.page.locator(".ladder tbody:not(.middle) tr").filter(
            has=self.page.get_by_role("button", name=price, exact=True)
        )

    def orders(self) -> Locator:
        """The rows of the open orders."""
        return self.page.locator("#orders tbody tr")

    def fills(self) -> Locator:
        """The rows of one's own fills."""
        return self.page.locator("#fills tbody tr")

    def tape(self) -> Locator:
        """The rows of the tape, newest first."""
        return self.page.locator("#tape tbody tr")


def _origin(url: str) -> str:
    found = re.match(r"\w+://([^/]+)", url)
    return found[1] if found else url
