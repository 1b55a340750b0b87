"""Extreme days, moments and places for every parameter and field that takes one, read from an OpenAPI document."""

import copy
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

DAYS = ("0001-01-01", "1899-12-31", "1900-01-01", "2199-12-31", "9999-12-31")
MOMENTS = (
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "1900-01-01T00:00:00-12:00",
    "2199-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59.999999-12:00",
)
PLACES = ("999999", "100000", "110199", "660000", "990000", "211381")
EXTREMES = {"date": DAYS, "date-time": MOMENTS, "place": PLACES}
PLACE_PATTERN = re.compile(r"\^\[1-9\]\[0-9\]\{5\}")
SAMPLES = (
    "210000", "a1", "person-000001", "30.00", "2025", "professional", "1", "A", "x" * 20, "110000199001010013",
    "91110108MA01ABCD1X", "0" * 64, "2025-01-01", "00000000-0000-4000-8000-000000000000",
)  # fmt: skip
DEPTH_MAX = 6

Leaf = tuple[tuple[str | int, ...], str]


class Document:
    """An OpenAPI document, and what can be sent by it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def operations(self) -> list[tuple[str, str]]:
        """Method and path of every operation."""
        return [(method, path) for path, item in self._document["paths"].items() for method in item]

    def requests(self, method: str, path: str) -> Iterator[dict[str, Any]]:
        """Requests of an operation, each with one extreme value: keywords for a client."""
        operation = self._document["paths"][path][method]
        given = [self._resolved(each) for each in operation.get("parameters", [])]
        at = {each["name"]: each for each in given if each["in"] in ("path", "query")}
        base = {name: self.sample(each["schema"])[0] for name, each in at.items() if each.get("required")}
        body, leaves = self._body(operation)
        for name, each in at.items():
            for value in EXTREMES.get(self.kind(each["schema"]) or "", ()):
                yield self._request(method, path, at, base | {name: value}, body)
        for place, kind in leaves:
            for value in EXTREMES[kind]:
                yield self._request(method, path, at, base, _with(body, place, value))

    def _request(
        self, method: str, path: str, at: Mapping[str, Any], values: Mapping[str, Any], body: Any
    ) -> dict[str, Any]:
        url = path.format(**{name: value for name, value in values.items() if at[name]["in"] == "path"})
        params = {name: value for name, value in values.items() if at[name]["in"] == "query"}
        return {"method": method.upper(), "url": url, "params": params} | (
            {} if body is None else {"json": body}
        )

    def _body(self, operation: Mapping[str, Any]) -> tuple[Any, list[Leaf]]:
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        return (None, []) if content is None else self.sample(content["schema"])

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            found: Any = self._document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                members = [self._resolved(each) for each in schema[word]]
                return next((each for each in members if each.get("type") != "null"), members[0])
        return schema

    def kind(self, schema: Mapping[str, Any]) -> str | None:
        """`date`, `date-time` or `place`, if it is one of them."""
        schema = self._resolved(schema)
        if schema.get("format") in EXTREMES:
            return str(schema["format"])
        return "place" if PLACE_PATTERN.match(schema.get("pattern", "")) else None

    def sample(self, schema: Mapping[str, Any], depth: int = 0) -> tuple[Any, list[Leaf]]:
        """A value of the schema, every field filled, and where in it days, moments and places are."""
        schema = self._resolved(schema)
        kind = self.kind(schema)
        if kind is not None:
            return {"date": "2025-06-01", "date-time": "2025-06-01T00:00:00Z", "place": "210000"}[kind], [
                ((), kind)
            ]
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0]), []
        if schema.get("type") == "object" and depth < DEPTH_MAX:
            return self._object(schema, depth)
        if schema.get("type") == "array":
            item, leaves = self.sample(schema.get("items", {}), depth + 1)
            return [item] * max(1, schema.get("minItems", 1)), [((0, *place), kind) for place, kind in leaves]
        return self._scalar(schema), []

    def _object(self, schema: Mapping[str, Any], depth: int) -> tuple[Any, list[Leaf]]:
        value, found = {}, []
        for name, each in schema.get("properties", {}).items():
            value[name], leaves = self.sample(each, depth + 1)
            found += [((name, *place), kind) for place, kind in leaves]
        return value, found

    def _scalar(self, schema: Mapping[str, Any]) -> Any:
        if schema.get("type") in ("integer", "number"):
            return max(schema.get("minimum", 1), min(2025, schema.get("maximum", 2025)))
        if schema.get("type") == "boolean":
            return True
        if "examples" in schema:
            return schema["examples"][0]
        pattern, size = schema.get("pattern", ""), schema.get("minLength", 0)
        return next((each for each in SAMPLES if re.search(pattern, each) and len(each) >= size), SAMPLES[0])


def _with(body: Any, place: tuple[str | int, ...], value: str) -> Any:
    changed = copy.deepcopy(body)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return changed


_keys = itertools.count(1)


def send_extremes(
    document: Document, method: str, path: str, address: str, headers: Mapping[str, str]
) -> None:
    """Send every extreme to one operation: whatever is answered, it is no fault of the service."""
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
        for request in document.requests(method, path):
            key = {"Idempotency-Key": f"extreme-{next(_keys)}"}
            answer = client.request(**request, headers={**headers, **key})
            assert answer.status_code < 500, (request, answer.text)
