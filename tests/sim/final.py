"""What is checked when all is over: every answer, every client order id, the last journal and the last states."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from api.orders.answers import cancel_answer, order_answer
from engine.commands import AmendOrder, CancelOrder, EnterOrder
from engine.digest import state_digest
from engine.events import Accepted, Amended, Cancelled, Rejected
from tests.sim.disk import JOURNAL, frames_of
from tests.sim.network import Answer
from tests.sim.reference import Order

if TYPE_CHECKING:
    from tests.sim.simulation import Simulation

_decode = msgspec.json.Decoder().decode
OF_THE_MOMENT = ("bbo", "processing_time_ms")
NOTHING_DONE = frozenset(("NOT_ACCEPTING", "HISTORY_BEHIND", "STOPPING"))


def check_all(simulation: Simulation) -> None:
    """Check everything that a whole history shows."""
    simulation.reference.fold()
    _check_journal(simulation)
    _check_states(simulation)
    _check_names(simulation)
    for answer in simulation.answers:
        AnswerCheck(simulation, answer).check()


def _check_journal(simulation: Simulation) -> None:
    """The file holds what was durable, and nothing else."""
    records = [record for record, _ in frames_of(simulation.disk.file(JOURNAL).content)[0] if record is not None]
    if not records or records != simulation.reference.records[records[0].n - 1 :]:
        simulation.violation("loss", "the last journal is not what was durable")


def _check_states(simulation: Simulation) -> None:
    """All are in the same state at the end."""
    reference = simulation.reference
    reference.exchange.check_invariants()
    simulation.replica.check()
    server = simulation.server
    if server is not None and state_digest(server.exchange) != reference.digest(len(reference.records)):
        simulation.violation("digest", "the last server is in another state than the reference")


def _check_names(simulation: Simulation) -> None:
    """Nothing was entered twice: under a client order id ever, without one more often than it came."""
    for (account, name), orders in simulation.reference.named.items():
        if len(orders) > 1:
            simulation.violation("twice", f"{name} of account {account} was entered as {orders}")
    nameless = Counter(
        result.command.account
        for result in simulation.reference.results
        if isinstance(result.command, EnterOrder) and result.command.client_order_id is None
    )
    for account, times in nameless.items():
        if times > simulation.nameless[account]:
            simulation.violation(
                "twice", f"account {account} sent {simulation.nameless[account]} orders without a name"
            )


class AnswerCheck:
    """Compares one answer with what the reference says."""

    def __init__(self, simulation: Simulation, answer: Answer) -> None:
        self._simulation = simulation
        self._reference = simulation.reference
        self._answer = answer
        self._account = answer.request.account

    def check(self) -> None:
        """Check it; what is wrong is a violation."""
        answer = self._answer
        kind, key, said = answer.request.kind, answer.request.key, _decode(answer.body)
        if answer.status == 500:
            self._wrong("an internal error")
        elif said.get("error_code") in NOTHING_DONE:
            return
        elif kind == "enter":
            self._check_entered(_decode(answer.request.body), answer.status, said)
        elif kind == "cancel":
            self._check_cancelled(key, answer.status, said)
        elif kind == "amend" and answer.status == 200:
            self._check_amended(said)
        elif kind == "ask":
            self._check_asked(answer.status, said)
        elif kind == "batch" and answer.status == 200:
            self._check_batch(said)

    def _check_batch(self, said: Any) -> None:
        elements = _decode(self._answer.request.body)["orders"]
        for element, result in zip(elements, said["results"], strict=True):
            body = result["body"]
            if body.get("error_code") in NOTHING_DONE:
                continue
            if element["op"] == "enter":
                self._check_entered(element, result["status"], body)
            else:
                self._check_cancelled(element["client_order_id"], result["status"], body)

    def _check_entered(self, asked: Any, status: int, said: Any) -> None:
        name = asked.get("client_order_id")
        if status != 200:
            self._check_refused(name, said)
        elif said["repeated"]:
            order = self._first(name)
            if order is None or str(self._reference.named[self._account, name][0]) != said["order_id"]:
                self._wrong("a repetition of another order")
            else:
                self._check_state(order, said["filled_quantity"], said["status"])
        else:
            result = self._reference.results[said["seq"] - 1]
            command, first = result.command, result.events[0]
            if not isinstance(command, EnterOrder) or not isinstance(first, Accepted):
                self._wrong(f"seq {said['seq']} entered nothing")
            elif (command.account, command.client_order_id) != (self._account, name):
                self._wrong(f"seq {said['seq']} is another's order")
            else:
                self._compare(said, order_answer(result, self._reference.exchange, 0.0))

    def _check_refused(self, name: str | None, said: Any) -> None:
        seq, code = said["details"].get("seq"), said["error_code"]
        if seq is not None:
            first = self._reference.results[seq - 1].events[0]
            if not isinstance(first, Rejected) or first.reason.upper() != code:
                self._wrong(f"seq {seq} caused {first}")
            elif (first.account, first.client_order_id) != (self._account, name):
                self._wrong(f"seq {seq} is another's")
        elif code == "DUPLICATE_CLIENT_ORDER_ID":
            if self._first(name) is None:
                self._wrong("it was new")
        else:
            self._wrong("a refusal that was not sequenced")

    def _check_cancelled(self, name: str, status: int, said: Any) -> None:
        order = self._first(name)
        if status == 200:
            result = self._reference.results[said["seq"] - 1]
            event = result.events[0]
            if not isinstance(result.command, CancelOrder) or not isinstance(event, Cancelled):
                self._wrong(f"seq {said['seq']} cancelled nothing")
            elif (event.account, event.client_order_id) != (self._account, name):
                self._wrong(f"seq {said['seq']} cancelled another order")
            else:
                self._compare(said, cancel_answer(result, event, self._reference.exchange, 0.0))
        elif said["error_code"] == "TOO_LATE":
            if order is None or order.ended_seq is None or order.ended_seq > self._answer.applied:
                self._wrong("the order was not done")
        elif said["error_code"] != "UNKNOWN_ORDER" or (order and order.states[0].seq <= self._answer.applied_before):
            self._wrong("the order was known")

    def _check_amended(self, said: Any) -> None:
        order_id, answer = int(said["order_id"]), self._answer
        since = self._reference.results[
            answer.applied_before : said["seq"]
        ]  # what is answered is the order as of `seq`
        amends = [
            result for result in since if isinstance(result.command, AmendOrder) and result.command.order_id == order_id
        ]
        if not any(isinstance(amend.events[0], Amended | Cancelled) for amend in amends):
            self._wrong(f"the amends since {answer.applied_before}: {amends}")
        else:
            self._check_state(self._reference.orders[order_id], said["filled"], said["status"])

    def _check_asked(self, status: int, said: Any) -> None:
        order = self._reference.orders[int(self._answer.request.key)]
        if status != 200:
            self._wrong("the order was known")
        else:
            self._check_state(order, said["filled"], said["status"])

    def _check_state(self, order: Order, filled: str, status: str) -> None:
        """An order must be as it was at some moment between request and answer."""
        is_open = status not in ("filled", "cancelled", "expired")
        states = order.between(self._answer.applied_before, self._answer.applied)
        if not any((str(state.cum), state.is_open) == (filled, is_open) for state in states):
            self._wrong(f"the order was never so in between: {states}")

    def _compare(self, said: Any, due: msgspec.Raw) -> None:
        expected = _decode(due)
        for name in OF_THE_MOMENT:
            said, expected = {**said, name: None}, {**expected, name: None}
        if said != expected:
            self._wrong(f"the reference says {expected}")

    def _first(self, name: str | None) -> Order | None:
        orders = self._reference.named.get((self._account, name or ""))
        return self._reference.orders[orders[0]] if orders else None

    def _wrong(self, why: str) -> None:
        request = self._answer.request
        self._simulation.violation(
            "answer",
            f"{request.number} {request.kind} {request.key}, {self._answer.status} {self._answer.body!r}: {why}",
        )
