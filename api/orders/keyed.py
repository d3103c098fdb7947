"""Commands that are sequenced once under a key, and answered with their first outcome when they come again.

Layer: api.orders.
"""

from __future__ import annotations

from collections.abc import Sequence
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


class Outcomes(NamedTuple):
    """What commands caused that were sequenced together."""

    applied: Sequence[CommandResult]
    repeated: bool  # they were sequenced before, under their key


def earlier_outcome(sequencer: Sequencing, key: RequestKey) -> CommandResult | None:
    """As `earlier_outcomes`, of a request that is one command."""
    applied = earlier_outcomes(sequencer, key)
    return None if applied is None else applied[0]


def earlier_outcomes(sequencer: Sequencing, key: RequestKey) -> Sequence[CommandResult] | None:
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
    applied, repeated = submit_all_once(sequencer, (command,), key)
    return Outcome(applied[0], repeated)


def submit_all_once(sequencer: Sequencing, commands: Sequence[Command], key: RequestKey | None) -> Outcomes:
    """Sequence commands one behind the other, once where they have a `key`. As `submit_once`."""
    if key is None:
        return Outcomes(sequencer.submit_all(commands), repeated=False)
    try:
        return Outcomes(sequencer.submit_as(key.key, commands, key.fingerprint), repeated=False)
    except KeyReused:
        raise _reused() from None
    except AlreadySubmitted as known:
        return Outcomes(_kept_outcome(sequencer, key, known.place), repeated=True)


class OutcomeForgotten(ApiError):
    """The answer where something was taken before, and what became of it is not kept any more."""

    def __init__(self, first_seq: int, commands: int) -> None:
        """`commands`: how many it was, which follow one by one from `first_seq`."""
        sentence = (
            "This was taken before, under the same Idempotency-Key, and was not done again; what became of it then is "
            "not kept any more. GET /command/{seq}/explain says it of each command: details.seq is the first of them, "
            "details.commands how many follow one by one."
        )
        super().__init__(409, "OUTCOME_FORGOTTEN", sentence, {"seq": first_seq, "commands": commands})
        self.first_seq = first_seq


def was_refused() -> ApiError:
    """The answer to an element of a batch that was left out when the batch came first, and would be taken now."""
    sentence = (
        "When this batch came first, under the same Idempotency-Key, this element was refused before its turn, and "
        "nothing was done for it, then or now; send it again under another key."
    )
    return ApiError(409, "WAS_REFUSED", sentence)


def _kept_outcome(sequencer: Sequencing, key: RequestKey, known: KeptSubmission) -> Sequence[CommandResult]:
    results = sequencer.outcome(key.key)
    if results is None:
        raise OutcomeForgotten(known.first_seq, known.commands)
    return results


def _reused() -> ApiError:
    return ApiError(409, "KEY_REUSED", "This Idempotency-Key was used for another request; nothing was done.")
