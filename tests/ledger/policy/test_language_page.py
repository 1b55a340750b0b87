"""The reference page of the policy language: every example is valid, and no kind of rule or field is without one."""

import re
from pathlib import Path
from typing import Any

import pytest

from services.ledger.policy import parse_notice, warnings
from services.ledger.policy.document.notice import AnyRule, Clause
from services.ledger.policy.document.yaml_source import read_yaml
from tests.ledger.policy.builders import notice_text
from tests.ledger.policy.drafts import BUNDLED
from tests.ledger.policy.fields import fields_of, said_in, selected_in, selectors_of

PAGE = Path(__file__).parents[3] / "services/ledger/policy/README.md"


def examples() -> list[str]:
    """The YAML of the page, block by block."""
    return re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def rules(example: str) -> list[dict[str, Any]]:
    """The rules of an example, as they are written."""
    data, _ = read_yaml(example)
    if isinstance(data, list):
        return data
    return [rule for clause in data["clauses"] for rule in clause.get("rules", [])]


class TestExamples:
    @pytest.mark.parametrize("example", examples(), ids=lambda text: text.split("\n")[0][:40])
    def test_each_is_valid(self, example: str):
        if not example.startswith("id:"):
            indented = "".join(f"      {line}\n" for line in example.splitlines())
            example = notice_text(
                clauses=f"\n  - id: T-01\n    article: 一\n    text: 示例\n    rules:\n{indented}"
            )
        notice = parse_notice(example)
        assert notice.clauses
        assert warnings(notice, BUNDLED) is not None

    def test_no_kind_of_rule_is_without_one(self):
        shown = {rule["kind"] for example in examples() for rule in rules(example)}
        kinds = {str(rule.__struct_config__.tag) for rule in AnyRule.__args__}
        assert kinds - shown == set(), "add an example to services/ledger/policy/README.md"

    def test_the_table_of_contents_names_every_kind(self):
        contents = PAGE.read_text(encoding="utf-8").partition("## A whole notice")[0]
        kinds = {str(rule.__struct_config__.tag) for rule in AnyRule.__args__}
        assert kinds - set(re.findall(r"`([a-z_]+)`", contents)) == set()

    def test_no_field_is_without_one(self):
        shown = {path for example in examples() for rule in rules(example) for path in said_in(rule)}
        missing = fields_of(*AnyRule.__args__) - shown
        assert missing == {"make_up.windows.providers_of"}, (
            "add an example to services/ledger/policy/README.md"
        )

    def test_no_selector_is_without_one(self):
        shown = {path for example in examples() for rule in rules(example) for path in selected_in(rule)}
        assert selectors_of(*AnyRule.__args__) - shown == set()

    def test_the_whole_notice_shows_the_fields_of_a_clause(self):
        whole = next(example for example in examples() if example.startswith("id:"))
        fields = {f"  {name}:" for name in Clause.__struct_encode_fields__ if name != "id"}
        assert fields <= set(re.findall(r"  [a-z]+:", whole))
