"""A front door over a link answers as the writer would, once for each command, whoever the writer is meanwhile."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import eventlet
import msgspec
import pytest

from cluster.link_server import SOCKET_NAME
from cluster.remote_sequencer import CANNOT_FOLLOW, NAME_PREFIX, NO_WRITER, RemoteSequencer
from engine.commands import AdvanceTime, Command
from engine.digest import state_digest
from engine.events import Accepted, CommandResult
from engine.types import Lots, Seq
from projections.submissions import KeptSubmission
from replica.follower import StateDiffers
from sequencer.port import (
    STOPPING,
    AlreadySubmitted,
    KeyReused,
    NotAccepting,
    OutcomeUnknown,
    Sequencing,
    TooManyWaiting,
)
from sequencer.sequencer import Sequencer
from tests.cluster.door import Door, door_of, replayed, until, writing
from tests.cluster.trading import KEY, flood, opening, order


def test_both_sequencers_have_the_surface_that_a_front_door_takes() -> None:
    def takes(remote: RemoteSequencer, local: Sequencer) -> tuple[Sequencing, Sequencing]:
        return remote, local

    assert callable(takes)  # mypy has compared them


def test_killed_writers_lose_nothing_take_nothing_twice_and_answers_are_theirs(tmp_path: Path) -> None:
    kills, traders, each = 4, 12, 60
    answers: list[list[tuple[Command, CommandResult]]] = [[] for _ in range(2 * traders)]
    with writing(tmp_path, flush_ms=2) as writer, door_of(tmp_path, "one") as one, door_of(tmp_path, "two") as two:
        one.sequencer.submit_all(opening(2 * traders))
        greenlets = [
            eventlet.spawn(flood, (one, two)[account % 2], account, each, answers[account - 1])
            for account in range(1, 2 * traders + 1)
        ]
        total = 2 * traders * each
        for due in (total * kill // (kills + 2) for kill in range(1, kills + 1)):
            until(lambda due=due: sum(map(len, answers)) > due)  # type: ignore[misc]
            writer.kill()
            writer.start()
        for greenlet in greenlets:
            greenlet.wait()
        until(lambda: one.sequencer.applied_seq == two.sequencer.applied_seq)
        states = [state_digest(door.follower.exchange) for door in (one, two)]
        published = [[applied for batch in door.batches for applied in batch] for door in (one, two)]
    results, submissions, exchange = replayed(tmp_path)
    assert [state_digest(exchange)] * 2 == states
    assert published == [results, results]
    assert len({each.key for _, each in submissions}) == len(submissions), "a key was taken twice"
    given = [answer for trader in answers for answer in trader]
    assert all(result == results[result.seq - 1] and result.command == command for command, result in given)
    by_clock = sum(isinstance(result.command, AdvanceTime) for result in results)
    assert len(results) == len(given) + len(opening(2 * traders)) + by_clock
    for trader in answers:  # in the order in which each trader sent them
        seqs = [result.seq for _, result in trader]
        assert seqs == sorted(seqs)


def test_links_that_break_again_and_again_take_nothing_twice(tmp_path: Path) -> None:
    traders, each = 10, 30
    answers: list[list[tuple[Command, CommandResult]]] = [[] for _ in range(traders)]
    with writing(tmp_path, flush_ms=5), door_of(tmp_path) as door:
        door.sequencer.submit_all(opening(traders))
        greenlets = [eventlet.spawn(flood, door, 1 + at, each, answers[at]) for at in range(traders)]
        rng, breaks = random.Random(10), 0
        while not all(greenlet.dead for greenlet in greenlets):
            eventlet.sleep(rng.random() * 0.1)
            rng.choice([door.link.reconnect, door.reader.reconnect])()
            breaks += 1
    results, submissions, _ = replayed(tmp_path)
    assert breaks > 3
    assert len({each.key for _, each in submissions}) == len(submissions)
    given = [answer for trader in answers for answer in trader]
    assert all(result == results[result.seq - 1] and result.command == command for command, result in given)
    by_clock = sum(isinstance(result.command, AdvanceTime) for result in results)
    assert len(results) == len(given) + len(opening(traders)) + by_clock


def test_what_was_durable_when_its_writer_died_is_answered_and_not_taken_again(tmp_path: Path) -> None:
    rng = random.Random(1)
    with writing(tmp_path) as writer, door_of(tmp_path, "other") as other:
        other.sequencer.submit_all(opening(1))
        door = Door(tmp_path)
        door.sequencer.start()  # without the records: it cannot know what came of what it sends
        until(lambda: door.link.is_up)
        asked = [order(1, rng), order(1, rng)]
        waiting = door.spawn(asked)
        until(lambda: other.sequencer.applied_seq == len(opening(1)) + 2)
        writer.kill()
        until(lambda: not door.link.is_up)
        writer.start()
        until(lambda: door.link.is_up)
        assert not waiting.dead
        door.reader.start(door.sequencer)
        answers = waiting.wait()
        door.close()
    results, submissions, _ = replayed(tmp_path)
    assert answers == results[-2:]
    assert [result.command for result in answers] == asked
    assert len(results) == len(opening(1)) + 2
    assert len(submissions) == 2


def test_an_answer_that_does_not_come_in_time_is_not_known_and_asking_again_by_its_key_says_it(tmp_path: Path) -> None:
    rng = random.Random(2)
    with writing(tmp_path) as writer, door_of(tmp_path, patience_s=1.0) as door:
        until(lambda: door.link.is_up)
        door.sequencer.submit_all(opening(1))
        asked = order(1, rng, "mine")
        writer.pause()
        with pytest.raises(OutcomeUnknown) as unknown:
            door.sequencer.submit_as(KEY, [asked])
        assert (unknown.value.key, unknown.value.client_order_id) == (KEY, "mine")
        writer.go_on()
        known: list[KeptSubmission] = []

        def is_taken() -> bool:
            """Whether it was taken; where the link was given up for the pause, it is when it is asked for again."""
            with suppress(OutcomeUnknown, NotAccepting):
                try:
                    door.sequencer.submit_as(KEY, [asked])
                except AlreadySubmitted as problem:
                    known.append(problem.place)
            return bool(known)

        until(is_taken)
        until(lambda: door.sequencer.applied_seq == len(opening(1)) + 1)
        assert known == [door.sequencer.submitted(KEY)]
        assert (known[0].first_seq, known[0].commands) == (len(opening(1)) + 1, 1)
    results, _, _ = replayed(tmp_path)
    assert results[-1].command == asked


def test_without_a_writer_nothing_is_taken_and_the_door_says_so(tmp_path: Path) -> None:
    with door_of(tmp_path, patience_s=0.5) as door:
        assert door.sequencer.refusal is None  # there may be one soon
        with pytest.raises(NotAccepting) as refused:
            door.sequencer.submit(AdvanceTime())
        assert type(refused.value) is NotAccepting
        until(lambda: door.sequencer.refusal == NO_WRITER)
        with pytest.raises(NotAccepting, match=NO_WRITER):
            door.sequencer.submit(AdvanceTime())


def test_a_key_of_a_client_is_taken_once_by_whichever_door(tmp_path: Path) -> None:
    rng = random.Random(3)
    asked, other = order(1, rng), order(1, rng)
    with writing(tmp_path), door_of(tmp_path, "one") as one, door_of(tmp_path, "two") as two:
        one.sequencer.submit_all(opening(1))
        first = one.sequencer.submit_as(KEY, [asked])
        for door in (one, two):
            with pytest.raises(AlreadySubmitted) as known:
                door.sequencer.submit_as(KEY, [asked])
            assert known.value.place.first_seq == first[0].seq
            with pytest.raises(KeyReused):
                door.sequencer.submit_as(KEY, [other])
        both = [
            eventlet.spawn(door.attempt, lambda door=door: door.sequencer.submit_as(KEY[::-1], [other]))
            for door in (one, two)
        ]
        outcomes = [greenlet.wait() for greenlet in both]
        known_too = [outcome for outcome in outcomes if isinstance(outcome, AlreadySubmitted)]
        (taken,) = (outcome for outcome in outcomes if not isinstance(outcome, Exception))
        assert [outcome.place.first_seq for outcome in known_too] == [taken[0].seq]
    assert len(replayed(tmp_path)[1]) == 3


def test_an_order_without_a_name_gets_one_that_its_answer_says(tmp_path: Path) -> None:
    rng = random.Random(4)
    with writing(tmp_path), door_of(tmp_path, names_orders=True) as door:
        door.sequencer.submit_all(opening(1))
        made = door.sequencer.submit(order(1, rng)).events[0]
        given = door.sequencer.submit(order(1, rng, "mine")).events[0]
        assert isinstance(made, Accepted)
        assert isinstance(given, Accepted)
        assert str(made.client_order_id).startswith(NAME_PREFIX)
        assert given.client_order_id == "mine"


def test_a_door_takes_only_so_many_and_what_cannot_be_sent_is_its_callers_mistake(tmp_path: Path) -> None:
    rng = random.Random(5)
    with writing(tmp_path) as writer, door_of(tmp_path, max_waiting=3) as door:
        door.sequencer.submit_all(opening(1))
        with pytest.raises(OverflowError):
            door.sequencer.submit(msgspec.structs.replace(order(1, rng), quantity=Lots(2**70)))
        writer.pause()
        waiting = [door.spawn([order(1, rng)]) for _ in range(3)]
        until(lambda: door.sequencer.waiting_commands == 3)
        with pytest.raises(TooManyWaiting):
            door.sequencer.submit(order(1, rng))
        writer.go_on()
        assert [len(greenlet.wait()) for greenlet in waiting] == [1, 1, 1]


def test_who_speaks_another_language_is_let_go_and_nobody_else_notices(tmp_path: Path) -> None:
    rng = random.Random(6)
    with writing(tmp_path), door_of(tmp_path) as door:
        door.sequencer.submit_all(opening(1))
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\1\xc0", b"\0\0\0\x05\x91\xa4ping", b"\xff" * 100):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(tmp_path / SOCKET_NAME))
                connection.sendall(said)
                connection.settimeout(30)
                until(lambda connection=connection: _is_over(connection))  # type: ignore[misc]
        assert door.sequencer.submit(order(1, rng)).seq == len(opening(1)) + 1


def _is_over(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(100) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_a_door_whose_state_differs_follows_no_further_and_takes_nothing(tmp_path: Path) -> None:
    rng, failures = random.Random(7), list[str | None]()
    with writing(tmp_path), door_of(tmp_path) as door:
        door.sequencer.listen_failure(lambda: failures.append(door.sequencer.refusal))
        first = door.sequencer.submit_all(opening(1))
        door.follower.expect(first[-1].seq + 1, "the digest of another state")
        with pytest.raises(OutcomeUnknown):
            door.sequencer.submit(order(1, rng))
        assert isinstance(door.sequencer.failure, StateDiffers)
        assert failures == [CANNOT_FOLLOW]
        with pytest.raises(NotAccepting, match=CANNOT_FOLLOW):
            door.sequencer.submit(order(1, rng))
        assert door.sequencer.read_in_turns(lambda: iter(())) == (Seq(first[-1].seq + 1), None)  # type: ignore[arg-type, return-value]


def test_what_is_read_in_turns_is_one_state_while_records_come(tmp_path: Path) -> None:
    rng = random.Random(8)
    with writing(tmp_path), door_of(tmp_path) as door:
        door.sequencer.submit_all(opening(1))

        def reading() -> Any:
            seqs = []
            for _ in range(20):
                seqs.append(door.follower.exchange.seq)
                eventlet.sleep(0.005)
                yield
            return seqs

        waiting = [door.spawn([order(1, rng)]) for _ in range(30)]
        seq, seqs = door.sequencer.read_in_turns(reading)
        assert seqs == [seq] * 20
        assert all(len(greenlet.wait()) == 1 for greenlet in waiting)


def test_a_door_that_stops_answers_what_it_took(tmp_path: Path) -> None:
    rng = random.Random(9)
    with writing(tmp_path, flush_ms=20) as _, door_of(tmp_path) as door:
        door.sequencer.submit_all(opening(1))
        waiting = [door.spawn([order(1, rng)]) for _ in range(5)]
        eventlet.sleep(0)
        door.sequencer.stop()
        assert [len(greenlet.wait()) for greenlet in waiting] == [1] * 5
        with pytest.raises(NotAccepting, match=STOPPING):
            door.sequencer.submit(order(1, rng))
