"""`python -m publish DESCRIPTOR [newest]`, started by the server: follows, publishes, ends when the server does.

Imports no event loop, no Flask and no SQLAlchemy, and of the brokers' clients the one that it needs.
Layer: publish.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Final

import msgspec

from engine.rejects import InvariantViolation
from journal.codec import CorruptRecord, UnknownVersion
from logs.setup import leave
from publish.beginning import begun, broker_of
from publish.broker import Broker, BrokerRefused
from publish.options import VARIABLE, PublisherOptions
from publish.publisher import ForeignPosition, PositionLost
from replica import child_process
from replica.child import EXIT_DIFFERS, EXIT_UNREADABLE
from replica.follower import StateDiffers
from replica.frames import BadFrame
from replica.stream import StreamEnded, StreamRefused

log = logging.getLogger("publish")

AT_NEWEST: Final = "newest"


def main() -> int:
    """Follow until the server ends; return the exit status."""
    connection = child_process.begin(int(sys.argv[1]))
    options = msgspec.json.decode(os.environ.pop(VARIABLE), type=PublisherOptions)
    broker: Broker | None = None
    try:
        broker = broker_of(options.target)
        begun(connection, options, broker, at_newest=AT_NEWEST in sys.argv[2:]).run()
    except StreamRefused as refusal:
        log.error("the records are not given to the publisher, another begins anew: %s", refusal)
        return 1
    except StreamEnded:  # before it has begun
        return 0
    except CorruptRecord as error:
        log.error("a record cannot be read, another publisher begins behind the newest snapshot: %s", error)
        return EXIT_UNREADABLE
    except (UnknownVersion, StateDiffers, InvariantViolation, ForeignPosition) as error:
        log.critical("nothing is published any more, trading goes on: %s", error)
        return EXIT_DIFFERS
    except (BadFrame, BrokerRefused, PositionLost, OSError) as error:
        log.error("the publisher ends, and another begins behind what the broker has: %s", error)
        return 1
    finally:
        if broker is not None:
            broker.close()
    return 0


if __name__ == "__main__":
    leave(main())  # at once: to free a large state takes a while, and nobody needs it
