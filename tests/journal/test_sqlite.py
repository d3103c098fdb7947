"""The journal on a real file: what was appended is read back, and every kind of damage is told apart."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from journal.codec import BatchRecord
from journal.port import (
    Checkpoint,
    JournalCorrupt,
    JournalError,
    JournalFailed,
    JournalLocked,
    JournalTooNew,
)
from journal.sqlite import SqliteJournal
from tests.journal.commands import fill, flow, sealed

RECORDS = list(sealed(flow(1, 200), 10))  # 20 records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def filled(path: Path) -> Path:
    """A closed journal of 20 records."""
    with closing(SqliteJournal(path)) as journal:
        fill(journal, RECORDS)
    return path


def edit(path: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1


def was_not_flushed(path: Path) -> None:
    """What was appended last was never flushed: the file that would say so is not there."""
    path.with_suffix(".position").unlink(missing_ok=True)


def read_all(path: Path) -> list[BatchRecord]:
    with closing(SqliteJournal(path)) as journal:
        return list(journal.read())


def test_what_was_appended_is_read_back_after_reopening(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        assert journal.last is None
        assert list(journal.read()) == []
        fill(journal, RECORDS)
        assert journal.last == RECORDS[-1]
    with closing(SqliteJournal(path)) as journal:
        assert journal.last == RECORDS[-1]
        assert list(journal.read()) == RECORDS
        assert list(journal.read(after_n=17)) == RECORDS[17:]
        assert list(journal.read(after_n=20)) == []


def test_records_that_are_appended_together_are_read_back_as_any_others(path: Path) -> None:
    with closing(SqliteJournal(path, version="1.2.3")) as journal:
        journal.append_all([])
        journal.append_all(RECORDS[:1])
        journal.append_all(RECORDS[1:12])
        assert journal.last == RECORDS[11]
        journal.append(RECORDS[12])
        journal.append_all(RECORDS[13:])
    with closing(SqliteJournal(path)) as journal:
        assert journal.last == RECORDS[-1]
        assert list(journal.read()) == RECORDS


def test_records_with_a_gap_are_not_appended_together(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        for wrong in (RECORDS[1:3], RECORDS[:2] + RECORDS[3:]):
            with pytest.raises(ValueError, match="does not follow"):
                journal.append_all(wrong)
        assert journal.last is None
        assert list(journal.read()) == []


def test_checkpoints_are_kept_beside_the_records(path: Path) -> None:
    noted = [Checkpoint(10, "a" * 64), Checkpoint(20, "b" * 64)]
    with closing(SqliteJournal(path)) as journal:
        journal.append(RECORDS[0])
        journal.note(noted[0])
        fill(journal, RECORDS[1:3])
        journal.note(noted[1])
    with closing(SqliteJournal(path)) as journal:
        assert journal.checkpoints() == noted
        assert list(journal.read()) == RECORDS[:3]


def test_the_settings_that_make_it_durable_are_in_force(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        in_force = [
            journal._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "locking_mode")
        ]
        assert in_force == [b"wal", 2, b"exclusive"]
        assert not path.with_name("journal.sqlite-shm").exists()


def test_one_row_a_batch_with_the_documented_columns(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(batches)")]
        assert columns == ["n", "ts_ns", "first_seq", "count", "prev_chain", "body", "chain", "crc32"]
        assert connection.execute("SELECT count(*) FROM batches").fetchone() == (20,)


def test_a_record_that_does_not_follow_is_refused_and_harms_nothing(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        journal.append(RECORDS[0])
        for wrong in (RECORDS[0], RECORDS[2], msgspec.structs.replace(RECORDS[1], prev_chain=bytes(32))):
            with pytest.raises(ValueError, match="does not follow record 1"):
                journal.append(wrong)
        journal.append(RECORDS[1])


# -- one process at a time


def test_a_second_process_is_refused_at_once(filled: Path) -> None:
    second = (
        "import sys; from journal.sqlite import SqliteJournal; from journal.port import JournalLocked\n"
        "try: SqliteJournal(sys.argv[1])\n"
        "except JournalLocked as error: print(error); sys.exit(3)\n"
    )
    with closing(SqliteJournal(filled)) as journal:
        refused = subprocess.run(
            [sys.executable, "-c", second, filled], capture_output=True, text=True, timeout=30, check=False
        )
        assert refused.returncode == 3, refused.stderr
        assert "Another Openbell is running on" in refused.stdout
        assert "--data" in refused.stdout
        assert list(journal.read()) == RECORDS
    assert subprocess.run([sys.executable, "-c", second, filled], timeout=30, check=False).returncode == 0


def test_a_second_opener_in_the_same_process_is_refused_too(filled: Path) -> None:
    with closing(SqliteJournal(filled)), pytest.raises(JournalLocked):
        SqliteJournal(filled)
    assert read_all(filled) == RECORDS


# -- a torn tail


@pytest.mark.parametrize("column", ["body", "chain", "crc32", "ts_ns", "count"])
def test_a_torn_last_record_is_cut_with_a_warning_and_kept(
    filled: Path, column: str, caplog: pytest.LogCaptureFixture
) -> None:
    edit(filled, f"UPDATE batches SET {column} = substr({column}, 1, 3) || 'x' WHERE n = 20")  # noqa: S608
    was_not_flushed(filled)
    with caplog.at_level(logging.WARNING), closing(SqliteJournal(filled)) as journal:
        assert journal.last == RECORDS[18]
        assert list(journal.read()) == RECORDS[:19]
        journal.append(RECORDS[19])
    assert "torn record" in caplog.text
    assert "record 20" in caplog.text
    kept = msgspec.msgpack.decode((filled.parent / "journal.torn-20").read_bytes())
    assert kept[0] == 20
    assert kept[4] == RECORDS[19].prev_chain
    assert read_all(filled) == RECORDS


def test_a_record_torn_twice_is_kept_twice(filled: Path) -> None:
    for _ in range(2):
        edit(filled, "UPDATE batches SET body = x'01' WHERE n = 20")
        was_not_flushed(filled)
        with closing(SqliteJournal(filled)) as journal:
            journal.append(RECORDS[19])
    assert sorted(file.name for file in filled.parent.glob("journal.torn*")) == [
        "journal.torn-20",
        "journal.torn-20-again",
    ]


def test_a_torn_only_record_leaves_an_empty_journal(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        journal.append(RECORDS[0])
        journal.note(Checkpoint(10, "a" * 64))
    edit(path, "UPDATE batches SET crc32 = 0")
    was_not_flushed(path)
    with closing(SqliteJournal(path)) as journal:
        assert journal.last is None
        assert journal.checkpoints() == []


# -- a corrupt middle


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("UPDATE batches SET body = x'01ff' WHERE n = 7", "record 7: its checksum"),
        ("UPDATE batches SET body = 5 WHERE n = 7", "record 7: a field is of the wrong kind"),
        ("UPDATE batches SET chain = zeroblob(32) WHERE n = 7", "record 7: its chain hash"),
        ("UPDATE batches SET ts_ns = ts_ns + 1 WHERE n = 7", "record 7: its checksum"),
        ("DELETE FROM batches WHERE n = 7", "record 7: it is missing; record 8 stands in its place"),
        ("DELETE FROM batches WHERE n = 1", "record 1: it is missing"),
        ("DELETE FROM batches WHERE n = 19", "record 19: it is missing"),
        ("UPDATE batches SET chain = zeroblob(32) WHERE n = 19", "record 19: its chain hash"),
    ],
)
def test_damage_before_the_last_record_is_an_error_that_names_it(filled: Path, damage: str, named: str) -> None:
    edit(filled, damage)
    with pytest.raises(JournalCorrupt, match=named):
        read_all(filled)
    assert list(filled.parent.glob("journal.torn*")) == []


def test_a_record_sealed_anew_with_other_commands_breaks_the_chain(filled: Path) -> None:
    forged = list(sealed(flow(2, 200), 10))[6]
    edit(
        filled,
        "UPDATE batches SET body = ?, prev_chain = ?, chain = ?, crc32 = ?, ts_ns = ? WHERE n = 7",
        forged.body,
        forged.prev_chain,
        forged.chain,
        forged.crc32,
        forged.ts_ns,
    )
    with pytest.raises(JournalCorrupt, match="record 7: it is not chained to the record before"):
        read_all(filled)


def test_a_last_record_that_is_gone_is_missed_where_the_state_behind_it_was_noted(path: Path) -> None:
    with closing(SqliteJournal(path)) as journal:
        fill(journal, RECORDS[:2])
        journal.note(Checkpoint(20, "a" * 64))
    edit(path, "DELETE FROM batches WHERE n = 2")
    with pytest.raises(JournalCorrupt, match="record 2 is missing"):
        SqliteJournal(path)


def test_a_file_that_lost_its_end_while_open_is_noticed(filled: Path) -> None:
    with closing(SqliteJournal(filled)) as journal:
        journal._connection.execute("DELETE FROM batches WHERE n > 15")
        with pytest.raises(JournalCorrupt, match="record 16: it is missing"):
            list(journal.read())


def test_a_broken_page_anywhere_is_an_error_or_a_cut_tail_and_never_loses_a_record_in_silence(path: Path) -> None:
    records = list(sealed(flow(1, 3000), 30))
    with closing(SqliteJournal(path)) as journal:
        fill(journal, records)
    whole = path.read_bytes()
    pages = len(whole) // 4096
    assert pages > 20
    errors = []
    for page in range(pages):
        path.write_bytes(whole[: page * 4096] + b"\xa5" * 4096 + whole[(page + 1) * 4096 :])
        was_not_flushed(path)
        try:
            kept = read_all(path)
        except JournalCorrupt as error:
            errors.append(str(error))
        else:
            assert kept in (records, records[:-1])
    assert len(errors) > pages - 5  # the others: the empty table of checkpoints, the last record
    assert [error for error in errors if "record " not in error and "not a database" not in error] == []


def test_a_broken_page_names_the_last_good_record(path: Path) -> None:
    records = list(sealed(flow(1, 3000), 30))
    with closing(SqliteJournal(path)) as journal:
        fill(journal, records)
    with closing(sqlite3.connect(path)) as connection:
        leaves = connection.execute("SELECT pageno FROM dbstat WHERE name = 'batches' AND pagetype = 'leaf'").fetchall()
    with path.open("r+b") as file:
        file.seek((leaves[len(leaves) // 2][0] - 1) * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(JournalCorrupt, match=r"record (\d+) is the last that can be read") as caught:
        read_all(path)
    good_n = int(str(caught.value).split("record ")[1].split()[0])
    assert 20 < good_n < 80


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"no database at all" * 300, "not a database"), (None, "is no Openbell journal")],
)
def test_a_file_that_is_no_journal_is_refused_untouched(path: Path, content: bytes | None, complaint: str) -> None:
    if content is None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE diary (day TEXT)")
        content = path.read_bytes()
    else:
        path.write_bytes(content)
    with pytest.raises(JournalCorrupt, match=complaint):
        SqliteJournal(path)


def test_a_newer_format_is_refused_as_such(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute("PRAGMA user_version = 3")
    with pytest.raises(JournalTooNew, match="newer Openbell"):
        SqliteJournal(filled)


def test_a_creation_that_was_interrupted_begins_anew(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    assert read_all(path) == []


def test_a_folder_that_cannot_be_written_is_a_sentence_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(JournalFailed, match="cannot be opened for writing"):
        SqliteJournal(tmp_path / "data" / "journal.sqlite")


# -- no room


def test_a_full_disk_fails_the_append_and_every_one_after(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    records = list(sealed(flow(1, 3000), 10))
    journal = SqliteJournal(path)
    journal._connection.execute("PRAGMA max_page_count = 30")
    with pytest.raises(JournalFailed, match="full"):
        fill(journal, records)
    assert journal.last is not None
    stored = records[: journal.last.n]
    assert 10 < len(stored) < len(records)
    assert "could not be written" in caplog.text
    journal._connection.execute("PRAGMA max_page_count = 100000")  # room again, but the trust is gone
    for record in records[len(stored) :][:2]:
        with pytest.raises(JournalFailed, match="no more orders are taken"):
            journal.append(record)
    assert list(journal.read()) == stored
    journal.close()
    assert read_all(path) == stored


def test_a_closed_journal_takes_nothing(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="is closed"):
        journal.append(RECORDS[0])


def test_a_part_is_read_from_another_thread_while_records_are_appended(path: Path) -> None:
    records = list(sealed(flow(1, 900), 3))
    found: list[BatchRecord] = []
    wrong: list[Exception] = []
    with closing(SqliteJournal(path)) as journal:

        def read() -> None:
            try:
                while len(found) < len(records):
                    found.extend(journal.part(len(found), len(found) + 50))
            except Exception as problem:
                wrong.append(problem)

        reader = threading.Thread(target=read)
        reader.start()
        fill(journal, records)
        reader.join(30)
        assert (wrong, found) == ([], records)
        assert journal.part(10, 12) == records[10:12]
    with pytest.raises(JournalFailed):
        journal.part(0, 1)


def test_the_record_that_has_a_command_is_found_by_its_seq(path: Path) -> None:
    records = list(sealed(flow(1, 100), 7))
    with closing(SqliteJournal(path)) as journal:
        assert journal.holding(1) is None
        fill(journal, records)
        found = [journal.holding(seq) for seq in range(1, 101)]
        assert found == [record for record in records for _ in range(record.count)]
        assert (journal.holding(0), journal.holding(101)) == (None, None)
    with pytest.raises(JournalFailed):
        journal.holding(1)


def test_a_damaged_record_is_not_taken_for_what_was_asked(filled: Path) -> None:
    edit(filled, "UPDATE batches SET crc32 = crc32 + 1 WHERE n = 3")
    with closing(SqliteJournal(filled)) as journal, pytest.raises(JournalCorrupt):
        journal.holding(RECORDS[2].first_seq)
