"""`python -m api.door`: one front door of a server, which starts it. Serves clients; decides and writes nothing.

Layer: api.
"""

from __future__ import annotations

import logging
import socket
import sys

from api.lean_imports import import_lean
from api.private_files import keep_new_files_private
from logs.setup import begin as begin_log
from logs.setup import guard_stderr, inherited_format


def main() -> None:
    """Be the front door that the arguments say: the descriptors of the socket to the writer, and of the port."""
    keep_new_files_private()
    begin_log(logging.INFO, log_format=inherited_format())
    guard_stderr()
    connection, listening = (socket.socket(fileno=int(descriptor)) for descriptor in sys.argv[1:3])
    import_lean()
    from api.door_serving import DoorProcess  # noqa: PLC0415 # behind what it would import besides

    DoorProcess(connection, listening).run()


if __name__ == "__main__":
    main()
