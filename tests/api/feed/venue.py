"""A real server in a process of its own, and plain HTTP to it."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

ROOT = Path(__file__).parents[3]
URL_LINE = re.compile(r"http://127\.0\.0\.1:(\d+)")
STOP_S = 30


class Venue:
    """`python api/app.py` on a free port, for as long as its context lasts."""

    def __init__(self, data: Path, *options: str) -> None:
        self._command = [sys.executable, "api/app.py", "--port", "0", "--data", str(data), *options]
        self._log = data.with_suffix(".log")
        self.port = 0

    def __enter__(self) -> Venue:
        with self._log.open("w") as errors:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        found = URL_LINE.search(line)
        if found is None:
            self._process.kill()
            raise RuntimeError(f"the server did not come up: {self.log()}")
        self.port = int(found[1])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        finally:
            self._process.kill()
            if self._process.stdout:
                self._process.stdout.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self._process.pid)

    def log(self) -> str:
        """What it has written to its log."""
        return self._log.read_text()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The JSON answer to one request, whatever its status."""
        return self.answer(method, path, body)[1]

    def answer(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Any:
        """Status and JSON answer of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers or {})
            response = connection.getresponse()
            text = response.read().decode()
            try:
                return response.status, json.loads(text)
            except ValueError:
                return response.status, text
        finally:
            connection.close()

    def order(self, symbol: str, side: str, quantity: str, price: str | None = None, **further: Any) -> Any:
        """Enter one order, by default a limit order; return the answer, which must be 200."""
        body = {"symbol": symbol, "side": side, "order_type": "limit", "quantity": quantity, "price": price, **further}
        status, answer = self.answer("POST", "/order", {k: v for k, v in body.items() if v is not None})
        assert status == 200, answer
        return answer

    def clear(self, symbol: str) -> None:
        """Cancel everything in one symbol."""
        self.ask("DELETE", f"/orders?symbol={symbol}")
