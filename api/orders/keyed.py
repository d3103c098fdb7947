"""Commands that are sequenced once under a key, and answered with their first outcome when they come again.

Layer: api.orders.
"""

from __future__ import annotations

from typing import NamedTuple

from api.http.idempotency import RequestKey
from api.json.errors import ApiError
from engine.commands import Command
from engine.events import CommandResult
from projections.submissions import KeptSubmission
from sequencer.port import AlreadySubmitted, KeyReused, Sequencing


class Outcome(NamedTuple):
    """What a command caused."""

    applied: CommandResult
    repeated: bool  # it was sequenced before, under its key


def earlier_outcome(sequencer: Sequencing, key: RequestKey) -> CommandResult | None:
    """What a request caused when it came first, under its key; None where the key was not used.

    Nothing of what the request asks for need be valid any more: an order that it cancels is done. Raises ApiError 409
    where the key stands for something else, or where it is known that it was taken, and not any more what became of it.
    """
    known = sequencer.submitted(key.key)
    if known is None:
        return None
    if known.fingerprint != key.fingerprint:
        raise _reused()
    return _kept_outcome(sequencer, key, known)


def submit_once(sequencer: Sequencing, command: Command, key: RequestKey | None) -> Outcome:
    """Sequence a command, once where it has a `key`. Cooperative.

    Raises as `Sequencing.submit`, and as `earlier_outcome`.
    """
    if key is None:
        return Outcome(sequencer.submit(command), repeated=False)
    try:
        return Outcome(sequencer.submit_as(key.key, (command,), key.fingerprint)[0], repeated=False)
    except KeyReused:
        raise _reused() from None
    except AlreadySubmitted as known:
        return Outcome(_kept_outcome(sequencer, key, known.place), repeated=True)


def _kept_outcome(sequencer: Sequencing, key: RequestKey, known: KeptSubmission) -> CommandResult:
    results = sequencer.outcome(key.key)
    if results is None:
        raise ApiError(
            409,
            "OUTCOME_FORGOTTEN",
            "This was taken before, under the same Idempotency-Key, and was not done again; what became of it then is "
            "not kept any more. Ask for the order, or for the ledger.",
            {"seq": known.first_seq},
        )
    return results[0]


def _reused() -> ApiError:
    return ApiError(409, "KEY_REUSED", "This Idempotency-Key was used for another request; nothing was done.")
