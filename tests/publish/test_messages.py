"""What is published says what happened: books level by level, trades, each account's orders, the records themselves."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from engine import events as ev
from journal.codec import BatchRecord, verify
from publish import book_changes
from publish.message_maker import MessageMaker
from publish.messages import BY_TOPIC, Message
from publish.schema import FILE, text
from publish.target import Topic
from replica.follower import Follower
from tests.journal.mixed_records import RECORDS, records
from tests.publish.reading import Books, followed, made
from tests.tidy.pages import page

MESSAGES = made(RECORDS)
SEED_OF_AUCTIONS = 4


def contents(topic: Topic, messages: list[Message] = MESSAGES) -> list[dict[str, Any]]:
    return [msgspec.json.decode(each.body) for each in messages if each.topic is topic]


def fold_and_compare(maker_begins_at: int = 0, source: list[BatchRecord] = RECORDS) -> int:
    """Compare the books with the exchange's behind every record; how many messages came whole."""
    follower, books, whole = Follower(), Books(), 0
    for record in source[:maker_begins_at]:
        follower.follow(record)
    maker = MessageMaker(follower.exchange, [Topic.BOOK])
    for record in source[maker_begins_at:]:
        found = contents(Topic.BOOK, maker.of(record, follower.follow(record)))
        whole += sum(content.get("reset", False) for content in found)
        for content in found:
            books.fold(content)
        books.agree_with(follower.exchange)
    assert books.bids
    return whole


@pytest.mark.parametrize("begins_at", [0, 7, 20])
def test_the_books_of_the_messages_are_those_of_the_exchange_behind_every_record(begins_at: int) -> None:
    fold_and_compare(begins_at)


def test_the_books_of_auctions_are_those_of_the_exchange_behind_every_uncross() -> None:
    source = records(30, seed=SEED_OF_AUCTIONS)
    uncrossed = [event for _, applied, _ in followed(source) for result in applied for event in result.events
                 if isinstance(event, ev.Uncrossed)]  # fmt: skip
    assert uncrossed
    fold_and_compare(0, source)


def test_a_book_comes_whole_again_and_again_and_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    once = fold_and_compare(0)
    monkeypatch.setattr(book_changes, "WHOLE_EVERY", 3)
    monkeypatch.setattr(book_changes, "LEVELS_MAX", 2)
    assert fold_and_compare(0) > once
    assert any(content.get("more") for content in contents(Topic.BOOK, made(RECORDS)))


def test_a_book_comes_whole_behind_records_that_were_left_out() -> None:
    follower, books = Follower(), Books()
    maker = MessageMaker(follower.exchange, [Topic.BOOK])
    for record in RECORDS:
        applied = follower.follow(record)
        if 10 < record.n <= 15:  # somebody else publishes these
            maker.begin_anew()
            books = Books()
            continue
        for content in contents(Topic.BOOK, maker.of(record, applied)):
            books.fold(content)
        books.agree_with(follower.exchange)
    assert books.bids


def test_every_trade_is_published_once_in_order() -> None:
    fills = [event for _, applied, _ in followed(RECORDS) for result in applied for event in result.events
             if isinstance(event, ev.Filled)]  # fmt: skip
    trades = contents(Topic.TRADES)
    assert len(trades) > 50
    assert [trade["trade_id"] for trade in trades] == [str(fill.trade_id) for fill in fills]
    assert [trade["aggressor_side"] for trade in trades] == [fill.taker_side.value for fill in fills]


def test_each_account_is_said_what_became_of_its_orders_and_nobody_elses() -> None:
    expected: Counter[tuple[int, str, str | None]] = Counter()
    names: dict[type, str] = {ev.Accepted: "accepted", ev.Cancelled: "cancelled", ev.Expired: "expired",
                              ev.Amended: "amended", ev.Triggered: "triggered", ev.StopPriceMoved: "trailed",
                              ev.Rejected: "rejected"}  # fmt: skip
    for _, applied, _ in followed(RECORDS):
        for event in (event for result in applied for event in result.events):
            if isinstance(event, ev.Filled):
                for account, order_id, leaves in (
                    (event.maker_account, event.maker_order_id, event.maker_leaves),
                    (event.taker_account, event.taker_order_id, event.taker_leaves),
                ):
                    expected[account, "partially_filled" if leaves else "filled", str(order_id)] += 1
            elif type(event) in names:
                entered: int | None = getattr(event, "order_id", None)
                of: int = event.account  # type: ignore[attr-defined] # all of these have one
                expected[of, names[type(event)], None if entered is None else str(entered)] += 1
    orders = contents(Topic.ORDERS)
    assert Counter((each["account"], each["event_type"], each.get("order_id")) for each in orders) == expected
    assert {each["event_type"] for each in orders} >= {"accepted", "filled", "cancelled", "amended", "rejected"}
    assert {each.key for each in MESSAGES if each.topic is Topic.ORDERS} == {str(each["account"]) for each in orders}


def test_the_records_are_those_of_the_journal_with_their_chain() -> None:
    last: BatchRecord | None = None
    for content in contents(Topic.RECORDS):
        record = BatchRecord(
            content["n"],
            content["ts_ns"],
            content["first_seq"],
            content["count"],
            bytes.fromhex(content["prev_chain"]),
            base64.b64decode(content["body"]),
            bytes.fromhex(content["chain"]),
            content["crc32"],
        )
        verify(record, last)
        last = record
    assert last == RECORDS[-1]


def test_messages_of_a_topic_are_numbered_so_that_each_is_above_the_one_before() -> None:
    for topic in Topic:
        places = [(each.seq, each.number) for each in MESSAGES if each.topic is topic]
        assert places == sorted(set(places)), topic
        assert places, topic


def test_the_same_records_make_the_same_messages() -> None:
    assert made(RECORDS) == MESSAGES


def test_a_topic_that_was_not_asked_for_is_not_made() -> None:
    assert {each.topic for each in made(RECORDS, [Topic.TRADES, Topic.RECORDS])} == {Topic.TRADES, Topic.RECORDS}


def test_every_message_is_as_the_schema_says_and_has_no_other_field() -> None:
    assert FILE.read_text(encoding="utf-8") == text(), "write it with python -m publish.schema"
    document = msgspec.json.decode(text())
    definitions = document["$defs"]
    for topic, struct in BY_TOPIC.items():
        schema = {"$ref": f"#/$defs/{struct.__name__}", "$defs": definitions}
        validator = jsonschema_rs.Draft202012Validator(schema)
        for content in contents(topic):
            validator.validate(content)
            assert content.keys() <= definitions[struct.__name__]["properties"].keys()


@pytest.mark.parametrize("struct", BY_TOPIC.values(), ids=lambda struct: struct.__name__)
def test_every_field_has_its_row_in_the_documentation(struct: type[msgspec.Struct]) -> None:
    described = page("publishing.md")
    assert [name for name in struct.__struct_fields__ if f"`{name}`" not in described] == []
