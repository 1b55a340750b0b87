"""Access by scope: every operation of every service, found in the OpenAPI documents, against every kind of caller.

`access_matrix.yaml` says for each operation which kinds of caller get past its door; a new operation without its line
fails, and so does a scope given to one kind more. That a door lets in by the scopes of the document alone, and about
whom, is tried over HTTP in the services' own `test_access.py`.
"""

from importlib import import_module
from pathlib import Path

import pytest
import yaml

from services.cli.sign_in import SCOPES

ROOT = Path(__file__).parents[1]
SERVICES = ("ledger", "registry", "sync", "transfer")
OPEN = {
    "ledger POST /v1/attestations/verification",
    "registry GET /.well-known/jwks.json",
    "registry POST /oauth/token",
}
MATRIX: dict[str, list[str]] = yaml.safe_load((ROOT / "tests" / "access_matrix.yaml").read_text("utf-8"))


def operations() -> dict[str, set[str]]:
    """The scopes of every operation there is, any one of which opens it, by `SERVICE METHOD path`."""
    return {
        f"{service} {method.upper()} {path}": {
            scope for way in operation.get("security", ()) for scope in way["oauth2"]
        }
        for service in SERVICES
        for path, item in import_module(f"services.{service}.app").openapi_document()["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


OPERATIONS = operations()


def kinds_let_in(operation: str) -> list[str]:
    """The kinds of caller whose usual scopes open an operation."""
    return sorted(kind for kind, scopes in SCOPES.items() if scopes & OPERATIONS[operation])


def test_every_operation_says_who_gets_past_its_door() -> None:
    assert {name for name, scopes in OPERATIONS.items() if not scopes} == OPEN
    assert set(OPERATIONS) - OPEN == set(MATRIX)


@pytest.mark.parametrize("operation", sorted(OPERATIONS.keys() - OPEN))
def test_a_door_opens_for_its_kinds_of_caller_alone(operation: str) -> None:
    assert kinds_let_in(operation) == sorted(MATRIX[operation])
