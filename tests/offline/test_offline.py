"""Simulated days, clones, and venues that begin with a snapshot or a recorded day: without a server, then served."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from audit import __main__ as audit
from export import __main__ as export
from offline import clone, simulate, start_from
from tests.access.cast import OPERATOR, with_operator
from tests.api.clients import PASSWORD
from tests.data.files import LOBSTER, needs_lobster
from tests.offline.made import DIP_BUYER, digest_at, proved, records_of, simulated
from tests.programs import tool
from tests.server import ROOT, RunningServer, eventually

SYMBOL = "BTC-USDT"
STATE = re.compile(r"^state ([0-9a-f]{64})$", re.MULTILINE)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated day."""
    return simulated(tmp_path_factory.mktemp("offline") / "day")


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The digest that a program printed."""
    found = STATE.search(capsys.readouterr().out)
    assert found is not None
    return found[1]


def test_two_runs_of_one_seed_have_the_same_records_and_another_seed_has_others(
    day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    simulated(tmp_path / "again")
    again = said(capsys)
    simulated(tmp_path / "other", seed=8)
    other = said(capsys)
    records = records_of(day)
    assert records_of(tmp_path / "again") == records
    assert digest_at(records, 2**62) == again != other
    assert audit.main([str(day), "--quiet"]) == 0
    proved(day)
    assert stat.S_IMODE(day.stat().st_mode) == 0o700


def test_every_strategy_trades_and_each_account_has_a_folder_of_its_own(day: Path, tmp_path: Path) -> None:
    assert export.main([str(day), "--out", str(tmp_path), "--by-account"]) == 0
    accounts = {int(folder.name): folder for folder in (tmp_path / "accounts").iterdir()}
    assert sorted(accounts) == [2, 3, 4, 5, 6, 7, 8]  # in the order in which they are named
    fills, balances = {}, {}
    for account, folder in accounts.items():
        rows = [json.loads(line) for line in (folder / "fills.jsonl").read_text().splitlines()]
        orders = {json.loads(line)["order_id"] for line in (folder / "orders.jsonl").read_text().splitlines()}
        (profit,) = (json.loads(line) for line in (folder / "profit.jsonl").read_text().splitlines())
        assert {row["order_id"] for row in rows} <= orders
        assert profit["fills"] == len(rows)
        fills[account], balances[account] = len(rows), float(profit["position"])
    assert min(fills.values()) > 0
    assert sum(balances.values()) == pytest.approx(0, abs=1e-9)
    assert export.main([str(day), "--out", str(tmp_path), "--by-account"]) == 2  # it is there


def test_a_clone_is_the_original_up_to_a_command_be_it_within_a_record(
    day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = records_of(day)
    within = next(record for record in records[len(records) // 2 :] if record.count > 2)
    rng = Random(5)
    for seq in (1, within.first_seq + 1, within.last_seq, rng.randrange(1, records[-1].last_seq), records[-1].last_seq):
        target = tmp_path / f"at-{seq}"
        assert clone.main([str(day), str(target), "--at", str(seq)]) == clone.MADE
        assert said(capsys) == digest_at(records, seq)
        copied = records_of(target)
        assert copied[-1].last_seq == seq
        whole = [record for record in copied if record.last_seq < seq]
        assert whole == records[: len(whole)]
        proved(target)
    secrets = {(folder / "secret.key").read_text() for folder in (day, *tmp_path.iterdir())}
    assert len(secrets) == 6


def test_what_cannot_be_cloned_is_said_and_leaves_nothing(
    day: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").mkdir()
    for arguments, words in (
        ([str(day), str(tmp_path / "there")], "already"),
        ([str(day), str(tmp_path / "x"), "--at", "99999999"], "has the commands 1 to"),
        ([str(tmp_path), str(tmp_path / "x")], "no journal"),
    ):
        assert clone.main(arguments) == clone.FAILED
        assert words in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_simulation_that_cannot_be_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["--strategy", "nothing"], "there is no strategy nothing"),
        (["--strategy", "json:JSONDecoder"], "derives from"),
        (["--strategy", "examples.dip_buyer:Nothing"], "Nothing"),
        (["--strategy", "noise*0"], "NAME*COUNT"),
        (["--strategy", "noise", "--symbols", "NONE-USD=1"], "not listed"),
    ):
        assert simulate.main([str(tmp_path / "x"), *arguments]) == simulate.FAILED
        assert words in capsys.readouterr().err
    for start in ("1600-01-01", "9999-12-31", "tomorrow"):
        with pytest.raises(SystemExit):
            simulate.main([str(tmp_path / "x"), "--strategy", "noise", "--start", start])
    assert list(tmp_path.iterdir()) == []


def test_a_seed_gives_the_same_bytes_whatever_python_hashes_with(tmp_path: Path) -> None:
    journals = []
    for seed in ("1", "77"):
        arguments = ["-m", "offline.simulate", str(tmp_path / seed), "--strategy", "traders", "--strategy", "noise*2"]
        made = subprocess.run(
            tool(*arguments, "--seconds", "5"),
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert made.returncode == simulate.MADE, made.stderr
        journals.append((tmp_path / seed / "journal.sqlite").read_bytes())
    assert journals[0] == journals[1]


@pytest.fixture(scope="module")
def served(day: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that goes on with the state of the day's snapshot, without its records."""
    data = tmp_path_factory.mktemp("served") / "data"
    (snapshot,) = (day / "snapshots").glob("*.obs")
    assert start_from.main(["snapshot", str(snapshot), str(data)]) == start_from.MADE
    with with_operator(data) as running:
        yield running


def test_a_venue_begins_with_a_snapshot_and_goes_on_with_live_orders(served: RunningServer, day: Path) -> None:
    last = records_of(day)[-1]
    assert f"state digest {digest_at(records_of(day), last.last_seq)} at seq {last.last_seq}" in served.log
    book = served.http.get(f"/book/{SYMBOL}?levels=1")
    assert served.http.enter(SYMBOL, "buy", "0.00100000", book["asks"][0][0])["status"] == "filled"
    eventually(lambda: served.http.get("/health")["history"]["lag"] == 0)
    assert "damaged" not in served.log


def test_a_running_server_is_cloned_with_its_users_and_nobody_is_signed_in_at_the_clone(
    served: RunningServer, tmp_path: Path
) -> None:
    signed_in = served.http.post("/auth/login", {"name": OPERATOR, "password": PASSWORD}).granted()
    bearer = {"Authorization": f"Bearer {signed_in['token']}"}
    health = served.http.get("/health?digest=true")
    assert clone.main([str(served.data), str(tmp_path / "clone"), "--with-users"]) == clone.MADE
    proved(tmp_path / "clone")
    with RunningServer(tmp_path / "clone", "--profile", "secured") as other:
        assert f"state digest {health['digest']} at seq {health['seq']}" in other.log
        assert other.http.call("GET", "/account", headers=bearer).status == 401
        other.http.post("/auth/login", {"name": OPERATOR, "password": PASSWORD}).granted()


def test_strategies_trade_on_a_server_that_names_them_and_their_seed_and_leave_no_order(served: RunningServer) -> None:
    named = [word for name in ("traders", "noise*2", DIP_BUYER) for word in ("--strategy", name)]
    before = served.http.get("/statistics")["trades_executed"]
    process = subprocess.Popen(
        tool("-m", "tools.strategies", "--url", served.url, "--seed", "9", "--tick-ms", "20", *named),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        source = {"flow": "simulated", "seed": 9, "strategy": f"traders, noise, {DIP_BUYER}"}
        eventually(lambda: source in served.http.get("/health")["sources"])
        eventually(lambda: served.http.get("/statistics")["trades_executed"] > before + 40)
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    found = re.search(r"([0-9,]+) orders, .* ([0-9,]+) fills", printed)
    assert found is not None
    assert int(found[2].replace(",", "")) > 20
    eventually(lambda: not _of_strategies(served))
    assert served.http.get("/health")["sources"] == []


def _of_strategies(server: RunningServer) -> list[Any]:
    orders = server.http.get("/orders?status=open")["orders"]
    return [order for order in orders if (order["client_order_id"] or "").startswith("s-")]


@needs_lobster
def test_a_recorded_morning_is_made_twice_alike_and_reproduces_the_recorded_trades(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        arguments = ["recording", "lobster", str(LOBSTER / "message_50.csv.xz"), str(tmp_path / name), "--limit", "600"]
        assert start_from.main(arguments) == start_from.MADE
    out = capsys.readouterr().out
    assert len(set(STATE.findall(out))) == 1
    assert "refused: nothing" in out
    assert records_of(tmp_path / "one") == records_of(tmp_path / "two")
    proved(tmp_path / "one")


def test_a_recording_of_times_alone_needs_its_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messages = tmp_path / "msft_message_1.csv"
    messages.write_text("34200.1,1,11,100,310000,1\n34200.2,1,12,50,310100,-1\n34200.3,4,11,40,310000,1\n")
    arguments = ["recording", "lobster", str(messages), str(tmp_path / "made")]
    assert start_from.main(arguments) == start_from.FAILED
    assert "--day" in capsys.readouterr().err
    for day in ("1969-12-31", "9999-12-31"):
        assert start_from.main([*arguments, "--day", day]) == start_from.FAILED
        assert f"{day} is no day of a market" in capsys.readouterr().err
    assert start_from.main([*arguments, "--day", "2012-06-21"]) == start_from.MADE
    assert "1 of 1 recorded trades" in capsys.readouterr().out
    assert records_of(tmp_path / "made")[0].ts_ns == 1_340_271_000_100_000_000


def test_the_example_of_the_documentation_is_the_one_that_runs() -> None:
    shown = (ROOT / "Documentation" / "strategies.md").read_text().split("```python\n")[1].split("```")[0]
    assert (ROOT / "examples" / "dip_buyer.py").read_text() == shown
