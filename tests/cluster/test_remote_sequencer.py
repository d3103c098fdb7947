"""A front door over a link answers as the writer would, once for each command, whoever the writer is meanwhile."""

from __future__ import annotations

import random
from pathlib import Path

import eventlet

from engine.commands import Command, Deposit, EnterOrder, ListInstrument
from engine.digest import state_digest
from engine.events import CommandResult
from engine.types import AccountId, Lots, OrderType, Side, Ticks, TimeInForce
from tests.cluster.door import Door, door_of, replayed, until, writing
from tests.sequencer.venue import COIN


def opening(accounts: int) -> list[Command]:
    """A listing, and deposits for accounts 1 to `accounts`."""
    funds: list[Command] = [
        Deposit(AccountId(account), asset, "1000000")
        for account in range(1, accounts + 1)
        for asset in (COIN.base, COIN.quote)
    ]
    return [ListInstrument(COIN), *funds]


def order(account: int, rng: random.Random, name: str | None = None) -> EnterOrder:
    """An order near the others, so that some trade."""
    side = rng.choice(list(Side))
    price = Ticks(rng.randint(98, 102))
    return EnterOrder(
        AccountId(account), "COIN", side, OrderType.LIMIT, TimeInForce.GTC, Lots(rng.randint(1, 5)), price, name
    )


def flood(door: Door, account: int, count: int, answers: list[tuple[Command, CommandResult]]) -> None:
    """A trader that enters one order behind the other; every answer must be one."""
    rng = random.Random(account)
    for _ in range(count):
        command = order(account, rng)
        answers.append((command, door.sequencer.submit(command)))
        if not rng.randrange(20):
            pair = [order(account, rng), order(account, rng)]
            answers += zip(pair, door.sequencer.submit_all(pair), strict=True)


def test_killed_writers_lose_nothing_take_nothing_twice_and_answers_are_theirs(tmp_path: Path) -> None:
    kills, traders, each = 4, 12, 60
    answers: list[list[tuple[Command, CommandResult]]] = [[] for _ in range(2 * traders)]
    with writing(tmp_path, flush_ms=2) as writer, door_of(tmp_path, "one") as one, door_of(tmp_path, "two") as two:
        one.sequencer.submit_all(opening(2 * traders))
        greenlets = [
            eventlet.spawn(flood, door, account, each, answers[account - 1])
            for account in range(1, 2 * traders + 1)
            for door in ((one, two)[account % 2],)
        ]
        total = 2 * traders * each
        for kill in range(1, kills + 1):
            until(lambda kill=kill: sum(map(len, answers)) > total * kill // (kills + 2))  # type: ignore[misc]
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
    assert len(given) >= total
    assert all(result == results[result.seq - 1] for _, result in given)
    assert all(result.command == command for command, result in given)
    assert len(results) == len(given) + len(opening(2 * traders)) + sum(
        r.command.__class__.__name__ == "AdvanceTime" for r in results
    )
    for trader in answers:  # in the order in which each trader sent them
        seqs = [result.seq for _, result in trader]
        assert seqs == sorted(seqs)
