"""The small pure parts of the log: keys, records, patience, space, a leader that is slow, addresses, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import grpc
import msgspec
import pytest

from cluster.challenge import RANK_S, WRITING_S, Challenger, Ping
from cluster.etcd.addresses import BadAddresses, Certificates, parse_members
from cluster.etcd.connections import store_error
from cluster.failures import LogDiverged
from cluster.keys import Head, Keys, decode_head, encode_head
from cluster.leadership import BETWEEN_S as BETWEEN_MOVES_S
from cluster.leadership import SAMPLES, SLOW_S, SlowLeader
from cluster.records import START, decode_record, encode_record, position_of, verify_behind
from cluster.space import SpaceLevel, assess_space, needs_defragmentation
from cluster.store import (
    Busy,
    LogMembers,
    MemberAlarm,
    MemberStatus,
    NoAnswer,
    OutOfSpace,
    Refused,
    StoreError,
    TooLarge,
    Unreachable,
)
from journal.codec import CorruptRecord
from tests.cluster.replicated_log import next_record

QUOTA = 1000


def test_a_record_keeps_every_byte_in_the_log() -> None:
    record = next_record(START, commands=3)
    assert decode_record(1, encode_record(record)) == record


@pytest.mark.parametrize("value", [b"", b"\x00", b"\x01", b"\x01\x90", b"\x02" + encode_record(next_record(START))[1:]])
def test_what_is_no_record_is_said_to_be_none(value: bytes) -> None:
    with pytest.raises(CorruptRecord):
        decode_record(1, value)


def test_a_record_in_the_place_of_another_is_found() -> None:
    with pytest.raises(CorruptRecord, match="in its place"):
        decode_record(2, encode_record(next_record(START)))


@pytest.mark.parametrize(
    "change", [{"ts_ns": 0}, {"first_seq": 9}, {"prev_chain": bytes(32)}, {"n": 5}, {"body": b"x"}]
)
def test_a_record_that_does_not_follow_is_found(change: dict[str, Any]) -> None:
    first = next_record(START)
    second = next_record(position_of(first))
    verify_behind(second, position_of(first))
    with pytest.raises(CorruptRecord):
        verify_behind(msgspec.structs.replace(second, **change), position_of(first))


def test_the_head_is_the_same_bytes_from_every_node_and_a_person_can_read_it() -> None:
    head = Head(position_of(next_record(START)), 3)
    stored = encode_head(head)
    assert decode_head(stored.value) == stored
    assert stored.value.startswith(b'{"n":1,"chain":"')


@pytest.mark.parametrize("value", [b"", b"{}", b'{"n":1,"chain":"x","epoch":1,"seq":1,"ts_ns":1}'])
def test_a_head_that_cannot_be_read_is_no_head(value: bytes) -> None:
    with pytest.raises(LogDiverged):
        decode_head(value)


def test_keys_of_records_are_in_order_of_records() -> None:
    keys = Keys("abc")
    assert keys.log(7) == "/openbell/abc/log/0000000000000007"
    assert keys.logs < keys.log(9) < keys.log(10) < keys.log(10**15) < keys.logs_end
    assert keys.record_number(keys.log(123)) == 123


@pytest.mark.parametrize("name", ["", "a/b", "A", "-a", "a" * 33])
def test_a_cluster_is_not_named_like_this(name: str) -> None:
    with pytest.raises(ValueError, match="cluster's name"):
        Keys(name)


def test_a_writer_whose_port_refuses_is_challenged_at_once_and_in_order_of_rank() -> None:
    first, second = Challenger(0), Challenger(1)
    for challenger in (first, second):
        challenger.record(3, Ping.REFUSED, 10.0)
    assert first.is_due(3, 10.0)
    assert not second.is_due(3, 10.0)
    second.record(3, Ping.REFUSED, 10.0 + RANK_S)  # which puts its turn off no further
    assert second.is_due(3, 10.0 + RANK_S)


def test_a_silent_writer_is_challenged_after_two_pings_and_one_answer_forgives_it() -> None:
    challenger = Challenger(0)
    challenger.record(3, Ping.UNANSWERED, 1.0)
    assert not challenger.is_due(3, 1.0)
    challenger.record(3, Ping.ANSWERED, 2.0)
    challenger.record(3, Ping.UNANSWERED, 3.0)
    assert not challenger.is_due(3, 3.0)
    challenger.record(3, Ping.UNANSWERED, 4.0)
    assert challenger.is_due(3, 4.0)
    challenger.record(3, Ping.ANSWERED, 5.0)
    assert not challenger.is_due(3, 5.0)


def test_a_writer_that_answers_nothing_and_writes_on_is_not_challenged_for_some_seconds() -> None:
    challenger, began = Challenger(0), 10.0
    for second in range(int(WRITING_S)):
        challenger.record(3, Ping.UNANSWERED, began + second)
        assert not challenger.is_due(3, began + second)
        challenger.wrote(3, began + second + 0.5)
    for second in range(2):  # nobody reaches it: its records speak for it no longer
        challenger.record(3, Ping.UNANSWERED, began + WRITING_S + second)
        challenger.wrote(3, began + WRITING_S + second + 0.5)
    assert challenger.is_due(3, began + WRITING_S + 1.5)


def test_records_before_a_pause_put_no_challenge_off() -> None:
    challenger = Challenger(0)
    challenger.wrote(3, 0.9)
    for at in (1.0, 2.0):
        challenger.record(3, Ping.UNANSWERED, at)
    assert challenger.is_due(3, 2.0)


def test_records_do_not_speak_for_a_writer_whose_port_refuses_nor_for_another_one() -> None:
    refused, silent = Challenger(0), Challenger(0)
    refused.record(3, Ping.REFUSED, 1.0)
    refused.wrote(3, 1.1)
    assert refused.is_due(3, 1.1)
    for at in (1.0, 2.0):
        silent.record(3, Ping.UNANSWERED, at)
    silent.wrote(4, 2.1)
    assert silent.is_due(3, 2.1)


def test_what_an_owner_was_pinged_says_nothing_of_the_next() -> None:
    challenger = Challenger(0)
    for at in (1.0, 2.0):
        challenger.record(3, Ping.UNANSWERED, at)
    assert not challenger.is_due(4, 2.0)
    challenger.record(4, Ping.UNANSWERED, 3.0)
    assert not challenger.is_due(4, 3.0)
    assert not challenger.is_due(3, 3.0)


def test_whoever_has_challenged_is_as_patient_again() -> None:
    challenger = Challenger(0)
    for at in (1.0, 2.0):
        challenger.record(3, Ping.UNANSWERED, at)
    challenger.challenged()
    assert not challenger.is_due(3, 2.0)
    challenger.record(3, Ping.UNANSWERED, 3.0)
    assert not challenger.is_due(3, 3.0)
    challenger.record(3, Ping.UNANSWERED, 4.0)
    assert challenger.is_due(3, 4.0)


def status(space: int, used: int, quota: int | None = None, member_id: int = 1, leader_id: int = 1) -> MemberStatus:
    """A member's word on its space and leader."""
    return MemberStatus(f"m{member_id}", member_id, leader_id, "3.5.30", space, used, quota)


@pytest.mark.parametrize(
    ("space", "quota", "alarms", "level"),
    [
        (399, None, (), SpaceLevel.NORMAL),
        (400, None, (), SpaceLevel.WARN),
        (800, None, (), SpaceLevel.CANCELS_ONLY),
        (800, 4000, (), SpaceLevel.NORMAL),
        (100, None, (MemberAlarm(1, "nospace"),), SpaceLevel.FULL),
    ],
)
def test_the_level_of_space_is_that_of_the_fullest_member(
    space: int, quota: int | None, alarms: tuple[MemberAlarm, ...], level: SpaceLevel
) -> None:
    assert assess_space([status(10, 10), status(space, 10, quota)], alarms, QUOTA).level is level


def test_a_member_is_defragmented_when_much_of_a_large_file_is_unused() -> None:
    assert needs_defragmentation(status(500, 200), QUOTA)
    assert not needs_defragmentation(status(500, 300), QUOTA)
    assert not needs_defragmentation(status(300, 10), QUOTA)
    assert needs_defragmentation(status(400, 200), QUOTA)  # as much as is worth it, and no more
    assert not needs_defragmentation(status(500, 200, 5000), QUOTA)  # it says its own quota


class MovedMembers:
    """Members whose leadership is moved as asked."""

    def __init__(self) -> None:
        self.leader = 1
        self.addresses = ("m1", "m2", "m3")

    def status(self, address: str, timeout_s: float) -> MemberStatus:
        """All follow the leader."""
        return status(1, 1, None, int(address[1]), self.leader)

    def move_leader(self, leader: MemberStatus, to_member_id: int, timeout_s: float) -> None:
        """Done at once."""
        assert leader.member_id == self.leader
        self.leader = to_member_id


def test_the_leadership_moves_when_appends_are_slow_and_less_often_while_it_does_not_help() -> None:
    members, now = MovedMembers(), [0.0]
    slow = SlowLeader(cast(LogMembers, members), clock=lambda: now[0])
    leaders = [members.leader]
    moved_at: list[float] = []
    while len(moved_at) < 3:
        slow.note(2 * SLOW_S)
        if slow.is_due():
            assert slow.move()
            moved_at.append(now[0])
            leaders.append(members.leader)
        now[0] += 0.5
    assert leaders[:3] == [1, 2, 3]  # each has its turn
    assert moved_at[1] - moved_at[0] >= BETWEEN_MOVES_S
    assert moved_at[2] - moved_at[1] >= 2 * BETWEEN_MOVES_S


def test_the_leadership_stays_while_appends_are_fast_and_one_that_waits_long_moves_it() -> None:
    slow = SlowLeader(cast(LogMembers, MovedMembers()), clock=lambda: 0.0)
    for seconds in [0.01] * SAMPLES + [5 * SLOW_S] * 2:
        slow.note(seconds)
        assert not slow.is_due()
    assert slow.is_due(waiting_s=1.5)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("http://127.0.0.1:2379", ("127.0.0.1:2379",)),
        ("http://localhost:1, http://[::1]:2/", ("localhost:1", "[::1]:2")),
    ],
)
def test_members_on_loopback_need_no_certificates(text: str, addresses: tuple[str, ...]) -> None:
    assert parse_members(text).addresses == addresses


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "one to 9 members"),
        ("127.0.0.1:2379", "http://host:port"),
        ("http://127.0.0.1", "http://host:port"),
        ("http://127.0.0.1:x", "no port"),
        ("http://10.0.0.1:2379", "not on loopback"),
        ("https://10.0.0.1:2379", "needs certificates"),
        ("http://user:secret@127.0.0.1:2379", "nothing else"),
        ("http://127.0.0.1:1,http://127.0.0.1:1", "twice"),
    ],
)
def test_addresses_that_cannot_be_used_say_why_and_show_no_password(text: str, why: str) -> None:
    with pytest.raises(BadAddresses, match=why) as refused:
        parse_members(text)
    assert "secret" not in str(refused.value)


def test_certificates_are_for_members_that_are_reached_by_tls() -> None:
    certificates = Certificates(Path("/authority.pem"))
    assert parse_members("https://etcd-1.example:2379", certificates).certificates == certificates
    with pytest.raises(BadAddresses, match="not reached by TLS"):
        parse_members("http://127.0.0.1:2379", certificates)


class FailedCall(grpc.RpcError):
    """A failure of gRPC's."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__()
        self._failure = (code, details)

    def code(self) -> grpc.StatusCode:
        """The status."""
        return self._failure[0]

    def details(self) -> str:
        """Its text."""
        return self._failure[1]


@pytest.mark.parametrize(
    ("code", "details", "kind"),
    [
        (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", NoAnswer),
        (grpc.StatusCode.UNAVAILABLE, "Socket closed", NoAnswer),
        (grpc.StatusCode.UNAVAILABLE, "etcdserver: leader changed", NoAnswer),
        (grpc.StatusCode.UNAVAILABLE, "etcdserver: request timed out", NoAnswer),
        (grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses; last error: x", Unreachable),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", OutOfSpace),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "etcdserver: too many requests", Busy),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "grpc: received message larger than max", TooLarge),
        (grpc.StatusCode.INVALID_ARGUMENT, "etcdserver: request is too large", TooLarge),
        (grpc.StatusCode.NOT_FOUND, "etcdserver: requested lease not found", Refused),
        (grpc.StatusCode.UNKNOWN, "what is this", NoAnswer),
        (grpc.StatusCode.CANCELLED, "Channel closed!", NoAnswer),
    ],
)
def test_only_what_certainly_changed_nothing_is_a_refusal(
    code: grpc.StatusCode, details: str, kind: type[StoreError]
) -> None:
    assert type(store_error(FailedCall(code, details), "127.0.0.1:1")) is kind
