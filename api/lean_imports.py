"""Imports the libraries of the feed without what a server never uses of them: a third of the time of a start.

engine.io's package imports its clients as well, and they what they would speak HTTP with; Socket.IO's its ways to other
servers. They do without what they do not find. eventlet has a resolver of names of its own, which can be left out.
Layer: api.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Final

UNUSED: Final = ("aiohttp", "redis", "requests", "websocket")  # by the servers of engine.io and Socket.IO


def import_lean() -> None:
    """Import them. To be called before anything else does."""
    os.environ["EVENTLET_NO_GREENDNS"] = "yes"
    hidden = [name for name in UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: it cannot be imported
    try:
        for library in ("engineio", "socketio", "eventlet"):
            importlib.import_module(library)
    finally:
        for name in hidden:
            del sys.modules[name]
