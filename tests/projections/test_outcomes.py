"""What became of submissions under keys of clients is kept for the newest, so many of them and so much of it."""

from __future__ import annotations

import msgspec
import pytest

from engine.commands import AdvanceTime, Deposit, EnterOrder
from engine.events import CommandResult, Event, Rejected
from engine.exchange import Exchange
from engine.rejects import RejectReason
from engine.types import AccountId, Lots, OrderType, Seq, Side, Ticks, TimeInForce
from journal.codec import Submission, seal
from projections import outcomes
from projections.outcomes import Outcomes
from projections.projections import OUTCOMES, Projections, SectionsUnknown
from projections.refused_names import named_key
from projections.submissions import SubmissionWindow
from projections.written_outcomes import read_again, written
from tests.projections.flow import COIN, Flow

REFUSAL = Rejected(AccountId(7), "BTC-USDT", RejectReason.SELF_TRADE, None, "a")
ORDER = EnterOrder(
    AccountId(7), "BTC-USDT", Side.BUY, OrderType.LIMIT, TimeInForce.GTC, Lots(5), Ticks(100), "a"
)  # fmt: skip


def key_of(number: int) -> bytes:
    return number.to_bytes(16, "big")


def results(seq: int, *events: int) -> list[CommandResult]:
    """Commands from `seq` on, each with so many events."""
    refusal: Event = REFUSAL
    return [CommandResult(Seq(seq + at), 5, ORDER, [refusal] * count) for at, count in enumerate(events)]


def known(kept: Outcomes, *numbers: int) -> list[int]:
    return [number for number in numbers if kept.find(key_of(number)) is not None]


def test_the_results_of_a_key_are_those_of_the_last_that_had_it() -> None:
    """A key is forgotten after minutes, and may be used for something else then."""
    kept = Outcomes()
    kept.note(key_of(1), results(1, 1, 2))
    kept.note(key_of(1), results(1, 1, 2))
    assert kept.find(key_of(1)) == results(1, 1, 2)
    kept.note(key_of(1), results(9, 1))
    kept.note(key_of(1), results(1, 1, 2))
    assert kept.find(key_of(1)) == results(9, 1)
    assert kept.find(key_of(2)) is None
    again = Outcomes()
    again.restore(kept.saved(lambda _: True))
    again.note(key_of(1), results(10, 3))
    assert again.find(key_of(1)) == results(10, 3)


def test_of_more_submissions_than_may_be_kept_the_newest_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "OUTCOMES_MAX", 3)
    kept = Outcomes()
    for number in range(1, 4):
        kept.note(key_of(number), results(number, 1))
    assert known(kept, 1, 2, 3) == [1, 2, 3]
    kept.note(key_of(4), results(4, 1))
    assert known(kept, 1, 2, 3, 4) == [2, 3, 4]


def test_of_more_events_than_may_be_kept_the_newest_are_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "EVENTS_MAX", 10)
    kept = Outcomes()
    kept.note(key_of(1), results(1, 2, 3))
    kept.note(key_of(2), results(3, 5))
    assert known(kept, 1, 2) == [1, 2]
    kept.note(key_of(3), results(4, 1))
    assert known(kept, 1, 2, 3) == [2, 3]
    kept.note(key_of(4), results(5, 4))  # with those ten events again, none goes
    assert known(kept, 2, 3, 4) == [2, 3, 4]
    kept.note(key_of(5), results(6, 99))  # more than may be kept by itself: it is, alone
    assert known(kept, 2, 3, 4, 5) == [5]
    kept.note(key_of(6), results(7, 1))
    assert known(kept, 5, 6) == [6]


def test_commands_that_caused_nothing_count_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a batch of mass cancels by somebody who has nothing open."""
    monkeypatch.setattr(outcomes, "EVENTS_MAX", 10)
    kept = Outcomes()
    kept.note(key_of(1), results(1, *[0] * 6))
    kept.note(key_of(2), results(7, *[0] * 4))
    assert known(kept, 1, 2) == [1, 2]
    kept.note(key_of(3), results(11, 0))
    assert known(kept, 1, 2, 3) == [2, 3]
    again = Outcomes()
    again.restore(kept.saved(lambda _: True))
    again.note(key_of(4), results(12, *[0] * 6))
    assert known(again, 2, 3, 4) == [3, 4]


def test_the_window_keeps_what_became_of_keys_that_are_used_again_and_the_names_of_single_orders_refused() -> None:
    window = SubmissionWindow()
    named, overtaken = named_key(ORDER, 200), named_key(ORDER, 199)
    submissions = [
        Submission(key_of(1), 1, 2, key_of(11)),
        Submission(key_of(2), 3, 1, key_of(12)),
        Submission(named, 4, 1),
        Submission(key_of(3), 5, 2),
    ]
    applied = results(10, 1, 2, 3, 4, 1, 1, 1)
    record = seal(1, 5, 10, [AdvanceTime(), *[ORDER] * 6], submissions=submissions)
    window.note(record, applied)
    assert window.outcomes.find(key_of(1)) == applied[1:3]
    assert window.outcomes.find(key_of(2)) == applied[3:4]
    assert window.outcomes.find(named) is None
    assert window.outcomes.find(key_of(3)) is None
    assert window.refused_names.overtook(overtaken, [ORDER])


def test_a_name_is_refused_only_by_the_command_that_has_it() -> None:
    window, other = SubmissionWindow(), CommandResult(Seq(11), 5, AdvanceTime(), [])
    record = seal(1, 5, 10, [ORDER, AdvanceTime()], submissions=[Submission(named_key(ORDER, 200), 1, 1)])
    window.note(record, [*results(10, 1), other])
    assert not window.refused_names.overtook(named_key(ORDER, 199), [ORDER])


def test_results_that_are_not_given_are_not_made_up() -> None:
    window = SubmissionWindow()
    submissions = [Submission(key_of(1), 0, 1, key_of(11)), Submission(key_of(2), 1, 2, key_of(12))]
    window.note(seal(1, 5, 1, [ORDER] * 3, submissions=submissions))
    assert window.find(key_of(2)) is not None
    assert window.outcomes.find(key_of(1)) is None
    window.keep(submissions, results(1, 1, 1))
    assert window.outcomes.find(key_of(1)) == results(1, 1)
    assert window.outcomes.find(key_of(2)) is None


def test_whatever_commands_cause_is_read_as_it_was_written() -> None:
    flow = Flow(17)
    came = [flow.step() for _ in range(2_000)]
    came.append(flow.apply(Deposit(AccountId(1), COIN.quote, str(10**25))))
    assert {type(event).__name__ for each in came for event in each.events} >= {
        *("Accepted", "Filled", "Amended", "Cancelled", "Completed", "Rejected", "Uncrossed", "Deposited"),
    }
    assert read_again(written(came)) == came


@pytest.mark.parametrize("of_another_version", [b'[[1,2,["E"],[]]]', b'[[1,2,["Z"],[["Nothing",{}]]]]', b"{}"])
def test_what_another_version_wrote_is_as_if_it_were_not_kept(of_another_version: bytes) -> None:
    assert read_again(msgspec.Raw(of_another_version)) is None


def with_an_outcome() -> Projections:
    """Projections that have noted a record with a key that somebody may use again, and what became of it."""
    projections = Projections(Exchange())
    submissions = [Submission(key_of(7), 0, 1, key_of(17))]
    projections.submissions.note(seal(1, 5, 1, [ORDER], submissions=submissions), results(1, 2))
    return projections


def test_a_snapshot_has_them_as_far_as_their_keys_are_known() -> None:
    first = with_an_outcome()
    first.submissions.outcomes.note(key_of(8), results(9, 1))
    again = Projections.restored(Exchange(), first.saved())
    assert again.submissions.outcomes.find(key_of(7)) == results(1, 2)
    assert again.submissions.outcomes.find(key_of(8)) is None
    assert again.saved() == first.saved()
    older = {name: section for name, section in first.saved().items() if name != OUTCOMES}
    assert Projections.restored(Exchange(), older).submissions.outcomes.find(key_of(7)) is None


@pytest.mark.parametrize("damage", [b"", b"{}", b'[["no key",1,1,[]]]'])
def test_a_section_of_another_shape_is_passed_over_by_name(damage: bytes) -> None:
    with pytest.raises(SectionsUnknown, match="a section is of another shape"):
        Projections.restored(Exchange(), with_an_outcome().saved() | {OUTCOMES: damage})
