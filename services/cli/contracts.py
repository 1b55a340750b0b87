"""Generated files of `contracts/`: event schemas, OpenAPI, AsyncAPI, the page of problems.

It lives here and not among the contracts because it must look at all three services, and they at none.
Its output is a function of the code alone; the tests compare it with what is committed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema

from contracts.catalogue import PUBLISHED_EVENTS
from contracts.envelope import SCHEMA_PREFIX
from services.cli.asyncapi import asyncapi_document
from services.kit.errors import TYPE_PREFIX, Problem, all_problems

ROOT = Path(__file__).parents[2] / "contracts"
COMMAND = "make contracts"
LINE = 110
SERVICES = ("registry", "ledger", "transfer", "sync")
TARGET_SYSTEMS = ("national-platform", "guangdong-hr", "credit-archive")

_PROBLEMS_HEAD = """\
# Problem types

Errors are problem details (RFC 9457, `application/problem+json`). `type` never changes and is what a
program should look at; `title` and `detail` are for people, in Chinese or, by `Accept-Language`, in English.
`pointer` names the field (RFC 6901), `clause` the rule of the notice, `errors` every fault when there are
several. A 4xx was never stored; after a 5xx or no answer, repeat the request with the same id.

This page is generated: `{command}`.

"""


class _PlainSchema(GenerateJsonSchema):
    """Leaves out the titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def event_schema(event_type: str) -> dict[str, Any]:
    """The JSON Schema of one published event's `data`, as a document of its own."""
    schema = PUBLISHED_EVENTS[event_type].model_json_schema(schema_generator=_PlainSchema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_PREFIX + event_type,
        **schema,
    }


def openapi_document(service: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of one service, made without its database."""
    app = importlib.import_module(f"services.{service}.app")
    document: dict[str, Any] = app.openapi_document()
    return document


def target_document(system: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the contract offered to a system that credits are delivered to."""
    document: dict[str, Any] = importlib.import_module("services.stand_ins.targets.app").openapi_document(
        system
    )
    return document


def policy_schema() -> dict[str, Any]:
    """The JSON Schema that a notice, written as a file, must follow."""
    schema: dict[str, Any] = importlib.import_module("services.ledger.policy").policy_schema()
    return schema


def _problem_section(problem: type[Problem]) -> Iterator[str]:
    yield f"## {problem.code}"
    yield ""
    yield f"`{TYPE_PREFIX}{problem.code}` · {problem.status} · {problem.title_zh} · {problem.title_en}"
    yield ""
    yield " ".join((problem.__doc__ or "").split())
    yield ""


def service_problems() -> list[type[Problem]]:
    """Every problem that one of the three services can answer, by code."""
    for service in SERVICES:
        importlib.import_module(f"services.{service}.app")
    modules = ("services.kit.", *(f"services.{service}." for service in SERVICES))
    return [problem for problem in all_problems() if problem.__module__.startswith(modules)]


def problems_page() -> str:
    """Every problem type with its status, titles and what it means, as one page."""
    lines = _PROBLEMS_HEAD.format(command=COMMAND).splitlines()
    for problem in service_problems():
        lines.extend(_problem_section(problem))
    return "\n".join(lines).rstrip() + "\n"


def _as_json(document: Any) -> str:
    return _laid_out(document, "", 0) + "\n"


def _laid_out(value: Any, indent: str, used: int) -> str:
    """JSON with whatever fits into a line on one line, after `used` characters of it, else a member a line."""
    line = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, dict | list) or used + len(line) <= LINE:
        return line
    inner = indent + "  "
    if isinstance(value, list):
        members = [_laid_out(member, inner, len(inner) + 1) for member in value]
    else:
        members = [
            f"{name}: {_laid_out(member, inner, len(inner) + len(name) + 3)}"
            for name, member in (
                (json.dumps(key, ensure_ascii=False), member) for key, member in value.items()
            )
        ]
    first, last = "[]" if isinstance(value, list) else "{}"
    return "\n".join((first, ",\n".join(inner + member for member in members), indent + last))


def _as_yaml(document: Any) -> str:
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110)


def documents() -> dict[str, str]:
    """Every generated file: its path under `contracts/` and its text."""
    files = {
        f"schemas/{event_type}.json": _as_json(event_schema(event_type)) for event_type in PUBLISHED_EVENTS
    }
    files |= {f"openapi/{service}.v1.json": _as_json(openapi_document(service)) for service in SERVICES}
    for system in TARGET_SYSTEMS:
        files[f"openapi/{system}.v1.json"] = _as_json(target_document(system))
    files["openapi/relay.v1.json"] = _as_json(openapi_document("stand_ins.relay"))
    files["asyncapi.yaml"] = _as_yaml(asyncapi_document())
    files["policy.schema.json"] = _as_json(policy_schema())
    files["problems.md"] = problems_page()
    return dict(sorted(files.items()))


def committed() -> dict[str, str]:
    """What stands in `contracts/` today of the generated kind."""
    single = [ROOT / file for file in ("asyncapi.yaml", "policy.schema.json", "problems.md")]
    found = [*ROOT.glob("schemas/*.json"), *ROOT.glob("openapi/*.json"), *single]
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in sorted(found)
        if path.exists()
    }


def differences() -> list[str]:
    """The generated files that are missing, stale or left over."""
    now, then = documents(), committed()
    return sorted(path for path in now.keys() | then.keys() if now.get(path) != then.get(path))


def write() -> list[str]:
    """Write what differs and remove what is left over; answers the paths touched."""
    now, touched = documents(), differences()
    for path in touched:
        target = ROOT / path
        if path in now:
            target.parent.mkdir(exist_ok=True)
            target.write_text(now[path], encoding="utf-8")
        else:
            target.unlink()
    return touched


def main() -> None:
    """`python -m services.cli.contracts [--check]`: with `--check`, write nothing, fail on a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when a file is not up to date"
    )
    checking = parser.parse_args().check
    touched = differences() if checking else write()
    for path in touched:
        print(f"{'not up to date' if checking else 'written'}: contracts/{path}")
    if checking and touched:
        sys.exit(f"run `{COMMAND}` and commit what it writes")


if __name__ == "__main__":
    main()
