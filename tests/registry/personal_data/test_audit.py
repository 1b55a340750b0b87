"""Every reading of personal data leaves a record, refused ones too; no record, no reading."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from services.kit.audit import AuditedRoute
from services.registry.people import api as people
from services.registry.personal_data import api as personal_data
from services.registry.streams.profile import masked_name, masked_number, masked_phone
from tests.conftest import FreshDatabase
from tests.registry.scenarios import DALIAN, LIAONING, NATION, SHUANGTA, Registry, somebody

NOBODY = str(uuid.UUID(int=7))
SHENYANG = "210100"


@pytest.fixture
async def admin(fresh: FreshDatabase) -> AsyncIterator[Any]:
    conn = await asyncpg.connect(fresh.admin_dsn)
    yield conn
    await conn.close()


async def on_record(admin: Any, caller: str) -> list[tuple[Any, ...]]:
    rows = await admin.fetch(
        "select kind, asked, subjects[1], purpose, result from registry.audit_records where caller = $1 order by record_id",
        caller,
    )
    return [tuple(row) for row in rows]


class TestMasking:
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("赵甲", "赵*"),
            ("赵甲子", "赵*子"),
            ("欧阳甲子", "欧*甲子"),
            ("赵", "*"),
            ("Ada Lovelace", "A** L*******"),
        ],
    )
    def test_of_a_name_one_character_is_hidden(self, name: str, shown: str) -> None:
        assert masked_name(name) == shown

    @pytest.mark.parametrize(
        ("number", "shown"),
        [
            ("110101190001010000", "110101********0000"),
            ("H12345678", "*****5678"),
            ("12345678", "****5678"),
            ("1234", "**34"),
            ("军字第1234567号", "*******567号"),
        ],
    )
    def test_of_a_number_digits_7_to_14_are_hidden_and_the_last_four_kept(
        self, number: str, shown: str
    ) -> None:
        assert masked_number(number) == shown

    def test_of_a_telephone_number_the_last_four_are_kept(self) -> None:
        assert masked_phone("13800001234") == "*******1234"


class TestRecords:
    async def test_of_what_was_shown(self, registry: Registry, admin: Any) -> None:
        human = somebody()
        outcome = await registry.collected(human)
        seen = await registry.call("GET", f"/v1/persons/{outcome['person_id']}", subject="reader-1")
        assert seen.json()["id_number"] == masked_number(human.id_number)
        assert await on_record(admin, "reader-1") == [
            ("person", outcome["person_id"], outcome["person_id"], "routine", "shown")
        ]

    async def test_of_a_wrong_place(self, registry: Registry, admin: Any) -> None:
        outcome = await registry.collected(somebody())
        for path in (
            f"/v1/persons/{outcome['person_id']}",
            f"/v1/collections/{outcome['collection_id']}",
        ):
            refused = await registry.call("GET", path, subject="reader-2", place=DALIAN)
            assert refused.status_code == 404
        assert [(row[0], row[2], row[4]) for row in await on_record(admin, "reader-2")] == [
            ("person", outcome["person_id"], "not-found"),
            ("collection", outcome["person_id"], "not-found"),
        ]

    async def test_of_a_missing_scope(self, registry: Registry, admin: Any) -> None:
        outcome = await registry.collected(somebody())
        path = f"/v1/persons/{outcome['person_id']}"
        assert (await registry.call("GET", path, "feed:read", subject="reader-3")).status_code == 403
        full = await registry.call(
            "POST",
            f"{path}/disclosure",
            "collection:review",
            body={"purpose": "inspection"},
            subject="reader-3",
        )
        assert full.status_code == 403
        assert [(row[0], row[1], row[4]) for row in await on_record(admin, "reader-3")] == [
            ("person", outcome["person_id"], "insufficient-scope"),
            ("person-in-full", outcome["person_id"], "insufficient-scope"),
        ]

    async def test_of_somebody_unknown(self, registry: Registry, admin: Any) -> None:
        for path in (f"/v1/persons/{NOBODY}", f"/v1/collections/{NOBODY}", f"/v1/evidence/{NOBODY}"):
            assert (await registry.call("GET", path, subject="reader-4")).status_code == 404
        assert {(row[1], row[2], row[4]) for row in await on_record(admin, "reader-4")} == {
            (NOBODY, None, "not-found")
        }

    async def test_never_of_a_number_in_an_address(self, registry: Registry, fresh: FreshDatabase) -> None:
        human = somebody()
        await registry.call("GET", f"/v1/persons/{human.id_number}", "feed:read", subject="reader-5")
        conn = await asyncpg.connect(fresh.admin_dsn)
        rows = await conn.fetch("select * from registry.audit_records where caller = 'reader-5'")
        await conn.close()
        assert human.id_number not in str([tuple(row) for row in rows])

    def test_are_asked_of_every_route_that_gives_personal_data(self) -> None:
        routers = (
            people.persons,
            people.collections,
            people.changes,
            people.own_cases,
            personal_data.router,
        )
        marked = {
            route.path
            for router in routers
            for route in router.routes
            if isinstance(route, AuditedRoute) and route.reads
        }
        assert marked >= {
            "/v1/persons/{id}",
            "/v1/persons/{id}/disclosure",
            "/v1/collections/{id}",
            "/v1/identity-checks",
            "/v1/evidence/{id}",
            "/v1/changes/{id}",
            "/v1/changes/{id}/disclosure",
            "/v1/my-cases/{id}",
        }


class TestNoRecordNoReading:
    async def test_while_the_record_cannot_be_written(self, registry: Registry, admin: Any) -> None:
        human = somebody()
        outcome = await registry.collected(human)
        path = f"/v1/persons/{outcome['person_id']}"
        await admin.execute("revoke insert on registry.audit_records from xuefen_registry")
        try:
            for method, at, body in (
                ("GET", path, None),
                ("GET", f"/v1/collections/{outcome['collection_id']}", None),
                ("POST", f"{path}/disclosure", {"purpose": "inspection"}),
                ("POST", "/v1/identity-checks", {"persons": [human.body]}),
                ("GET", "/v1/audit", None),
                ("GET", f"/v1/persons/{NOBODY}", None),
            ):
                answer = await registry.call(method, at, body=body, subject="reader-6")
                assert (answer.status_code, answer.json()["type"]) == (
                    503,
                    "urn:xuefen:problem:audit-unavailable",
                )
                assert human.id_number not in answer.text
        finally:
            await admin.execute("grant insert on registry.audit_records to xuefen_registry")
        assert await on_record(admin, "reader-6") == []
        assert (await registry.call("GET", path, subject="reader-6")).status_code == 200

    async def test_a_record_cannot_be_rewritten_by_the_service(self, fresh: FreshDatabase) -> None:
        conn = await asyncpg.connect(fresh.app_dsn)
        for statement in (
            "delete from registry.audit_records",
            "update registry.audit_records set caller = 'nobody'",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.execute(statement)
        await conn.close()


class TestUnmasking:
    async def test_needs_a_stated_purpose(self, registry: Registry, admin: Any) -> None:
        human = somebody()
        outcome = await registry.collected(human)
        path = f"/v1/persons/{outcome['person_id']}/disclosure"
        for body in ({}, {"purpose": "curiosity"}, {"purpose": None}):
            answer = await registry.call("POST", path, body=body, subject="reader-7")
            assert answer.status_code == 422
            assert human.name not in answer.text
        answer = await registry.call("POST", path, body={"purpose": "legal_request"}, subject="reader-7")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        seen = answer.json()
        assert (seen["name"], seen["id_number"], seen["id_type"]) == (
            human.name,
            human.id_number,
            "resident_id",
        )
        assert (await on_record(admin, "reader-7"))[-1] == (
            "person-in-full",
            outcome["person_id"],
            outcome["person_id"],
            "legal_request",
            "shown",
        )

    async def test_is_for_officials_of_the_place(self, registry: Registry) -> None:
        outcome = await registry.collected(somebody())
        path = f"/v1/persons/{outcome['person_id']}/disclosure"
        for who, status in (
            ({"place": SHUANGTA}, 200),
            ({"place": LIAONING}, 200),
            ({"place": NATION}, 200),
            ({"place": DALIAN}, 404),
            ({"place": SHENYANG}, 404),
            ({"place": None}, 404),
            ({"place": None, "organization": str(uuid.uuid4())}, 404),
        ):
            answer = await registry.call("POST", path, body={"purpose": "case_review"}, **who)
            assert answer.status_code == status, who

    async def test_shows_a_case_that_is_still_under_review(self, registry: Registry) -> None:
        human = somebody()
        outcome = await registry.submitted(human)
        path = f"/v1/persons/{outcome['person_id']}/disclosure"
        seen = (await registry.call("POST", path, body={"purpose": "case_review"})).json()
        assert seen["id_number"] == human.id_number


class TestReadingTheAudit:
    async def test_shows_the_readings_of_people_of_the_place_and_itself(self, registry: Registry) -> None:
        outcome = await registry.collected(somebody())
        await registry.call("GET", f"/v1/persons/{outcome['person_id']}", subject="reader-8")
        await registry.call("GET", f"/v1/persons/{outcome['person_id']}", subject="reader-9", place=DALIAN)
        for place in (SHUANGTA, LIAONING, NATION):
            answer = await registry.call("GET", "/v1/audit", place=place, subject=f"auditor-{place}")
            records = answer.json()["items"]
            of_person = [each for each in records if outcome["person_id"] in each["subjects"]]
            assert [(each["caller"], each["result"]) for each in of_person] == [
                ("reader-9", "not-found"),
                ("reader-8", "shown"),
            ]
        again = (await registry.call("GET", "/v1/audit", place=NATION)).json()["items"]
        assert {"auditor-211302", "auditor-210000", "auditor-100000"} <= {
            each["caller"] for each in again if each["kind"] == "audit"
        }

    @pytest.mark.parametrize("place", [DALIAN, SHENYANG, None])
    async def test_shows_nothing_of_another_place(self, registry: Registry, place: str | None) -> None:
        outcome = await registry.collected(somebody())
        await registry.call("GET", f"/v1/persons/{outcome['person_id']}")
        answer = await registry.call("GET", "/v1/audit", place=place)
        assert outcome["person_id"] not in answer.text
        assert answer.status_code == (403 if place is None else 200)

    async def test_needs_a_scope(self, registry: Registry) -> None:
        assert (await registry.call("GET", "/v1/audit", "person:unmask")).status_code == 403
        assert (await registry.call("GET", "/v1/audit", anonymous=True)).status_code == 401

    async def test_goes_back_page_by_page(self, registry: Registry) -> None:
        outcome = await registry.collected(somebody())
        for _ in range(5):
            await registry.call("GET", f"/v1/persons/{outcome['person_id']}", subject="reader-10")
        found, before = [], ""
        for _ in range(30):
            page = (await registry.call("GET", f"/v1/audit?limit=2{before}", place=SHUANGTA)).json()
            found += [each["record_id"] for each in page["items"] if each["caller"] == "reader-10"]
            if page["next"] is None:
                break
            before = f"&after={page['next']}"
        assert len(found) == len(set(found)) == 5
