"""The marks of signatures: what was used is known, and what is forgotten is never taken for new."""

from __future__ import annotations

import random

from journal.codec import Submission
from projections.submissions import SubmissionWindow
from projections.used_signatures import (
    DOOR_BYTES,
    GENERATION_MS,
    GENERATIONS,
    MARK_BYTES,
    UsedSignatures,
    mark_in,
    mark_of,
)

NOW_MS = 1_700_000_000_000
WINDOW_MS = 61_000  # for which a signature is good at most


def submission(number: int, mark: bytes) -> Submission:
    return Submission(number.to_bytes(16, "big"), 0, 1, b"", bytes(DOOR_BYTES) + mark)


def test_a_mark_says_when_it_was_signed_and_nothing_of_the_signature() -> None:
    signature = b"s" * 32
    mark = mark_of(NOW_MS, signature)
    assert len(mark) == MARK_BYTES
    assert int.from_bytes(mark[:6], "big") == NOW_MS
    assert signature[:4] not in mark
    assert mark_of(NOW_MS, b"t" * 32) != mark != mark_of(NOW_MS + 1, signature)


def test_senders_without_a_mark_have_none() -> None:
    mark = mark_of(NOW_MS, b"s")
    assert mark_in(bytes(DOOR_BYTES) + mark) == mark
    assert [mark_in(sender) for sender in (b"", bytes(DOOR_BYTES), mark, bytes(DOOR_BYTES) + mark + b"x")] == [b""] * 4


def test_the_window_of_submissions_knows_the_marks_of_its_records() -> None:
    window, mark = SubmissionWindow(), mark_of(NOW_MS, b"s")
    window.add([submission(1, mark)], 1, 1)
    assert window.signatures.knows(mark)
    assert not window.signatures.knows(mark_of(NOW_MS, b"t"))


def test_what_is_not_known_any_more_is_never_taken_for_new() -> None:
    chance, used, came = random.Random(4), UsedSignatures(40), list[bytes]()
    now_ms = NOW_MS
    for number in range(2_000):
        now_ms += chance.choice((1, 20, 3_000))
        mark = mark_of(now_ms - chance.randrange(WINDOW_MS), number.to_bytes(4, "big"))
        if not used.may_have_forgotten(mark):  # what is refused is in no record
            used.note([submission(number, mark)])
            came.append(mark)
        assert all(used.knows(mark) or used.may_have_forgotten(mark) for mark in came)
        assert len(used) <= 40 + GENERATIONS
    assert len(came) > 100


def test_few_signatures_are_known_for_longer_than_they_are_good_however_old_they_come() -> None:
    chance, used = random.Random(5), UsedSignatures()
    now_ms = NOW_MS
    for number in range(3_000):
        now_ms += chance.choice((1, 500, GENERATION_MS // 2))
        mark = mark_of(now_ms - chance.choice((0, WINDOW_MS, chance.randrange(WINDOW_MS))), number.to_bytes(4, "big"))
        assert not used.may_have_forgotten(mark)
        used.note([submission(number, mark)])
    assert len(used) < 1_000


def test_a_process_that_begins_with_a_snapshot_knows_nothing_of_what_was_signed_before() -> None:
    used = UsedSignatures()
    used.forget_until(NOW_MS)
    used.forget_until(NOW_MS - 5)
    assert used.may_have_forgotten(mark_of(NOW_MS, b"s"))
    assert not used.may_have_forgotten(mark_of(NOW_MS + 1, b"s"))
