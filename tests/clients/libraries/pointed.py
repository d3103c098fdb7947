"""Runs somebody's program as it is, with its library pointed at a server of ours beforehand.

    python -m tests.clients.libraries.pointed ccxt|python-binance|nautilus CONFIGURATION PROGRAM [ARGUMENTS]

CONFIGURATION is what `tools.clients` prints for that library. Nothing of the program is changed: what it would ask of
Binance is asked here, and where it gives no key, or that of its example, it has the one of the configuration.
"""

from __future__ import annotations

import os
import runpy
import sys
from typing import Any

from tests.clients.libraries.steps import configured


def point_ccxt(names: dict[str, Any]) -> None:
    """Have every `binance` of ccxt made of the configuration's settings, in all its kinds."""
    import ccxt.async_support  # noqa: PLC0415 - only one of the libraries is here
    import ccxt.pro  # noqa: PLC0415

    settings = names["SETTINGS"]
    for kind in (ccxt.binance, ccxt.async_support.binance, ccxt.pro.binance):
        kind.describe = _described(kind.describe, settings)


def _described(describe: Any, settings: dict[str, Any]) -> Any:
    def with_settings(exchange: Any) -> Any:
        return exchange.deep_extend(describe(exchange), settings)

    return with_settings


def point_nautilus(names: dict[str, Any]) -> None:
    """Have its Binance adapter use our addresses where a program gives none, and the key by its own variables."""
    from nautilus_trader.adapters.binance import factories  # noqa: PLC0415 - only one of the libraries is here

    server = names["SERVER"]
    factories.get_http_base_url = lambda *_, **__: server["base_url_http"]
    factories.get_ws_base_url = lambda *_, **__: server["base_url_ws"]
    os.environ |= {"BINANCE_API_KEY": server["api_key"], "BINANCE_API_SECRET": server["api_secret"]}


def main(library: str, path: str, program: str, *arguments: str) -> None:
    """Point the library, and run the program as `python PROGRAM ARGUMENTS` would."""
    names = configured(path)  # of python-binance this is all
    if library == "ccxt":
        point_ccxt(names)
    elif library == "nautilus":
        point_nautilus(names)
    sys.argv = [program, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(program))
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
