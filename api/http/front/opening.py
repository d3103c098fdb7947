"""What answers while the server is being opened: 503 to everything, with how far the replay is.

The event loop's thread replays the journal meanwhile, and what opens the server need not let anybody else have a turn:
this front has a native thread with an event loop of its own. Where nobody asks it sleeps, and costs the replay nothing.
Layer: api.http.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from html import escape
from typing import Final

from eventlet.event import Event

from api.http.error_answers import refuse
from api.http.front.connection import Unused
from api.http.front.server import Front
from api.http.guard import Guard
from api.http.listener import Listening
from api.http.wsgi import Environ, StartResponse
from api.json.errors import starting
from api.settings import Settings
from loop.bridge import Bridge

log = logging.getLogger(__name__)

HAND_OVER_S: Final = 0.2  # for what is being answered, before the server goes on: its start waits so long at most
LIVE_PATH: Final = "/health/live"
PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Openbell is starting</title>
<body><h1>Openbell is starting</h1><p role="status">{progress} This page comes by itself when it is done.</p></body>
</html>
"""


class StartProgress:
    """How far the start is. Written by one thread, read by another."""

    def __init__(self) -> None:
        self.percent: int | None = None  # of the journal's commands that are replayed

    def note(self, done: int, of: int) -> None:
        """So many commands of the journal are replayed."""
        self.percent = min(100, 100 * done // of) if of > 0 else None


class OpeningFront:
    """Accepts and answers until the server takes over. Everything is for the thread that opens the server."""

    def __init__(self, listening: Listening, settings: Settings, progress: StartProgress) -> None:
        """Begin."""
        self._listening = listening
        self._settings = settings
        self._progress = progress
        self._bridge = Bridge()
        self._over = Event()
        self._unused: list[Unused] = []
        self._thread = threading.Thread(target=self._run, name="opening-front", daemon=True)
        self._thread.start()

    def hand_over(self) -> list[Unused]:
        """End; the connections of which no request has begun to come. Blocks for `HAND_OVER_S` or little more."""
        self._bridge.post(self._over.send)
        self._thread.join()
        return self._unused

    def _run(self) -> None:
        try:
            self._bridge.open()
            front = Front(self._listening, Guard(self._answer, self._settings), self._settings)
            front.last_requests()
            front.start()
            self._over.wait()
            self._unused = front.hand_over(time.monotonic() + HAND_OVER_S, starting(self._progress.percent))
        except Exception:  # the server opens all the same
            log.exception("what answers during a start failed")
        finally:
            self._bridge.close()

    def _answer(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The application, as WSGI has it."""
        percent = self._progress.percent
        if environ["PATH_INFO"] == LIVE_PATH and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return _whole(environ, start_response, "200 OK", "application/json", b'{"status":"live"}\n')
        refusal = starting(percent)
        if environ["PATH_INFO"] == "/" and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            progress = "It reads its data." if percent is None else f"{percent} % of the journal is replayed."
            page = PAGE.format(progress=escape(progress)).encode()
            return _whole(environ, start_response, "503 Service Unavailable", "text/html; charset=utf-8", page)
        return refuse(refusal, environ, start_response)


def _whole(
    environ: Environ, start_response: StartResponse, status: str, content_type: str, body: bytes
) -> Iterable[bytes]:
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    headers += [("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", "default-src 'none'")]
    if status.startswith("503"):
        headers.append(("Retry-After", "1"))
    start_response(status, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
