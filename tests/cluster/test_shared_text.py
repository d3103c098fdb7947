"""A text that nodes share: changes of one are never lost to those of another."""

from __future__ import annotations

import threading

from cluster.shared_text import SharedText
from tests.cluster.replicated_log import LossyStore, ReplicatedLog
from tests.etcd import needs_etcd

pytestmark = needs_etcd


def longer(content: bytes | None) -> bytes:
    """The text with one more letter."""
    return (content or b"") + b"x"


def test_a_text_that_nobody_put_is_none_and_one_that_was_put_is_read_by_all(log: ReplicatedLog) -> None:
    key = log.keys.shared("text")
    one, other = SharedText(log.store(), key), SharedText(log.store(1), key)
    assert one.read() is None
    assert one.change(lambda content: b"first" if content is None else b"second") == b"first"
    assert other.read() == b"first"


def test_changes_that_meet_are_all_made(log: ReplicatedLog) -> None:
    key = log.keys.shared("text")
    texts = [SharedText(log.store(at), key) for at in range(2)]
    made: list[bytes] = []

    def change(text: SharedText) -> None:
        for _ in range(10):
            try:
                made.append(text.change(longer))
            except OSError:  # the other one was quicker again and again: nothing was changed
                continue

    threads = [threading.Thread(target=change, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert texts[0].read() == b"x" * len(made)
    assert len(made) == len(set(made))


def test_a_change_whose_answer_was_lost_is_made_once(log: ReplicatedLog) -> None:
    store = LossyStore(log.store())
    text = SharedText(store, log.keys.shared("text"))
    text.change(longer)

    def done(_: bytes | None) -> bytes:
        store.lost_behind = 1  # of the next request, which puts this
        return b"done"

    assert text.change(done) == b"done"
    assert SharedText(log.store(1), text.name).read() == b"done"
