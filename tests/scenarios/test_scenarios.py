"""Each scenario file is a subject of the matching rules; each scenario in it holds."""

import pytest

from engine.rejects import CancelReason, RejectReason
from tests.scenarios.script import HERE, Scenario, Stage, read_scenarios

SCENARIOS = read_scenarios()
RULES = (HERE.parents[1] / "Documentation" / "matching-rules.md").read_text()
API = (HERE.parents[1] / "Documentation" / "api.md").read_text()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario) -> None:
    stage = Stage()
    for line in scenario.parts["given"]:
        assert not any(line_of_event.startswith("rejected") for line_of_event in stage.play(line)), line
    happened = [line_of_event for line in scenario.parts["when"] for line_of_event in stage.play(line)]
    assert happened == scenario.parts["then"]
    assert stage.book() == scenario.parts["book"]
    assert stage.waiting() == scenario.parts["waiting"]
    if scenario.parts["funds"]:
        assert stage.funds() == scenario.parts["funds"]
    stage.exchange.check_invariants()


def test_no_two_scenarios_have_one_name() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("reason", RejectReason)
def test_each_reject_reason_has_a_scenario(reason: RejectReason) -> None:
    line_of_event = [line.split(",")[0] for scenario in SCENARIOS for line in scenario.parts["then"]]
    assert f"rejected: {reason}" in line_of_event


@pytest.mark.parametrize("reason", CancelReason)
def test_each_cancel_reason_has_a_scenario(reason: CancelReason) -> None:
    lines = [line for scenario in SCENARIOS for line in scenario.parts["then"]]
    assert any(f" cancelled: {reason}, " in line for line in lines)


@pytest.mark.parametrize("reason", [*RejectReason, *CancelReason])
def test_each_reason_has_a_row_in_the_documentation(reason: RejectReason | CancelReason) -> None:
    assert f"\n| `{reason}` |" in (RULES if isinstance(reason, RejectReason) else API)


def test_the_documentation_lists_the_reject_reasons_in_their_order_of_precedence() -> None:
    places = [RULES.index(f"\n| `{reason}` |") for reason in RejectReason]
    assert places == sorted(places)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_each_scenario_is_listed_in_the_documentation_below_a_link_to_its_file(scenario: Scenario) -> None:
    after_link = RULES.partition(f"](../tests/scenarios/{scenario.file})")[2]
    section = after_link.partition("\n## ")[0]
    assert f"\n- {scenario.name}\n" in section + "\n"
