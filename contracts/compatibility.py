"""Compatibility of an OpenAPI document with the one released last: every change by which a program that works could fail.

    python -m contracts.compatibility FOLDER

compares with the documents in a folder; `contracts/compatibility.sh` puts those of the last tag `v*` into one. Looked at
are operations, parameters, bodies, answers and their types. What only adds (an operation, an optional field, an answer's
field, a word of an answer's choice) breaks nothing: who reads an answer reads past what they do not know. The meaning of a
field is not looked at.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "openapi"
_METHODS = ("get", "post", "put", "patch", "delete")
_LOWER = ("maximum", "maxLength", "maxItems", "exclusiveMaximum")
_HIGHER = ("minimum", "minLength", "minItems", "exclusiveMinimum")
Schema = Mapping[str, Any]


def breaking_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A line for every change of a document that breaks a program, by operation and place."""
    return list(_Comparison(before, after).changes())


class _Comparison:
    """Two documents, whose references are looked up as they are met; a schema that holds itself is compared once."""

    def __init__(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        self._before, self._after = before, after

    def changes(self) -> Iterator[str]:
        for path, item in self._before["paths"].items():
            for method in _METHODS:
                if method not in item:
                    continue
                name = f"{method.upper()} {path}"
                now = self._after["paths"].get(path, {}).get(method)
                if now is None:
                    yield f"{name}: is gone"
                    continue
                for change in self._operation(item[method], now):
                    yield f"{name}: {change}"

    def _operation(self, before: Schema, after: Schema) -> Iterator[str]:
        opened = [set(each) for each in _alternatives(before)]
        if not all(any(now <= each for now in map(set, _alternatives(after))) for each in opened):
            yield "a scope that opened it does no longer"
        yield from self._parameters(before, after)
        body, now = self._was(before.get("requestBody", {})), self._is(after.get("requestBody", {}))
        if now.get("required") and not body.get("required"):
            yield "the body is required"
        for kind, media in body.get("content", {}).items():
            if kind not in now.get("content", {}):
                yield f"a body of {kind} is not taken"
            else:
                yield from self._sent(
                    media.get("schema", {}), now["content"][kind].get("schema", {}), "body", ()
                )
        for status, answer in before["responses"].items():
            if not status.startswith("2"):
                continue
            if status not in after["responses"]:
                yield f"does not answer {status}"
                continue
            was, shown = self._was(answer), self._is(after["responses"][status])
            for kind, media in was.get("content", {}).items():
                if kind not in shown.get("content", {}):
                    yield f"does not answer {kind}"
                else:
                    now_schema = shown["content"][kind].get("schema", {})
                    yield from self._told(media.get("schema", {}), now_schema, "answer", ())

    def _parameters(self, before: Schema, after: Schema) -> Iterator[str]:
        was = {(each["in"], each["name"]): each for each in map(self._was, before.get("parameters", []))}
        now = {(each["in"], each["name"]): each for each in map(self._is, after.get("parameters", []))}
        for (where, name), each in was.items():
            if (where, name) not in now:
                yield f"the {where} parameter {name} is gone"
            else:
                yield from self._sent(each["schema"], now[where, name]["schema"], name, ())
        for (where, name), each in now.items():
            if each.get("required") and not was.get((where, name), {}).get("required"):
                yield f"the {where} parameter {name} is required"

    def _sent(self, before: Schema, after: Schema, at: str, inside: tuple[str, ...]) -> Iterator[str]:
        """What a program sends has to be taken still."""
        if (pair := _named(before, after)) in inside:
            return
        inside += (pair,)
        before, after = self._was(before), self._is(after)
        yield from _narrower(before, after, at)
        fields, now = before.get("properties", {}), after.get("properties", {})
        for name in sorted(set(after.get("required", ())) - set(before.get("required", ()))):
            yield f"{at}/{name} is required"
        for name, field in fields.items():
            if name in now:
                yield from self._sent(field, now[name], f"{at}/{name}", inside)
            elif after.get("additionalProperties") is False:
                yield f"{at}/{name} is not taken"
        yield from self._parts(before, after, at, inside, self._sent)

    def _told(self, before: Schema, after: Schema, at: str, inside: tuple[str, ...]) -> Iterator[str]:
        """What a program reads has to be there still, of a type that it knows."""
        if (pair := _named(before, after)) in inside:
            return
        inside += (pair,)
        before, after = self._was(before), self._is(after)
        if _types(after) - _types(before) and _types(before):
            yield f"{at} may be {', '.join(sorted(_types(after) - _types(before)))}"
        fields, now = before.get("properties", {}), after.get("properties", {})
        for name, field in fields.items():
            if name not in now:
                yield f"{at}/{name} is gone"
                continue
            if name in before.get("required", ()) and name not in after.get("required", ()):
                yield f"{at}/{name} may be absent"
            yield from self._told(field, now[name], f"{at}/{name}", inside)
        yield from self._parts(before, after, at, inside, self._told)

    def _parts(
        self, before: Schema, after: Schema, at: str, inside: tuple[str, ...], compare: Any
    ) -> Iterator[str]:
        if "items" in before and "items" in after:
            yield from compare(before["items"], after["items"], f"{at}/-", inside)
        for words in ("anyOf", "oneOf"):
            for number, (was, now) in enumerate(
                zip(before.get(words, ()), after.get(words, ()), strict=False)
            ):
                yield from compare(was, now, f"{at}({number})", inside)

    def _was(self, schema: Schema) -> Schema:
        return _looked_up(self._before, schema)

    def _is(self, schema: Schema) -> Schema:
        return _looked_up(self._after, schema)


def _looked_up(document: Mapping[str, Any], schema: Schema) -> Schema:
    while "$ref" in schema:
        _, kind, section, name = schema["$ref"].split("/")
        schema = document[kind][section][name]
    return schema


def _named(before: Schema, after: Schema) -> str:
    """Two schemas by their names; none alike while one of them has no name."""
    both = [schema.get("$ref", f"{id(schema)}") for schema in (before, after)]
    return " ".join(both)


def _alternatives(operation: Schema) -> list[list[str]]:
    return [
        list(scopes)
        for each in operation.get("security", [{"": []}])
        for scopes in (each or {"": []}).values()
    ]


def _types(schema: Schema) -> set[str]:
    """The types that a value may have; empty where the schema leaves it open or refers to others."""
    told = schema.get("type", [])
    types = {told} if isinstance(told, str) else set(told)
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        types |= {"object"} if "$ref" in each else _types(each)
    return types | ({"number"} & types and {"integer"})


def _narrower(before: Schema, after: Schema, at: str) -> Iterator[str]:
    """Values that were taken and are not."""
    if gone := _types(before) - _types(after):
        if _types(after):
            yield f"{at} may not be {', '.join(sorted(gone))}"
    elif not _types(before) and _types(after):
        yield f"{at} has to be {', '.join(sorted(_types(after)))}"
    choices = [set(map(str, each.get("enum", ()))) for each in (before, after)]
    if choices[1] and (not choices[0] or choices[0] - choices[1]):
        yield f"{at} is one of fewer words"
    for name in ("pattern", "format"):
        if name in after and after[name] != before.get(name):
            yield f"{at} has another {name}"
    for name in _LOWER:
        if name in after and (name not in before or after[name] < before[name]):
            yield f"{at} has a lower {name}"
    for name in _HIGHER:
        if name in after and (name not in before or after[name] > before[name]):
            yield f"{at} has a higher {name}"


def main(released: Path) -> int:
    """Compare every document with the one in a folder; 1 where something breaks."""
    lines = [
        f"{file.stem}: {change}"
        for file in sorted(released.glob("*.json"))
        for change in breaking_changes(_read(file), _read(FOLDER / file.name))
    ]
    sys.stdout.write("".join(f"{line}\n" for line in lines) or "Nothing breaks what was released.\n")
    return 1 if lines else 0


def _read(file: Path) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {"paths": {}}
    return document


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
