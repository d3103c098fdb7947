"""Is every acknowledged answer in the records, once, with the same outcome and in its account's order?

The checker knows what traders were answered and what the nodes told of their state while they ran, and compares both
with a replay of the records. It judges; it starts and stops nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from journal.codec import BatchRecord
from tests.cluster.faults.load import Answer, Request
from tests.cluster.faults.records import Facts, replayed

CANCELLED = 200
OF_A_DONE_ORDER = (404, 409)
TRANSFERS = {"deposit": 1, "withdraw": -1}


class Verdict(msgspec.Struct):
    """What does not hold, in words. All empty: everything does."""

    answers: int = 0
    orders: int = 0
    digests: int = 0  # told by nodes while they ran, and made again by the replay
    lost: list[str] = []
    twice: list[str] = []
    changed: list[str] = []  # another outcome than the answer said, or another order of an account's orders
    differing: list[str] = []  # digests, chains, balances

    @property
    def broken(self) -> list[str]:
        """Everything that does not hold."""
        return self.lost + self.twice + self.changed + self.differing

    def __str__(self) -> str:
        return (
            f"{self.answers:,} answers, {self.orders:,} orders: {len(self.lost)} lost, {len(self.twice)} twice, "
            f"{len(self.changed)} changed, {len(self.differing)} differing ({self.digests:,} digests compared)"
        )


def check(
    answers: Iterable[Answer],
    unanswered: Iterable[Request],
    journals: dict[str, list[BatchRecord]],
    live_digests: dict[str, dict[int, str]],
    agreed_seq: int = 0,
) -> Verdict:
    """Compare answers and the digests that nodes said, node by node and seq by seq, with the nodes' journals.

    `agreed_seq` is how far every node was when the load had ended; a journal that ends before has a hole.
    """
    verdict, answered = Verdict(), list(answers)
    records = _one_list(journals, agreed_seq, verdict)
    facts = replayed(records, {seq for digests in live_digests.values() for seq in digests})
    _check_answers(answered, facts, verdict)
    check_names(answered, unanswered, facts, verdict)
    _check_turns(answered, verdict)
    _check_states(live_digests, facts, verdict)
    return verdict


def _one_list(journals: dict[str, list[BatchRecord]], agreed_seq: int, verdict: Verdict) -> list[BatchRecord]:
    """The longest of the journals that begin with the first record; what others have must be the same, to its end."""
    whole = [records for records in journals.values() if records and records[0].n == 1]
    if not whole:
        verdict.differing.append("no journal begins with the first record")
        return []
    longest = max(whole, key=len)
    for node, records in journals.items():
        if not records or records[-1].last_seq < agreed_seq:
            verdict.differing.append(f"the journal of {node} ends before seq {agreed_seq}")
        strange = next((r.n for r in records if r.n > len(longest) or r.chain != longest[r.n - 1].chain), None)
        if strange is not None:
            verdict.differing.append(f"{node} has another record {strange}")
    return longest


def _check_answers(answers: list[Answer], facts: Facts, verdict: Verdict) -> None:
    for answer in answers:
        verdict.answers += 1
        request, name = answer.request, (answer.account, answer.request.name)
        entered = facts.entered.get(name, [])
        if request.kind == "enter":
            _check_entry(answer, facts, verdict)
        elif request.kind in TRANSFERS:
            _check_transfer(answer, facts, verdict)
        elif not entered:
            verdict.lost.append(f"{request.name} is not there, and was asked to {request.kind}")
        elif request.kind == "cancel" and answer.status == CANCELLED:
            if entered[0].order_id not in facts.cancelled:
                verdict.lost.append(f"the cancel of {request.name} was acknowledged and is not there")
        elif request.kind == "amend" and answer.status == CANCELLED:
            if entered[0].order_id not in facts.amended:
                verdict.lost.append(f"the change of {request.name} was acknowledged and is not there")
        elif answer.status in OF_A_DONE_ORDER:
            if entered[0].order_id not in facts.ended:
                verdict.changed.append(f"{request.name} was said to be done and is open")
        elif answer.status not in (400, 422):
            verdict.changed.append(f"{request.kind} of {request.name} was answered {answer.status} {answer.body}")


def _check_transfer(answer: Answer, facts: Facts, verdict: Verdict) -> None:
    """Each of a trader's transfers has an amount of its own."""
    request, asset = answer.request, answer.request.body["asset"]
    units = int(Decimal(request.body["amount"]).scaleb(facts.exchange.ledger.scales[asset]))
    times = facts.transfers[answer.account, asset, units * TRANSFERS[request.kind]]
    what = f"the {request.kind} of {request.body['amount']} by account {answer.account}"
    if times > 1:
        verdict.twice.append(f"{what} is there {times} times")
    if answer.status == 200 and not times:
        verdict.lost.append(f"{what} was acknowledged and is not there")
    if answer.status != 200 and times:
        verdict.changed.append(f"{what} was answered {answer.status} and is there")


def _check_entry(answer: Answer, facts: Facts, verdict: Verdict) -> None:
    request, name = answer.request, (answer.account, answer.request.name)
    entered = facts.entered.get(name, [])
    if answer.status == 400:
        if entered:
            verdict.changed.append(f"{request.name} was refused and is there: {answer.tries} tries, {answer.body}")
        elif name not in facts.refused:
            verdict.lost.append(f"the refusal of {request.name} is not there: {answer.body}")
        return
    if answer.status != 200:
        verdict.changed.append(f"{request.name} was answered {answer.status} {answer.body}")
        return
    verdict.orders += 1
    if not entered:
        verdict.lost.append(f"{request.name} was acknowledged by {answer.door} and is not there")
        return
    body: dict[str, Any] = answer.body
    trades = frozenset(trade["trade_id"] for trade in body["trades"])
    if body["order_id"] != entered[0].order_id:
        verdict.changed.append(f"{request.name} was order {body['order_id']} and is {entered[0].order_id}")
    elif not body["repeated"] and (body["status"], trades) != (entered[0].status, entered[0].trades):
        verdict.changed.append(f"{request.name} was {body['status']} with {set(trades)} and is {entered[0]}")
    elif body["repeated"] and not entered[0].trades <= trades:
        verdict.changed.append(f"{request.name} repeated has trades {set(trades)}, and is {entered[0]}")


def check_names(answers: list[Answer], unanswered: Iterable[Request], facts: Facts, verdict: Verdict) -> None:
    """Nothing is there twice, and nothing that nobody sent."""
    accounts = {answer.account for answer in answers}
    sent = {answer.request.name for answer in answers} | {request.name for request in unanswered}
    for (account, name), entered in facts.entered.items():
        if len(entered) > 1:
            verdict.twice.append(f"{name} of account {account} is there {len(entered)} times")
        if account in accounts and name not in sent:
            verdict.twice.append(f"{name} of account {account} is there, and nobody sent it")


def _check_turns(answers: list[Answer], verdict: Verdict) -> None:
    """A trader sends the next order when it has the answer to the last: so their ids grow."""
    last: dict[str, tuple[int, str]] = defaultdict(lambda: (0, ""))
    for answer in answers:
        if answer.request.kind != "enter" or answer.status != 200:
            continue
        order_id, name = int(answer.body["order_id"]), answer.request.name
        if order_id <= last[answer.trader][0]:
            verdict.changed.append(f"{name} came behind {last[answer.trader][1]} and has a lower id")
        last[answer.trader] = (order_id, name)


def _check_states(live_digests: dict[str, dict[int, str]], facts: Facts, verdict: Verdict) -> None:
    for node, digests in live_digests.items():
        for seq, digest in digests.items():
            made = facts.digests.get(seq)
            verdict.digests += 1
            if made != digest:
                what = "no record ends there" if made is None else "a replay has another"
                verdict.differing.append(f"{node} said digest {digest[:12]} at seq {seq}, and {what}")
    if {asset: amount for asset, amount in facts.sums().items() if amount} != dict(facts.brought):
        verdict.differing.append(f"balances add up to {facts.sums()}, brought in were {dict(facts.brought)}")
