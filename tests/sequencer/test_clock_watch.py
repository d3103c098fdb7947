"""What is said of a clock that is held, and what is kept of it for the next start."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import eventlet
import pytest

import sequencer.clock_watch as module
from sequencer.clock_watch import FILE, ClockWatch, advice, read_kept, write_kept
from sequencer.venue_clock import KeptClock, VenueClock
from tests.sequencer.machine import HOUR, NOON, Machine, S


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks every few milliseconds instead of each second."""
    for name in ("CHECK_S", "KEEP_S"):
        monkeypatch.setattr(module, name, 0.005)


def until(condition: object) -> None:
    """Let the watch look until it is so."""
    with eventlet.Timeout(20):
        while not condition():  # type: ignore[operator]
            eventlet.sleep(0.002)


def test_a_held_clock_is_said_once_and_each_minute_and_so_is_its_end(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    machine, changes = Machine(), []
    watch = ClockWatch(machine.clock, tmp_path, "openbell operator")
    with caplog.at_level(logging.WARNING):
        watch.start(lambda: changes.append(machine.clock.held))
        machine.wall_ns += HOUR
        machine.run(S)
        until(lambda: changes)
        eventlet.sleep(0.1)
        critical = [record for record in caplog.records if record.levelno == logging.CRITICAL]
        assert len(critical) == 1
        assert "is 1 h ahead of the venue's time" in critical[0].getMessage()
        assert "openbell operator clock accept" in critical[0].getMessage()
        monkeypatch.setattr(module, "SAY_AGAIN_S", 0.0)
        until(lambda: len([record for record in caplog.records if record.levelno == logging.CRITICAL]) > 2)
        machine.wall_ns -= HOUR
        machine.run(S)
        until(lambda: len(changes) == 2)
    assert changes[1] is None
    assert "is followed again" in caplog.text
    watch.close()


def test_what_is_kept_holds_a_step_over_the_next_start(tmp_path: Path, quick: None) -> None:
    machine = Machine()
    watch = ClockWatch(machine.clock, tmp_path, "openbell operator")
    watch.start(lambda: None)
    machine.run(S)
    until((tmp_path / FILE).exists)
    watch.close()
    kept = read_kept(tmp_path / FILE)
    assert kept == KeptClock("a", machine.steady_ns, machine.wall_ns)
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    again = VenueClock(NOON, kept, wall=lambda: machine.wall_ns + HOUR, steady=lambda: machine.steady_ns, boot="a")
    assert again.held is not None


def test_what_an_operator_accepts_is_kept_at_once_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine, changes = Machine(), []
    watch = ClockWatch(machine.clock, tmp_path, "openbell operator")
    watch.start(lambda: changes.append(machine.clock.held is None))
    machine.wall_ns += HOUR
    machine.run(S)
    assert watch.accept() == HOUR
    assert read_kept(tmp_path / FILE) == KeptClock("a", machine.steady_ns, machine.wall_ns)
    assert machine.clock.held is None
    assert changes == [False, True]
    followed = [message for message in caplog.messages if "followed again" in message]
    assert followed == [
        "the machine's clock is followed again, as an operator said: it was 1 h ahead of the venue's time"
    ]
    watch.close()


@pytest.mark.parametrize("content", [b"", b"{", b'{"boot":"a"}', b'{"boot":"a","steady_ns":1,"venue_ns":2,"more":3}'])
def test_a_file_that_cannot_be_read_counts_as_none(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / FILE
    assert read_kept(path) is None
    assert caplog.text == ""
    path.write_bytes(content)
    assert read_kept(path) is None
    assert "is written anew" in caplog.text
    write_kept(path, KeptClock("a", 1, 2))
    assert read_kept(path) == KeptClock("a", 1, 2)


@pytest.mark.parametrize("field", ["venue_ns", "steady_ns", "disputed_ns"])
def test_a_file_in_which_one_value_was_changed_counts_as_none(
    tmp_path: Path, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / FILE
    write_kept(path, KeptClock("a", 1, 2))
    content = json.loads(path.read_bytes())
    content["clock"][field] += 40 * 86_400 * S
    path.write_text(json.dumps(content), encoding="utf-8")
    assert read_kept(path) is None
    assert "does not match its checksum" in caplog.text


def test_a_pipe_in_its_place_counts_as_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(tmp_path / FILE)
    assert read_kept(tmp_path / FILE) is None
    assert "is not a regular file" in caplog.text


def test_a_file_that_is_ahead_of_the_machine_is_alarmed_in_words_of_its_own(tmp_path: Path) -> None:
    held = Machine(last_ns=NOON, kept=KeptClock("a", 500 * S, NOON + HOUR)).clock.held
    assert held is not None
    assert "1 h behind what clock.json says" in advice(held, "openbell operator")


def test_a_folder_that_cannot_be_written_is_said_once_and_ends_nothing(
    tmp_path: Path, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    machine = Machine()
    watch = ClockWatch(machine.clock, tmp_path / "nowhere", "openbell operator")
    watch.start(lambda: None)
    until(lambda: "cannot be written" in caplog.text)
    eventlet.sleep(0.05)
    assert caplog.text.count("cannot be written") == 1
    watch.close()
