"""One line a minute of what clients cause, so that nobody fills the disk or hides what they do in a flood.

    log = logging.getLogger(__name__)
    client_log = limited(log)  # for what clients cause; a logger as any other

    client_log.warning("feed client at %s reads too slowly", address)

A kind is a line of code that logs, together with the kind and the origin of the exception that it shows. Of each kind
the first record of a minute is written as it is; how many more there were is written at the end of the minute, with
the first one's message. Everything that libraries log (`LIBRARIES`) is limited, too. Memory is bounded: there
are as many kinds as lines of code that log, and at most `KINDS_MAX`; what is beyond that is counted as one.

It works where `logs.setup.begin` was called; elsewhere, as in tests, every record is written.
Layer: logs. Any thread.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from logs.lines import MINUTE_S

KINDS_MAX: Final = 1_000
KEPT_MAX: Final = 200  # characters of a message that stand with the count of those like it
LIBRARIES: Final = frozenset(
    {"engineio", "socketio", "werkzeug", "eventlet", "flask_cors", "flask-limiter", "flask_limiter", "limits", "py"}
)
_LIMITED: Final = "limited"  # attributes of a record
_KIND: Final = "limited_kind"

Kind = tuple[str, int, str]


def limited(log: logging.Logger, kind: str = "") -> logging.LoggerAdapter[logging.Logger]:
    """`log`, of whose records one of a kind is written a minute. `kind` tells apart what one line of code logs.

    It must be one of a few names that stand in the code, and nothing that a client says.
    """
    return _Limited(log, {_LIMITED: True, _KIND: kind})


class _Limited(logging.LoggerAdapter[logging.Logger]):
    """Marks records, and leaves them what else they say."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """What is to be logged."""
        kwargs["extra"] = {**(kwargs.get("extra") or {}), **(self.extra or {})}
        return msg, kwargs


class _Minute:
    """The minute that began with a record of one kind."""

    __slots__ = ("ends", "left_out", "level", "message", "name")

    def __init__(self, record: logging.LogRecord, ends: float) -> None:
        self.ends = ends
        self.name, self.level, self.message = record.name, record.levelno, record.getMessage()[:KEPT_MAX]
        self.left_out = 0


class OneAMinute(logging.Filter):
    """Leaves out what is of a kind with a record of the last minute, and counts it."""

    def __init__(self, libraries: frozenset[str] = LIBRARIES, clock: Callable[[], float] = time.monotonic) -> None:
        """`libraries`: loggers all of whose records are limited, by the first part of their names."""
        super().__init__()
        self._libraries = libraries
        self._clock = clock
        self._lock = threading.Lock()
        self._minutes: dict[Kind, _Minute] = {}
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is written."""
        if not (getattr(record, _LIMITED, False) or record.name.partition(".")[0] in self._libraries):
            return True
        now = self._clock()
        with self._lock:
            kind = self._kind_of(record, now)
            minute = self._minutes.get(kind)
            if minute is None or minute.ends <= now:
                if minute is not None and minute.left_out:
                    record.msg, record.args = f"{record.getMessage()} ({minute.left_out} more before)", ()
                self._minutes[kind] = _Minute(record, now + MINUTE_S)
                return True
            minute.left_out += 1
            self._start_timer()
            return False

    def report(self) -> None:
        """Write how much was left out in the minutes that are over, and forget them."""
        now = self._clock()
        with self._lock:
            over = [kind for kind, minute in self._minutes.items() if minute.ends <= now]
            ended = [self._minutes.pop(kind) for kind in over]
        self._write_counts(ended)

    def close(self) -> None:
        """Write what was left out until now."""
        with self._lock:
            ended = list(self._minutes.values())
            self._minutes.clear()
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._write_counts(ended)

    def _write_counts(self, ended: list[_Minute]) -> None:
        for minute in ended:
            if minute.left_out:
                log = logging.getLogger("logs")
                log.log(
                    minute.level, "%d more in a minute, of %s, like: %s", minute.left_out, minute.name, minute.message
                )

    def _kind_of(self, record: logging.LogRecord, now: float) -> Kind:
        kind = (record.pathname, record.lineno, getattr(record, _KIND, "") + _origin_of(record.exc_info))
        if kind in self._minutes or len(self._minutes) < KINDS_MAX:
            return kind
        for old in [old for old, minute in self._minutes.items() if minute.ends <= now and not minute.left_out]:
            del self._minutes[old]
        return kind if len(self._minutes) < KINDS_MAX else ("", 0, "")

    def _start_timer(self) -> None:
        """Have `report` called in a while; one timer at a time."""
        if self._timer is None:
            self._timer = threading.Timer(MINUTE_S, self._on_timer)
            self._timer.daemon = True
            self._timer.start()

    def _on_timer(self) -> None:
        with self._lock:
            self._timer = None
        self.report()
        with self._lock:
            if any(minute.left_out for minute in self._minutes.values()):
                self._start_timer()


def _origin_of(exc_info: Any) -> str:
    """The class of an exception and the line that raised it; nothing where there is none."""
    if not isinstance(exc_info, tuple) or exc_info[0] is None:
        return ""
    raised = traceback.extract_tb(exc_info[2], limit=-1)
    where = f"{raised[0].filename}:{raised[0].lineno}" if raised else ""
    return f"{exc_info[0].__qualname__} {where}"
