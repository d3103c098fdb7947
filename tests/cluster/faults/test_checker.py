"""The checker finds what it is there for: each way to break a promise, done to a run that kept all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.commands import Deposit, EnterOrder
from journal.codec import BatchRecord, open_batch, seal
from tests.cluster.faults.campaign import Fault, Run, Strike, campaign
from tests.cluster.faults.checker import Verdict, check_names
from tests.cluster.faults.gaps import Gap, gap
from tests.cluster.faults.load import Answer, Load, Request
from tests.cluster.faults.records import replayed
from tests.cluster.faults.table import table
from tests.cluster.faults.venue import Venue, single

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A single server that is killed, and then stands still, under load."""
    folder = tmp_path_factory.mktemp("single")
    with single(folder) as venue:

        def kill() -> None:
            venue.nodes[0].kill()
            venue.nodes[0].launch()

        def pause() -> None:
            venue.nodes[0].pause()
            time.sleep(0.5)
            venue.nodes[0].resume()

        faults = [Fault("kill -9", None, kill), Fault("half a second of SIGSTOP", 0.5, pause)]
        yield campaign(venue, faults, Load(venue.doors, 4, 0.01), folder / "scratch")


def acknowledged(run: Run, kind: str = "enter") -> Answer:
    """One that was granted, in the middle of the run."""
    found = [a for a in run.answers if a.request.kind == kind and a.status == 200 and not a.body.get("repeated")]
    return found[len(found) // 2]


def resealed(run: Run, change: Callable[[list[Any]], list[Any]]) -> Run:
    """The run with other commands in its records, sealed and chained as if they had been so from the beginning."""
    records: list[BatchRecord] = []
    for record in run.journals["single"]:
        commands = change(open_batch(record))
        if commands:
            first, chain = (records[-1].last_seq + 1, records[-1].chain) if records else (1, bytes(32))
            records.append(seal(len(records) + 1, record.ts_ns, first, commands, chain))
    return run._replace(journals={"single": records}, live_digests={}, agreed_seq=0)


def replaced(run: Run, changed: Answer, **fields: Any) -> Run:
    """The run with one answer changed."""
    other = msgspec.structs.replace(changed, **fields)
    return run._replace(answers=[other if answer is changed else answer for answer in run.answers])


def of(name: str) -> Callable[[Any], bool]:
    """Whether a command enters the order of that client order id."""
    return lambda command: isinstance(command, EnterOrder) and command.client_order_id == name


def test_a_server_that_was_killed_and_stood_still_kept_every_promise(run: Run) -> None:
    verdict = run.verdict()
    assert verdict.broken == []
    assert run.unanswered == []
    assert verdict.orders > 50
    assert verdict.digests > 2
    assert {answer.request.kind for answer in run.answers} == {"enter", "cancel", "amend", "deposit", "withdraw"}
    assert run.refusals["no answer"] > 0
    assert all(strike.gap.anywhere_s > 0.3 for strike in run.strikes)


def test_an_order_that_is_not_in_the_records_is_lost(run: Run) -> None:
    name = acknowledged(run).request.name
    verdict = resealed(run, lambda commands: [c for c in commands if not of(name)(c)]).verdict()
    assert any(name in sentence for sentence in verdict.lost)


def test_a_cancel_that_is_not_in_the_records_is_lost(run: Run) -> None:
    cancel = acknowledged(run, "cancel")
    filled = next(a for a in run.answers if a.account == cancel.account and a.body.get("status") == "filled")
    verdict = replaced(run, cancel, request=Request("cancel", filled.request.name, "POST", "/cancel", {})).verdict()
    assert verdict.lost == [f"the cancel of {filled.request.name} was acknowledged and is not there"]


def test_a_deposit_that_is_not_there_or_there_twice_is_noticed(run: Run) -> None:
    answer = acknowledged(run, "deposit")
    once = of_deposit(answer)
    lost = resealed(run, lambda commands: [c for c in commands if not once(c)]).verdict().lost
    assert any(f"the deposit of {answer.request.name}" in sentence for sentence in lost)
    twice = resealed(run, lambda commands: [*commands, *(c for c in commands if once(c))]).verdict().twice
    assert any(f"the deposit of {answer.request.name}" in sentence for sentence in twice)


def of_deposit(answer: Answer) -> Callable[[Any], bool]:
    """Whether a command is that deposit."""
    return lambda command: (
        isinstance(command, Deposit)
        and command.account == answer.account
        and Decimal(command.amount) == Decimal(answer.request.name)
    )


def test_an_order_that_nobody_sent_is_noticed(run: Run) -> None:
    name = acknowledged(run).request.name

    def doubled(commands: list[Any]) -> list[Any]:
        again = [msgspec.structs.replace(c, client_order_id=f"{name}-again") for c in commands if of(name)(c)]
        return commands + again

    verdict = resealed(run, doubled).verdict()
    assert any(f"{name}-again" in sentence and "nobody sent it" in sentence for sentence in verdict.twice)


def test_an_order_that_is_there_under_two_ids_is_twice(run: Run) -> None:
    answer, verdict = acknowledged(run), Verdict()
    facts = replayed(run.journals["single"], set())
    facts.entered[answer.account, answer.request.name] *= 2  # which the engine itself would not do
    check_names(run.answers, [], facts, verdict)
    assert verdict.twice == [f"{answer.request.name} of account {answer.account} is there 2 times"]


def test_another_outcome_than_the_answer_said_is_noticed(run: Run) -> None:
    answer = acknowledged(run)
    for field, value in (("order_id", "999999"), ("status", "of another kind"), ("trades", [{"trade_id": "0"}])):
        verdict = replaced(run, answer, body=answer.body | {field: value}).verdict()
        assert any(answer.request.name in sentence for sentence in verdict.changed), field


def test_an_accepted_order_that_was_answered_with_a_refusal_is_noticed(run: Run) -> None:
    answer = acknowledged(run)
    verdict = replaced(run, answer, status=400, body={"error_code": "BAD_TICK"}).verdict()
    assert [s.partition(":")[0] for s in verdict.changed] == [f"{answer.request.name} was refused and is there"]


def test_two_orders_of_one_account_in_the_wrong_turn_are_noticed(run: Run) -> None:
    backwards = run._replace(answers=list(reversed(run.answers)))
    assert any("has a lower id" in sentence for sentence in backwards.verdict().changed)


def test_a_node_with_another_state_or_other_records_is_noticed(run: Run) -> None:
    seq = run.journals["single"][-1].last_seq
    assert run._replace(live_digests={"b": {seq: "0" * 64}}).verdict().differing != []
    other = resealed(run, lambda commands: commands[:1]).journals["single"]
    verdict = run._replace(journals=run.journals | {"b": other}).verdict()
    assert any("b has another record" in sentence for sentence in verdict.differing)
    short = run._replace(journals=run.journals | {"b": run.journals["single"][:-1]})
    assert any("the journal of b ends before" in sentence for sentence in short.verdict().differing)


def test_the_longest_gap_is_counted_from_the_fault_to_the_first_answer() -> None:
    request = Request("enter", "a", "POST", "/order", {})
    answers = [
        Answer("t", 1, request, sent, answered, 1, "", 200, {})
        for sent, answered in [(0.0, 0.1), (0.9, 1.0), (1.1, 4.1), (4.2, 4.3)]
    ]
    seen = gap(answers, 2.0, 4.3)
    assert seen.anywhere_s == pytest.approx(2.1)
    assert seen.one_client_s == pytest.approx(2.1)


def test_a_venue_says_when_its_servers_differ(tmp_path: Path) -> None:
    class Said:
        name = "b"

        def __init__(self, digest: str) -> None:
            self._digest = digest

        def get(self, *_: object) -> dict[str, Any]:
            """The same seq of every server."""
            return {"seq": 7, "digest": self._digest}

    first, second = Said("0" * 64), Said("1" * 64)
    first.name = "a"
    venue: Any = Venue([])
    venue.nodes = [first, second]
    with pytest.raises(AssertionError, match="differ at seq 7"):
        venue.agreed(1.0)
    second._digest = first._digest
    assert venue.agreed(1.0) == 7


def test_the_table_has_median_and_maximum_of_each_fault_and_how_often_its_bound_was_kept(run: Run) -> None:
    fault = run.strikes[1].fault
    strikes = [Strike(fault, Gap(seconds, seconds * 2), seconds) for seconds in (0.25, 0.5, 0.75)]
    line = "| half a second of SIGSTOP | 3 | 0.50 / 0.75 | 1.00 / 1.50 | 0.5 | 2 of 3 |"
    assert table(strikes).splitlines()[2:] == [line]
    assert len(table([*run.strikes, *strikes]).splitlines()) == 4
