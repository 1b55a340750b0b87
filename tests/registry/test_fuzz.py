"""A schema fuzzer on every route of the registry: whatever is sent, a documented answer and never a 5xx."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from services.kit.auth import sign_token
from services.registry.app import create_app, openapi_document
from services.registry.settings import RegistrySettings
from services.registry.streams.account import SCOPES

EXAMPLES = int(os.environ.get("XUEFEN_FUZZ_EXAMPLES", "12"))
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
)


@schemathesis.serializer("application/pdf", "text/csv", XLSX)
def file_body(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """A file as it is sent: whatever was made up for it."""
    return (
        value
        if isinstance(value, bytes)
        else bytes(getattr(value, "data", str(value).encode("utf-8", "replace")))
    )


schema = schemathesis.openapi.from_dict(openapi_document())


@pytest.fixture(scope="module")
def address(settings: RegistrySettings) -> Iterator[str]:
    """A registry behind a real server, in a thread of its own."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(create_app(settings), log_config=None, access_log=False, http="httptools")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()


@pytest.fixture(scope="module")
def headers(settings: RegistrySettings) -> dict[str, str]:
    """An official of the whole nation who may do everything."""
    token = sign_token(
        settings.token_key, issuer=settings.issuer, subject="fuzzer", scopes=SCOPES, place="100000"
    )
    return {"Authorization": f"Bearer {token}"}


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_documented(case: schemathesis.Case, address: str, headers: dict[str, str]) -> None:
    """Good and bad data for every operation."""
    own = {} if case.path.startswith(("/oauth", "/.well-known")) else headers
    case.call_and_validate(base_url=address, headers=own, checks=list(CHECKS), timeout=20)
