"""What the ticket says of an order before it is sent."""

from __future__ import annotations

from playwright.sync_api import Locator

from tests.browser.trader import Trader


def forecast_line(trader: Trader, name: str) -> Locator:
    """A line of what the ticket foretells."""
    return trader.page.locator(f'[data-estimate="{name}"]')


def caution(trader: Trader) -> Locator:
    """What one should know before sending."""
    return trader.page.locator("#caution")
