"""Ports for servers that tests start: no outgoing connection takes one meanwhile, also while its server is down."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack, suppress

PORTS = range(10_000, 32_000)  # below those from which the kernel gives outgoing connections theirs

GIVEN_MAX = 8_000  # that are not given again

_chance = random.SystemRandom()  # not that of tests, which some begin anew with the same seed
_given: set[int] = set()  # by this process: a server that is made now may listen later


def free_port(ports: int = 1) -> int:
    """The first of so many ports in a row at which nobody listens, none of which this process was given before.

    Another program may take them before they are used: its chance is one in thousands.
    """
    while True:
        first = _chance.randrange(PORTS.start, PORTS.stop - ports)
        if not _given.isdisjoint(range(first, first + ports)):
            continue
        with ExitStack() as opened, suppress(OSError):
            for port in range(first, first + ports):
                opened.enter_context(socket.socket()).bind(("", port))
            if len(_given) > GIVEN_MAX:
                _given.clear()
            _given.update(range(first, first + ports))
            return first
