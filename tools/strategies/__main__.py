"""`python -m tools.strategies --strategy NAME`: own and built-in strategies on a running server.

`openbell simulate` runs the same ones by a driven clock, without a server. Layer: tools.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from listings.numbers import whole
from openbell.programs import called
from openbell_client import OpenbellError
from tools.credentials import CredentialsError, add_credentials, credentials_of
from tools.flow import HOME_PRICES, positive, symbols_with_prices
from tools.strategies.choosing import StrategyError, chosen
from tools.strategies.live import run_live

DEFAULT_SYMBOL = "BTC-USDT"


async def run(options: argparse.Namespace) -> int:
    """Trade until the duration is over or a signal comes; the exit status."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    if options.duration is not None:
        loop.call_later(options.duration, stop.set)
    homes = options.symbols or {DEFAULT_SYMBOL: None}
    homes = {symbol: home or HOME_PRICES.get(symbol) for symbol, home in homes.items()}
    try:
        strategies = chosen(options.strategies)
        shown = credentials_of(options, options.url)
        tick_s = options.tick_ms / 1000
        live = await run_live(options.url, shown, strategies, homes, options.seed, tick_s=tick_s, stop=stop)
    except (StrategyError, CredentialsError, OpenbellError, LookupError) as problem:
        print(f"The strategies end: {problem}", file=sys.stderr)
        return 1
    refused = ", ".join(f"{count:,} {code}" for code, count in sorted(live.rejects.items())) or "nothing"
    print(", ".join(f"{count:,} {what}" for what, count in live.counts.items()) + f"; refused: {refused}")
    return 0


def tick(text: str) -> int:
    """Milliseconds between two ticks. Raises ValueError."""
    number = whole(text)
    if not 10 <= number <= 60_000:
        raise ValueError
    return number


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(
        prog=called("strategies"),
        description="Strategies on a running server, as whoever runs them: in a sandbox its account, else that of the "
        "credentials. Ctrl-C ends them, and their orders with them.",
    )
    options.add_argument(
        "--strategy",
        dest="strategies",
        action="append",
        required=True,
        metavar="NAME[*COUNT]",
        help="a built-in one (market-maker, momentum, mean-reversion, noise, traders) or module:Class; repeatable",
    )
    options.add_argument("--url", default="http://127.0.0.1:5000", help="the server (default: %(default)s)")
    options.add_argument("--seed", type=whole, default=1, help="of their chance (default: %(default)s)")
    options.add_argument(
        "--symbols",
        type=symbols_with_prices,
        default={},
        metavar="SYMBOL[=PRICE],...",
        help=f"where each trades, with a price for before anything traded (default: {DEFAULT_SYMBOL})",
    )
    options.add_argument("--tick-ms", type=tick, default=200, help="between two ticks (default: %(default)s)")
    options.add_argument("--duration", type=positive, metavar="SECONDS", help="end by itself after so long")
    add_credentials(options)
    return options


def main() -> int:
    """Run the command line; the exit status."""
    return asyncio.run(run(parser().parse_args()))


if __name__ == "__main__":
    sys.exit(main())
