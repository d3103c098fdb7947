"""The one way to start a server in the tests: a process of its own, and a client that says exactly what it gets.

Who does not need a server alone takes one of the fixtures in `tests/conftest.py`.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import msgspec
import psutil

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
URL_LINE = re.compile(r"https?://\S+:\d+")
ANSWER_S = 30
IDLE_S = 5  # the server closes connections that idle long, so an older one is opened anew
END_S = 60  # for it to end, on a busy machine
ERROR_KEYS = {"error", "error_code", "details", "request_id"}
INTERNAL = re.compile(
    r"Traceback|File \"|\.py\b|<class|object at 0x|Error\b|Exception|msgspec|sqlite|werkzeug|eventlet"
)


class Answer(NamedTuple):
    """One HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def json(self) -> Any:
        """The body, which must be one line of JSON."""
        assert self.content.splitlines(keepends=True) == [self.content.rstrip(b"\n") + b"\n"], self.content
        return msgspec.json.decode(self.content)

    def granted(self) -> Any:
        """The body of a 200; anything else fails the test with what was said instead."""
        assert self.status == 200, (self.status, self.content)
        assert self.headers["Content-Type"] == "application/json"
        return self.json

    def refused(self, status: int, code: str) -> dict[str, Any]:
        """The body of a refusal with this status and code, in the one error shape."""
        assert (self.status, self.error()["error_code"]) == (status, code), self.content
        return self.error()

    def error(self) -> dict[str, Any]:
        """The body, which must be of the error shape and tell nothing of what is inside the server."""
        assert self.headers["Content-Type"] == "application/json", self.content
        body: dict[str, Any] = self.json
        assert body.keys() == ERROR_KEYS, body
        assert re.fullmatch(r"[A-Z][A-Z_]+", body["error_code"]), body
        assert re.fullmatch(r"[0-9a-f]{16}", body["request_id"]), body
        assert isinstance(body["details"], dict), body
        assert re.fullmatch(r"\S.+[.?]", body["error"], re.DOTALL), body
        return body


class Http:
    """Requests to one server over one connection that is kept alive, from any address of loopback."""

    def __init__(self, url: str, source: str = "127.0.0.1") -> None:
        self.url = url
        self._address = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(self._address, timeout=ANSWER_S, source_address=(source, 0))
        self._used_at = time.monotonic()

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """Send one request, `body` as it is when it is bytes and as JSON otherwise."""
        content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        connection = self._connection
        if time.monotonic() - self._used_at > IDLE_S:
            connection.close()
        self._used_at = time.monotonic()
        try:
            connection.request(method, path, content, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except BaseException:
            connection.close()  # the next request opens it again
            raise

    def send(self, method: str, path: str, headers: dict[str, str] | None = None) -> None:
        """Send a request without a body, whose answer is to be `received`."""
        self._connection.request(method, path, None, headers or {})

    def received(self) -> Answer:
        """The answer to what was sent."""
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def get(self, path: str) -> Any:
        """The body of a GET that is granted."""
        return self.call("GET", path).granted()

    def post(self, path: str, body: Any) -> Answer:
        """Send a POST."""
        return self.call("POST", path, body)

    def enter(self, symbol: str, side: str, quantity: str, price: str | None = None, **further: Any) -> Any:
        """Enter an order that is accepted: a limit order with a price, a market order without."""
        body = {"symbol": symbol, "side": side, "order_type": "limit" if price else "market", "quantity": quantity}
        if price is not None:
            body["price"] = price
        return self.post("/order", body | further).granted()

    def depth(self, symbol: str) -> tuple[list[list[Any]], list[list[Any]]]:
        """All bids and asks, best first: price, quantity, and how many orders."""
        book = self.get(f"/book/{symbol}?levels=all")
        return counted(book, "bids"), counted(book, "asks")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class RunningServer:
    """`python api/app.py` on a data folder. A context manager: it is stopped at the end, whatever happened.

    It can be stopped, killed and started again: the folder, the options and the log stay.
    """

    program: tuple[str, ...] = ("api/app.py",)
    before: tuple[str, ...] = ()  # words before its command: of a program that becomes this one

    def __init__(self, data: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.data = data
        self.options = list(options)
        self.url = ""
        self.port = 0
        self.http = Http("http://127.0.0.1:1")
        self._environment = environment or {}
        self._process: subprocess.Popen[str] | None = None
        self._log_path = data.with_name(f"{data.name}.log")
        self._log_from = self._log_path.stat().st_size if self._log_path.exists() else 0  # behind another server's

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """All it has logged so far."""
        return self._log_path.read_bytes()[self._log_from :].decode()

    @property
    def process(self) -> psutil.Process:
        """The process that runs now: its memory, its limits."""
        return psutil.Process(self._started().pid)

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def has_ended(self) -> bool:
        """Whether its process ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def start(self, port: int = 0) -> None:
        """Start it, by default on a free port, and return when it takes orders."""
        self.launch(port)
        output = self._started().stdout
        found = URL_LINE.search(output.readline() if output else "")
        if found is None:
            self.stop()
            raise AssertionError(f"the server did not come up: {self.log}")
        self.url = found.group()
        self.port = urlsplit(self.url).port or 0
        self.http = Http(self.url)

    def launch(self, port: int = 0) -> None:
        """Start its process, and return at once."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("a") as log:
            self._process = subprocess.Popen(
                [
                    *self.before,
                    sys.executable,
                    *self.program,
                    "--port",
                    str(port or free_port()),
                    "--data",
                    str(self.data),
                    *self.options,
                ],
                cwd=ROOT,
                env=environment(self._environment),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def fails_to_start(self, port: int = 0) -> tuple[int, str]:
        """Start it where it has to end by itself: its exit status and what it printed. What it says is in the log."""
        self.launch(port)
        process = self._started()
        self._process = None
        try:
            printed, _ = process.communicate(timeout=END_S)
        finally:
            process.kill()
        return process.returncode, printed

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; return its exit status. Does nothing when it was stopped already."""
        process, self._process = self._process, None
        self.http.close()
        if process is None:
            return 0
        process.send_signal(how)
        try:
            status = process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            if process.stdout:
                process.stdout.close()
        return status

    def kill(self) -> None:
        """`kill -9`: nothing is flushed, closed or answered any more."""
        self.stop(signal.SIGKILL)

    def kill_all(self) -> None:
        """`kill -9`, and return when its historian, which follows by itself, has let go of the folder."""
        children = self.process.children(recursive=True)
        self.kill()
        _, alive = psutil.wait_procs(children, END_S)
        assert not alive, alive

    def restart(self) -> None:
        """Stop it as an operator would, and start it again on the same folder."""
        assert self.stop() == 0, self.log
        self.start()

    def limit_files(self, bytes_max: int) -> None:
        """From now on no file of the process can grow beyond `bytes_max`: to it, the disk is full."""
        self.process.rlimit(psutil.RLIMIT_FSIZE, (bytes_max, psutil.RLIM_INFINITY))

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process


def counted(book: dict[str, Any], side: str) -> list[list[Any]]:
    """The levels of one side of a book as the API shows it, each with its count of orders."""
    levels, counts = book[side], book[{"bids": "bid_orders", "asks": "ask_orders"}[side]]
    return [[*level, orders] for level, orders in zip(levels, counts, strict=True)]


def command(*arguments: str) -> list[str]:
    """The command line that starts a server."""
    return [sys.executable, "api/app.py", *arguments]


def environment(further: dict[str, str]) -> dict[str, str]:
    """Our environment without settings of a server, and with `further`. Bytecode is kept, so that starts are faster."""
    unwanted = "PYTHONDONTWRITEBYTECODE"
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("OPENBELL_", unwanted))}
    return ours | further


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for loopback, signed by itself, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    name = "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [*request.split(), *name.split(), "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return cert, key


def eventually(condition: Any, within_s: float = 30) -> None:
    """Wait until `condition()` is true; fail the test when it does not become so."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not become so"
        time.sleep(0.02)
