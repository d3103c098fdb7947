"""How this server is as a node, and standing down.

Layer: api.node. Thin.
"""

from __future__ import annotations

from flask import Blueprint, Response

from api.auth.authenticator import requesting_operator
from api.auth.service import AuthService
from api.http.documented import Access, documented
from api.http.responses import answer
from api.node.service import NodeService
from api.node.views import NodeView, StoodDown


def blueprint(node: NodeService, auth: AuthService) -> Blueprint:
    """The routes of a node."""
    routes = Blueprint("node", __name__)

    @routes.get("/node")
    @documented(Access.PUBLIC, NodeView)
    def show_node() -> Response:
        """Which node this is, who writes, how far it is and how the log answers, and the other nodes.

        A server that is no node of a cluster has no name, and writes.
        """
        return answer(node.view())

    @routes.post("/admin/node/stand-down")
    @documented(Access.OPERATOR, StoodDown, errors=(409,))
    def stand_down() -> Response:
        """Have this node lay down the writing, so that another one takes over, and not stand for a while."""
        operator = requesting_operator()
        stood = node.stand_down()
        auth.record(operator, "node.stand-down", stood.name, {"role": stood.role})
        return answer(stood)

    return routes
