"""Memory that processes share: numbers by name, and marks that only grow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from loop.shared_marks import SharedMarks
from loop.shared_table import PROBED, SharedTable

COUNTS = """
import sys
from loop.shared_table import SharedTable
table = SharedTable(int(sys.argv[1]), 1024)
for _ in range(2000):
    table.add(b"one name", 1, 5, 1000)
"""


@pytest.fixture
def table() -> Iterator[SharedTable]:
    """A table of 1,024 rows."""
    made = SharedTable(rows=1024)
    yield made
    made.close()


def test_a_number_grows_until_its_time_is_over_and_begins_anew(table: SharedTable) -> None:
    assert table.get(b"a", 100) is None
    assert table.add(b"a", 2, 100, 50).number == 2
    assert table.add(b"a", 3, 149, 50) == (5, 150)  # its time began with the first
    assert table.get(b"b", 149) is None
    assert table.get(b"a", 149) == (5, 150)
    assert table.get(b"a", 150) is None
    assert table.add(b"a", 1, 150, 50) == (1, 200)


def test_what_is_noted_first_stays(table: SharedTable) -> None:
    assert table.note(b"signature", 7, 100, 50) is None
    assert table.note(b"signature", 8, 120, 50) == (7, 150)
    assert table.note(b"signature", 9, 150, 50) is None


def test_of_more_names_than_there_is_room_for_those_are_forgotten_whose_time_ends_first() -> None:
    table = SharedTable(rows=PROBED)
    for number in range(PROBED + 1):
        table.note(b"%d" % number, number, 0, 1000 + number)
    known = [number for number in range(PROBED + 1) if table.get(b"%d" % number, 1) is not None]
    assert known == list(range(1, PROBED + 1))
    table.close()


def test_processes_that_count_at_once_lose_no_count(table: SharedTable) -> None:
    command = [sys.executable, "-c", COUNTS, str(table.descriptor)]
    processes = [subprocess.Popen(command, pass_fds=[table.descriptor]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert table.get(b"one name", 6) == (6000, 1005)


def test_the_newest_of_all_marks_is_known() -> None:
    marks = SharedMarks(3)
    assert marks.newest() == 0
    marks.set(1, 5)
    marks.set(2, 2**62)
    assert marks.newest() == 2**62
    marks.close()
    marks.close()
