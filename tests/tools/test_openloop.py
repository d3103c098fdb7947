"""The open-loop schedule: due times do not wait for answers."""

import asyncio
import time

import pytest

from tools.openloop import Phase, ScheduledRequest, keeps_rate, run_schedule, schedule


def test_requests_are_evenly_spaced_phase_after_phase() -> None:
    due = list(schedule([Phase("calm", 2, 1), Phase("spike", 4, 0.5)]))
    assert [(d.number, d.phase, d.after_ns) for d in due] == [
        (0, "calm", 0),
        (1, "calm", 500_000_000),
        (2, "spike", 1_000_000_000),
        (3, "spike", 1_250_000_000),
    ]


def test_a_stalled_answer_does_not_hold_back_the_next_request() -> None:
    sent: list[int] = []

    async def stall(due: ScheduledRequest, due_ns: int) -> None:
        sent.append(due.number)
        await asyncio.sleep(0.5)

    started = time.monotonic()
    kept, unanswered = asyncio.run(run_schedule([Phase("all", 50, 0.4)], stall, patience_s=5))
    assert sent == list(range(20))
    assert unanswered == 0
    assert kept[0].planned == 20
    assert time.monotonic() - started < 3  # one after the other would take ten seconds


def test_what_is_never_answered_is_counted_and_given_up() -> None:
    async def never(due: ScheduledRequest, due_ns: int) -> None:
        if due.number % 2:
            await asyncio.Event().wait()

    _, unanswered = asyncio.run(run_schedule([Phase("all", 100, 0.1)], never, patience_s=0.2))
    assert unanswered == 5


def test_a_generator_that_cannot_keep_up_says_so() -> None:
    async def block(due: ScheduledRequest, due_ns: int) -> None:
        time.sleep(0.02)  # blocks the generator itself

    kept, _ = asyncio.run(run_schedule([Phase("all", 500, 0.2)], block, patience_s=5))
    assert not kept[0].on_schedule


def test_rates_are_answers_over_the_time_until_the_last_one_and_a_rate_that_was_not_kept_says_so() -> None:
    async def slow(due: ScheduledRequest, due_ns: int) -> bool | None:
        await asyncio.sleep(2 if due.phase == "slow" else 0)
        return due.number != 0  # which is not answered

    phases = [Phase("quick", 50, 0.2), Phase("slow", 100, 0.2)]
    (quick, late), _ = asyncio.run(run_schedule(phases, slow, patience_s=5))
    assert (quick.planned, quick.answered, quick.kept_rate) == (10, 9, False)
    assert (late.planned, late.answered, late.kept_rate) == (20, 20, False)
    assert late.took_s > 2
    assert late.answered_rate == pytest.approx(20 / late.took_s)
    said = "slow: RATE NOT KEPT: 20 in 0.2 s, 100 a second, were asked for; 20 answers in"
    assert late.verdict().startswith(f"{said} {late.took_s:.1f} s")


def test_a_rate_is_kept_when_its_last_answer_is_hardly_late() -> None:
    assert keeps_rate(10, 10.9)
    assert not keeps_rate(10, 11.1)
    assert keeps_rate(0.1, 0.5)  # one last answer counts for little in a short run
    assert not keeps_rate(3, 27)


def test_a_latency_counts_from_the_due_time_not_from_the_sending() -> None:
    latencies: list[float] = []

    async def first_blocks(due: ScheduledRequest, due_ns: int) -> None:
        if due.number == 0:
            time.sleep(0.3)
        latencies.append((time.perf_counter_ns() - due_ns) / 1e9)

    asyncio.run(run_schedule([Phase("all", 100, 0.1)], first_blocks, patience_s=5))
    assert latencies[1] > 0.2  # due 10 ms after the first, sent when that let go


def test_what_a_request_raises_ends_the_run() -> None:
    async def fail(due: ScheduledRequest, due_ns: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_schedule([Phase("all", 10, 0.2)], fail, patience_s=1))
