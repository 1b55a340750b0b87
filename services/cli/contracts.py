"""Generated files of `contracts/`: event schemas, OpenAPI, AsyncAPI, the page of problems.

It lives here and not among the contracts because it must look at all three services, and they at none.
Its output is a function of the code alone; the tests compare it with what is committed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic.json_schema import GenerateJsonSchema

from contracts.catalogue import PUBLISHED_EVENTS
from contracts.divisions import AUTHORITIES
from contracts.envelope import SCHEMA_PREFIX, TYPE_PATTERN
from services.kit.errors import TYPE_PREFIX, Problem, all_problems
from services.kit.openapi import sort_choices

_FEEDS = {
    "registry": (
        "localhost:8001",
        ["registry"],
        "Who is collected where, and which organizations may train whom.",
    ),
    "ledger": (
        "localhost:8002",
        list(AUTHORITIES),
        "Credits, held study and policies; a log for every authority.",
    ),
    "transfer": ("localhost:8003", ["transfer"], "Profiles on their way from one place to another."),
}
_BATCH = "application/cloudevents-batch+json"
_EVENT = "application/cloudevents+json"


def _envelope() -> dict[str, object]:
    return {
        "type": "object",
        "description": "CloudEvents 1.0 with extensions `log` and `position`; ignore what you do not know.",
        "required": ["specversion", "id", "source", "type", "time", "sequence", "log", "position", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {
                "type": "string",
                "description": "Log and position, `210000/1201`: the event's name for ever.",
            },
            "source": {"type": "string", "format": "uri-reference"},
            "type": {"type": "string", "pattern": TYPE_PATTERN},
            "time": {"type": "string", "format": "date-time", "description": "When it was recorded, in UTC."},
            "subject": {"type": "string"},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {"type": "string", "format": "uri-reference"},
            "sequence": {"type": "string", "description": "The position, as the extension of CloudEvents."},
            "log": {"type": "string"},
            "position": {
                "type": "integer",
                "minimum": 1,
                "description": "1, 2, 3 ... within the log, rising.",
            },
            "data": {"type": "object"},
        },
    }


def _message(event_type: str) -> dict[str, object]:
    model = PUBLISHED_EVENTS[event_type]
    summary = " ".join((model.__doc__ or "").split())
    return {
        "name": event_type,
        "title": model.__name__,
        "summary": summary,
        "contentType": _EVENT,
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": event_type},
                        "data": {"$ref": f"./schemas/{event_type}.json"},
                    },
                },
            ]
        },
    }


def _events_of(service: str) -> list[str]:
    return [event_type for event_type in PUBLISHED_EVENTS if event_type.split(".")[2] == service]


def _name(event_type: str) -> str:
    """A component's name: `ledger.credit.earned.v1`, without the part that all have in common."""
    return re.sub(r"^cn\.xuefen\.", "", event_type)


def _channel(service: str, logs: list[str], description: str) -> dict[str, object]:
    return {
        "address": "/v1/logs/{log}/feed",
        "title": f"Feed of the {service}",
        "description": description,
        "servers": [{"$ref": f"#/servers/{service}"}],
        "parameters": {"log": {"description": "The log to follow; GET /v1/logs lists them.", "enum": logs}},
        "messages": {
            _name(event): {"$ref": f"#/components/messages/{_name(event)}"} for event in _events_of(service)
        },
    }


def _operation(service: str) -> dict[str, object]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{service}"},
        "title": f"Read the feed of the {service}",
        "summary": f"A batch ({_BATCH}) of the events after a position; waits when there is none.",
        "description": "The consumer asks by GET and keeps, with its own effects, the position to resume after"
        " (headers Xuefen-Next-After and Xuefen-History): it also moves over events that are not published.",
        "messages": [
            {"$ref": f"#/channels/{service}/messages/{_name(event)}"} for event in _events_of(service)
        ],
        "bindings": {
            "http": {
                "method": "GET",
                "query": {
                    "type": "object",
                    "properties": {
                        "after": {"type": "integer", "minimum": 0},
                        "limit": {"type": "integer", "minimum": 1},
                        "wait": {"type": "number", "minimum": 0},
                    },
                },
                "bindingVersion": "0.3.0",
            }
        },
    }


def asyncapi_document() -> dict[str, object]:
    """The feeds of the three services: who sends which events where."""
    return {
        "asyncapi": "3.0.0",
        "id": "urn:xuefen:feeds",
        "info": {
            "title": "Xuefen feeds",
            "version": "1.0.0",
            "description": "What the services of Xuefen publish: one feed per log. Positions rise; a feed"
            " leaves out what is not published.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": service} for service in _FEEDS],
        },
        "defaultContentType": _BATCH,
        "servers": {
            service: {
                "host": host,
                "protocol": "http",
                "description": description,
                "security": [{"$ref": _TOKEN}],
            }
            for service, (host, _, description) in _FEEDS.items()
        },
        "channels": {
            service: _channel(service, logs, description)
            for service, (_, logs, description) in _FEEDS.items()
        },
        "operations": {f"read_{service}_feed": _operation(service) for service in _FEEDS},
        "components": {
            "schemas": {"CloudEvent": _envelope()},
            "messages": {_name(event): _message(event) for event in PUBLISHED_EVENTS},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "With scope feed:read.",
                }
            },
        },
    }


_TOKEN = "#/components/securitySchemes/token"  # noqa: S105  it is a reference


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

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def event_schema(event_type: str) -> dict[str, object]:
    """The JSON Schema of one published event's `data`, as a document of its own."""
    schema = PUBLISHED_EVENTS[event_type].model_json_schema(schema_generator=_PlainSchema)
    sort_choices(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_PREFIX + event_type,
        **schema,
    }


def openapi_document(service: str) -> dict[str, object]:
    """The OpenAPI 3.1 document of one service, made without its database."""
    app = importlib.import_module(f"services.{service}.app")
    document: dict[str, object] = app.openapi_document()
    return document


def target_document(system: str) -> dict[str, object]:
    """The OpenAPI 3.1 document of the contract offered to a system that credits are delivered to."""
    document: dict[str, object] = importlib.import_module("services.stand_ins.targets.app").openapi_document(
        system
    )
    return document


def policy_schema() -> dict[str, object]:
    """The JSON Schema that a notice, written as a file, must follow."""
    schema: dict[str, object] = importlib.import_module("services.ledger.policy").policy_schema()
    return schema


def _problem_section(problem: type[Problem]) -> Iterator[str]:
    yield f"## {problem.code}"
    yield ""
    yield f"`{TYPE_PREFIX}{problem.code}` · {problem.status} · {problem.title_zh} · {problem.title_en}"
    yield ""
    yield " ".join((problem.__doc__ or "").split())
    yield ""


def service_problems() -> list[type[Problem]]:
    """Every problem that a service or its front door can answer, by code.

    Every module is imported, so that the answer is the same whatever was imported before.
    """
    packages = tuple(f"services.{room}." for room in ("kit", *SERVICES))
    for package in packages:
        path = importlib.import_module(package.rstrip(".")).__path__
        for module in pkgutil.walk_packages(path, package):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    return [problem for problem in all_problems() if problem.__module__.startswith(packages)]


def problems_page() -> str:
    """Every problem type with its status, titles and what it means, as one page."""
    lines = _PROBLEMS_HEAD.format(command=COMMAND).splitlines()
    for problem in service_problems():
        lines.extend(_problem_section(problem))
    return "\n".join(lines).rstrip() + "\n"


def _as_json(document: object) -> str:
    return _laid_out(document, "", 0) + "\n"


def _laid_out(value: object, indent: str, used: int) -> str:
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


def _as_yaml(document: object) -> str:
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
