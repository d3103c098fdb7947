"""A claim of the log that nobody has answered for: it goes on until that is known."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from cluster.keys import Keys, Owner
from cluster.node import Node, Role
from cluster.ownership import ANSWER_S, KEPT_ANSWER_S_MAX, Claim
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


def test_after_a_question_that_is_not_answered_the_next_member_is_asked_and_none_is_passed_over() -> None:
    """Of two, the same one would be asked for ever."""
    anything: Any = Anything()
    store: Any = Anything()
    moves: list[str] = []
    store.next_member = lambda: moves.append("next")

    def unanswered(*_: Any) -> Any:
        raise NoAnswer("nothing in time")

    store.keep_lease = store.transact = unanswered
    node: Any = Node(
        store, anything, Keys("c"), Owner("a", "boot", "here"), anything, anything, anything, START, lambda: 1
    )
    node.state = print
    node._term = Term(Claim(5, 6), anything, cast(Any, None), threading.Event())
    node._turn_or_note()  # it keeps its lease
    assert moves == ["next"]
    node._term, node._around.backlog_bytes = None, 0
    node._turn_or_note()  # it reads
    assert moves == ["next"] * 2


def test_a_writers_lease_is_kept_before_anything_else_is_asked_and_again_at_once_where_that_is_not_answered() -> None:
    """Its seconds pass while other questions wait for their answers."""
    anything: Any = Anything()
    store: Any = Anything()
    nodes: Any = Anything()
    asked: list[str] = []
    patience_s: list[float] = []
    answers: list[float | NoAnswer] = [NoAnswer("late"), NoAnswer("late"), NoAnswer("late"), 2.0, 2.0]

    def keep_lease(_lease: int, timeout_s: float) -> float:
        asked.append("lease")
        patience_s.append(timeout_s)
        answer = answers[len(patience_s) - 1]
        if isinstance(answer, NoAnswer):
            raise answer
        return answer

    store.keep_lease = keep_lease
    nodes.tend = lambda _state: asked.append("nodes")
    me = Owner("a", "boot", "here")
    node: Any = Node(store, anything, Keys("c"), me, nodes, anything, anything, START, lambda: 1)
    node._term, node.state, node._write = Term(Claim(5, 6), anything, cast(Any, None), threading.Event()), print, print
    for _ in range(3):
        with pytest.raises(NoAnswer):
            node._turn()
    assert asked == ["lease"] * 3
    node._turn()
    assert asked == [*["lease"] * 4, "nodes"]
    node._turn()  # it is not due again yet
    assert asked == [*["lease"] * 4, "nodes", "nodes"]
    node._kept_at = 0.0
    node._turn()
    assert patience_s == [ANSWER_S, 2 * ANSWER_S, KEPT_ANSWER_S_MAX, KEPT_ANSWER_S_MAX, ANSWER_S]
