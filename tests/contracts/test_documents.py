"""The generated documents are what the code says, and point at nothing that is not there."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from contracts.catalogue import PUBLISHED_EVENTS
from services.cli.asyncapi import asyncapi_document
from services.cli.contracts import (
    COMMAND,
    ROOT,
    SERVICES,
    openapi_document,
    policy_schema,
    problems_page,
    service_problems,
)

STALE = f"is not what the code says: run `{COMMAND}` and commit what it writes"


def read(path: str) -> str:
    file = ROOT / path
    assert file.exists(), f"contracts/{path} is missing: run `{COMMAND}` and commit what it writes"
    return file.read_text(encoding="utf-8")


def references(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        for value in document.values():
            yield from references(value)
    elif isinstance(document, list):
        for value in document:
            yield from references(value)


def resolve(document: Any, reference: str, folder: Path) -> Any:
    file, _, pointer = reference.partition("#")
    found = json.loads((folder / file).read_text(encoding="utf-8")) if file else document
    for step in filter(None, pointer.split("/")):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


class TestAsyncApi:
    def test_is_the_one_that_is_committed(self):
        assert yaml.safe_load(read("asyncapi.yaml")) == asyncapi_document(), (
            f"contracts/asyncapi.yaml {STALE}"
        )

    def test_points_at_nothing_that_is_not_there(self):
        document = asyncapi_document()
        for reference in references(document):
            assert resolve(document, reference, ROOT) is not None

    def test_sends_every_event_in_one_channel(self):
        channels = asyncapi_document()["channels"]
        assert set(channels) == set(SERVICES) - {"sync"}
        sent = [name for channel in channels.values() for name in channel["messages"]]
        assert sorted(f"cn.xuefen.{name}" for name in sent) == sorted(PUBLISHED_EVENTS)

    def test_operations_name_messages_of_their_own_channel(self):
        document = asyncapi_document()
        for operation in document["operations"].values():
            channel = operation["channel"]["$ref"]
            named = [message["$ref"] for message in operation["messages"]]
            assert named
            assert all(reference.startswith(channel + "/messages/") for reference in named)

    def test_has_what_version_three_demands(self):
        document = asyncapi_document()
        assert document["asyncapi"] == "3.0.0"
        assert {"title", "version"} <= document["info"].keys()
        for server in document["servers"].values():
            assert {"host", "protocol"} <= server.keys()
        for channel in document["channels"].values():
            assert set(re.findall(r"\{(\w+)\}", channel["address"])) == channel["parameters"].keys()
        for operation in document["operations"].values():
            assert operation["action"] in {"send", "receive"}


@pytest.mark.parametrize("service", SERVICES)
class TestOpenApi:
    def test_is_the_one_that_is_committed(self, service: str):
        path = f"openapi/{service}.v1.json"
        assert json.loads(read(path)) == openapi_document(service), f"contracts/{path} {STALE}"

    def test_points_at_nothing_that_is_not_there(self, service: str):
        document = openapi_document(service)
        assert document["openapi"].startswith("3.1.")
        for reference in references(document):
            assert resolve(document, reference, ROOT) is not None

    def test_gives_every_operation_an_id_of_its_own_and_words(self, service: str):
        operations = [
            operation for item in openapi_document(service)["paths"].values() for operation in item.values()
        ]
        ids = [operation["operationId"] for operation in operations]
        assert len(set(ids)) == len(ids)
        for operation in operations:
            assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", operation["operationId"])
            assert operation.get("description") or operation.get("summary")

    def test_repeats_no_problem_answer(self, service: str):
        document = openapi_document(service)
        named = document["components"]["responses"].values()
        repeated = [
            f"{operation['operationId']}: {status}"
            for item in document["paths"].values()
            for operation in item.values()
            for status, answer in operation["responses"].items()
            if answer in named
        ]
        assert not repeated


class TestPolicySchema:
    def test_is_the_one_that_is_committed(self):
        path = "policy.schema.json"
        assert json.loads(read(path)) == policy_schema(), f"contracts/{path} {STALE}"

    def test_is_a_schema(self):
        Draft202012Validator.check_schema(policy_schema())


class TestProblems:
    def test_the_page_is_the_one_that_is_committed(self):
        assert read("problems.md") == problems_page(), f"contracts/problems.md {STALE}"

    def test_every_problem_has_words_in_both_languages_and_a_section(self):
        page = problems_page()
        for problem in service_problems():
            assert re.fullmatch(r"[a-z]+(-[a-z]+)*", problem.code)
            assert 400 <= problem.status <= 599
            assert re.search(r"[\u4e00-\u9fff]", problem.title_zh)
            assert problem.title_en.isascii()
            assert (problem.__doc__ or "").strip()
            assert f"## {problem.code}\n" in page
