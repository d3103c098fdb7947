"""Plays recorded order flow into a running server through its public API: `python -m tools.replay`.

One request at a time over one connection: each is answered before the next is sent, so the
venue sees the recorded order at any speed, and a cancel never overtakes its order.
Layer: tools.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path
from typing import Final, get_args

from listings.numbers import whole
from openbell.programs import called
from openbell_client import AsyncClient, OpenbellError, Refused
from openbell_client.answers import OrderAnswer, SymbolInfo
from tools.archives import RecordError
from tools.credentials import CredentialsError, add_credentials, credentials_of
from tools.flow import positive
from tools.lobster import LobsterPlayback
from tools.measure import Measurements, Mode, show
from tools.naming import NamingError, in_any_case, instruments_file, symbol_of, what_to_do
from tools.playback import (
    AmendStep,
    CancelStep,
    EnterStep,
    Key,
    Playback,
    ReduceStep,
    RepriceStep,
    Step,
    common_in_order,
)
from tools.progress import progress
from tools.recorded import LobsterDepth, decimal_text
from tools.recordings import KINDS, Recording, load
from tools.spawn import ROOT, SpawnError, spawned
from tools.venue import declared, order_of, refusable, sweep

PREFIX: Final = "replay-"
INSTRUMENTS: Final = ROOT / "config" / "replay.toml"
RETRY_S: Final = 12.0  # how long a request is sent again when the server is away
COMPARE_EVERY: Final = 100  # rows


class ReplayError(Exception):
    """The replay cannot start or go on; the message says why."""


class Replay:
    """One recording against one symbol, until it ends or `stop` is set."""

    def __init__(
        self, client: AsyncClient, symbol: str, playback: Playback, stop: asyncio.Event, check: BookCheck | None = None
    ) -> None:
        self._check = check
        self._client = client
        self._symbol = symbol
        self._playback = playback
        self._stop = stop
        self._run = f"{PREFIX}{time.time_ns() // 1_000_000:x}-"
        self._entered = 0
        self._order_ids: dict[Key, str] = {}
        self._keys: dict[str, Key] = {}
        self._printed: set[str] = set()  # trade ids
        self.measured = Measurements()

    async def play(self, speed: float | None, done: Callable[[int], None]) -> None:
        """Play every event at `speed` times the recorded pace, as fast as it goes when None; call `done` after each."""
        self.measured.restart()
        start = time.monotonic()
        first_ns: int | None = None
        for event in self._playback.events():
            first_ns = event.time_ns if first_ns is None else first_ns
            if speed is not None:
                await self._wait_until(start + (event.time_ns - first_ns) / 1e9 / speed)
            for step in event.steps:
                if self._stop.is_set():
                    break
                await self._carry_out(step)
            if self._stop.is_set():
                self.measured.notes.append("stopped before the recording's end")
                break
            self.measured.counts["events"] += 1
            if self._check is not None:
                await self._check.after_event()
            done(1)
        self.measured.stop()

    async def _wait_until(self, due: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, due - time.monotonic())):
                await self._stop.wait()
        except TimeoutError:
            pass

    async def _carry_out(self, step: Step) -> None:
        started_ns = time.perf_counter_ns()
        kind: str
        answer: object
        if isinstance(step, EnterStep):
            kind, answer = step.order_type, await self._enter(step)
            self.measured.counts["orders"] += 1
        elif isinstance(step, ReduceStep):
            kind, answer = "cut", await self._amend(step.key, None, step.quantity)
            self.measured.counts["amends"] += 1
        elif isinstance(step, RepriceStep | AmendStep):
            quantity = step.quantity if isinstance(step, AmendStep) else None
            kind, answer = "reprice", await self._amend(step.key, step.price, quantity)
            self.measured.counts["amends"] += 1
        else:
            kind, answer = "cancel", await self._remove(step)
            self.measured.counts["cancels"] += 1
        self.measured.took(kind, time.perf_counter_ns() - started_ns)
        if isinstance(answer, Refused):
            self.measured.rejects[answer.error_code] += 1

    async def _enter(self, step: EnterStep) -> OrderAnswer | Refused:
        self._entered += 1
        order = order_of(
            self._symbol,
            step.side,
            step.order_type,
            decimal_text(step.quantity, self._playback.quantity_scale),
            None if step.price is None else decimal_text(step.price, self._playback.price_scale),
            client_order_id=f"{self._run}{self._entered}",
        )
        answer = await refusable(self._client.enter(order))
        if isinstance(answer, Refused):
            return answer
        if step.key is not None:
            self._order_ids[step.key] = answer.order_id
            self._keys[answer.order_id] = step.key
        for trade in answer.trades:
            self._traded(trade.trade_id, self._keys.get(trade.maker_order_id), trade.price, trade.quantity)
        return answer

    def _traded(self, trade_id: str, maker: Key | None, price: Decimal, quantity: Decimal) -> None:
        self._printed.add(trade_id)
        self.measured.counts["trades"] += 1
        units = int(price.scaleb(self._playback.price_scale)), int(quantity.scaleb(self._playback.quantity_scale))
        self._playback.traded(maker, *units)

    async def _amend(self, key: Key, price: int | None, quantity: int | None) -> object:
        """Amend an order, and look up what it took where its price is another."""
        order_id = self._order_ids.get(key)
        if order_id is None:
            return None  # its entry was refused
        changes = {
            name: decimal_text(units, scale)
            for name, units, scale in (
                ("price", price, self._playback.price_scale),
                ("quantity", quantity, self._playback.quantity_scale),
            )
            if units is not None
        }
        amended = await refusable(self._client.amend_order(order_id, **changes))
        if isinstance(amended, Refused) or price is None:
            return amended
        found = await refusable(self._client.get_order(order_id))
        if not isinstance(found, Refused):
            for fill in found.fills or []:
                if fill.liquidity == "taker" and fill.trade_id not in self._printed:
                    self._traded(fill.trade_id, None, fill.price, fill.quantity)
        return amended

    async def _remove(self, step: CancelStep) -> object:
        order_id = self._order_ids.get(step.key)
        if order_id is None:
            return None
        return await refusable(self._client.cancel_order(order_id, symbol=self._symbol))


class BookCheck:
    """Compares the venue's book with the recorded one, every so many rows, at as many levels as the file has."""

    def __init__(self, client: AsyncClient, symbol: str, playback: LobsterPlayback, every: int) -> None:
        self._client = client
        self._symbol = symbol
        self._playback = playback
        self._every = every
        self._row = 0
        self._compared = self._equal = 0
        self._first_different: int | None = None

    async def after_event(self) -> None:
        """Compare if it is this row's turn."""
        self._row += 1
        if self._playback.shown is not None and self._row % self._every == 0:
            await self._compare(self._playback.shown)

    async def remarks(self) -> list[str]:
        """Compare the last row; say what was equal."""
        recorded = self._playback.shown
        if recorded is None:
            return []
        different = await self._compare(recorded) if self._row % self._every else await self._different(recorded)
        levels = f"{len(recorded.asks)} + {len(recorded.bids)} levels"
        first = f"; the first that differs is row {self._first_different}" if self._first_different else ""
        which = "every row" if self._every == 1 else f"every {self._every}th row and the last"
        return [
            f"book: {self._equal:,} of {self._compared:,} rows compared equal the recorded ones ({which}, "
            f"{self._playback.levels} a side){first}",
            f"final book: equals the recorded one at all {levels}"
            if not different
            else f"final book: DIFFERS from the recorded one, at {different} of {levels}",
        ]

    async def _compare(self, recorded: LobsterDepth) -> int:
        different = await self._different(recorded)
        self._compared += 1
        if not different:
            self._equal += 1
        elif self._first_different is None:
            self._first_different = self._row
        return different

    async def _different(self, recorded: LobsterDepth) -> int:
        """At how many places of the ladder something else stands."""
        book = await self._client.book(self._symbol, self._playback.levels)
        price_scale, quantity_scale = self._playback.price_scale, self._playback.quantity_scale
        count = 0
        for made, levels in ((book.asks, recorded.asks), (book.bids, recorded.bids)):
            ours = [(int(one.scaleb(price_scale)), int(two.scaleb(quantity_scale))) for one, two in made]
            same = sum(mine == yours for mine, yours in zip(ours, levels, strict=False))
            count += max(len(ours), len(levels)) - same
        return count


def check_steps(symbol: str, info: SymbolInfo, playback: Playback) -> None:
    """Raises ReplayError when the symbol's tick or lot is too coarse for the recording."""
    lot = Decimal(1).scaleb(-playback.quantity_scale)
    if lot % info.lot_size != 0:
        raise ReplayError(f"{symbol} has lots of {info.lot_size}; the recording needs {lot:f} or finer")
    for units in playback.prices:
        price = Decimal(units).scaleb(-playback.price_scale)
        if price % info.tick_size != 0:
            raise ReplayError(
                f"{symbol} has ticks of {info.tick_size}; the recording has a price of {price.normalize():f}"
            )


async def choose_symbol(client: AsyncClient, recording: Recording, named: str | None) -> str:
    """The symbol to play into: as named, else by the file's name. Raises ReplayError, NamingError."""
    listed = (await client.symbols()).symbol_info
    if named is None:
        symbol = symbol_of(recording.file, listed)
    elif (found := in_any_case(named, listed)) is not None:
        symbol = found
    else:
        raise ReplayError(f"the server does not list {named}, it lists {', '.join(listed) or 'none'}; {what_to_do()}")
    check_steps(symbol, listed[symbol], recording.playback)
    return symbol


async def run(options: argparse.Namespace, recording: Recording) -> None:
    """Play, until the recording's end or a signal. Raises ReplayError, NamingError, SpawnError, OpenbellError."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with AsyncExitStack() as stack:
        url = options.url
        if options.spawn:
            url = (await stack.enter_async_context(spawned("--instruments", str(INSTRUMENTS)))).url
            print(f"The page, until the replay ends: {url}/", file=sys.stderr)
        credentials = None if options.spawn else credentials_of(options, url)
        client = await stack.enter_async_context(AsyncClient(url, credentials, connections=1, retry_for_s=RETRY_S))
        symbol = await choose_symbol(client, recording, options.symbol)
        async with declared(client, "replay", lambda sentence: print(sentence, file=sys.stderr)):
            await _play_and_show(client, symbol, recording, stop, options)


async def _play_and_show(
    client: AsyncClient, symbol: str, recording: Recording, stop: asyncio.Event, options: argparse.Namespace
) -> None:
    """Clear what an earlier replay left, play, and print what came of it."""
    playback = recording.playback
    await sweep(client, symbol, PREFIX)
    check = None
    if isinstance(playback, LobsterPlayback) and recording.book is not None:
        check = BookCheck(client, symbol, playback, options.compare)
    replay = Replay(client, symbol, playback, stop, check)
    notes = replay.measured.notes
    notes += recording.notes
    book = await client.book(symbol, 1)
    if book.bids or book.asks:
        notes.append(f"the book of {symbol} was not empty: what others do changes the result")
    with progress(f"playing into {symbol}", len(playback)) as done:
        await replay.play(options.speed, done)
    refused = replay.measured.rejects["PRICE_OUTSIDE_COLLAR"]
    if refused:
        notes.append(
            f"{symbol} refused {refused:,} orders for their prices: its collar is made for another market than the "
            f"recorded one; {what_to_do()}"
        )
    if playback.recorded:
        same = common_in_order(playback.recorded, playback.made)
        notes.append(f"reproduced {same:,} of {len(playback.recorded):,} recorded trades, in order")
    notes += playback.remarks()
    if check is not None and not stop.is_set():
        notes += await check.remarks()
    show(replay.measured.summary(f"replay of {options.kind} into {symbol}"), options.format)


def speed(text: str) -> float | None:
    """`max` -> None: as fast as it goes; else a number above zero. Raises ValueError."""
    return None if text == "max" else positive(text)


def count(text: str) -> int:
    """A whole number above zero. Raises ValueError."""
    number = whole(text)
    if number <= 0:
        raise ValueError
    return number


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(
        prog=called("replay"),
        description="Plays recorded order flow into a running server through its public API, in the recorded order. "
        f"The server must list the symbol: start it with --instruments {instruments_file()}; or use --spawn. "
        "Documentation/recordings.md describes the formats, and where to get recordings.",
    )
    options.add_argument("kind", choices=KINDS, help="the format of the recording; csv is a plain one of our own")
    options.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="the recording, plain or compressed by gzip, bzip2 or xz; without one it is said where to get some",
    )
    options.add_argument(
        "--book",
        type=Path,
        metavar="FILE",
        help="LOBSTER's order book file (default: beside the message file; without one the messages play alone)",
    )
    options.add_argument("--url", default="http://127.0.0.1:5000", help="the server (default: %(default)s)")
    options.add_argument(
        "--spawn", action="store_true", help="start a server for it instead, with those instruments, gone afterwards"
    )
    options.add_argument("--symbol", help="where to play it (default: what the file's name or its folder's tells)")
    options.add_argument(
        "--speed",
        type=speed,
        default="1",
        metavar="N|max",
        help="times the recorded pace, or max (default: %(default)s)",
    )
    options.add_argument("--limit", type=count, metavar="N", help="only the first N records")
    options.add_argument(
        "--compare",
        type=count,
        default=COMPARE_EVERY,
        metavar="N",
        help="compare the book with LOBSTER's at every Nth row, and at the last (default: %(default)s)",
    )
    options.add_argument("--format", choices=get_args(Mode), default="table", help="how the summary is printed")
    add_credentials(options)
    return options


def main() -> int:
    """Run the command line; the exit status: 0 also when a signal ended the playing."""
    options = parser().parse_args()
    try:
        recording = load(options.kind, options.file, options.book, options.limit)
        asyncio.run(run(options, recording))
    except (ReplayError, RecordError, NamingError, SpawnError, OpenbellError, CredentialsError) as error:
        print(f"The replay ends: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # while the files are read
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
