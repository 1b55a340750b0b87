"""Lists of people: each is named masked to those who may see them, and to nobody else."""

import uuid

from tests.registry.scenarios import CHAOYANG, DALIAN, Registry, somebody, uscc

MASKED = "/v1/masked-names"


class TestMaskedNames:
    async def test_are_of_those_collected_and_of_those_who_wait(self, registry: Registry) -> None:
        one, other = somebody(), somebody()
        collected = (await registry.collected(one))["person_id"]
        waiting = (await registry.submitted(other))["person_id"]
        body = {"person_ids": [collected, waiting, str(uuid.uuid4())]}
        answer = (await registry.call("POST", MASKED, body=body, place=CHAOYANG)).json()

        named = {each["person_id"]: each for each in answer["items"]}
        assert named.keys() == {collected, waiting}
        assert answer["total"] == 2
        assert named[waiting]["id_number"][-4:] == other.body["id_number"][-4:]
        for human in (one, other):
            assert human.body["id_number"] not in str(answer)
            assert human.body["name"] not in str(answer)

    async def test_are_of_nobody_for_who_has_nothing_to_do_with_them(self, registry: Registry) -> None:
        collected = (await registry.collected(somebody()))["person_id"]
        body = {"person_ids": [collected]}
        strangers = ({"place": DALIAN}, {"place": None, "organization": str(uuid.uuid4())}, {"place": None})
        for who in strangers:
            answer = await registry.call("POST", MASKED, "employee:read", body=body, **who)
            assert answer.json()["items"] == [], who

    async def test_are_shown_to_the_employer_and_put_on_record(self, registry: Registry) -> None:
        code = uscc()
        made = await registry.call(
            "POST",
            "/v1/organizations",
            body={"name": "示例", "uscc": code, "kind": "employer", "place": CHAOYANG},
        )
        own = {"place": None, "organization": made.json()["organization_id"]}
        collected = (await registry.collected(somebody(), employer=code))["person_id"]
        answer = await registry.call("POST", MASKED, "employee:read", body={"person_ids": [collected]}, **own)
        assert [each["person_id"] for each in answer.json()["items"]] == [collected]
        kept = await registry.call("GET", "/v1/audit", "audit:read", place=CHAOYANG)

        assert [collected] in [each["subjects"] for each in kept.json()["items"] if each["kind"] == "person"]
