"""Which version of Openbell wrote which part of a journal, in words for the log of a start.

Layer: journal.
"""

from __future__ import annotations

from journal.port import Journal


def origin(journal: Journal, version: str) -> str | None:
    """A sentence that says who wrote a journal and how far its states can be checked; None where only `version` did.

    O(checkpoints).
    """
    last = journal.last
    if last is None:
        return None
    written = [each for each in journal.versions() if each.seq <= last.last_seq]
    if written and written[0].seq == 1 and {each.version for each in written} == {version}:
        return None
    parts = []
    if not written or written[0].seq > 1:
        until = written[0].seq - 1 if written else last.last_seq
        parts.append(f"up to seq {until} by a version that did not note itself")
    parts += [f"from seq {each.seq} on by {each.version}" for each in written]
    checked = max((each.seq for each in journal.checkpoints()), default=0)
    if not checked:
        proof = "no state is noted in it"
    elif checked >= last.last_seq:
        proof = "its states are checked by noted digests up to the end"
    else:
        proof = f"its states are checked by noted digests up to seq {checked}, those behind it by nothing"
    return f"The journal was written {', '.join(parts)}; this is {version}, and {proof}."
