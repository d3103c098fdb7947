"""Who a request really comes from, where a proxy of ours stands before us: X-Forwarded-For and X-Forwarded-Proto.

Read from peers that the settings trust and from nobody else: what anybody else says of themselves is not believed.
Layer: api.http.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any, Protocol

from api.http.addresses import Network, address_of


class Believed(Protocol):
    """What peers may say of whom they ask for."""

    def trusts(self, address: str) -> bool:
        """Whether what comes from `address` is asked for others, so that each of its connections counts alone."""

    def apply(self, environ: dict[str, Any]) -> None:
        """Put who is asked for in the place of the peer, where that is believed."""


class Forwarded:
    """The proxies that are trusted."""

    def __init__(self, trusted: Iterable[str]) -> None:
        """`trusted`: addresses and networks. Raises ValueError for what is neither."""
        self._trusted: list[Network] = [ipaddress.ip_network(each) for each in trusted]

    def trusts(self, address: str) -> bool:
        """Whether `address` is a proxy of ours."""
        if not self._trusted:
            return False
        try:
            read = address_of(address)
        except ValueError:
            return False
        return any(read in network for network in self._trusted)

    def apply(self, environ: dict[str, Any]) -> None:
        """Put the client in the proxy's place, where one of ours sent the request.

        The last address that is not a trusted proxy's counts: those before it are the client's own words.
        """
        if not self._trusted or not self.trusts(environ["REMOTE_ADDR"]):
            return
        for said in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            address = said.strip()
            try:
                read = str(address_of(address))
            except ValueError:
                break
            environ["REMOTE_ADDR"] = read
            environ["REMOTE_PORT"] = "0"
            if not self.trusts(read):
                break
        scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
