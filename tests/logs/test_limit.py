"""What clients cause is written once a minute, and counted."""

from __future__ import annotations

import logging
import tracemalloc
from collections.abc import Iterator

import pytest

from logs.limit import KINDS_MAX, OneAMinute, limited
from logs.lines import MINUTE_S

log = logging.getLogger("test_limit")
client_log = limited(log)


class Written(logging.Handler):
    """Keeps the messages that come through a filter, whose clock a test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.messages: list[str] = []
        self.one_a_minute = OneAMinute(frozenset({"library"}), clock=lambda: self.now)
        self.addFilter(self.one_a_minute)

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture
def written() -> Iterator[Written]:
    handler, root = Written(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    handler.one_a_minute.close()
    root.setLevel(level)
    root.removeHandler(handler)


def flood(times: int) -> None:
    for number in range(times):
        client_log.warning("client %d is too slow", number)


def test_a_flood_is_one_line_and_a_count(written: Written) -> None:
    flood(1_000)
    assert written.messages == ["client 0 is too slow"]
    written.now += MINUTE_S
    written.one_a_minute.report()
    assert written.messages[1:] == ["999 more in a minute, of test_limit, like: client 0 is too slow"]
    flood(2)
    assert written.messages[2:] == ["client 0 is too slow"]


def test_the_next_of_its_kind_says_how_many_were_left_out_when_nobody_has_yet(written: Written) -> None:
    flood(3)
    written.now += MINUTE_S
    flood(1)
    assert written.messages == ["client 0 is too slow", "client 0 is too slow (2 more before)"]


def test_a_kind_does_not_hide_another(written: Written) -> None:
    flood(10)
    client_log.warning("client %d sent no JSON", 1)
    assert written.messages == ["client 0 is too slow", "client 1 sent no JSON"]


def test_exceptions_are_of_a_kind_by_where_they_were_raised_not_by_their_words(written: Written) -> None:
    def fail(index: int) -> None:
        try:
            if index % 2:
                raise ValueError(f"value {index}")
            raise KeyError(f"key {index}")
        except (ValueError, KeyError):
            client_log.exception("it failed")

    for index in range(100):
        fail(index)
    assert written.messages == ["it failed", "it failed"]


def test_what_is_ours_is_written_each_time(written: Written) -> None:
    for number in range(10):
        log.warning("record %d", number)
    assert len(written.messages) == 10


def test_all_that_a_library_says_is_limited(written: Written) -> None:
    for number in range(10):
        logging.getLogger("library.server").error(f"client {number} is bad")
    assert written.messages == ["client 0 is bad"]


def test_the_end_of_the_program_writes_the_counts(written: Written) -> None:
    flood(5)
    written.one_a_minute.close()
    assert written.messages[1:] == ["4 more in a minute, of test_limit, like: client 0 is too slow"]


def test_the_memory_of_kinds_is_bounded() -> None:
    one_a_minute = OneAMinute(frozenset({"library"}))
    tracemalloc.start()
    passed = [
        one_a_minute.filter(log.makeRecord("library", logging.WARNING, "file", line, "x" * 10_000, (), None))
        for line in range(3 * KINDS_MAX)
    ]
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert passed.count(True) == KINDS_MAX + 1  # all that are beyond are of one kind
    assert held < 1_000_000
