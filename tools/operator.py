"""The operator's command line: `python -m tools.operator --help`. Everything goes over REST and is audited there.

Layer: tools.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import click

from listings.numbers import WholeNumber, whole_number
from openbell_client import Refused
from openbell_client.stored import key_of_environment
from tools.credentials import typed
from tools.operator_class import CLASS_COMMANDS
from tools.operator_client import OperatorClient, OperatorError
from tools.operator_console import OperatorConsole, asking
from tools.operator_tables import facts, rows_of, utc
from tools.operator_users import USER_COMMANDS

PAGE: Final = 1_000  # accounts in one answer


def default_session_file() -> Path:
    """Where a session is kept unless `--session` names a file."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "openbell" / "operator.json"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--url", default="http://127.0.0.1:5000", envvar="OPENBELL_URL", help="The server.")
@click.option("--json", "as_json", is_flag=True, help="Print answers and errors as JSON, for programs.")
@click.option(
    "--session",
    "session_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    envvar="OPENBELL_SESSION",
    help="File that keeps the session between commands. Without it: operator.json below ~/.local/state/openbell.",
)
@click.pass_context
def main(context: click.Context, url: str, as_json: bool, session_file: Path | None) -> None:
    """Operate a venue.

    Sign in once with the command login, or set OPENBELL_KEY and OPENBELL_SECRET to an operator's API key
    with the scopes read and trade.
    """
    try:
        client = OperatorClient(url, session_file or default_session_file(), key_of_environment())
    except (OperatorError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    context.obj = OperatorConsole(client, as_json=as_json)


# -- signing in


@main.command()
@click.argument("name")
@asking
def login(console: OperatorConsole, name: str) -> None:
    """Sign in as NAME; the password is asked for, or is the first line of the standard input.

    So is a code of the authenticator app, the next line, where the second factor is on.
    """
    password = typed("Password", hidden=True)
    try:
        body = console.client.log_in(name, password)
    except Refused as refusal:
        if refusal.body.get("error_code") != "CODE_NEEDED":
            raise
        body = console.client.log_in(name, password, typed("Code", hidden=False))
    console.show(body, facts(body))


@main.command()
@asking
def logout(console: OperatorConsole) -> None:
    """End the session that login opened."""
    console.client.log_out()
    console.show({"success": True}, facts({"success": True}))


# -- symbols


@main.command()
@asking
def symbols(console: OperatorConsole) -> None:
    """Show every listed symbol."""
    body = console.client.public("/symbols")
    rows = []
    for symbol, info in body["symbol_info"].items():
        bbo, fees = info["bbo"], info["fees"]
        cells = (symbol, info["status"], bbo["best_bid"] or "-", bbo["best_ask"] or "-")
        counts = (info["active_orders"], info["total_trades"])
        rows.append((*cells, *counts, fees["maker_percent"], fees["taker_percent"]))
    names = ("symbol", "status", "best bid", "best ask", "open orders", "trades", "maker %", "taker %")
    console.show(body, rows_of(names, rows))


def _add_status_command(action: str, what: str) -> None:
    @main.command(action.replace("_", "-"), help=what)
    @click.argument("symbol")
    @asking
    def set_status(console: OperatorConsole, symbol: str) -> None:
        body = console.client.ask("POST", f"/admin/symbols/{quote(symbol, safe='')}/{action}")
        console.show(body, facts(body))


_add_status_command("halt", "Halt trading in SYMBOL. Its orders stay, and can be cancelled.")
_add_status_command("resume", "Let SYMBOL trade, after an auction when orders have gathered.")
_add_status_command("close", "Close trading in SYMBOL. Its day orders expire.")
_add_status_command("pre_open", "Let orders of SYMBOL gather without matching.")


@main.command()
@click.argument("action", type=click.Choice(["show", "stand-down"]), default="show")
@asking
def node(console: OperatorConsole, action: str) -> None:
    """Show which node of a cluster the server is, and who writes; stand-down: have it lay down the writing."""
    body = console.client.public("/node") if action == "show" else console.client.ask("POST", "/admin/node/stand-down")
    console.show(body, facts(body))


@main.command()
@click.argument("action", type=click.Choice(["show", "accept"]), default="show")
@asking
def clock(console: OperatorConsole, action: str) -> None:
    """Show the venue's time, and whether it follows the machine's clock; accept: have it follow, whatever it shows."""
    if action == "accept":
        body = console.client.ask("POST", "/admin/clock", {"follow": "machine"})
        console.show(body, facts({"accepted_s": body["accepted_s"]} | body["clock"]))
    else:
        body = console.client.public("/health")["clock"]
        console.show(body, facts(body))


@main.command()
@click.argument("symbol")
@click.option("--seconds", type=WholeNumber(1, 86_400), help="After which trading begins by itself.")
@asking
def auction(console: OperatorConsole, symbol: str, seconds: int | None) -> None:
    """Let orders of SYMBOL gather for an auction, which resume ends."""
    query = "" if seconds is None else f"?seconds={seconds}"
    body = console.client.ask("POST", f"/admin/symbols/{quote(symbol, safe='')}/auction{query}")
    console.show(body, facts(body))


@main.command()
@click.argument("symbol")
@asking
def status(console: OperatorConsole, symbol: str) -> None:
    """Show where SYMBOL stands: status, limit state, band, what comes next, what an auction would do."""
    body = console.client.public(f"/status/{quote(symbol, safe='')}")
    console.show(body, facts(body))


@main.command("list")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@asking
def list_symbols(console: OperatorConsole, file: Path) -> None:
    """List the symbols of FILE, or change limits, fees and schedules of those that are listed.

    FILE is TOML with one [[instrument]] for each symbol, as the server's own instruments file.
    """
    document = _document(file)
    instruments = document.get("instrument")
    if not isinstance(instruments, list) or not instruments:
        raise OperatorError(f"{file}: lists no [[instrument]]")
    wanted = [_with_schedule(file, document, instrument) for instrument in instruments]
    listed = [console.client.ask("POST", "/admin/symbols", instrument) for instrument in wanted]
    console.show({"listed": listed}, *(facts(body) for body in listed))


@main.command()
@click.argument("symbol")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--show", is_flag=True, help="Show the schedule, as without FILE.")
@click.option("--remove", is_flag=True, help="Take the schedule away.")
@asking
def schedule(console: OperatorConsole, symbol: str, file: Path | None, show: bool, remove: bool) -> None:
    """Show the schedule of SYMBOL, or give it that of FILE.

    FILE is TOML with the keys of one schedule, or an instruments file that has a schedule for SYMBOL.
    """
    if (file is not None) + show + remove > 1:
        raise click.UsageError("give one of FILE, --show and --remove")
    path = f"/admin/symbols/{quote(symbol, safe='')}/schedule"
    if file is not None:
        body = console.client.ask("PUT", path, _schedule(file, symbol))
    else:
        body = console.client.ask("DELETE" if remove else "GET", path)
    none = {} if body.get("schedule") else {"schedule": "around the clock, no schedule"}
    console.show(body, facts(body | none))


def _document(file: Path) -> dict[str, Any]:
    """A TOML file, with its decimals as they are written: they never are floats."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=str)
    except (OSError, ValueError) as problem:
        raise OperatorError(f"{file}: {problem}") from problem


def _with_schedule(file: Path, document: dict[str, Any], instrument: Any) -> Any:
    """An instrument whose schedule is written out where the file names it."""
    name = instrument.get("schedule") if isinstance(instrument, dict) else None
    if not isinstance(name, str):
        return instrument
    shared = document.get("schedule")
    if not isinstance(shared, dict) or name not in shared:
        raise OperatorError(f"{file}: there is no [schedule.{name}]")
    return instrument | {"schedule": shared[name]}


def _schedule(file: Path, symbol: str) -> Any:
    """The schedule that a file has for a symbol."""
    document = _document(file)
    instruments = document.get("instrument")
    if not isinstance(instruments, list):
        return document
    for instrument in instruments:
        if isinstance(instrument, dict) and instrument.get("symbol") == symbol and "schedule" in instrument:
            return _with_schedule(file, document, instrument)["schedule"]
    raise OperatorError(f"{file}: has no schedule for {symbol}")


# -- accounts


def number_of(console: OperatorConsole, account: str) -> int:
    """The number of an account that is given by its number, or the name of who has it. Raises OperatorError."""
    number = whole_number(account)
    if number is not None and number >= 0:
        return number
    found = console.client.ask("GET", f"/admin/accounts?limit=1&name={quote(account, safe='')}")["accounts"]
    # by name, so that the name itself comes before those that it begins; the sandbox's comes before all
    for row in found:
        if row["name"].lower() == account.lower():
            return int(row["account"])
    raise OperatorError(f"nobody is called {account}; the command accounts lists who there is")


@main.command()
@click.option("--name", default="", help="Only those whose name begins so, in any case.")
@click.option("--limit", type=WholeNumber(1), default=100, help="How many users at most; account 1 comes on top.")
@asking
def accounts(console: OperatorConsole, name: str, limit: int) -> None:
    """Show who has which account, by name."""
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None and len(found) < limit:
        query = urlencode({"name": name, "after": after, "limit": min(PAGE, limit - len(found))})
        page = console.client.ask("GET", f"/admin/accounts?{query}")
        found += page["accounts"]
        after = page["next"]
    names = ("account", "name", "role", "tier", "status", "open orders")
    rows = [(row["account"], row["name"], _role(row), row["tier"], row["status"], row["open_orders"]) for row in found]
    console.show({"accounts": found, "count": len(found), "next": after}, rows_of(names, rows))


def _role(row: dict[str, Any]) -> str:
    """What somebody is to the venue, in words."""
    role = "guest" if row["guest"] else row["role"] or "the venue's own"
    return f"{role}, disabled" if row["disabled"] else str(role)


@main.command()
@click.argument("account")
@asking
def account(console: OperatorConsole, account: str) -> None:
    """Show who has ACCOUNT, its tier, limits, status and balances. An account is a number, or its user's name."""
    body = console.client.ask("GET", f"/admin/accounts/{number_of(console, account)}")
    rows = [[row[name] for name in ("asset", "available", "held", "total")] for row in body["balances"]]
    about = facts((body["user"] or {}) | body["account"])
    console.show(body, about, rows_of(("asset", "available", "held", "total"), rows))


@main.command()
@click.argument("account")
@asking
def stop(console: OperatorConsole, account: str) -> None:
    """The kill switch: cancel every order of ACCOUNT and take no more."""
    body = console.client.ask("POST", f"/admin/accounts/{number_of(console, account)}/stop")
    console.show(body, facts(body))


@main.command()
@click.argument("account")
@asking
def start(console: OperatorConsole, account: str) -> None:
    """Let ACCOUNT trade again."""
    body = console.client.ask("POST", f"/admin/accounts/{number_of(console, account)}/start")
    console.show(body, facts(body))


@main.command()
@click.argument("account")
@click.option("--tier", required=True, help="Name of the tier.")
@click.option("--maker-fee-bps", help="Basis points; below zero a rebate.")
@click.option("--taker-fee-bps", help="Basis points.")
@click.option("--max-open-orders", type=WholeNumber(0), help="Over all symbols.")
@click.option("--max-orders-per-second", type=WholeNumber(0), help="Entered, over all symbols.")
@click.option("--max-notional", help="Of one order, in its quote asset.")
@click.option(
    "--self-trade-prevention",
    type=click.Choice(["none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement"]),
    help="Of orders that do not say; without it none for account 1, else cancel_newest.",
)
@asking
def configure(console: OperatorConsole, account: str, **wanted: Any) -> None:
    """Set tier, fees and limits of ACCOUNT, all of them: what is left out is as each symbol says."""
    given = {name: value for name, value in wanted.items() if value is not None}
    body = console.client.ask("PUT", f"/admin/accounts/{number_of(console, account)}", given)
    console.show(body, facts(body))


@main.command()
@click.argument("account")
@click.argument("asset")
@click.argument("amount")
@asking
def credit(console: OperatorConsole, account: str, asset: str, amount: str) -> None:
    """Credit ACCOUNT with AMOUNT of ASSET, without the on-ramp's limit."""
    path = f"/admin/accounts/{number_of(console, account)}/deposit"
    body = console.client.ask("POST", path, {"asset": asset, "amount": amount})
    balances = {row["asset"]: row["total"] for row in body["balances"]}
    console.show(body, facts({"account": body["account"], "total": balances, "seq": body["seq"]}))


@main.command()
@click.argument("account")
@click.argument("balances", nargs=-1, metavar="ASSET=AMOUNT...")
@asking
def reset(console: OperatorConsole, account: str, balances: tuple[str, ...]) -> None:
    """Cancel what ACCOUNT has open, give it these balances and no others, and count its profit from now on."""
    wanted: dict[str, str] = {}
    for text in balances:
        asset, equals, amount = text.partition("=")
        if not (asset and equals and amount) or asset in wanted:
            raise click.UsageError(f"{text}: write each asset once, as ASSET=AMOUNT")
        wanted[asset] = amount
    path = f"/admin/accounts/{number_of(console, account)}/reset"
    body = console.client.ask("POST", path, {"balances": wanted})
    have = {row["asset"]: row["total"] for row in body["balances"]}
    console.show(body, facts({"account": body["account"], "cancelled": body["cancelled"], "total": have}))


@main.command()
@click.argument("order_id")
@asking
def cancel(console: OperatorConsole, order_id: str) -> None:
    """Cancel anybody's open order."""
    body = console.client.ask("DELETE", f"/admin/orders/{quote(order_id, safe='')}")
    console.show(body, facts(body))


@main.command()
@click.argument("account", required=False)
@click.option("--symbol", help="Of every account in this symbol.")
@click.option("--venue", "confirmed", metavar="all", help="Of every account in every symbol; say all to confirm.")
@asking
def cancel_all(console: OperatorConsole, account: str | None, symbol: str | None, confirmed: str | None) -> None:
    """Cancel every open order of ACCOUNT, of a symbol or of the venue. Trading goes on."""
    if sum(given is not None for given in (account, symbol, confirmed)) != 1:
        raise click.UsageError("give one of ACCOUNT, --symbol and --venue")
    if account is not None:
        path = f"/admin/accounts/{number_of(console, account)}/orders"
    elif symbol is not None:
        path = f"/admin/symbols/{quote(symbol, safe='')}/orders"
    else:
        path = f"/admin/orders?confirm={quote(confirmed or '', safe='')}"
    body = console.client.ask("DELETE", path)
    console.show(body, facts({name: body[name] for name in ("count", "accounts", "seq") if name in body}))


# -- users, by name, and classes of them

for _command in (*USER_COMMANDS, *CLASS_COMMANDS):
    main.add_command(_command)


# -- oversight


@main.command()
@asking
def check(console: OperatorConsole) -> None:
    """Add up every balance, hold and book. Orders wait meanwhile."""
    body = console.client.ask("GET", "/admin/check")
    console.show(body, facts(body))


@main.command()
@click.option("--limit", type=WholeNumber(1, 1000), default=50, help="How many entries.")
@asking
def audit(console: OperatorConsole, limit: int) -> None:
    """Show what operators did, newest first."""
    body = console.client.ask("GET", f"/admin/audit?limit={limit}")
    names = ("time", "who", "did", "to", "details", "seq")
    rows = [
        (utc(entry["ts_ns"]), entry["actor_name"], entry["action"], entry["subject"], entry["details"], entry["seq"])
        for entry in body["entries"]
    ]
    console.show(body, rows_of(names, rows))


@main.command()
@asking
def health(console: OperatorConsole) -> None:
    """Whether the venue is up and takes orders; status 1 when it does not."""
    body = console.client.public("/health")
    console.show(body, facts(body))
    if not body["accepting"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main(prog_name="python -m tools.operator")
