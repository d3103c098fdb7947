"""What it costs to keep the newest done orders in memory: `python -m benchmarks.order_memory`.

Orders with client order ids, a third of which take, cancels and amends, applied in batches and folded by `OrderMemory`
as the sequencer has it done. Prints both times, and the bytes that the memory holds when it is full.
"""

from __future__ import annotations

import gc
import random
import sys
import time
import tracemalloc
from collections.abc import Iterator

import msgspec

from api.orders.memory import DONE_MAX, OrderMemory
from api.replaying import GC_OLDER_THRESHOLDS, GC_YOUNG_THRESHOLD
from benchmarks.explain import commands
from benchmarks.machine import describe
from engine.commands import Command, EnterOrder
from engine.events import CommandResult, Ended, Filled
from engine.exchange import Exchange
from engine.types import Seq

BATCH = 32


def flow(count: int) -> list[Command]:
    """`count` commands; every order has a client order id."""
    return [
        msgspec.structs.replace(command, client_order_id=f"order-{number}")
        if isinstance(command, EnterOrder)
        else command
        for number, command in enumerate(commands(count, random.Random(1)))
    ]


def batches(asked: list[Command], exchange: Exchange) -> Iterator[list[CommandResult]]:
    """The commands applied, batch by batch."""
    for start in range(0, len(asked), BATCH):
        part = enumerate(asked[start : start + BATCH], start + 1)
        yield [CommandResult(Seq(seq), seq, each, exchange.apply(each, Seq(seq), seq)) for seq, each in part]


def times(asked: list[Command]) -> None:
    """Print what applying and folding take."""
    memory, folding = OrderMemory(), list[float]()
    applied, fills, ends = 0.0, 0, 0
    begun = time.perf_counter()
    for batch in batches(asked, Exchange()):
        started = time.perf_counter()
        applied += started - begun
        memory.on_applied(batch)
        folding.append(time.perf_counter() - started)
        for item in batch:
            fills += sum(isinstance(event, Filled) for event in item.events)
            ends += sum(isinstance(event, Ended) for event in item.events)
        begun = time.perf_counter()
    folded = sum(folding)
    folding.sort()
    print(f"{len(asked):,} commands, {fills:,} trades, {ends:,} orders done, {len(memory):,} of them kept")
    print(f"applied {applied / len(asked) * 1e6:.2f} us a command, folded {folded / len(asked) * 1e6:.2f} us")
    print(f"folded against applied: {folded / applied:.2f}")
    print(f"a batch of {BATCH}: p50 {folding[len(folding) // 2] * 1e6:.0f} us, longest {folding[-1] * 1e6:.0f} us")


def held(asked: list[Command]) -> None:
    """Print the bytes that are held with the memory and not without."""
    sizes: list[int] = []
    for folds in (False, True):
        gc.collect()
        tracemalloc.start()
        exchange, memory = Exchange(), OrderMemory()
        for batch in batches(asked, exchange):
            if folds:
                memory.on_applied(batch)
        del batch
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    more = sizes[1] - sizes[0]
    print(f"memory: {more / 1e6:.1f} MB, {more / len(memory):.0f} bytes for each order that is kept")


def main() -> None:
    """Print everything."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 6 * DONE_MAX
    print(describe())
    asked = flow(count)
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_YOUNG_THRESHOLD, *GC_OLDER_THRESHOLDS)
    times(asked)
    held(asked)


if __name__ == "__main__":
    main()
