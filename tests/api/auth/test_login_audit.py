"""Whoever guesses cannot fill the log or the audit trail, nor have a password written that stood in the wrong field."""

from __future__ import annotations

import logging
from typing import NamedTuple

import eventlet
import pytest

from api.auth import login_audit
from api.auth.login_audit import ENTRIES_A_MINUTE, LoginAudit
from identity.errors import IdentityAway


class Entry(NamedTuple):
    """A line of the audit trail."""

    action: str
    name: str
    address: str
    times: int


class Trail:
    """An audit trail, whose minutes are short."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.away = False
        self.audit = LoginAudit(self.record)

    def record(self, action: str, name: str, address: str, count: int) -> str:
        if self.away:
            raise IdentityAway("the identity store is away")
        self.entries.append(Entry(action, name, address, count))
        return name.title() if name else "several names"


@pytest.fixture
def trail(monkeypatch: pytest.MonkeyPatch) -> Trail:
    monkeypatch.setattr(login_audit, "SOON_S", 0.01)
    monkeypatch.setattr(login_audit, "MINUTE_S", 0.3)
    return Trail()


def test_failures_are_counted_by_name_and_address(trail: Trail, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("ada", "Ada", "ADA"):
        trail.audit.note("login_failed", name, "192.0.2.1")
    trail.audit.note("login_delayed", "ada", "192.0.2.1")
    trail.audit.note("login_failed", "ada", "192.0.2.2")
    eventlet.sleep(0.1)
    assert trail.entries == [
        Entry("login_failed", "ada", "192.0.2.1", 3),
        Entry("login_delayed", "ada", "192.0.2.1", 1),
        Entry("login_failed", "ada", "192.0.2.2", 1),
    ]
    assert "3 attempts to sign in as Ada from 192.0.2.1 were wrong" in caplog.messages


def test_a_flood_of_names_and_addresses_is_a_few_lines_a_minute(trail: Trail) -> None:
    for minute in (1, 2):
        for number in range(10_000):
            trail.audit.note("login_failed", f"name{number}", f"192.0.2.{number % 200}")
        eventlet.sleep(0.35 if minute == 2 else 0.1)
        assert len(trail.entries) == minute * (ENTRIES_A_MINUTE + 1)
        assert sum(entry.times for entry in trail.entries) == minute * 10_000
    assert trail.entries[-1] == Entry("login_failed", "", "", 10_000 - ENTRIES_A_MINUTE)


def test_the_log_has_no_name_that_nobody_could_be_asked_about(trail: Trail, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    trail.away = True
    trail.audit.note("login_failed", "correct.horse", "192.0.2.1")
    eventlet.sleep(0.1)
    assert len(caplog.messages) == 1
    assert "correct.horse" not in caplog.text
