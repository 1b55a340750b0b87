"""信息变更: item by item, reviewed in ten working days by another, returned or approved, and undone when it was wrong."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.kit.database import Database
from services.kit.event_store import EventStore
from services.registry.settings import RegistrySettings
from services.registry.store.publishing import publish
from services.registry.store.tables import LOG
from tests.registry.scenarios import DALIAN, Registry, collection_of, somebody, uscc

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def database(settings: RegistrySettings) -> AsyncIterator[Database]:
    database = await Database.connect(
        settings.registry_database_url, schema="registry", application_name="test"
    )
    yield database
    await database.close()


async def published(database: Database, person_id: str) -> list[Any]:
    """What others are told of a person, in order."""
    async with database.acquire() as conn:
        stream = (await EventStore().load(conn, LOG, [person_id]))[person_id]
    return [event for event in map(publish, stream) if event is not None]


async def result_of(registry: Registry, person: dict[str, str]) -> str:
    """What an identity check answers."""
    response = await registry.call("POST", "/v1/identity-checks", body={"persons": [person]})
    result: str = response.json()["results"][0]["result"]
    return result


class TestSubmitChange:
    async def test_anonymous_and_missing_scope(self, registry: Registry) -> None:
        path, body = f"/v1/persons/{NOBODY}/changes", {"items": {"name": "赵新名"}}
        assert (await registry.call("POST", path, body=body, anonymous=True)).status_code == 401
        assert (await registry.call("POST", path, "collection:review", body=body)).status_code == 403

    async def test_of_a_person_the_caller_does_not_speak_for(self, registry: Registry) -> None:
        person_id = (await registry.collected(somebody()))["person_id"]
        path, body = f"/v1/persons/{person_id}/changes", {"items": {"name": "赵新名"}}
        organization = await registry.organization(kind="employer", code=uscc())
        for who in ({"place": DALIAN}, {"organization": organization, "place": None}):
            assert (await registry.call("POST", path, body=body, **who)).status_code == 403
        mine: dict[str, Any] = {"place": None, "subject": "person-7"}
        for document in (None, somebody().claim):
            me = mine | {"document": document}
            answer = await registry.call("POST", path, "collection:own", body=body, **me)
            assert answer.json()["type"] == "urn:xuefen:problem:not-spoken-for"
        nobody = f"/v1/persons/{NOBODY}/changes"
        assert (
            await registry.call("POST", nobody, "collection:own", body=body, **mine)
        ).json() == answer.json()

    async def test_of_a_person_who_signed_in(self, registry: Registry) -> None:
        """By their document, or as the person that the registry knows."""
        human = somebody()
        person_id = (await registry.collected(human))["person_id"]
        path, body = f"/v1/persons/{person_id}/changes", {"items": {"retired_on": "2026-01-31"}}
        for me in ({"subject": "me-9", "document": human.claim}, {"subject": person_id}):
            answer = await registry.call("POST", path, "collection:own", body=body, place=None, **me)
            assert answer.status_code == (201 if "document" in me else 409)

    async def test_before_the_collection_is_done(self, registry: Registry) -> None:
        person_id = (await registry.initially_passed(somebody()))["person_id"]
        response = await registry.asks_change(person_id, {"name": "赵新名"})
        assert response.status_code == 409
        assert response.json()["type"] == "urn:xuefen:problem:not-collected"

    @pytest.mark.parametrize(
        ("items", "pointer"),
        [
            ({}, "/items"),
            ({"place": "210100"}, "/items/place"),
            ({"name": None}, "/items"),
            ({"name": "赵\n甲"}, "/items/name"),
            ({"id_document": {"id_type": "passport"}}, "/items/id_document/id_number"),
            ({"employer": "9121"}, "/items/employer"),
            ({"retired_on": "9999-01-01"}, "/items/retired_on"),
            ({"jobs": ["driver"]}, "/items/jobs/0"),
            ({"student": {"student": True}}, "/items/student/since"),
        ],
    )
    async def test_a_bad_item(self, registry: Registry, items: dict[str, Any], pointer: str) -> None:
        response = await registry.asks_change(NOBODY, items)
        assert response.status_code == 422
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]

    async def test_what_is_on_record_already(self, registry: Registry) -> None:
        human = somebody()
        person_id = (await registry.collected(human))["person_id"]
        response = await registry.asks_change(person_id, {"name": human.name, "employer": None})
        assert response.status_code == 422
        assert response.json()["type"] == "urn:xuefen:problem:nothing-changes"

    async def test_the_number_of_somebody_else(self, registry: Registry) -> None:
        other = somebody()
        outcome = await registry.collected(other)
        human = somebody()
        person_id = (await registry.collected(human))["person_id"]
        path, body = f"/v1/persons/{person_id}/changes", {"items": {"id_document": other.document}}
        me: dict[str, Any] = {"place": None, "document": human.claim}
        response = await registry.call("POST", path, "collection:own", body=body, **me)
        assert response.status_code == 409
        assert response.json()["type"] == "urn:xuefen:problem:document-taken"
        assert outcome["person_id"] not in response.text

    async def test_one_at_a_time_however_many_ask_at_once(self, registry: Registry) -> None:
        person_id = (await registry.collected(somebody()))["person_id"]
        answers = await asyncio.gather(
            *(registry.asks_change(person_id, {"name": f"赵新{name}"}) for name in "甲乙丙丁")
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
        refused = next(answer.json() for answer in answers if answer.status_code == 409)
        assert (refused["type"], refused["state"]) == ("urn:xuefen:problem:change-pending", "submitted")

    async def test_evidence_that_is_not_the_callers(self, registry: Registry) -> None:
        person_id = (await registry.collected(somebody()))["person_id"]
        body = {"items": {"name": "赵新名"}, "evidence": [NOBODY]}
        response = await registry.call("POST", f"/v1/persons/{person_id}/changes", body=body)
        assert response.json()["type"] == "urn:xuefen:problem:unknown-evidence"

    async def test_the_employer_asks_for_its_own_people(self, registry: Registry) -> None:
        code = uscc()
        organization = await registry.organization(kind="employer", code=code)
        person_id = (await registry.collected(somebody(), employer=code))["person_id"]
        who: dict[str, Any] = {"place": None, "organization": organization, "subject": "employer-1"}
        response = await registry.asks_change(person_id, {"left_on": "2026-01-31"}, **who)
        assert response.status_code == 201

    async def test_only_what_differs_is_in_the_case(self, registry: Registry) -> None:
        human = somebody()
        person_id = (await registry.collected(human))["person_id"]
        change = (await registry.asks_change(person_id, {"name": human.name, "jobs": ["cashier"]})).json()
        seen = (await registry.call("GET", f"/v1/changes/{change['change_id']}")).json()
        assert seen["items"] == [{"item": "jobs", "old": [], "new": ["cashier"]}]


class TestReviewChange:
    """S2C-04, S2C-09."""

    async def test_by_another_official_of_the_place(self, registry: Registry) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        own = await registry.reviews_change(change_id, subject="official-1")
        assert (own.status_code, own.json()["type"]) == (403, "urn:xuefen:problem:own-submission")
        away = await registry.reviews_change(change_id, place=DALIAN)
        assert (away.status_code, away.json()["type"]) == (403, "urn:xuefen:problem:outside-place")

    @pytest.mark.parametrize("body", [{}, {"decision": "return"}, {"decision": "approve", "reason": "other"}])
    async def test_a_bad_decision(self, registry: Registry, body: dict[str, Any]) -> None:
        path = f"/v1/changes/{NOBODY}/review"
        assert (await registry.call("POST", path, body=body)).status_code == 422

    async def test_many_officials_at_once_decide_once(self, registry: Registry) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        answers = await asyncio.gather(
            *(registry.reviews_change(change_id, subject=f"official-{number}") for number in range(3, 6)),
            *(registry.reviews_change(change_id, subject=f"official-{n}", reason="other") for n in (6, 7)),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]

    async def test_is_due_in_ten_working_days(self, registry: Registry) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        due = (await registry.call("GET", f"/v1/changes/{change_id}")).json()["due"]
        assert (due["working_days"], due["clause"], due["late"]) == (10, "S2C-04", False)

    async def test_is_returned_corrected_and_approved(self, registry: Registry) -> None:
        human = somebody()
        change_id = await registry.change_of(human, {"name": "赵错名"})
        back = await registry.reviews_change(change_id, reason="documents_missing", note="缺少户口本变更页")
        assert back.json()["state"] == "returned"
        seen = (await registry.call("GET", f"/v1/changes/{change_id}")).json()
        assert (seen["reason"], seen["note"]) == ("documents_missing", "缺少户口本变更页")
        again = await registry.call(
            "POST", f"/v1/changes/{change_id}/resubmission", body={"items": {"name": "赵新名"}}
        )
        assert again.json()["state"] == "submitted"
        assert (await registry.reviews_change(change_id)).json()["state"] == "approved"
        assert await result_of(registry, human.body | {"name": "赵新名"}) == "match"
        assert await result_of(registry, human.body) == "mismatch"

    async def test_one_that_is_not_returned_is_not_submitted_again(self, registry: Registry) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        path = f"/v1/changes/{change_id}/resubmission"
        response = await registry.call("POST", path, body={"items": {"name": "赵另名"}})
        assert (response.status_code, response.json()["state"]) == (409, "submitted")

    async def test_is_given_up(self, registry: Registry) -> None:
        human = somebody()
        change_id = await registry.change_of(human, {"name": "赵新名"})
        gone = await registry.call("POST", f"/v1/changes/{change_id}/withdrawal")
        assert gone.json()["state"] == "withdrawn"
        assert (await registry.reviews_change(change_id)).json()["state"] == "withdrawn"
        assert (await registry.asks_change(gone.json()["person_id"], {"name": "赵新名"})).status_code == 201

    async def test_a_changed_name_is_published_without_naming_it(
        self, registry: Registry, database: Database
    ) -> None:
        human = somebody()
        change_id = await registry.change_of(human, {"name": "赵新名"})
        person_id = (await registry.reviews_change(change_id)).json()["person_id"]
        collected, changed = await published(database, person_id)
        assert changed.TYPE == "cn.xuefen.registry.info.changed.v1"
        assert (changed.cause, changed.items, changed.change_id) == ("change", ("name",), change_id)
        assert changed.identity_hash == collected.identity_hash
        assert changed.name_hash != collected.name_hash
        assert "赵新名" not in changed.model_dump_json()

    async def test_dated_facts_are_stored_shown_and_published(
        self, registry: Registry, database: Database
    ) -> None:
        """A-14: leaving accounting work, retiring and studying are facts with dates."""
        items = {
            "left_on": "2025-12-31",
            "retired_on": "2026-01-31",
            "student": {"student": True, "since": "2025-09-01"},
            "working_since": "2010-07-01",
            "qualifications": [
                {"level": "senior", "obtained_on": "2022-09-01", "certificate_number": "G2022-0001"},
                {"level": "junior", "obtained_on": "2012-09-01"},
            ],
            "jobs": ["cashier", "reporting"],
        }
        change_id = await registry.change_of(somebody(), items)
        person_id = (await registry.reviews_change(change_id)).json()["person_id"]
        seen = (await registry.call("GET", f"/v1/persons/{person_id}")).json()
        assert (seen["left_on"], seen["retired_on"]) == ("2025-12-31", "2026-01-31")
        assert (seen["student"], seen["student_since"]) == (True, "2025-09-01")
        assert [each["level"] for each in seen["qualifications"]] == ["senior", "junior"]
        assert seen["jobs"] == ["cashier", "reporting"]
        changed = (await published(database, person_id))[-1]
        assert changed.model_dump(mode="json")["retired_on"] == "2026-01-31"
        assert "G2022-0001" not in changed.model_dump_json()

    async def test_a_changed_number_keeps_the_person_and_the_old_one_stays_findable(
        self, registry: Registry
    ) -> None:
        human, document = somebody(), somebody().document
        change_id = await registry.change_of(human, {"id_document": document})
        person_id = (await registry.reviews_change(change_id)).json()["person_id"]
        assert await result_of(registry, human.body | document) == "match"
        assert await result_of(registry, human.body) == "former"
        for number in (human.body, human.body | document):
            refused = await registry.call("POST", "/v1/collections", body=collection_of(human, person=number))
            assert (refused.status_code, refused.json()["state"]) == (409, "collected")
        assert (await registry.call("GET", f"/v1/persons/{person_id}")).status_code == 200

    async def test_the_month_of_birth_is_what_the_document_tells_or_what_is_stated(
        self, registry: Registry, database: Database
    ) -> None:
        """Published for rules that go by age: of a resident ID from its number, of a passport as it was handed in."""
        human, passport = somebody(), {"id_type": "passport", "id_number": f"E{somebody().id_number[-8:]}"}
        told = f"{human.id_number[6:10]}-{human.id_number[10:12]}"
        body = {"person": human.body | passport, "birth_month": "1990-09"}
        person_id = (await registry.collected(human, **body))["person_id"]

        async def changes(items: dict[str, Any]) -> str:
            asked = (await registry.asks_change(person_id, items)).json()
            assert (await registry.reviews_change(asked["change_id"])).status_code == 200
            return str(asked["change_id"])

        await changes({"birth_month": "1990-10"})
        change_id = await changes({"id_document": human.document})
        refused = await registry.asks_change(person_id, {"birth_month": "1900-01"})
        assert (refused.status_code, refused.json()["pointer"]) == (422, "/items/birth_month")
        assert (await registry.reverses(change_id)).status_code == 200
        months = [event.birth_month for event in await published(database, person_id)]
        assert months == ["1990-09", "1990-10", told, "1990-10"]
        shown = (await registry.call("GET", f"/v1/persons/{person_id}")).json()
        assert "1990" not in str(shown | {"collected_at": None}), (
            "it is nobody's to read beside a masked number"
        )

    async def test_a_number_may_be_changed_back(self, registry: Registry) -> None:
        human = somebody()
        change_id = await registry.change_of(human, {"id_document": somebody().document})
        person_id = (await registry.reviews_change(change_id)).json()["person_id"]
        back = (await registry.asks_change(person_id, {"id_document": human.document})).json()
        assert (await registry.reviews_change(back["change_id"])).json()["state"] == "approved"
        assert await result_of(registry, human.body) == "match"

    async def test_every_number_with_every_name_that_was_theirs_is_a_former_identity(
        self, registry: Registry, settings: RegistrySettings, database: Database
    ) -> None:
        """B-24: after two changes of number and two of name, and a name that was put back, whoever learnt of one of them."""
        human, second, third = somebody(), somebody(), somebody()
        person_id = (await registry.collected(human))["person_id"]
        hasher = settings.hashers.current

        async def changes(items: dict[str, Any]) -> str:
            change_id: str = (await registry.asks_change(person_id, items)).json()["change_id"]
            assert (await registry.reviews_change(change_id)).status_code == 200
            return change_id

        await changes({"name": "赵新名"})
        await changes({"id_document": second.document})
        await registry.reverses(await changes({"name": "钱误名"}))
        await changes({"id_document": third.document})
        await changes({"name": human.name})
        pairs = {
            hasher.person_and_name("resident_id", each.id_number, name)
            for each in (human, second, third)
            for name in (human.name, "赵新名")
        }
        pairs.remove(hasher.person_and_name("resident_id", third.id_number, human.name))
        last = (await published(database, person_id))[-1]
        assert {(each.identity_hash, each.name_hash) for each in last.former} == pairs

    async def test_a_number_collected_meanwhile_is_not_given_twice(self, registry: Registry) -> None:
        other = somebody()
        change_id = await registry.change_of(somebody(), {"id_document": other.document})
        await registry.submitted(other)
        response = await registry.reviews_change(change_id)
        assert response.json()["type"] == "urn:xuefen:problem:document-taken"
        back = await registry.reviews_change(change_id, reason="identity_mismatch")
        assert back.json()["state"] == "returned"

    async def test_a_number_is_claimed_once_by_many_at_the_same_moment(self, registry: Registry) -> None:
        document = somebody().document
        changes = [await registry.change_of(somebody(), {"id_document": document}) for _ in range(3)]
        answers = await asyncio.gather(*(registry.reviews_change(change) for change in changes))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


class TestReadChange:
    async def test_of_another_place_is_not_there(self, registry: Registry) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        path = f"/v1/changes/{change_id}"
        assert (await registry.call("GET", path, place=DALIAN)).status_code == 404
        body = {"purpose": "case_review"}
        response = await registry.call("POST", f"{path}/disclosure", body=body, place=DALIAN)
        assert response.status_code == 404

    async def test_shows_old_and_new_masked_and_in_full_for_a_purpose(self, registry: Registry) -> None:
        human, document = somebody(), somebody().document
        contact = {"phone": "13900001234", "email": "a@xuefen.example", "address": None}
        items = {"name": "赵新名", "id_document": document, "contact": contact}
        change_id = await registry.change_of(human, items)
        path = f"/v1/changes/{change_id}"
        shown = await registry.call("GET", path)
        for secret in (human.name, "赵新名", human.id_number, document["id_number"], "13900001234", "a@xue"):
            assert secret not in shown.text
        full = (await registry.call("POST", f"{path}/disclosure", body={"purpose": "case_review"})).json()
        found = {item["item"]: (item["old"], item["new"]) for item in full["items"]}
        assert found["name"] == (human.name, "赵新名")
        assert found["id_document"] == (human.document, document)
        assert found["contact"] == (None, contact)

    async def test_every_reading_is_on_record(self, registry: Registry, database: Database) -> None:
        change_id = await registry.change_of(somebody(), {"name": "赵新名"})
        path = f"/v1/changes/{change_id}"
        await registry.call("GET", path, subject="curious-2")
        await registry.call("POST", f"{path}/disclosure", body={"purpose": "inspection"}, subject="curious-2")
        async with database.acquire() as conn:
            rows = await conn.fetch(
                "select kind, purpose from audit_records where caller = 'curious-2' order by record_id"
            )
        assert [tuple(row) for row in rows] == [("change", "routine"), ("change", "inspection")]
