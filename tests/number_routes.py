"""Routes that take the number of somebody's ID document, found in the OpenAPI documents of the services."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

NUMBER = "id_number"
_TABLES = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")


def number_routes(service: str) -> set[str]:
    """Every `METHOD path` of a service whose body holds a number, at whatever depth, or is a table of people."""
    document = import_module(f"services.{service}.app").openapi_document()
    return {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters" and _takes_a_number(operation, document)
    }


def _takes_a_number(operation: dict[str, Any], document: dict[str, Any]) -> bool:
    content = operation.get("requestBody", {}).get("content", {})
    return any(kind in content for kind in _TABLES) or NUMBER in set(_properties(content, document, set()))


def _properties(node: Any, document: dict[str, Any], seen: set[str]) -> Iterator[str]:
    """The names of all properties below a schema, references followed once each."""
    if isinstance(node, list):
        for each in node:
            yield from _properties(each, document, seen)
    elif isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            seen.add(reference)
            target: Any = document
            for part in reference.removeprefix("#/").split("/"):
                target = target[part]
            yield from _properties(target, document, seen)
        yield from node.get("properties", {})
        for each in node.values():
            yield from _properties(each, document, seen)
