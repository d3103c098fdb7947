"""Data folders that are made without a server, and what is in them."""

from __future__ import annotations

from pathlib import Path

from audit.verification import Verification
from engine.digest import state_digest
from engine.exchange import Exchange
from engine.types import Seq
from journal.codec import BatchRecord, open_batch
from journal.copies import copied_journal
from offline import simulate

DIP_BUYER = "examples.dip_buyer:DipBuyer"
STRATEGIES = ("traders", "noise*2", "market-maker", "momentum", "mean-reversion", DIP_BUYER)


def simulated(folder: Path, *further: str, seed: int = 7, seconds: int = 12) -> Path:
    """A folder in which every kind of strategy traded."""
    named = [word for name in STRATEGIES for word in ("--strategy", name)]
    arguments = [str(folder), *named, "--seed", str(seed), "--seconds", str(seconds), *further]
    assert simulate.main(arguments) == simulate.MADE
    return folder


def records_of(folder: Path) -> list[BatchRecord]:
    """Every record of a folder's journal."""
    with copied_journal(folder / "journal.sqlite") as journal:
        return list(journal.read())


def digest_at(records: list[BatchRecord], seq: int) -> str:
    """The state behind a command, from the first record on."""
    exchange = Exchange()
    for record in records:
        for number, command in enumerate(open_batch(record), record.first_seq):
            if number > seq:
                return state_digest(exchange)
            exchange.apply(command, Seq(number), record.ts_ns)
    return state_digest(exchange)


def proved(folder: Path) -> Verification:
    """Its folder, record by record and from one snapshot to the next; fails where anything is not sound."""
    verification = Verification(folder / "journal.sqlite", deep=True, progress=lambda _: None)
    verification.run()
    assert verification.result.sound, verification.result.findings
    return verification
