"""Commands of the operator's command line for a class: accounts from a CSV file, and the ranking by profit.

Layer: tools.
"""

from __future__ import annotations

import csv
import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO
from urllib.parse import urlencode

import click

from listings.numbers import WholeNumber, decimal_of
from tools.operator_client import OperatorError
from tools.operator_console import OperatorConsole, asking
from tools.operator_tables import facts, rows_of
from tools.progress import progress

AT_ONCE: Final = 10  # users in one request: each password takes the server a while to hash
ROWS_MAX: Final = 100_000
PROBLEMS_SHOWN: Final = 1_000  # lines
DIGITS_MAX: Final = 30  # of an amount, before the point
PAGE: Final = 1_000  # rows of the ranking in one answer
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{3,32}")
_ASSET: Final = re.compile(r"[A-Z0-9]{1,16}")
OUT_COLUMNS: Final = {
    "password": ("name", "account", "password"),
    "key": ("name", "account", "key_id", "secret"),
}


@click.group("class")
def class_() -> None:
    """Accounts for a class."""


@class_.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Where the credentials go; for its owner only. What is in it already stays.",
)
@click.option("--credentials", type=click.Choice(["password", "key"]), default="password", help="What each is given.")
@asking
def create(console: OperatorConsole, file: Path, out: Path, credentials: str) -> None:
    """Make the users of FILE with their money, and write their credentials.

    FILE is CSV with the columns name, optionally tier, and one for each asset that is deposited, such as USDT. Again
    with the same files it makes and deposits only what is missing.
    """
    users = read_class(file)
    with _opened(out, OUT_COLUMNS[credentials]) as written:
        writer = csv.DictWriter(written, OUT_COLUMNS[credentials], extrasaction="ignore", lineterminator="\n")
        if out.stat().st_size == 0:
            writer.writeheader()
        made: list[dict[str, Any]] = []
        with progress("users", len(users)) as done:
            for some in _pieces(users):
                body = console.client.ask("POST", "/admin/users", {"users": some, "credentials": credentials})
                made += body["users"]
                writer.writerows(user for user in body["users"] if user["created"])
                written.flush()
                os.fsync(written.fileno())  # each is answered once
                done(len(some))
    with out.open(encoding="utf-8", newline="") as whole:
        known = {row["name"].lower() for row in csv.DictReader(whole)}
    earlier = [user["name"] for user in made if user["name"].lower() not in known]
    counts = {"users": len(made), "created": sum(user["created"] for user in made), "credentials": str(out)}
    found = counts | ({"had_credentials_before": earlier} if earlier else {})
    console.show(found, facts(found))


def read_class(file: Path) -> list[dict[str, Any]]:
    """The users of a CSV file, as they are asked for. Raises OperatorError, which names every line that is wrong."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as problem:
        raise OperatorError(f"{file}: {problem}") from problem
    rows = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    try:
        columns = [column.strip() for column in rows.fieldnames or ()]
        rows.fieldnames = columns
        wrong = [column for column in columns if column not in ("name", "tier") and not _ASSET.fullmatch(column)]
        if "name" not in columns or wrong or len(set(columns)) < len(columns):
            raise OperatorError(
                f"{file}: line 1 names the columns, each once: name, tier if there are any, and assets such as USDT"
                + (f"; not {', '.join(wrong)}" if wrong else "")
            )
        users, problems = _users(rows)
    except csv.Error as problem:
        raise OperatorError(f"{file}: line {rows.reader.line_num}: {problem}") from problem
    if problems:
        more = [f"and {len(problems) - PROBLEMS_SHOWN:,} more"] if len(problems) > PROBLEMS_SHOWN else []
        raise OperatorError("\n".join([f"{file}: nothing was made", *problems[:PROBLEMS_SHOWN], *more]))
    if not 0 < len(users) <= ROWS_MAX:
        raise OperatorError(f"{file}: there are 1 to {ROWS_MAX:,} users in a file, not {len(users):,}")
    return users


def _users(rows: csv.DictReader[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """The users, and what is wrong with lines."""
    users: list[dict[str, Any]] = []
    problems: list[str] = []
    lines: dict[str, int] = {}
    for row in rows:
        line, name = rows.line_num, (row.get("name") or "").strip()
        if None in row or None in row.values():
            problems.append(f"line {line}: it has another number of fields than the first")
            continue
        if not _NAME.fullmatch(name):
            problems.append(f"line {line}: {name!r} is no name: 3 to 32 letters, digits and . _ -")
        if (first := lines.setdefault(name.lower(), line)) != line:
            problems.append(f"line {line}: {name} is named in line {first} already")
        balances: dict[str, str] = {}
        for asset, amount in row.items():
            if asset in ("name", "tier") or not amount.strip():
                continue
            number = decimal_of(amount.strip())
            if number is None or number < 0 or number.adjusted() > DIGITS_MAX:
                problems.append(f"line {line}: {asset}: {amount!r} is no amount")
            balances[asset] = amount.strip()
        tier = (row.get("tier") or "").strip()
        if len(tier) > 32:
            problems.append(f"line {line}: a tier has at most 32 characters")
        users.append({"name": name, "balances": balances} | ({"tier": tier} if tier else {}))
    return users, problems


def _opened(out: Path, columns: tuple[str, ...]) -> TextIO:
    """The file of credentials at its end, for its owner only. Raises OperatorError."""
    try:
        file = open(  # noqa: SIM115 - the caller closes it
            os.open(out, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600),
            "r+",
            encoding="utf-8",
            newline="",
        )
    except OSError as problem:
        raise OperatorError(f"{out}: {problem.strerror}") from problem
    status = os.fstat(file.fileno())
    header = file.readline().rstrip("\r\n")
    try:
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise OperatorError(f"{out}: others may read it; take that from them first: chmod 600 {out}")
        if header and header != ",".join(columns):
            raise OperatorError(f"{out}: it holds something else; name another file")
    except OperatorError:
        file.close()
        raise
    file.seek(0, os.SEEK_END)
    return file


def _pieces(users: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    return (users[at : at + AT_ONCE] for at in range(0, len(users), AT_ONCE))


@click.command()
@click.option("--asset", help="That profits are in. Without it: what most symbols are priced in.")
@click.option("--limit", type=WholeNumber(1, PAGE), default=100, help="How many of the first.")
@asking
def ranking(console: OperatorConsole, asset: str | None, limit: int) -> None:
    """Show who made most, since their first trade or their last reset, at last prices."""
    query = urlencode({"limit": limit} | ({} if asset is None else {"asset": asset}))
    body = console.client.ask("GET", f"/admin/ranking?{query}")
    columns = ("rank", "name", "account", f"profit {body['asset']}", "fills", "without a price")
    rows = [
        (row["rank"], row["name"], row["account"], row["profit"], row["fills"], row["unpriced"])
        for row in body["ranking"]
    ]
    console.show(body, rows_of(columns, rows) if rows else "Nobody has traded yet: who has not is not ranked.")


CLASS_COMMANDS: Final[tuple[click.Command, ...]] = (class_, ranking)
