"""What clients are answered while a server starts and while it stops; and that it ends, whatever holds it up."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import queue
import random
import signal
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
import socketio

from api import stopping
from api.http.front.opening import StartProgress
from tests.attacks.raw import connect, request
from tests.ports import free_port
from tests.server import RunningServer, eventually

HELD_IMPORT = """
import os, sys, time
sys.argv[0] = "api/app.py"
sys.path.insert(0, ".")

class Held:
    def find_spec(self, name, *_):
        while name == "api.bootstrap" and not os.path.exists({go!r}):
            time.sleep(0.02)

sys.meta_path.insert(0, Held())
import api.app
api.app.main()
"""
SLOW = """
import os, sys, time
sys.argv[0] = "api/app.py"
sys.path.insert(0, ".")
import api.app, api.bootstrap, api.serving

ready = api.bootstrap.require_not_ahead

def held():  # as by a long replay: the thread of the event loop does nothing else
    time.sleep({start_s})
    while not os.path.exists({go!r}):
        time.sleep(0.02)

def slow(*arguments):
    held()
    return ready(*arguments)

api.bootstrap.require_not_ahead = slow
api.serving.ANSWER_GRACE_S = {grace_s}
{further}
api.app.main()
"""
DEADLINE_S = 20.0  # for an answer, on a busy machine: more is a hang
ENDS_S = 10.0  # five seconds, and a busy machine
DOCUMENTED = {200, 400, 404, 409, 422, 503}
IDLE = 1_000


class SlowServer(RunningServer):
    """One that takes its time to start and to stop."""

    def __init__(
        self, data: Path, *, start_s: float = 0.0, go: Path = Path(), grace_s: float = 0.3, further: str = ""
    ) -> None:
        """`go`: a file without which it does not go on with its start."""
        super().__init__(data)
        self.program = ("-c", SLOW.format(start_s=start_s, go=str(go), grace_s=grace_s, further=further))


Servers = Callable[..., SlowServer]


@pytest.fixture
def servers() -> Iterator[Servers]:
    """Makes servers, which are ended whatever becomes of the test."""
    with ExitStack() as ends:

        def make(data: Path, **further: Any) -> SlowServer:
            server = SlowServer(data, **further)
            ends.callback(server.kill)
            return server

        yield make


class Stream:
    """Requests of every kind, without an end; what was answered, and what was acknowledged."""

    def __init__(self, port: int, threads: int = 4) -> None:
        self.port = port
        self.statuses: Counter[int] = Counter()
        self.reasons: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.acknowledged: dict[str, str] = {}  # order id -> client order id
        self.hangs = 0
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Send no more."""
        self._ending.set()
        for thread in self._threads:
            thread.join(2 * DEADLINE_S)
            assert not thread.is_alive(), "a request hangs"

    def _run(self, number: int) -> None:
        rng, mine = random.Random(number), 0
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        while not self._ending.is_set():
            mine += 1
            kind = rng.choice(["enter", "enter", "amend", "cancel", "book", "orders", "order", "health", "trades"])
            method, path, body = self._request(kind, f"{os.getpid()}-{number}-{mine}", rng)
            try:
                connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
                response = connection.getresponse()
                self._note(kind, path, response, response.read())
            except TimeoutError:
                self.hangs += 1
                connection.close()
            except (http.client.HTTPException, OSError):  # it is away: nothing was promised
                connection.close()
                time.sleep(0.01)
        connection.close()

    def _request(self, kind: str, name: str, rng: random.Random) -> tuple[str, str, str | None]:
        order_id = rng.choice(list(self.acknowledged) or ["1"])
        if kind == "enter":
            side, price = rng.choice([("buy", "29990.00"), ("sell", "29990.00"), ("buy", "29000.00")])
            order = {"symbol": "BTC-USDT", "side": side, "order_type": "limit", "quantity": "0.001", "price": price}
            return "POST", "/order", json.dumps(order | {"client_order_id": name})
        if kind == "amend":
            return "PATCH", f"/order/{order_id}", json.dumps({"price": f"{rng.randint(28_000, 28_999)}.00"})
        if kind == "cancel":
            return "POST", "/cancel", json.dumps({"order_id": order_id})
        paths = {"book": "/book/BTC-USDT?levels=all", "orders": "/orders", "order": f"/order/{order_id}"}
        return "GET", paths.get(kind, "/health" if kind == "health" else "/trades/BTC-USDT?limit=100"), None

    def _note(self, kind: str, path: str, response: http.client.HTTPResponse, content: bytes) -> None:
        status, body = response.status, json.loads(content)
        self.statuses[status] += 1
        if status not in DOCUMENTED or (status == 503 and response.headers["Retry-After"] is None):
            self.wrong.append(f"{path}: {status} {content!r}")
        elif status == 503:
            self.reasons[body["details"].get("reason", body["error_code"])] += 1
        elif kind == "enter" and status == 200:
            self.acknowledged[body["order_id"]] = body["client_order_id"]


def exits_within(server: RunningServer, seconds: float = ENDS_S) -> None:
    """SIGTERM, and then it ends by itself, with status 0."""
    began = time.monotonic()
    assert server.stop() == 0, server.log
    assert time.monotonic() - began < seconds, server.log
    assert "Traceback" not in server.log


@pytest.mark.timeout(180)
def test_from_start_over_stop_to_the_next_start_every_answer_is_a_documented_one(
    tmp_path: Path, servers: Servers
) -> None:
    port = free_port()
    server = servers(tmp_path / "data", start_s=1.0)
    stream = Stream(port)
    for _ in range(2):
        before = len(stream.acknowledged)
        server.start(port)
        eventually(lambda before=before: len(stream.acknowledged) > before + 20)
        exits_within(server)
    stream.end()
    assert stream.wrong == []
    assert stream.hangs == 0
    assert stream.reasons["starting"] > 0
    server.start(port)
    missing = [order for order in stream.acknowledged if server.http.call("GET", f"/order/{order}").status != 200]
    assert missing == []
    server.stop()


@pytest.mark.timeout(120)
def test_while_it_starts_it_says_so_and_goes_on_with_connections_that_have_asked_nothing(
    tmp_path: Path, servers: Servers
) -> None:
    port, go = free_port(), tmp_path / "go"
    server = servers(tmp_path / "data", go=go)
    server.launch(port)
    eventually(lambda: answers_at(port))
    url = f"http://127.0.0.1:{port}"
    with (
        connect(url) as unused,
        connect(url) as half,
        connect(url) as asking,
        connect(url) as page,
        connect(url) as live,
        connect(url) as second_wire,
    ):
        half.send(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        asking.send(request("POST", "/order", headers={"Content-Type": "application/json"}, body=b"{}"))
        answer = asking.answer(DEADLINE_S)
        assert (answer.status, answer.closes, answer.headers["retry-after"]) == (503, True, "1")
        error = json.loads(answer.body)
        assert error["error_code"] == "NOT_ACCEPTING"
        assert error["details"] == {"why": "the exchange is starting", "reason": "starting"}
        page.send(request("GET", "/"))
        shown = page.answer(DEADLINE_S)
        assert (shown.status, shown.headers["retry-after"]) == (503, "1")
        assert "Openbell is starting" in shown.body.decode()
        second_wire.send(request("GET", "/api/v3/time"))
        refused = second_wire.answer(DEADLINE_S)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert json.loads(refused.body)["code"] == -1008
        live.send(request("GET", "/health/live"))
        assert live.answer(DEADLINE_S).status == 200
        go.touch()
        assert json.loads(half.answer(DEADLINE_S).body)["details"]["reason"] == "starting"
        unused.send(request("GET", "/health"))
        assert json.loads(unused.answer(DEADLINE_S).body)["accepting"] is True
    exits_within(server)


def answers_at(port: int) -> bool:
    """Whether somebody accepts there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.timeout(120)
def test_who_connects_while_the_server_is_imported_waits_and_is_answered(tmp_path: Path, servers: Servers) -> None:
    port, go = free_port(), tmp_path / "go"
    server = servers(tmp_path / "data")
    server.program = ("-c", HELD_IMPORT.format(go=str(go)))
    server.launch(port)
    eventually(lambda: answers_at(port))
    with connect(f"http://127.0.0.1:{port}") as early:
        early.send(request("GET", "/health/live"))
        go.touch()
        assert early.answer(DEADLINE_S).status == 200
    server.kill()


@pytest.mark.timeout(120)
def test_the_last_line_says_that_all_is_durable_up_to_where_and_what_the_state_is(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        server.http.enter("BTC-USDT", "buy", "0.001", "29000.00")
        found = server.http.get("/health?digest=true")
        exits_within(server)
        said = (
            f"stopped: all that was taken is durable and answered, seq {found['seq']}, state digest {found['digest']}"
        )
        assert server.log.splitlines()[-1].endswith(said)
        assert "alembic" not in server.log  # libraries say nothing of an ordinary start


@pytest.mark.timeout(120)
def test_a_start_that_fails_ends_with_its_message_though_somebody_was_answered(tmp_path: Path) -> None:
    port, go = free_port(), tmp_path / "go"
    server = SlowServer(
        tmp_path / "data",
        go=go,
        further="""
import listings.instruments_file
def fail(*_):
    held()
    raise listings.instruments_file.ListingError("this venue cannot be opened")
api.bootstrap.require_not_ahead = fail
""",
    )
    asked: list[int] = []

    def ask() -> None:
        eventually(lambda: answers_at(port))
        with connect(f"http://127.0.0.1:{port}") as connection:
            connection.send(request("GET", "/health"))
            asked.append(connection.answer(DEADLINE_S).status)
        go.touch()

    asking = threading.Thread(target=ask)
    asking.start()
    status, _ = server.fails_to_start(port)
    asking.join()
    assert (status, asked) == (1, [503])
    assert "this venue cannot be opened" in server.log
    assert "Traceback" not in server.log


@pytest.mark.timeout(120)
def test_while_it_stops_orders_are_refused_reads_are_answered_and_the_feed_is_told(tmp_path: Path) -> None:
    with SlowServer(tmp_path / "data", grace_s=3.0) as server:
        http_client, url = server.http, server.url
        http_client.enter("BTC-USDT", "buy", "0.001", "29000.00")

        async def scenario() -> None:
            client, venue, ended = socketio.AsyncClient(reconnection=False), asyncio.Event(), asyncio.Event()

            async def on_venue(state: dict[str, Any]) -> None:
                if not state["accepting"]:
                    venue.set()

            client.on("venue", on_venue, "/market")
            client.on("disconnect", lambda *_: ended.set(), "/market")
            await client.connect(url, namespaces=["/market"], transports=["websocket"])
            server.process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(venue.wait(), DEADLINE_S)
            refused = await asyncio.to_thread(enter_again)
            assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
            assert refused.json["details"] == {"why": "the exchange is stopping", "reason": "stopping"}
            read = await asyncio.to_thread(http_client.call, "GET", "/book/BTC-USDT")
            assert (read.status, read.json["bids"]) == (200, [["29000.00", "0.00100000"]])
            assert read.headers["Connection"] == "close"
            await asyncio.wait_for(ended.wait(), DEADLINE_S)
            await client.disconnect()

        def enter_again() -> Any:
            order = {"symbol": "BTC-USDT", "side": "buy", "order_type": "market", "quantity": "0.001"}
            return http_client.post("/order", order)

        asyncio.run(scenario())
        server.process.wait(ENDS_S)
        assert server.stop() == 0


def hold_nothing(_server: RunningServer) -> None:
    """Nothing more than the connections."""


def stop_the_historian(server: RunningServer) -> None:
    """It neither reads nor ends."""
    for child in server.process.children():
        child.send_signal(signal.SIGSTOP)


def lock_the_history(server: RunningServer) -> sqlite3.Connection:
    """Another program holds the history."""
    eventually(lambda: server.http.get("/health")["history"]["lag"] == 0)  # its file is there, and in order
    holding = sqlite3.connect(server.data / "history.sqlite", isolation_level=None)
    holding.execute("BEGIN EXCLUSIVE")
    return holding


@pytest.mark.timeout(120)
@pytest.mark.parametrize("hold", [hold_nothing, stop_the_historian, lock_the_history])
def test_it_ends_in_time_with_a_thousand_idle_connections_and_whatever_holds_it_up(
    tmp_path: Path, hold: Callable[[RunningServer], object]
) -> None:
    with RunningServer(tmp_path / "data") as server:
        for _ in range(20):
            server.http.enter("BTC-USDT", "buy", "0.001", "29000.00")
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(IDLE)]
        with connect(server.url) as slow, connect(server.url) as half:
            slow.send(request("GET", "/static/page.js") * 40)  # and reads none of it
            half.send(b"POST /order HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
            eventually(lambda: server.http.get("/health")["history"]["lag"] == 0)
            children = server.process.children()
            held = hold(server)
            server.http.enter("BTC-USDT", "buy", "0.001", "29000.00")
            exits_within(server)
        for each in idle:
            each.close()
        if isinstance(held, sqlite3.Connection):
            held.close()
        psutil.wait_procs(children, ENDS_S)
        assert [child for child in children if child.is_running()] == []
        server.start()
        assert server.http.get("/book/BTC-USDT")["bid_orders"] == [21]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_at_once(tmp_path: Path, servers: Servers, number: signal.Signals) -> None:
    server = servers(tmp_path / "data", grace_s=4.0)
    server.start()
    process = server.process
    process.send_signal(number)
    eventually(lambda: "stopping" in server.log)
    assert process.is_running()
    assert server.stop(number) == -number


@pytest.mark.timeout(120)
def test_a_journal_that_does_not_end_is_not_waited_for_either_and_the_status_says_so(
    tmp_path: Path, servers: Servers
) -> None:
    hang = "api.bootstrap.Sequencer.stop = lambda *_: time.sleep(3600)"
    server = servers(tmp_path / "data", further=hang)
    server.start()
    assert server.stop() == 75
    assert "what was not answered is uncertain" in server.log


@pytest.mark.timeout(120)
def test_what_is_waited_for_in_vain_is_named(tmp_path: Path, servers: Servers) -> None:
    server = servers(tmp_path / "data", further="api.bootstrap.ClockWatch.close = lambda *_: time.sleep(3600)")
    server.start()
    assert server.stop() == 0
    assert "without waiting for ClockWatch any longer: all that was taken is in the journal" in server.log


def test_how_far_the_replay_is_comes_in_percent() -> None:
    progress = StartProgress()
    assert progress.percent is None
    progress.note(0, 0)
    assert progress.percent is None
    progress.note(1_999, 4_000)
    assert progress.percent == 49


@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_ends_a_start_at_once(tmp_path: Path, servers: Servers, number: signal.Signals) -> None:
    port = free_port()
    server = servers(tmp_path / "data", start_s=60.0)
    server.launch(port)
    eventually(lambda: answers_at(port))
    assert server.stop(number) == -number
    assert "Aborted" not in server.log


def test_the_time_to_stop_counts_from_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    left: queue.Queue[int] = queue.Queue()
    monkeypatch.setattr(stopping, "leave", left.put)
    monkeypatch.setattr(stopping, "STOP_S", 3_600.0)
    stopping.StopDeadline(time.monotonic() - 3_600.0)
    assert left.get(timeout=DEADLINE_S) == 75
