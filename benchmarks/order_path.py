"""What each hop of an order's way costs, in microseconds: `python -m benchmarks.order_path`.

In one process, each hop by itself with what the hop before gives it, over a real server's parts on a temporary data
folder: the least of several rounds, so that what else the machine does counts little. Hops that a batch shares are
shown for an order alone and for one of 64. What is between the hops (the hub's polls and timers, the two changes of
thread, the kernel) is in none of them: `benchmarks.reach` measures the whole.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from api.auth.signatures import HmacSha256
from api.bootstrap import Server
from api.http.bodies import HEADERS, body_of
from api.http.front.answer import head_of
from api.http.front.environ import Environs, Peer
from api.http.front.forwarded import Forwarded
from api.http.front.large_bodies import LargeBodies
from api.http.front.parser import RequestParser
from api.http.front.transport import Transport
from api.orders.answers import order_answer
from api.orders.requests import enter_order
from api.settings import Settings
from benchmarks.machine import describe
from benchmarks.orders import post, random_orders
from engine.commands import EnterOrder
from engine.events import CommandResult
from engine.types import SANDBOX_ACCOUNT, Seq
from journal.codec import GENESIS, seal
from journal.sqlite import SqliteJournal

BATCH = 64
CALLS = 1_000
ROUNDS = 15
UNCOUNTED = 2_000  # orders that are entered first, so that a book rests
COUNTED = 5_000  # of which about half trade


def least(call: Callable[[], object], calls: int = CALLS) -> float:
    """Microseconds of one call, in the quickest of the rounds."""
    return min(timeit.repeat(call, number=calls, repeat=ROUNDS)) / calls * 1e6


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A sandbox of its own."""
    server = Server(Settings(data=folder / "data"))
    try:
        yield server
    finally:
        server.close()


def way_in(server: Server, request: bytes) -> Iterator[tuple[str, float]]:
    """From bytes to a command."""
    parser, data = RequestParser(2**20, LargeBodies(1), "benchmark"), memoryview(request)

    def parse() -> Any:
        parser.feed(data)
        return parser.requests.popleft()

    yield "llhttp and the bounds of a request", least(parse)
    asked, environs = parse(), Environs(Forwarded(()))
    peer = Peer("127.0.0.1", 1, "http", ("127.0.0.1", 80))
    yield "its environ", least(lambda: environs.of(asked, peer))
    environ, lane = environs.of(asked, peer), server.lane
    if lane is None:
        raise RuntimeError("the server has no lane")
    yield "the guard: host, origin, kind of body", least(lambda: lane._guard.refusal_of(environ))
    yield "who asks: nobody, in a sandbox", least(lambda: lane._first.principal(environ, lambda: asked.body))
    by_secret = HmacSha256(b"s" * 32)
    yield (
        "who asks: the HMAC of a signed request, beside that",
        least(lambda: hmac.compare_digest(by_secret.digest(asked.body), hashlib.sha256(b"").digest())),
    )
    yield "the body to a command", least(lambda: enter_order(asked.body, SANDBOX_ACCOUNT, server.exchange))


def durable(commands: Sequence[EnterOrder], folder: Path) -> Iterator[tuple[str, float]]:
    """From a command to a record on the disk."""
    yield "sealing, alone: encoded, checksummed, chained", least(lambda: seal(1, 1, 1, commands[:1]))
    yield f"sealing, one of {BATCH}", least(lambda: seal(1, 1, 1, commands[:BATCH]), 100) / BATCH
    for count, name in ((1, "one row and its flush, alone"), (BATCH, f"one row and its flush, one of {BATCH}")):
        journal = SqliteJournal(folder / f"journal-{count}.sqlite")
        chain, n, seq, taken = GENESIS, 0, 1, []
        for _ in range(200):
            record = seal(n + 1, 1, seq, commands[:count], chain)
            started = time.perf_counter()
            journal.append(record)
            taken.append((time.perf_counter() - started) * 1e6)
            n, chain, seq = record.n, record.chain, seq + count
        journal.close()
        yield name, sorted(taken)[len(taken) // 2] / count


def way_out(server: Server, commands: Sequence[EnterOrder]) -> Iterator[tuple[str, float]]:
    """From a durable command to the bytes of its answer. The server's sequencer is stopped: this takes its part."""
    exchange, folds = server.exchange, server.writer._publication.listeners
    applying = folding = answering = 0.0
    for number, command in enumerate(commands):
        seq = Seq(exchange.seq + 1)
        started = time.thread_time()
        applied = CommandResult(seq, exchange.ts_ns, command, exchange.apply(command, seq, exchange.ts_ns))
        done = time.thread_time()
        for fold in folds:
            fold([applied])
        folded = time.thread_time()
        body = body_of(order_answer(applied, exchange, 0.123))
        if number >= UNCOUNTED:
            applying, folding = applying + done - started, folding + folded - done
            answering += time.thread_time() - folded
    counted = (len(commands) - UNCOUNTED) / 1e6
    yield "the engine, ledger included", applying / counted
    yield "what listens folds the events", folding / counted
    yield "the answer's text", answering / counted
    headers = (*HEADERS.items(), ("Content-Length", str(len(body))))
    yield "its head", least(lambda: head_of("200 OK", headers, close=False, old=False))
    ours, theirs = socket.socketpair()
    transport, answer, scratch = Transport(ours, None), memoryview(body), bytearray(len(body))
    yield "written to a socket, and read from it", least(lambda: (transport.write(answer), theirs.recv_into(scratch)))
    transport.close()
    theirs.close()


@click.command(help=__doc__.splitlines()[0])
def main() -> None:
    """Measure and print."""
    click.echo(describe())
    bodies = random_orders(UNCOUNTED + COUNTED)
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as server:
        commands = [enter_order(body, SANDBOX_ACCOUNT, server.exchange) for body in bodies]
        hops = [*way_in(server, post("/order", bodies[0])), *durable(commands, Path(name))]
        server.sequencer.stop()
        for hop, microseconds in [*hops, *way_out(server, commands)]:
            click.echo(f"{microseconds:9.2f}  {hop}")


if __name__ == "__main__":
    main()
