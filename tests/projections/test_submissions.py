"""The window of submissions knows every key of the last minutes, whatever comes, and never says new of an old one."""

from __future__ import annotations

from typing import Final

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engine.commands import AdvanceTime
from engine.exchange import Exchange
from journal.codec import Submission, seal
from projections.projections import SUBMISSIONS, Projections, SectionsUnknown
from projections.submissions import GENERATIONS, KeptSubmission, SubmissionsState, SubmissionWindow

KEYS_MAX: Final = 20
REMEMBERED_NS: Final = 90


def key_of(number: int) -> bytes:
    return number.to_bytes(16, "big")


class WindowMachine(RuleBasedStateMachine):
    """Against a list of all that ever came."""

    def __init__(self) -> None:
        super().__init__()
        self.window = SubmissionWindow(KEYS_MAX, REMEMBERED_NS)
        self.ts_ns, self.seq = 0, 0
        self.came: list[tuple[bytes, KeptSubmission, int, int]] = []  # with the last seq, and the time

    @rule(
        after_ns=st.integers(0, 60),
        sizes=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.booleans()), max_size=6),
    )
    def a_record_comes(self, after_ns: int, sizes: list[tuple[int, int, bool]]) -> None:
        self.ts_ns += after_ns
        first_seq, place, submissions = self.seq + 1, 0, []
        for before, count, has_fingerprint in sizes:
            place += before
            number = len(self.came) + 1
            fingerprint = key_of(number) if has_fingerprint else b""
            submissions.append(Submission(key_of(number), place, count, fingerprint))
            last = first_seq + place + count - 1
            self.came.append((key_of(number), KeptSubmission(first_seq + place, count, fingerprint), last, self.ts_ns))
            place += count
        record = seal(1, self.ts_ns, first_seq, [AdvanceTime()] * (place + 1), submissions=submissions)
        self.window.note(record)
        self.seq = record.last_seq

    @rule()
    def it_is_written_and_restored(self) -> None:
        saved = msgspec.msgpack.decode(msgspec.msgpack.encode(self.window.saved()), type=SubmissionsState)
        restored = SubmissionWindow(KEYS_MAX, REMEMBERED_NS)
        restored.restore(saved)
        assert restored.saved() == saved
        self.window = restored

    @invariant()
    def it_knows_those_behind_what_was_forgotten_and_nothing_wrong(self) -> None:
        for key, place, last, _ in self.came:
            found = self.window.find(key)
            assert found in (place, None)
            assert found is not None or last <= self.window.forgotten_seq
        assert self.window.find(key_of(10**6)) is None

    @invariant()
    def it_remembers_for_as_long_as_it_says_where_there_are_few(self) -> None:
        newest = self.came[-1][3] if self.came else 0
        recent = [each for each in self.came if newest - each[3] <= REMEMBERED_NS]
        if len(recent) < KEYS_MAX // GENERATIONS:
            assert all(self.window.find(key) == place for key, place, _, _ in recent)

    @invariant()
    def it_is_bounded(self) -> None:
        assert len(self.window) <= 2 * (KEYS_MAX + GENERATIONS * 6)


TestWindow = WindowMachine.TestCase
TestWindow.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_the_keys_of_orders_do_not_crowd_out_those_that_clients_use_again() -> None:
    window = SubmissionWindow(KEYS_MAX, REMEMBERED_NS)
    used_again = Submission(key_of(1), 0, 1, key_of(2))
    window.note(seal(1, 5, 1, [AdvanceTime()], submissions=[used_again]))
    for number in range(2, 10 * KEYS_MAX):
        window.note(seal(number, 6, number, [AdvanceTime()], submissions=[Submission(key_of(1000 + number), 0, 1)]))
    assert window.find(key_of(1)) == KeptSubmission(1, 1, key_of(2))
    assert window.forgotten_seq > 1  # of the others
    restored = SubmissionWindow(KEYS_MAX, REMEMBERED_NS)
    restored.restore(window.saved())
    assert restored.find(key_of(1)) == KeptSubmission(1, 1, key_of(2))


def noted(window: SubmissionWindow, number: int, ts_ns: int, fingerprint: bytes = b"") -> None:
    """Note a record of one command, `number`, under the key of that number."""
    submission = Submission(key_of(number), 0, 1, fingerprint)
    window.note(seal(number, ts_ns, number, [AdvanceTime()], submissions=[submission]))


@pytest.mark.parametrize("fingerprint", [b"", key_of(9)])
def test_as_many_keys_of_a_kind_as_may_be_are_known_and_one_more_has_a_quarter_forgotten(fingerprint: bytes) -> None:
    window = SubmissionWindow(KEYS_MAX, REMEMBERED_NS)
    for number in range(1, KEYS_MAX + 1):
        noted(window, number, 5, fingerprint)
    assert len(window) == KEYS_MAX
    assert window.forgotten_seq == 0
    noted(window, KEYS_MAX + 1, 5, fingerprint)
    known = [number for number in range(1, KEYS_MAX + 2) if window.find(key_of(number)) is not None]
    quarter = KEYS_MAX // GENERATIONS
    assert window.forgotten_seq == quarter
    assert known == list(range(quarter + 1, KEYS_MAX + 2))


def test_a_key_that_comes_as_often_as_a_generation_ends_is_known_for_as_long_as_is_said_and_not_much_longer() -> None:
    window = SubmissionWindow(10 * KEYS_MAX, REMEMBERED_NS)
    between_ns = 10
    for number in range(1, 50):
        now_ns = number * between_ns
        noted(window, number, now_ns)
        ages = {now_ns - each * between_ns: window.find(key_of(each)) is not None for each in range(1, number + 1)}
        assert all(known for age, known in ages.items() if age <= REMEMBERED_NS)
        assert not any(known for age, known in ages.items() if age > REMEMBERED_NS * GENERATIONS // (GENERATIONS - 1))


def with_a_key() -> Projections:
    """Projections that have noted a record with a submission."""
    projections = Projections(Exchange())
    projections.on_record(seal(1, 5, 1, [AdvanceTime()], submissions=[Submission(key_of(7), 0, 1)]), [])
    return projections


def test_they_are_in_a_snapshot_and_what_was_written_before_there_were_any_is_read() -> None:
    sections = with_a_key().saved()
    assert Projections.restored(Exchange(), sections).submissions.find(key_of(7)) == KeptSubmission(1, 1, b"")
    del sections[SUBMISSIONS]
    assert len(Projections.restored(Exchange(), sections).submissions) == 0


@pytest.mark.parametrize("damage", [b"", b"\xc0", msgspec.msgpack.encode([0, [[1, 1, b"too short"]]])])
def test_a_section_of_another_shape_is_passed_over_by_name(damage: bytes) -> None:
    sections = with_a_key().saved() | {SUBMISSIONS: damage}
    with pytest.raises(SectionsUnknown, match="a section is of another shape"):
        Projections.restored(Exchange(), sections)
