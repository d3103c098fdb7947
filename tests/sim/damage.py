"""Damage to the journal while no server runs: a start must notice each, and name the record."""

from __future__ import annotations

import random

from journal.codec import open_batch, seal
from tests.sim.disk import JOURNAL, Disk, frame_of, frames_of


def damage(disk: Disk, rng: random.Random, after_n: int) -> str | None:
    """Change a record behind `after_n`, and not one of the last two, as a torn write cannot; say what was done.

    None: there are too few.
    """
    records = [record for record, _ in frames_of(disk.file(JOURNAL).content)[0] if record is not None]
    first = sum(1 for record in records if record.n <= after_n + 1)
    if first >= len(records) - 2:
        return None
    number = rng.randrange(first, len(records) - 2)
    frames = [frame_of(record, None) for record in records]
    record = records[number]
    what = rng.choice(("flipped bit", "missing record", "record of another journal", "record that came twice"))
    if what == "flipped bit":
        frame = bytearray(frames[number])
        frame[rng.randrange(8, len(frame))] ^= 1 << rng.randrange(8)
        frames[number] = bytes(frame)
    elif what == "missing record":
        del frames[number]
    elif what == "record that came twice":
        frames.insert(number, frames[number])
    else:  # sound in itself, and chained to something that is not there
        other = seal(record.n, record.ts_ns, record.first_seq, open_batch(record), bytes(31) + b"!")
        frames[number] = frame_of(other, None)
    disk.truncate(JOURNAL, 0)
    disk.file(JOURNAL).stable += b"".join(frames)
    return what
