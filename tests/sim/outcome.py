"""What a simulation came to: whether all was right, and what happened."""

from __future__ import annotations

from collections import Counter

import msgspec


class Violation(msgspec.Struct, frozen=True):
    """Something that must never be."""

    kind: str
    text: str


class Outcome(msgspec.Struct):
    """What one simulation came to."""

    seed: int
    violations: list[Violation]
    counts: Counter[str]
    trace: list[str]
    lost_promise: bool  # whether the disk forgot what it had said to be stable
    commands: int
    simulated_s: float

    @property
    def is_right(self) -> bool:
        """Nothing is wrong; or a disk that lied lost something, which was reported as a loss and as nothing else."""
        if self.lost_promise and self.violations:
            return {violation.kind for violation in self.violations} == {"loss"}
        return not self.violations
