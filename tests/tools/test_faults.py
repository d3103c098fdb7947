"""Scenario files: those that come with the venue are good, one runs to its end, mistakes are named with their line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.server import Http, RunningServer
from tools.faults import main
from tools.scenarios import READY, Scenario, ready_scenarios

Command = Callable[..., Result]
SHORT = """
seed = 9
[[step]]
for = 0.4
kind = "error"
[[step]]
at = 0.2
for = 0.2
latency_ms = 1
"""


@pytest.fixture
def command(running_server: RunningServer, tmp_path: Path) -> Command:
    """The command line, without credentials."""

    def run(*arguments: str) -> Result:
        known = ["--url", running_server.url, "--session", str(tmp_path / "none.json")]
        return CliRunner().invoke(main, [*known, *arguments])

    return run


def test_the_scenarios_that_come_with_the_venue_are_good_and_say_what_they_are(command: Command) -> None:
    scenarios = ready_scenarios()
    assert len(scenarios) >= 4
    checked = command("check", *[str(scenario.path) for scenario in scenarios])
    assert checked.exit_code == 0, checked.output
    listed = command("list").output.splitlines()
    assert [line.partition(":")[0] for line in listed] == [scenario.path.stem for scenario in scenarios]
    assert all(len(line) > 60 for line in listed)
    assert all(scenario.length_s for scenario in scenarios)
    assert Scenario(Path("stale-feed")).path == READY / "stale-feed.toml"


def test_a_scenario_runs_by_the_servers_clock_to_its_end(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "short.toml"
    file.write_text(SHORT, encoding="utf-8")
    assert Scenario(_texts(tmp_path)).length_s == 3
    ran = command("run", str(file))
    assert (ran.exit_code, ran.stdout) == (0, "nothing was touched\n"), ran.output
    assert command("run", str(file), "--leave").exit_code == 0
    assert command("end").stdout == "ended\n"
    assert command("end").stdout == "there were none\n"


def _texts(folder: Path) -> Path:
    """A file whose numbers are texts, as the venue takes them, too."""
    file = folder / "texts.toml"
    file.write_text('[[step]]\nat = "1.5"\nfor = "2"\nkind = "error"\n', encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (SHORT.replace("for = 0.4", "for = -1"), "line 4: step[0].for must be"),
        (SHORT.replace('"error"', '"eror"'), "line 5: step[0].kind must be"),
        (SHORT + 'reason = "x"', "line 10: step[1].reason must be"),
        (SHORT.replace("latency_ms = 1\n", ""), "line 6: step[1].latency_ms is missing"),
        (SHORT.replace("seed = 9", "seed = -9"), "line 2: seed must be"),
        (SHORT.replace("for = 0.4", "for = "), "line 4"),
        (SHORT.replace("for = 0.4", "for = nan"), "line 4: step[0].for must be"),
        (SHORT.replace("for = 0.4", "for = -inf"), "line 4: step[0].for must be"),
        (SHORT.replace("for = 0.4", "for = 1e400"), "line 4: step[0].for must be"),
        (SHORT.replace("seed = 9", "seed = 1" + "0" * 400), "seed"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_line(command: Command, tmp_path: Path, text: str, place: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text, encoding="utf-8")
    checked = command("check", str(file))
    assert checked.exit_code == 1
    assert str(file) in checked.output
    assert place in checked.output


def test_only_one_target_is_given_and_only_operators_choose_one(command: Command) -> None:
    assert command("run", "stale-feed", "--venue", "--account", "5").exit_code == 2
    refused = command("run", "stale-feed", "--venue")
    assert refused.exit_code == 1
    assert "OPERATOR_NEEDED" in refused.output
    unknown = command("run", "no-such")
    assert unknown.exit_code == 1
    assert "no-such" in unknown.output
    assert "stale-feed" in unknown.output  # what there is


def test_in_a_sandbox_who_shows_no_credentials_has_faults_for_the_sandbox_account(http: Http) -> None:
    before: Callable[[], int] = lambda: http.call("GET", "/account/balances").status  # noqa: E731
    assert before() == 200
    http.call("PUT", "/account/faults", {"step": [{"kind": "error", "routes": ["GET /account/balances"]}]}).granted()
    try:
        assert before() == 503
    finally:
        http.call("DELETE", "/account/faults").granted()
    assert before() == 200
