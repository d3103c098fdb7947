"""A call of the identity store that hangs is given up in time, and nobody else waits behind it."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import eventlet
import pytest

from api.auth import identity_calls
from api.auth.identity_calls import IdentityCalls
from identity.errors import IdentityAway
from tests.server import eventually


def answers(calls: IdentityCalls) -> bool:
    """Whether the store is asked again."""
    eventlet.sleep(0.01)
    try:
        return calls.ask(lambda: "read") == "read"
    except IdentityAway:
        return False


def test_behind_a_call_that_hangs_all_are_refused_at_once_until_it_has_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(identity_calls, "PATIENCE_S", 0.2)
    release = threading.Event()
    with closing(IdentityCalls()) as calls:
        with pytest.raises(IdentityAway, match="does not answer"):
            calls.ask(release.wait, 60)
        monkeypatch.setattr(identity_calls, "PATIENCE_S", 30.0)
        began = time.monotonic()
        for _ in range(100):
            with pytest.raises(IdentityAway, match="has not answered yet"):
                calls.ask(lambda: "read")
        assert time.monotonic() - began < 10
        turns = 0
        for _ in range(3):  # the loop is not held
            eventlet.sleep(0)
            turns += 1
        assert turns == 3
        release.set()
        eventually(lambda: answers(calls))


def test_a_call_that_ended_while_the_loop_stood_still_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread is done, and the loop, which slept past the deadline, gives up before it is handed the answer."""
    monkeypatch.setattr(identity_calls, "PATIENCE_S", 0.05)
    with closing(IdentityCalls()) as calls:
        eventlet.spawn_after(0.01, time.sleep, 0.3)
        with pytest.raises(IdentityAway, match="does not answer"):
            calls.ask(time.sleep, 0.1)
        monkeypatch.setattr(identity_calls, "PATIENCE_S", 30.0)
        eventually(lambda: answers(calls))
