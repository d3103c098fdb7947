"""The schedules that operators gave: kept apart from the instruments file, and counting over it.

The engine knows no schedule (decision 0008): a start reads what is kept as it reads the instruments file, and every
change of status that comes of it is a journaled command. Where they are kept is the keeper's affair: a file of the data
folder, or a place that several servers share.
Layer: listings.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import msgspec

from engine.exchange import Exchange
from listings.instruments_file import ListingError, VenueFile
from listings.schedule import Schedule
from listings.schedule_file import ScheduleError, ScheduleTable, schedule_of

log = logging.getLogger(__name__)


class StoredSchedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The schedule that an operator gave to one symbol, or that it has none."""

    since_ns: int  # epoch nanoseconds: changes due later are commanded; 0: the one then in force was, too
    schedule: ScheduleTable | None  # None: it has none, whatever the instruments file says


_decode: Final = msgspec.json.Decoder(dict[str, StoredSchedule]).decode


class ScheduleKeeper(Protocol):
    """Where the schedules are: one text, read and replaced as a whole. Blocks."""

    name: str  # of the place, for messages

    def read(self) -> bytes | None:
        """What is kept; None where nothing is. Raises OSError."""

    def change(self, changed: Callable[[bytes | None], bytes]) -> bytes:
        """Replace what is kept by what `changed` makes of it, durably; return that.

        Raises OSError, and then nothing has changed.
        """


class ScheduleFile:
    """Keeps the schedules in a file, which one server uses at a time."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    def read(self) -> bytes | None:
        """What the file has; None where there is none. Raises OSError."""
        return self._path.read_bytes() if self._path.exists() else None

    def change(self, changed: Callable[[bytes | None], bytes]) -> bytes:
        """Write the file whole, durably. Raises OSError, and then nothing has changed."""
        content = changed(self.read())
        partial = self._path.with_suffix(".partial")
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return content


class ScheduleStore:
    """What is kept, as this server knows it."""

    def __init__(self, keeper: ScheduleKeeper) -> None:
        """Read what is kept. Raises ListingError when it cannot be used."""
        self._keeper = keeper
        self.by_symbol: dict[str, StoredSchedule] = {}
        self._schedules: dict[str, Schedule | None] = {}
        try:
            self._take(keeper.read())
        except (OSError, msgspec.DecodeError, ScheduleError) as problem:
            raise ListingError(f"{keeper.name}: {problem}") from problem

    def over(self, file: VenueFile, exchange: Exchange) -> VenueFile:
        """The instruments and schedules of the file as they are with what is kept, on an exchange that was replayed.

        Instruments that are listed, and not in the file, are added where an operator said something of them.
        """
        instruments = {instrument.symbol: instrument for instrument in file.instruments}
        schedules = dict(file.schedules)
        for symbol, schedule in self._schedules.items():
            instrument = instruments.get(symbol) or exchange.instrument(symbol)
            if instrument is None:
                log.warning(
                    "%s: %s is not listed any more, and its schedule waits until it is", self._keeper.name, symbol
                )
                continue
            schedules.pop(symbol, None)
            if schedule is not None:
                schedules[symbol] = schedule
            instruments[symbol] = msgspec.structs.replace(instrument, scheduled=schedule is not None)
        return VenueFile(list(instruments.values()), schedules)

    def save(self, symbol: str, stored: StoredSchedule) -> None:
        """Keep `stored` for `symbol`, durably. Blocks. Raises OSError, and then nothing has changed."""

        def changed(kept: bytes | None) -> bytes:
            wanted = ({} if kept is None else _decode(kept)) | {symbol: stored}
            return msgspec.json.format(msgspec.json.encode(wanted), indent=2)

        self._take(self._keeper.change(changed))

    def reload(self) -> dict[str, Schedule | None]:
        """Read again what is kept; the schedules of the symbols for which another server has kept something else.

        Blocks. Raises OSError, msgspec.DecodeError and ScheduleError, and then nothing has changed.
        """
        before = self.by_symbol
        self._take(self._keeper.read())
        return {symbol: self._schedules[symbol] for symbol, new in self.by_symbol.items() if before.get(symbol) != new}

    def _take(self, content: bytes | None) -> None:
        """Know this content. Raises msgspec.DecodeError, ScheduleError."""
        by_symbol = {} if content is None else _decode(content)
        self._schedules = {
            symbol: None if stored.schedule is None else schedule_of(stored.schedule)
            for symbol, stored in by_symbol.items()
        }
        self.by_symbol = by_symbol
