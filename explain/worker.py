"""The process that explains: `python -m explain.worker`, started by the server, of low priority.

It follows the journal with a replica of its own, which it reads through the server: the journal's
file is the server's alone. Ends when the server does.
Layer: explain.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import signal
import time

import msgspec

from engine.commands import Command, EnterOrder
from engine.types import AccountId, OrderId, entry_of
from explain.answers import Explanation
from explain.checkpoints import Checkpoints, Overrun
from explain.explanation import (
    ChapterResult,
    Subject,
    assemble_explanation,
    chosen_seqs,
    last_totals,
    subject_of_command,
)
from explain.protocol import (
    RECORDS_A_FRAME,
    Advance,
    Answer,
    Channel,
    ChannelClosed,
    Message,
    Question,
    Reached,
    Read,
    Records,
    TooLong,
    Unknown,
)
from explain.replica import ReadRecords, Replica
from journal.codec import BatchRecord
from logs.setup import guard_stderr

NICENESS = 15


class Explainer:
    """Answers questions from a replica and its checkpoints."""

    def __init__(self, read: ReadRecords, foreign_fds: list[int]) -> None:
        """`read` gives the journal's records; `foreign_fds` are descriptors that checkpoints must not keep open."""
        self._read = read
        self.replica = Replica(read)
        self.checkpoints = Checkpoints(self.replica, foreign_fds)

    def advance(self, wanted: Advance) -> Reached:
        """Follow the journal for as long as wanted."""
        self.follow(wanted.until_n, time.monotonic() + wanted.seconds)
        return Reached(self.replica.n, self.replica.seq)

    def follow(self, until_n: int, until: float) -> None:
        """Follow the journal up to a record or a reading of the monotonic clock, noting checkpoints on the way.

        Raises CorruptRecord and UnknownVersion. O(commands).
        """

        def followed() -> bool:
            if self.checkpoints.due:
                self.checkpoints.add()
            return time.monotonic() < until

        self.replica.advance(until_n, followed)

    def answer(self, question: Question) -> Message:
        """The explanation, or that there is nothing to explain to whoever asks."""
        until = time.monotonic() + question.seconds
        try:
            if question.about == "trade":
                found = self._trade(question, until)
            elif question.about == "order":
                found = self._order(OrderId(question.number), question.account, until)
            else:
                found = self._command(question, until)
        except Overrun:
            return TooLong()
        return Unknown() if found is None else Answer(msgspec.json.encode(found))

    # -- three kinds of questions

    def _order(self, order_id: OrderId, asker: AccountId | None, until: float) -> Explanation | None:
        entry = self._entry(order_id, asker)
        if entry is None:
            return None
        seqs = self.replica.index.seqs_of(order_id)
        if not seqs:
            return None
        subject = Subject(order_id, entry.account, entry.symbol)
        chosen, left_out = chosen_seqs(seqs, self.replica.index.state_of(order_id))
        return assemble_explanation(self._chapters(subject, chosen, until), subject, self.replica.seq, left_out)

    def _trade(self, question: Question, until: float) -> Explanation | None:
        trade = self.replica.index.trade(question.number)
        if trade is None:
            return None
        seq, maker, taker = trade
        results: list[ChapterResult] = []
        subjects: list[Subject] = []
        for order_id in (taker, maker):
            entry = self._entry(OrderId(order_id), question.account)
            if entry is not None:
                subjects.append(Subject(OrderId(order_id), entry.account, entry.symbol, question.number))
                results.extend(self._chapters(subjects[-1], [seq], until))
        return assemble_explanation(results, subjects[0], self.replica.seq, 0) if results else None

    def _command(self, question: Question, until: float) -> Explanation | None:
        found = self.replica.command(question.number)
        if found is None:
            return None
        _, command = found
        owner: AccountId | None = getattr(command, "account", None)
        if question.account is not None and owner != question.account:
            return None
        order_id, symbol = subject_of_command(command, question.number)
        if isinstance(command, EnterOrder) and self.replica.index.seqs_of(order_id):
            return self._order(order_id, question.account, until)
        if symbol is None:
            entry = self._entry(order_id, owner)
            symbol = "" if entry is None else entry.symbol
        subject = Subject(order_id, owner or AccountId(-1), symbol)
        state = self.replica.index.state_of(order_id)
        results = self._chapters(subject, sorted({question.number, state or question.number}), until)
        about = [one for one in results if one.chapter.seq == question.number]
        return assemble_explanation(about, subject, self.replica.seq, 0, last_totals(results))

    # -- steps

    def _entry(self, order_id: OrderId, asker: AccountId | None) -> EnterOrder | None:
        """The command that entered an order, or its first leg or its entry, when the asker may know of it."""
        found = self.replica.command(entry_of(order_id))
        command: Command | None = None if found is None else found[1]
        if isinstance(command, EnterOrder) and asker in (None, command.account):
            return command
        return None

    def _chapters(self, subject: Subject, seqs: list[int], until: float) -> list[ChapterResult]:
        """The chapters, from as few checkpoints as they need. Raises Overrun."""
        results: list[ChapterResult] = []
        for checkpoint, some in itertools.groupby(seqs, self.checkpoints.before):
            group = list(some)
            seconds = int(until - time.monotonic())
            if seconds < 1:
                raise Overrun
            until_n = self.replica.index.record_of(group[-1])
            results.extend(checkpoint.chapters(subject, group, until_n, seconds, self._read).results)
        return results


def serve(channel: Channel) -> None:
    """Answer until the server is closed. Raises ChannelClosed."""

    def read(after_n: int, until_n: int) -> list[BatchRecord]:
        channel.send(Read(after_n, min(until_n, after_n + RECORDS_A_FRAME)))
        given = channel.receive()
        return given.records if isinstance(given, Records) else []

    explainer = Explainer(read, [channel.read_fd, channel.write_fd])
    while True:
        message = channel.receive()
        if isinstance(message, Advance):
            channel.send(explainer.advance(message))
        elif isinstance(message, Question):
            channel.send(explainer.answer(message))


def main() -> None:
    """Talk over standard input and output until they close."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal: the server decides when to end
    os.nice(NICENESS)
    gc.disable()  # collections would touch, and so copy, every page that checkpoints share
    guard_stderr()  # it is the server's log
    channel = Channel(os.dup(0), os.dup(1))
    os.dup2(2, 1)
    os.close(0)
    with contextlib.suppress(ChannelClosed):
        serve(channel)


if __name__ == "__main__":
    main()
