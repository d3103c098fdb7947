"""How many commands a second the engine alone takes, by type of flow, and how fast a journal is replayed.

    python -m benchmarks.engine [--commands 50000] [--rounds 3] [--no-recovery]

No journal, no network, one core: `Exchange.apply` and nothing else. Each flow is measured on a
small and on a deep book, to show that a rate does not fall with what rests. Seconds are of processor
time, and each figure is the best of the rounds, since others use the machine too.
"""

from __future__ import annotations

import argparse
import gc
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks.arguments import positive_int
from benchmarks.machine import describe
from engine.commands import AmendOrder, CancelOrder, Command, Deposit, EnterOrder, ListInstrument
from engine.exchange import Exchange
from engine.instrument import Instrument
from engine.rulebook import CURRENT_EDITION
from engine.types import AccountId, Amount, Lots, OrderId, OrderType, Seq, Side, Ticks, TimeInForce
from journal.codec import GENESIS, seal
from journal.sqlite import SqliteJournal
from replica.replay import replay

ACCOUNT = AccountId(1)
SYMBOL = "BTC-USDT"
MIDDLE = 3_000_000  # ticks
SMALL_BOOK, DEEP_BOOK = 1_000, 100_000  # resting orders
ORDERS_PER_LEVEL = 10
REPLAY_BATCH = 100  # commands

INSTRUMENT = Instrument(
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    tick_size="0.01",
    lot_size="0.00000001",
    quote_scale=10,
    lot_tick_amount=Amount(1),
    base_scale=8,
    max_quantity=Lots(10**14),
    max_notional=Amount(10**18),
    maker_fee=200,
    taker_fee=500,
    collar=100_000,
    reference_price=Ticks(MIDDLE),
    max_open_orders=10**9,
)

OPENING: list[Command] = [
    ListInstrument(INSTRUMENT),
    *(Deposit(ACCOUNT, asset, "1000000000000") for asset in (INSTRUMENT.base, INSTRUMENT.quote)),
]
FIRST_ID = len(OPENING) + 1  # of the orders that stand before a flow begins


def order(
    side: Side,
    quantity: int,
    price: int | None,
    time_in_force: TimeInForce = TimeInForce.GTC,
) -> EnterOrder:
    """A limit order, or a market order when it has no price."""
    order_type = OrderType.MARKET if price is None else OrderType.LIMIT
    limit = None if price is None else Ticks(price)
    return EnterOrder(ACCOUNT, SYMBOL, side, order_type, time_in_force, Lots(quantity), limit)


def resting_book(orders: int) -> list[Command]:
    """Bids and offers in equal number, ten at each price, from one tick off the middle outward."""
    book: list[Command] = []
    for number in range(orders):
        side = Side.BUY if number % 2 else Side.SELL
        away = 1 + number // (2 * ORDERS_PER_LEVEL)
        book.append(order(side, 100, MIDDLE - away if side is Side.BUY else MIDDLE + away))
    return book


class Flow:
    """A source of commands. `next_seq` is the number that the first of them will have."""

    def __init__(self, next_seq: int, orders_before: int) -> None:
        self.rng = random.Random(1)
        self.next_seq = next_seq
        self.orders_before = orders_before  # orders that rest before the flow begins; their ids are FIRST_ID and on

    def resting(self, count: int) -> list[Command]:
        """Limit orders that trade with nobody, at existing and new prices."""
        levels = self.orders_before // (2 * ORDERS_PER_LEVEL)
        away = [self.rng.randint(1, levels + 100) for _ in range(count)]
        return [order(Side.BUY, 100, MIDDLE - n) if n % 2 else order(Side.SELL, 100, MIDDLE + n) for n in away]

    def cancelling(self, count: int) -> list[Command]:
        """Enter and cancel by turns; the cancelled order stands anywhere in its queue."""
        commands: list[Command] = []
        open_ids = list(range(FIRST_ID, FIRST_ID + self.orders_before))
        while len(commands) < count:
            open_ids.append(self.next_seq + len(commands))
            commands += self.resting(1)
            chosen = self.rng.randrange(len(open_ids))
            open_ids[chosen], open_ids[-1] = open_ids[-1], open_ids[chosen]
            commands.append(CancelOrder(ACCOUNT, OrderId(open_ids.pop())))
        return commands

    def amending(self, count: int) -> list[Command]:
        """Resting orders lose one lot each and keep their place."""
        return [
            AmendOrder(ACCOUNT, OrderId(FIRST_ID + n % self.orders_before), None, Lots(99 - n // self.orders_before))
            for n in range(min(count, 90 * self.orders_before))
        ]

    def sweeping(self, count: int) -> list[Command]:
        """Ten offers at ten prices inside the spread of nobody, then one IOC that takes them all."""
        commands: list[Command] = []
        while len(commands) < count:
            commands += [order(Side.SELL, 1, MIDDLE - 50 + n) for n in range(10)]
            commands.append(order(Side.BUY, 10, MIDDLE, TimeInForce.IOC))
        return commands

    def fill_or_kill(self, count: int) -> list[Command]:
        """By turns a FOK that the best level fills, its replacement, and one that nothing can fill."""
        commands: list[Command] = []
        while len(commands) < count:
            commands.append(order(Side.SELL, 5, MIDDLE))
            commands.append(order(Side.BUY, 5, MIDDLE, TimeInForce.FOK))
            commands.append(order(Side.BUY, 5, MIDDLE, TimeInForce.FOK))
        return commands

    def market(self, count: int) -> list[Command]:
        """A market order takes the order that was just entered."""
        commands: list[Command] = []
        while len(commands) < count:
            commands.append(order(Side.SELL, 5, MIDDLE))
            commands.append(order(Side.BUY, 5, None, TimeInForce.IOC))
        return commands

    def mixed(self, count: int) -> list[Command]:
        """Half limit orders around the middle, three in ten cancels of the latest, the rest IOC and market."""
        commands: list[Command] = []
        rng = self.rng
        for number in range(count):
            dice, side = rng.random(), rng.choice((Side.BUY, Side.SELL))
            if dice < 0.5:
                lean = -8 if side is Side.BUY else 8
                commands.append(order(side, rng.randint(1, 100), MIDDLE + rng.randint(-20, 20) + lean))
            elif dice < 0.8:
                seq = self.next_seq + number
                commands.append(CancelOrder(ACCOUNT, OrderId(rng.randint(max(FIRST_ID, seq - 3000), seq))))
            elif dice < 0.9:
                commands.append(order(side, rng.randint(1, 100), MIDDLE, TimeInForce.IOC))
            else:
                commands.append(order(side, rng.randint(1, 100), None, TimeInForce.IOC))
        return commands


FLOWS: dict[str, Callable[[Flow, int], list[Command]]] = {
    "resting limit orders": Flow.resting,
    "enter and cancel": Flow.cancelling,
    "amend down": Flow.amending,
    "IOC sweep of ten levels": Flow.sweeping,
    "FOK, filled and refused": Flow.fill_or_kill,
    "market": Flow.market,
    "mixed": Flow.mixed,
}


def rate(flow: Callable[[Flow, int], list[Command]], orders_before: int, count: int) -> float:
    """Commands a second of one run of `flow` on a book of `standing` orders."""
    exchange = Exchange(CURRENT_EDITION)
    for seq, command in enumerate([*OPENING, *resting_book(orders_before)], 1):
        exchange.apply(command, Seq(seq), seq)
    first = exchange.seq + 1
    commands = flow(Flow(first, orders_before), count)
    gc.collect()
    started = time.process_time()
    for seq, command in enumerate(commands, first):
        exchange.apply(command, Seq(seq), seq)
    seconds = time.process_time() - started
    exchange.check_invariants()
    return len(commands) / seconds


def recovery(count: int) -> float:
    """Seconds to replay a million commands of mixed flow, scaled from `count` of them."""
    commands = [*OPENING, *Flow(len(OPENING) + 1, SMALL_BOOK).mixed(count - len(OPENING))]
    with (
        tempfile.TemporaryDirectory() as directory,
        closing(SqliteJournal(Path(directory, "journal.sqlite"))) as journal,
    ):
        chain = GENESIS
        for n, start in enumerate(range(0, count, REPLAY_BATCH), 1):
            record = seal(n, n, start + 1, commands[start : start + REPLAY_BATCH], chain)
            chain = record.chain
            journal.append(record)
        gc.collect()
        started = time.process_time()
        replayed = replay(journal, Exchange(CURRENT_EDITION))
        seconds = time.process_time() - started
    return seconds / replayed.commands * 1_000_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=positive_int, default=50_000, help="in each run (default %(default)s)")
    parser.add_argument(
        "--rounds", type=positive_int, default=3, help="runs of which the best counts (default %(default)s)"
    )
    parser.add_argument("--no-recovery", action="store_true", help="leave the replay of a journal out")
    arguments = parser.parse_args()
    print(describe())
    print(f"\n{'commands a second':26}{f'{SMALL_BOOK:,} resting':>18}{f'{DEEP_BOOK:,} resting':>18}{'ratio':>8}")
    for name, flow in FLOWS.items():
        small, deep = (
            max(rate(flow, orders_before, arguments.commands) for _ in range(arguments.rounds))
            for orders_before in (SMALL_BOOK, DEEP_BOOK)
        )
        print(f"{name:26}{small:18,.0f}{deep:18,.0f}{deep / small:8.2f}")
    if not arguments.no_recovery:
        seconds = min(recovery(arguments.commands) for _ in range(arguments.rounds))
        print(f"\nrecovery: {seconds:.1f} s for a million commands of mixed flow, {REPLAY_BATCH} a batch")


if __name__ == "__main__":
    main()
