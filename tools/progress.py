"""Progress of long work on standard error: a bar for a person, a line now and then for a log.

Layer: tools.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

BETWEEN_LINES_S: Final = 10.0
STEP: Final = 1000  # things counted between two readings of the clock

T = TypeVar("T")


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Call what it gives with how many more are done."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(what, total)
        return
    rest = TimeRemainingColumn() if total is not None else TimeElapsedColumn()
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rest, console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.advance(task, more)


def counted(things: Iterable[T], done: Callable[[int], None]) -> Iterator[T]:
    """The same things; `done` is called with their count a thousand at a time."""
    number = 0
    for number, thing in enumerate(things, 1):
        yield thing
        if number % STEP == 0:
            done(STEP)
    done(number % STEP)


def _lines(what: str, total: int | None) -> Callable[[int], None]:
    number, reported_at = 0, time.monotonic()

    def done(more: int) -> None:
        nonlocal number, reported_at
        number += more
        if time.monotonic() - reported_at >= BETWEEN_LINES_S:
            reported_at = time.monotonic()
            of = f" of {total:,}" if total is not None else ""
            print(f"{what}: {number:,}{of}", file=sys.stderr, flush=True)

    return done
