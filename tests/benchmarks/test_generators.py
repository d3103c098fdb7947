"""The generators refuse to give figures of what was refused, and count a latency from when a request was due."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.generators import (
    Load,
    Sampler,
    check_batch,
    check_order,
    is_whole,
    percentile,
    read_report,
    scheduled,
)
from benchmarks.orders import post

ORDER = b'{"order_id":"1"}\n'


class Answers(ThreadingHTTPServer):
    """Answers every POST with one body and one status, and stalls once for `stall_s` in the middle."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, status: int = 200, body: bytes = ORDER, stall_s: float = 0.0) -> None:
        self.status, self.body, self.stall_s, self.asked, self.lock = status, body, stall_s, 0, threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one piece

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Answers)
        self.rfile.read(int(self.headers["Content-Length"]))
        with server.lock:
            server.asked += 1
            if server.asked == 50:
                time.sleep(server.stall_s)
        self.send_response(server.status)
        self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, format: str, *args: object) -> None:
        """Be silent."""


@contextmanager
def answering(server: Answers) -> Iterator[int]:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def test_a_stall_is_in_the_latency_of_every_request_that_was_due_meanwhile() -> None:
    with answering(Answers(stall_s=0.5)) as port:
        load = scheduled(port, [post("/order", b"{}")], 50.0, 2.0, connections=1)
    assert load.asked == 125
    assert load.counted == 100  # without those of the warm-up
    assert load.p99 > 250  # counted from when it was sent, only one of the hundred would have been late


def test_an_answer_that_is_no_200_ends_an_open_loop() -> None:
    with answering(Answers(status=400)) as port, pytest.raises(AssertionError, match=r"HTTP/1\.1 400"):
        scheduled(port, [post("/order", b"{}")], 50.0, 1.0)


def test_an_answer_without_an_order_id_fails_the_run_that_it_was_sampled_in() -> None:
    def sampled() -> None:
        with Sampler(port, [post("/order", b"{}")] * 3, check_order, 0.01):
            time.sleep(0.5)

    with answering(Answers(body=b"{}\n")) as port, pytest.raises(AssertionError):
        sampled()


def test_the_figures_of_wrk_are_read_in_their_units() -> None:
    report = "Running 2s test\n\nFIGURES 4000 2000000 0 0 1500 20000 31000\n"
    assert read_report(report) == Load(4000, 4000, 2.0, 1.5, 20.0, 31.0)
    assert read_report(report).rate == 2000


@pytest.mark.parametrize(
    "report",
    [
        "Running 2s test\n",
        "\nFIGURES 4000 2000000 1 0 1500 20000 31000\n",
        "\nFIGURES 4000 2000000 0 1 1500 20000 31000\n",
        "\nFIGURES 0 2000000 0 0 0 0 0\n",
    ],
    ids=["nothing", "failed", "refused", "none"],
)
def test_a_report_of_failures_gives_no_figures(report: str) -> None:
    with pytest.raises(AssertionError):
        read_report(report)


def test_a_batch_with_one_refused_element_is_refused() -> None:
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    good = b'{"status":200,"body":{"order_id":"1"}}'
    check_batch(head + b'{"results":[' + good + b"]}")
    for results in (b"", good + b',{"status":400,"body":{"error":"no"}}'):
        with pytest.raises(AssertionError):
            check_batch(head + b'{"results":[' + results + b"]}")


def test_an_answer_is_whole_with_its_last_byte() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345"
    assert is_whole(answer)
    assert not any(is_whole(answer[:end]) for end in range(len(answer)))


@pytest.mark.parametrize(("share", "expected"), [(50, 50.0), (99, 99.0), (99.9, 100.0), (100, 100.0), (0.1, 1.0)])
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(1, 101)], share) == expected
    assert percentile([], share) == 0
