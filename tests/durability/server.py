"""The real server as a process of its own, on a data folder, to be killed and started again."""

from __future__ import annotations

import http.client
import json
import re
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0  # for one answer, or for the process to end, on a busy machine
_URL = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Answer:
    """Status and parsed body of one answer that arrived whole."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body


class Client:
    """One kept-alive connection. Any failure to get a whole answer is a ConnectionError."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)

    def call(self, method: str, path: str, body: dict[str, object] | None = None) -> Answer:
        """Send one request and read the answer to its end."""
        content = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, content, self._headers)
            response = self._connection.getresponse()
            text = response.read()
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            raise ConnectionError(str(error)) from error
        return Answer(response.status, json.loads(text))

    def get(self, path: str) -> Any:
        """The body of a GET, which must succeed."""
        answer = self.call("GET", path)
        if answer.status != 200:
            raise AssertionError(f"GET {path}: {answer.status} {answer.body}")
        return answer.body

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Server:
    """`python api/app.py` on `data`. As a context it is killed at the end, whatever happened."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "api/app.py", "--host", "127.0.0.1", "--port", "0", "--data", str(data), *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        self.port = 0

    def ready(self) -> Server:
        """Wait for its URL. Raises AssertionError with its log when it ends instead."""
        assert self.process.stdout is not None
        found = _URL.search(self.process.stdout.readline())
        if found is None:
            raise AssertionError(f"the server did not start (status {self.process.wait(PATIENCE_S)}): {self.log()}")
        self.port = int(found[1])
        return self

    def client(self, token: str | None = None) -> Client:
        """A new connection to it, of whoever the token is."""
        return Client(self.port, token)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, closed or answered any more."""
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def terminate(self) -> int:
        """SIGTERM; return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def exit_status(self) -> int:
        """Wait for it to end by itself."""
        return self.process.wait(PATIENCE_S)

    def limit_files(self, most_bytes: int) -> None:
        """From now on no file of the process can grow beyond `most_bytes`: to it, the disk is full."""
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))

    def log(self) -> str:
        """What it wrote to stderr so far."""
        self._log.seek(0)
        return self._log.read()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()
