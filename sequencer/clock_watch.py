"""Looks after the venue's clock: says when it is held, and keeps what the next start goes by.

Layer: sequencer. For the event loop's thread.
"""

from __future__ import annotations

import logging
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import eventlet
import msgspec

from journal.files import read_regular
from logs.lines import lasting
from loop.errors import StoreError
from loop.workers import Workers
from sequencer.venue_clock import HeldClock, KeptClock, VenueClock

log = logging.getLogger(__name__)

FILE: Final = "clock.json"  # in the data folder
CHECK_S: Final = 1.0
SAY_AGAIN_S: Final = 60.0
KEEP_S: Final = 10.0


class _File(msgspec.Struct, forbid_unknown_fields=True):
    crc32: int  # of the clock, encoded as compact JSON
    clock: KeptClock


def read_kept(path: Path) -> KeptClock | None:
    """What an earlier run kept in the file `path`; None where there is none, or none as it was written."""
    try:
        file = msgspec.json.decode(read_regular(path), type=_File)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as problem:
        log.warning("%s cannot be read, and is written anew: %s", path, problem)
        return None
    if zlib.crc32(msgspec.json.encode(file.clock)) != file.crc32:
        log.warning("%s does not match its checksum: it is not believed, and is written anew", path)
        return None
    return file.clock


def write_kept(path: Path, kept: KeptClock) -> None:
    """Write the file `path`, whole or not at all. Raises OSError."""
    partial = path.with_suffix(".partial")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(_File(zlib.crc32(msgspec.json.encode(kept)), kept)))
    partial.replace(path)


def apart(ahead_ns: int) -> str:
    """How far the machine's clock is from the venue's time, in words: `1 h ahead of`, `90 days behind`."""
    return f"{lasting(ahead_ns / 1e9)} {'ahead of' if ahead_ns > 0 else 'behind'}"


def advice(held: HeldClock, program: str) -> str:
    """What is wrong with the machine's clock, and what to do, in words. `program`: how the operator's is called."""
    if held.kept_ahead_ns:
        return (
            f"This machine's clock is {apart(-held.kept_ahead_ns)} what {FILE} says of an earlier run. It is followed, "
            "and the file is not believed. Set the clock where it is wrong; where it is right, say so: "
            f"{program} clock accept (POST /admin/clock)."
        )
    return (
        f"This machine's clock is {apart(held.ahead_ns)} the venue's time, further than it can have gone, and is not "
        f"followed. Set it right; or, if it is right, have the venue follow it: {program} clock accept "
        "(POST /admin/clock)."
    )


class ClockWatch:
    """Reads the clock each second. `close` it."""

    def __init__(self, clock: VenueClock, folder: Path, program: str) -> None:
        """`folder`: of the data. `program`: how the operator's is called."""
        self._program = program
        self._clock = clock
        self._path = folder / FILE
        self._on_change: Callable[[], None] = lambda: None
        self._disk = Workers("clock", 1, 2)
        self._was_held = False
        self._said_at = self._kept_at = 0.0
        self._fails = False
        self._greenlet: Any = None

    def start(self, on_change: Callable[[], None]) -> None:
        """Begin. `on_change`: called when the clock is held, or followed again; must not wait."""
        self._on_change = on_change
        self._check()
        self._greenlet = eventlet.spawn(self._run)

    def accept(self) -> int:
        """Follow the machine's clock; return by how many nanoseconds it was ahead. Cooperative."""
        self._check()  # a step that was not noticed yet: what is due by it would else wait for its old moment
        ahead_ns = self._clock.accept()
        if ahead_ns:
            away = apart(ahead_ns)
            log.warning("the machine's clock is followed again, as an operator said: it was %s the venue's time", away)
        if self._was_held:
            self._was_held = False
            self._on_change()
        self._keep()
        return ahead_ns

    def close(self) -> None:
        """Keep what the next start goes by, and end. Idempotent."""
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None
            self._keep()
        self._disk.close()

    def _run(self) -> None:
        while True:
            eventlet.sleep(CHECK_S)
            self._check()
            if time.monotonic() - self._kept_at >= KEEP_S:
                self._keep()

    def _check(self) -> None:
        self._clock()
        held, now = self._clock.held, time.monotonic()
        if held is not None and (not self._was_held or now - self._said_at >= SAY_AGAIN_S):
            self._said_at = now
            log.critical("%s", advice(held, self._program))
        elif held is None and self._was_held:
            log.warning("the machine's clock is followed again")
        if (held is not None) is not self._was_held:
            self._was_held = held is not None
            self._on_change()

    def _keep(self) -> None:
        self._kept_at = time.monotonic()
        try:
            self._disk.run(write_kept, self._path, self._clock.to_keep())
        except (OSError, StoreError) as problem:
            if not self._fails:
                log.warning(
                    "%s cannot be written: a clock that is set between two starts goes unnoticed: %s",
                    self._path,
                    problem,
                )
            self._fails = True
        else:
            self._fails = False
