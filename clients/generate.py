"""Models of the clients, from the ledger's OpenAPI document: `make clients` writes what is committed.

Only what a provider's routes send and answer with is taken, so that a client is no catalogue of the officials' acts.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "contracts" / "openapi" / "ledger.v1.json"
SCOPES = {"completion:write", "enrolment:write", "filing:submit"}
PYTHON = ROOT / "clients" / "python" / "src" / "xuefen_client" / "models.py"
OPTIONS = (
    "--input-file-type", "openapi", "--output-model-type", "pydantic_v2.BaseModel", "--target-python-version", "3.11",
    "--use-union-operator", "--use-standard-collections", "--use-schema-description", "--enum-field-as-literal", "all",
    "--use-annotated", "--collapse-root-models", "--disable-timestamp", "--formatters", "builtin",
    "--deserialize-default-values", "decimal", "--custom-file-header",
    '"""Bodies and answers of a provider\'s routes, written by `make clients` from the ledger\'s OpenAPI document."""',
)  # fmt: skip


def of_providers(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the routes that a provider's token opens, and the schemas that those reach."""
    paths: dict[str, Any] = {}
    for path, item in document["paths"].items():
        kept = {method: operation for method, operation in item.items() if _is_for_providers(operation)}
        if kept:
            paths[path] = kept
    components = document["components"]
    wanted: set[tuple[str, str]] = set()
    found = set(_references(paths))
    while found:
        wanted |= found
        found = {each for kind, name in found for each in _references(components[kind][name])} - wanted
    kept_components = {
        kind: {name: _nullable(part) for name, part in parts.items() if (kind, name) in wanted}
        for kind, parts in components.items()
    }
    return {**document, "paths": _nullable(paths), "components": kept_components}


def _is_for_providers(operation: dict[str, Any]) -> bool:
    return any(SCOPES & set(scopes) for each in operation.get("security", []) for scopes in each.values())


def _nullable(part: Any) -> Any:
    """A value or null said as one schema of two types, which becomes one field instead of a class of its own."""
    if isinstance(part, list):
        return [_nullable(each) for each in part]
    if not isinstance(part, dict):
        return part
    match part.get("anyOf"):
        case [{"type": str() as kind} as value, {"type": "null"}]:
            rest = {name: each for name, each in part.items() if name != "anyOf"}
            return _nullable({**value, **rest, "type": [kind, "null"]})
    return {
        name: cleandoc(each) if name == "description" and isinstance(each, str) else _nullable(each)
        for name, each in part.items()
    }


def _references(part: Any) -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):
        match part.get("$ref", "").split("/"):
            case ["#", "components", kind, name]:
                yield kind, name
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def main() -> None:
    """Write the models, or with a file's name the document that a client in another language is made from."""
    document = of_providers(json.loads(DOCUMENT.read_text(encoding="utf-8")))
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        return
    tools = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, DOCUMENT.name)
        source.write_text(json.dumps(document), encoding="utf-8")
        command = [tools / "datamodel-codegen", "--input", source, "--output", PYTHON, *OPTIONS]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    for check in (["format", "-q"], ["check", "-q", "--fix", "--select", "I"]):
        subprocess.run([tools / "ruff", *check, PYTHON], check=True)


if __name__ == "__main__":
    main()
