"""What is read in turns is one state, whatever commands come meanwhile."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import eventlet
import pytest

from engine.commands import AdvanceTime
from tests.sequencer.venue import Venue


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    """A venue that runs."""
    venue = Venue(tmp_path)
    venue.start()
    yield venue
    venue.close()


def test_no_command_is_applied_while_a_state_is_read_and_all_are_afterwards(venue: Venue) -> None:
    def seqs() -> Generator[None, None, list[int]]:
        found: list[int] = []
        for _ in range(20):
            found.append(venue.exchange.seq)
            eventlet.sleep(0.002)
            yield
        return found

    waiting = [venue.spawn(AdvanceTime()) for _ in range(50)]
    eventlet.sleep(0)
    seq, found = venue.sequencer.read_in_turns(seqs)
    assert found == [seq] * 20
    assert [greenlet.wait()[0].seq for greenlet in waiting] == list(range(2, 52))


def test_what_a_reading_raises_is_its_callers_and_nobody_elses(venue: Venue) -> None:
    def fails() -> Generator[None, None, None]:
        yield
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        venue.sequencer.read_in_turns(fails)
    assert venue.sequencer.submit(AdvanceTime()).seq == 2


def test_a_venue_that_has_stopped_is_read_all_the_same(venue: Venue) -> None:
    def seq() -> Generator[None, None, int]:
        yield
        return venue.exchange.seq

    venue.sequencer.stop()
    assert venue.sequencer.read_in_turns(seq) == (1, 1)
