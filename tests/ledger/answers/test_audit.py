"""Readings of answers: on record before anything is answered, shown to auditors of the place and to the person."""

from typing import Any

import asyncpg
import pytest

from tests.kit.http import bearer
from tests.ledger.world import Somebody, World

NATION, LIAONING, CHAOYANG, SHUANGTA, SHANXI, TAIYUAN = (
    "100000",
    "210000",
    "211300",
    "211302",
    "140000",
    "140100",
)
DALIAN = "210200"


async def ask(
    world: World, path: str, *scopes: str, subject: str, body: Any = None, **claims: Any
) -> tuple[int, Any]:
    headers = bearer(*scopes, subject=subject, **claims)
    sent = {} if body is None else {"json": body}
    response = await world.client.request("GET" if body is None else "POST", path, headers=headers, **sent)
    return response.status_code, response.json()


async def records(world: World, place: str = NATION, **sought: str) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in sought.items())
    status, page = await ask(world, f"/v1/audit?{asked}", "audit:read", subject="auditor", place=place)
    assert status == 200, page
    return list(page["items"])


async def compliance(world: World, who: Somebody, subject: str, **claims: Any) -> int:
    path = f"/v1/persons/{who.person_id}/compliance/2025"
    return (await ask(world, path, "compliance:read", subject=subject, **claims))[0]


class TestRecords:
    async def test_of_a_person_are_for_the_auditors_of_their_place_and_all_above(self, world: World) -> None:
        who = await world.collects(SHUANGTA)
        assert await compliance(world, who, "reader-1", place=SHUANGTA) == 200
        for place in (SHUANGTA, CHAOYANG, LIAONING, NATION):
            [record] = await records(world, place, caller="reader-1")
            assert (record["kind"], record["subjects"], record["result"]) == (
                "compliance",
                [who.person_id],
                "shown",
            )
        for place in (SHANXI, DALIAN):
            assert await records(world, place, caller="reader-1") == []

    async def test_of_a_refusal_are_for_the_person_s_place_too(self, world: World) -> None:
        who = await world.collects(SHUANGTA)
        assert await compliance(world, who, "reader-2", place=CHAOYANG[:4] + "03") == 403
        [record] = await records(world, SHUANGTA, caller="reader-2")
        assert (record["subjects"], record["result"]) == ([who.person_id], "outside-place")

    async def test_of_many_are_one_for_each_place(self, world: World) -> None:
        here, there = await world.collects(SHUANGTA), await world.collects(TAIYUAN)
        body = {"year": 2025, "persons": [here.person_id, there.person_id, "person-nobody"]}
        status, _ = await ask(
            world, "/v1/compliance/query", "compliance:read", subject="reader-3", place=NATION, body=body
        )
        assert status == 200
        for place, who in ((LIAONING, here), (SHANXI, there)):
            [record] = await records(world, place, caller="reader-3")
            assert (record["subjects"], record["count"]) == ([who.person_id], 1)
        assert len(await records(world, caller="reader-3")) == 2

    @pytest.mark.parametrize("claims", [{"place": "140100"}, {"organization": "organization-1"}, {}])
    async def test_of_anybody_are_for_the_nation(self, world: World, claims: dict[str, Any]) -> None:
        who = await world.collects(SHUANGTA)
        reader = f"reader-of-{claims}".translate({ord(each): "." for each in "{}': "})
        assert await compliance(world, who, reader, **claims) in (403, 404)
        assert len(await records(world, caller=reader)) == 1

    async def test_are_found_by_person_caller_kind_and_time_page_by_page(self, world: World) -> None:
        who = await world.collects(SHUANGTA)
        for turn in range(3):
            await compliance(world, who, f"reader-{turn}", place=SHUANGTA)
        await ask(
            world,
            f"/v1/persons/{who.person_id}/transcript",
            "transcript:read",
            subject="reader-9",
            place=LIAONING,
        )
        of_person = {"subject": who.person_id, "kind": "compliance"}
        assert len(await records(world, **of_person)) == 3
        assert len(await records(world, subject=who.person_id, kind="transcript")) == 1
        assert len(await records(world, **of_person, caller="reader-1")) == 1
        assert await records(world, **of_person, until="2025-01-01T00:00:00Z") == []
        assert len(await records(world, **of_person, since="2025-01-01T00:00:00Z")) == 3
        found, before = [], ""
        while before is not None and len(found) < 4:
            path = f"/v1/audit?limit=1&kind=compliance&subject={who.person_id}{before}"
            _, page = await ask(world, path, "audit:read", subject="pages", place=NATION)
            found += [each["caller"] for each in page["items"]]
            before = page["next"] and f"&after={page['next']}"
        assert found == ["reader-2", "reader-1", "reader-0"]

    async def test_of_the_audit_itself_are_kept(self, world: World) -> None:
        await records(world, LIAONING)
        assert "audit" in {each["kind"] for each in await records(world, caller="auditor")}

    @pytest.mark.parametrize(
        ("claims", "path"),
        [
            ({}, "/v1/audit"),
            ({"organization": "organization-1"}, "/v1/audit"),
            ({"place": SHUANGTA}, f"/v1/audit?place={LIAONING}"),
            ({"place": LIAONING}, f"/v1/audit?place={DALIAN}"),
        ],
    )
    async def test_are_shown_to_nobody_else(self, world: World, claims: dict[str, Any], path: str) -> None:
        status, answer = await ask(world, path, "audit:read", subject="curious", **claims)
        assert (status, answer["type"]) == (403, "urn:xuefen:problem:outside-place")


class TestOwn:
    async def test_readings_are_shown_to_the_person_and_nobody_else_with_them(self, world: World) -> None:
        who, other = await world.collects(SHUANGTA), await world.collects(SHUANGTA)
        body = {"year": 2025, "persons": [who.person_id, other.person_id]}
        await ask(
            world, "/v1/compliance/query", "compliance:read", subject="reader-1", place=LIAONING, body=body
        )
        await compliance(world, other, "reader-2", place=LIAONING)
        status, page = await ask(world, "/v1/my-readings", "audit:own", subject=who.person_id)
        assert status == 200
        seen = [(each["caller"], each["place"], each["subjects"], each["count"]) for each in page["items"]]
        assert seen == [("reader-1", SHUANGTA, [who.person_id], 1)]
        assert other.person_id not in str(page)

    @pytest.mark.parametrize("claims", [{"place": LIAONING}, {"organization": "organization-1"}])
    async def test_are_for_a_token_of_a_person(self, world: World, claims: dict[str, str]) -> None:
        assert (await ask(world, "/v1/my-readings", "audit:own", subject="p", **claims))[0] == 403


class TestNoRecordNoAnswer:
    async def test_while_the_record_cannot_be_written(self, world: World) -> None:
        who = await world.collects(SHUANGTA)
        conn = await asyncpg.connect(world.fresh.admin_dsn)
        await conn.execute("revoke insert on ledger.audit_records from xuefen_ledger")
        try:
            assert await compliance(world, who, "reader-1", place=SHUANGTA) == 503
        finally:
            await conn.execute("grant insert on ledger.audit_records to xuefen_ledger")
            await conn.close()
        assert await compliance(world, who, "reader-1", place=SHUANGTA) == 200
