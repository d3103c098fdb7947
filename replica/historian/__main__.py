"""`python -m replica.historian DESCRIPTOR OPTIONS`, started by the server: follows, writes, ends when the server does.

Imports no event loop, no Flask and no SQLAlchemy: it starts in a tenth of a second and is small.
Layer: replica.
"""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path

import msgspec

from engine.rejects import InvariantViolation
from history.writer import stored_seq
from journal.codec import CorruptRecord, UnknownVersion
from journal.snapshots import SnapshotFolder
from loop.errors import StoreError
from replica import child_process
from replica.child import EXIT_DIFFERS, EXIT_UNREADABLE
from replica.follower import StateDiffers
from replica.frames import BadFrame
from replica.historian.historian import Historian
from replica.historian.options import HistorianOptions
from replica.historian.snapshotter import Snapshotter
from replica.recovery import snapshot_for
from replica.stream import RecordStream, StreamEnded, StreamRefused

log = logging.getLogger("replica.historian")


def main() -> int:
    """Follow until the server ends; return the exit status."""
    connection = child_process.begin(int(sys.argv[1]))
    options = msgspec.json.decode(sys.argv[2], type=HistorianOptions)
    historian: Historian | None = None
    try:
        historian = _begun(connection, options)
        historian.run()
    except StreamRefused as refusal:
        log.error("the records are not given to the historian, another begins anew: %s", refusal)
        return 1
    except StreamEnded:  # before it has begun
        return 0
    except CorruptRecord as error:
        log.error("a record cannot be read, another historian begins behind the newest snapshot: %s", error)
        return EXIT_UNREADABLE
    except (UnknownVersion, StateDiffers, InvariantViolation) as error:
        log.critical("the historian stops, trading goes on: %s", error, exc_info=isinstance(error, InvariantViolation))
        return EXIT_DIFFERS
    except (BadFrame, StoreError, OSError) as error:
        log.error("the historian ends, and another goes on: %s", error)
        return 1
    finally:
        if historian is not None:
            historian.close()
    return 0


def _begun(connection: socket.socket, options: HistorianOptions) -> Historian:
    """A historian behind the newest snapshot that is no newer than what the database has. Raises StreamEnded.

    Where records from there on cannot be read, behind the newest of all: a history begins there.
    """
    database = Path(options.database)
    folder = SnapshotFolder(Path(options.snapshots), options.version)
    stored = stored_seq(database)
    follower, projections, _ = snapshot_for(folder, None if options.begins_at_newest else stored)
    begins_anew = follower.seq > stored
    try:
        stream = RecordStream(connection, follower.last)
    except StreamRefused:
        if follower.last is not None:  # of another journal
            folder.set_aside(folder.path_of(follower.last))
        raise
    snapshotter = Snapshotter(folder, follower, projections, options)
    return Historian(stream, database, follower, snapshotter, options.history_days, begins_anew=begins_anew)


if __name__ == "__main__":
    sys.exit(main())
