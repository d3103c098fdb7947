"""Replaying the journal makes the state again, and says so when it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.commands import CancelOrder, ListInstrument
from engine.digest import state_digest
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.rejects import InvariantViolation
from engine.types import SANDBOX_ACCOUNT, OrderId
from journal import codec
from journal.codec import GENESIS, BatchRecord, seal
from journal.port import Checkpoint, JournalCorrupt, JournalTooNew
from journal.sqlite import SqliteJournal
from replica.replay import replay
from tests.journal.commands import BTC_USDT, START_NS, applied_digest, fill, flow, sealed

RECORDS = list(sealed(flow(3, 2000), 7))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with closing(SqliteJournal(tmp_path / "journal.sqlite")) as opened:
        yield opened


def test_replay_comes_to_the_state_that_the_commands_made(journal: SqliteJournal) -> None:
    fill(journal, RECORDS)
    exchange = Exchange()
    seen: list[CommandResult] = []
    counts: list[int] = []
    result = replay(journal, exchange, seen.extend, counts.append)
    assert (result.commands, result.batches) == (2000, 286)
    assert result.digest == state_digest(exchange) == applied_digest(RECORDS)
    assert [applied.seq for applied in seen] == list(range(1, 2001))
    assert sum(len(applied.events) for applied in seen) > 2000
    assert counts[-1] == 2000
    exchange.check_invariants()


def test_an_empty_journal_replays_to_the_empty_state(journal: SqliteJournal) -> None:
    assert replay(journal, Exchange()).digest == state_digest(Exchange())


def test_noted_states_are_compared_on_the_way(journal: SqliteJournal) -> None:
    for record in RECORDS[:100]:
        journal.append(record)
        if record.n % 20 == 0:
            journal.note(Checkpoint(record.last_seq, applied_digest(RECORDS[: record.n])))
    assert len(journal.checkpoints()) == 5
    assert replay(journal, Exchange()).commands == 700


def test_a_state_that_differs_from_the_noted_one_stops_the_replay_there(journal: SqliteJournal) -> None:
    fill(journal, RECORDS[:11])
    journal.note(Checkpoint(66, "0" * 64))
    exchange = Exchange()
    with pytest.raises(JournalCorrupt, match="state digest differs at seq 66"):
        replay(journal, exchange)
    assert exchange.seq == 66


def test_a_record_of_a_newer_version_stops_the_replay_and_stays(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(RECORDS[0])
    with monkeypatch.context() as newer:
        newer.setattr(codec, "_VERSION_BYTE", bytes([codec.BODY_VERSION + 1]))
        second = seal(2, START_NS + 2, 8, [CancelOrder(SANDBOX_ACCOUNT, OrderId(1))], RECORDS[0].chain)
    journal.append(second)
    with pytest.raises(JournalTooNew, match="record 2 was written by a newer Openbell"):
        replay(journal, Exchange())
    path = journal.path
    journal.close()
    with closing(SqliteJournal(path)) as again:
        assert again.last == second


def test_a_sound_record_that_cannot_be_decoded_is_named(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(codec, "_encode", lambda commands: b"\xc1")
        record = seal(1, START_NS, 1, [ListInstrument(BTC_USDT)])
    journal.append(record)
    with pytest.raises(JournalCorrupt, match="record 1: its body cannot be decoded"):
        replay(journal, Exchange())


class BrokenExchange(Exchange):
    """Contradicts itself at seq 10."""

    def apply(self, command: Any, seq: Any, ts_ns: Any) -> Any:
        if seq == 10:
            raise InvariantViolation("the books are crossed")
        return super().apply(command, seq, ts_ns)


def test_a_broken_invariant_stops_the_replay_and_names_the_command(journal: SqliteJournal) -> None:
    fill(journal, RECORDS[:5])
    with pytest.raises(InvariantViolation, match="crossed") as caught:
        replay(journal, BrokenExchange())
    assert "record 2, seq 10" in caught.value.__notes__[0]


def test_records_are_chained_from_the_beginning_of_time() -> None:
    chain = GENESIS
    for record in RECORDS:
        assert isinstance(record, BatchRecord)
        assert record.prev_chain == chain
        chain = record.chain
