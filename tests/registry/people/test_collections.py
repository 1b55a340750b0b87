"""信息采集: handing in, approving, sending back, and who may do so."""

import asyncio
from typing import Any, ClassVar

import pytest

from tests.conftest import FreshDatabase
from tests.registry.personal_data.test_privacy import everything_stored
from tests.registry.scenarios import DALIAN, LIAONING, NATION, Registry, collection_of, somebody, uscc

COLLECTIONS = "/v1/collections"
NOBODY = "00000000-0000-4000-8000-000000000000"


class TestSubmitCollection:
    async def test_anonymous(self, registry: Registry) -> None:
        response = await registry.call("POST", COLLECTIONS, body=collection_of(somebody()), anonymous=True)
        assert response.status_code == 401

    async def test_missing_scope(self, registry: Registry) -> None:
        response = await registry.call(
            "POST", COLLECTIONS, "collection:review", body=collection_of(somebody())
        )
        assert response.status_code == 403
        assert response.json()["type"] == "urn:xuefen:problem:insufficient-scope"

    @pytest.mark.parametrize("who", [{"place": DALIAN}, {"place": "211303"}, {"place": None}])
    async def test_an_official_of_another_place(self, registry: Registry, who: dict[str, Any]) -> None:
        response = await registry.call("POST", COLLECTIONS, body=collection_of(somebody()), **who)
        assert response.status_code == 403
        assert response.json()["pointer"] == "/place"

    async def test_the_province_may_not_act_for_a_city_under_separate_planning(
        self, registry: Registry
    ) -> None:
        body = collection_of(somebody(), place="210202")
        assert (await registry.call("POST", COLLECTIONS, body=body, place=LIAONING)).status_code == 403
        assert (await registry.call("POST", COLLECTIONS, body=body, place=DALIAN)).status_code == 201

    async def test_an_organization_that_is_not_the_employer(self, registry: Registry) -> None:
        organization = await registry.organization(kind="employer")
        for employer in (uscc(), None):
            response = await registry.call(
                "POST", COLLECTIONS, body=collection_of(somebody(), employer=employer),
                place=None, organization=organization,
            )  # fmt: skip
            assert response.status_code == 403
            assert response.json()["type"] == "urn:xuefen:problem:not-employer"

    @pytest.mark.parametrize("organization", ["", "org-1", NOBODY])
    async def test_an_organization_that_is_not_registered(
        self, registry: Registry, organization: str
    ) -> None:
        body = collection_of(somebody(), employer=uscc())
        response = await registry.call("POST", COLLECTIONS, body=body, place=None, organization=organization)
        assert response.status_code in (401, 403)

    async def test_the_same_document_twice(self, registry: Registry) -> None:
        human = somebody()
        await registry.submitted(human)
        response = await registry.call("POST", COLLECTIONS, body=collection_of(human))
        assert response.status_code == 409
        assert response.json()["type"] == "urn:xuefen:problem:collection-exists"
        assert response.json()["state"] == "submitted"

    async def test_a_document_that_is_collected(self, registry: Registry) -> None:
        human = somebody()
        await registry.collected(human)
        body = collection_of(human) | {"person": human.body | {"id_number": human.id_number.lower()}}
        assert (await registry.call("POST", COLLECTIONS, body=body)).json()["state"] == "collected"

    async def test_the_same_document_many_times_at_once(self, registry: Registry) -> None:
        body = collection_of(somebody())
        answers = await asyncio.gather(*(registry.call("POST", COLLECTIONS, body=body) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"place": "219999"}, "/place", "unknown_place"),
            ({"place": "２１１３０２"}, "/place", "wrong_form"),
            ({"place": NATION}, "/place", "too_wide"),
            ({"place": 211302}, "/place", "wrong_type"),
            ({"employer": "91210000XUEFEN001X"}, "/employer", "uscc_check_digit"),
            ({"employer": "9121"}, "/employer", "wrong_form"),
            ({"student": "yes"}, "/student", "wrong_type"),
            (
                {"qualifications": [{"level": "expert", "obtained_on": "2020-09-01"}]},
                "/qualifications/0/level",
                "not_allowed",
            ),
            ({"qualifications": [{"level": "junior"}]}, "/qualifications/0/obtained_on", "missing"),
            ({"jobs": ["cashier", "cashier"]}, "/jobs", "repeated"),
            ({"jobs": ["driver"]}, "/jobs/0", "not_allowed"),
            ({"contact": {"phone": "call me"}}, "/contact/phone", "wrong_form"),
            ({"contact": {"email": "nobody"}}, "/contact/email", "wrong_form"),
            (
                {"education": [{"school": "东北财经大学", "level": "kindergarten"}]},
                "/education/0/level",
                "not_allowed",
            ),
            ({"evidence": ["../../etc/passwd"]}, "/evidence/0", "wrong_form"),
            ({"evidence": [NOBODY, NOBODY]}, "/evidence", "repeated"),
            ({"working_since": "0000-01-01"}, "/working_since", "invalid_date"),
            ({"working_since": "0001-01-01"}, "/working_since", "out_of_range"),
            ({"working_since": "9999-12-31"}, "/working_since", "out_of_range"),
            ({"working_since": 1577836800}, "/working_since", "invalid_date"),
            ({"phone": "13900000000"}, "/phone", "unknown_field"),
            ({"person": None}, "/person", "wrong_type"),
            ({"birth_month": "1900-01"}, "/birth_month", "birth_month_differs"),
            ({"birth_month": "1990-09-01"}, "/birth_month", "wrong_form"),
        ],
    )
    async def test_a_bad_field(
        self, registry: Registry, changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        response = await registry.call("POST", COLLECTIONS, body=collection_of(somebody(), **changes))
        assert response.status_code == 422
        found = [(error["pointer"], error["code"]) for error in response.json()["errors"]]
        assert found == [(pointer, code)]

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"id_number": "210000199003070000"}, "/person/id_number", "id_number_check_digit"),
            ({"id_number": "２１００００１９９００３０７"}, "/person/id_number", "id_number_format"),
            ({"id_number": "210000200002300007"}, "/person/id_number", "id_number_birth_date"),
            ({"id_number": "990000199003070134"}, "/person/id_number", "id_number_region"),
            ({"id_number": "1" * 25}, "/person/id_number", "too_long"),
            ({"id_type": "driving_licence"}, "/person/id_type", "not_allowed"),
            ({"id_type": "hk_macau_permit"}, "/person/id_number", "id_number_format"),
            ({"name": "   "}, "/person/name", "too_short"),
            ({"name": "赵\n甲"}, "/person/name", "control_character"),
            ({"name": "赵\u202e甲"}, "/person/name", "control_character"),
            ({"name": "甲" * 51}, "/person/name", "too_long"),
        ],
    )
    async def test_a_bad_identity(
        self, registry: Registry, changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        person = somebody().body | changes
        body = collection_of(somebody()) | {"person": person}
        response = await registry.call("POST", COLLECTIONS, body=body)
        assert response.status_code == 422
        assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [(pointer, code)]
        assert person["id_number"] not in response.text

    async def test_a_submission_awaits_review(self, registry: Registry) -> None:
        outcome = await registry.submitted(somebody())
        assert outcome["state"] == "submitted"
        seen = await registry.call("GET", f"{COLLECTIONS}/{outcome['collection_id']}")
        assert seen.json()["state"] == "submitted"
        assert (await registry.call("GET", f"/v1/persons/{outcome['person_id']}")).status_code == 404

    async def test_an_employer_submits_for_its_own_people(self, registry: Registry) -> None:
        code = uscc()
        organization = await registry.organization(kind="employer", code=code)
        who = {"place": None, "organization": organization, "subject": "employer-1"}
        body = collection_of(somebody(), employer=code)
        response = await registry.call("POST", COLLECTIONS, body=body, **who)
        assert response.status_code == 201
        path = f"{COLLECTIONS}/{response.json()['collection_id']}"
        assert (await registry.call("GET", path, **who)).status_code == 200

    async def test_a_student_needs_neither_employer_nor_qualification(self, registry: Registry) -> None:
        body = collection_of(somebody(), student=True, qualifications=[], working_since=None)
        assert (await registry.call("POST", COLLECTIONS, body=body)).status_code == 201

    async def test_a_repeat_of_the_command_gives_the_same_answer(self, registry: Registry) -> None:
        body = collection_of(somebody())
        first = await registry.call("POST", COLLECTIONS, body=body, key="submit-once")
        second = await registry.call("POST", COLLECTIONS, body=body, key="submit-once")
        assert first.json() == second.json()
        assert second.headers["idempotency-replayed"] == "true"


class TestOwnCollection:
    """A person hands in their own information (S2C-03, S2C-07)."""

    ME: ClassVar[dict[str, Any]] = {"place": None, "subject": "person-1"}

    async def test_is_submitted_and_seen_by_the_person_alone(self, registry: Registry) -> None:
        human = somebody()
        body, me = collection_of(human), self.ME | {"document": human.claim}
        response = await registry.call("POST", COLLECTIONS, "collection:own", body=body, **me)
        assert response.status_code == 201
        path = f"{COLLECTIONS}/{response.json()['collection_id']}"
        assert (await registry.call("GET", path, "collection:own", **self.ME)).status_code == 200
        other = self.ME | {"subject": "person-2"}
        assert (await registry.call("GET", path, "collection:own", **other)).status_code == 404

    async def test_is_under_the_number_of_the_token_alone(self, registry: Registry) -> None:
        body = collection_of(somebody())
        for document in (None, somebody().claim, "resident_id:", body["person"]["id_number"]):
            me = self.ME | {"document": document}
            response = await registry.call("POST", COLLECTIONS, "collection:own", body=body, **me)
            assert response.status_code == 403
            assert response.json()["type"] == "urn:xuefen:problem:not-own-document"

    async def test_the_scope_alone_makes_no_official(self, registry: Registry) -> None:
        body = collection_of(somebody())
        response = await registry.call("POST", COLLECTIONS, "collection:own", body=body, place=DALIAN)
        assert response.status_code == 403


class TestDetails:
    """Contact, education and certificates are personal: sealed, opened for a purpose, in no event and no row."""

    DETAILS: ClassVar[dict[str, Any]] = {
        "contact": {"phone": "13955556666", "email": "nobody@xuefen.example", "address": "双塔区中山街八号"},
        "education": [
            {
                "school": "东北财经大学", "level": "master", "degree": "master", "mode": "part_time", "major": "会计学",
                "entered_on": "2012-09-01", "graduated_on": "2015-06-30", "certificate_number": "XL20150630",
            }
        ],
        "qualifications": [
            {"level": "junior", "obtained_on": "2014-09-10", "certificate_number": "CJ2014-7788"},
            {"level": "intermediate", "obtained_on": "2018-10-20", "certificate_number": "ZJ2018-9900"},
        ],
    }  # fmt: skip

    async def test_are_opened_for_a_purpose_and_sealed_otherwise(
        self, registry: Registry, fresh: FreshDatabase
    ) -> None:
        outcome = await registry.collected(somebody(), **self.DETAILS, jobs=["audit", "results"])
        path = f"/v1/persons/{outcome['person_id']}"
        seen = await registry.call("GET", path)
        opened = await registry.call("POST", f"{path}/disclosure", body={"purpose": "case_review"})
        found = opened.json()["details"]
        assert {name: found[name] for name in self.DETAILS} == self.DETAILS
        assert seen.json()["jobs"] == ["audit", "results"]
        stored = await everything_stored(fresh.admin_dsn)
        for secret in ("13955556666", "nobody@xuefen", "中山街", "XL20150630", "CJ2014-7788", "东北财经大学"):
            assert secret not in seen.text
            assert secret not in stored

    @pytest.mark.parametrize("place", [DALIAN, "211303"])
    async def test_are_opened_in_their_own_place_only(self, registry: Registry, place: str) -> None:
        outcome = await registry.submitted(somebody(), **self.DETAILS)
        path = f"/v1/persons/{outcome['person_id']}/disclosure"
        response = await registry.call("POST", path, body={"purpose": "case_review"}, place=place)
        assert response.status_code == 404


class TestGetPerson:
    async def test_anonymous(self, registry: Registry) -> None:
        assert (await registry.call("GET", f"/v1/persons/{NOBODY}", anonymous=True)).status_code == 401

    async def test_missing_scope(self, registry: Registry) -> None:
        assert (await registry.call("GET", f"/v1/persons/{NOBODY}", "identity:check")).status_code == 403

    async def test_a_person_of_another_place_is_not_there(self, registry: Registry) -> None:
        outcome = await registry.collected(somebody())
        for who in ({"place": DALIAN}, {"place": None}, {"organization": NOBODY}):
            for path in (f"/v1/persons/{outcome['person_id']}", f"{COLLECTIONS}/{outcome['collection_id']}"):
                assert (await registry.call("GET", path, **who)).status_code == 404

    async def test_the_nation_sees_everybody(self, registry: Registry) -> None:
        outcome = await registry.collected(somebody())
        path = f"/v1/persons/{outcome['person_id']}"
        assert (await registry.call("GET", path, place=NATION)).status_code == 200


class TestIdentityCheck:
    async def test_anonymous_and_missing_scope(self, registry: Registry) -> None:
        body = {"persons": [somebody().body]}
        path = "/v1/identity-checks"
        assert (await registry.call("POST", path, body=body, anonymous=True)).status_code == 401
        assert (await registry.call("POST", path, "collection:submit", body=body)).status_code == 403

    @pytest.mark.parametrize("persons", [[], "x", [{}], [{"id_type": "passport"}]])
    async def test_a_bad_body(self, registry: Registry, persons: object) -> None:
        response = await registry.call("POST", "/v1/identity-checks", body={"persons": persons})
        assert response.status_code == 422

    async def test_too_many(self, registry: Registry) -> None:
        body = {"persons": [somebody().body] * 1001}
        response = await registry.call("POST", "/v1/identity-checks", body=body)
        assert response.status_code == 422
        assert response.json()["errors"][0]["code"] == "too_many"

    async def test_match_mismatch_and_unknown_in_order(self, registry: Registry) -> None:
        known, waiting, stranger = somebody(), somebody(), somebody()
        await registry.collected(known)
        await registry.submitted(waiting)
        persons = [
            stranger.body,
            known.body,
            known.body | {"name": "钱乙丑"},
            waiting.body,
            known.body | {"name": f" {known.name[0]} {known.name[1:]} "},
        ]
        response = await registry.call("POST", "/v1/identity-checks", body={"persons": persons})
        found = [result["result"] for result in response.json()["results"]]
        assert found == ["unknown", "match", "mismatch", "unknown", "match"]
