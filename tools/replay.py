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
from contextlib import AsyncExitStack
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Final, get_args

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tools.answers import NewOrder, OrderAnswer, Refusal
from tools.client import VenueClient, VenueError, retried
from tools.feed import connected
from tools.flow import positive
from tools.measure import Measurements, Mode, show
from tools.playback import (
    LOBSTER_LEVELS,
    BitstampPlayback,
    Cut,
    Key,
    LobsterPlayback,
    Place,
    Playback,
    Remove,
    Reprice,
    Step,
    common_in_order,
)
from tools.recorded import RecordError, decimal_text, read_bitstamp, read_lobster_depths, read_lobster_messages
from tools.spawn import ROOT, SpawnError, spawned

PREFIX: Final = "replay-"
INSTRUMENTS: Final = ROOT / "config" / "replay.toml"
RECORDED: Final = ROOT / ".." / "shared" / "data"
DEFAULT_FILES: Final = {
    "bitstamp": RECORDED / "bitstamp-btcusd-2015-05-01" / "events.log.xz",
    "lobster": RECORDED / "lobster-msft-2012-06-21" / "message_50.csv.xz",
}
DEFAULT_SYMBOLS: Final = {"bitstamp": "BTC-USD", "lobster": "MSFT-USD"}
ATTEMPTS: Final = 6  # of one request, over about eleven seconds, when the server is away


class ReplayError(Exception):
    """The replay cannot start or go on; the message says why."""


class Replay:
    """One recording against one symbol, until it ends or `stop` is set."""

    def __init__(self, client: VenueClient, symbol: str, playback: Playback, stop: asyncio.Event) -> None:
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

    async def play(self, speed: float | None, progress: Progress) -> None:
        """Play every event at `speed` times the recorded pace, as fast as it goes when None."""
        bar = progress.add_task(self._symbol, total=len(self._playback))
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
            progress.advance(bar)
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
        if isinstance(step, Place):
            kind, answer = step.order_type, await self._place(step)
            self.measured.counts["orders"] += 1
        elif isinstance(step, Cut):
            kind, answer = "cut", await self._cut(step)
            self.measured.counts["amends"] += 1
        elif isinstance(step, Reprice):
            kind, answer = "reprice", await self._reprice(step)
            self.measured.counts["amends"] += 1
        else:
            kind, answer = "cancel", await self._remove(step)
            self.measured.counts["cancels"] += 1
        self.measured.took(kind, time.perf_counter_ns() - started_ns)
        if isinstance(answer, Refusal):
            self.measured.rejects[answer.error_code] += 1

    async def _place(self, step: Place) -> OrderAnswer | Refusal:
        self._entered += 1
        order = NewOrder(
            self._symbol,
            step.side,
            step.order_type,
            decimal_text(step.quantity, self._playback.quantity_scale),
            decimal_text(step.price, self._playback.price_scale),
            client_order_id=f"{self._run}{self._entered}",
        )
        answer = await self._client.enter_surely(order, attempts=ATTEMPTS)
        if isinstance(answer, Refusal):
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

    async def _cut(self, step: Cut) -> object:
        order_id = self._order_ids.get(step.key)
        if order_id is None:
            return None  # its entry was refused
        quantity = decimal_text(step.quantity, self._playback.quantity_scale)
        return await retried(lambda: self._client.amend(order_id, quantity=quantity), attempts=ATTEMPTS)

    async def _reprice(self, step: Reprice) -> object:
        """Amend the price, and look up what the order took at its new one."""
        order_id = self._order_ids.get(step.key)
        if order_id is None:
            return None
        price = decimal_text(step.price, self._playback.price_scale)
        amended = await retried(lambda: self._client.amend(order_id, price=price), attempts=ATTEMPTS)
        if isinstance(amended, Refusal):
            return amended
        found = await retried(lambda: self._client.order(order_id), attempts=ATTEMPTS)
        if not isinstance(found, Refusal):
            for fill in found.fills or []:
                if fill.liquidity == "taker" and fill.trade_id not in self._printed:
                    self._traded(fill.trade_id, None, fill.price, fill.quantity)
        return amended

    async def _remove(self, step: Remove) -> object:
        order_id = self._order_ids.get(step.key)
        if order_id is None:
            return None
        return await retried(lambda: self._client.cancel(self._symbol, order_id=order_id), attempts=ATTEMPTS)


def load(kind: str, path: Path, limit: int | None) -> BitstampPlayback | LobsterPlayback:
    """The recording's first `limit` records. Raises ReplayError."""
    if not path.is_file():
        raise ReplayError(f"there is no recorded data at {path}; name the file: python -m tools.replay {kind} FILE")
    try:
        if kind == "bitstamp":
            return BitstampPlayback(list(islice(read_bitstamp(path), limit)))
        book = path.with_name(path.name.replace("message", "orderbook"))
        if book == path or not book.is_file():
            raise ReplayError(f"the book that goes with {path.name} is not at {book}")
        messages = list(islice(read_lobster_messages(path), limit))
        return LobsterPlayback(messages, list(islice(read_lobster_depths(book), limit)))
    except RecordError as error:
        raise ReplayError(str(error)) from error


async def check_symbol(client: VenueClient, symbol: str, playback: Playback) -> None:
    """Raises ReplayError when the server's symbol cannot take the recording."""
    listed = (await client.symbols()).symbol_info
    info = listed.get(symbol)
    if info is None:
        raise ReplayError(
            f"the server does not list {symbol}, it lists {', '.join(listed)}; "
            "start one with --instruments config/replay.toml, or name another --symbol"
        )
    recorded_lot = Decimal(1).scaleb(-playback.quantity_scale)
    if recorded_lot % info.lot_size != 0:
        raise ReplayError(f"{symbol} has lots of {info.lot_size}; the recording needs {recorded_lot:f} or finer")


async def compare_book(client: VenueClient, symbol: str, playback: LobsterPlayback) -> str:
    """One sentence: whether the venue's book is the recorded one."""
    book = await client.book(symbol, LOBSTER_LEVELS)
    recorded = playback.final_depth()
    ours, theirs = [], []
    for made, levels in ((book.asks, recorded.asks), (book.bids, recorded.bids)):
        ours.append([(int(price.scaleb(playback.price_scale)), int(quantity)) for price, quantity in made])
        theirs.append(levels[:LOBSTER_LEVELS])
    if ours == theirs:
        return f"final book: equals the recorded one at all {len(theirs[0])} + {len(theirs[1])} levels"
    different = sum(a != b for mine, yours in zip(ours, theirs, strict=True) for a, b in zip(mine, yours, strict=False))
    return f"final book: DIFFERS from the recorded one, at {different} levels or in their number"


async def run(options: argparse.Namespace) -> int:
    """Play; return the exit status: 0 also when ended by a signal."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    symbol = options.symbol or DEFAULT_SYMBOLS[options.kind]
    try:
        playback = load(options.kind, options.file or DEFAULT_FILES[options.kind], options.limit)
        async with AsyncExitStack() as stack:
            url = options.url
            if options.spawn:
                url = (await stack.enter_async_context(spawned("--instruments", str(INSTRUMENTS)))).url
                print(f"The page, until the replay ends: {url}/", file=sys.stderr)
            client = await stack.enter_async_context(VenueClient(url, connections=1))
            await check_symbol(client, symbol, playback)
            async with connected(url, flow="replay"):
                await _play_and_show(client, symbol, playback, stop, options)
    except (ReplayError, SpawnError, VenueError) as error:
        print(f"The replay ends: {error}", file=sys.stderr)
        return 1
    return 0


async def _play_and_show(
    client: VenueClient,
    symbol: str,
    playback: BitstampPlayback | LobsterPlayback,
    stop: asyncio.Event,
    options: argparse.Namespace,
) -> None:
    """Clear what an earlier replay left, play, and print what came of it."""
    await client.sweep(symbol, PREFIX)
    replay = Replay(client, symbol, playback, stop)
    notes = replay.measured.notes
    book = await client.book(symbol, 1)
    if book.bids or book.asks:
        notes.append(f"the book of {symbol} was not empty: what others do changes the result")
    with _progress() as progress:
        await replay.play(options.speed, progress)
    same = common_in_order(playback.recorded, playback.made)
    notes.append(f"reproduced {same} of {len(playback.recorded)} recorded trades, in order")
    notes.append(playback.remark)
    if isinstance(playback, LobsterPlayback) and not stop.is_set():
        notes.append(await compare_book(client, symbol, playback))
    show(replay.measured.summary(f"replay of {options.kind} into {symbol}"), options.format)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def speed(text: str) -> float | None:
    """`max` -> None: as fast as it goes; else a number above zero. Raises ValueError."""
    return None if text == "max" else positive(text)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(
        prog="python -m tools.replay",
        description="Plays recorded order flow into a running server through its public API, in the recorded order. "
        "The server must list the symbol: start it with --instruments config/replay.toml, or use --spawn.",
    )
    options.add_argument("kind", choices=sorted(DEFAULT_FILES), help="the format of the recording")
    options.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="the recording (default: ../shared/data/...)"
    )
    options.add_argument("--url", default="http://127.0.0.1:5000", help="the server (default: %(default)s)")
    options.add_argument(
        "--spawn", action="store_true", help="start a server for it instead, with config/replay.toml, gone afterwards"
    )
    options.add_argument("--symbol", help="where to play it (default: BTC-USD, MSFT-USD)")
    options.add_argument(
        "--speed",
        type=speed,
        default="1",
        metavar="N|max",
        help="times the recorded pace, or max (default: %(default)s)",
    )
    options.add_argument("--limit", type=int, metavar="N", help="only the first N records")
    options.add_argument("--format", choices=get_args(Mode), default="table", help="how the summary is printed")
    return options


if __name__ == "__main__":
    sys.exit(asyncio.run(run(parser().parse_args())))
