"""How many bytes a command takes in the history, by table and index, and what writing it costs.

    python -m benchmarks.history_size [--commands 200000] [--flow mixed] [--messages FILE]

Flows: `mixed` is half limit orders around the middle, three in ten cancels, the rest IOC and market, of twenty
accounts, half of the orders with a client order id; `trades` is offers that a market order takes at once; `sweeps` is
ten offers that one order takes, the most that is written for a command; `audit` is the auditor's mix of every command
and option; `recorded` is a LOBSTER message file, each message as the command that makes it. Seconds are of processor
time, of the writing alone.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from audit.mix import Mix
from audit.naive_exchange import NaiveExchange
from benchmarks.arguments import positive_int
from benchmarks.engine import FLOWS, INSTRUMENT, Flow
from benchmarks.machine import describe
from engine.commands import CancelOrder, Command, Deposit, EnterOrder, ListInstrument
from engine.events import CommandResult
from engine.exchange import Exchange
from engine.rulebook import CURRENT_EDITION
from engine.types import AccountId, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce
from history.writer import HistoryWriter
from tools.recorded import MessageType, read_lobster_messages

ACCOUNTS = 20
START_NS = 1_790_000_000_000_000_000
COMMANDS_NS = 5_000_000  # between two commands: 200 a second
TRANSACTION = 1_000  # commands


def opening() -> list[Command]:
    """The listing and everybody's funds."""
    money = [
        Deposit(AccountId(account), asset, "1000000000000")
        for account in range(1, ACCOUNTS + 1)
        for asset in (INSTRUMENT.base, INSTRUMENT.quote)
    ]
    return [ListInstrument(msgspec.structs.replace(INSTRUMENT, collar=None)), *money]


def spread(commands: list[Command], first: int) -> list[Command]:
    """The same commands, of many accounts, every other order under a client order id."""
    rng, owners, spread = random.Random(7), dict[int, AccountId](), list[Command]()
    for seq, given in enumerate(commands, first):
        command = given
        if isinstance(command, EnterOrder):
            owners[seq] = AccountId(rng.randint(1, ACCOUNTS))
            name = f"bot-{seq:x}" if seq % 2 else None
            command = msgspec.structs.replace(
                command, account=owners[seq], client_order_id=name, self_trade_prevention=None
            )
        elif isinstance(command, CancelOrder):
            owner = owners.get(command.order_id or 0, AccountId(1))
            command = msgspec.structs.replace(command, account=owner)
        spread.append(command)
    return spread


def recorded(path: Path) -> list[Command]:
    """The visible messages of a LOBSTER file: entries, cancels, and executions as IOC orders of the other side."""
    commands: list[Command] = []
    ids: dict[int, int] = {}
    first = len(opening()) + 1
    for message in read_lobster_messages(path):
        side = Side.BUY if message.side == "buy" else Side.SELL
        owner = AccountId(1 + message.order_id % ACCOUNTS)
        seq = first + len(commands)
        price, shares = Ticks(message.price_e4 // 100), Lots(message.shares)
        if message.kind is MessageType.NEW_ORDER:
            ids[message.order_id] = seq
            name = f"L{message.order_id}" if seq % 2 else None
            commands.append(
                EnterOrder(
                    owner,
                    INSTRUMENT.symbol,
                    side,
                    OrderType.LIMIT,
                    TimeInForce.GTC,
                    shares,
                    price,
                    name,
                    self_trade_prevention=None,
                )
            )
        elif message.kind is MessageType.DELETE and message.order_id in ids:
            commands.append(CancelOrder(owner, OrderId(ids[message.order_id])))
        elif message.kind is MessageType.EXECUTION:
            taker = Side.SELL if side is Side.BUY else Side.BUY
            other = AccountId(1 + (message.order_id + 7) % ACCOUNTS)
            commands.append(
                EnterOrder(
                    other,
                    INSTRUMENT.symbol,
                    taker,
                    OrderType.LIMIT,
                    TimeInForce.IOC,
                    shares,
                    price,
                    self_trade_prevention=None,
                )
            )
    return commands


def results(flow: str, count: int, messages: Path | None) -> Iterator[CommandResult]:
    """What each command of a flow caused."""
    if flow == "audit":
        naive = NaiveExchange()
        mix = Mix(2, naive)
        exchange = Exchange()
        for _ in range(count):
            seq, ts_ns, command = mix.next()
            naive.apply(command, seq, ts_ns)
            yield CommandResult(Seq(seq), ts_ns, command, exchange.apply(command, Seq(seq), ts_ns))
        return
    first = len(opening()) + 1
    if flow == "recorded":
        if messages is None:
            raise SystemExit("give --messages, a LOBSTER message file")
        commands = [*opening(), *recorded(messages)]
    else:
        name = {"mixed": "mixed", "trades": "market", "sweeps": "IOC sweep of ten levels"}[flow]
        commands = [*opening(), *spread(FLOWS[name](Flow(first, 0), count), first)]
    exchange = Exchange(CURRENT_EDITION)
    rng, ts_ns = random.Random(3), START_NS
    for number, command in enumerate(commands, 1):
        ts_ns += rng.randint(1, 2 * COMMANDS_NS)
        yield CommandResult(Seq(number), ts_ns, command, exchange.apply(command, Seq(number), ts_ns))


def written(path: Path, flow: str, count: int, messages: Path | None) -> tuple[int, float]:
    """Write the flow to a new history; return the commands and the seconds that writing took."""
    seconds, commands, batch = 0.0, 0, list[CommandResult]()
    with closing(HistoryWriter(path)) as writer:
        for result in results(flow, count, messages):
            batch.append(result)
            commands += 1
            if len(batch) == TRANSACTION:
                began = time.process_time()
                writer.write(batch)
                seconds += time.process_time() - began
                batch.clear()
        began = time.process_time()
        writer.write(batch)
        seconds += time.process_time() - began
    return commands, seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=positive_int, default=200_000, help="of each flow (default %(default)s)")
    parser.add_argument("--flow", choices=("mixed", "trades", "sweeps", "audit", "recorded"), action="append")
    parser.add_argument("--messages", type=Path, help="a LOBSTER message file, for the flow `recorded`")
    arguments = parser.parse_args()
    print(describe())
    for flow in arguments.flow or ("mixed", "trades", "sweeps"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "history.sqlite")
            commands, seconds = written(path, flow, arguments.commands, arguments.messages)
            print(f"\n{flow}: {commands:,} commands, {seconds / commands * 1e6:.1f} microseconds each to write")
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                sizes = connection.execute(
                    "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY sum(pgsize) DESC"
                ).fetchall()
                rows = {
                    name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]  # noqa: S608 # its own names
                    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                }
            for name, size in sizes:
                count = f"{rows[name]:10,} rows" if name in rows else ""
                print(f"  {name:34}{size / commands:8.1f} bytes a command {count}")
            print(f"  {'in all':34}{path.stat().st_size / commands:8.1f} bytes a command")


if __name__ == "__main__":
    main()
