"""The auditor's report, for people and as JSON.

Layer: audit.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from audit.auditor import Auditor
from audit.history_check import HistoryCheck
from audit.reading import Span

FINDINGS_SHOWN = 100
_KEYS = {"StopPriceMoved": "Trailed", "DuplicateRequest": "Repeated"}  # what programs that read reports know them by


class Report:
    """What was read, what was checked, what was found."""

    def __init__(
        self, span: Span, auditor: Auditor, history_check: HistoryCheck | None, digests: int, seconds: float
    ) -> None:
        self._span = span
        self._auditor = auditor
        self._history_check = history_check
        self._digests = digests  # state digests noted in the journal and found again
        self._seconds = seconds

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return self._auditor.found == 0

    def as_json(self) -> dict[str, Any]:
        """Every number; amounts as decimals."""
        span, auditor, history = self._span, self._auditor, self._history_check
        return {
            "journal": str(span.path),
            "bytes": span.size,
            "records": span.records,
            "first_seq": span.first_seq,
            "last_seq": span.last_seq,
            "first_time": _time(span.first_ns),
            "last_time": _time(span.last_ns),
            "chain": span.chain,
            "torn": span.torn,
            "state_digests_checked": self._digests,
            "commands": auditor.tally.commands,
            "counts": dict(sorted(auditor.tally.counts.items())),
            "events": dict(sorted((_KEYS.get(name, name), count) for name, count in auditor.tally.events.items())),
            "reasons": dict(sorted(auditor.tally.reasons.items())),
            "notional": self._amounts(auditor.tally.notional),
            "fees": self._amounts(auditor.tally.fees),
            "history": None
            if history is None
            else {
                "applied_seq": history.applied_seq,
                "trades": history.trades,
                "orders": history.orders,
            },
            "compared_until_seq": auditor.compared_until,
            "findings": [
                {"seq": finding.seq, "kind": finding.kind.value, "symbol": finding.symbol, "what": finding.sentence}
                for finding in auditor.findings
            ],
            "findings_total": auditor.found,
            "clean": self.clean,
            "seconds": round(self._seconds, 3),
        }

    def as_text(self) -> str:
        """The summary that a person reads."""
        span, auditor = self._span, self._auditor
        lines = [
            f"Audit of {span.path}",
            "",
            "Read",
            f"  {span.records:,} records of {auditor.tally.commands:,} commands in {span.size:,} bytes, each with its "
            "checksum and its place in the chain",
            f"  seq {span.first_seq:,} to {span.last_seq:,}, {_time(span.first_ns)} to {_time(span.last_ns)}",
            f"  chain {span.chain or 'of no record'}",
            "",
            "Checked",
            *self._checked(),
            "",
            "Found",
            *self._found(),
            "",
            f"Verdict: {self._verdict()} ({self._seconds:.1f} s)",
        ]
        return "\n".join(lines)

    def _checked(self) -> list[str]:
        auditor, history = self._auditor, self._history_check
        counts = auditor.tally.counts
        names = (
            "orders asked for", "orders accepted", "trades", "auctions", "stops triggered", "icebergs refilled",
            "self-trades prevented", "limit states", "halts",
        )  # fmt: skip
        lines = [f"  {counts[name]:>14,}  {name}" for name in names]
        for title, amounts in (("notional", auditor.tally.notional), ("fees less rebates", auditor.tally.fees)):
            lines += [f"  {amount:>14}  {asset} of {title}" for asset, amount in self._amounts(amounts).items()]
        lines.append(f"  {self._digests:>14,}  state digests noted in the journal, found again")
        if history is None:
            lines.append("  No history was given: what customers were told is not judged.")
        else:
            lines.append(
                f"  {history.trades:>14,}  trades and {history.orders:,} ended orders as the history tells them, up to "
                f"seq {history.applied_seq:,}"
            )
        lines.append("  Every command was carried out by the engine and by a second, naive exchange, and the events")
        lines.append("  laid side by side; every fill was judged by the book it met; every balance and hold summed up.")
        return lines

    def _found(self) -> list[str]:
        auditor = self._auditor
        if not auditor.found:
            return ["  nothing"]
        lines = []
        for finding in auditor.findings[:FINDINGS_SHOWN]:
            symbol = f" {finding.symbol}" if finding.symbol else ""
            lines.append(f"  seq {finding.seq:,}{symbol} {finding.kind.value}: {finding.sentence}")
        if auditor.found > len(lines):
            lines.append(f"  ... and {auditor.found - len(lines):,} more")
        if auditor.compared_until is not None:
            lines.append(
                f"  From seq {auditor.compared_until:,} on nothing is compared with the naive exchange any more, whose "
                "state is another since then."
            )
            lines.append("  What follows is judged by the books and balances as the events tell them.")
        return lines

    def _verdict(self) -> str:
        if self.clean:
            return "clean. Nothing contradicts the rules"
        kinds = Counter(finding.kind.value for finding in self._auditor.findings)
        first = self._auditor.findings[0]
        listed = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
        found = counted(self._auditor.found)
        return f"NOT clean. {found} ({listed}), the first at seq {first.seq:,}"

    def _amounts(self, minor_units: Counter[str]) -> dict[str, str]:
        scales = self._auditor.scales
        return {asset: _decimal(amount, scales[asset]) for asset, amount in sorted(minor_units.items())}


def counted(found: int) -> str:
    """`1 finding`, `2 findings`."""
    return "1 finding" if found == 1 else f"{found:,} findings"


def _decimal(minor_units: int, scale: int) -> str:
    """Minor units as the shortest decimal. Exact, whatever the size."""
    digits = str(abs(minor_units)).zfill(scale + 1)
    whole, fraction = digits[: len(digits) - scale], digits[len(digits) - scale :].rstrip("0")
    return ("-" if minor_units < 0 else "") + whole + (f".{fraction}" if fraction else "")


def _time(ns: int) -> str:
    """UTC, to the millisecond."""
    if not ns:
        return "no time"
    moment = datetime.fromtimestamp(ns // 10**9, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ns // 10**6 % 1000:03} UTC"
