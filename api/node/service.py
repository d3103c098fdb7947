"""What a node says of itself; a server alone is one that always writes.

Layer: api.node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from api.json.errors import ApiError
from api.node.views import LogView, NodeLag, NodePosition, NodeView, StoodDown, WriterView
from engine.exchange import Exchange
from openbell import __version__
from sequencer.port import Sequencing


class NodeService(Protocol):
    """What there is to say of a server as a node."""

    @property
    def stale(self) -> bool:
        """Whether what it shows may be seconds old."""

    def view(self) -> NodeView:
        """How it is. O(nodes)."""

    def stand_down(self) -> StoodDown:
        """Be the writer no more, for a while. Raises ApiError."""


class ServerAlone:
    """A server that is no node of a cluster."""

    stale = False

    def __init__(self, exchange: Exchange, sequencer: Sequencing, last_n: Callable[[], int], url: str = "") -> None:
        """`last_n`: the newest record that is durable."""
        self._exchange, self._sequencer, self._last_n, self._url = exchange, sequencer, last_n, url

    def view(self) -> NodeView:
        """How it is. O(1)."""
        refusal = self._sequencer.refusal
        return NodeView(
            name="",
            cluster="",
            role="writer",
            epoch=0,
            url=self._url,
            position=NodePosition(self._last_n(), self._exchange.seq),
            lag=NodeLag(0, 0.0),
            stale=False,
            accepting=refusal is None,
            reason=refusal,
            stands=False,
            why_not="it is no node of a cluster",
            log=LogView(refusal is None, None, None, None),
            writer=WriterView("", self._url or None),
            peers=[],
            version=__version__,
        )

    def stand_down(self) -> StoodDown:
        """Nobody could take over."""
        raise ApiError(409, "NO_CLUSTER", "This server is no node of a cluster: nobody could take over.")
