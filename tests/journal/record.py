"""Record journals: `python -m tests.journal.record NAME...`, and measure all there are; without names measure only.

What is recorded is what later versions are held to: for an order type or a reason that is new, add a subject and record
that alone. Record one anew only for rules that are meant to change.
Each journal is a random flow with a subject of its own, which the engine and the naive exchange carry out alike.
"""

from __future__ import annotations

import lzma
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from audit.auditor import Auditor
from audit.engine_side import EngineBalances
from audit.mix import ACCOUNTS, BOND, COIN, HOUR_NS, INSTRUMENTS, MIDDLE, SHARE, STEP_NS, Mix
from audit.naive_exchange import NaiveExchange
from engine.commands import (
    AdoptRulebook,
    AdvanceTime,
    CancelOrder,
    Command,
    ConfigureAccount,
    EnterOrder,
    SetStatus,
    StopAccount,
    WriterChanged,
)
from engine.digest import state_digest
from engine.exchange import Exchange
from engine.rulebook import CURRENT_EDITION
from engine.types import AccountId, Seq, Side, TradingStatus
from journal.codec import GENESIS, Submission, seal
from journal.port import Checkpoint
from journal.sqlite import SqliteJournal
from tests.journal.commands import START_NS
from tests.journal.recorded import FOLDER, KNOWN, MEASURES, NAMES, Known, Measures, measure, unpacked

CHECKPOINT_EVERY = 400  # commands


class Subject(msgspec.Struct, frozen=True):
    """What the flow of one journal has more of than others."""

    name: str
    seed: int
    commands: int
    favourites: tuple[str, ...] = ()  # methods of `Flow` that make most of the commands
    symbols: tuple[str, ...] = tuple(INSTRUMENTS)  # in which those are
    adopts_at: int | None = 1  # the seq at which the current edition of the rules is adopted
    most: int = 12  # commands in one record
    jumps: float = 0.0  # how often hours pass between two records
    doors: bool = False  # some commands come from front doors, under keys, and the writer changes now and then


SUBJECTS = (
    Subject("01-first-edition", 3, 2500, adopts_at=None),
    Subject("02-second-edition", 4, 2500),
    Subject("03-edition-in-the-middle", 6, 2500, ("_repeat", "_limit", "_cancel"), adopts_at=1200),
    Subject("04-auctions", 7, 2500, ("_session", "_limit", "_limit", "_waiting", "_amend", "_time"), most=4),
    Subject("05-bands-and-halts", 8, 2500, ("_limit", "_limit", "_market", "_waiting", "_time"), (BOND.symbol,)),
    Subject("06-limits-and-collar", 11, 2500, ("_limit", "_market", "_amend", "_anything"), (SHARE.symbol,)),
    Subject("07-stops-and-brackets", 10, 2500, ("_waiting", "_oco", "_bracket", "_limit", "_market"), (COIN.symbol,)),
    Subject(
        "08-accounts", 13, 2500, ("_money", "_configure", "_limit", "_self_trade", "_self_trade", "_stop"), most=40
    ),
    Subject("09-days", 14, 2500, ("_session", "_limit", "_waiting", "_repeat", "_oco", "_time"), jumps=0.08),
    Subject("10-single-records", 15, 1200, ("_market", "_limit", "_bracket", "_amend"), adopts_at=600, most=1),
    Subject("11-cluster", 16, 1200, ("_limit", "_market", "_cancel", "_amend", "_repeat"), doors=True),
)


class Flow(Mix):
    """The random mix of an audit, with a subject, and with times as a journal has them."""

    def __init__(self, subject: Subject, venue: NaiveExchange) -> None:
        super().__init__(subject.seed, venue)
        self._subject = subject
        self._opening = [command for command in self._opening if not isinstance(command, AdoptRulebook)]
        self._chance = random.Random(subject.seed)
        self.ts_ns = START_NS

    def record(self) -> Iterator[Command]:
        """The commands of the next record, all at one `ts_ns`; the next is asked for when one has been carried out."""
        subject, chance = self._subject, self._chance
        at_ns = self.ts_ns + chance.randint(1, 2 * STEP_NS)
        if chance.random() < subject.jumps:
            at_ns += chance.choice([1, 3, 9, 24, 49]) * HOUR_NS
        for _ in range(chance.randint(1, subject.most)):
            self.ts_ns = at_ns
            if self.seq + 1 == subject.adopts_at:
                self.seq += 1
                yield AdoptRulebook(CURRENT_EDITION)
                continue
            command = self.next()[2]
            self.ts_ns = at_ns
            if subject.doors and chance.random() < 0.01:
                command = WriterChanged(f"node-{chance.randint(1, 3)}", self.seq)
            if isinstance(command, EnterOrder) and command.client_order_id is not None and chance.random() < 0.5:
                command = msgspec.structs.replace(command, looked_until=Seq(chance.randint(0, self.seq - 1)))
            yield AdvanceTime() if isinstance(command, AdoptRulebook) else command

    def submissions(self, commands: int) -> list[Submission]:
        """Keys for some of a record's commands; none for some records."""
        found, place, chance = [], 0, self._chance
        while chance.random() < 0.8 and place < commands:
            count = chance.randint(1, min(3, commands - place))
            fingerprint = chance.choice([b"", chance.randbytes(16)])
            sender = chance.randbytes(8) if fingerprint else b""
            found.append(Submission(chance.randbytes(16), place, count, fingerprint, sender))
            place += count + chance.choice([0, 0, 1])
        return found

    def _any(self) -> Command:
        chance, subject = self._chance, self._subject
        if chance.random() < 0.02:
            return self._cancel_named() or AdvanceTime()
        if not subject.favourites or chance.random() < 0.3:
            return super()._any()
        make: Callable[[str, int, Side], Command] = getattr(self, chance.choice(subject.favourites))
        return make(chance.choice(subject.symbols), chance.choice(ACCOUNTS), chance.choice(list(Side)))

    def _cancel_named(self) -> Command | None:
        named = [order for order in self.venue.open if order.client_order_id is not None]
        if not named:
            return None
        order = self._chance.choice(named)
        symbol = self._chance.choice([None, order.symbol])
        return CancelOrder(AccountId(order.account), None, order.client_order_id, symbol)

    def _session(self, symbol: str, _account: int, _side: Side) -> Command:
        status = self._chance.choice([*TradingStatus, TradingStatus.AUCTION, TradingStatus.TRADING])
        until_ns = self.ts_ns + self._chance.randint(1, 20) * STEP_NS
        symbol = self._chance.choice([symbol] * 30 + ["NONE-USD"])
        return SetStatus(symbol, status, until_ns if status is TradingStatus.AUCTION else None)

    def _time(self, _symbol: str, _account: int, _side: Side) -> Command:
        return AdvanceTime()

    def _repeat(self, symbol: str, account: int, side: Side) -> Command:
        if not self._named:
            return self._limit(symbol, account, side)
        again = self._chance.choice(self._named)
        changed = self._chance.random() < 0.3 and isinstance(again, EnterOrder)
        return msgspec.structs.replace(again, symbol=symbol) if changed else again

    def _money(self, _symbol: str, account: int, _side: Side) -> Command:
        return self._account(AccountId(account))

    def _configure(self, _symbol: str, account: int, _side: Side) -> Command:
        rate, most = self._chance.choice([None, 1, 3]), self._chance.choice([None, None, 5])
        return ConfigureAccount(AccountId(account), "slow", None, None, most, rate)

    def _self_trade(self, symbol: str, _account: int, side: Side) -> Command:
        """At one price of one account, so that its orders meet."""
        command = self._limit(symbol, 2, side)
        priced = isinstance(command, EnterOrder) and isinstance(command.price, int)
        return msgspec.structs.replace(command, price=MIDDLE[symbol]) if priced else command

    def _stop(self, _symbol: str, account: int, _side: Side) -> Command:
        return StopAccount(AccountId(account), self._chance.random() < 0.2)


def write(subject: Subject, path: Path) -> None:
    """Make the flow of `subject` and write it into a new journal at `path`."""
    exchange = Exchange()
    auditor = Auditor(EngineBalances(exchange))
    flow = Flow(subject, auditor.naive)
    chain, n, due = GENESIS, 0, CHECKPOINT_EVERY
    with closing(SqliteJournal(path)) as journal:
        while flow.seq < subject.commands:
            first = flow.seq + 1
            commands = []
            for command in flow.record():
                commands.append(command)
                seq = Seq(first + len(commands) - 1)
                events = exchange.apply(command, seq, flow.ts_ns)
                auditor.observe(seq, flow.ts_ns, command, events)
                if auditor.found:
                    raise SystemExit(f"{subject.name}, seq {seq}: {command}: {auditor.findings[0].sentence}")
            n += 1
            submissions = flow.submissions(len(commands)) if subject.doors else []
            record = seal(n, flow.ts_ns, first, commands, chain, submissions)
            journal.append(record)
            chain = record.chain
            if exchange.seq >= due:
                journal.note(Checkpoint(exchange.seq, state_digest(exchange)))
                due += CHECKPOINT_EVERY


def main(arguments: list[str]) -> None:
    """Record those named, and measure."""
    if unknown := set(arguments) - {subject.name for subject in SUBJECTS}:
        raise SystemExit(f"no such subject: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        for subject in SUBJECTS:
            if subject.name in arguments:
                path = Path(folder) / "recording.sqlite"
                path.unlink(missing_ok=True)
                write(subject, path)
                (FOLDER / f"{subject.name}.sqlite.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
                KNOWN.write_bytes(msgspec.json.format(msgspec.json.encode(Known()), indent=1) + b"\n")
        measures: dict[str, Measures] = {}
        for name in sorted({*NAMES, *arguments}):
            with unpacked(name, Path(folder)) as journal:
                measures[name] = measure(journal)
    MEASURES.write_bytes(msgspec.json.format(msgspec.json.encode(measures), indent=1) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
