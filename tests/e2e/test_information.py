"""A person's record changes in the registry, and the ledger follows: nothing waits longer than it must."""

from dataclasses import replace
from typing import Any

from services.cli.demo.fictitious import FictitiousPerson
from tests.e2e.system import LIAONING, SHUANGTA, System


async def changes(system: System, person_id: str, items: dict[str, Any]) -> str:
    """A change is asked for by one official and approved by another; its id."""
    case = await system.does(
        "registry", "POST", f"/v1/persons/{person_id}/changes", {"items": items}, by=system.official(SHUANGTA)
    )
    path, reviewer = f"/v1/changes/{case['change_id']}/review", system.official(LIAONING, subject="reviewer")
    await system.does("registry", "POST", path, {"decision": "approve"}, by=reviewer)
    change_id: str = case["change_id"]
    return change_id


def document(person: FictitiousPerson) -> dict[str, str]:
    return {"id_type": "resident_id", "id_number": person.id_number}


class TestChange:
    async def test_a_changed_name_registers_what_waited_under_it(self, system: System) -> None:
        """S2C-09, S0-23."""
        person, provider = system.stranger(), await system.provides()
        person_id = await system.collects(person)
        await system.follow()
        renamed = replace(person, name="周新名")
        [held] = await provider.posts(provider.completion(renamed, "30.00"))
        await changes(system, person_id, {"name": renamed.name})
        await system.follow()
        assert (held["outcome"], held["reason"]) == ("held", "name_differs")
        assert (await system.asks(person_id, 2025))["total"] == "30.00"

    async def test_a_changed_number_keeps_the_credits(self, system: System) -> None:
        """S2C-09."""
        person, provider = system.stranger(), await system.provides()
        person_id = await system.collects(person)
        await system.follow()
        await provider.posts(provider.completion(person, "30.00"))
        after = replace(person, id_number=system.stranger().id_number)
        await changes(system, person_id, {"id_document": document(after)})
        await system.follow()
        [later] = await provider.posts(provider.completion(after, "20.00"))
        assert later["person_id"] == person_id
        assert (await system.asks(person_id, 2025))["total"] == "50.00"

    async def test_a_wrong_merge_undone_gives_each_their_own_account(self, system: System) -> None:
        first, second, provider = system.stranger(), system.stranger(), await system.provides()
        person_id = await system.collects(first)
        change_id = await changes(
            system, person_id, {"id_document": document(second), "name": second.name + "某"}
        )
        await system.follow()
        undone = await system.does(
            "registry",
            "POST",
            f"/v1/changes/{change_id}/reversal",
            {"reason": "two_persons_as_one", "separate": True},
            by=system.official(LIAONING, subject="chief"),
        )
        await system.follow()
        [one] = await provider.posts(provider.completion(first, "30.00"))
        [other] = await provider.posts(provider.completion(replace(second, name=second.name + "某"), "20.00"))
        assert one["person_id"] == person_id
        assert other["person_id"] == undone["separated_person_id"]

    async def test_a_first_ground_of_duty_obliges_from_its_day_on(self, system: System) -> None:
        """S0-03, S0-05."""
        person = system.stranger()
        person_id = await system.collects(person, qualifications=[])
        await system.follow()
        before = (await system.asks(person_id, 2025))["status"]
        await changes(system, person_id, {"working_since": "2019-07-01"})
        await system.follow()
        assert before == "not_required"
        assert (await system.asks(person_id, 2025))["status"] != "not_required"
