"""Load on a running server, open loop: `python tests/advanced_load_test.py --rate R --duration D`.

Latency counts from when a request was due, to p99.9. Every answer is checked; a wrong one, a
5xx or a missing one ends the run with status 1, however fast it was; so does a rate that was not kept.
Layer: tests. A program, not collected by pytest.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HOME), str(HOME / "client" / "src")]  # the venue's packages, and openbell_client

from prerequisites import require

require()  # before the first import that a bare Python cannot do

import msgspec

from openbell_client import AsyncClient, OpenbellError
from tools.credentials import CredentialsError, add_credentials, credentials_of
from tools.flow import positive
from tools.load import LoadRun, Report, markets_of
from tools.measure import show
from tools.openloop import LATE_MS, SLACK_PERCENT, SLACK_S, Phase
from tools.spawn import SpawnError, spawned


def phases_of(options: argparse.Namespace) -> list[Phase]:
    """What is sent: one constant phase, or a baseline, a spike and the baseline again."""
    if options.mode == "constant":
        return [Phase("constant", options.rate, options.duration, options.slack)]
    spike_s = options.spike_duration or options.duration / 3
    calm_s = (options.duration - spike_s) / 2
    if calm_s <= 0:
        raise ValueError("--spike-duration leaves no time for the baseline: make --duration longer")
    spike_rate = options.spike_rate or 4 * options.rate
    return [
        Phase("baseline", options.rate, calm_s, options.slack),
        Phase("spike", spike_rate, spike_s, options.slack),
        Phase("after", options.rate, calm_s, options.slack),
    ]


def print_report(report: Report, phases: list[Phase], mode: str) -> None:
    """First whether the rates were kept, then the figures of each phase, then what is wrong."""
    for kept in sorted(report.kept, key=lambda kept: kept.kept_rate):
        print(kept.verdict())
    rates = {phase.name: phase.rate for phase in phases}
    for kept in report.kept:
        asked = "" if kept.kept_rate else " asked for and NOT kept"
        title = f"{kept.phase}, {rates[kept.phase]:g} requests a second{asked}"
        show(report.phases[kept.phase].summary(title), "table" if mode == "table" else "plain")
        late = f"generator late by p99 {kept.late_p99_ms:.2f} ms, at most {kept.late_max_ms:.2f} ms"
        if kept.on_schedule:
            print(f"{late}: on schedule")
        else:
            print(f"{late}: NOT on schedule (p99 above {LATE_MS:g} ms), so the latencies include its own delay")
    for problem in report.problems:
        print(f"WRONG: {problem}")
    if report.problem_count:
        print(f"{report.problem_count} answers were wrong or missing.")
    else:
        print("Every answer was right.")


def write_json(path: Path, report: Report) -> None:
    """The same figures for a program."""
    content = {
        "phases": {name: measured.summary(name) for name, measured in report.phases.items()},
        "schedule": [
            msgspec.structs.asdict(kept) | {"kept_rate": kept.kept_rate, "answered_rate": round(kept.answered_rate, 1)}
            for kept in report.kept
        ],
        "problems": report.problems,
        "problem_count": report.problem_count,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content)))


async def run(options: argparse.Namespace) -> int:
    """Run the load; 0 when it kept its rate and every answer was right, 1 when not, 2 when it could not run."""
    try:
        async with AsyncExitStack() as stack:
            url = options.url
            if options.spawn:
                url = (await stack.enter_async_context(spawned())).url
            client = await stack.enter_async_context(
                AsyncClient(
                    url,
                    None if options.spawn else credentials_of(options, url),
                    connections=options.connections,
                    timeout_s=options.timeout,
                    retry_for_s=0,  # each request is measured, and so sent once
                )
            )
            phases = phases_of(options)
            load = LoadRun(client, await markets_of(client, options.symbols), options.seed)
            report = await load.run(phases)
    except (OpenbellError, SpawnError, CredentialsError, ValueError) as error:
        print(f"The load test could not run: {error}", file=sys.stderr)
        return 2
    print_report(report, phases, options.format)
    if options.json is not None:
        write_json(options.json, report)
    return 0 if report.problem_count == 0 and all(kept.kept_rate for kept in report.kept) else 1


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = argparse.ArgumentParser(
        description="Open-loop load: latency from the intended send time, every answer checked. Rates are answers "
        "over the time until the last answer. Exit status 1 when an answer is wrong or missing, or when the rate was "
        f"not kept: the last answer came later than the planned time, {SLACK_PERCENT} percent of it and --slack; "
        "2 when the test could not run."
    )
    options.add_argument("--rate", type=positive, default=100.0, help="requests a second (default: %(default)g)")
    options.add_argument("--duration", type=positive, default=30.0, help="seconds in all (default: %(default)g)")
    options.add_argument("--url", default="http://127.0.0.1:5000", help="the server (default: %(default)s)")
    options.add_argument("--spawn", action="store_true", help="start a server for this run instead, on a free port")
    options.add_argument("--mode", choices=("constant", "spike"), default="constant", help="(default: %(default)s)")
    options.add_argument("--spike-rate", type=positive, help="requests a second in the spike (default: 4 x rate)")
    options.add_argument("--spike-duration", type=positive, help="seconds of the spike (default: a third)")
    options.add_argument(
        "--slack",
        type=positive,
        default=SLACK_S,
        help="seconds that the last answer may be late; more on a machine that stalls (default: %(default)g)",
    )
    options.add_argument("--connections", type=int, default=64, help="most connections (default: %(default)s)")
    options.add_argument("--timeout", type=positive, default=30.0, help="seconds until a request is given up")
    options.add_argument(
        "--symbols", type=lambda text: text.split(","), default=[], metavar="SYMBOL,...", help="(default: all known)"
    )
    options.add_argument("--seed", type=int, default=1, help="same seed, same orders (default: %(default)s)")
    options.add_argument("--format", choices=("table", "plain"), default="table", help="how the figures are printed")
    options.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    add_credentials(options)
    return options


def main() -> int:
    """Run the command line; the exit status."""
    return asyncio.run(run(parser().parse_args()))


if __name__ == "__main__":
    sys.exit(main())
