"""A signed request that changes something is good once, at whichever front door it comes: the writer judges it."""

from __future__ import annotations

import eventlet
import pytest

from api.json.errors import as_error
from cluster.link_server import KIND_OF
from cluster.remote_sequencer import REFUSALS
from cluster.signed_requests import SignedRequests
from engine.commands import AdvanceTime
from engine.types import Seq
from journal.codec import Submission
from projections.submissions import SubmissionWindow
from projections.used_signatures import DOOR_BYTES, UsedSignatures, mark_of
from sequencer.entries import KeyedEntries, KeyedEntry
from sequencer.port import NO_DEADLINE, Forgotten, NotAccepting, SignatureTooOld, SignatureUsed, Submit

NOW_MS = 1_700_000_000_000
MARK = mark_of(NOW_MS, b"signature")


def submit(key: int, mark: bytes = b"", door: int = 1) -> Submit:
    sender = door.to_bytes(DOOR_BYTES, "big") + mark
    return Submit(key.to_bytes(16, "big"), NO_DEADLINE, 0, b"", [AdvanceTime()], sender)


class Writer:
    """What the writer knows of keys and signatures."""

    def __init__(self, window: SubmissionWindow | None = None) -> None:
        self.entries = KeyedEntries(SubmissionWindow() if window is None else window)
        self.problems: list[Exception] = []

    def take(self, submission: Submit) -> KeyedEntry | None:
        """An entry that waits; None for one that is not taken."""
        if not self.entries.admits(submission, self.problems.append):
            return None
        entry = KeyedEntry(submission, self.problems.append, None)
        self.entries.add(entry)
        return entry

    def apply(self, *entries: KeyedEntry) -> None:
        """A record that has them is applied."""
        self.entries.remember(self.entries.within(entries), Seq(1), 1)


def test_the_same_signature_from_two_doors_is_taken_once_while_it_waits_and_when_it_is_applied() -> None:
    writer = Writer()
    first = writer.take(submit(1, MARK))
    assert first is not None
    assert writer.take(submit(2, MARK, door=2)) is None
    writer.apply(first)
    assert writer.take(submit(3, MARK, door=2)) is None
    assert [type(problem) for problem in writer.problems] == [SignatureUsed, SignatureUsed]
    assert writer.take(submit(4, mark_of(NOW_MS, b"another"))) is not None


def test_the_next_writer_does_not_take_what_the_last_one_took() -> None:
    window = SubmissionWindow()
    last, following = Writer(), Writer(window)
    entry = last.take(submit(1, MARK))
    assert entry is not None
    window.add(last.entries.within([entry]), 1, 1)  # as each node does that applies the record
    assert following.take(submit(2, MARK, door=2)) is None
    assert [type(problem) for problem in following.problems] == [SignatureUsed]


def test_a_door_that_sends_the_same_submission_again_is_not_refused_for_its_signature() -> None:
    writer = Writer()
    entry = writer.take(submit(1, MARK))
    assert entry is not None
    assert writer.take(submit(1, MARK)) is None
    assert writer.problems == [], "it waits for the first"
    writer.apply(entry)
    assert [type(problem).__name__ for problem in writer.problems] == ["AlreadySubmitted"]


def test_of_a_submission_whose_key_is_forgotten_nobody_says_that_another_one_has_its_signature() -> None:
    """It may be its own: who were refused for that would sign anew, and have done twice what they asked for."""
    window = SubmissionWindow(keys_max=4)
    writer = Writer(window)
    entry = writer.take(submit(1, MARK))
    assert entry is not None
    writer.apply(entry)
    for number in range(2, 7):
        window.add([Submission(number.to_bytes(16, "big"), 0, 1)], number, number)
    assert window.find(entry.submission.key) is None
    assert window.signatures.knows(MARK)
    assert writer.take(submit(1, MARK)) is None
    assert [type(problem) for problem in writer.problems] == [Forgotten]


def test_what_was_not_taken_may_come_again() -> None:
    writer = Writer()
    entry = writer.take(submit(1, MARK))
    assert entry is not None
    writer.entries.fail(entry, SignatureTooOld("or whatever"))
    assert writer.take(submit(2, MARK)) is not None


def test_what_was_signed_before_anything_is_known_is_to_be_signed_anew() -> None:
    writer = Writer()
    writer.entries.window.signatures.forget_until(NOW_MS)
    assert writer.take(submit(1, MARK)) is None
    assert writer.take(submit(2, mark_of(NOW_MS + 1, b"later"))) is not None
    assert writer.take(submit(3)) is not None, "it is not signed"
    assert [type(problem) for problem in writer.problems] == [SignatureTooOld]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [(SignatureUsed, 401, "SIGNATURE_REPLAYED"), (SignatureTooOld, 401, "TIMESTAMP_OUTSIDE_WINDOW")],
)
def test_both_refusals_come_over_the_link_as_they_are(kind: type[NotAccepting], status: int, code: str) -> None:
    assert REFUSALS[KIND_OF[kind]] is kind
    answer = as_error(kind("why"))
    assert (answer.status, answer.code) == (status, code)


def test_a_signature_goes_with_the_first_submission_of_its_own_greenlet_alone() -> None:
    claims: list[bytes] = []
    signed = SignedRequests(UsedSignatures(), lambda: claims.append(signed.mark_now()))
    seen: list[bytes] = []

    def request() -> None:
        assert signed.begin(NOW_MS, b"signature")
        eventlet.sleep(0)
        seen.append(signed.mark_now())
        signed.claim()
        signed.end()
        signed.claim()
        seen.append(signed.mark_now())

    def other() -> None:
        eventlet.sleep(0)
        seen.append(signed.mark_now())
        signed.claim()

    for greenlet in [eventlet.spawn(request), eventlet.spawn(other)]:
        greenlet.wait()
    assert sorted(seen) == [b"", b"", MARK]
    assert claims == [MARK]


def test_a_node_that_knows_a_signature_from_the_records_takes_no_such_request() -> None:
    window = SubmissionWindow()
    window.add(KeyedEntries.within([KeyedEntry(submit(1, MARK), print, None)]), 1, 1)
    signed = SignedRequests(window.signatures, lambda: None)
    assert not signed.begin(NOW_MS, b"signature")
    assert signed.mark_now() == b""
