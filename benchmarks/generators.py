"""What loads a server: as fast as it answers (closed loop), or on a schedule (open loop). Every answer is looked at.

The generators share the machine's cores with the server, so the cheapest is used: for closed loops Debian's `wrk` where
it is installed, which takes a tenth of what the one here takes. Beside `wrk`, which counts statuses alone, one more
connection asks now and then and parses what it gets. An answer that is no 200, or without an order id, is an
AssertionError: figures of refusals are worth nothing.
"""

from __future__ import annotations

import multiprocessing
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.websocket import NAMESPACE, frame, packets, upgrade
from tools.openloop import keeps_rate

LUA = Path(__file__).with_name("orders.lua")
WARM_UP_S = 0.5
SAMPLE_EVERY_S = 0.05
SAMPLES = 400  # requests kept for the connection that parses
ANSWER_S = 30.0
OPEN_CONNECTIONS = 300


class Load(NamedTuple):
    """What one run came to. Times in milliseconds."""

    counted: int  # answers behind the warm-up
    asked: int  # of all answers, warm-up included
    seconds: float  # that `counted` took
    p50: float
    p99: float
    p999: float
    kept: bool = True  # an open loop: the rate was kept

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.counted / self.seconds


def generator() -> str:
    """A sentence for people: what loads the closed loops."""
    return (
        f"Closed loops are loaded by {'wrk' if shutil.which('wrk') else 'the generator of benchmarks/generators.py'}."
    )


def percentile(ordered: list[float], share: float) -> float:
    """The value that `share` of a hundred do not exceed, of an ascending list; 0 of an empty one."""
    if not ordered:
        return 0.0
    return ordered[max(0, -int(-len(ordered) * share // 100) - 1)]


def load_of(times_ms: list[float], asked: int, seconds: float, kept: bool = True) -> Load:
    """The figures of these latencies."""
    ordered = sorted(times_ms)
    p50, p99, p999 = (percentile(ordered, share) for share in (50, 99, 99.9))
    return Load(len(ordered), asked, seconds, p50, p99, p999, kept)


def check_order(answer: bytes) -> None:
    """Raise AssertionError for an answer that is no accepted order."""
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:600]
    assert b'"order_id"' in answer, answer[:600]


def check_batch(answer: bytes) -> None:
    """Raise AssertionError for an answer in which an element was refused."""
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:600]
    results = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])["results"]
    refused = [result for result in results if result["status"] != 200 or not result["body"]["order_id"]]
    assert results, "a batch was answered with no results"
    assert not refused, refused[:2]


def check_success(answer: bytes) -> None:
    """Raise AssertionError for any answer but a 200."""
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:600]


def is_whole(answer: bytes | bytearray) -> bool:
    """Whether head and body are here. Raises IndexError for an answer without a Content-Length."""
    at = answer.find(b"\r\n\r\n")
    if at < 0:
        return False
    length = int(answer[:at].lower().split(b"content-length:")[1].split(b"\r\n")[0])
    return len(answer) >= at + 4 + length


def closed_loop(
    port: int,
    prepared: list[bytes],
    connections: int,
    seconds: int,
    check: Callable[[bytes], None] = check_order,
    sample_every_s: float = SAMPLE_EVERY_S,
) -> Load:
    """Each connection asks again as soon as it is answered, with `prepared` in turn."""
    if not shutil.which("wrk"):
        return in_process(_closed_loop, port, prepared, connections, seconds, check)
    asked, sampled = prepared[:-SAMPLES] or prepared, prepared[-SAMPLES:]
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(b"%08d" % len(request) + request for request in asked))
        file.flush()
        command = f"wrk -t1 -c{connections} -d{seconds}s --timeout {ANSWER_S:.0f}s -s {LUA} http://127.0.0.1:{port} --"
        with Sampler(port, sampled, check, sample_every_s) as sampler:
            report = subprocess.run([*command.split(), file.name], check=True, capture_output=True, text=True).stdout
    load = read_report(report)
    assert sampler.count, "no answer was parsed"
    return load._replace(asked=load.asked + sampler.count)


def read_report(report: str) -> Load:
    """The figures that `orders.lua` printed. Raises AssertionError when requests failed or were refused."""
    figures = report.partition("\nFIGURES ")[2].split()
    assert figures, report
    count, took_us, failed, refused, p50_us, p99_us, p999_us = map(int, figures[:7])
    assert not failed, f"{failed} requests failed:\n{report}"
    assert not refused, f"{refused} requests were refused:\n{report}"
    assert count, report
    return Load(count, count, took_us / 1e6, p50_us / 1e3, p99_us / 1e3, p999_us / 1e3)


class Sampler:
    """Beside `wrk`: one connection that asks at times and checks the whole answer. A context manager, which raises."""

    def __init__(self, port: int, prepared: list[bytes], check: Callable[[bytes], None], every_s: float) -> None:
        self.count = 0
        self._port = port
        self._prepared = prepared
        self._check = check
        self._every_s = every_s
        self._stopped = threading.Event()
        self._failure: Exception | AssertionError | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            with socket.create_connection(("127.0.0.1", self._port), ANSWER_S) as sock:
                for request in self._prepared:
                    if self._stopped.wait(self._every_s):
                        return
                    sock.sendall(request)
                    answer = bytearray()
                    while not is_whole(answer):
                        answer += sock.recv(1_048_576) or _closed(answer)
                    self._check(bytes(answer))
                    self.count += 1
        except Exception as failure:
            self._failure = failure


def _closed(answer: bytearray) -> bytes:
    raise ConnectionResetError(f"closed in the middle of an answer: {bytes(answer[:200])!r}")


def in_process(function: Callable[..., Load], *arguments: object) -> Load:
    """Run a generator in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


@contextmanager
def _connections(port: int, number: int) -> Iterator[tuple[select.epoll, list[socket.socket]]]:
    """So many, and what waits for what comes on any of them."""
    with ExitStack() as stack:
        poll, socks = stack.enter_context(select.epoll()), []
        for _ in range(number):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), ANSWER_S))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(sock, select.EPOLLIN)
            socks.append(sock)
        yield poll, socks


def _closed_loop(
    port: int, prepared: list[bytes], connections: int, seconds: float, check: Callable[[bytes], None]
) -> Load:
    upcoming = cycle(prepared)
    waiting: dict[int, tuple[socket.socket, bytearray, float]] = {}

    def ask(sock: socket.socket) -> None:
        sock.sendall(next(upcoming))
        waiting[sock.fileno()] = (sock, bytearray(), time.perf_counter())

    with _connections(port, connections) as (poll, socks):
        for sock in socks:
            ask(sock)
        times: list[float] = []
        answered = 0
        began = time.perf_counter()
        end = began + WARM_UP_S + seconds
        while (now := time.perf_counter()) < end:
            for descriptor, _ in poll.poll(end - now):
                sock, answer, asked = waiting[descriptor]
                answer += sock.recv(262_144) or _closed(answer)
                if not is_whole(answer):
                    continue
                check(bytes(answer))
                answered += 1
                if asked - began >= WARM_UP_S:
                    times.append((time.perf_counter() - asked) * 1000)
                ask(sock)
    return load_of(times, answered, seconds)


def open_loop(port: int, prepared: list[bytes], rate: float, seconds: float) -> Load:
    """Requests leave on a schedule, in a process of their own; latency counts from when each was due."""
    return in_process(scheduled, port, prepared, rate, seconds)


def scheduled(
    port: int,
    prepared: list[bytes],
    rate: float,
    seconds: float,
    windows: Pipe | None = None,
    window_s: float = 0.0,
    connections: int = OPEN_CONNECTIONS,
) -> Load:
    """As `open_loop`, in this process. With a pipe the figures of each `window_s` are sent there and then forgotten.

    The first `WARM_UP_S` are not counted. A request that is due while every connection waits for an answer leaves
    later, and its latency says so.
    """
    with _connections(port, connections) as (poll, opened):
        socks = {sock.fileno(): sock for sock in opened}
        free = deque(socks)
        due_of: dict[int, float] = {}
        partial: dict[int, bytes] = {}
        times: list[float] = []
        total, number, answered = int(rate * (WARM_UP_S + seconds)), 0, 0
        start = last = time.perf_counter() + 0.05
        counted_from, window_end = start + WARM_UP_S, start + WARM_UP_S + window_s
        deadline = start + WARM_UP_S + seconds + ANSWER_S
        while answered < total:
            now = time.perf_counter()
            assert now < deadline, f"{total - answered} of {total} requests were not answered"
            while free and number < total and (due := start + number / rate) <= now:
                descriptor = free.popleft()
                socks[descriptor].sendall(prepared[number % len(prepared)])
                due_of[descriptor] = due
                number += 1
            if windows is not None and now >= window_end:
                windows.send(load_of(times, answered, window_s))
                times.clear()
                window_end += window_s
            wait = start + number / rate - now if free and number < total else 0.5
            select.select((poll,), (), (), max(0.0, wait))  # to the microsecond, which epoll's own timeout is not
            for descriptor, _ in poll.poll(0):
                answer = partial.pop(descriptor, b"") + (socks[descriptor].recv(262_144) or _closed(bytearray()))
                if not is_whole(answer):
                    partial[descriptor] = answer
                    continue
                check_order(answer)
                last, due = time.perf_counter(), due_of.pop(descriptor)
                if due >= counted_from:
                    times.append((last - due) * 1000)
                free.append(descriptor)
                answered += 1
    return load_of(times, answered, seconds, keeps_rate(WARM_UP_S + seconds, last - start))


def socket_io_orders(port: int, bodies: list[bytes], clients: int, outstanding: int, seconds: float) -> Load:
    """Orders over Socket.IO, acknowledged: each client has so many on their way, and sends the next for each answer."""
    return in_process(_socket_io_orders, port, bodies, clients, outstanding, seconds)


def _socket_io_orders(port: int, bodies: list[bytes], clients: int, outstanding: int, seconds: float) -> Load:
    prefix = f"42{NAMESPACE},".encode()
    frames = [frame(b'%s%d["order",%s]' % (prefix, number, body)) for number, body in enumerate(bodies)]
    acknowledged = f"43{NAMESPACE},".encode()
    upcoming = cycle(range(len(frames)))
    with _connections(port, clients) as (poll, opened):
        socks = {sock.fileno(): (sock, bytearray()) for sock in opened}
        for sock, buffer in socks.values():
            _join(sock, buffer, port)
        sent_at: dict[tuple[int, bytes], float] = {}

        def ask(descriptor: int, count: int) -> None:
            numbers = [next(upcoming) for _ in range(count)]
            now = time.perf_counter()
            for number in numbers:
                sent_at[descriptor, b"%d" % number] = now
            socks[descriptor][0].sendall(b"".join([frames[number] for number in numbers]))

        for descriptor in socks:
            ask(descriptor, outstanding)
        times: list[float] = []
        answered = 0
        began = time.perf_counter()
        end = began + WARM_UP_S + seconds
        while (now := time.perf_counter()) < end:
            for descriptor, _ in poll.poll(end - now):
                sock, buffer = socks[descriptor]
                buffer += sock.recv(262_144) or _closed(buffer)
                done = 0
                for packet in packets(buffer):
                    if packet == b"2":
                        sock.sendall(frame(b"3"))
                    if not packet.startswith(acknowledged):
                        continue
                    assert b'"order_id"' in packet, packet[:600]
                    assert b'"error_code"' not in packet, packet[:600]
                    asked = sent_at.pop((descriptor, packet[len(acknowledged) : packet.index(b"[")]))
                    if asked - began >= WARM_UP_S:
                        times.append((time.perf_counter() - asked) * 1000)
                    done += 1
                if done:
                    answered += done
                    ask(descriptor, done)
    return load_of(times, answered, seconds)


def _join(sock: socket.socket, buffer: bytearray, port: int) -> None:
    """Open the namespace over a new connection; return when the server said so."""
    sock.sendall(upgrade(port))
    while True:
        buffer += sock.recv(65_536) or _closed(buffer)
        for packet in packets(buffer):
            if packet.startswith(b"0"):
                sock.sendall(frame(f"40{NAMESPACE},".encode()))
            elif packet.startswith(f"40{NAMESPACE},".encode()):
                return
