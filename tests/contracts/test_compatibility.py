"""Compatibility of OpenAPI documents: what breaks a program is told, and what only adds is not."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.compatibility import FOLDER, breaking_changes, main

Change = Callable[[dict[str, Any]], object]
THING = {
    "type": "object",
    "required": ["id", "count"],
    "properties": {
        "id": {"type": "string", "maxLength": 10},
        "count": {"type": "integer", "minimum": 0},
        "kind": {"type": "string", "enum": ["a", "b"]},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
        "left": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "additionalProperties": False,
}
JSON = {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
DOCUMENT: dict[str, Any] = {
    "paths": {
        "/v1/things": {
            "get": {
                "security": [{"token": ["read"]}, {"token": ["write"]}],
                "parameters": [
                    {"name": "year", "in": "query", "schema": {"type": "integer", "maximum": 2100}}
                ],
                "responses": {"200": {"content": JSON}, "422": {}},
            },
            "post": {"requestBody": {"content": JSON}, "responses": {"201": {"content": JSON}}},
        }
    },
    "components": {"schemas": {"Thing": THING, "Other": {"type": "object"}}},
}
PATH, GET = "/v1/things", "get"


def thing(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]["Thing"]
    return found


def get(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][PATH][GET]
    return found


def after(change: Change) -> list[str]:
    changed = copy.deepcopy(DOCUMENT)
    change(changed)
    return breaking_changes(DOCUMENT, changed)


BREAKING: dict[str, tuple[Change, str]] = {
    "an operation is gone": (lambda d: d["paths"][PATH].pop(GET), "GET /v1/things: is gone"),
    "a path is gone": (lambda d: d["paths"].pop(PATH), "POST /v1/things: is gone"),
    "a scope": (lambda d: get(d)["security"].pop(), "GET /v1/things: a scope that opened it does no longer"),
    "two scopes": (lambda d: get(d).update(security=[{"token": ["read", "write"]}]), "GET /v1/things: a scope"),
    "a parameter": (lambda d: get(d)["parameters"].pop(), "the query parameter year is gone"),
    "a parameter is required": (lambda d: get(d)["parameters"][0].update(required=True), "year is required"),
    "a bound": (lambda d: get(d)["parameters"][0]["schema"].update(maximum=2099), "year has a lower maximum"),
    "an answer": (lambda d: get(d)["responses"].pop("200"), "does not answer 200"),
    "an answer's type": (lambda d: get(d)["responses"]["200"].update(content={"text/csv": {}}), "application/json"),
    "a body": (lambda d: d["paths"][PATH]["post"]["requestBody"].update(required=True), "the body is required"),
    "a field": (lambda d: thing(d)["properties"].pop("kind"), "POST /v1/things: body/kind is not taken"),
    "an answer's field": (lambda d: thing(d)["properties"].pop("kind"), "GET /v1/things: answer/kind is gone"),
    "a required field": (lambda d: thing(d)["required"].append("kind"), "body/kind is required"),
    "an optional field": (lambda d: thing(d)["required"].remove("count"), "answer/count may be absent"),
    "a sort": (lambda d: thing(d)["properties"]["id"].update(type="integer"), "body/id may not be string"),
    "a sort that is read": (lambda d: thing(d)["properties"]["id"].update(type=["string", "null"]), "answer/id may be null"),
    "a word": (lambda d: thing(d)["properties"]["kind"]["enum"].pop(), "body/kind is one of fewer words"),
    "a length": (lambda d: thing(d)["properties"]["id"].update(maxLength=9), "body/id has a lower maxLength"),
    "a minimum": (lambda d: thing(d)["properties"]["count"].update(minimum=1), "body/count has a higher minimum"),
    "a pattern": (lambda d: thing(d)["properties"]["id"].update(pattern="^a"), "body/id has another pattern"),
    "an item": (lambda d: thing(d)["properties"]["parts"].update(items={"type": "string"}), "body/parts/- may not be"),
}  # fmt: skip
ADDING: dict[str, Change] = {
    "an operation": lambda d: d["paths"].update({"/v1/more": {"get": {"responses": {}}}}),
    "a parameter": lambda d: get(d)["parameters"].append({"name": "n", "in": "query", "schema": {}}),
    "a field": lambda d: thing(d)["properties"].update(more={"type": "string"}),
    "a word": lambda d: thing(d)["properties"]["kind"]["enum"].append("c"),
    "a wider bound": lambda d: thing(d)["properties"]["id"].update(maxLength=11),
    "a way in": lambda d: get(d)["security"].append({"token": ["more"]}),
    "an answer": lambda d: get(d)["responses"].update({"202": {}}),
}


@pytest.mark.parametrize("change", BREAKING)
def test_what_breaks_is_told(change: str) -> None:
    change_of, line = BREAKING[change]
    assert any(line in told for told in after(change_of)), after(change_of)


@pytest.mark.parametrize("change", ADDING)
def test_what_only_adds_is_not(change: str) -> None:
    assert after(ADDING[change]) == []


def test_a_document_breaks_nothing_of_its_own() -> None:
    for file in FOLDER.glob("*.json"):
        document = json.loads(file.read_text("utf-8"))
        assert breaking_changes(document, document) == []


def test_a_service_that_is_gone_breaks_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path) == 0
    (tmp_path / "things.v1.json").write_text(json.dumps(DOCUMENT))
    assert main(tmp_path) == 1
    assert "things.v1: POST /v1/things: is gone" in capsys.readouterr().out
