"""A journal of mixed flow, made without an exchange: what benchmarks of a start, of disk and of memory begin with.

Many accounts and symbols; of the commands behind the first orders 45 % enter an order that rests, 30 % cancel one of
these, 25 % enter one that takes (IOC). Every order has a client order id.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from engine.commands import AdoptRulebook, CancelOrder, Command, Deposit, EnterOrder, ListInstrument
from engine.instrument import Instrument
from engine.rulebook import CURRENT_EDITION
from engine.types import AccountId, Amount, Lots, OrderId, OrderType, Side, Ticks, TimeInForce
from journal.codec import GENESIS, BatchRecord, seal
from journal.sqlite import SqliteJournal

ACCOUNTS: Final = 400
SYMBOLS: Final = 20
BATCH: Final = 20  # commands in a record
START_NS: Final = 1_790_000_000_000_000_000
STEP_NS: Final = 100_000  # between two records
MIDDLE: Final = 10_000  # ticks: far orders are up to a half away
NEAR_MAX: Final = 20_000  # orders near the middle that may be open: beyond, only cancels come
LIMIT, GTC, IOC = OrderType.LIMIT, TimeInForce.GTC, TimeInForce.IOC


def instrument(number: int) -> Instrument:
    """One of the symbols."""
    return Instrument(
        symbol=f"S{number:02}-CASH", base=f"S{number:02}", quote="CASH", tick_size="0.01", lot_size="0.001",
        quote_scale=8, lot_tick_amount=Amount(1000), base_scale=4, lot_amount=Amount(10), max_quantity=Lots(10**6),
        max_notional=Amount(10**18), maker_fee=-100, taker_fee=500, max_open_orders=10**6,
    )  # fmt: skip


def opening() -> Iterator[Command]:
    """The rules, the symbols, and funds for everybody."""
    yield AdoptRulebook(CURRENT_EDITION)
    for number in range(SYMBOLS):
        yield ListInstrument(instrument(number))
    for account in range(2, ACCOUNTS + 2):
        yield Deposit(AccountId(account), "CASH", "1000000000")
        for number in range(SYMBOLS):
            yield Deposit(AccountId(account), f"S{number:02}", "1000000000")


def flow(count: int, resting: int, seed: int = 1) -> Iterator[Command]:
    """`count` commands, of which `resting` orders stay in the book; the opening is among them."""
    chance = random.Random(seed)
    seq = 0
    for command in opening():
        seq += 1
        yield command
    mine: list[tuple[int, AccountId]] = []  # near orders that may be open still
    far = resting
    while seq < count:
        seq += 1
        account, symbol = AccountId(2 + chance.randrange(ACCOUNTS)), f"S{chance.randrange(SYMBOLS):02}-CASH"
        side, lots = (Side.BUY, Side.SELL)[chance.randrange(2)], Lots(1 + chance.randrange(100))
        name, kind = f"{account}-{seq}", chance.random()
        if far:
            far -= 1
            away = 100 + chance.randrange(MIDDLE // 2)
            price = Ticks(MIDDLE - away if side is Side.BUY else MIDDLE + away)
            yield EnterOrder(account, symbol, side, LIMIT, GTC, lots, price, name, None, None)
        elif mine and (kind < 0.3 or len(mine) > NEAR_MAX):
            number, owner = mine.pop(chance.randrange(len(mine)))
            yield CancelOrder(owner, OrderId(number), None, None, by_operator=False)
        elif kind < 0.55:
            price = Ticks(MIDDLE + 50 if side is Side.BUY else MIDDLE - 50)
            yield EnterOrder(account, symbol, side, LIMIT, IOC, lots, price, name, None, None)
        else:
            away = 1 + chance.randrange(40)
            price = Ticks(MIDDLE - away if side is Side.BUY else MIDDLE + away)
            mine.append((seq, account))
            yield EnterOrder(account, symbol, side, LIMIT, GTC, lots, price, name, None, None)


def records(count: int, resting: int) -> Iterator[BatchRecord]:
    """The flow, sealed."""
    chain, n, first_seq = GENESIS, 0, 1
    batch: list[Command] = []
    for seq, command in enumerate(flow(count, resting), 1):
        batch.append(command)
        if len(batch) == BATCH or seq == count:
            n += 1
            record = seal(n, START_NS + n * STEP_NS, first_seq, batch, chain)
            chain, first_seq, batch = record.chain, seq + 1, []
            yield record


def write(path: Path, count: int, resting: int) -> None:
    """Make the journal file. Many records to a flush: nobody waits for them."""
    SqliteJournal(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (r.n, r.ts_ns, r.first_seq, r.count, r.prev_chain, r.body, r.chain, r.crc32)
                for r in records(count, resting)
            ),
        )
        connection.execute("COMMIT")
