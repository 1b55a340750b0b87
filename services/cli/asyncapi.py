"""The AsyncAPI 3.0 description of the feeds, made from the catalogue of published events."""

from __future__ import annotations

import re
from typing import Any

from contracts.catalogue import PUBLISHED_EVENTS
from contracts.divisions import AUTHORITIES
from contracts.envelope import TYPE_PATTERN

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


def _envelope() -> dict[str, Any]:
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


def _message(event_type: str) -> dict[str, Any]:
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


def _channel(service: str, logs: list[str], description: str) -> dict[str, Any]:
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


def _operation(service: str) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{service}"},
        "title": f"Read the feed of the {service}",
        "summary": f"A batch ({_BATCH}) of the events after a position; waits when there is none.",
        "description": "The consumer asks by GET and keeps, with its own effects, the position to resume after"
        " (header Xuefen-Next-After): it also moves over events that are not published.",
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


def asyncapi_document() -> dict[str, Any]:
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
