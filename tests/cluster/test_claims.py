"""A claim of the log that nobody has answered for: it goes on until that is known."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from cluster.keys import Keys, Owner
from cluster.node import Node, Role
from cluster.ownership import Claim
from cluster.records import START
from cluster.store import NoAnswer
from cluster.term import Term


class Anything:
    """Stands for what a node speaks to: every call gives nothing, but for what is set."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: Anything()


def refused_writer() -> tuple[Any, Any]:
    """A node whose append the log refused, and its store."""
    anything: Any = Anything()
    store: Any = Anything()
    node: Any = Node(
        store, anything, Keys("c"), Owner("a", "boot", "here"), anything, anything, anything, START, lambda: 1
    )
    node._claim_refused = Term(Claim(5, 6), anything, cast(Any, None), threading.Event())
    node.role = Role.REFUSED
    node.poke()
    return node, store


def test_a_refused_writer_whose_claim_is_not_answered_for_keeps_it_until_it_has_ended() -> None:
    """Else it would call itself the writer that is refused for ever, and take no orders while another one writes."""
    node, store = refused_writer()

    def unanswered(*_: Any) -> float:
        raise NoAnswer("nothing in time")

    store.keep_lease = unanswered
    with pytest.raises(NoAnswer):
        node._go_on(node._claim_refused)
    assert node._claim_refused is not None
    store.keep_lease = lambda *_: 0.0  # its lease has ended
    node._owner_key.release = lambda claim: True
    node._see_owner = lambda: None
    node.poke()
    node._go_on(node._claim_refused)
    assert (node.role, node._claim_refused) == (Role.FOLLOWER, None)
