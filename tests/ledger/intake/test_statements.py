"""Completions as xAPI statements and as CloudEvents: the same records, checked alike, and told where they are at fault."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.kit.errors import InvalidRequestError, MalformedBodyError
from services.kit.records import Batch, InvalidRecord
from services.ledger.intake.records import Completion
from services.ledger.intake.statements import (
    CLOUD_EVENT,
    COMPLETED,
    EVENT_TYPE,
    EVENTS,
    EXTENSION,
    ID_TYPE,
    PASSED,
    STATEMENTS,
    XAPI,
    Dialect,
    completions_of,
)
from tests.ledger.intake.test_posted_completions import read
from tests.ledger.moving.mover import LIAONING, LISTED, SHENYANG
from tests.ledger.world import Provider, World

MOMENT = "2025-05-31T10:00:00+08:00"
PERSON = {"id_type": "resident_id", "id_number": "210000196501050003", "name": "钱甲子"}
REST = {
    "year": 2025,
    "category": "professional",
    "credits": "30.00",
    "mode": "online",
    "authority": LIAONING,
    "tier": "junior",
    "started_on": "2025-05-01",
    "filing": "019aa3f0-5a11-7c3e-9d0b-3f6d2a7c2b02",
    "repeat_of": "a-0",
}
RECORD = {
    "id": "5b9f1d8e-0f4c-4c51-9a57-0a6c2d1f3e77",
    "person": PERSON,
    "course": "ZY-01",
    "title": "会计准则",
    "completed_at": MOMENT,
    **REST,
}


def statement(record: dict[str, Any] = RECORD, verb: str = COMPLETED) -> dict[str, Any]:
    """The record as a learning platform's statement, with much that is not read."""
    person, extended = record["person"], {name: record[name] for name in REST if name in record}
    return {
        "id": record["id"],
        "actor": {
            "objectType": "Agent",
            "name": person["name"],
            "account": {"homePage": ID_TYPE + person["id_type"], "name": person["id_number"]},
        },
        "verb": {"id": verb, "display": {"en-US": "completed"}},
        "object": {
            "id": f"urn:course:{record['course']}",
            "definition": {"name": {"en-US": "Standards", "zh-CN": record.get("title", "会计准则")}},
        },
        "result": {"completion": True, "success": True, "duration": "PT4H"},
        "context": {
            "extensions": {EXTENSION + name: value for name, value in extended.items()},
            "platform": "lms",
        },
        "timestamp": record["completed_at"],
    }


def event(record: dict[str, Any] = RECORD) -> dict[str, Any]:
    """The record as a CloudEvent."""
    data = {name: value for name, value in record.items() if name not in ("id", "completed_at")}
    return {
        "specversion": "1.0",
        "id": record["id"],
        "source": "urn:platform:lms",
        "type": EVENT_TYPE,
        "time": record["completed_at"],
        "datacontenttype": "application/json",
        "data": data,
    }


def converted(dialect: Dialect, *items: Any) -> Batch[Any]:
    return completions_of(json.dumps(list(items)).encode(), dialect, items_max=1_000)


def as_record(**fields: Any) -> Completion:
    import msgspec

    return msgspec.convert({**RECORD, **fields}, Completion)


class TestFields:
    @pytest.mark.parametrize(("dialect", "item"), [(STATEMENTS, statement()), (EVENTS, event())])
    def test_become_those_of_the_completion_one_by_one(self, dialect: Dialect, item: dict[str, Any]) -> None:
        [record] = converted(dialect, item).records
        assert record == as_record()
        [alone] = completions_of(json.dumps(item).encode(), dialect, items_max=1_000).records
        assert alone == record

    def test_of_what_was_passed_are_of_an_exam_too(self) -> None:
        [record] = converted(STATEMENTS, statement(verb=PASSED)).records
        assert record == as_record(exam_passed_at=MOMENT)

    @pytest.mark.parametrize("sources", [XAPI, CLOUD_EVENT])
    def test_are_fields_of_a_completion_all_of_them_that_are_needed(self, sources: dict[str, Any]) -> None:
        names = {field.split("/")[1] for field in sources}
        assert names <= set(Completion.__struct_fields__)
        assert {
            "id",
            "person",
            "year",
            "category",
            "credits",
            "hours",
            "mode",
            "course",
            "completed_at",
        } <= names

    def test_stand_one_by_one_on_the_page_of_the_service(self) -> None:
        page = (Path(__file__).parents[3] / "services/ledger/README.md").read_text("utf-8")
        table = page.partition("| completion | xAPI statement | CloudEvent |")[2].partition("\n\n")[0]
        for field in {*XAPI, *CLOUD_EVENT}:
            assert f"`{field.removeprefix('/').replace('/', '.')}`" in table
        for source in (*XAPI.values(), *CLOUD_EVENT.values()):
            shown = ".".join(source.path)
            assert f"`{shown}`" in table or source.path[-1].removeprefix(EXTENSION) in table


class TestFaults:
    @pytest.mark.parametrize(
        ("field", "value", "in_statement", "in_event"),
        [
            ("credits", "many", f"/context/extensions/{EXTENSION}credits", "/data/credits"),
            ("year", "2025", f"/context/extensions/{EXTENSION}year", "/data/year"),
            ("mode", None, f"/context/extensions/{EXTENSION}mode", "/data/mode"),
            ("completed_at", "yesterday", "/timestamp", "/time"),
            ("id", "no id", "/id", "/id"),
            ("course", "-", "/object/id", "/data/course"),
            (
                "person",
                PERSON | {"id_type": "library_card"},
                "/actor/account/homePage",
                "/data/person/id_type",
            ),
            ("person", PERSON | {"name": ""}, "/actor/name", "/data/person/name"),
        ],
    )
    def test_are_told_where_they_stand(
        self, field: str, value: Any, in_statement: str, in_event: str
    ) -> None:
        record = {name: given for name, given in {**RECORD, field: value}.items() if given is not None}
        for dialect, item, pointer in ((STATEMENTS, statement, in_statement), (EVENTS, event, in_event)):
            good, bad = converted(dialect, item(), item(record)).records
            assert isinstance(good, Completion)
            assert isinstance(bad, InvalidRecord)
            assert [error.pointer for error in bad.errors] == [f"/1{pointer}"]

    @pytest.mark.parametrize(
        ("dialect", "item", "pointer"),
        [
            (STATEMENTS, statement(verb="http://adlnet.gov/expapi/verbs/attempted"), "/0/verb/id"),
            (STATEMENTS, {}, "/0/verb/id"),
            (STATEMENTS, 7, "/0/verb/id"),
            (EVENTS, event() | {"type": "cn.xuefen.ledger.credit.earned.v1"}, "/0/type"),
            (EVENTS, event() | {"specversion": "0.3"}, "/0/specversion"),
            (EVENTS, [], "/0/specversion"),
        ],
    )
    def test_of_what_says_no_completion_leave_the_others_alone(
        self, dialect: Dialect, item: Any, pointer: str
    ) -> None:
        good = statement() if dialect is STATEMENTS else event()
        bad, other = converted(dialect, item, good).records
        assert isinstance(bad, InvalidRecord)
        assert [error.pointer for error in bad.errors] == [pointer]
        assert isinstance(other, Completion)

    def test_of_the_body_refuse_it_whole(self) -> None:
        for raw in (b"[]", json.dumps([statement()] * 3).encode(), b'{"id": "a", "id": "b"}'):
            with pytest.raises(InvalidRequestError):
                completions_of(raw, STATEMENTS, items_max=2)
        for raw in (b"", b"{", b"[1,]"):
            with pytest.raises(MalformedBodyError):
                completions_of(raw, STATEMENTS, items_max=2)


class TestRoutes:
    @pytest.fixture
    async def provider(self, world: World) -> Provider:
        world.now = datetime(2025, 6, 1, 4, tzinfo=UTC)
        return await world.provides(LISTED, accredited=[LIAONING])

    @pytest.mark.parametrize(
        ("path", "write", "media_type"),
        [
            ("statements", statement, "application/json"),
            ("events", event, "application/cloudevents-batch+json"),
        ],
    )
    async def test_answer_each_as_the_completion_that_it_says(
        self, world: World, provider: Provider, path: str, write: Any, media_type: str
    ) -> None:
        who = await world.collects(SHENYANG)
        record = provider.completion(who, 2025, "30.00", id=f"lms-{path}", completed_at=MOMENT)
        fault = json.loads(json.dumps(record)) | {"credits": 30.0, "id": "other"}
        headers = provider.headers("completion:write") | {"Content-Type": media_type, "Accept-Language": "en"}

        async def posts() -> list[Any]:
            body = json.dumps([write(record), write(fault)])
            response = await world.client.post(f"/v1/completions/{path}", content=body, headers=headers)
            assert response.status_code == 200, response.text
            results: list[Any] = response.json()["results"]
            return results

        first, bad = await posts()
        assert (first["id"], first["outcome"]) == (record["id"], "registered")
        assert (bad["id"], bad["outcome"]) == ("other", "rejected")
        assert bad["problem"]["errors"][0]["pointer"].endswith("credits")
        assert (await posts())[0]["outcome"] == "duplicate"
        assert (await read(provider, record["id"]))["state"] == "registered"
        [again] = await provider.posts(record | {"title": "会计准则"} if path == "statements" else record)
        assert again["outcome"] == "duplicate"
