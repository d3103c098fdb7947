"""Requests to a server that may be killed at any moment: what came back whole counts, all else is not known."""

from __future__ import annotations

import http.client
import json
from typing import Any

PATIENCE_S = 60.0  # for one answer, or for the process to end, on a busy machine


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
