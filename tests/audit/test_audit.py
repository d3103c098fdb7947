"""`python -m audit` over real journals: clean ones, false histories, damage, a server that still writes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from audit import search
from audit.__main__ import main
from audit.findings import Kind
from engine import planning
from engine.commands import WriterChanged
from engine.rejects import InvariantViolation
from engine.types import PostOnly
from journal.codec import open_batch, submissions_of
from tests.audit.audited import BATCH, BUY, COMMANDS, OPENING, SELL, order, write
from tests.journal.recorded import unpacked
from tests.programs import run, tool
from tests.server import ROOT


class Outcome(NamedTuple):
    """What a program leaves behind."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Outcome]


@pytest.fixture
def audit(capsys: pytest.CaptureFixture[str]) -> Run:
    """The program, run within this process."""

    def run_here(*arguments: object) -> Outcome:
        return Outcome(main([str(argument) for argument in arguments]), *capsys.readouterr())

    return run_here


def test_a_clean_journal_is_reported_with_what_was_read_and_checked(tmp_path: Path, audit: Run) -> None:
    outcome = audit(write(tmp_path))
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "Verdict: clean" in outcome.stdout
    assert f"of {len(COMMANDS)} commands" in outcome.stdout
    assert "1  state digests noted in the journal, found again" in outcome.stdout
    assert "3  trades and 3 ended orders as the history tells them" in outcome.stdout


def test_the_report_as_json_has_every_number(tmp_path: Path, audit: Run) -> None:
    outcome = audit(write(tmp_path) / "journal.sqlite", "--json")
    report = json.loads(outcome.stdout)
    assert (report["clean"], report["findings"]) == (True, [])
    assert report["counts"]["icebergs refilled"] == 1
    assert report["notional"] == {"USD": "0.0007"}
    assert report["last_seq"] == len(COMMANDS)
    assert len(report["chain"]) == 64


def test_quiet_says_nothing_when_nothing_is_found(tmp_path: Path, audit: Run) -> None:
    outcome = audit(write(tmp_path), "--quiet")
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("UPDATE trades SET price = 11 WHERE trade_id = 1", "trade 1 is told with price 11, not 10"),
        ("UPDATE trades SET taker_fee = 0 WHERE trade_id = 2", "trade 2 is told with taker_fee 0"),
        ("DELETE FROM trades WHERE trade_id = 2", "trade 2 is missing in the history"),
        ("UPDATE trades SET trade_id = 77 WHERE trade_id = 3", "trade 77 is in the history"),
        ("UPDATE orders SET status = 1", "status cancelled, not filled"),
        ("DELETE FROM orders", "is missing in the history"),
        ("UPDATE progress SET applied_seq = 1000", "the history knows commands up to seq 1000"),
    ],
)
def test_a_history_with_something_else_is_found(tmp_path: Path, audit: Run, change: str, sentence: str) -> None:
    write(tmp_path)
    with sqlite3.connect(tmp_path / "history.sqlite") as connection:
        connection.execute(change)
    connection.close()
    outcome = audit(tmp_path)
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert "history_differs" in outcome.stdout
    assert sentence in outcome.stdout


def test_a_state_other_than_the_server_noted_is_found(tmp_path: Path, audit: Run) -> None:
    outcome = audit(write(tmp_path, digest="0" * 64))
    assert outcome.returncode == 1
    assert f"seq {len(COMMANDS)} difference: the state is another" in outcome.stdout
    assert "NOT clean. 1 finding (1 difference)" in outcome.stdout


def test_a_state_noted_of_no_command_is_found(tmp_path: Path, audit: Run) -> None:
    change(write(tmp_path) / "journal.sqlite", "UPDATE checkpoints SET seq = 0")
    outcome = audit(tmp_path)
    assert outcome.returncode == 1
    assert "seq 0 difference: a state is noted in the journal of a command that it has not" in outcome.stdout


def test_a_last_record_that_is_damaged_is_not_passed_over(tmp_path: Path, audit: Run) -> None:
    write(tmp_path)
    flip_a_byte(tmp_path / "journal.sqlite", LAST)
    (tmp_path / "history.sqlite").unlink()
    with sqlite3.connect(tmp_path / "journal.sqlite") as connection:
        connection.execute("DELETE FROM checkpoints")
    connection.close()
    outcome = audit(tmp_path)
    sound = (LAST - 1) * BATCH
    assert outcome.returncode == 1, outcome.stdout
    assert f"seq {sound + 1} damaged_end: the last record, {LAST}, does not match its checksum" in outcome.stdout


def test_a_journal_of_several_writers_and_front_doors_is_audited_like_any_other(tmp_path: Path, audit: Run) -> None:
    with unpacked("11-cluster", tmp_path) as journal:
        assert any(submissions_of(record) for record in journal.read())
        assert any(isinstance(each, WriterChanged) for record in journal.read() for each in open_batch(record))
    outcome = audit(tmp_path / "11-cluster.sqlite")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "Verdict: clean" in outcome.stdout


def test_an_engine_that_breaks_a_rule_is_named_with_the_command(
    tmp_path: Path, audit: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, [*OPENING, order(SELL, 5, 10), order(BUY, 5, 10, post_only=PostOnly.REJECT)])
    monkeypatch.setattr(planning, "would_take", lambda *_: False)
    outcome = audit(tmp_path)
    seq = len(OPENING) + 2
    assert outcome.returncode == 1
    assert f"seq {seq} COIN-USD post_only_took: trade 1 at 10 has the post-only order {seq} as taker" in outcome.stdout
    assert f"the first at seq {seq}" in outcome.stdout
    assert f"From seq {seq} on nothing is compared" in outcome.stdout


def test_a_command_that_stops_the_engine_is_named(tmp_path: Path, audit: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **_named: object) -> None:
        raise InvariantViolation("its own state is wrong")

    write(tmp_path)
    monkeypatch.setattr(planning, "_plan_carefully", crash)
    outcome = audit(tmp_path)
    assert outcome.returncode == 1
    assert "engine_stopped: the engine stopped: InvariantViolation: its own state is wrong" in outcome.stdout


LAST = -(-len(COMMANDS) // BATCH)  # the last record


def change(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


def flip_a_byte(path: Path, n: int = 3) -> None:
    with sqlite3.connect(path) as connection:
        body = bytearray(connection.execute("SELECT body FROM batches WHERE n = ?", (n,)).fetchone()[0])
        body[-1] ^= 1
        connection.execute("UPDATE batches SET body = ? WHERE n = ?", (bytes(body), n))
    connection.close()


def drop_a_record(path: Path) -> None:
    change(path, "DELETE FROM batches WHERE n = 2")


def hide_the_checkpoints(path: Path) -> None:
    """Their page says that it has no rows: nothing that the chain covers."""
    with sqlite3.connect(path) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'checkpoints'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    file = bytearray(path.read_bytes())
    file[(root - 1) * size + 4] = 0
    path.write_bytes(file)


def break_the_schema(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"PRIMARY KEY", b"PRIMARY K\xc5Y"))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip_a_byte, "record 3: its checksum does not match its content. All up to record 2, seq 8, is sound."),
        (drop_a_record, "record 2: it is missing; record 3 stands in its place. All up to record 1, seq 4, is sound."),
        (lambda path: path.write_bytes(b"no journal at all"), "No record of it can be read."),
        (hide_the_checkpoints, "its file contradicts itself"),
        (break_the_schema, "malformed database schema"),
        (lambda path: path.unlink(), "There is no journal"),
    ],
)
def test_what_cannot_be_read_is_said_and_not_judged(
    tmp_path: Path, audit: Run, damage: Callable[[Path], None], said: str
) -> None:
    write(tmp_path)
    damage(tmp_path / "journal.sqlite")
    outcome = audit(tmp_path)
    assert (outcome.returncode, outcome.stdout) == (2, "")
    assert said in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert str(tmp_path / "journal.sqlite") in outcome.stderr
    assert "openbell-audit-" not in outcome.stderr  # where the copy was
    assert "restore" not in outcome.stderr


def test_a_journal_in_use_is_read_and_left_alone(tmp_path: Path) -> None:
    holder = (
        "import sys; from pathlib import Path; from tests.audit.audited import write, SqliteJournal; "
        "folder = Path(sys.argv[1]); write(folder); journal = SqliteJournal(folder / 'journal.sqlite'); "
        "print('open', flush=True); sys.stdin.read(); journal.close()"
    )
    with subprocess.Popen(
        tool("-c", holder, str(tmp_path)), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("history")}
        outcome = run("-m", "audit", str(tmp_path))
        after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("history")}
        process.communicate("")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert before == after
    assert process.returncode == 0


def test_help_names_every_kind_and_the_exit_status() -> None:
    outcome = run("-m", "audit", "--help")
    assert outcome.returncode == 0
    assert "trade_through" in outcome.stdout
    assert "Exit status" in outcome.stdout


def test_a_search_says_what_it_met_and_what_it_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert search.main(["--commands", "300", "--seeds", "1", "2"]) == 0
    assert capsys.readouterr().out.count("nothing found") == 2
    monkeypatch.setattr(planning, "would_take", lambda *_: False)  # post-only orders take
    assert search.main(["--commands", "1500", "--seeds", "1"]) == 1
    assert "FOUND seq" in capsys.readouterr().out


def test_every_kind_of_finding_is_documented() -> None:
    page = (ROOT / "Documentation" / "auditing.md").read_text(encoding="utf-8")
    assert [kind.value for kind in Kind if f"`{kind.value}`" not in page] == []
