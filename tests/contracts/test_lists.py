"""Lists of every service have one shape, and one way to go on."""

from collections.abc import Iterator
from typing import Any

import pytest

from services.cli.contracts import SERVICES
from tests.openapi import committed

JSON = "application/json"
OTHER_CURSORS = {"before", "cursor", "offset", "page", "next_after", "next_before", "more"}


def reads_of(service: str) -> Iterator[tuple[str, set[str], dict[str, Any], dict[str, Any]]]:
    """Every reading of a service: its operation, its parameters, the schema of its answer, and of one item."""
    document = committed(service)
    shared, schemas = document["components"]["parameters"], document["components"]["schemas"]

    def found(schema: dict[str, Any]) -> dict[str, Any]:
        return schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    for item in document["paths"].values():
        operation = item.get("get", {"responses": {}})
        answer = found(
            operation["responses"].get("200", {}).get("content", {}).get(JSON, {}).get("schema", {})
        )
        one = found(answer.get("properties", {}).get("items", {}).get("items", {}))
        parameters = [
            shared.get(each.get("$ref", "").rpartition("/")[2], each)
            for each in operation.get("parameters", [])
        ]
        yield operation.get("operationId", ""), {each["name"] for each in parameters}, answer, one


def lists_of(service: str) -> Iterator[tuple[str, set[str], dict[str, Any], dict[str, Any]]]:
    """Every reading that is a list by its name or by its shape."""
    for operation, parameters, answer, one in reads_of(service):
        fields = answer.get("properties", {}).keys()
        if operation.startswith("list_") or "next" in fields or one or answer.get("type") == "array":
            yield operation, parameters, answer, one


@pytest.mark.parametrize("service", SERVICES)
class TestLists:
    def test_have_items_and_what_is_next(self, service: str):
        odd = [
            name
            for name, _, answer, _ in lists_of(service)
            if not {"items", "next"} <= answer.get("properties", {}).keys()
        ]
        assert not odd

    def test_go_on_after_what_is_next_or_tell_their_total(self, service: str):
        for name, parameters, answer, _ in lists_of(service):
            assert ("after" in parameters) != ("total" in answer["properties"]), name
            assert "limit" not in parameters or "after" in parameters, name

    def test_know_no_cursor_by_another_name(self, service: str):
        for name, parameters, answer, _ in lists_of(service):
            assert not OTHER_CURSORS & (parameters | answer["properties"].keys()), name

    def test_say_a_state_or_a_status_and_filter_by_the_same_word(self, service: str):
        for name, parameters, _, one in lists_of(service):
            words = {"state", "status"} & one.get("properties", {}).keys()
            assert len(words) < 2, name
            assert {"state", "status"} & parameters <= words, name
