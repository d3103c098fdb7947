"""Lines of a log that nobody can forge: whatever stands in a message, a record is one line, and its head is ours.

Clients choose user names, paths, symbols, headers and event names. What cannot be printed (control characters of both
sets, line and paragraph separators, what turns the direction of writing, halves of surrogate pairs) is written as
Python escapes it. The lines of a traceback stand behind `CONTINUED`, which no record begins with.
Layer: logs. No module of ours is imported here.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable
from typing import Final, TextIO

LINE: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
CONTINUED: Final = "    | "
MESSAGE_MAX: Final = 4_096  # characters
TRACEBACK_MAX: Final = 16_384
STRAY_LINES_MAX: Final = 200  # a minute, of what is written to the standard error without the log
MINUTE_S: Final = 60.0


def escaped(text: str) -> str:
    """`text` with everything that cannot be printed escaped: one line, whatever it is shown by. O(characters)."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def shortened(text: str, length_max: int) -> str:
    """`text`, or its beginning and how much there is more."""
    return text if len(text) <= length_max else f"{text[:length_max]}... ({len(text) - length_max} characters more)"


def lasting(seconds: float) -> str:
    """How long, as people say it, without the sign: `90 days`, `1 h 5 min`, `2.5 s`. Two units at most."""
    rest = round(abs(seconds), 1)
    if rest < MINUTE_S:
        return f"{rest:g} s"
    units, rest, said = (("days", 86_400), ("h", 3_600), ("min", 60), ("s", 1)), round(rest), list[str]()
    for unit, length in units:
        count, rest = divmod(rest, length)
        if count:
            said.append(f"{count} {'day' if (unit, count) == ('days', 1) else unit}")
        elif said:
            break
    return " ".join(said[:2])


class LineFormatter(logging.Formatter):
    """A record as a line, and its traceback as lines that look like no record. Bounded; times are UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, line: str = LINE) -> None:
        super().__init__(line)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line of a record."""
        record.message = escaped(shortened(record.message, MESSAGE_MAX))
        line, request_id = super().formatMessage(record), getattr(record, "request_id", None)
        return line if request_id is None or request_id in record.message else f"{line} (request {escaped(request_id)})"

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, and what is behind it."""
        message, cached = record.getMessage(), record.exc_text
        record.message, record.asctime = message, self.formatTime(record)
        if record.exc_info and not cached:
            record.exc_text = self.formatException(record.exc_info)
        lines = [self.formatMessage(record)]
        for behind in (record.exc_text, record.stack_info):
            if behind:
                lines += continued(shortened(behind, TRACEBACK_MAX))
        return "\n".join(lines)


def continued(text: str) -> list[str]:
    """The lines of `text`, each written so that it looks like no record."""
    return [as_continued(line) for line in text.rstrip("\n").split("\n")]


def as_continued(line: str) -> str:
    """One line, written so that it looks like no record."""
    return f"{CONTINUED}{escaped(line)}"


class StrayLines(io.TextIOBase):
    """Takes the place of `sys.stderr`: what libraries write there besides the log.

    Each line is written so that it looks like no record of ours.

    At most `STRAY_LINES_MAX` a minute are written, and how many were left out.
    """

    def __init__(self, stream: TextIO, written: Callable[[str], str] = as_continued) -> None:
        """`written`: how a line of the log says one of these."""
        super().__init__()
        self._stream = stream
        self._written = written
        self._begun = ""
        self._minute_ends = 0.0
        self._lines = 0  # in this minute

    def write(self, text: str) -> int:
        """Write the lines that are whole."""
        *whole, begun = (self._begun + text).split("\n")
        self._begun = begun[:MESSAGE_MAX]
        for line in whole:
            self._write_line(line)
        return len(text)

    def flush(self) -> None:
        """Have what was written shown."""
        self._stream.flush()

    def fileno(self) -> int:
        """The descriptor of the real one."""
        return self._stream.fileno()

    def _write_line(self, line: str) -> None:
        now = time.monotonic()
        if now >= self._minute_ends:
            if self._lines > STRAY_LINES_MAX:
                self._write_one(f"({self._lines - STRAY_LINES_MAX} lines more in a minute)")
            self._minute_ends, self._lines = now + MINUTE_S, 0
        self._lines += 1
        if self._lines <= STRAY_LINES_MAX:
            self._write_one(line)

    def _write_one(self, line: str) -> None:
        self._stream.write(f"{self._written(shortened(line, MESSAGE_MAX))}\n")
