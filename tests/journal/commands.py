"""Commands for the journal's tests: a listed symbol, a seeded flow, batches of it sealed in a chain."""

from __future__ import annotations

import random
from collections.abc import Iterator

from engine.commands import CancelOrder, Command, Deposit, EnterOrder, ListInstrument
from engine.digest import state_digest
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.types import SANDBOX_ACCOUNT, Amount, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce
from journal.codec import GENESIS, BatchRecord, open_batch, seal
from journal.port import Journal

BTC_USDT = Instrument(
    symbol="BTC-USDT",
    base="BTC",
    quote="USDT",
    tick_size="0.01",
    lot_size="0.00000001",
    quote_scale=10,
    lot_tick_amount=Amount(1),
    base_scale=8,
    max_quantity=Lots(10**12),
    max_notional=Amount(10**18),
    maker_fee=100,
    taker_fee=200,
    max_open_orders=10_000,
)
FUNDS = [Deposit(SANDBOX_ACCOUNT, asset, "1000000000000") for asset in (BTC_USDT.base, BTC_USDT.quote)]
START_NS = 1_700_000_000_000_000_000


def limit(side: Side, price: int, quantity: int, client_order_id: str | None = None) -> EnterOrder:
    return EnterOrder(
        SANDBOX_ACCOUNT,
        "BTC-USDT",
        side,
        OrderType.LIMIT,
        TimeInForce.GTC,
        Lots(quantity),
        Ticks(price),
        client_order_id,
    )


def flow(seed: int, count: int) -> list[Command]:
    """`count` commands that rest, trade and cancel, beginning with the listing and deposits."""
    rng = random.Random(seed)
    commands: list[Command] = [ListInstrument(BTC_USDT), *FUNDS]
    while len(commands) < count:
        if rng.random() < 0.2:
            commands.append(CancelOrder(SANDBOX_ACCOUNT, OrderId(rng.randint(1, len(commands)))))
        else:
            side = rng.choice(list(Side))
            commands.append(limit(side, rng.randint(2_999_990, 3_000_010), rng.randint(1, 50)))
    return commands


def sealed(commands: list[Command], per_batch: int) -> Iterator[BatchRecord]:
    """The commands in chained records of `per_batch`."""
    chain, seq = GENESIS, 1
    for n, start in enumerate(range(0, len(commands), per_batch), 1):
        batch = commands[start : start + per_batch]
        record = seal(n, START_NS + n, seq, batch, chain)
        yield record
        chain, seq = record.chain, seq + len(batch)


def applied_digest(records: list[BatchRecord]) -> str:
    """The digest of the state that the records' commands make, without any journal."""
    exchange = Exchange()
    for record in records:
        for seq, command in enumerate(open_batch(record), record.first_seq):
            exchange.apply(command, Seq(seq), record.ts_ns)
    return state_digest(exchange)


def fill(journal: Journal, records: list[BatchRecord]) -> None:
    for record in records:
        journal.append(record)
