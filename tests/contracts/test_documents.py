"""The generated documents are what the code says, and point at nothing that is not there."""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator

from contracts.catalogue import PUBLISHED_EVENTS
from services.cli import contracts
from services.cli.contracts import (
    COMMAND,
    ROOT,
    SERVICES,
    policy_schema,
    problems_page,
    service_problems,
)
from services.ledger.streams.problems import REFUSALS

STALE = f"is not what the code says: run `{COMMAND}` and commit what it writes"


def read(path: str) -> str:
    file = ROOT / path
    assert file.exists(), f"contracts/{path} is missing: run `{COMMAND}` and commit what it writes"
    return file.read_text(encoding="utf-8")


def references(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        for value in document.values():
            yield from references(value)
    elif isinstance(document, list):
        for value in document:
            yield from references(value)


def resolve(document: Any, reference: str, folder: Path) -> Any:
    file, _, pointer = reference.partition("#")
    found = json.loads((folder / file).read_text(encoding="utf-8")) if file else document
    for step in filter(None, pointer.split("/")):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


SERVICES_ROOT = ROOT.parent / "services"


def raisable(module: ast.Module) -> set[str]:
    """The names that a module calls, derives from or keeps in a table: not what it only imports, catches or
    compares with.
    """
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") not in {"isinstance", "issubclass"}:
            values = [node.func, *node.args, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, ast.ClassDef):
            values = node.bases
        elif isinstance(node, ast.Raise):
            values = [node.exc] if node.exc else []
        elif isinstance(node, ast.Dict):
            values = [value for value in node.values if value]
        elif isinstance(node, ast.Tuple | ast.IfExp | ast.Return | ast.Assign):
            values = list(ast.iter_child_nodes(node))
        else:
            continue
        found |= {
            value.attr if isinstance(value, ast.Attribute) else value.id
            for value in values
            if isinstance(value, ast.Name | ast.Attribute)
        }
    return found


@cache
def openapi_document(service: str) -> dict[str, Any]:
    return contracts.openapi_document(service)


@cache
def asyncapi_document() -> dict[str, Any]:
    return contracts.asyncapi_document()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        yield from ((path, operation) for operation in item.values())


@cache
def modules() -> list[ast.Module]:
    return [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SERVICES_ROOT.rglob("*.py"))]


@pytest.fixture(scope="module", autouse=True)
def modules_are_let_go() -> Iterator[None]:
    """They are large."""
    yield
    modules.cache_clear()


def codes(module: ast.Module) -> Iterator[str]:
    """The refusals that a module's strings name, also by an end that several share: `{need}-too-late`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and node.value in REFUSALS:
            yield node.value
        elif isinstance(node, ast.JoinedStr) and len(node.values) == 2:
            end = node.values[1]
            if isinstance(end, ast.Constant) and str(end.value).startswith("-"):
                yield from (code for code in REFUSALS if code.endswith(str(end.value)))


class TestAsyncApi:
    def test_is_the_one_that_is_committed(self):
        assert yaml.safe_load(read("asyncapi.yaml")) == asyncapi_document(), (
            f"contracts/asyncapi.yaml {STALE}"
        )

    def test_points_at_nothing_that_is_not_there(self):
        document = asyncapi_document()
        for reference in references(document):
            assert resolve(document, reference, ROOT) is not None

    def test_sends_every_event_in_one_channel(self):
        channels = asyncapi_document()["channels"]
        assert set(channels) == set(SERVICES) - {"sync"}
        sent = [name for channel in channels.values() for name in channel["messages"]]
        assert sorted(f"cn.xuefen.{name}" for name in sent) == sorted(PUBLISHED_EVENTS)

    def test_operations_name_messages_of_their_own_channel(self):
        document = asyncapi_document()
        for operation in document["operations"].values():
            channel = operation["channel"]["$ref"]
            named = [message["$ref"] for message in operation["messages"]]
            assert named
            assert all(reference.startswith(channel + "/messages/") for reference in named)

    def test_has_what_version_three_demands(self):
        document = asyncapi_document()
        assert document["asyncapi"] == "3.0.0"
        assert {"title", "version"} <= document["info"].keys()
        for server in document["servers"].values():
            assert {"host", "protocol"} <= server.keys()
        for channel in document["channels"].values():
            assert set(re.findall(r"\{(\w+)\}", channel["address"])) == channel["parameters"].keys()
        for operation in document["operations"].values():
            assert operation["action"] in {"send", "receive"}


@pytest.mark.parametrize("service", SERVICES)
class TestOpenApi:
    def test_is_the_one_that_is_committed(self, service: str):
        path = f"openapi/{service}.v1.json"
        assert json.loads(read(path)) == openapi_document(service), f"contracts/{path} {STALE}"

    def test_points_at_nothing_that_is_not_there(self, service: str):
        document = openapi_document(service)
        assert document["openapi"].startswith("3.1.")
        for reference in references(document):
            assert resolve(document, reference, ROOT) is not None

    def test_gives_every_operation_an_id_of_its_own_and_words(self, service: str):
        found = [operation for _, operation in operations(openapi_document(service))]
        ids = [operation["operationId"] for operation in found]
        assert len(set(ids)) == len(ids)
        for operation in found:
            assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", operation["operationId"])
            assert operation.get("description") or operation.get("summary")

    def test_types_the_success_of_every_operation(self, service: str):
        untyped = {
            operation["operationId"]
            for _, operation in operations(openapi_document(service))
            for status, answer in operation["responses"].items()
            if status.startswith("2") and status != "204"
            if not (answer.get("content") and all(of.get("schema") for of in answer["content"].values()))
        }
        assert not untyped

    def test_gives_every_operation_a_tag_and_a_summary(self, service: str):
        for _, operation in operations(openapi_document(service)):
            assert operation["tags"]
            assert operation["summary"]

    def test_names_schemas_by_what_they_are_and_not_by_a_path(self, service: str):
        document = openapi_document(service)
        assert all(re.fullmatch(r"[A-Z][A-Za-z0-9]*", name) for name in document["components"]["schemas"])

    def test_holds_no_problem_that_is_a_bare_object(self, service: str):
        schemas = openapi_document(service)["components"]["schemas"]
        bare = [
            name
            for name, schema in schemas.items()
            if '"object"' in json.dumps(schema.get("properties", {}).get("problem"))
            and "#/components/schemas/Problem" not in references(schema["properties"]["problem"])
        ]
        assert not bare

    def test_gets_tokens_where_the_registry_issues_them(self, service: str):
        (scheme,) = openapi_document(service)["components"]["securitySchemes"].values()
        url = scheme["flows"]["clientCredentials"]["tokenUrl"]
        assert urlsplit(url).path in openapi_document("registry")["paths"]
        assert bool(urlsplit(url).netloc) == (service != "registry")

    def test_repeats_no_problem_answer(self, service: str):
        document = openapi_document(service)
        named = document["components"]["responses"].values()
        repeated = [
            f"{operation['operationId']}: {status}"
            for _, operation in operations(document)
            for status, answer in operation["responses"].items()
            if answer in named
        ]
        assert not repeated


class TestPolicySchema:
    def test_is_the_one_that_is_committed(self):
        path = "policy.schema.json"
        assert json.loads(read(path)) == policy_schema(), f"contracts/{path} {STALE}"

    def test_is_a_schema(self):
        Draft202012Validator.check_schema(policy_schema())


class TestProblems:
    def test_the_page_is_the_one_that_is_committed(self):
        assert read("problems.md") == problems_page(), f"contracts/problems.md {STALE}"

    def test_every_problem_has_words_in_both_languages_and_a_section(self):
        page = problems_page()
        for problem in service_problems():
            assert re.fullmatch(r"[a-z]+(-[a-z]+)*", problem.code)
            assert 400 <= problem.status <= 599
            assert re.search(r"[\u4e00-\u9fff]", problem.title_zh)
            assert problem.title_en.isascii()
            assert (problem.__doc__ or "").strip()
            assert f"## {problem.code}\n" in page

    def test_every_problem_is_raised_or_is_a_base(self):
        raised = {name for module in modules() for name in raisable(module)}
        never = [problem for problem in service_problems() if problem.__name__ not in raised]
        assert not [problem.code for problem in never if problem not in REFUSALS.values()]

    def test_every_refusal_of_a_policy_is_one_that_a_policy_gives(self):
        given = Counter(code for module in modules() for code in codes(module))
        never = [code for code in REFUSALS if given[code] < 2]  # once stands in the table of its words
        assert not never
