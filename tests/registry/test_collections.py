"""信息采集: handing in, approving, sending back, and who may do so."""

import asyncio
from typing import Any, ClassVar

import pytest

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
            ({"id_number": "２１００００１９９００３０７０１３４"}, "/person/id_number", "id_number_format"),
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


STEPS = ["initial", "final"]


async def ready_for(registry: Registry, step: str, **changes: Any) -> str:
    """A collection that awaits this step, handed in by official-1, passed initially by official-2."""
    make = registry.submitted if step == "initial" else registry.initially_passed
    collection_id: str = (await make(somebody(), **changes))["collection_id"]
    return collection_id


class TestReviewCollection:
    """初审和复审: two steps by two officials, each of which may return it with a reason (S2C-08)."""

    @pytest.mark.parametrize("step", STEPS)
    async def test_anonymous_and_missing_scope(self, registry: Registry, step: str) -> None:
        path = f"{COLLECTIONS}/{NOBODY}/{step}-review"
        body = {"decision": "pass"}
        assert (await registry.call("POST", path, body=body, anonymous=True)).status_code == 401
        assert (await registry.call("POST", path, "collection:submit", body=body)).status_code == 403

    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.parametrize("reason", [None, "other"])
    async def test_an_official_of_another_place(
        self, registry: Registry, step: str, reason: str | None
    ) -> None:
        case = await ready_for(registry, step)
        response = await registry.reviews(case, step, subject="official-4", reason=reason, place="211303")
        assert response.status_code == 403
        assert response.json()["type"] == "urn:xuefen:problem:outside-place"

    @pytest.mark.parametrize("step", STEPS)
    async def test_an_employer_may_not_review(self, registry: Registry, step: str) -> None:
        code = uscc()
        organization = await registry.organization(kind="employer", code=code)
        case = await ready_for(registry, step, employer=code)
        response = await registry.reviews(case, step, subject="employer-1", organization=organization)
        assert response.status_code == 403

    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.parametrize("reason", [None, "other"])
    async def test_the_submitter_reviews_neither_step(
        self, registry: Registry, step: str, reason: str | None
    ) -> None:
        case = await ready_for(registry, step)
        response = await registry.reviews(case, step, subject="official-1", reason=reason, place=LIAONING)
        assert response.status_code == 403
        assert response.json()["type"] == "urn:xuefen:problem:own-submission"

    @pytest.mark.parametrize("reason", [None, "other"])
    async def test_whoever_passed_the_initial_review_does_not_do_the_final_one(
        self, registry: Registry, reason: str | None
    ) -> None:
        case = await ready_for(registry, "final")
        response = await registry.reviews(case, "final", subject="official-2", reason=reason)
        assert response.status_code == 403
        assert response.json()["type"] == "urn:xuefen:problem:same-reviewer"
        assert response.json()["clause"] == "S2C-08"

    @pytest.mark.parametrize("step", STEPS)
    async def test_an_unknown_collection(self, registry: Registry, step: str) -> None:
        assert (await registry.reviews(NOBODY, step, subject="official-2")).status_code == 404

    async def test_the_final_review_comes_second(self, registry: Registry) -> None:
        case = await ready_for(registry, "initial")
        response = await registry.reviews(case, "final", subject="official-3")
        assert response.status_code == 409
        assert response.json()["state"] == "submitted"
        again = await ready_for(registry, "final")
        response = await registry.reviews(again, "initial", subject="official-3")
        assert response.json()["state"] == "initially_passed"

    @pytest.mark.parametrize("step", STEPS)
    async def test_a_collection_decided_before(self, registry: Registry, step: str) -> None:
        outcome = await registry.collected(somebody())
        response = await registry.reviews(outcome["collection_id"], step, subject="official-4")
        assert response.status_code == 409
        assert response.json()["state"] == "collected"

    @pytest.mark.parametrize("step", STEPS)
    async def test_many_officials_at_once_decide_once(self, registry: Registry, step: str) -> None:
        case = await ready_for(registry, step)
        answers = await asyncio.gather(
            *(registry.reviews(case, step, subject=f"official-{number}") for number in range(3, 6)),
            *(registry.reviews(case, step, subject=f"official-{n}", reason="other") for n in range(6, 9)),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"decision": "return"},
            {"decision": "pass", "reason": "other"},
            {"decision": "maybe"},
            {"decision": "return", "reason": "I do not like it"},
            {"decision": "return", "reason": "other", "note": ""},
        ],
    )
    async def test_a_bad_decision(self, registry: Registry, body: dict[str, Any]) -> None:
        path = f"{COLLECTIONS}/{NOBODY}/initial-review"
        assert (await registry.call("POST", path, body=body)).status_code == 422

    @pytest.mark.parametrize("identifier", ["1", "210000199003070134", NOBODY.upper().replace("0", "A")])
    async def test_what_is_no_id(self, registry: Registry, identifier: str) -> None:
        response = await registry.call("GET", f"{COLLECTIONS}/{identifier}")
        assert response.status_code == 422
        assert identifier not in response.text

    async def test_two_passes_collect_the_person(self, registry: Registry) -> None:
        human = somebody()
        outcome = await registry.collected(human)
        assert outcome["state"] == "collected"
        person = (await registry.call("GET", f"/v1/persons/{outcome['person_id']}")).json()
        assert person["place"] == "211302"
        assert person["qualifications"] == [{"level": "junior", "obtained_on": "2020-09-01"}]
        assert person["name"].startswith("*") or person["name"].startswith(human.name[0])
        assert human.id_number not in str(person)

    async def test_after_the_initial_review_nobody_is_collected_yet(self, registry: Registry) -> None:
        outcome = await registry.initially_passed(somebody())
        assert outcome["state"] == "initially_passed"
        assert (await registry.call("GET", f"/v1/persons/{outcome['person_id']}")).status_code == 404

    @pytest.mark.parametrize("step", STEPS)
    async def test_a_returned_collection_tells_why_and_at_which_step(
        self, registry: Registry, step: str
    ) -> None:
        case = await ready_for(registry, step)
        await registry.reviews(
            case, step, subject="official-3", reason="documents_unclear", note="身份证照片不清晰"
        )
        seen = (await registry.call("GET", f"{COLLECTIONS}/{case}")).json()
        assert (seen["state"], seen["step"], seen["reason"]) == ("returned", step, "documents_unclear")
        assert seen["note"] == "身份证照片不清晰"

    @pytest.mark.parametrize("step", STEPS)
    async def test_is_corrected_and_submitted_again_until_approved(
        self, registry: Registry, step: str
    ) -> None:
        human = somebody()
        make = registry.submitted if step == "initial" else registry.initially_passed
        case = (await make(human))["collection_id"]
        await registry.reviews(case, step, subject="official-3", reason="wrong_place")
        again = await registry.submitted(human, place="211303", subject="official-1")
        assert (again["collection_id"], again["state"]) == (case, "submitted")
        # Both steps are done anew, and the one who returned it may do one of them.
        assert (await registry.reviews(case, "initial", subject="official-3")).status_code == 200
        assert (await registry.reviews(case, "final", subject="official-2")).status_code == 200
        seen = (await registry.call("GET", f"/v1/persons/{again['person_id']}")).json()
        assert seen["place"] == "211303"

    async def test_a_second_submission_is_told_the_state_of_the_first_and_nothing_else(
        self, registry: Registry
    ) -> None:
        human = somebody()
        outcome = await registry.initially_passed(human)
        response = await registry.call("POST", COLLECTIONS, body=collection_of(human), subject="official-9")
        assert response.status_code == 409
        assert response.json()["state"] == "initially_passed"
        assert outcome["person_id"] not in response.text
        assert outcome["collection_id"] not in response.text


class TestOwnCollection:
    """A person hands in their own information (S2C-03, S2C-07)."""

    ME: ClassVar[dict[str, Any]] = {"place": None, "subject": "person-1"}

    async def test_is_submitted_and_seen_by_the_person_alone(self, registry: Registry) -> None:
        body = collection_of(somebody())
        response = await registry.call("POST", COLLECTIONS, "collection:own", body=body, **self.ME)
        assert response.status_code == 201
        path = f"{COLLECTIONS}/{response.json()['collection_id']}"
        assert (await registry.call("GET", path, "collection:own", **self.ME)).status_code == 200
        other = self.ME | {"subject": "person-2"}
        assert (await registry.call("GET", path, "collection:own", **other)).status_code == 404

    async def test_the_scope_alone_makes_no_official(self, registry: Registry) -> None:
        body = collection_of(somebody())
        response = await registry.call("POST", COLLECTIONS, "collection:own", body=body, place=DALIAN)
        assert response.status_code == 403


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
