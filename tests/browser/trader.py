"""What a person does on the page, and what they see there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

SCREENSHOTS = Path(__file__).parent / "screenshots"
DESKTOP = (1440, 900)
PHONE = (360, 740)
CLOSED_MEANWHILE = "WebSocket is already in CLOSING or CLOSED state"  # the server closed it as the page wrote to it
WAIT_MS = 30_000  # the machine may be busy
expect.set_options(timeout=WAIT_MS)


class Trader:
    """One person with one browser window. Notes everything the page does that it must not."""

    def __init__(
        self,
        context: BrowserContext,
        url: str,
        symbol: str,
        prepare: Callable[[Page], None] = lambda _: None,
        *,
        account: bool = True,
        live: bool = True,
    ) -> None:
        """`account`: wait until there is one, with its balances; `live`: until the book is."""
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
        if live:
            self.sees_state("Live")
            expect(self.page.locator('[data-status="book"]')).to_have_text("checked")
        if account:
            expect(self.balance("USDT", "available")).to_be_attached()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and CLOSED_MEANWHILE not in message.text:
            self.problems.append(f"console {message.type}: {message.text}")

    def _note(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.origins.add(_origin(request.url))

    # -- doing

    def enters(self, side: str, order_type: str, quantity: str, price: str | None = None) -> None:
        """Fill in the ticket and send it. IOC and FOK are limit orders with that time in force."""
        lasts = order_type.lower() if order_type in ("IOC", "FOK") else ""
        ticket = self.fills_in(side, "Limit" if lasts else order_type, quantity=quantity)
        if order_type in ("Limit", "IOC", "FOK"):
            self.opens_options()
            ticket.get_by_label("Lasts").select_option(lasts or "gtc")
        if price is not None:
            ticket.get_by_label("Price", exact=True).fill(price)
        ticket.locator(".send").click()

    def fills_in(self, side: str, order_type: str, **fields: str) -> Locator:
        """Side, type and fields of the ticket by their names; the ticket."""
        self.views("Trade")
        ticket = self.page.locator("#ticket")
        expect(ticket.locator(".send")).to_be_enabled(timeout=WAIT_MS)
        ticket.get_by_text(side, exact=True).click()
        ticket.get_by_text(order_type, exact=True).click()
        for name, text in fields.items():
            ticket.locator(f"input[name={name}]").fill(text)
        return ticket

    def opens_options(self) -> None:
        """The ticket's options, when they are folded away."""
        options = self.page.locator("#ticket .options")
        if options.get_attribute("open") is None:
            options.locator("summary").click()

    def trades_with_self(self) -> None:
        """Act for the sandbox account, the one that may; what others entered for it is cancelled."""
        self.becomes("sandbox")
        response = self.page.request.delete(self.page.url.split("#")[0] + "orders")
        assert response.ok, response.text()
        expect(self.orders()).to_have_count(0)

    def sends(self) -> None:
        """Send what is in the ticket."""
        self.page.locator("#ticket .send").click()

    def views(self, name: str) -> None:
        """On a phone: Chart, Book, Trade, Orders or Account. A desk shows all of them."""
        button = self.page.locator(".phone-bar").get_by_role("button", name=name, exact=True)
        if button.is_visible():
            button.click()

    def opens_tab(self, name: str) -> Locator:
        """A tab of the chart or of the bottom, as its row names it; the panel below it."""
        tab = self.page.get_by_role("tab", name=re.compile(f"^{name}"))
        if not tab.is_visible():
            self.views("Orders")
        tab.click()
        panel = self.page.locator(f"#{tab.get_attribute('aria-controls')}")
        expect(panel).to_be_visible()
        return panel

    def cancels_all(self) -> None:
        """Every open order, and yes."""
        self.opens_tab("Open orders").get_by_role("button", name="Cancel all").click()
        self.page.locator("#cancel-all-yes").click()

    def switches_to(self, symbol: str) -> None:
        """Choose another symbol."""
        self.page.locator("#symbol").click()
        self.page.locator("#symbols").get_by_label("Find a symbol").fill(symbol)
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#symbol .switcher-symbol")).to_have_text(symbol)
        expect(self.page.locator('[data-status="book"]')).to_have_text("checked")

    def opens_account_menu(self) -> Locator:
        """The menu, open."""
        menu = self.page.locator("#account-menu")
        if not menu.is_visible():
            self.page.locator("#account-button").click()
        expect(menu).to_be_visible()
        return menu

    def becomes_a_new_guest(self) -> str:
        """A further account in this browser; its name."""
        before = self.name()
        self.opens_account_menu().get_by_role("button", name="New guest").click()
        expect(self.page.locator(".account-name")).not_to_have_text(before)
        expect(self.page.locator("#account-menu")).to_be_hidden()
        self.sees_state("Live")
        return self.name()

    def becomes(self, name: str) -> None:
        """Switch to another account of this browser."""
        self.opens_account_menu().locator(".account-entry", has_text=name).click()
        self.is_known_as(name)
        self.sees_state("Live")

    def signs(self, way: str, name: str, password: str) -> None:
        """Sign in or Sign up, by the menu's form."""
        menu = self.opens_account_menu()
        menu.get_by_role("button", name=f"{way}…").click()
        menu.get_by_label("Name").fill(name)
        menu.get_by_label("Password").fill(password)
        menu.get_by_role("button", name=way, exact=True).click()

    def deposits(self, amount: str, asset: str) -> None:
        """Paper money."""
        self.opens_tab("Balances")
        if not self.page.locator("#deposit").is_visible():
            self.page.locator("#deposit-toggle").click()
        self.page.locator("#deposit").get_by_label("Asset").select_option(asset)
        self.page.locator("#deposit").get_by_label("Amount").fill(amount)
        self.page.get_by_role("button", name="Add paper money").click()

    def screenshot(self, name: str) -> None:
        """Keep what the page looks like, for people to look at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.evaluate("() => scrollTo(0, 0)")
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    # -- seeing

    def waits_until(self, holds: Callable[[], object]) -> None:
        """Let the page go on until something is so that a test notes of it."""
        deadline = time.monotonic() + WAIT_MS / 1000
        while not holds():
            assert time.monotonic() < deadline, "it did not become so"
            self.page.wait_for_timeout(20)

    def sees_status(self, name: str, words: str) -> None:
        """A figure at the foot of the page."""
        expect(self.page.locator(f'[data-status="{name}"]')).to_have_text(words)

    def sees_state(self, words: str) -> None:
        """The connection is in this state."""
        expect(self.page.locator("#pill .pill-state")).to_have_text(words)

    def sees_result(self, pattern: str) -> None:
        """The ticket says what became of the order."""
        expect(self.page.locator("#result")).to_have_text(re.compile(pattern))

    def name(self) -> str:
        """Who the page says one is."""
        return self.page.locator(".account-name").inner_text()

    def is_known_as(self, name: str) -> None:
        """The page says who one is, and shows what they have."""
        expect(self.page.locator(".account-name")).to_have_text(name)

    def balance(self, asset: str, which: str) -> Locator:
        """A cell of the balances: available, held or total. Its title is exact."""
        return self.page.locator(f'#balances tr[data-asset="{asset}"] [data-amount="{which}"]')

    def has(self, asset: str, *, available: str, held: str = "0") -> None:
        """Exactly so much of an asset."""
        expect(self.balance(asset, "available")).to_have_attribute("title", f"{available} {asset}")
        expect(self.balance(asset, "held")).to_have_attribute("title", f"{held} {asset}")

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
        expect(self.page.locator("#tape")).not_to_contain_text("Loading…")
        return self.page.locator("#tape tbody tr")


def _origin(url: str) -> str:
    found = re.match(r"\w+://([^/]+)", url)
    return found[1] if found else url
