"""Identities are told to a service that delivers, for a named recipient, with a record of each."""

from typing import Any

from tests.registry.personal_data.test_audit import NOBODY, admin, on_record
from tests.registry.scenarios import DALIAN, LIAONING, Registry, somebody

__all__ = ["admin"]


async def ask(registry: Registry, *people: str, place: str = LIAONING, subject: str = "deliverer") -> Any:
    body = {"purpose": "delivery", "recipient": "national-platform", "person_ids": list(people)}
    return await registry.call(
        "POST", "/v1/disclosures", "person:deliver", body=body, place=place, subject=subject
    )


class TestDisclosures:
    async def test_tell_name_and_number_and_nothing_else(self, registry: Registry) -> None:
        """S0-23."""
        human = somebody()
        person_id = (await registry.collected(human))["person_id"]
        response = await ask(registry, person_id, NOBODY)
        assert response.headers["Cache-Control"] == "no-store"
        known, unknown = response.json()["people"]
        assert known == {
            "person_id": person_id,
            "id_type": "resident_id",
            "id_number": human.id_number,
            "name": human.name,
            "problem": None,
        }
        assert (unknown["problem"], unknown["name"]) == ("not-found", None)

    async def test_are_on_record_one_by_one_with_the_recipient(self, registry: Registry, admin: Any) -> None:
        """S4-09: refusals are on record too."""
        person_id = (await registry.collected(somebody()))["person_id"]
        await ask(registry, person_id, subject="deliverer-1")
        await ask(registry, person_id, place=DALIAN, subject="deliverer-2")
        what = "identity-for-national-platform"
        shown = (what, person_id, person_id, "delivery", "shown")
        assert await on_record(admin, "deliverer-1") == [shown]
        assert await on_record(admin, "deliverer-2") == [(*shown[:-1], "not-found")]

    async def test_are_refused_to_who_is_bound_to_no_place(self, registry: Registry) -> None:
        person_id = (await registry.collected(somebody()))["person_id"]
        body = {"purpose": "delivery", "recipient": "platform", "person_ids": [person_id]}
        response = await registry.call("POST", "/v1/disclosures", "person:deliver", body=body, place=None)
        assert response.status_code == 403

    async def test_take_ids_alone_so_that_no_number_gets_into_the_record(self, registry: Registry) -> None:
        response = await ask(registry, somebody().id_number)
        assert response.status_code == 422
