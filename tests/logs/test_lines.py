"""A record is one line with a head that is ours, whatever clients put into it."""

from __future__ import annotations

import io
import logging
import re

import pytest

from logs.lines import CONTINUED, MESSAGE_MAX, STRAY_LINES_MAX, LineFormatter, StrayLines, escaped, lasting

FORGED = "2026-01-01T00:00:00.000Z CRITICAL sequencer: the journal failed"
HEAD = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR|CRITICAL)\s+\S+: ")
CONTROLS = [chr(code) for code in [*range(32), *range(127, 160), 0x2028, 0x2029, 0x202E, 0x2066, 0xFEFF, 0xD800]]


def written(message: str, *args: object, error: Exception | None = None) -> str:
    """What is written of one record."""
    record = logging.LogRecord("api", logging.WARNING, __file__, 1, message, args, None)
    if error is not None:
        record.exc_info = (type(error), error, error.__traceback__)
    return LineFormatter().format(record)


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_no_character_of_a_message_begins_a_line_or_speaks_to_the_terminal(control: str) -> None:
    line = written("no user %s", f"ada{control}{FORGED}")
    assert line.isprintable()
    assert len(HEAD.findall(line)) == 2  # ours, and the forged one in the midst of the line
    assert control.encode("unicode_escape").decode() in line


def test_what_can_be_printed_is_written_as_it_is() -> None:
    text = r"Zoë paid 5 € — C:\new, 東京 🙂"
    assert escaped(text) == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (7776000.000000171, "90 days"), (-3600.0, "1 h"), (3_599.96, "1 h"), (93_900, "1 day 2 h"), (86_700, "1 day"),
        (90, "1 min 30 s"), (2.5401, "2.5 s"), (0.0, "0 s"),
    ],
)  # fmt: skip
def test_how_long_something_lasts_is_said_in_two_units_at_most(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


def test_a_traceback_keeps_its_lines_and_none_of_them_looks_like_a_record() -> None:
    try:
        raise ValueError(f"bad\r\n{FORGED}\x1b[2J\x85{FORGED}")
    except ValueError as problem:
        first, *behind = written("it failed", error=problem).split("\n")
    assert HEAD.match(first)
    assert first.endswith(": it failed")
    assert all(line.startswith(CONTINUED) and line.isprintable() for line in behind)
    assert f"{CONTINUED}Traceback (most recent call last):" in behind
    assert f"{CONTINUED}{FORGED}\\x1b[2J\\x85{FORGED}" in behind


def test_a_record_is_bounded() -> None:
    assert len(written("%s", "\x00" * 10**6)) < 5 * MESSAGE_MAX


def test_what_is_written_beside_the_log_looks_like_no_record_and_is_bounded() -> None:
    stream = io.StringIO()
    stray = StrayLines(stream)
    stray.write(f"half a line, then\n{FORGED}\r")
    stray.write("\x1b[2J\n" + "flood\n" * 10_000 + "x" * 10**6)
    lines = stream.getvalue().splitlines()
    assert lines[:2] == [f"{CONTINUED}half a line, then", f"{CONTINUED}{FORGED}\\r\\x1b[2J"]
    assert len(lines) == STRAY_LINES_MAX
    stray._minute_ends = 0.0
    stray.write("\n")
    assert stream.getvalue().splitlines()[STRAY_LINES_MAX] == f"{CONTINUED}(9802 lines more in a minute)"
