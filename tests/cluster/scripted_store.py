"""A store that gives the answers that are written down, and the answers that etcd would give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec

from cluster.append import Appender
from cluster.keys import Head, Keys, StoredHead, encode_head
from cluster.records import START
from cluster.store import Entry, LogStore, Outcome, StoreError, Transaction
from tests.cluster.replicated_log import next_record

KEYS = Keys("test")
EPOCH = 7
RECORD = next_record(START)
DONE = Outcome(True, 10)

Answer = Outcome | StoreError


class ScriptedStore:
    """Gives one answer after the other, and takes down what it was asked."""

    def __init__(self, answers: list[Answer]) -> None:
        self._answers = answers
        self.asked: list[Transaction] = []
        self.patience_s: list[float] = []  # of each
        self.members = 0

    def transact(self, transaction: Transaction, timeout_s: float) -> Outcome:
        """The next answer."""
        self.asked.append(transaction)
        self.patience_s.append(timeout_s)
        answer = self._answers[len(self.asked) - 1]
        if isinstance(answer, StoreError):
            raise answer
        return answer

    def next_member(self) -> None:
        """Counted."""
        self.members += 1


def appender_over(
    answers: list[Answer], head: StoredHead | None = None, giving_up: Callable[[], bool] = lambda: False
) -> tuple[Appender, ScriptedStore]:
    """An appender behind `head`, or the beginning, over a store that gives these answers."""
    store = ScriptedStore(answers)
    at = encode_head(Head(START, EPOCH)) if head is None else head
    port = cast(LogStore, store)
    made = Appender(port, KEYS, EPOCH, at, clock=lambda: 0.0, sleep=lambda _: None, giving_up=giving_up)
    return made, store


def entry(key: str, value: bytes, created: int = EPOCH) -> Entry:
    """A key as a read finds it."""
    return Entry(key, value, created, created, 1)


def failed(owner: int | None, head: Any, log: bytes | None) -> Outcome:
    """The compare failed: the owner's epoch, the head, and what stands at log/1."""
    return Outcome(
        False,
        10,
        (
            () if owner is None else (entry(KEYS.owner, b"{}", owner),),
            () if head is None else (entry(KEYS.head, encode_head(head).value),),
            () if log is None else (entry(KEYS.log(1), log),),
        ),
    )


def read(owner: int | None, head: Any, log: bytes | None) -> Outcome:
    """The same as a plain read finds it."""
    return msgspec.structs.replace(failed(owner, head, log), succeeded=True)
