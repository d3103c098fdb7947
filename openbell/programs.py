"""The programs of the venue: under which name `openbell` runs each, and where it lives.

Reading this table imports none of them, so that `openbell --help` answers at once.
"""

from __future__ import annotations

import sys
from typing import Final, NamedTuple


class Program(NamedTuple):
    """One program: a module with a `main`, which is a click command or a function that reads `sys.argv`."""

    module: str
    help: str


PROGRAMS: Final = {
    "run": Program("tools.launch", "Serve, with simulated traders beside the server."),
    "serve": Program("api.app", "Serve: REST, Socket.IO and the trading page on one port."),
    "traders": Program("tools.flow", "Simulated traders on a running server."),
    "strategies": Program("tools.strategies.__main__", "Own and built-in strategies on a running server."),
    "replay": Program("tools.replay", "Play recorded order flow into a running server."),
    "load": Program("tests.advanced_load_test", "Load a running server, and check every answer."),
    "monitor": Program("tests.monitoring_suite", "Watch a running server, or find what it can do."),
    "health": Program("tools.health", "Whether a server takes orders, by exit status."),
    "clients": Program("tools.clients", "Point ccxt, freqtrade, nautilus_trader and others at a server."),
    "operator": Program("tools.operator", "Run the market: halt, list, credit, cancel; over REST."),
    "users": Program("identity.operators", "Appoint operators, lock users out; on the data folder."),
    "try-cluster": Program("tools.cluster", "A cluster on this machine, to try it."),
    "cluster": Program("cluster.__main__", "How the nodes of a cluster are; standing down."),
    "audit": Program("audit.__main__", "Prove that a journal kept the rules."),
    "verify": Program("audit.verify", "Prove a data folder: archive, journal, snapshots."),
    "explain": Program("explain.__main__", "Explain an order, a trade or a command from a journal."),
    "export": Program("export.__main__", "Orders, trades, book changes, events of a session as files."),
    "clone": Program("offline.clone", "Copy a data folder up to a command, into another."),
    "start-from": Program("offline.start_from", "Make a data folder from a snapshot, or a recorded day."),
    "simulate": Program("offline.simulate", "Make a data folder with what strategies did, by a driven clock."),
    "rebuild": Program("api.rebuild", "Build the history anew from the journal."),
}


def started_by_command() -> bool:
    """Whether this process was started as `openbell`, and not as `python -m` and a module."""
    return sys.argv[0].split(" ")[0] == "openbell"


def called(name: str) -> str:
    """How to call a program of the table, as its user would: `openbell audit`, or `python -m audit`."""
    if started_by_command():
        return f"openbell {name}"
    return f"python -m {PROGRAMS[name].module.removesuffix('.__main__')}"


def with_make(variable: str) -> str:
    """What a hint adds for those who started a program by make; nothing for those who have the command alone."""
    return "" if started_by_command() else f" (with make: {variable})"
