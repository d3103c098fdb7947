"""A record gives back exactly what was sealed, and every change to it is noticed."""

from __future__ import annotations

from typing import Any, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.commands import (
    AdoptRulebook,
    AdvanceTime,
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    ConfigureAccount,
    Deposit,
    EnterOrder,
    ListInstrument,
    SetStatus,
    StopAccount,
    Withdraw,
    WriterChanged,
)
from engine.types import SANDBOX_ACCOUNT, AccountId, OrderId, SelfTradePrevention, Side, Ticks
from journal.codec import (
    BODY_VERSION,
    GENESIS,
    PLAIN_VERSION,
    BatchRecord,
    CorruptRecord,
    Submission,
    UnknownVersion,
    open_batch,
    open_submitted,
    seal,
    seal_body,
    submissions_of,
    verify,
)
from tests.journal.commands import BTC_USDT, START_NS, flow, limit, sealed

_TRADING = (ListInstrument, SetStatus, EnterOrder, CancelOrder, CancelAll, AmendOrder)
_KINDS = (*_TRADING, AdvanceTime, Deposit, Withdraw, ConfigureAccount, StopAccount, AdoptRulebook, WriterChanged)


def _of(kind: Any) -> st.SearchStrategy[Any]:
    """Every value of a field's type, integers up to 64 bits."""
    if hasattr(kind, "__supertype__"):
        return _of(kind.__supertype__)
    if get_origin(kind) is tuple:
        return st.lists(_of(get_args(kind)[0]), max_size=4).map(tuple)
    if get_args(kind):
        return st.one_of([_of(choice) for choice in get_args(kind)])
    if kind is int:
        return st.integers(-(2**63), 2**63 - 1)
    if issubclass(kind, msgspec.Struct):
        return st.builds(kind, **{field.name: _of(field.type) for field in msgspec.structs.fields(kind)})
    return st.from_type(kind)


@settings(max_examples=200, deadline=None)
@given(commands=st.lists(st.one_of([_of(kind) for kind in _KINDS]), min_size=1, max_size=8))
def test_every_command_comes_back_as_it_was_sealed(commands: list[Command]) -> None:
    record = seal(1, START_NS, 1, commands)
    verify(record, None)
    assert open_batch(record) == commands


def test_every_kind_of_command_is_tried() -> None:
    assert set(get_args(Command)) == set(_KINDS)


def test_the_encoding_of_a_record_never_changes() -> None:
    """Journals outlive versions: should this fail, the body needs a new version number."""
    record = seal(1, START_NS, 1, [ListInstrument(BTC_USDT), limit(Side.BUY, 3_000_000, 5, "a-1")])
    assert record.chain.hex() == "170b90e4cd5b872da99c35c706ae24d7252fb35bb94059cbe22cdda447314f36"


def test_the_encoding_of_a_record_with_submissions_never_changes() -> None:
    submissions = [Submission(b"k" * 16, 0, 1), Submission(b"l" * 16, 1, 1, b"f" * 16, b"door")]
    commands: list[Command] = [ListInstrument(BTC_USDT), limit(Side.BUY, 3_000_000, 5, "a-1")]
    record = seal(1, START_NS, 1, commands, GENESIS, submissions)
    assert record.chain.hex() == "6dbfda16802064e147bc9ed47eaf0dadec4dfb95360e7a305b3cc5818a31b458"
    verify(record, None)
    assert open_submitted(record) == (commands, submissions)
    assert submissions_of(record) == submissions


def test_only_a_record_that_older_versions_cannot_read_says_that_it_is_one() -> None:
    order = limit(Side.BUY, 3_000_000, 5)
    changed = WriterChanged("node-2", 7)
    for commands, version in (([order], PLAIN_VERSION), ([changed], BODY_VERSION), ([order, changed], BODY_VERSION)):
        record = seal(1, START_NS, 1, commands)
        assert (record.body[0], open_submitted(record)) == (version, (commands, []))


@pytest.mark.parametrize(
    "submissions",
    [
        [Submission(b"short", 0, 1)],
        [Submission(b"k" * 16, 0, 1, b"short")],
        [Submission(b"k" * 16, 0, 0)],
        [Submission(b"k" * 16, -1, 1)],
        [Submission(b"k" * 16, 2, 2)],
        [Submission(b"k" * 16, 1, 1), Submission(b"l" * 16, 0, 1)],
        [Submission(b"k" * 16, 0, 2), Submission(b"l" * 16, 1, 1)],
    ],
)
def test_submissions_that_are_none_of_the_record_are_damage(submissions: list[Submission]) -> None:
    record = seal(1, START_NS, 1, [limit(Side.BUY, 3_000_000, 5)] * 3, GENESIS, submissions)
    for reads in (open_batch, open_submitted, submissions_of):
        with pytest.raises(CorruptRecord, match="record 1: a submission"):
            reads(record)


def test_a_body_that_says_to_have_submissions_and_has_none_that_can_be_read_is_damage() -> None:
    for body in (b"\x07", b"\x07\x90", b"\x07\x92\x90\xc0"):
        for reads in (open_batch, submissions_of):
            with pytest.raises(CorruptRecord):
                reads(seal_body(1, START_NS, 1, 1, body, GENESIS))


def test_commands_written_before_a_field_was_added_are_read_with_its_default() -> None:
    entered = ["E", 1, "BTC-USDT", "buy", "limit", "gtc", 5, 3_000_000, "a-1", None]
    configured = ["T", 7, "gold", None, None, None, None, None]
    cancelled = [["C", 1, 4, None, None], ["A", 1, None, None]]
    body = b"\x02" + msgspec.msgpack.encode([entered, configured, ["M", 1, 4, 10, None], *cancelled])
    assert open_batch(BatchRecord(1, START_NS, 1, 5, GENESIS, body, GENESIS, 0)) == [
        limit(Side.BUY, 3_000_000, 5, "a-1"),
        ConfigureAccount(AccountId(7), "gold"),
        AmendOrder(SANDBOX_ACCOUNT, OrderId(4), Ticks(10)),
        CancelOrder(SANDBOX_ACCOUNT, OrderId(4), by_operator=None),  # by whom is not known
        CancelAll(SANDBOX_ACCOUNT, by_operator=None),
    ]
    assert limit(Side.BUY, 3_000_000, 5).self_trade_prevention is SelfTradePrevention.NONE


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("n", 3, "record 2: it is missing; record 3 stands in its place"),
        ("ts_ns", START_NS + 99, "record 2: its checksum"),
        ("first_seq", 12, "record 2: its checksum"),
        ("count", 9, "record 2: its checksum"),
        ("crc32", 1, "record 2: its checksum"),
        ("prev_chain", GENESIS, "record 2: its chain hash"),
        ("chain", GENESIS, "record 2: its chain hash"),
        ("body", b"\x02\x90", "record 2: its checksum"),
        ("body", None, "record 2: a field is of the wrong kind"),
        ("ts_ns", "soon", "record 2: a field is of the wrong kind"),
    ],
)
def test_a_changed_field_is_noticed(field: str, value: object, complaint: str) -> None:
    first, second = sealed(flow(1, 20), 10)
    verify(second, first)
    with pytest.raises(CorruptRecord, match=complaint):
        verify(msgspec.structs.replace(second, **{field: value}), first)


def test_every_flipped_bit_of_the_body_is_noticed() -> None:
    (record,) = sealed(flow(1, 5), 5)
    for at in range(len(record.body)):
        body = bytearray(record.body)
        body[at] ^= 1 << (at % 8)
        with pytest.raises(CorruptRecord, match="record 1: its checksum"):
            verify(msgspec.structs.replace(record, body=bytes(body)), None)


@pytest.mark.parametrize(
    ("forged", "complaint"),
    [
        ({"prev_chain": bytes([7]) * 32}, "not chained to the record before"),
        ({"first_seq": 12}, "its first seq is 12 where 11 was due"),
        ({"ts_ns": START_NS}, "its time went back"),
    ],
)
def test_a_sound_record_in_the_wrong_place_is_noticed(forged: dict[str, object], complaint: str) -> None:
    first, second = sealed(flow(1, 20), 10)
    fields = {"n": 2, "ts_ns": second.ts_ns, "first_seq": 11, "prev_chain": first.chain} | forged
    with pytest.raises(CorruptRecord, match=f"record 2: .*{complaint}"):
        verify(seal(commands=open_batch(second), **fields), first)


def test_a_record_of_a_newer_version_is_no_damage_and_says_so() -> None:
    (record,) = sealed(flow(1, 5), 5)
    with pytest.raises(UnknownVersion, match="record 1 was written by a newer Openbell"):
        open_batch(msgspec.structs.replace(record, body=bytes([BODY_VERSION + 1]) + record.body[1:]))


@pytest.mark.parametrize("body", [b"\x02", b"\x02\xc1", b"\x02\x91\x91\xa1?", b"\x02\x90"])
def test_a_body_that_cannot_be_decoded_names_its_record(body: bytes) -> None:
    with pytest.raises(CorruptRecord, match="record 4"):
        open_batch(BatchRecord(4, START_NS, 1, 1, GENESIS, body, GENESIS, 0))


@pytest.mark.parametrize("command", [limit(Side.BUY, 2**64, 1), CancelOrder(SANDBOX_ACCOUNT, client_order_id="\ud800")])
def test_what_msgpack_cannot_say_is_refused_at_sealing(command: Command) -> None:
    with pytest.raises((OverflowError, UnicodeEncodeError)):
        seal(1, START_NS, 1, [command])


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one command"):
        seal(1, START_NS, 1, [])


def test_an_id_of_any_size_up_to_64_bits_travels() -> None:
    command = CancelOrder(SANDBOX_ACCOUNT, OrderId(2**64 - 1))
    assert open_batch(seal(1, START_NS, 1, [command])) == [command]
