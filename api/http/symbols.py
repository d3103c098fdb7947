"""Symbols are read in any case: `btc-usdt` is BTC-USDT, in paths, queries, bodies and subscriptions alike.

Layer: api.http.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from flask import Flask, current_app

from engine.exchange import Exchange

_EXTENSION: Final = "openbell-symbols"


def listed_symbol(written: str, exchange: Exchange) -> str:
    """The listed symbol that is meant; as written where none is. O(1) as it is listed, else O(symbols)."""
    if written in exchange.books:
        return written
    return twin_of(written, exchange.books) or written


def twin_of(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that differs from `name` at most in case; None where there is none, or are several."""
    if not name.isascii():  # another alphabet's letters may fold into ours
        return None
    folded = name.upper()
    twins = [each for each in names if each.upper() == folded]
    return twins[0] if len(twins) == 1 else None


def install(app: Flask, exchange: Exchange) -> None:
    """Have the handlers of `app` be given listed symbols: in paths as `symbol`, in queries by `symbol_as_listed`."""
    app.extensions[_EXTENSION] = lambda written: listed_symbol(written, exchange)

    @app.url_value_preprocessor
    def read_symbol(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        if values and "symbol" in values:
            values["symbol"] = listed_symbol(values["symbol"], exchange)


def symbol_as_listed(written: str) -> str:
    """The listed symbol that is meant in the current request; as written where none is."""
    listed: Callable[[str], str] = current_app.extensions[_EXTENSION]
    return listed(written)
