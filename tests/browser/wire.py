"""The wire between one page and the real server, which a test can tap, spoil and cut."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, Route, WebSocketRoute


class Wire:
    """Hands every message of the server on to the page, but for what `spoil` makes of it."""

    def __init__(self) -> None:
        self.spoil: Callable[[str], str | None] = lambda message: message
        self.cut = False  # refuses new connections; one that stands stays until its server ends it
        self._page_end: WebSocketRoute | None = None

    def tap(self, page: Page) -> None:
        """Sit between `page` and its server. To be called before the page is opened."""
        page.route_web_socket(re.compile("socket.io"), self._connect)
        page.route("**/socket.io/**", self._poll)

    def say(self, message: str) -> None:
        """Send the page something the server did not send."""
        if self._page_end is None:
            raise RuntimeError("the page has no connection")
        self._page_end.send(message)

    def _connect(self, page_end: WebSocketRoute) -> None:
        if self.cut:
            page_end.close()
            return
        self._page_end = page_end
        page_end.connect_to_server().on_message(lambda message: self._hand_on(page_end, str(message)))

    def _hand_on(self, page_end: WebSocketRoute, message: str) -> None:
        spoiled = self.spoil(message)
        if spoiled is not None:
            page_end.send(spoiled)

    def _poll(self, route: Route) -> None:
        if self.cut:
            route.abort()
        else:
            route.continue_()
