"""Cancelling what everybody has open, once under a key: what came again goes on where the first was broken off.

Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from api.http.idempotency import RequestKey
from api.orders.keyed import Outcome, OutcomeForgotten, submit_all_once
from api.orders.mass_cancels import ORDERS_A_PART, PARTS_AT_ONCE, entered_before
from api.orders.parts_once import carry_out_parts
from engine.commands import AdvanceTime, CancelAll
from engine.exchange import Exchange
from engine.types import Seq
from loop.turns import in_turns, pieces
from sequencer.port import Sequencing


def cancel_everybodys_once(
    exchange: Exchange, sequencer: Sequencing, symbol: str | None, key: RequestKey
) -> Iterator[Outcome]:
    """Cancel what was open in a symbol, or in every one, when `key` came first, and nothing that was entered since.

    The first command does nothing: its place says what was entered before. The keys of those behind it follow from its
    own and their number. Cooperative. Raises NotAccepting, and ApiError 409 as `carry_out_parts`.
    """
    forgotten: OutcomeForgotten | None = None
    try:
        begun, repeated = submit_all_once(sequencer, [AdvanceTime()], key)
        yield Outcome(begun[0], repeated)
        seq = begun[0].seq
    except OutcomeForgotten as problem:
        forgotten, seq = problem, Seq(problem.first_seq)
    for outcomes in carry_out_parts(sequencer, key, seq, lambda: _together(exchange, symbol, seq)):
        yield from (Outcome(applied, outcomes.repeated) for applied in outcomes.applied)
    if forgotten is not None:
        raise forgotten.without_frames()


def _together(exchange: Exchange, symbol: str | None, seq: Seq) -> Iterator[list[CancelAll]]:
    """The commands of each time: of what is open and was entered before `seq`, some hundred orders."""
    together: list[CancelAll] = []
    orders = 0
    for account in in_turns(list(exchange.accounts)):
        command = CancelAll(account, symbol, by_operator=True)
        for part in pieces(entered_before(exchange, seq, command), ORDERS_A_PART):
            together.append(replace(command, among=tuple(part)))
            orders += len(part)
            if orders >= ORDERS_A_PART * PARTS_AT_ONCE:
                yield together
                together, orders = [], 0
    if together:
        yield together
