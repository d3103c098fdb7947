"""The writer's end of front doors: what they are sent of its state, and what becomes of what they say."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, cast

import eventlet
import pytest

from api.auth.credentials import Credentials
from api.auth.mirrored import Identities
from api.doors import host as host_module
from api.doors import mirroring as mirroring_module
from api.doors.channel import DoorChannel
from api.doors.host import DoorSource, DoorTables, FrontDoors
from api.doors.messages import (
    Ask,
    Done,
    DoorState,
    Entered,
    Failed,
    FaultsSet,
    HistoryAt,
    Holding,
    Hurry,
    Introduced,
    Left,
    ListenKeyAt,
    Planned,
    Ready,
    RecordIs,
    Stop,
    ToDoor,
    ToWriter,
    Unread,
    VenueChanged,
    VenueTime,
    Welcome,
    to_door,
)
from api.doors.mirroring import TIME_EVERY, Mirroring
from api.faults.injector import FaultInjector
from api.faults.plan import Plan, Step
from api.http.shared_port import SharedPort
from api.market.flow_sources import FlowSource
from api.settings import Settings
from engine.commands import AdvanceTime
from engine.exchange import Exchange
from engine.types import AccountId, TradingStatus
from history.access import HistoryAccess
from journal.codec import seal
from listings.schedule import Change
from replica.frames import BadFrame
from sequencer.venue_clock import HeldClock
from tests.cluster.door import until

RECORD = seal(1, 5, 1, [AdvanceTime()])
FLOW, OTHER_FLOW = FlowSource("simulated", 1, None), FlowSource("recorded", None, None)
PLAN = Plan(step=(Step(kind="error"),))


class Process:
    """The process of a door, without one, and the door's end of its socket."""

    def __init__(self, theirs: socket.socket) -> None:
        self.heard: list[ToDoor] = []
        self.pid = 7
        self.is_killed = False
        self.channel = DoorChannel(
            socket.socket(fileno=os.dup(theirs.fileno())), to_door(), self.heard.append, lambda: None
        )

    def poll(self) -> int | None:
        return 0 if self.channel.closed else None

    def kill(self) -> None:
        self.is_killed = True
        self.channel.close()

    def say(self, *said: ToWriter) -> None:
        for each in said:
            self.channel.send(each)

    def hears(self, message: ToDoor) -> None:
        until(lambda: message in self.heard)


class Cancelling:
    """Stands for the orders of a connection, to be cancelled."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.is_cancelled = False

    def add(self, order_ids: list[str], account: AccountId) -> None:
        self.orders += order_ids

    def cancel(self) -> None:
        self.is_cancelled = True


class Server:
    """Two front doors."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.processes: dict[int, Process] = {}
        self.started: list[int] = []
        self.fails: deque[OSError] = deque()
        self.cancelling: list[Cancelling] = []
        self.hurried: list[int] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.source = DoorSource(
            token_key=b"k",
            not_before_ms=3,
            tables=cast(DoorTables, Descriptors()),
            introduction=lambda: [Identities(only=True)],
            holding=self.holding,
            hurry=self.hurried.append,
            applied_seq=lambda: 9,
            cancel_on_disconnect=self.cancel_on_disconnect,
        )
        monkeypatch.setattr(FrontDoors, "_started", lambda doors, number, theirs: self.start(number, theirs))
        self.doors = FrontDoors(Settings(front_doors=2, door_port=7000), SharedPort(self.listening), self.source)
        self.starting = eventlet.spawn(self.doors.start)

    def start(self, number: int, theirs: socket.socket) -> subprocess.Popen[bytes]:
        self.started.append(number)
        if self.fails:
            raise self.fails.popleft()
        self.processes[number] = Process(theirs)
        return cast("subprocess.Popen[bytes]", self.processes[number])

    def holding(self, seq: int) -> Any:
        if seq > 9:
            raise OSError("cannot be read")
        return RECORD if seq == 1 else None

    def cancel_on_disconnect(self) -> Any:
        self.cancelling.append(Cancelling())
        return self.cancelling[-1]

    def serve(self) -> tuple[Process, Process]:
        """Have both serve."""
        until(lambda: len(self.processes) == 2)
        for process in self.processes.values():
            process.say(Ready(process.pid))
        self.starting.wait()
        return self.processes[1], self.processes[2]

    def statuses(self) -> list[str]:
        return [view.status for view in self.doors.views]


class Descriptors:
    """Stands for the tables."""

    descriptors = (4, 5, 6)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Doors that are being started."""
    monkeypatch.setattr(host_module, "BACK_OFF_S", 0.001)
    monkeypatch.setattr(host_module, "SILENT_CHECK_S", 0.005)
    made = Server(monkeypatch)
    yield made
    made.doors.close()
    made.starting.kill()
    until(lambda: all(process.channel.closed for process in made.processes.values()))
    eventlet.sleep(0.05)  # those that keep doors see that it is over


def test_a_door_is_introduced_and_serves_when_all_are_ready(server: Server) -> None:
    until(lambda: len(server.processes) == 2)
    for number, process in server.processes.items():
        process.hears(Introduced())
        welcome, *rest = process.heard
        assert isinstance(welcome, Welcome)
        assert (welcome.number, welcome.doors, welcome.port) == (number, 2, 7000 + number - 1)
        assert (welcome.table, welcome.signatures, welcome.marks) == (4, 5, 6)
        assert (welcome.token_key, welcome.not_before_ms) == (b"k", 3)
        assert rest == [Identities(only=True), Introduced()]
    server.processes[1].say(Ready(7))
    until(lambda: server.statuses() == ["serving", "starting"])
    assert not server.starting.dead
    server.processes[2].say(Ready(7))
    server.starting.wait()
    assert server.statuses() == ["serving", "serving"]


def test_a_server_whose_door_ends_again_and_again_before_it_serves_does_not_start(server: Server) -> None:
    for _ in range(host_module.FAILED_MAX):
        until(lambda: 2 in server.processes)
        server.processes.pop(2).kill()
    with pytest.raises(OSError, match="front door 2 cannot be started: it ends; the log says why"):
        server.starting.wait()


def test_a_server_says_why_its_door_cannot_serve(server: Server) -> None:
    for _ in range(host_module.FAILED_MAX):
        until(lambda: 2 in server.processes)
        process = server.processes.pop(2)
        process.say(Failed("no port"))
        until(lambda: server.doors._doors[1].failure == "no port")
        process.channel.close()
    with pytest.raises(OSError, match="front door 2 cannot be started: no port"):
        server.starting.wait()


def test_a_door_that_cannot_be_introduced_is_ended_and_counts_as_one_that_ended(server: Server) -> None:
    """Else nobody would keep its place: neither it nor another would ever serve there."""
    first, _ = server.serve()
    times = 0

    def too_much_at_first() -> Iterable[ToDoor]:
        nonlocal times
        times += 1
        if times <= 2:
            raise BadFrame("more than is sent")
        return []

    server.doors._source = server.source._replace(introduction=too_much_at_first)
    first.kill()
    until(lambda: server.processes[1].heard[-1:] == [Introduced()] and server.processes[1] is not first)
    assert server.started.count(1) == 4
    assert server.doors._doors[0].failed == 2
    server.processes[1].say(Ready(9))
    until(lambda: server.statuses() == ["serving", "serving"])


def test_a_process_that_cannot_be_started_once_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "BACK_OFF_S", 0.001)
    server = Server(monkeypatch)
    server.fails.extend([OSError("no memory")] * (host_module.FAILED_MAX - 1))
    server.serve()
    server.doors.close()


def test_the_orders_of_connections_of_a_door_that_is_killed_are_cancelled_and_of_no_others(server: Server) -> None:
    one, other = server.serve()
    account = AccountId(1)
    one.say(Entered("a", ["1"], account), Entered("b", ["2"], account), Entered("a", ["3"], account), Left("b"))
    other.say(Entered("c", ["4"], account), Hurry(5))
    until(lambda: server.hurried == [5] and len(server.cancelling) == 3)
    one.say(Hurry(6))
    until(lambda: server.hurried == [5, 6])
    one.kill()
    until(lambda: any(each.is_cancelled for each in server.cancelling))
    done = {tuple(each.orders): each.is_cancelled for each in server.cancelling}
    assert done == {("1", "3"): True, ("2",): False, ("4",): False}
    until(lambda: server.started.count(1) == 2)
    assert server.started.count(2) == 1
    server.processes[1].say(Ready(8))
    until(lambda: server.statuses() == ["serving", "serving"])
    assert [view.restarts for view in server.doors.views] == [1, 0]


def test_where_the_server_stops_orders_stay_and_what_is_not_answered_is_counted(server: Server) -> None:
    one, other = server.serve()
    one.say(Entered("a", ["1"], AccountId(1)), Hurry(1))
    until(lambda: bool(server.hurried))
    stopping = eventlet.spawn(server.doors.stop, time.monotonic() + 60)
    for process, unanswered in ((one, 2), (other, 3)):
        until(lambda process=process: isinstance(process.heard[-1], Stop))  # type: ignore[misc]
        (stop,) = (message for message in process.heard if isinstance(message, Stop))
        assert 0 < stop.within_s <= 60
        process.say(Unread(unanswered), Hurry(1))
        until(lambda unanswered=unanswered: len(server.hurried) == unanswered)  # type: ignore[misc]
        assert not stopping.dead  # it waits for all of them
        process.channel.close()
        eventlet.sleep(3 * host_module.REAP_S)
    assert stopping.wait() == 5
    assert not server.cancelling[0].is_cancelled
    assert (one.is_killed, other.is_killed) == (False, False)
    assert server.started == [1, 2]


def test_a_door_that_does_not_end_in_time_is_not_waited_for_and_one_that_has_served_nobody_is_killed(
    server: Server,
) -> None:
    until(lambda: len(server.processes) == 2)
    server.processes[1].say(Ready(7))
    until(lambda: server.statuses() == ["serving", "starting"])
    server.doors.stop(time.monotonic() + 0.01)
    assert server.processes[2].is_killed
    assert not server.processes[1].is_killed
    server.doors.close()
    assert server.processes[1].is_killed


def test_who_was_refused_is_let_in_by_no_door_and_one_that_does_not_answer_is_ended(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = server.serve()
    server.doors.publish(Identities(ended_sessions=["s"]))
    settling = eventlet.spawn(server.doors.settle)
    for process in (one, other):
        process.hears(Ask(1, 9))
        assert process.heard[-2:] == [Identities(ended_sessions=["s"]), Ask(1, 9)]
    one.say(Done(1))
    one.say(Done(1))  # twice is once
    eventlet.sleep(0.01)
    assert not settling.dead
    other.say(Done(1))
    settling.wait()
    assert (one.is_killed, other.is_killed) == (False, False)
    monkeypatch.setattr(host_module, "ANSWER_S", 1.0)
    settling = eventlet.spawn(server.doors.settle)
    one.hears(Ask(2, 9))
    one.say(Done(1), Done(2))
    settling.wait()
    assert (one.is_killed, other.is_killed) == (False, True)


def test_a_door_that_ends_meanwhile_is_asked_no_more(server: Server) -> None:
    one, other = server.serve()
    settling = eventlet.spawn(server.doors.settle)
    one.hears(Ask(1, 9))
    one.say(Done(1))
    other.kill()
    settling.wait()
    assert not one.is_killed


def test_figures_are_those_of_the_doors_that_have_answered_and_the_writers(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "FIGURES_S", 1.0)
    one, _ = server.serve()
    asking = eventlet.spawn(lambda: list(server.doors.families(lambda: b"# HELP a a\n# TYPE a gauge\na 1\n")))
    one.hears(Ask(1, 9, figures=True))
    one.say(Done(1, b"# HELP a a\n# TYPE a gauge\na 2\n"))
    (family,) = asking.wait()
    assert list(family.samples) == [('a{door="writer"}', 1.0), ('a{door="1"}', 2.0)]


def test_how_doors_are_is_what_each_has_said_last_and_changed_flows_are_noticed(server: Server) -> None:
    one, other = server.serve()
    noticed: list[list[FlowSource]] = []
    server.doors.on_sources = lambda: noticed.append(server.doors.sources)
    one.say(DoorState(7, 2, [], {"error": 1}), DoorState(8, 3, [FLOW], {"error": 2, "latency": 1}))
    other.say(DoorState(10, 4, [OTHER_FLOW], {"error": 5}))
    until(lambda: server.doors.connections == 7)
    one.say(DoorState(8, 3, [FLOW], {"error": 2, "latency": 1}), DoorState(8, 3, [], {"error": 3}))
    until(lambda: server.doors.injected == {"error": 8})
    assert len(noticed) == 3  # not of what says the same again
    assert noticed[-1] == [OTHER_FLOW]
    assert [(view.seq, view.lag, view.connections) for view in server.doors.views] == [(8, 1, 3), (10, 0, 4)]


def test_a_record_is_given_to_the_door_that_asks_for_it(server: Server) -> None:
    one, other = server.serve()
    one.say(Holding(1, 1), Holding(2, 2))
    one.hears(RecordIs(1, RECORD))
    one.hears(RecordIs(2, None))
    one.say(Holding(3, 10), Holding(4, 1))  # of the first nobody knows
    one.hears(RecordIs(4, RECORD))
    assert not [said for said in one.heard if isinstance(said, RecordIs) and said.number == 3]
    assert not [said for said in other.heard if isinstance(said, RecordIs)]


def test_a_door_that_says_nothing_for_too_long_is_ended(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "SILENT_CHECKS", 10**6)
    one, other = server.serve()
    checked = server.doors._doors[1]
    checked.said_at -= 60
    until(lambda: checked.silent >= 1)
    other.say(Hurry(1))  # which was to be read still: it was not silent for so long
    until(lambda: checked.silent == 0)
    monkeypatch.setattr(host_module, "SILENT_CHECKS", 3)
    eventlet.sleep(0.05)
    assert not other.is_killed
    checked.said_at -= 60
    until(lambda: other.is_killed)
    assert not one.is_killed


class Mirrored:
    """What doors are sent of a venue's state."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mirroring_module, "HISTORY_S", 0.01)
        monkeypatch.setattr(mirroring_module, "HURRIED_S", 0.001)
        self.sent: list[ToDoor] = []
        self.record_n, self.stored_seq = 1, 2
        self.failure: str | None = None
        self.held: HeldClock | None = None
        self.changes: dict[str, Change] = {}
        self.exchange = Exchange()
        self.injector = FaultInjector(self.exchange, lambda: 5)
        self.mirroring = Mirroring(
            self.exchange,
            cast(Credentials, self),
            cast(HistoryAccess, self),
            self,
            self.changes.get,
            self.injector,
            lambda: [("t", "k", 9.0)],
            self.sent.append,
        )

    def __call__(self) -> int:
        return 77

    def mirror(self, publish: Any) -> None:
        """As credentials do."""

    def all_good(self) -> Identities:
        return Identities(only=True)

    def of(self, kind: type) -> list[Any]:
        """Those of a kind that were sent."""
        return [message for message in self.sent if isinstance(message, kind)]


@pytest.fixture
def mirrored(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrored]:
    """Mirroring that was not started."""
    made = Mirrored(monkeypatch)
    yield made
    made.mirroring.close()


def test_a_new_door_is_sent_all_that_there_is(mirrored: Mirrored) -> None:
    mirrored.injector.put(PLAN, AccountId(3))
    mirrored.exchange.books = cast(Any, {"A": None, "B": None})
    mirrored.changes["B"] = Change(50, TradingStatus.HALTED)
    mirrored.held = HeldClock(1, 2, 3)
    mirrored.mirroring.sources = lambda: [FLOW]
    first = list(mirrored.mirroring.introduction())
    assert [type(each) for each in first] == [
        *(Identities, VenueTime, HistoryAt, Planned, VenueChanged, FaultsSet, ListenKeyAt)
    ]
    _, at, history, planned, venue, faults, key = first
    assert isinstance(at, VenueTime)
    assert (at.venue_ns, at.held) == (77, (1, 2, 3))
    assert history == HistoryAt(1, 2, None)
    assert planned == Planned(0, "B", TradingStatus.HALTED, 50)
    assert venue == VenueChanged(0, False, [FLOW])
    assert isinstance(faults, FaultsSet)
    assert (faults.account, faults.plan) == (AccountId(3), PLAN)
    assert key == ListenKeyAt("t", "k", 9.0)
    mirrored.mirroring.symbols_changed(4)
    assert mirrored.sent[-1] == VenueChanged(4, True, [FLOW])
    assert VenueChanged(4, True, [FLOW]) in list(mirrored.mirroring.introduction())


def test_each_change_is_sent_as_it_comes(mirrored: Mirrored) -> None:
    mirrored.mirroring.plan_changed("A")
    assert mirrored.sent == [Planned(0, "A", None, 0)]
    mirrored.sent.clear()
    mirrored.mirroring.venue_changed()
    assert [type(each) for each in mirrored.sent] == [VenueTime, VenueChanged]
    assert mirrored.sent[-1] == VenueChanged(0, False, [])
    mirrored.mirroring.listen_key_changed("t", "k", 0.0)
    assert mirrored.of(ListenKeyAt) == [ListenKeyAt("t", "k", 0.0)]


def test_faults_are_sent_when_they_are_set_and_when_they_are_over(mirrored: Mirrored) -> None:
    mirrored.injector.put(PLAN, AccountId(3))
    mirrored.injector.put(PLAN, None)
    assert [(each.account, each.plan) for each in mirrored.of(FaultsSet)] == [(AccountId(3), PLAN), (None, PLAN)]
    mirrored.mirroring._faults_changed(AccountId(3))  # a step began: doors see that by themselves
    assert len(mirrored.of(FaultsSet)) == 2
    mirrored.injector.end(AccountId(3))
    assert mirrored.sent[-1] == FaultsSet(AccountId(3), None, 0.0)
    mirrored.mirroring._faults_changed(AccountId(3))
    assert len(mirrored.of(FaultsSet)) == 3
    mirrored.injector.put(PLAN, AccountId(3))
    assert mirrored.of(FaultsSet)[-1].plan == PLAN


def test_how_far_the_history_is_is_sent_when_that_has_changed_and_the_time_now_and_then(mirrored: Mirrored) -> None:
    mirrored.mirroring.start()
    until(lambda: len(mirrored.of(VenueTime)) >= 2)
    assert mirrored.of(HistoryAt) == [HistoryAt(1, 2, None)]
    mirrored.record_n, mirrored.stored_seq, mirrored.failure = 5, 6, "why"
    until(lambda: mirrored.of(HistoryAt)[-1] == HistoryAt(5, 6, "why"))
    mirrored.mirroring.hurry()
    assert mirrored.mirroring._hurried == mirroring_module.HURRIED_FOR
    until(lambda: mirrored.mirroring._hurried == 0)
    times = len(mirrored.of(VenueTime))
    assert times >= mirroring_module.HURRIED_FOR // TIME_EVERY
    mirrored.mirroring.close()
    mirrored.record_n = 9
    eventlet.sleep(0.05)
    assert mirrored.of(HistoryAt)[-1] == HistoryAt(5, 6, "why")
