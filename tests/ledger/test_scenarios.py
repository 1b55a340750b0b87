"""Scenarios of `tests/ledger/scenarios/`: what the notices say about people and days, written by hand as YAML.

Each runs through the policy engine and the account's own events, without a database; `README.md` there tells the form.
A moment without an offset is one in Shanghai, a day alone is its noon.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.ledger.policy import Notice, bundled_notices, read_notice
from services.ledger.scenarios.beginnings import Shelf
from services.ledger.scenarios.scenario_file import Scenario, ScenarioFault, Teacher, read_scenarios
from services.ledger.scenarios.story import Story

FOLDER = Path(__file__).parent / "scenarios"
EXAMPLES = Path(__file__).parent / "notices"


def example(name: str) -> Notice:
    """A notice of our own invention, by the name of its file."""
    return read_notice(EXAMPLES / f"{name}.yaml")


SHELF = Shelf(bundled_notices(), example)


def load() -> Iterator[Any]:
    """Every scenario of every file, as a parameter named for both."""
    for path in sorted(FOLDER.glob("*.yaml")):
        read = read_scenarios(path.read_text(encoding="utf-8"), path.name)
        for scenario in read.scenarios:
            yield pytest.param(path.name, scenario, read.providers, id=f"{path.stem}: {scenario.name}")


SCENARIOS = list(load())


class TestScenarios:
    @pytest.mark.parametrize(("source", "scenario", "providers"), SCENARIOS)
    def test_comes_out_as_it_says(self, source: str, scenario: Scenario, providers: dict[str, Teacher]):
        differs = [str(each) for each in Story(scenario, providers, SHELF).run()]
        assert not differs, "\n".join([f"{source}: {scenario.name}", *differs])

    def test_there_are_enough_and_no_two_have_one_name(self):
        names = [param.id for param in SCENARIOS]
        assert len(names) >= 120
        assert len(names) == len(set(names))


GOOD = """
about: 试
given: {place: "211302", year: 2024, person: {qualified_on: 2019-05-01}}
providers: {society: {name: 朝阳市会计学会}}
scenarios:
  - name: a story
    clauses: [S0-06]
    when:
      - study: {provider: society, credits: 90, completed: 2024-06-01, exam: 2024-06-01}
        outcome: registered
        clause: S0-11
    then:
      - {on: 2024-06-01, status: compliant, total: 90}
"""


class TestFaults:
    @pytest.mark.parametrize(
        ("written", "instead", "message"),
        [
            ("status: compliant", "statuss: compliant", "tale.yaml:13: a story: "),
            ("credits: 90", "credits: ninety", "tale.yaml:9: a story: "),
            ('place: "211302"', "place: 211302", "tale.yaml:3: a story: "),
            ("on: 2024-06-01", "on: 2023-02-29", "tale.yaml:13: a story: "),
            ("        outcome: registered\n", "", "tale.yaml:9: a story: "),
            ("about: 试", "about: 试\nabout: 又", "tale.yaml:3: "),
        ],
    )
    def test_say_file_line_and_scenario(self, written: str, instead: str, message: str):
        with pytest.raises(ScenarioFault) as raised:
            read_scenarios(GOOD.replace(written, instead), "tale.yaml")
        assert str(raised.value).startswith(message)

    def test_a_scenario_that_expects_nothing_is_one(self):
        with pytest.raises(ScenarioFault, match="expects nothing"):
            read_scenarios(GOOD.partition("    when:")[0], "tale.yaml")

    @pytest.mark.parametrize(
        ("written", "instead", "differs"),
        [
            ("total: 90", "total: 89.99", "2024 on 2024-06-01: total: expected 89.99, found 90.00"),
            (
                "status: compliant",
                "status: deficient",
                "2024 on 2024-06-01: status: expected deficient, found compliant",
            ),
            ("clause: S0-11", "clause: S0-10", "step 1: clause: expected S0-10, found S0-11"),
            ("clause: S0-11", "late: true", "step 1: late: expected True, found False"),
            ("outcome: registered", "outcome: held", "step 1: outcome: expected held, found registered"),
        ],
    )
    def test_an_answer_that_differs_is_told_with_both(self, written: str, instead: str, differs: str):
        read = read_scenarios(GOOD.replace(written, instead), "tale.yaml")
        found = Story(read.scenarios[0], read.providers, SHELF).run()
        assert [str(each) for each in found] == [differs]
