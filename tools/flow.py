"""Simulated traders on a running server: `python -m tools.flow`.

A process of its own that uses the public API alone, so that a page without any recorded
file has a market to show. What it decides is in tools/traders.py; here is the asking: pace,
reconnecting, cleaning up. Its client order ids begin with `flow-`, by which it finds and
cancels what an earlier run left behind, and what it leaves itself.
Layer: tools.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Final, TypeVar, get_args

import msgspec

from listings.numbers import decimal_of, whole
from openbell.programs import called
from openbell_client import AsyncClient, OpenbellError, OrderRequest, Refused, TooManyRequests, Unavailable
from openbell_client.answers import OrderAnswer
from tools.credentials import CredentialsError, add_credentials, credentials_of
from tools.measure import Measurements, Mode, show
from tools.traders import Action, Enter, Outcome, Traders, Withdraw
from tools.venue import declared, last_price, open_orders, order_of, refusable, sweep, wait_until_accepting

PREFIX: Final = "flow-"
HOME_PRICES: Final = {
    "BTC-USDT": Decimal(30000),
    "ETH-USDT": Decimal(2000),
    "BNB-USDT": Decimal(300),
    "SOL-USDT": Decimal(100),
    "AAPL-USD": Decimal(190),
}
TYPICAL_NOTIONAL: Final = Decimal(3000)  # value of one quote, in the quote asset
OPENING_HASTE: Final = 6  # how much faster than the rate an empty book is filled
BUSIER_FIRST: Final = 2  # the first symbol gets so many shares of the rate, every other one share
LATEST_S: Final = 1.0  # further behind its schedule than this, a symbol starts a new one
GRACE_S: Final = 3.0  # for requests under way when the flow ends
SWEEP_S: Final = 15.0  # for cancelling what is left
PREPARE_S: Final = 60.0  # for what is asked before the first order

T = TypeVar("T")


class FlowError(Exception):
    """The flow cannot start; the message says why."""


class SymbolFlow(msgspec.Struct):
    """One symbol: its steps, its traders, its share of the rate."""

    symbol: str
    tick: Decimal
    lot: Decimal
    traders: Traders
    rate: float  # actions a second
    outages_seen: int = 0

    def order(self, action: Enter) -> OrderRequest:
        """The request for a decision, in decimals."""
        price = None if action.price is None else f"{action.price * self.tick:f}"
        quantity = f"{action.quantity * self.lot:f}"
        return order_of(
            self.symbol,
            action.side,
            action.order_type,
            quantity,
            price,
            client_order_id=action.client_order_id,
            display_quantity=None if action.display is None else f"{action.display * self.lot:f}",
        )

    def outcome(self, answer: OrderAnswer) -> Outcome:
        """An answer in lots."""
        fills = [(trade.maker_order_id, int(trade.quantity / self.lot)) for trade in answer.trades]
        rests = int(answer.remaining_quantity / self.lot) if answer.status in ("resting", "partially_filled") else 0
        return Outcome(answer.order_id, rests, fills)


class Outages:
    """How often the server was away, as the traders' requests find it."""

    def __init__(self) -> None:
        self.count = 0  # those that are over
        self._away = False

    def waits(self, error: Unavailable | Refused, _seconds: float) -> None:
        """A request will be sent again, and why."""
        if not self._away and not isinstance(error, TooManyRequests):
            self._away = True
            _say(f"The server is away ({error}); trying again until it is back.")

    def answered(self) -> None:
        """A request was answered."""
        if self._away:
            self._away = False
            self.count += 1
            _say("The server is back; going on.")


class Flow:
    """All symbols' traders against one server, until `stop` is set."""

    def __init__(self, client: AsyncClient, symbols: list[SymbolFlow], stop: asyncio.Event, outages: Outages) -> None:
        """`client` never gives up, and tells `outages` why it waits."""
        self._client = client
        self._symbols = symbols
        self._stop = stop
        self._outages = outages
        self.measured = Measurements()

    async def run(self) -> None:
        """Trade in every symbol at once until stopped, then cancel what is left."""
        self.measured.restart()
        tasks = [asyncio.create_task(self._trade(symbol)) for symbol in self._symbols]
        try:
            await asyncio.wait([*tasks, asyncio.create_task(self._stopped())], return_when=asyncio.FIRST_COMPLETED)
            self._stop.set()  # by a signal, or because one of the tasks failed
            done, _ = await asyncio.wait(tasks, timeout=GRACE_S)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.measured.stop()
            await self._leave()

    async def _stopped(self) -> None:
        await self._stop.wait()

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(SWEEP_S):
                left = [await sweep(self._client, symbol.symbol, PREFIX) for symbol in self._symbols]
            self.measured.notes.append(f"cancelled {sum(left)} quotes at the end")
        except (OpenbellError, TimeoutError) as error:
            self.measured.notes.append(f"could not cancel what is left, the next run will: {error}")

    async def _trade(self, symbol: SymbolFlow) -> None:
        traders = symbol.traders
        due = time.monotonic()
        while not self._stop.is_set():
            if symbol.outages_seen != self._outages.count:
                await self._read_open_orders(symbol)
            for action in traders.decide():
                due += traders.pause_s(symbol.rate * (OPENING_HASTE if traders.opening else 1))
                due = max(due, time.monotonic() - LATEST_S)
                if await self._stopped_before(due):
                    return
                await self._carry_out(symbol, action)

    async def _stopped_before(self, due: float) -> bool:
        """Wait until `due` on the monotonic clock; say whether the flow ended meanwhile."""
        try:
            async with asyncio.timeout(max(0.0, due - time.monotonic())):
                await self._stop.wait()
        except TimeoutError:
            pass
        return self._stop.is_set()

    async def _carry_out(self, symbol: SymbolFlow, action: Action) -> None:
        started_ns = time.perf_counter_ns()
        if isinstance(action, Withdraw):
            # sent again after a lost connection, it finds the quote done
            cancelled = await self._answered(self._client.cancel_order(action.order_id, symbol=symbol.symbol))
            self.measured.took("cancel", time.perf_counter_ns() - started_ns)
            self.measured.counts["cancels"] += 1
            symbol.traders.withdrawn(action)
            if isinstance(cancelled, Refused):
                self.measured.rejects[cancelled.error_code] += 1
            return
        answer = await self._answered(self._client.enter(symbol.order(action)))
        self.measured.took(action.order_type, time.perf_counter_ns() - started_ns)
        self.measured.counts["orders"] += 1
        if isinstance(answer, Refused):
            self.measured.rejects[answer.error_code] += 1
            if answer.error_code == "PRICE_OUTSIDE_COLLAR":
                last = await self._answered(last_price(self._client, symbol.symbol))
                if isinstance(last, Decimal):
                    symbol.traders.saw_price(int(last / symbol.tick))
            return
        self.measured.counts["trades"] += len(answer.trades)
        symbol.traders.entered(action, symbol.outcome(answer))

    async def _answered(self, answer: Awaitable[T]) -> T | Refused:
        """An answer or a refusal, either of which means that the server is there."""
        result = await refusable(answer)
        self._outages.answered()
        return result

    async def _read_open_orders(self, symbol: SymbolFlow) -> None:
        """After an outage: which quotes still stand is what the server says."""
        symbol.outages_seen = self._outages.count
        found = await self._answered(open_orders(self._client, symbol.symbol))
        if not isinstance(found, Refused):
            ours = {order.order_id for order in found if (order.client_order_id or "").startswith(PREFIX)}
            symbol.traders.saw_open_orders(ours)


async def prepare(client: AsyncClient, wanted: dict[str, Decimal | None], seed: int, rate: float) -> list[SymbolFlow]:
    """The traders of each wanted symbol (all with a known price when empty), old quotes cancelled.

    Raises FlowError for a symbol that is not listed, or whose price nobody knows.
    """
    listed = (await client.symbols()).symbol_info
    if not wanted:
        wanted = {symbol: None for symbol in listed if symbol in HOME_PRICES}
    unknown = [symbol for symbol in wanted if symbol not in listed]
    if unknown:
        raise FlowError(f"the server does not list {', '.join(unknown)}; it lists {', '.join(listed)}")
    if not wanted:
        raise FlowError("no symbol whose price is known is listed; name some: --symbols SYMBOL=PRICE")
    run = f"{time.time_ns() // 1_000_000:x}"
    shares = BUSIER_FIRST + len(wanted) - 1
    flows: list[SymbolFlow] = []
    for number, (symbol, given) in enumerate(wanted.items()):
        await sweep(client, symbol, PREFIX)
        last = await last_price(client, symbol)
        home = given or HOME_PRICES.get(symbol) or last
        if home is None:
            raise FlowError(f"no price of {symbol} is known; say it: --symbols {symbol}=PRICE")
        share = BUSIER_FIRST if number == 0 else 1
        info = listed[symbol]
        traders = Traders(
            symbol,
            seed,
            home=int(home / info.tick_size),
            start=int((last or home) / info.tick_size),
            typical=int(TYPICAL_NOTIONAL / home / info.lot_size),
            prefix=f"{PREFIX}{run}-{symbol}-",
        )
        flows.append(SymbolFlow(symbol, info.tick_size, info.lot_size, traders, rate * share / shares))
    return flows


async def run(options: argparse.Namespace) -> int:
    """Trade until the duration is over or a signal comes; return the exit status."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        stop.set()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(name)  # a second signal ends at once

    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, end)
    if options.duration is not None:
        loop.call_later(options.duration, stop.set)
    outages = Outages()
    try:
        credentials = credentials_of(options, options.url)
    except CredentialsError as error:
        _say(f"The flow ends: {error}")
        return 1
    async with AsyncClient(options.url, credentials, retry_for_s=None, on_wait=outages.waits) as client:
        if not await _accepting(options.url, stop):
            return 0
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(PREPARE_S):
                    await stack.enter_async_context(
                        declared(client, "simulated", _say, seed=options.seed, strategy="traders")
                    )
                    symbols = await prepare(client, options.symbols, options.seed, options.rate)
                flow = Flow(client, symbols, stop, outages)
                _say(f"Simulated traders at {options.url}, seed {options.seed}, {options.rate:g} messages a second.")
                try:
                    await flow.run()
                finally:
                    show(flow.measured.summary("simulated flow"), options.format)
        except (FlowError, OpenbellError) as error:
            _say(f"The flow ends: {error}")
            return 1
        except TimeoutError:
            _say(f"The flow ends: the server did not answer for {PREPARE_S:.0f} s")
            return 1
    return 0


async def _accepting(url: str, stop: asyncio.Event) -> bool:
    """Wait until the server takes orders; False when the flow is to end before that."""
    async with AsyncClient(url, retry_for_s=0) as client:
        waiting = asyncio.create_task(wait_until_accepting(client, _once(_say_waiting)))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([waiting, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        done = waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, stopping, return_exceptions=True)
        return done


def _once(report: Callable[[str], None]) -> Callable[[str], None]:
    """`report`, the first time only."""
    reported: list[str] = []

    def first(reason: str) -> None:
        if not reported:
            reported.append(reason)
            report(reason)

    return first


def _say_waiting(reason: str) -> None:
    _say(f"Waiting for the server ({reason}).")


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def symbols_with_prices(text: str) -> dict[str, Decimal | None]:
    """`BTC-USDT,XYZ-USD=12.5` -> each symbol and its home price, None when none is given. Raises ValueError."""
    wanted: dict[str, Decimal | None] = {}
    for part in filter(None, text.split(",")):
        symbol, given, price = part.partition("=")
        wanted[symbol] = decimal_of(price) if given else None
        if given and (wanted[symbol] or 0) <= 0:
            raise ValueError(f"{price!r} is no price")
    return wanted


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(
        prog=called("traders"),
        description="Simulated traders on a running server: makers around a wandering price, takers, cancels. "
        "Ctrl-C ends it: it cancels its quotes and prints a summary.",
    )
    options.add_argument("--url", default="http://127.0.0.1:5000", help="the server (default: %(default)s)")
    options.add_argument("--seed", type=whole, default=1, help="same seed, same decisions (default: %(default)s)")
    options.add_argument(
        "--rate", type=positive, default=60.0, help="messages a second over all symbols (default: %(default)g)"
    )
    options.add_argument(
        "--symbols",
        type=symbols_with_prices,
        default={},
        metavar="SYMBOL[=PRICE],...",
        help="which symbols, with the price they are pulled to (default: all whose price is known)",
    )
    options.add_argument("--duration", type=positive, metavar="SECONDS", help="end by itself after so long")
    options.add_argument("--format", choices=get_args(Mode), default="table", help="how the summary is printed")
    add_credentials(options)
    return options


def positive(text: str) -> float:
    """A finite number above zero. Raises ValueError."""
    number = float(decimal_of(text) or 0)
    if not 0 < number < float("inf"):
        raise ValueError(f"{text} is not above zero")
    return number


def main() -> int:
    """Run the command line; the exit status."""
    return asyncio.run(run(parser().parse_args()))


if __name__ == "__main__":
    sys.exit(main())
