"""An employer hands in many people's claims at once: every row has its own evidence and outcome, and all are reviewed as one
or row by row."""

import itertools
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from services.cli.demo import fictitious
from services.ledger.counting import rebuild as rebuilding
from tests.kit.http import bearer
from tests.ledger.world import Somebody, World

LIAONING, SHENYANG, CHAOYANG = "210000", "210102", "211302"
_UNITS = itertools.count(300)
EVIDENCE = [{"sha256": "a" * 64, "media_type": "application/pdf"}]


class Unit:
    """An employer, and what it claims for its people."""

    def __init__(self, world: World, code: str) -> None:
        self.world = world
        self.code = code
        self._headers: dict[str, str] = {}

    async def headers(self) -> dict[str, str]:
        """Its token, with a fresh key."""
        if not self._headers:
            known = await self.world.employs(self.code)
            self._headers = known
        return self._headers | {"Idempotency-Key": str(uuid.uuid4())}

    def row(self, who: Somebody, row_id: str, **fields: Any) -> dict[str, Any]:
        """A paper of somebody; given fields win."""
        person = who.person
        return {
            "id": row_id,
            "person": {"id_type": "resident_id", "id_number": person.id_number, "name": person.name},
            "year": 2025,
            "form": "paper",
            "role": "sole",
            "happened_on": "2025-03-10",
            "fact": {"cn_number": "CN21-1234/F", "issue": "2025-03", "title": f"论{row_id}"},
            "evidence": EVIDENCE,
        } | fields

    async def submits(self, *rows: dict[str, Any], place: str = LIAONING) -> Any:
        return await self.world.client.post(
            "/v1/collective-claims",
            json={"place": place, "records": list(rows)},
            headers=await self.headers(),
        )

    async def reviews(self, collective: str, step: str, place: str = LIAONING, **body: Any) -> Any:
        headers = bearer("claim:review", subject="reviewer", place=place)
        return await self.world.client.post(
            f"/v1/collective-claims/{collective}/{step}",
            json=body,
            headers=headers | {"Idempotency-Key": str(uuid.uuid4())},
        )


@pytest.fixture
async def unit(world: World) -> Unit:
    world.now = datetime(2025, 10, 20, 4, tzinfo=UTC)
    unit = Unit(world, fictitious.uscc(next(_UNITS)))
    await unit.headers()
    return unit


async def people(world: World, unit: Unit, count: int) -> list[Somebody]:
    return [await world.collects(SHENYANG, employer=unit.code) for _ in range(count)]


class TestSubmit:
    async def test_every_row_is_answered_for_itself(self, world: World, unit: Unit):
        """S0-12, S0-17: what the policy makes of each; a stranger's row does not spoil the others."""
        [one, two] = await people(world, unit, 2)
        stranger = await world.collects(SHENYANG)
        response = await unit.submits(
            unit.row(one, "1"),
            unit.row(two, "2", role="other"),
            unit.row(stranger, "3"),
            unit.row(one, "4", form="astrology"),
        )
        assert response.status_code == 201, response.text
        results = response.json()["results"]
        assert [each["outcome"] for each in results] == ["submitted", "submitted", "rejected", "rejected"]
        assert [each.get("credits") for each in results[:2]] == ["30.00", "10.00"]
        problems = [each["problem"]["type"].rpartition(":")[2] for each in results[2:]]
        assert problems == ["person-unknown", "form-not-recognised"]

    async def test_the_same_fact_twice_in_a_list_is_claimed_once(self, world: World, unit: Unit):
        """A-15."""
        [who] = await people(world, unit, 1)
        row = unit.row(who, "1")
        first, again = (await unit.submits(row, row | {"id": "2"})).json()["results"]
        assert first["outcome"] == "submitted"
        assert (again["outcome"], again["claim_id"]) == ("duplicate", first["claim_id"])

    async def test_another_name_than_the_registry_has_is_nobody(self, world: World, unit: Unit):
        """S0-23."""
        [who] = await people(world, unit, 1)
        row = unit.row(who, "1")
        row["person"] = row["person"] | {"name": "别的名字"}
        [result] = (await unit.submits(row)).json()["results"]
        assert result["problem"]["type"] == "urn:xuefen:problem:person-unknown"

    async def test_a_wrong_number_is_named_before_anything_is_stored(self, world: World, unit: Unit):
        [who] = await people(world, unit, 1)
        row = unit.row(who, "1")
        number = row["person"]["id_number"]
        wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
        row["person"] = row["person"] | {"id_number": wrong}
        response = await unit.submits(unit.row(who, "0"), row)
        assert response.status_code == 422
        assert response.json()["pointer"] == "/records/1/person/id_number"


class TestReview:
    async def given(self, world: World, unit: Unit, count: int = 3) -> tuple[list[Somebody], str, list[str]]:
        who = await people(world, unit, count)
        answer = (await unit.submits(*(unit.row(each, str(n)) for n, each in enumerate(who)))).json()
        return who, answer["collective"], [each["claim_id"] for each in answer["results"]]

    async def test_as_one(self, world: World, unit: Unit):
        who, collective, _ = await self.given(world, unit)
        accepted = (await unit.reviews(collective, "acceptance")).json()["results"]
        assert {each["outcome"] for each in accepted} == {"accepted"}
        approved = (await unit.reviews(collective, "approval")).json()["results"]
        assert {(each["outcome"], each["credits"]) for each in approved} == {("approved", "30.00")}
        assert {(await world.asks(each, 2025))["total"] for each in who} == {"30.00"}

    async def test_row_by_row(self, world: World, unit: Unit):
        who, collective, claims = await self.given(world, unit)
        await unit.reviews(collective, "acceptance")
        await unit.reviews(collective, "approval", claims=claims[:1])
        await unit.reviews(collective, "refusal", claims=claims[1:2], reason="evidence_unclear")
        rest = (await unit.reviews(collective, "approval")).json()["results"]
        assert [each["outcome"] for each in rest] == ["unchanged", "unchanged", "approved"]
        shown = await world.client.get(f"/v1/collective-claims/{collective}", headers=await unit.headers())
        states = {each["claim_id"]: (each["state"], each["reason"]) for each in shown.json()["items"]}
        assert [states[claim_id] for claim_id in claims] == [
            ("approved", None),
            ("refused", "evidence_unclear"),
            ("approved", None),
        ]
        assert [(await world.asks(each, 2025))["total"] for each in who] == ["30.00", "0.00", "30.00"]

    async def test_two_claims_of_one_person_are_approved_together(self, world: World, unit: Unit):
        [who] = await people(world, unit, 1)
        answer = (await unit.submits(unit.row(who, "1"), unit.row(who, "2"))).json()
        await unit.reviews(answer["collective"], "acceptance")
        approved = (await unit.reviews(answer["collective"], "approval")).json()["results"]
        assert [each["outcome"] for each in approved] == ["approved", "approved"]
        assert (await world.asks(who, 2025))["total"] == "60.00"

    async def test_by_officials_of_the_place_alone(self, world: World, unit: Unit):
        _, collective, _ = await self.given(world, unit, 1)
        for place in (CHAOYANG, "140000"):
            response = await unit.reviews(collective, "acceptance", place)
            assert response.json()["type"] == "urn:xuefen:problem:claim-unknown"

    async def test_are_handed_in_by_an_official_or_an_employer_alone(self, world: World, unit: Unit):
        [who] = await people(world, unit, 1)
        headers = bearer("claim:submit", subject=who.person_id) | {"Idempotency-Key": str(uuid.uuid4())}
        body = {"place": SHENYANG, "records": [unit.row(who, "1")]}
        answer = await world.client.post("/v1/collective-claims", json=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:xuefen:problem:not-spoken-for")

    async def test_never_by_who_handed_them_in(self, world: World, unit: Unit):
        [who] = await people(world, unit, 1)
        headers = bearer("claim:submit", "claim:review", subject="clerk", place=SHENYANG)
        key = {"Idempotency-Key": str(uuid.uuid4())}
        body = {"place": SHENYANG, "records": [unit.row(who, "1")]}
        answer = await world.client.post("/v1/collective-claims", json=body, headers=headers | key)
        collective = answer.json()["collective"]
        own = await world.client.post(
            f"/v1/collective-claims/{collective}/acceptance",
            json={},
            headers=headers | {"Idempotency-Key": str(uuid.uuid4())},
        )
        assert own.json()["results"][0]["problem"]["type"] == "urn:xuefen:problem:own-claim"


async def test_rebuilt_rows_are_the_same(world: World, unit: Unit):
    [who] = await people(world, unit, 1)
    answer = (await unit.submits(unit.row(who, "1"))).json()
    await unit.reviews(answer["collective"], "acceptance")
    read = "select record_send(c.*) from claims c where log = $1 order by claim_id"
    async with world.ledger.databases.of(LIAONING).acquire() as conn:
        before = await conn.fetch(read, LIAONING)
    await rebuilding.rebuild(world.ledger.databases, models=["claims"], logs=[LIAONING])
    async with world.ledger.databases.of(LIAONING).acquire() as conn:
        assert await conn.fetch(read, LIAONING) == before
