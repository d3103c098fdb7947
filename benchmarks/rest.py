"""REST orders a second and their latency, durable, against a bare Flask handler in the same run.

`python -m benchmarks.rest`: starts the real server on a temporary data folder and, beside it
in turn, a Flask + eventlet application that answers a constant of the same size; loads
both with the same generator, closed loop (each connection asks again when answered) and
open loop (a fixed schedule; latency counts from the intended time), and prints the figures
and their ratios. The generator is a process of its own and shares the machine's cores.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import psutil
from hdrh.histogram import HdrHistogram

from benchmarks.machine import describe
from tools.openloop import keeps_rate

ROOT = Path(__file__).resolve().parent.parent
_DECIMALS = {"rate": 0, "p50": 2, "p99": 2, "p99.9": 2, "cpu_us": 0, "not_200": 0, "5xx": 0}
BARE = """
import sys, warnings
warnings.filterwarnings("ignore")
import eventlet, eventlet.wsgi, socket
from flask import Flask, Response, request
app = Flask("bare")
ANSWER = b'{"x": "' + b"y" * 700 + b'"}'
@app.post("/order")
def order():
    request.get_data()
    return Response(ANSWER, mimetype="application/json")
listener = eventlet.listen(("127.0.0.1", 0), reuse_port=False)
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
eventlet.wsgi.server(listener, app, log_output=False)
"""


class Connection(asyncio.Protocol):
    """One keep-alive connection that sends prepared requests and reads whole answers."""

    def __init__(self) -> None:
        self.buffer = b""
        self.answered: asyncio.Future[int] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        length = int(lower[at:].split(b"\r\n", 1)[0])
        if len(body) >= length and self.answered is not None:
            self.buffer = b""
            self.answered.set_result(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(exc or ConnectionResetError("closed by the server"))

    async def ask(self, request: bytes) -> int:
        """Send one request; return the status of its answer."""
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)  # type: ignore[union-attr]
        return await self.answered


def requests(count: int, seed: int) -> list[bytes]:
    """Orders around one price, about half of which trade."""
    rng = random.Random(seed)
    prepared = []
    for _ in range(count):
        side = rng.choice(("buy", "sell"))
        price = 30000 + rng.randint(-10, 10)
        kind = rng.choice(("limit", "limit", "limit", "ioc"))
        body = (
            f'{{"symbol":"BTC-USDT","side":"{side}","order_type":"{kind}",'
            f'"quantity":"0.{rng.randint(1, 9)}","price":"{price}.00"}}'
        ).encode()
        head = "POST /order HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        prepared.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return prepared


async def connect(port: int, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)]
    return [protocol for _, protocol in made]


async def closed_loop(port: int, connections: int, seconds: float) -> dict[str, float]:
    """Each connection asks again as soon as it is answered."""
    histogram, prepared = HdrHistogram(1, 60_000_000, 3), requests(5000, 1)
    statuses: dict[int, int] = {}
    end = time.perf_counter() + seconds

    async def worker(connection: Connection, at: int) -> None:
        while (started := time.perf_counter()) < end:
            status = await connection.ask(prepared[at % len(prepared)])
            at += 1
            histogram.record_value(max(1, int((time.perf_counter() - started) * 1e6)))
            statuses[status] = statuses.get(status, 0) + 1

    pool = await connect(port, connections)
    started = time.perf_counter()
    await asyncio.gather(*(worker(connection, i * 97) for i, connection in enumerate(pool)))
    return figures(histogram, statuses, time.perf_counter() - started)


async def open_loop(port: int, connections: int, seconds: float, rate: float) -> dict[str, float]:
    """Requests leave on a fixed schedule; latency counts from when each was due."""
    histogram, prepared = HdrHistogram(1, 60_000_000, 3), requests(5000, 2)
    statuses: dict[int, int] = {}
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in await connect(port, connections):
        free.put_nowait(connection)

    async def send(due: float, at: int) -> None:
        connection = await free.get()
        status = await connection.ask(prepared[at % len(prepared)])
        free.put_nowait(connection)
        histogram.record_value(max(1, int((time.perf_counter() - due) * 1e6)))
        statuses[status] = statuses.get(status, 0) + 1

    started, tasks = time.perf_counter(), []
    for at in range(int(rate * seconds)):
        due = started + at / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(send(due, at)))
    await asyncio.gather(*tasks)
    took = time.perf_counter() - started
    return figures(histogram, statuses, took) | {"not_kept": 0 if keeps_rate(seconds, took) else 1}


def figures(histogram: HdrHistogram, statuses: dict[int, int], seconds: float) -> dict[str, float]:
    return {
        "count": histogram.get_total_count(),
        "rate": histogram.get_total_count() / seconds,
        "seconds": seconds,  # until the last answer
        "p50": histogram.get_value_at_percentile(50) / 1000,
        "p99": histogram.get_value_at_percentile(99) / 1000,
        "p99.9": histogram.get_value_at_percentile(99.9) / 1000,
        "not_200": sum(count for status, count in statuses.items() if status != 200),
        "5xx": sum(count for status, count in statuses.items() if status >= 500),
    }


def measure(server: psutil.Process, coroutine: str, *arguments: object) -> dict[str, float]:
    """Run a generator in a process of its own; add what each request cost the server's processor."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        before = server.cpu_times()
        row = pool.apply(_run, (coroutine, arguments))
        after = server.cpu_times()
    row["cpu_us"] = (after.user + after.system - before.user - before.system) * 1e6 / row["count"]
    return row


def _run(coroutine: str, arguments: tuple[object, ...]) -> dict[str, float]:
    return asyncio.run(globals()[coroutine](*arguments))


def start(arguments: list[str]) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    line = process.stdout.readline() if process.stdout else ""
    return process, int(line.split("127.0.0.1:")[1].split()[0])


@click.command()
@click.option("--seconds", default=5.0, show_default=True, help="Of each measurement.")
@click.option("--connections", default=32, show_default=True, help="Kept open by the generator.")
@click.option(
    "--rates", multiple=True, default=(500, 1000, 2000), show_default=True, help="Of the open loop, a second."
)
def main(seconds: float, connections: int, rates: tuple[int, ...]) -> None:
    """Measure durable orders over REST against a bare Flask handler.

    Ends with status 1 when an open loop did not keep its rate: its last answer came more than 5 percent of the
    planned time and half a second late.
    """
    print(describe())
    with tempfile.TemporaryDirectory() as data:
        servers = {
            "bare Flask": [sys.executable, "-c", BARE],
            "Openbell": [sys.executable, "api/app.py", "--port", "0", "--data", data],
        }
        rows: dict[tuple[str, str], dict[str, float]] = {}
        for name, command in servers.items():
            process, port = start(command)
            server = psutil.Process(process.pid)
            try:
                measure(server, "closed_loop", port, connections, 1.0)  # warm up
                rows[name, "closed, 1 connection"] = measure(server, "closed_loop", port, 1, seconds)
                many = f"closed, {connections} connections"
                rows[name, many] = measure(server, "closed_loop", port, connections, seconds)
                for rate in rates:
                    rows[name, f"open, {rate}/s"] = measure(server, "open_loop", port, 200, seconds, float(rate))
            finally:
                process.terminate()
                process.wait(30)
    lost = [f"{name}, {what}" for (name, what), row in rows.items() if row.get("not_kept")]
    for run in lost:
        print(f"RATE NOT KEPT: {run}: the figures are of the rate in the first column")
    columns = ("rate", "p50", "p99", "p99.9", "cpu_us", "not_200", "5xx")
    print(f"{'':38}" + "".join(f"{column:>9}" for column in columns) + "   (latency in ms)")
    for (name, what), row in rows.items():
        print(f"{name + ', ' + what:38}" + "".join(f"{row[column]:9.{_DECIMALS[column]}f}" for column in columns))
    print("\nOpenbell / bare Flask")
    for (name, what), row in rows.items():
        if name == "Openbell":
            ratios = "".join(
                f"{row[c] / rows['bare Flask', what][c]:9.2f}" for c in ("rate", "p50", "p99", "p99.9", "cpu_us")
            )
            print(f"{what:38}{ratios}")
    if lost:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
