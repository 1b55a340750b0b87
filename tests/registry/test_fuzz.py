"""A schema fuzzer on every route of the registry: whatever is sent, a documented answer and never a 5xx."""

from collections.abc import Iterator

import pytest
import schemathesis
from schemathesis.schemas import APIOperation

from services.kit.signing import sign_token
from services.registry.app import create_app
from services.registry.settings import RegistrySettings
from services.registry.streams.account import SCOPES
from tests.fuzz.extremes import Document, send_extremes
from tests.fuzz.serving import CHECKS, fuzz, operations, serving
from tests.openapi import committed

schema = schemathesis.openapi.from_dict(committed("registry"))


@pytest.fixture(scope="module")
def address(settings: RegistrySettings) -> Iterator[str]:
    """A registry behind a real server, in a thread of its own."""
    with serving(create_app(settings)) as address:
        yield address


@pytest.fixture(scope="module")
def headers(settings: RegistrySettings) -> dict[str, str]:
    """An official of the whole nation who may do everything."""
    token = sign_token(
        settings.token_key, issuer=settings.issuer, subject="fuzzer", scopes=SCOPES, place="100000"
    )
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.property
@pytest.mark.parametrize("operation", operations(schema))
def test_every_answer_is_documented(operation: APIOperation, address: str, headers: dict[str, str]) -> None:
    """Good and bad data for every operation."""
    own = {} if operation.path.startswith(("/oauth", "/.well-known")) else headers
    fuzz(operation, base_url=address, headers=own, checks=list(CHECKS))


DOCUMENT = Document(committed("registry"))


@pytest.mark.parametrize(("method", "path"), DOCUMENT.operations())
def test_no_day_moment_or_place_is_a_fault(
    method: str, path: str, address: str, headers: dict[str, str]
) -> None:
    """Extremes of all of them, in every parameter and field that takes one."""
    send_extremes(DOCUMENT, method, path, address, {} if path.startswith("/oauth") else headers)
