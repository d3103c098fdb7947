"""REST of one node: who it is, where the others are, and standing down.

Layer: api.nodes.
"""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth.authenticator import requesting_operator
from api.auth.service import AuthService
from api.http.documented import Access, documented
from api.http.responses import answer
from api.nodes.membership import Membership
from api.nodes.views import NodeView, StoodDown


def blueprint(membership: Membership, auth: AuthService) -> Blueprint:
    """The routes of a node."""
    routes = Blueprint("nodes", __name__)

    @routes.get("/node")
    @documented(Access.PUBLIC, NodeView)
    def node() -> Response:
        """Which node this is, how far it is, and where the others are; a server by itself has neither name nor others.

        Pages and clients move to another of `nodes` when this one does not answer, or is `stale`.
        """
        return answer(membership.view())

    @routes.post("/admin/node/stand-down")
    @documented(Access.OPERATOR, StoodDown, errors=(409,))
    def stand_down() -> Response:
        """Have this node lay down the writing, so that another one takes over, and not stand for a while."""
        operator = requesting_operator()
        stood = membership.stand_down()
        auth.record(operator, "node.stand-down", stood.name, {"role": stood.role})
        return answer(stood)

    return routes
