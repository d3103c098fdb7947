"""What each thing takes in memory that the venue keeps: an order, a done order, an account, a connection, a client.

In the engine the bytes that Python allocates (tracemalloc), of so many of a thing against none; of a server what its
process takes more (RSS) for so many connections or clients beside as many others. What ended leaves cycles, which the
collector comes for once each million objects, as it was told to for the sake of orders: memory goes up to that and not
on, which is measured by letting clients come and go until it has been there twice.
"""

from __future__ import annotations

import gc
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.engine import INSTRUMENT, MIDDLE
from benchmarks.followers import STREAMS
from engine.commands import CancelOrder, Command, Deposit, EnterOrder, ListInstrument
from engine.exchange import Exchange
from engine.rulebook import CURRENT_EDITION
from engine.types import AccountId, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce
from tests.attacks import attackers
from tests.attacks.frames import text, upgraded
from tests.attacks.raw import request
from tests.faults.report import Report, program
from tests.server import RunningServer, eventually

COUNT = 20_000  # of each in the engine
AT_ONCE = 250  # connections that are opened before they are used: there are seconds for that
CONNECTION_MAX, CLIENT_MAX = 15_000, 80_000  # bytes
GARBAGE_MAX = 12_000_000  # bytes of sessions that ended, between two rounds of the collector
PATIENT = ("--idle-timeout-s", "600")  # so that all connections are there at once, however slow the machine is
MICROSECOND_NS = 1_000
START_NS = 1_790_000_000_000_000_000
PER_LEVEL = 10
GIVEN_BACK_S = 30.0
ONE = AccountId(1)
GET = request("GET", "/bbo/BTC-USDT")


class Thing(NamedTuple):
    """Something that is kept, and the most bytes that one may take."""

    name: str
    bound: int
    commands: Callable[[int, int], list[Command]]  # that bring in the one of this number, when the next seq is this


class Scale(NamedTuple):
    """How many of each a server is measured with, and how many times the clients come and go."""

    connections: int
    clients: int
    times: int


def _order(account: AccountId, side: Side, price: int, name: str | None = None) -> EnterOrder:
    limit, gtc = OrderType.LIMIT, TimeInForce.GTC
    return EnterOrder(
        account, INSTRUMENT.symbol, side, limit, gtc, Lots(100), Ticks(price), name, self_trade_prevention=None
    )


def _resting(number: int, seq: int, name: str | None = None) -> list[Command]:
    return [_order(ONE, Side.BUY, MIDDLE - 1 - number // PER_LEVEL, name)]


def _done(number: int, seq: int, name: str | None = None) -> list[Command]:
    return [*_resting(0, seq, name), CancelOrder(ONE, OrderId(seq))]


def _funded(number: int, seq: int) -> list[Command]:
    account = AccountId(number + 2)
    return [Deposit(account, asset, "1000") for asset in (INSTRUMENT.base, INSTRUMENT.quote)]


def _traded(number: int, seq: int) -> list[Command]:
    """Money, and an order on each side that is cancelled: both are remembered."""
    account = AccountId(number + 2)
    buy, sell = _order(account, Side.BUY, MIDDLE - 1), _order(account, Side.SELL, MIDDLE + 1)
    cancels = [CancelOrder(account, OrderId(order_id)) for order_id in (seq + 2, seq + 4)]
    return [*_funded(number, seq), buy, cancels[0], sell, cancels[1]]


THINGS = (
    Thing("a resting order", 700, _resting),
    Thing("a resting order with a client order id", 1_400, lambda number, seq: _resting(number, seq, f"c{number}")),
    Thing("a done order that is remembered", 300, _done),
    Thing("a done order with a client order id", 700, lambda number, seq: _done(number, seq, f"c{number}")),
    Thing("an account with two balances", 900, _funded),
    Thing("an account that traded both ways, flat", 2_800, _traded),
)


def engine_bytes(thing: Thing, count: int = COUNT) -> float:
    """What one takes in an exchange. The list of commands goes, but for what the exchange keeps of them."""
    gc.collect()
    tracemalloc.start()
    exchange, seq = Exchange(CURRENT_EDITION), 0

    def apply(commands: list[Command]) -> None:
        nonlocal seq
        for command in commands:
            seq += 1
            exchange.apply(command, Seq(seq), START_NS + seq * MICROSECOND_NS)

    deposits: list[Command] = [Deposit(ONE, asset, "1000000000000") for asset in (INSTRUMENT.base, INSTRUMENT.quote)]
    apply([ListInstrument(INSTRUMENT), *deposits])
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(count):
        apply(thing.commands(number, seq + 1))
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / count


def judge_engine(report: Report, count: int = COUNT) -> None:
    """Each of `THINGS`."""
    for thing in THINGS:
        taken = engine_bytes(thing, count)
        report.judge(
            taken <= thing.bound, f"{thing.name}: {taken:,.0f} bytes in each exchange, at most {thing.bound:,}"
        )


@contextmanager
def connections(server: RunningServer, count: int) -> Iterator[None]:
    """So many HTTP connections that were answered once and are kept."""
    with ExitStack() as stack:
        for first in range(0, count, AT_ONCE):
            for connection in attackers.idle(server.url, min(AT_ONCE, count - first), "127.0.0.1", within_s=10):
                stack.enter_context(connection)
                connection.send(GET)
                connection.answer()
        yield


@contextmanager
def feed_clients(server: RunningServer, count: int) -> Iterator[None]:
    """So many feed clients, with three subscriptions each."""
    with ExitStack() as stack:
        held = []
        for _ in range(count):
            connection = stack.enter_context(upgraded(server.url, source=None))
            connection.send(text("40/market,"))
            for stream in STREAMS:
                connection.send(text(f'42/market,["subscribe",{stream}]'))
            held.append(connection)
        for connection in held:
            received = b""
            while received.count(b'["subscribed"') < len(STREAMS):
                received += connection.sock.recv(65_536)
        yield


Kept = Callable[[RunningServer, int], AbstractContextManager[None]]


def bytes_of_one(server: RunningServer, kept: Kept, count: int) -> float:
    """What each takes beyond the first `count`, which fill what the start has left free."""
    with kept(server, count):
        before = rss(server)
        with kept(server, count):
            return (rss(server) - before) / count


def left_behind(server: RunningServer, kept: Kept, count: int, times: int) -> list[int]:
    """The server's memory after each time that so many came and went."""
    levels, most = [], server.process.num_fds() + 2
    for _ in range(times):
        with kept(server, count):
            pass
        eventually(lambda: server.process.num_fds() <= most, GIVEN_BACK_S)
        levels.append(rss(server))
    return levels


def rss(server: RunningServer) -> int:
    """Its resident memory, in bytes."""
    return int(server.process.memory_info().rss)


def judge_server(report: Report, folder: Path, scale: Scale) -> None:
    """Connections and clients: one of each, and what is left when they have come and gone many times."""
    with RunningServer(folder / "data", *PATIENT) as server:
        for name, kept, count, bound in (
            ("an HTTP connection", connections, scale.connections, CONNECTION_MAX),
            ("a feed client with three subscriptions", feed_clients, scale.clients, CLIENT_MAX),
        ):
            taken = bytes_of_one(server, kept, count)
            report.judge(taken <= bound, f"{name}: {taken / 1000:,.1f} kB, at most {bound / 1000:,.0f} kB")
        levels = left_behind(server, feed_clients, scale.clients, scale.times)
        half = len(levels) // 2
        first, last = sorted(levels[:half])[-1], sorted(levels[half:])[len(levels[half:]) // 2]
        report.judge(
            last - first <= GARBAGE_MAX,
            f"{scale.clients} feed clients came and went {scale.times} times: {(last - first) / 1e6:+.1f} MB in the "
            f"later half, {(max(levels) - levels[0]) / 1e6:.1f} MB at most",
        )


def full(report: Report) -> None:
    """All of it."""
    judge_engine(report)
    with tempfile.TemporaryDirectory() as folder:
        judge_server(report, Path(folder), Scale(2_000, 200, 40))


if __name__ == "__main__":
    program(full)
