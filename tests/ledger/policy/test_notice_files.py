"""Notice files: the bundled ones are whole, and a file that is wrong is told where and what is expected."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from services.ledger.policy import (
    NoticeError,
    NoticeFault,
    bundled_notices,
    notice_as_data,
    notice_hash,
    parse_notice,
)
from services.ledger.policy.document.parse import NOTICES
from services.ledger.policy.document.schema import policy_schema, validator
from tests.ledger.policy.builders import notice_text
from tests.words import assert_words

SCHEMA = Path(__file__).parents[3] / "contracts" / "policy.schema.json"
HASH_OF_SMALL = "a918471933a5d40e7cc4fce6aa9d2b3efa79afb010c500a3781c52d8ef0df6fb"
FACTS = {
    "S0": 25, "S1": 22, "S2A": 12, "S2B": 17, "S2C": 19, "S3A": 4, "S3B": 15, "S4": 14,
}  # fmt: skip


def faults(text: str) -> tuple[NoticeFault, ...]:
    with pytest.raises(NoticeError) as caught:
        parse_notice(text, "draft.yaml")
    for fault in caught.value.faults:
        assert_words(fault.detail_zh, fault.detail_en)
    return caught.value.faults


def only_fault(text: str) -> NoticeFault:
    found = faults(text)
    assert len(found) == 1, found
    return found[0]


def with_rule(rule: str) -> str:
    return notice_text(
        clauses=f"""
  - id: T-01
    article: 一
    text: 本款。
    rules:
      - {rule}
"""
    )


class TestBundledNotices:
    def test_each_is_whole_though_a_running_ledger_takes_that_for_granted(self):
        parsed = [
            parse_notice(path.read_text(encoding="utf-8"), path.name) for path in NOTICES.glob("*.yaml")
        ]
        assert sorted(parsed, key=lambda notice: (notice.dated, notice.id)) == bundled_notices()

    def test_every_fact_of_the_five_documents_is_a_clause(self):
        found = {clause.id for notice in bundled_notices() for clause in notice.clauses}
        expected = {f"{prefix}-{n:02}" for prefix, last in FACTS.items() for n in range(1, last + 1)}
        assert expected <= found
        assert all(re.fullmatch(r"N-\d\d", extra) for extra in found - expected)

    def test_no_telephone_number_or_person_is_in_them(self):
        """S4-13."""
        for path in NOTICES.glob("*.yaml"):
            assert not re.search(
                r"(?<!\d)1[3-9]\d{9}(?!\d)|\d{3,4}-\d{7,8}|QQ", path.read_text(encoding="utf-8")
            )

    @pytest.mark.parametrize("notice", bundled_notices(), ids=lambda notice: notice.id)
    def test_a_notice_survives_as_data(self, notice):
        data = json.loads(json.dumps(notice_as_data(notice)))
        assert parse_notice(data) == notice
        assert notice_hash(parse_notice(data)) == notice_hash(notice)
        assert msgspec.convert(data, type(notice)) == notice

    def test_hashes_are_pinned(self):
        """A change of the language must not change what a published notice is called."""
        small = parse_notice(notice_text())
        assert notice_hash(small) == "sha256:" + HASH_OF_SMALL

    def test_the_committed_schema_is_the_one_in_use(self):
        """Write it anew with: make contracts"""
        assert json.loads(SCHEMA.read_text(encoding="utf-8")) == policy_schema()

    def test_the_schema_is_itself_sound(self):
        validator().check_schema(validator().schema)


class TestHash:
    def test_layout_comments_and_spelling_of_numbers_do_not_matter(self):
        plain = parse_notice(notice_text())
        other = parse_notice("# comment\n" + notice_text().replace("total: 90", 'total: "90.00"  # as text'))
        assert notice_hash(other) == notice_hash(plain)

    def test_a_field_at_its_default_is_the_same_as_none(self):
        assert notice_hash(parse_notice(notice_text(standalone="true"))) == notice_hash(
            parse_notice(notice_text())
        )

    def test_one_word_of_a_clause_does(self):
        changed = notice_text().replace("不少于90学分", "不得少于90学分")
        assert notice_hash(parse_notice(changed)) != notice_hash(parse_notice(notice_text()))


class TestFaults:
    def test_a_missing_field_is_named_where_it_is_missing(self):
        fault = only_fault(notice_text(title=""))
        assert (fault.source, fault.line, fault.field, fault.code) == ("draft.yaml", 1, "/title", "required")
        assert "title" in fault.detail_zh
        assert str(fault) == "draft.yaml:1: /title: the field title is required"

    def test_an_unknown_field_is_told_what_is_known(self):
        fault = only_fault(with_rule("{kind: requirement, totl: 90}"))
        assert (fault.line, fault.field, fault.code) == (12, "/clauses/0/rules/0/totl", "unknown")
        assert "total" in fault.detail_en

    def test_a_name_that_may_hold_anything_is_not_repeated(self):
        fault = only_fault(with_rule("{kind: requirement, 110101199003070000: 90}"))
        assert (fault.line, fault.field) == (12, "/clauses/0/rules/0")
        assert "110101199003070000" not in fault.detail_en + fault.detail_zh

    def test_an_unknown_kind_lists_the_kinds(self):
        fault = only_fault(with_rule("{kind: windows}"))
        assert fault.field == "/clauses/0/rules/0/kind"
        assert "window" in fault.detail_en

    @pytest.mark.parametrize(
        "total", ["90.555", "-1", "1e3", "NaN", ".inf", "ninety", "10000", "null", "[90]"]
    )
    def test_credits_are_integers_or_decimal_text(self, total: str):
        assert only_fault(with_rule(f"{{kind: requirement, total: {total}}}")).line == 12

    def test_decimals_keep_their_digits(self):
        notice = parse_notice(with_rule("{kind: requirement, total: 89.99}"))
        assert str(notice.clauses[0].rules[0].total) == "89.99"

    def test_floats_in_plain_data_are_not_credits(self):
        data = notice_as_data(parse_notice(notice_text()))
        data["clauses"][0]["rules"][0]["total"] = 89.99
        with pytest.raises(NoticeError):
            parse_notice(data)

    @pytest.mark.parametrize(
        "day", ["2030-02-29", "2030-13-01", "Y-02-29", "20300101", "2030-1-1", "tomorrow"]
    )
    def test_days_must_exist(self, day: str):
        fault = only_fault(with_rule(f"{{kind: window, until: {day}}}"))
        assert fault.field == "/clauses/0/rules/0/until"

    def test_a_window_ends_after_it_begins(self):
        fault = only_fault(with_rule("{kind: window, from: 2030-03-01, until: 2030-02-28}"))
        assert (fault.field, fault.code) == ("/clauses/0/rules/0/until", "order")

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"place": '"999999"'}, "/place"),
            ({"place": "110000"}, "/place"),
            ({"excludes": '["110101", "999999"]'}, "/excludes/1"),
            ({"years": "{from: 2031, to: 2030}"}, "/years"),
            ({"issued_on": ""}, "/issued_on"),
            ({"issued_on": "2030-02-30"}, "/issued_on"),
            ({"id": "Beijing 2030"}, "/id"),
            ({"issuers": "[]"}, "/issuers"),
            ({"standalone": "perhaps"}, "/standalone"),
        ],
    )
    def test_the_head_must_make_sense(self, changes: dict[str, str], field: str):
        fault = only_fault(notice_text(**changes))
        assert fault.field == field
        assert fault.line is not None

    @pytest.mark.parametrize(
        ("rule", "field"),
        [
            ("{kind: requirement}", ""),
            ("{kind: window}", ""),
            ("{kind: obligation}", ""),
            ("{kind: providers, rule: listed}", "/list"),
            ("{kind: providers, rule: accredited, list: [{name: 甲}]}", "/list"),
            ("{kind: make_up, years: {from: 2029, to: 2029}}", "/windows"),
            ("{kind: make_up, years: {to: 2029}, never: true, windows: [{channel: automatic}]}", "/windows"),
            (
                "{kind: make_up, years: {to: 2029}, windows: [{channel: automatic, providers: listed}]}",
                "/windows/0/providers_of",
            ),
            (
                "{kind: make_up, years: {to: 2029},"
                " windows: [{channel: automatic, providers: listed, providers_of: X-09}]}",
                "/windows/0/providers_of",
            ),
            ("{kind: duty, who: provider, what: plan, due: 02-30}", "/due"),
            ("{kind: platform, name: 平台, roles: [study], from: 2030-02-30}", "/from"),
        ],
    )
    def test_a_rule_must_make_sense(self, rule: str, field: str):
        assert only_fault(with_rule(rule)).field == "/clauses/0/rules/0" + field

    def test_clause_ids_are_unique(self):
        text = notice_text() + "  - id: T-01\n    article: 二\n    text: 又一款。\n"
        fault = only_fault(text)
        assert (fault.line, fault.field, fault.code) == (14, "/clauses/1/id", "duplicate")

    def test_all_faults_are_told_at_once_in_order_of_lines(self):
        text = with_rule("{kind: requirement, total: x, colour: red}").replace("title: ", "titel: ")
        assert [fault.field for fault in faults(text)] == [
            "/title",
            "/titel",
            "/clauses/0/rules/0/colour",
            "/clauses/0/rules/0/total",
        ]


class TestYaml:
    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("id: a\nid: b\n", 2),
            ("a: &x 1\nb: *x\n", 2),
            ("a: [1, 2\n", 1),
            ("a: 1\n---\nb: 2\n", 2),
            ("a:\n\t- b\n", 2),
            ("? [a]\n: b\n", 1),
        ],
    )
    def test_what_can_be_read_two_ways_is_refused_with_its_line(self, text: str, line: int):
        fault = only_fault(text)
        assert (fault.code, fault.line) == ("yaml", line)

    @pytest.mark.parametrize("text", ["", "just text", "- a list", "42", "null"])
    def test_what_is_no_notice_at_all_is_refused(self, text: str):
        assert faults(text)

    def test_deep_nesting_is_refused(self):
        assert only_fault("a: " + "[" * 60 + "]" * 60).code == "yaml"
        assert only_fault("[" * 5000).code == "yaml"

    def test_a_huge_file_is_refused(self):
        assert only_fault("# " + "x" * 1_000_001).code == "yaml"
