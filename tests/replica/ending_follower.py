"""`python -m tests.replica.ending_follower DESCRIPTOR SEQ...`: says to be at each of these commands, and ends."""

from __future__ import annotations

import socket
import sys

from replica.frames import Position
from replica.stream import RecordStream

if __name__ == "__main__":
    stream = RecordStream(socket.socket(fileno=int(sys.argv[1])))
    for seq in sys.argv[2:]:
        stream.say(Position(0, int(seq)))
    sys.exit(1)
