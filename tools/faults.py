"""Faults on demand from the command line: `python -m tools.faults --help`. The venue runs them by its own clock.

Layer: tools.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import click

from listings.numbers import WholeNumber
from openbell_client import Refused
from openbell_client.calls.call import Method
from openbell_client.stored import key_of_environment
from tools.operator import default_session_file
from tools.operator_client import OperatorClient, OperatorError
from tools.progress import progress
from tools.scenarios import Scenario, ScenarioError, ready_scenarios

POLL_S: Final = 0.5
OWN: Final = "/account/faults"
VENUE: Final = "/admin/faults"


class FaultsClient:
    """A venue, asked with the credentials that there are: an API key, the operator's session, else none."""

    def __init__(self, url: str, session_file: Path | None) -> None:
        """Raises OperatorError."""
        file, key = session_file or default_session_file(), key_of_environment()
        self._client = OperatorClient(url, file, key)
        self._is_known = key is not None or self._client.is_signed_in

    def ask(self, method: Method, path: str, body: Any = None) -> Any:
        """The answer. Raises OperatorError."""
        if self._is_known:
            return self._client.ask(method, path, body)
        return self._client.public(path, method, body)


def target_of(account: int | None, *, venue: bool) -> str:
    """The route for whom faults are. Raises click.UsageError."""
    if venue and account is not None:
        raise click.UsageError("--account and --venue exclude each other")
    return VENUE if venue else OWN if account is None else f"{VENUE}/{account}"


def put(client: FaultsClient, path: str, scenario: Scenario, *, check: bool = False) -> Any:
    """Set a scenario's plan, or have it checked. Raises click.ClickException, which names the line of a mistake."""
    try:
        return client.ask("PUT", path + ("?check=true" if check else ""), scenario.plan)
    except Refused as refusal:
        field = refusal.body.get("details", {}).get("field", "")
        raise click.ClickException(f"{scenario.place_of(field)}: {refusal}") from refusal


def set_plan(client: FaultsClient, path: str) -> Any:
    """The plan that is set; None where it is over."""
    if path == OWN:
        return client.ask("GET", OWN)["own"]
    if path == VENUE:
        return client.ask("GET", VENUE)["venue"]
    try:
        return client.ask("GET", path)
    except Refused:
        return None


def follow(client: FaultsClient, path: str, scenario: Scenario) -> dict[str, int]:
    """Show how far the venue is with a plan until it is over; return how often each kind was injected."""
    injected: dict[str, int] = {}
    done = 0
    with progress(str(scenario.plan.get("name", scenario.path.stem)), scenario.length_s) as advance:
        while (plan := set_plan(client, path)) is not None:
            injected = plan["injected"]
            advance(int(plan["elapsed"]) - done)
            done = int(plan["elapsed"])
            time.sleep(min(POLL_S, plan["ends_in"] + 0.01))
    return injected


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--url", default="http://127.0.0.1:5000", envvar="OPENBELL_URL", help="The server.")
@click.option(
    "--session",
    "session_file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    envvar="OPENBELL_SESSION",
    help="File of a session that the operator's command line keeps. Without it: its own.",
)
@click.pass_context
def main(context: click.Context, url: str, session_file: Path | None) -> None:
    """Have a venue misbehave on command.

    Without credentials it is for the account of a sandbox. Others need an API key in OPENBELL_KEY and OPENBELL_SECRET,
    or a session of an operator.
    """
    try:
        context.obj = FaultsClient(url, session_file)
    except OperatorError as error:
        raise click.UsageError(str(error)) from error


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--account", type=WholeNumber(0), default=None, help="For this account; without it for one's own.")
@click.option("--venue", is_flag=True, help="For everybody.")
@click.option("--leave", is_flag=True, help="Start it, and let the venue go on with it alone.")
@click.pass_obj
def run(client: FaultsClient, file: Path, account: int | None, venue: bool, leave: bool) -> None:
    """Run the scenario FILE, or one of those that come with the venue, by name. Ctrl+C ends it."""
    path = target_of(account, venue=venue)
    try:
        scenario = Scenario(file)
        put(client, path, scenario)
        if leave:
            return
        try:
            injected = follow(client, path, scenario)
        except KeyboardInterrupt:
            client.ask("DELETE", path)
            raise click.Abort from None
    except (OperatorError, ScenarioError) as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(", ".join(f"{kind} {count}" for kind, count in injected.items()) or "nothing was touched")


@main.command()
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.pass_obj
def check(client: FaultsClient, files: tuple[Path, ...]) -> None:
    """Have the venue read scenario FILES, without setting anything."""
    try:
        for file in files:
            scenario = Scenario(file)
            plan = put(client, OWN, scenario, check=True)
            click.echo(f"{scenario.path}: {len(plan['steps'])} steps, {plan['ends_in']:.0f} s")
    except (OperatorError, ScenarioError) as problem:
        raise click.ClickException(str(problem)) from problem


@main.command(name="list")
def list_ready() -> None:
    """The scenarios that come with the venue."""
    try:
        for scenario in ready_scenarios():
            click.echo(f"{scenario.path.stem}: {scenario.description}")
    except ScenarioError as problem:
        raise click.ClickException(str(problem)) from problem


@main.command()
@click.option("--account", type=WholeNumber(0), default=None, help="Of this account; without it one's own.")
@click.option("--venue", is_flag=True, help="Those of the venue.")
@click.pass_obj
def end(client: FaultsClient, account: int | None, venue: bool) -> None:
    """End faults that were set."""
    try:
        ended = client.ask("DELETE", target_of(account, venue=venue))["ended"]
    except OperatorError as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo("ended" if ended else "there were none")


if __name__ == "__main__":
    main()
