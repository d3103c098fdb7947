"""`openbell simulate DATA`: a new data folder with what strategies did to each other, by a clock that is driven.

The same strategies, seed and seconds give the same records and the same state, to the byte.
Layer: offline.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from engine.rejects import InvariantViolation
from journal.port import JournalError
from listings.instruments_file import DEFAULT_INSTRUMENTS, ListingError, read_venue_file
from listings.numbers import whole
from loop.errors import StoreError
from offline.folder import OfflineError, new_folder
from offline.simulation import TICK_NS, SimulatedDay
from offline.venue import YEARS, OfflineVenue
from openbell.programs import called
from tools.flow import HOME_PRICES, symbols_with_prices
from tools.progress import progress
from tools.strategies.choosing import StrategyError, chosen
from tools.strategies.strategy import Strategy

MADE, FAILED, INTERRUPTED = 0, 2, 130  # exit statuses
SECOND_NS: Final = 10**9
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
MOST_S: Final = 30 * 86_400
EPILOG: Final = """\
examples:
  {program} quiet --strategy market-maker --strategy noise*5
  {program} mine --strategy traders --strategy my_module:MyStrategy --seed 7 --seconds 3600
"""


def main(arguments: list[str] | None = None) -> int:
    """Simulate what the command line asks for; the exit status."""
    asked = _parser().parse_args(arguments)
    started = time.perf_counter()
    try:
        digest, commands, rejects = simulated(asked)
    except (OfflineError, StrategyError, ListingError, JournalError, StoreError, OSError) as problem:
        print(problem, file=sys.stderr)
        return FAILED
    except InvariantViolation as problem:
        print(f"The engine stopped: {problem}.", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("Interrupted: nothing was made.", file=sys.stderr)
        return INTERRUPTED
    refused = ", ".join(f"{count:,} {reason}" for reason, count in sorted(rejects.items())) or "nothing"
    print(f"seed {asked.seed}: {commands:,} commands in {time.perf_counter() - started:.1f} s, refused: {refused}")
    print(f"state {digest}")
    print(f"{asked.data} is a data folder: {called('serve')} --data {asked.data}")
    return MADE


def simulated(asked: argparse.Namespace) -> tuple[str, int, dict[str, int]]:
    """The state's digest, how many commands there were, and how many were refused for what."""
    instruments = read_venue_file(asked.instruments or DEFAULT_INSTRUMENTS).instruments
    homes = _homes(asked.symbols, [instrument.symbol for instrument in instruments])
    strategies: list[tuple[type[Strategy], str, Decimal]] = [
        (kind, symbol, home) for symbol, home in homes.items() for _, kind in chosen(asked.strategies)
    ]
    start_ns = int(asked.start.timestamp()) * SECOND_NS
    with new_folder(asked.data) as folder, OfflineVenue(folder, instruments, start_ns) as venue:
        day = SimulatedDay(venue, strategies, asked.seed)
        with progress("ticks", asked.seconds * SECOND_NS // TICK_NS) as done:
            day.run(asked.seconds * SECOND_NS, done)
        return venue.finish(), venue.commands, day.rejects


def _homes(wanted: dict[str, Decimal | None], listed: list[str]) -> dict[str, Decimal]:
    """The symbols to trade and the price that each begins at. Raises OfflineError."""
    if not wanted:
        wanted = dict.fromkeys([symbol for symbol in listed if symbol in HOME_PRICES][:1])
    homes: dict[str, Decimal] = {}
    for symbol, given in wanted.items():
        home = given or HOME_PRICES.get(symbol)
        if home is None:
            raise OfflineError(f"No price of {symbol} is known; say it: --symbols {symbol}=PRICE.")
        homes[symbol] = home
    if not homes:
        raise OfflineError("No symbol whose price is known is listed; name some: --symbols SYMBOL=PRICE.")
    return homes


def seconds(text: str) -> int:
    """A whole number of seconds above zero. Raises ValueError."""
    number = whole(text)
    if not 0 < number <= MOST_S:
        raise ValueError
    return number


def moment(text: str) -> datetime:
    """A time, in UTC without an offset. Raises ValueError, also for a year that no clock is in."""
    at = datetime.fromisoformat(text)
    if at.year not in YEARS:
        raise ValueError
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called("simulate"),
        description="Make a data folder with what strategies did to each other. The clock is driven, nothing is "
        "waited for: the same strategies, seed and seconds give the same records and the same state, to the byte.",
        epilog=EPILOG.format(program=called("simulate")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="the folder to make")
    parser.add_argument(
        "--strategy",
        dest="strategies",
        action="append",
        required=True,
        metavar="NAME[*COUNT]",
        help="a built-in one (market-maker, momentum, mean-reversion, noise, traders) or module:Class; repeatable",
    )
    parser.add_argument("--seed", type=whole, default=1, help="default: %(default)s")
    parser.add_argument("--seconds", type=seconds, default=60, help="of the driven clock (default: %(default)s)")
    parser.add_argument(
        "--symbols",
        type=symbols_with_prices,
        default={},
        metavar="SYMBOL[=PRICE],...",
        help="where each strategy trades, with the price it begins at (default: the first whose price is known)",
    )
    parser.add_argument("--start", type=moment, default=START, metavar="TIME", help=f"default: {START:%Y-%m-%dT%H:%MZ}")
    parser.add_argument("--instruments", type=Path, metavar="FILE", help="default: those of a server without one")
    return parser


if __name__ == "__main__":
    sys.exit(main())
