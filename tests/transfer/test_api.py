"""The transfer service over HTTP: refusals first, then how a transfer goes."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from services.cli.demo.fictitious import person, uscc
from tests.kit.http import bearer
from tests.transfer.scenarios import (
    FORMER_EMPLOYER,
    LONGCHENG,
    SHENYANG,
    SHUANGTA,
    registered,
)
from tests.transfer.world import CLERK, DESTINATION, ORIGIN, World, code, pointers, request_body

NO_SCOPE = bearer("compliance:read", place=SHUANGTA)
ELSEWHERE = bearer("transfer:review", place=SHENYANG)
STEPS = ["acceptance", "approval", "refusal", "withdrawal", "confirmation"]
REFUSAL = {"reason": "evidence_unclear"}


def body_of(step: str) -> dict[str, str] | None:
    return REFUSAL if step == "refusal" else None


class TestWhoMayCall:
    @pytest.mark.parametrize("step", STEPS)
    async def test_nobody_without_a_token(self, world: World, step: str):
        answer = await world.post(f"/v1/transfers/{uuid4()}/{step}", body_of(step), by={})
        assert (answer.status_code, code(answer)) == (401, "not-authenticated")

    async def test_reading_needs_a_token_too(self, world: World):
        for path in ("/v1/transfers", f"/v1/transfers/{uuid4()}", "/v1/logs", "/v1/logs/transfer/feed"):
            assert (await world.get(path, by={})).status_code == 401

    async def test_every_route_needs_its_scope(self, world: World):
        path = f"/v1/transfers/{uuid4()}"
        answers = [await world.post("/v1/transfers", request_body("person-0"), by=NO_SCOPE)]
        answers += [await world.post(f"{path}/{step}", body_of(step), by=NO_SCOPE) for step in STEPS]
        for read in ("/v1/transfers", path, "/v1/logs", "/v1/logs/transfer/feed"):
            answers.append(await world.get(read, by=NO_SCOPE))
        assert {(answer.status_code, code(answer)) for answer in answers} == {(403, "insufficient-scope")}

    async def test_the_applicant_cannot_review(self, world: World):
        transfer_id = await world.requested()
        answer = await world.post(f"/v1/transfers/{transfer_id}/acceptance", by=CLERK)
        assert (answer.status_code, code(answer)) == (403, "insufficient-scope")

    @pytest.mark.parametrize("step", ["acceptance", "approval", "refusal"])
    async def test_an_official_of_another_place_decides_nothing(self, world: World, step: str):
        transfer_id = await world.requested()
        answer = await world.post(f"/v1/transfers/{transfer_id}/{step}", body_of(step), by=ELSEWHERE)
        assert (answer.status_code, code(answer)) == (403, "outside-place")
        assert await world.events(transfer_id) == ["TransferRequested"]

    async def test_a_reviewer_bound_to_no_place_decides_nothing(self, world: World):
        transfer_id = await world.requested()
        answer = await world.post(f"/v1/transfers/{transfer_id}/acceptance", by=bearer("transfer:review"))
        assert (answer.status_code, code(answer)) == (403, "outside-place")

    async def test_an_official_asks_for_their_own_people_only(self, world: World):
        official = bearer("transfer:request", place=SHENYANG)
        answer = await world.post("/v1/transfers", request_body(await world.person()), by=official)
        assert (answer.status_code, code(answer)) == (403, "outside-place")

    async def test_an_organization_asks_for_its_own_people_only(self, world: World):
        await world.learn(registered("firm-a", FORMER_EMPLOYER), registered("firm-b", uscc(7)))
        body = request_body(await world.person())
        other = await world.post("/v1/transfers", body, by=bearer("transfer:request", organization="firm-b"))
        assert (other.status_code, code(other)) == (403, "not-employer")
        own = await world.post("/v1/transfers", body, by=bearer("transfer:request", organization="firm-a"))
        assert own.status_code == 201


class TestNotFound:
    async def test_a_transfer_nobody_asked_for(self, world: World):
        path = f"/v1/transfers/{uuid4()}"
        answers = [await world.get(path, by=ORIGIN)]
        answers += [
            await world.post(f"{path}/{step}", body_of(step), by=ORIGIN)
            for step in ("acceptance", "approval", "refusal")
        ]
        answers.append(await world.post(f"{path}/withdrawal", by=CLERK))
        assert {(answer.status_code, code(answer)) for answer in answers} == {(404, "not-found")}

    async def test_a_person_the_registry_has_not_collected(self, world: World):
        answer = await world.post("/v1/transfers", request_body("nobody"), by=CLERK)
        assert (answer.status_code, code(answer)) == (404, "person-not-collected")
        assert answer.json()["pointer"] == "/person_id"

    async def test_a_stranger_s_transfer(self, world: World):
        transfer_id = await world.requested()
        stranger = bearer("transfer:request", subject="stranger")
        assert (await world.get(f"/v1/transfers/{transfer_id}", by=stranger)).status_code == 404
        assert (await world.get(f"/v1/transfers/{transfer_id}", by=ELSEWHERE)).status_code == 404
        assert (await world.post(f"/v1/transfers/{transfer_id}/withdrawal", by=stranger)).status_code == 404


class TestConflict:
    async def test_a_second_open_transfer_of_a_person(self, world: World):
        person_id = await world.person()
        first = await world.requested(person_id)
        answer = await world.post("/v1/transfers", request_body(person_id, to_place=SHENYANG), by=CLERK)
        assert (answer.status_code, code(answer)) == (409, "transfer-open")
        assert answer.json()["transfer_id"] == first

    async def test_two_requests_at_once_leave_one(self, world: World):
        person_id = await world.person()
        answers = await asyncio.gather(
            *(world.post("/v1/transfers", request_body(person_id), by=CLERK) for _ in range(5))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]

    async def test_to_where_the_profile_is_kept(self, world: World):
        body = request_body(await world.person(LONGCHENG))
        answer = await world.post("/v1/transfers", body, by=CLERK)
        assert (answer.status_code, code(answer)) == (409, "same-place")

    async def test_approval_before_acceptance_says_how_it_stands(self, world: World):
        transfer_id = await world.requested()
        answer = await world.post(f"/v1/transfers/{transfer_id}/approval", by=DESTINATION)
        assert (answer.status_code, code(answer)) == (409, "transfer-state")
        assert answer.json()["state"] == "requested"

    async def test_withdrawal_after_acceptance(self, world: World):
        transfer_id = await world.accepted()
        answer = await world.post(f"/v1/transfers/{transfer_id}/withdrawal", by=CLERK)
        assert (answer.status_code, code(answer)) == (409, "transfer-state")
        assert await world.events(transfer_id) == ["TransferRequested", "TransferAccepted"]

    async def test_acceptance_after_withdrawal(self, world: World):
        transfer_id = await world.requested()
        assert (await world.post(f"/v1/transfers/{transfer_id}/withdrawal", by=CLERK)).status_code == 200
        answer = await world.post(f"/v1/transfers/{transfer_id}/acceptance", by=ORIGIN)
        assert (answer.status_code, answer.json()["state"]) == (409, "withdrawn")
        assert await world.events(transfer_id) == ["TransferRequested", "TransferWithdrawn"]

    async def test_withdrawal_and_acceptance_at_once_leave_one(self, world: World):
        for _ in range(10):
            transfer_id = await world.requested()
            path = f"/v1/transfers/{transfer_id}"
            answers = await asyncio.gather(
                world.post(f"{path}/withdrawal", by=CLERK), world.post(f"{path}/acceptance", by=ORIGIN)
            )
            assert sorted(answer.status_code for answer in answers) == [200, 409]
            assert len(await world.events(transfer_id)) == 2


class TestBadInput:
    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"person_id": "no spaces"}, "/person_id"),
            ({"to_place": "211999"}, "/to_place"),
            ({"to_place": "100000"}, "/to_place"),
            ({"to_place": "２１１３０３"}, "/to_place"),
            ({"to_place": 211303}, "/to_place"),
            ({"employer": uscc(1)[:-1] + "0"}, "/employer"),
            ({"employer": None}, ""),
            ({"student": True}, ""),
            ({"student": "yes"}, "/student"),
            ({"evidence": []}, "/evidence"),
            ({"evidence": [{"name": "a", "sha256": "AB" * 32, "media_type": "image/png"}]}, "/evidence/0/sha256"),
            ({"evidence": [{"name": "a", "sha256": "ab" * 32, "media_type": "text/html"}]}, "/evidence/0/media_type"),
            (
                {"evidence": [{"name": f"{person(1).id_number}.pdf", "sha256": "ab" * 32, "media_type": "image/png"}]},
                "/evidence/0/name",
            ),
            ({"reason": "no such field"}, "/reason"),
        ],
    )  # fmt: skip
    async def test_names_the_field_and_repeats_no_value(
        self, world: World, changes: dict[str, Any], pointer: str
    ):
        answer = await world.post("/v1/transfers", {**request_body("person-0"), **changes}, by=CLERK)
        assert (answer.status_code, code(answer)) == (422, "invalid-request")
        assert pointers(answer) == {pointer}
        for value in changes.values():
            assert not isinstance(value, str) or value not in answer.text
        assert person(1).id_number not in answer.text

    async def test_a_body_that_is_no_json(self, world: World):
        answer = await world.client.post(
            "/v1/transfers",
            content=b'{"person_id": ',
            headers={**CLERK, "Idempotency-Key": "cut", "Content-Type": "application/json"},
        )
        assert (answer.status_code, code(answer)) == (400, "malformed-body")

    @pytest.mark.parametrize(
        "text",
        [
            f"身份证 {person(2).id_number} 不符",
            "请电 138 0013 8000",
            "电话０１０６６６６１２３４",
            "护照E12345678有误",
            "写信到 a@example.org",
            "两\u202e行",
        ],
    )
    async def test_a_refusal_s_text_names_nobody(self, world: World, text: str):
        transfer_id = await world.accepted()
        answer = await world.post(
            f"/v1/transfers/{transfer_id}/refusal", {**REFUSAL, "text": text}, by=DESTINATION
        )
        assert (answer.status_code, pointers(answer)) == (422, {"/text"})

    async def test_a_reason_nobody_agreed_on(self, world: World):
        transfer_id = await world.accepted()
        answer = await world.post(f"/v1/transfers/{transfer_id}/refusal", {"reason": "no"}, by=DESTINATION)
        assert (answer.status_code, pointers(answer)) == (422, {"/reason"})

    async def test_an_id_that_is_none(self, world: World):
        assert (await world.get("/v1/transfers/0", by=ORIGIN)).status_code == 422
        assert (await world.post("/v1/transfers/0/acceptance", by=ORIGIN)).status_code == 422

    @pytest.mark.parametrize(
        "query", [{"place": "999999"}, {"state": "lost"}, {"limit": 0}, {"limit": 201}, {"after": "x"}]
    )
    async def test_a_list_of_what_is_not(self, world: World, query: dict[str, Any]):
        answer = await world.get("/v1/transfers", by=ORIGIN, **query)
        assert answer.status_code == 422
        assert {error["parameter"] for error in answer.json()["errors"]} == set(query)


class TestIdempotency:
    async def test_a_command_needs_a_key(self, world: World):
        answer = await world.post("/v1/transfers", request_body("person-0"), by=CLERK, key="")
        assert (answer.status_code, code(answer)) == (400, "idempotency-key-missing")

    async def test_a_repeat_gets_the_first_answer_and_changes_nothing(self, world: World):
        body = request_body(await world.person())
        first = await world.post("/v1/transfers", body, by=CLERK, key="again-1")
        second = await world.post("/v1/transfers", body, by=CLERK, key="again-1")
        assert (second.status_code, second.json()) == (201, first.json())
        assert second.headers["Idempotency-Replayed"] == "true"
        assert await world.events(first.json()["transfer_id"]) == ["TransferRequested"]

    async def test_a_repeated_acceptance_is_harmless_even_when_it_has_gone_on(self, world: World):
        path = f"/v1/transfers/{await world.requested()}"
        first = await world.post(f"{path}/acceptance", by=ORIGIN, key="again-2")
        assert (await world.post(f"{path}/approval", by=DESTINATION)).status_code == 200
        assert (await world.post(f"{path}/acceptance", by=ORIGIN, key="again-2")).json() == first.json()

    async def test_a_key_reused_for_another_body_is_refused(self, world: World):
        await world.post("/v1/transfers", request_body(await world.person()), by=CLERK, key="again-3")
        other = request_body(await world.person())
        answer = await world.post("/v1/transfers", other, by=CLERK, key="again-3")
        assert (answer.status_code, code(answer)) == (422, "idempotency-key-reused")

    async def test_a_refused_command_leaves_its_key_free(self, world: World):
        body = request_body("person-late")
        assert (await world.post("/v1/transfers", body, by=CLERK, key="again-4")).status_code == 404
        assert (await world.post("/v1/transfers", body, by=CLERK, key="again-4")).status_code == 404


class TestWayOfATransfer:
    async def test_requested_accepted_approved(self, world: World):
        person_id = await world.person()
        answer = await world.post("/v1/transfers", request_body(person_id), by=CLERK)
        transfer_id = answer.json()["transfer_id"]
        assert answer.json() == {
            "transfer_id": transfer_id,
            "kind": "within",
            "state": "requested",
            "desk": SHUANGTA,
            "due": "2025-03-17",
        }
        path = f"/v1/transfers/{transfer_id}"
        assert (await world.post(f"{path}/acceptance", by=ORIGIN)).json()["desk"] == LONGCHENG
        assert await world.home(person_id) == (SHUANGTA, FORMER_EMPLOYER)
        done = await world.post(f"{path}/approval", by=DESTINATION)
        over = {"kind": "within", "state": "completed", "desk": None, "due": None}
        assert done.json() == {"transfer_id": transfer_id, **over}
        assert await world.home(person_id) == (LONGCHENG, uscc(1))
        assert await world.events(transfer_id) == [
            "TransferRequested",
            "TransferAccepted",
            "ProfileTransferred",
        ]

    async def test_from_its_new_home_the_person_may_move_on(self, world: World):
        person_id = await world.person()
        await world.completed(person_id)
        onwards = await world.requested(person_id, to_place=SHENYANG)
        view = (await world.get(f"/v1/transfers/{onwards}", by=CLERK)).json()
        assert (view["from_place"], view["to_place"]) == (LONGCHENG, SHENYANG)

    async def test_refused_it_stays_and_may_be_asked_for_again(self, world: World):
        person_id = await world.person()
        transfer_id = await world.accepted(person_id)
        refusal = {"reason": "evidence_unclear", "text": "公章不清晰，请重新上传"}
        answer = await world.post(f"/v1/transfers/{transfer_id}/refusal", refusal, by=DESTINATION)
        assert answer.json()["state"] == "returned"
        assert await world.home(person_id) == (SHUANGTA, FORMER_EMPLOYER)
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
        assert view["refusal_text"] == refusal["text"]
        assert view["steps"][-1]["reason"] == "evidence_unclear"
        assert await world.requested(person_id) != transfer_id

    async def test_a_student_moves_without_employer(self, world: World):
        transfer_id = await world.requested(employer=None, student=True)
        view = (await world.get(f"/v1/transfers/{transfer_id}", by=CLERK)).json()
        assert (view["employer"], view["student"]) == (None, True)
