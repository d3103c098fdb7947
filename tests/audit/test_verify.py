"""`openbell verify` over real folders: sound ones, and every kind of damage named."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from audit.__main__ import main as audit
from audit.verify import main as verify
from engine.digest import state_digest
from engine.exchange import Exchange
from journal.archive import ArchiveFolder, archive_beside
from journal.port import Checkpoint
from journal.snapshots import SnapshotFolder
from journal.sqlite import SqliteJournal
from replica.follower import Follower
from tests.journal.commands import flow, sealed
from tests.programs import run, tool
from tests.server import ROOT

RECORDS = list(sealed(flow(1, 600), 5))  # 120 records
TRIMMED, SNAPSHOTS, NOTED = 60, (40, 80), (20, 80, 100)


def write(folder: Path, *, trim: bool = True, archive: bool = True) -> Path:
    """A data folder: 120 records of which 60 have left the file, two snapshots, three digests; without the engine's
    history."""
    follower, snapshots = Follower(Exchange()), SnapshotFolder(folder / "snapshots", "1.0")
    with closing(SqliteJournal(folder / "journal.sqlite")) as journal:
        journal._connection.execute("PRAGMA synchronous = OFF")
        for record in RECORDS:
            follower.follow(record)
            journal.append(record)
            if record.n in NOTED:
                journal.note(Checkpoint(follower.seq, state_digest(follower.exchange)))
            if record.n in SNAPSHOTS:
                snapshots.save(follower.exchange, record, {})
        if archive:
            archive_beside(folder / "journal.sqlite").write(RECORDS[:TRIMMED])
        if trim:
            journal.trim(TRIMMED)
            while journal.tend(idle=True):
                pass
    return folder


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "data"))


def report(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    status = verify([*map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_sound_folder_is_proved_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = report(capsys, folder)
    assert (status, found["findings"], found["remarks"], found["sound"]) == (0, [], [], True)
    assert (found["segments"], found["archived_records"], found["records"], found["snapshots"]) == (1, 60, 60, 2)
    assert (found["digests_noted"], found["digests_proved"]) == (3, 1)  # of the one that a snapshot is behind


def test_deep_folds_from_each_snapshot_to_the_next_and_to_the_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = report(capsys, folder, "--deep")
    assert (status, found["findings"], found["folded_commands"], found["digests_proved"]) == (0, [], 600, 3)
    assert verify([str(folder), "--deep"]) == 0
    text = capsys.readouterr().out
    assert "Verdict: sound" in text
    assert "600 commands, from one snapshot to the next" in text


def _flip(path: Path, share: float = 0.6) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * share)] ^= 4
    path.write_bytes(data)


def _edit(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as connection, connection:
        assert connection.execute(statement).rowcount == 1


def _saved_again(folder: Path) -> None:
    """A snapshot of another state under its name, with all its sums right."""
    follower = Follower(Exchange())
    for record in list(sealed(flow(2, 600), 5))[:80]:
        follower.follow(record)
    folder_of = SnapshotFolder(folder / "snapshots", "1.0")
    folder_of.files()[0].path.unlink()
    last = msgspec.structs.replace(RECORDS[79])
    follower.exchange.ts_ns = last.ts_ns
    folder_of.save(follower.exchange, last, {})


def _shortened(folder: Path, until_n: int) -> None:
    """An older copy of the journal, from before records left it, beside what is newer."""
    for file in folder.glob("journal.*"):
        file.unlink()
    with closing(SqliteJournal(folder / "elsewhere.sqlite", archive=ArchiveFolder(folder / "none"))) as journal:
        for record in RECORDS[:until_n]:
            journal.append(record)
    (folder / "elsewhere.sqlite").rename(folder / "journal.sqlite")
    (folder / "elsewhere.position").unlink()


def _newest(folder: Path) -> Path:
    return SnapshotFolder(folder / "snapshots").files()[0].path


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: _flip(next((folder / "archive").glob("segment*"))), "segment-000000000001"),
        (lambda folder: next((folder / "archive").glob("segment*")).unlink(), "the file is missing"),
        (lambda folder: (folder / "archive" / "manifest.json").write_text("{}"), "the manifest of the archive"),
        (
            lambda folder: shutil.rmtree(folder / "archive"),
            "records up to 60 were archived, and the archive ends with record 0",
        ),
        (lambda folder: _shortened(folder, 50), "ends with record 50, its archive with record 60"),
        (lambda folder: _edit(folder, "UPDATE batches SET body = x'00' WHERE n = 77"), "record 77"),
        (lambda folder: _edit(folder, "DELETE FROM batches WHERE n = 77"), "record 77: it is missing"),
        (lambda folder: _edit(folder, "DELETE FROM batches WHERE n = 61"), "record 61: it is missing"),
        (lambda folder: _edit(folder, "DELETE FROM batches WHERE n = 120"), "record 120 was flushed and acknowledged"),
        (lambda folder: _flip(_newest(folder)), "snapshot-000000000080"),
        (lambda folder: _edit(folder, "UPDATE checkpoints SET digest = 'f' WHERE seq = 400"), "another digest"),
    ],
)
def test_damage_is_named_and_is_status_1(
    folder: Path, damage: Callable[[Path], object], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    status, found = report(capsys, folder)
    assert (status, found["sound"]) == (1, False)
    assert any(named in sentence for sentence in found["findings"]), found["findings"]
    assert "openbell-copy" not in str(found)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_saved_again, "the records before it lead to another state"),
        (
            lambda folder: _edit(folder, "UPDATE checkpoints SET digest = 'f' WHERE seq = 500"),
            "digest differs at seq 500",
        ),
        (
            lambda folder: _edit(folder, "UPDATE checkpoints SET digest = 'f' WHERE seq = 100"),
            "digest differs at seq 100",
        ),
    ],
)
def test_what_only_folding_proves_is_found_by_deep_alone(
    folder: Path, damage: Callable[[Path], object], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder)
    _, shallow = report(capsys, folder)
    assert not any(named in sentence for sentence in shallow["findings"])
    status, found = report(capsys, folder, "--deep")
    assert status == 1
    assert any(named in sentence for sentence in found["findings"]), found["findings"]


def test_an_archive_without_its_manifest_is_to_be_known_and_is_no_finding(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "archive" / "manifest.json").unlink()
    status, found = report(capsys, folder)
    assert (status, found["findings"], found["archived_records"]) == (0, [], 60)
    assert "the manifest of the archive is missing" in found["remarks"][0]


@pytest.mark.parametrize("archive", [False, True])
def test_a_folder_that_no_start_can_begin_with_is_not_sound(
    tmp_path: Path, archive: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, archive=archive)
    shutil.rmtree(tmp_path / "snapshots")
    shutil.rmtree(tmp_path / "archive", ignore_errors=True)
    status, found = report(capsys, tmp_path)
    assert status == 1
    assert "no start can begin: the records before 61 are gone" in found["findings"][-1]
    assert any("were dropped" in remark for remark in found["remarks"]) == (not archive)


def test_only_what_was_proved_is_listed_as_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, archive=False)
    archive = archive_beside(tmp_path / "journal.sqlite")
    for first in (0, 20, 40):
        archive.write(RECORDS[first : first + 20])
    _flip(tmp_path / "archive" / archive.segments[1].file)
    assert verify([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "archive    2 of 3 segments, records 1 to 20, 41 to 60:" in said
    assert audit([str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert archive.segments[1].file in said
    assert "All up to record" not in said


def test_a_snapshot_of_another_version_is_no_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newest = _newest(folder)
    newest.write_bytes(newest.read_bytes().replace(b"openbell snapshot 1 1.0", b"openbell snapshot 9 7.0", 1))
    status, found = report(capsys, folder)
    assert (status, found["snapshots"], found["snapshots_of_other_versions"]) == (0, 1, 1)
    assert "Openbell 7.0" in found["remarks"][0]


def test_a_dropped_beginning_is_said_and_is_no_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, archive=False)
    status, found = report(capsys, tmp_path, "--deep")
    assert (status, found["findings"], found["records"]) == (0, [], 60)
    assert "begins with record 61; records 1 to 60 were dropped" in found["remarks"][0]
    assert found["folded_commands"] == 40 * 5  # from the snapshot behind record 80
    assert audit([str(tmp_path)]) == 2
    assert "it begins with record 61, seq 301" in capsys.readouterr().err


def test_the_auditor_says_the_same_of_a_journal_and_of_what_is_left_with_its_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = []
    for name, trim in (("whole", False), ("trimmed", True)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, trim=trim)
        assert audit([str(tmp_path / name), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        reports.append({key: value for key, value in found.items() if key not in ("journal", "bytes", "seconds")})
    assert reports[0] == reports[1]
    assert (reports[0]["records"], reports[0]["state_digests_checked"], reports[0]["first_seq"]) == (120, 3, 1)


def test_a_folder_in_use_is_verified_and_left_alone(folder: Path) -> None:
    holder = (
        "import sys; from journal.sqlite import SqliteJournal; from tests.journal.commands import flow, sealed; "
        "journal = SqliteJournal(sys.argv[1]); records = list(sealed(flow(1, 700), 5))[120:]; "
        "[journal.append(record) for record in records]; print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        tool("-c", holder, str(folder / "journal.sqlite")),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        outcome = run("-m", "audit.verify", str(folder))
        process.communicate("")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "records, 61 to 140" in outcome.stdout


def test_what_is_no_data_folder_is_one_sentence(tmp_path: Path) -> None:
    outcome = run("-m", "audit.verify", str(tmp_path))
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert "There is no journal at" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_help_says_what_is_proved_and_the_exit_status() -> None:
    outcome = run("-m", "audit.verify", "--help")
    assert outcome.returncode == 0
    assert "archive segment" in outcome.stdout
    assert "Exit status" in outcome.stdout


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path)])
def test_what_is_no_file_in_the_place_of_one_is_named_and_holds_nobody_up(
    folder: Path, put: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (_newest(folder), folder / "journal.position"):
        path.unlink(missing_ok=True)
        put(path)
    status, found = report(capsys, folder)
    assert status == 1
    assert any("snapshot-" in each and "passed over" in each for each in found["findings"])
    assert any("journal.position is not a regular file" in each for each in found["findings"])


def test_a_file_in_the_place_of_the_snapshots_is_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folder / "snapshots")
    (folder / "snapshots").touch()
    assert verify([str(folder)]) == 1
    assert "move it away" in capsys.readouterr().err
