"""A history that was damaged anywhere, in any way: it is opened, built anew, and answers as before."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.types import Seq
from history import sqlite
from history.errors import StoreDamaged
from history.writer import HistoryWriter, require_not_ahead, stored_seq
from tests.history.runs import ACCOUNTS, expected_orders, expected_trades, run_exchange
from tests.history.written import WrittenHistory

PLACES = 60
RUN = run_exchange(1500, seed=8)
STORED = 1000  # commands, when it is damaged
WAYS = ("flip", "garbage", "zeros", "truncate", "repeat")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history that was closed."""
    path = tmp_path_factory.mktemp("sound") / "history.sqlite"
    with closing(HistoryWriter(path)) as writer:
        writer.write(RUN[:STORED])
    return path


def damage(path: Path, rng: random.Random) -> str:
    """Damage the file at a place; what was done."""
    content = bytearray(path.read_bytes())
    way, at = rng.choice(WAYS), rng.choice([rng.randrange(100), rng.randrange(len(content))])
    length = min(rng.choice([1, 4096]), len(content) - at)
    if way == "flip":
        content[at] ^= 1 << rng.randrange(8)
    elif way == "garbage":
        content[at : at + length] = rng.randbytes(length)
    elif way == "zeros":
        content[at : at + length] = bytes(length)
    elif way == "truncate":
        del content[at:]
    else:
        content[at : at + length] = content[-length:]
    path.write_bytes(content)
    return f"{way} of {length} at {at}"


def write_all(path: Path) -> None:
    """As a historian does: begin anew where the file turns out to be damaged."""
    for _ in range(2):
        with closing(HistoryWriter(path)) as writer:
            try:
                for start in range(0, len(RUN), 100):
                    writer.write(RUN[start : start + 100])
            except StoreDamaged:
                writer.set_aside()
                continue
            return


def require_right(path: Path, done: str) -> None:
    with closing(WrittenHistory(path)) as history:
        assert history.applied_seq == len(RUN), done
        assert history.trades(limit=10_000) == expected_trades(RUN)[::-1], done
        found = [order for account in ACCOUNTS for order in history.orders(account, limit=10_000)]
        assert {order.order_id: order for order in found} == expected_orders(RUN), done


@pytest.mark.parametrize("part", range(4))
def test_wherever_a_closed_history_is_damaged_it_is_right_after_the_next_start(
    sound: Path, tmp_path: Path, part: int
) -> None:
    rng = random.Random(part)
    for place in range(PLACES // 4):
        folder = tmp_path / str(place)
        shutil.copytree(sound.parent, folder)
        path = folder / sound.name
        before = path.read_bytes()
        done = damage(path, rng)
        is_changed = path.read_bytes() != before
        assert require_not_ahead(path, Seq(STORED)) in (0, STORED), done  # which no start may stop at
        write_all(path)
        require_right(path, done)
        assert bool(list(folder.glob("history.damaged-*"))) == is_changed or not path.read_bytes(), done


@pytest.mark.parametrize("part", range(2))
def test_a_write_ahead_log_that_is_damaged_loses_no_more_than_is_written_again(tmp_path: Path, part: int) -> None:
    rng = random.Random(100 + part)
    for place in range(6):
        path = tmp_path / str(place) / "history.sqlite"
        path.parent.mkdir()
        with closing(HistoryWriter(tmp_path / "open.sqlite", anew=True)) as writer:
            writer.write(RUN[:500])
            writer.write(RUN[:STORED])
            for suffix in ("", "-wal"):  # as a kill leaves them
                shutil.copy(tmp_path / f"open.sqlite{suffix}", path.with_name(path.name + suffix))
        done = damage(path.with_name(path.name + "-wal"), rng)
        write_all(path)
        require_right(path, done)


def put_directory(path: Path) -> None:
    path.mkdir()
    (path / "something").write_text("of somebody's")


def put_another_application(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE orders (mine TEXT)")
        connection.execute("INSERT INTO orders VALUES ('precious')")


def put_history_without(path: Path, name: str) -> None:
    with closing(HistoryWriter(path)) as writer:
        writer.write(RUN[:STORED])
    with closing(sqlite3.connect(path)) as connection, connection:
        kind = "INDEX" if "_by_" in name else "VIEW" if name.startswith("done") else "TABLE"
        connection.execute(f"DROP {kind} {name}")


@pytest.mark.parametrize(
    ("put", "is_kept"),
    [
        (put_directory, True),
        (put_another_application, True),
        (lambda path: path.write_bytes(b""), False),
        (lambda path: path.write_bytes(b"\0" * 100_000), True),
        (lambda path: path.write_bytes(b"garbage" * 5000), True),
        (lambda path: path.symlink_to(path.parent / "elsewhere"), False),
        (lambda path: put_history_without(path, "trades"), True),
        (lambda path: put_history_without(path, "candles"), True),
        (lambda path: put_history_without(path, "orders_by_account"), True),
        (lambda path: put_history_without(path, "done_orders"), True),
    ],
)
def test_whatever_stands_in_its_place_is_set_aside_whole_and_the_history_made_anew(
    tmp_path: Path, put: object, is_kept: bool
) -> None:
    path = tmp_path / "history.sqlite"
    assert callable(put)
    put(path)
    assert require_not_ahead(path, Seq(STORED)) in (0, STORED)
    write_all(path)
    require_right(path, "")
    assert len(list(tmp_path.glob("history.damaged-*"))) == is_kept
    if put is put_directory:
        (kept,) = tmp_path.glob("history.damaged-*")
        assert (kept / "something").read_text() == "of somebody's"


def test_a_directory_is_set_aside_too_where_the_history_is_asked_for_anew(tmp_path: Path) -> None:
    put_directory(tmp_path / "history.sqlite")
    HistoryWriter(tmp_path / "history.sqlite", anew=True).close()
    assert stored_seq(tmp_path / "history.sqlite") == 0
    assert len(list(tmp_path.glob("history.damaged-*"))) == 1


def test_no_more_than_two_that_were_set_aside_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    for number in range(4):
        path.write_bytes(b"damaged %d" % number)
        path.with_name("history.sqlite-wal").write_bytes(b"its log")
        assert sqlite.set_aside(path)
    kept = sorted(each for each in tmp_path.glob("history.damaged-*") if not each.name.endswith("-wal"))
    assert [each.read_bytes() for each in kept] == [b"damaged 2", b"damaged 3"]
    assert len(list(tmp_path.iterdir())) == 4
    assert sqlite.set_aside(path) is None
