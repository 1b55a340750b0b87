"""初审和复审: a collection is reviewed in two steps by two officials, returned with a reason, corrected, approved."""

import asyncio
from typing import Any, ClassVar

import pytest

from tests.registry.scenarios import LIAONING, Registry, collection_of, somebody, uscc

COLLECTIONS = "/v1/collections"
NOBODY = "00000000-0000-4000-8000-000000000000"
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


class TestWhatAReviewerSees:
    """Nobody decides blind, and nobody has to unmask a person for it."""

    DETAILS: ClassVar[dict[str, Any]] = {
        "jobs": ["cashier", "reporting"],
        "working_since": "2019-03-01",
        "qualifications": [
            {"level": "intermediate", "obtained_on": "2020-05-06", "certificate_number": "ZJ20200012345"}
        ],
        "education": [{"school": "东北财经大学", "level": "bachelor", "certificate_number": "101731202005"}],
        "contact": {"phone": "13800001234", "email": "someone@example.com"},
    }

    async def test_all_that_is_to_be_reviewed_masked_where_it_identifies(self, registry: Registry) -> None:
        submitted = await registry.submitted(somebody(), **self.DETAILS)
        path = f"{COLLECTIONS}/{submitted['collection_id']}"
        seen = await registry.call("GET", path, "collection:review", subject="official-2")
        case = seen.json()
        assert case["jobs"] == ["cashier", "reporting"]
        assert case["working_since"] == "2019-03-01"
        assert [(each["level"], each["obtained_on"]) for each in case["qualifications"]] == [
            ("intermediate", "2020-05-06")
        ]
        assert [(each["school"], each["level"]) for each in case["education"]] == [
            ("东北财经大学", "bachelor")
        ]
        for hidden in ("ZJ20200012345", "101731202005", "13800001234", "someone@example.com"):
            assert hidden not in seen.text
        assert case["initial_review"] is None
        assert case["returns"] == []

    async def test_who_did_the_initial_review_and_every_return_before(self, registry: Registry) -> None:
        human = somebody()
        back = await registry.returned(human, note="照片不清", **self.DETAILS)
        again = await registry.submitted(human, **self.DETAILS)
        passed = await registry.reviews(again["collection_id"], "initial", subject="official-3")
        assert passed.status_code == 200
        path = f"{COLLECTIONS}/{back['collection_id']}"
        case = (await registry.call("GET", path, "collection:review", subject="official-2")).json()
        assert case["initial_review"]["by"] == "official-3"
        assert case["initial_review"]["at"]
        assert [(each["step"], each["reason"], each["note"], each["by"]) for each in case["returns"]] == [
            ("initial", "documents_unclear", "照片不清", "official-2")
        ]
        bare = await registry.reviews(back["collection_id"], "final", subject="official-2", reason="other")
        assert bare.status_code == 200
        case = (await registry.call("GET", path, "collection:review", subject="official-2")).json()
        assert (case["reason"], case["note"]) == ("other", None)
        assert [each["note"] for each in case["returns"]] == ["照片不清", None]

    async def test_an_employer_is_not_told_which_official_decided(self, registry: Registry) -> None:
        code = uscc()
        organization = await registry.organization(kind="employer", code=code)
        back = await registry.returned(somebody(), note="照片不清", employer=code)
        path = f"{COLLECTIONS}/{back['collection_id']}"
        seen = await registry.call("GET", path, "collection:submit", place=None, organization=organization)
        assert [each["by"] for each in seen.json()["returns"]] == [None]
