"""A follower that must wait for something else before it can say hello: it says so, and is waited for."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from replica import link as link_module
from replica.frames import Position
from replica.stream import RecordStream, is_over, say_waiting
from tests.journal.commands import flow, sealed
from tests.replica.served import received, served
from tests.server import eventually

RECORDS = list(sealed(flow(3, 60), 3))


def test_a_follower_that_cannot_begin_yet_says_so_and_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "GREETING_S", 1.0)
    with served(tmp_path) as writer:
        writer.append(RECORDS[:5])
        for _ in range(8):  # longer than a hello may take, in all
            say_waiting(writer.theirs, "a sentence")
            assert not is_over(writer.theirs, 0.25)
        with closing(RecordStream(writer.theirs)) as stream:
            assert received(stream, 5) == RECORDS[:5]
        assert writer.said == [Position(0, None, "a sentence")] * 8
        assert "closed" in writer.until_ended()


def test_a_follower_that_cannot_begin_yet_is_let_go_when_no_more_will_come(tmp_path: Path) -> None:
    with served(tmp_path) as writer:
        say_waiting(writer.theirs, "a sentence")
        eventually(lambda: writer.said)
        writer.link.finish()
        assert "let it go" in writer.until_ended()
        assert is_over(writer.theirs, 0)
