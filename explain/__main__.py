"""`python -m explain DATA order 123`: an explanation from a journal, with a server beside it or none.

Reads a copy of the journal and prints what the server's routes answer, in words or as JSON.
Layer: explain. The folder is not changed; no server is asked.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import math
import os
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from engine.types import AccountId
from explain.answers import Chapter, Explanation
from explain.explainer import INDEX_NAME, SNAPSHOTS_NAME, DroppedRecords, Explainer
from explain.protocol import Answer, Dropped, Question, TooLong
from explain.worker import SERVER_SNAPSHOTS
from journal.beginnings import first_kept
from journal.codec import CorruptRecord, UnknownVersion
from journal.copies import copied, copied_journal
from journal.port import Journal, JournalError
from listings.numbers import whole
from openbell.programs import called

JOURNAL_NAME: Final = "journal.sqlite"
EXPLAINED, NOTHING, UNREADABLE = 0, 1, 2  # exit statuses
WIDTH: Final = 100  # columns
PATIENCE_S: Final = 86_400.0  # only the caller waits
EPILOG: Final = """\
examples:
  {explain} data order 123       why an order went as it did, from entry to end
  {explain} data trade 7         why a trade happened at its price, from both sides
  {explain} data command 99      what became of a command: of a refused order, details.seq
  {explain} data order 123 --json | jq .words

exit status: 0 told; 1 there is no such order, trade or command, or it is not the account's;
2 the journal cannot be read, or the command line is wrong
"""


class NoExplanation(Exception):
    """There is something to explain, and it could not be done. The message is a sentence."""


def main(arguments: list[str] | None = None) -> int:
    """Explain what the command line names; return the exit status. O(commands in the journal)."""
    asked = _parser().parse_args(arguments)
    logging.disable(logging.WARNING)  # what is said of the copy is of no use to who asked
    try:
        return _answer(asked)
    finally:
        logging.disable(logging.NOTSET)


def _answer(asked: argparse.Namespace) -> int:
    """Print the explanation, or why there is none; return the exit status."""
    path: Path = asked.data / JOURNAL_NAME if asked.data.is_dir() else asked.data
    if not path.is_file():
        print(f"There is no journal at {path}.", file=sys.stderr)
        return UNREADABLE
    account = None if asked.account is None else AccountId(asked.account)
    question = Question(asked.about, asked.number, account, PATIENCE_S)
    try:
        with copied_journal(path) as journal:
            found = explain(journal, question, path.parent)
    except (CorruptRecord, UnknownVersion) as problem:
        print(f"The journal {path} cannot be read: {problem}.", file=sys.stderr)
        return UNREADABLE
    except (JournalError, NoExplanation) as problem:
        print(problem, file=sys.stderr)
        return UNREADABLE
    if found is None:
        of_account = "" if asked.account is None else f" of account {asked.account}"
        print(f"There is no {asked.about} {asked.number}{of_account} in {path}.", file=sys.stderr)
        return NOTHING
    _print(found.decode() if asked.json else as_text(msgspec.json.decode(found, type=Explanation)))
    return EXPLAINED


def _print(text: str) -> None:
    """Print the explanation; a reader that wants no more of it, as `head`, is no failure."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # for what Python flushes at its end
        os.close(nowhere)


def explain(journal: Journal, question: Question, data: Path | None = None) -> bytes | None:
    """The explanation as JSON; None where there is nothing to explain.

    `data`: the folder beside the journal, whose index and snapshots of explanations save carrying out all of it.
    Raises JournalError, CorruptRecord and UnknownVersion where the journal cannot be read, and NoExplanation.
    """
    last = journal.last
    until_n = 0 if last is None else last.n
    with _copied_index(data) as folder:
        others = [] if data is None else [data / SNAPSHOTS_NAME, data / SERVER_SNAPSHOTS]
        try:
            explainer = Explainer(journal, folder, others, [], first_kept(journal))
        except DroppedRecords as dropped:
            raise NoExplanation(str(dropped)) from dropped
        try:
            explainer.follow(until_n, math.inf)
            answer = explainer.answer(question)
        finally:
            explainer.close()
    if isinstance(answer, TooLong):
        raise NoExplanation("The process that was telling it has ended: is there memory enough?")
    if isinstance(answer, Dropped):
        raise NoExplanation(str(DroppedRecords(answer.first_seq)))
    return answer.body if isinstance(answer, Answer) else None


@contextlib.contextmanager
def _copied_index(data: Path | None) -> Iterator[Path]:
    """A folder to work in, with a copy of the index that a server's explanations are made from, where there is one."""
    with contextlib.ExitStack() as stack:
        if data is not None and (data / INDEX_NAME).is_file():
            copy = None
            with contextlib.suppress(JournalError):  # it changes too fast, or is gone: another is made
                copy = stack.enter_context(copied(data / INDEX_NAME))
            if copy is not None:
                yield copy.parent
                return
        yield Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="openbell-explain-")))


def as_text(explanation: Explanation) -> str:
    """An explanation to be read: a chapter for each command, then the sums."""
    of_trade = f"Trade {explanation.trade_id}"
    of_order = f"Order {explanation.order_id}" if explanation.order_id else f"Command {explanation.seq}"
    symbol = f", {explanation.symbol}" if explanation.symbol else ""
    lines = [f"{of_trade if explanation.trade_id else of_order}{symbol}, as of command {explanation.as_of_seq}"]
    for chapter in explanation.chapters:
        lines += ["", _heading(chapter), *_wrapped(" ".join(chapter.words))]
    if explanation.chapters_left_out:
        lines += ["", f"{explanation.chapters_left_out} chapters in the middle are left out."]
    if explanation.average_price is not None:
        sums = f"filled {explanation.filled} at {explanation.average_price} on average"
        lines += ["", f"In all: {sums}, notional {explanation.notional}, fees {explanation.fees}."]
    return "\n".join(lines)


def _heading(chapter: Chapter) -> str:
    whose = f"Order {chapter.order_id}" if chapter.order_id else f"Command {chapter.seq}"
    return f"{whose}: {', '.join(chapter.happened)}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called("explain"),
        description="Explain an order, a trade or a command from the journal, which is copied and not touched: a "
        "server may be running on it. Tells what an operator would be told.",
        epilog=EPILOG.format(explain=called("explain")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="the data folder, or the file journal.sqlite")
    parser.add_argument("about", choices=("order", "trade", "command"), help="what to explain")
    parser.add_argument("number", type=whole, metavar="NUMBER", help="its order id, trade id or seq")
    parser.add_argument(
        "--account", type=whole, metavar="N", help="tell only what the owner of this account would be told"
    )
    parser.add_argument("--json", action="store_true", help="print the JSON that the server's routes answer with")
    return parser


if __name__ == "__main__":
    sys.exit(main())
