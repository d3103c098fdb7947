"""The command line of a simulation: one seed again, or thousands over all cores, or its mutants."""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import time
from collections import Counter
from functools import partial

import msgspec

from tests.sim.results import Result, be_quiet, result_of

PROGRESS_S = 5.0
AT_ONCE = 10  # seeds that a process takes
MUTANT_SEEDS = 300


class World(msgspec.Struct, frozen=True):
    """A simulation by the name of its package, which has `plan`, `simulation` and `mutants`."""

    package: str

    def command_of(self, seed: int) -> str:
        """How to run a seed again."""
        return f".venv/bin/python -m {self.package} --seed {seed} --trace"

    def reproduce(self, seed: int, *, traced: bool) -> int:
        """Run one seed, and say what is wrong."""
        plan = importlib.import_module(f"{self.package}.plan").plan_of(seed)
        outcome = importlib.import_module(f"{self.package}.simulation").run(plan, traced=traced)
        if traced:
            print(plan)
            print("\n".join(outcome.trace))
        for violation in outcome.violations:
            print(f"{violation.kind}: {violation.text}")
        verdict = "right" if outcome.is_right else "WRONG"
        print(f"seed {seed}: {verdict}, {outcome.commands} commands in {outcome.simulated_s:.3f} simulated seconds")
        return 0 if outcome.is_right else 1

    def run_many(self, first: int, number: int, workers: int) -> int:
        """Run many seeds; say how far it is, the first seed that fails, and what happened how often."""
        counts, failed, done, commands = Counter[str](), list[Result](), 0, 0
        began = said = time.monotonic()
        call = partial(result_of, package=self.package)
        with multiprocessing.get_context("spawn").Pool(workers, be_quiet) as pool:
            for result in pool.imap_unordered(call, range(first, first + number), AT_ONCE):
                done += 1
                commands += result.commands
                counts.update(result.counts)
                if result.wrong:
                    failed.append(result)
                    again = self.command_of(result.seed)
                    print(f"seed {result.seed} is WRONG: {result.wrong[0][:500]}\n  {again}", flush=True)
                if time.monotonic() - said >= PROGRESS_S:
                    said = time.monotonic()
                    rate = done / (said - began)
                    print(f"{done} of {number} seeds, {rate:.0f} a second, {len(failed)} wrong", flush=True)
        seconds = time.monotonic() - began
        for what, times in sorted(counts.items()):
            print(f"{times:10} {what}")
        print(f"{number} seeds, {commands} commands, {seconds:.0f} s, {number / seconds * 60:.0f} seeds a minute")
        if failed:
            lowest = min(failed)
            print(f"{len(failed)} seeds are WRONG; the lowest is {lowest.seed}: {self.command_of(lowest.seed)}")
        return 1 if failed else 0

    def run_mutants(self) -> int:
        """Say how many seeds, from 0 on, each mutant needs until it is noticed, and by which check."""
        mutants, missed = importlib.import_module(f"{self.package}.mutants"), 0
        for name, build in mutants.MUTANTS.items():
            needed, kind = mutants.seeds_needed(build, MUTANT_SEEDS)
            missed += needed is None
            print(f"{name:55} {'NOT NOTICED' if needed is None else needed:>4}  {kind}", flush=True)
        return 1 if missed else 0


def main(world: World, description: str) -> int:
    """Read the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog=f"python -m {world.package}", description=description.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, help="this seed alone")
    parser.add_argument("--trace", action="store_true", help="with --seed: every step")
    parser.add_argument("--seeds", type=int, default=500, help="so many seeds (default: 500)")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument("--mutants", action="store_true", help="how many seeds each mutant needs")
    asked = parser.parse_args()
    be_quiet()
    if asked.mutants:
        return world.run_mutants()
    if asked.seed is not None:
        return world.reproduce(asked.seed, traced=asked.trace)
    return world.run_many(asked.first, asked.seeds, asked.workers)
