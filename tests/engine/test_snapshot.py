"""An exchange of a written state is the exchange that was written: it says the same, and goes on the same."""

from __future__ import annotations

import random
import zlib

import msgspec
import pytest

from engine import book, recent
from engine.commands import Command, Deposit, EnterOrder, ListInstrument, OrderOptions
from engine.digest import state_digest
from engine.exchange import Exchange
from engine.snapshot import InvalidState, UnknownFormat, encode_state, restore_state
from engine.types import AccountId, Lots, OrderType, Seq, Side, Ticks, TimeInForce
from tests.engine.mixed import mixed
from tests.engine.pair import COIN

EVERY = 60  # commands between two states that are written


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("remembered", [None, 3])
def test_an_exchange_of_a_written_state_goes_on_as_the_one_that_was_written(
    seed: int, remembered: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = mixed(seed, 1_500)
    if remembered is not None:  # so few that accounts forget within the flow, and grow
        monkeypatch.setattr(recent, "REMEMBERED_MAX", 4 * remembered)
        monkeypatch.setattr(recent, "REMEMBERED_LEAST", remembered)
        monkeypatch.setattr(recent, "REMEMBERED_IN_ALL", 8 * remembered)
        monkeypatch.setattr(recent, "SHARED_WINDOW", 2 * remembered)
    straight, restored = Exchange(), Exchange()
    chance = random.Random(seed)
    for number, (ts_ns, command) in enumerate(commands, 1):
        expected = straight.apply(command, Seq(number), ts_ns)
        assert restored.apply(command, Seq(number), ts_ns) == expected, (number, command)
        if chance.random() < 1 / EVERY:
            encoded = encode_state(restored)
            assert encoded == encode_state(straight)
            restored = restore_state(encoded)
            restored.check_invariants()
            assert state_digest(restored) == state_digest(straight)
            assert encode_state(restored) == encoded
    assert encode_state(restored) == encode_state(straight)


def rich(amount: str) -> Exchange:
    """One account that has so much, and an order."""
    exchange = Exchange()
    commands: list[Command] = [
        ListInstrument(COIN),
        Deposit(AccountId(7), COIN.quote, amount),
        EnterOrder(AccountId(7), COIN.symbol, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(5), Ticks(10), "own-1"),
    ]
    for number, command in enumerate(commands, 1):
        exchange.apply(command, Seq(number), number)
    return exchange


def test_amounts_beyond_64_bits_are_kept_exactly() -> None:
    exchange = rich("9" * 30)
    restored = restore_state(encode_state(exchange))
    assert restored.ledger.balance(AccountId(7), COIN.quote).total > 2**64
    assert state_digest(restored) == state_digest(exchange)


def test_an_order_that_was_entered_again_is_known_after_a_restore() -> None:
    exchange = restore_state(encode_state(rich("1")))
    assert exchange.order_id_of(AccountId(7), "own-1") == 3


def test_what_is_written_is_no_part_of_the_exchange_that_goes_on() -> None:
    exchange = rich("1")
    encoded = encode_state(exchange)
    restored = restore_state(encoded)
    before = encode_state(restored)
    exchange.apply(Deposit(AccountId(7), COIN.quote, "1"), Seq(4), 4)
    assert before == encoded == encode_state(restored) != encode_state(exchange)


def test_an_exchange_without_accounts_has_no_state_to_write() -> None:
    with pytest.raises(ValueError, match="with accounts"):
        encode_state(Exchange(2, accounts=False))


def test_another_format_is_named() -> None:
    parts = msgspec.msgpack.decode(encode_state(rich("1")))
    with pytest.raises(UnknownFormat, match="format 99"):
        restore_state(msgspec.msgpack.encode([99, *parts[1:]]))


def as_older(encoded: bytes, format_number: int) -> bytes:
    """A state as formats 1 and 2 had it: of each account the entries, then columns of its done orders."""
    parts = msgspec.msgpack.decode(encoded)
    for memory in parts[-1][0]:
        ends, hours, names, ids, entries, entries_bytes = memory[4]
        commands = msgspec.msgpack.decode(zlib.decompress(entries) if entries_bytes else entries)
        numbers = [*(number for number, name, _ in ends if name is not None), *ids]
        assert len(names) == len(ids)
        memory[4] = [
            sorted(zip(numbers, commands, strict=True)),
            [number for number, _, _ in ends],
            [seq for _, _, seq in ends],
            [hour for hour, count in hours for _ in range(count)],
            [number for number, name, _ in ends if name is None],
        ]
    return msgspec.msgpack.encode([format_number, *parts[1:]])


@pytest.mark.parametrize("format_number", [1, 2])
@pytest.mark.parametrize("seed", range(2))
def test_a_state_of_an_older_format_is_restored_as_it_is(seed: int, format_number: int) -> None:
    exchange = Exchange()
    for number, (ts_ns, command) in enumerate(mixed(seed, 800), 1):
        exchange.apply(command, Seq(number), ts_ns)
    encoded = encode_state(exchange)
    restored = restore_state(as_older(encoded, format_number))
    assert state_digest(restored) == state_digest(exchange)
    assert encode_state(restored) == encoded


def test_every_order_that_was_entered_under_a_name_is_found_after_a_restore_as_it_was_asked_for() -> None:
    straight = rich("9" * 20)
    for number in range(4, 500):  # more than are left uncompressed
        until, name = TimeInForce.IOC if number % 3 else TimeInForce.GTC, f"own-{number}" if number % 5 else None
        entry = EnterOrder(AccountId(7), COIN.symbol, Side.BUY, OrderType.LIMIT, until, Lots(1), Ticks(10), name)
        straight.apply(entry, Seq(number), number)
    restored = restore_state(encode_state(straight))
    for number in range(1, 501):
        name = f"own-{number}"
        found = restored.recent.named(AccountId(7), name, 500)
        assert found == straight.recent.named(AccountId(7), name, 500)
        assert (found is not None) is (number == 1 or (3 < number < 500 and number % 5 > 0))
    assert encode_state(restored) == encode_state(straight)


@pytest.mark.parametrize("seed", range(2))
def test_a_book_of_more_levels_than_are_kept_near_goes_on_as_the_one_that_was_written(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "NEAR_MAX", 4)
    straight, restored = Exchange(), Exchange()
    for number, (ts_ns, command) in enumerate(mixed(seed, 800), 1):
        expected = straight.apply(command, Seq(number), ts_ns)
        assert restored.apply(command, Seq(number), ts_ns) == expected, (number, command)
        if not number % 40:
            restored = restore_state(encode_state(restored))
            restored.check_invariants()


def test_a_queue_that_is_out_of_order_is_refused() -> None:
    exchange = rich("1")
    exchange.apply(
        EnterOrder(AccountId(7), COIN.symbol, Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(5), Ticks(11)), Seq(4), 4
    )
    parts = msgspec.msgpack.decode(encode_state(exchange))
    bids = parts[9][0][9]
    assert bids == [4, 3]
    bids.reverse()
    with pytest.raises(InvalidState, match="out of turn"):
        restore_state(msgspec.msgpack.encode(parts))


def test_an_order_that_waits_as_a_take_profit_waits_on_after_a_restore() -> None:
    exchange = rich("1")
    waits = EnterOrder(
        AccountId(7), COIN.symbol, Side.BUY, OrderType.TAKE_PROFIT, TimeInForce.GTC, Lots(5),
        options=OrderOptions(stop_price=Ticks(10)),
    )  # fmt: skip
    exchange.apply(waits, Seq(4), 4)
    restored = restore_state(encode_state(exchange))
    restored.check_invariants()
    assert restored.books[COIN.symbol].stops.reached(Ticks(11)) == []
    assert [order.order_id for order in restored.books[COIN.symbol].stops.reached(Ticks(10))] == [4]


def test_bytes_that_are_no_state_are_refused_whatever_is_wrong_with_them() -> None:
    encoded = encode_state(rich("1"))
    chance = random.Random(1)
    for _ in range(500):
        damaged = bytearray(encoded)
        damaged[chance.randrange(1, len(damaged))] ^= 1 << chance.randrange(8)
        try:
            restore_state(bytes(damaged))  # what is a state, if another, is found by checksum and digest
        except (InvalidState, UnknownFormat):
            continue
    for damaged in (encoded[:-1], encoded + b"\x00", b"", b"\xc0", encoded[:40]):
        with pytest.raises((InvalidState, UnknownFormat)):
            restore_state(bytes(damaged))
