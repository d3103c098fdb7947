"""Who answers others by the records gets each of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from journal.codec import GENESIS
from replica import link as link_module
from replica.frames import FORMAT, FromWriter, Hello, Record, from_writer
from tests.journal.commands import flow, sealed
from tests.replica.served import WAIT_S, raw, served

RECORDS = list(sealed(flow(3, 30), 3))


def test_a_follower_that_answers_others_gets_each_record_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "GATHER_S", 3600.0)  # without being asked for at once nothing would come
    with served(tmp_path) as writer:
        raw(writer.theirs, Hello(FORMAT, 0, GENESIS, prompt=True))
        writer.theirs.settimeout(WAIT_S)
        reader, got = from_writer(), list[FromWriter]()
        for record in RECORDS[:10]:
            writer.append([record])
            while got[-1:] != [Record(record)]:
                got += reader.feed(writer.theirs.recv(65536))
        assert got[1:] == [Record(record) for record in RECORDS[:10]]
