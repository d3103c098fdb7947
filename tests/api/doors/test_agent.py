"""What a front door makes of what the writer says, what it passes on, and when it is fresh enough to answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any, cast

import eventlet
import pytest

from api.auth.credentials import Credentials
from api.auth.mirrored import Identities
from api.doors import agent as agent_module
from api.doors import freshness as freshness_module
from api.doors.agent import DoorAgent, DoorClock, DoorUsers, WriterBystander, wait_applied
from api.doors.channel import DoorChannel
from api.doors.figures import joined
from api.doors.freshness import FreshApp, FreshLane, Freshness
from api.doors.messages import (
    Ask,
    Done,
    DoorState,
    Entered,
    FaultsSet,
    HistoryAt,
    Holding,
    Hurry,
    Introduced,
    Left,
    ListenKeyAt,
    Planned,
    RecordIs,
    Stop,
    ToDoor,
    ToWriter,
    VenueChanged,
    VenueTime,
    Welcome,
    to_writer,
)
from api.doors.routing import is_forwarded
from api.http.wsgi import Answer, Environ
from api.market.flow_sources import FlowSource
from engine.commands import AdvanceTime, EnterOrder
from engine.types import AccountId, Lots, OrderType, Seq, Side, Ticks, TimeInForce, TradingStatus
from journal.codec import seal
from listings.schedule import Change
from loop.errors import StoreAway
from loop.shared_marks import SharedMarks
from sequencer.venue_clock import HeldClock, steady_ns
from tests.cluster.door import until

WELCOME = Welcome(1, 2, b"", b"", 0, 0, 0, 0, 0)
FLOW = FlowSource("simulated", 1, None)
ORDER = EnterOrder(AccountId(1), "ETH-USDT", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(1), Ticks(1))


class Users:
    """Whoever goes by what the writer says; what each is called with is noted, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.applied = 0

    def take(self, message: Identities) -> None:
        self.calls.append(("credentials", message))

    def made(self) -> DoorUsers:
        def noted(name: str) -> Any:
            return lambda said: self.calls.append((name, said))

        return DoorUsers(
            applied_seq=lambda: self.applied,
            **{name: noted(name) for name in ("history", "faults", "listen_key", "sources")},
            venue_changed=noted("venue_changed"),
            plan_changed=noted("plan_changed"),
            figures=lambda: b"figures",
            connections=lambda: 3,
            own_sources=lambda: [FLOW],
            injected=lambda: {"error": 2},
        )


class Wired:
    """A door's agent, and the writer's end of its socket."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.heard: list[ToWriter] = []
        self.agent = DoorAgent(theirs)
        self.writer = DoorChannel(ours, to_writer(), self.heard.append, lambda: None)
        self.users = Users()

    def say(self, *messages: ToDoor) -> None:
        """Say these, and wait until they have come."""
        mark = Stop(float(len(messages)))
        self.agent.stop = None
        for message in (*messages, mark):
            self.writer.send(message)
        until(lambda: self.agent.stop == mark)

    def attach(self) -> None:
        self.agent.attach(cast(Credentials, self.users), self.users.made())

    def hears(self, message: ToWriter) -> None:
        until(lambda: message in self.heard)


@pytest.fixture
def wired() -> Iterator[Wired]:
    """A door that was not introduced yet."""
    made = Wired()
    yield made
    made.writer.close()
    until(lambda: made.agent.is_over)


@pytest.mark.parametrize(
    ("method", "path", "forwarded"),
    [
        ("POST", "/order", False),
        ("GET", "/account", False),
        ("GET", "/account/balances", False),
        ("POST", "/account/deposit", True),
        ("HEAD", "/account/balances", False),
        ("DELETE", "/account/x", True),
        ("GET", "/account/ranking", True),
        ("GET", "/account/faults", True),
        ("GET", "/account/faults/x", True),
        ("GET", "/account/faultsy", False),
        ("GET", "/auth", True),
        ("POST", "/auth/login", True),
        ("GET", "/authors", False),
        ("GET", "/admin/users", True),
        ("GET", "/health", True),
        ("GET", "/health/live", False),
        ("GET", "/orders/7/explain", True),
        ("POST", "/api/v3/userDataStream", True),
    ],
)
def test_a_door_answers_what_it_can_and_passes_on_the_rest(method: str, path: str, forwarded: bool) -> None:
    assert is_forwarded(method, path) == forwarded


def test_the_figures_of_all_doors_are_one_page_with_each_family_once() -> None:
    text = b'# HELP a What a is.\n# TYPE a gauge\na 1\na{kind="x"} 2\n# HELP b b\n# TYPE b counter\nb 3\n'
    families = list(joined([("writer", b""), ("1", text), ("2", b"# HELP a Other words.\n# TYPE a gauge\na 4\n")]))
    assert [(each.name, each.kind, each.documentation) for each in families] == [
        ("a", "gauge", "What a is."),
        ("b", "counter", "b"),
    ]
    assert list(families[0].samples) == [('a{door="1"}', 1.0), ('a{door="1",kind="x"}', 2.0), ('a{door="2"}', 4.0)]
    assert list(families[1].samples) == [('b{door="1"}', 3.0)]


def test_a_door_answers_when_it_is_as_far_as_any_was_when_it_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    marks, applied = SharedMarks(3), [5]
    fresh = Freshness(marks, 1, lambda: applied[0])
    fresh.on_applied()
    assert marks.newest() == 5
    fresh.wait()
    marks.set(2, 7)
    monkeypatch.setattr(freshness_module, "WAIT_S", 60.0)
    waiting = eventlet.spawn(fresh.wait)
    eventlet.sleep(0.005)
    assert not waiting.dead
    marks.set(2, 9)  # what came later is not waited for
    applied[0] = 7
    waiting.wait()
    assert fresh.late == 0
    monkeypatch.setattr(freshness_module, "WAIT_S", 0.01)
    fresh.wait()
    assert fresh.late == 1
    assert marks.newest() == 9
    marks.close()


def test_whatever_answers_at_a_door_does_so_when_that_is_fresh() -> None:
    done: list[str] = []

    class Waiting:
        def wait(self) -> None:
            done.append("waited")

    class Lane:
        def answer(self, environ: Environ, body: bytes) -> Answer | None:
            done.append(f"lane {body!r}")
            return answer

    def app(environ: Environ, start_response: Any) -> Iterable[bytes]:
        done.append("app")
        return [b"body"]

    answer, fresh = Answer("200 OK", (), b""), cast(Freshness, Waiting())
    assert FreshApp(app, fresh)({}, None) == [b"body"]  # type: ignore[arg-type]
    assert FreshLane(Lane(), fresh).answer({}, b"x") is answer
    assert done == ["waited", "app", "waited", "lane b'x'"]


def test_a_doors_time_is_the_writers_and_never_goes_back() -> None:
    clock, hour = DoorClock(), 3_600 * 10**9
    assert abs(clock() - time.time_ns()) < hour
    now = steady_ns()
    assert not clock.follow(VenueTime(10**19 + now, now, None))
    later = clock()
    assert 10**19 + now <= later < 10**19 + now + hour
    assert not clock.follow(VenueTime(now - hour, now, None))
    assert clock() == later
    assert clock.follow(VenueTime(now, now, (1, 2, 3)))
    assert clock.held == HeldClock(1, 2, 3)
    assert not clock.follow(VenueTime(now, now, (1, 2, 3)))
    assert clock.follow(VenueTime(now, now, None))
    assert clock.held is None


def test_what_is_said_before_there_is_anybody_it_is_for_is_kept_in_order(wired: Wired) -> None:
    wired.say(WELCOME, Identities(), HistoryAt(1, 2, None), ListenKeyAt("t", "k", 9.0), FaultsSet(None, None, 0.0))
    wired.say(Introduced())
    assert wired.agent.wait_introduced(60) == WELCOME
    assert wired.users.calls == []
    wired.attach()
    expected = [
        ("credentials", Identities()),
        ("history", HistoryAt(1, 2, None)),
        ("listen_key", ListenKeyAt("t", "k", 9.0)),
        ("faults", FaultsSet(None, None, 0.0)),
    ]
    assert wired.users.calls == expected
    wired.say(HistoryAt(2, 3, "why"))
    assert wired.users.calls == [*expected, ("history", HistoryAt(2, 3, "why"))]


def test_a_door_that_is_not_said_what_it_is_to_be_or_whose_writer_goes_does_not_begin(wired: Wired) -> None:
    with pytest.raises(StoreAway, match="does not say"):
        wired.agent.wait_introduced(0.01)
    wired.say(WELCOME)
    wired.writer.close()
    with pytest.raises(StoreAway, match="gone"):
        wired.agent.wait_introduced(60)
    assert wired.agent.is_over


def test_what_was_said_of_a_command_is_gone_by_once_that_is_applied_and_in_order(wired: Wired) -> None:
    wired.attach()
    halted, at_ns = TradingStatus.HALTED, wired.agent.clock() + 10**12
    wired.users.applied = 4
    wired.say(Planned(5, "A", halted, at_ns), VenueChanged(4, False, [FLOW]), Planned(6, "A", None, 0))
    assert wired.users.calls == []  # the second waits behind the first
    wired.users.applied = 5
    wired.agent.on_applied()
    assert wired.users.calls == [("plan_changed", "A"), ("sources", [FLOW]), ("venue_changed", None)]
    assert wired.agent.next_change("A") == Change(at_ns, halted)
    assert wired.agent.next_change("B") is None
    wired.users.applied = 6
    wired.agent.on_applied()
    assert wired.agent.next_change("A") is None
    wired.users.calls.clear()
    wired.say(VenueChanged(6, True, []), Planned(6, "A", halted, 1))
    assert wired.users.calls == [("sources", []), ("venue_changed", 6), ("plan_changed", "A")]
    assert wired.agent.next_change("A") is None  # that moment has passed


def test_the_time_is_gone_by_at_once_and_a_clock_that_is_held_is_said_to_clients(wired: Wired) -> None:
    wired.say(VenueTime(10**18, steady_ns(), None))
    assert wired.agent.clock() >= 10**18
    wired.attach()
    wired.say(VenueTime(10**18, steady_ns(), (1, 2, 3)), VenueTime(10**18, steady_ns(), (1, 2, 3)))
    assert wired.users.calls == [("venue_changed", None)]


def test_a_question_is_answered_when_its_command_is_applied_and_with_figures_where_it_wants_them(wired: Wired) -> None:
    wired.attach()
    wired.say(Ask(1, 2, figures=True))
    assert not [said for said in wired.heard if isinstance(said, Done)]
    wired.users.applied = 2
    wired.hears(Done(1, b"figures"))
    wired.say(Ask(2, 2))
    wired.hears(Done(2, b""))


def test_a_door_says_how_it_is_and_what_its_connections_entered(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_module, "STATE_S", 0.01)
    wired.users.applied = 8
    wired.attach()
    wired.hears(DoorState(8, 3, [FLOW], {"error": 2}))
    wired.users.applied = 9
    wired.hears(DoorState(9, 3, [FLOW], {"error": 2}))
    bystander = WriterBystander(wired.agent)
    bystander.entered("c", ["1"], AccountId(7))
    bystander.left("c")
    wired.agent.hurry(Seq(5))
    wired.hears(Hurry(5))
    assert [said for said in wired.heard if not isinstance(said, DoorState)] == [
        Entered("c", ["1"], AccountId(7)),
        Left("c"),
        Hurry(5),
    ]


def test_the_order_that_a_command_entered_is_in_the_record_that_the_writer_gives(wired: Wired) -> None:
    record = seal(3, 5, 7, [AdvanceTime(), ORDER])
    for seq, given, expected in ((8, record, ORDER), (7, record, None), (9, None, None)):
        wired.heard.clear()
        asked = eventlet.spawn(wired.agent.entered, Seq(seq))
        until(lambda: bool(wired.heard))
        (question,) = wired.heard
        assert isinstance(question, Holding)
        assert question.seq == seq
        wired.say(RecordIs(question.number + 1, None))  # of somebody else
        assert not asked.dead
        wired.say(RecordIs(question.number, given))
        assert asked.wait() == expected


def test_a_record_that_the_writer_does_not_give_is_waited_for_so_long_and_of_so_many(
    wired: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_module, "READ_S", 0.01)
    monkeypatch.setattr(agent_module, "ASKED_MAX", 2)
    for _ in range(3):  # nothing is left of those before
        with pytest.raises(StoreAway, match="does not answer"):
            wired.agent.entered(Seq(1))
    monkeypatch.setattr(agent_module, "READ_S", 60.0)
    waiting = [eventlet.spawn(wired.agent.entered, Seq(1)) for _ in range(2)]
    eventlet.sleep(0)
    with pytest.raises(StoreAway, match="too many"):
        wired.agent.entered(Seq(1))
    for each in waiting:
        each.kill()


def test_waiting_for_a_command_ends_when_it_is_applied_or_the_time_is_over() -> None:
    applied = [1]
    assert wait_applied(lambda: applied[0], 1, 0.0)
    assert not wait_applied(lambda: applied[0], 2, 0.01)
    waiting = eventlet.spawn(wait_applied, lambda: applied[0], 2, 60.0)
    eventlet.sleep(0)
    applied[0] = 2
    assert waiting.wait()


def test_how_long_is_left_for_an_end_is_from_when_it_was_asked_for(wired: Wired) -> None:
    before = time.monotonic()
    wired.writer.send(Stop(500.0))
    until(lambda: wired.agent.stop is not None)
    assert before + 500 <= wired.agent.stop_at <= time.monotonic() + 500
