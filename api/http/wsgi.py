"""The types of WSGI (PEP 3333), for all that stands between a connection and Flask.

Layer: api.http.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

Environ = dict[str, Any]
Headers = Sequence[tuple[str, str]]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]
