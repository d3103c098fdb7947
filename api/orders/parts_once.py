"""Carrying out in parts what has a key: who comes again goes on where that was broken off.

Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from api.http.idempotency import RequestKey
from api.orders.keyed import OutcomeForgotten, Outcomes, earlier_outcomes, submit_all_once
from engine.commands import Command
from engine.types import Seq
from sequencer.port import Sequencing


def carry_out_parts(
    sequencer: Sequencing, key: RequestKey, seq: Seq, left: Callable[[], Iterator[Sequence[Command]]]
) -> Iterator[Outcomes]:
    """Carry out what is `left`, part by part, until nothing is; before it come the outcomes of parts that were.

    The keys of the parts follow from `key`, from `seq`, the place of its first command, and from their number. Where
    another request under the key was quicker, its part was another: what it left is asked for again. Cooperative.
    Raises NotAccepting, and ApiError 409 as `keyed.earlier_outcomes`; `OutcomeForgotten` when all is done.
    """
    gone: OutcomeForgotten | None = None
    number, more = 1, True
    while more:
        try:
            while (known := earlier_outcomes(sequencer, key.part(seq, number))) is not None:
                yield Outcomes(known, repeated=True)
                number += 1
            more = False
            for part in left():
                more = True
                yield submit_all_once(sequencer, part, key.part(seq, number))
                number += 1
        except OutcomeForgotten as problem:
            gone, more = gone or problem, True
            number += 1
    if gone is not None:
        raise gone.without_frames()
