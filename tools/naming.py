"""Reads the name of a recording: which file its order book is in, and which symbol it is of.

Layer: tools. Looks into folders, not into files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from openbell.programs import started_by_command
from openbell_client.answers import SymbolInfo
from tools.archives import SUFFIXES


class NamingError(Exception):
    """A name fits no symbol, or several; the message says what to do."""


def book_beside(path: Path) -> Path | None:
    """The order book file in the folder of a LOBSTER message file, compressed or not; None when there is none."""
    name = _bare(path.name)
    wanted = re.sub("message", "orderbook", name, flags=re.IGNORECASE).lower()
    if wanted == name.lower():
        return None
    suffix = path.name[len(name) :].lower()
    found = [file for file in sorted(path.parent.iterdir()) if _bare(file.name).lower() == wanted and file.is_file()]
    found.sort(key=lambda file: file.name[len(wanted) :].lower() != suffix)  # compressed in the same way first
    return found[0] if found else None


def symbol_of(path: Path, listed: Mapping[str, SymbolInfo]) -> str:
    """The listed symbol that a recording is of, by the words in the file's name, then in its folder's.

    A word is a symbol (`BTC-USD` without its dash, in any case), or a base asset, of which the
    symbol in USD is taken first. Raises NamingError.
    """
    words = list(_words(path))
    for word in [*(one + other for one, other in pairwise(words)), *words]:  # btc-usdt before btc
        for symbol in listed:
            if _plain(symbol) == word:
                return symbol
    for word in words:
        based = [symbol for symbol, info in listed.items() if info.base.lower() == word]
        in_dollars = [symbol for symbol in based if listed[symbol].quote == "USD"]
        if len(in_dollars or based) == 1:
            return (in_dollars or based)[0]
        if based:
            raise NamingError(f"{path.name} may be of {' or '.join(based)}: name one with --symbol")
    raise NamingError(
        f"no listed symbol is told by the name of {path.resolve().parent.name}/{path.name}: "
        f"the server lists {', '.join(listed) or 'none'}; name one of them with --symbol, or {what_to_do()}"
    )


def in_any_case(named: str, listed: Iterable[str]) -> str | None:
    """The listed symbol of that name, as the server reads it: in any case; None when there is none."""
    return next((symbol for symbol in listed if symbol.upper() == named.upper()), None)


def what_to_do() -> str:
    """How a symbol comes to be listed."""
    return (
        f"start a server with --instruments {instruments_file()} (AAPL-USD, AMZN-USD, BTC-USD, MSFT-USD), use --spawn "
        "or write the symbol into an instruments file (Documentation/settings.md)"
    )


def instruments_file() -> str:
    """The instruments for recordings, as the user of this program finds the file."""
    if started_by_command():
        return "replay.toml, which `openbell instruments replay > replay.toml` writes"
    return "config/replay.toml"


def _words(path: Path) -> Iterator[str]:
    for name in (_bare(path.name), path.resolve().parent.name):
        yield from (word for word in re.split(r"[^a-z0-9.]+|\.(?=[a-z]{3}$)", name.lower()) if word)


def _bare(name: str) -> str:
    """A file's name without what says how it is compressed."""
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def _plain(symbol: str) -> str:
    return re.sub("[^a-z0-9.]", "", symbol.lower())
