"""A person's own view: where each case stands, in plain words."""

from typing import Any

from services.registry.people.own_view import NEXT, REASONS, STANDS
from services.registry.people.schemas import (
    ChangeReturnReason,
    ChangeState,
    CollectionState,
    ReturnReason,
    ReversalReason,
)
from tests.registry.scenarios import Registry, collection_of, somebody

NOBODY = "00000000-0000-4000-8000-000000000000"


def me(number: int) -> dict[str, Any]:
    return {"place": None, "subject": f"me-{number}"}


async def hands_in(registry: Registry, number: int) -> dict[str, Any]:
    """My own collection."""
    human = somebody()
    response = await registry.call(
        "POST",
        "/v1/collections",
        "collection:own",
        body=collection_of(human),
        document=human.claim,
        **me(number),
    )
    assert response.status_code == 201, response.text
    outcome: dict[str, Any] = response.json()
    return outcome


class TestWords:
    def test_there_are_words_for_every_state_and_reason(self) -> None:
        states = [("collection", state) for state in CollectionState.__args__]  # type: ignore[attr-defined]
        states += [("change", state) for state in ChangeState.__args__]  # type: ignore[attr-defined]
        assert set(states) <= set(STANDS)
        assert set(NEXT) <= set(STANDS)
        for reasons in (ReturnReason, ChangeReturnReason, ReversalReason):
            assert set(reasons.__args__) <= set(REASONS)  # type: ignore[attr-defined]


class TestOwnCases:
    async def test_anonymous_and_missing_scope(self, registry: Registry) -> None:
        for path in ("/v1/my-cases", f"/v1/my-cases/{NOBODY}"):
            assert (await registry.call("GET", path, anonymous=True)).status_code == 401
            assert (await registry.call("GET", path, "compliance:read")).status_code == 403

    async def test_says_where_a_collection_stands_step_by_step(self, registry: Registry) -> None:
        case_id = (await hands_in(registry, 1))["collection_id"]
        path = f"/v1/my-cases/{case_id}"

        async def stands() -> str:
            told = (await registry.call("GET", path, "collection:own", **me(1))).json()
            return f"{told['stands_zh']} {told['stands_en']}"

        assert "等待初审" in await stands()
        await registry.reviews(case_id, "initial", subject="official-2")
        assert "等待复审" in await stands()
        await registry.reviews(case_id, "final", subject="official-3")
        assert "采集完毕" in await stands()
        assert "collected" in await stands()

    async def test_says_why_it_was_returned_what_the_reviewer_wrote_and_what_to_do(
        self, registry: Registry
    ) -> None:
        """S2C-08."""
        case_id = (await hands_in(registry, 2))["collection_id"]
        await registry.reviews(
            case_id, "initial", subject="official-2", reason="documents_unclear", note="请重拍身份证正面"
        )
        told = (await registry.call("GET", f"/v1/my-cases/{case_id}", "collection:own", **me(2))).json()
        assert (told["state"], told["reason"]) == ("returned", "documents_unclear")
        assert told["reason_zh"] == "上传材料不清晰"
        assert "重新提交" in told["next_zh"]
        assert told["note"] == "请重拍身份证正面"
        assert told["due"] is None

    async def test_says_by_when_it_is_reviewed(self, registry: Registry) -> None:
        case_id = (await hands_in(registry, 3))["collection_id"]
        told = (await registry.call("GET", f"/v1/my-cases/{case_id}", "collection:own", **me(3))).json()
        assert (told["due"]["working_days"], told["due"]["late"]) == (5, False)

    async def test_lists_collections_and_changes_newest_first(self, registry: Registry) -> None:
        outcome = await hands_in(registry, 4)
        await registry.reviews(outcome["collection_id"], "initial", subject="official-2")
        await registry.reviews(outcome["collection_id"], "final", subject="official-3")
        response = await registry.call(
            "POST",
            f"/v1/persons/{outcome['person_id']}/changes",
            "collection:own",
            body={"items": {"retired_on": "2026-01-31"}},
            **me(4),
        )
        change_id = response.json()["change_id"]
        listed = (await registry.call("GET", "/v1/my-cases", "collection:own", **me(4))).json()["items"]
        assert [case["case_id"] for case in listed] == [change_id, outcome["collection_id"]]
        back = await registry.reviews_change(change_id, reason="documents_missing", note="缺退休证")
        assert back.status_code == 200
        told = (await registry.call("GET", f"/v1/my-cases/{change_id}", "collection:own", **me(4))).json()
        assert (told["kind"], told["note"]) == ("change", "缺退休证")

    async def test_a_case_of_somebody_else_is_not_there(self, registry: Registry) -> None:
        case_id = (await hands_in(registry, 5))["collection_id"]
        path = f"/v1/my-cases/{case_id}"
        assert (await registry.call("GET", path, "collection:own", **me(6))).status_code == 404
        assert (await registry.call("GET", path, "collection:own", **me(5))).status_code == 200
        listed = await registry.call("GET", "/v1/my-cases", "collection:own", **me(6))
        assert listed.json()["items"] == []
