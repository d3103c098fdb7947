"""What a server says of its place among others."""

from __future__ import annotations

from tests.server import Http


def test_a_server_by_itself_has_neither_a_name_nor_others(http: Http) -> None:
    node = http.get("/node")
    assert node.pop("seq") <= http.get("/health")["seq"]
    assert node.pop("n") > 0
    assert node == {
        "name": None,
        "role": "writer",
        "epoch": None,
        "lag": 0,
        "stale": False,
        "writer": None,
        "nodes": [],
        "accepting": True,
        "reason": None,
        "cluster": None,
    }
