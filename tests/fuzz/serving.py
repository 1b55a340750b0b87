"""An application behind a real server in a thread of its own, and how it is fuzzed."""

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import schemathesis
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.generation.hypothesis import builder
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.conftest import THOROUGH, examples

EXAMPLES = examples("XUEFEN_FUZZ_EXAMPLES", 2)
"""Of each route; raise it for a long look."""

WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
"""Ids that a hook may put a known one in place of: an ill-formed one must stay as it is, to be refused."""

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
)

fuzzing = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not THOROUGH and "XUEFEN_FUZZ_EXAMPLES" not in os.environ,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


LEFT_UNTRIED = (
    builder.UnserializablePayloadMark,
    builder.InvalidHeadersExampleMark,
    builder.MissingPathParameters,
)
"""What schemathesis notes on a test of which it could not try a part."""


def operations(schema: BaseSchema) -> list[Any]:
    """The parameters of a test of every operation; a broken definition is an error."""
    found = [
        result.ok() if isinstance(result, Ok) else result.err() for result in schema.get_all_operations()
    ]
    for each in found:
        if isinstance(each, Exception):
            raise each
    return [pytest.param(operation, id=operation.label) for operation in found]


def fuzz(operation: APIOperation, **told: Any) -> None:
    """Send good and bad data to one operation over one connection; `told` is for every call.

    What is sent is made up here and not, as by the plug-in of schemathesis, while pytest collects: that took as
    long as all other imports together, in every process and for every run of a single test beside it.
    """

    session = requests.Session()
    session.trust_env = False

    @fuzzing
    def probe(case: schemathesis.Case) -> None:
        case.call_and_validate(session=session, timeout=20, **told)

    load_all_checks()
    test = build_operation_test(
        config=operation.schema.config,
        operation=operation,
        test_func=probe,
        given_kwargs={},
        feedback=FeedbackSources(constants_value_source=make_constants_value_source(operation.schema)),
    )
    with session:
        test()
    assert not [mark for mark in LEFT_UNTRIED if mark.get(test)]


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@schemathesis.serializer("application/pdf", "text/csv", XLSX)
def file_body(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """A file as it is sent: whatever was made up for it."""
    return (
        value if isinstance(value, bytes) else str(getattr(value, "data", value)).encode("utf-8", "replace")
    )


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address of the running application."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, http="httptools"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the application did not start"
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=15)
