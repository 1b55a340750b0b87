"""Deprecations: every answer of an operation that will end says since when, until when and where to read of it."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts import DEPRECATIONS
from services.kit.app import openapi_document
from services.kit.deprecations import Deprecation, Deprecations, deprecations_in
from services.kit.routers import Router
from tests.kit.http import calling, service

OLD = Deprecation(
    service="things",
    method="GET",
    path="/v1/things/{thing_id}",
    deprecated_on=date(2027, 1, 1),
    sunset_on=date(2027, 12, 31),
    link="https://docs.example/en/versions.html",
)
ROUTES = Router()


@ROUTES.get("/v1/things/{thing_id}")
async def get_thing(thing_id: str) -> dict[str, str]:
    return {"id": thing_id}


@ROUTES.post("/v1/things/{thing_id}")
async def change_thing(thing_id: str) -> dict[str, str]:
    return {"id": thing_id}


async def test_every_answer_also_a_refusal_says_so_and_no_other_operation() -> None:
    app = service([ROUTES], deprecations=[OLD])
    async with calling(app, "anything:read") as client, calling(app) as nobody:
        for answer in (await client.get("/v1/things/1"), await nobody.get("/v1/things/1")):
            assert answer.headers["Deprecation"] == "@1798761600"
            assert answer.headers["Sunset"] == "Fri, 31 Dec 2027 23:59:59 GMT"
            assert answer.headers["Link"].startswith(
                '<https://docs.example/en/versions.html>; rel="deprecation"'
            )
        for answer in (await client.post("/v1/things/1"), await client.get("/v1/things/1/more")):
            assert not {"Deprecation", "Sunset", "Link"} & set(answer.headers)


def test_the_document_says_so() -> None:
    document = openapi_document(service([ROUTES], deprecations=[OLD]))
    item = document["paths"]["/v1/things/{thing_id}"]
    assert (item["get"]["deprecated"], item["get"]["x-sunset"]) == (True, "2027-12-31")
    assert "deprecated" not in item["post"]
    with pytest.raises(KeyError):
        openapi_document(service([], deprecations=[OLD]))


def test_an_operation_works_for_as_long_as_is_promised() -> None:
    assert Deprecations(lead_days=364, operations=(OLD,)).of("things") == [OLD]
    with pytest.raises(ValidationError, match="less than 365 days"):
        Deprecations(lead_days=365, operations=(OLD,))


@pytest.mark.parametrize(
    "wrong", ["path: things", "link: 'https://x/>; rel=next'", "method: HEAD", "until: never"]
)
def test_a_file_with_a_fault_is_refused(tmp_path: Path, wrong: str) -> None:
    told = OLD.model_dump(mode="json")
    lines = "".join(
        f"    {name}: {value}\n" for name, value in told.items() if not wrong.startswith(f"{name}:")
    )
    file = tmp_path / "deprecations.yaml"
    file.write_text(f"lead_days: 1\noperations:\n  - {wrong}\n{lines}")
    with pytest.raises(ValueError, match=wrong.partition(":")[0]):
        deprecations_in(file)


def test_this_release_promises_a_year() -> None:
    assert deprecations_in(DEPRECATIONS).lead_days == 365
