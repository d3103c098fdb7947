"""REST of one node: who it is, and where the others are.

Layer: api.nodes.
"""

from __future__ import annotations

from flask import Blueprint, Response

from api.http.documented import Access, documented
from api.http.responses import answer
from api.nodes.standing import NodeView, Standing


def blueprint(standing: Standing) -> Blueprint:
    """The route of a node."""
    routes = Blueprint("nodes", __name__)

    @routes.get("/node")
    @documented(Access.PUBLIC, NodeView)
    def node() -> Response:
        """Which node this is, how far it is, and where the others are; a server by itself has neither name nor others.

        Pages and clients move to another of `nodes` when this one does not answer, or is `stale`.
        """
        return answer(standing.view())

    return routes
