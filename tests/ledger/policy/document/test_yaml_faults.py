"""Faults of a notice file as a clerk makes them: told in both languages, on the line that has to be mended."""

from pathlib import Path

import pytest

from services.ledger.policy import NoticeError, NoticeFault, bundled_notices, parse_notice, read_notice
from services.ledger.policy.document.parse import NOTICES
from tests.ledger.policy.builders import notice_text
from tests.words import assert_words

TITLE, ISSUED, ARTICLE, TEXT, KIND = 2, 4, 9, 10, 12
"""The lines of the small notice that have these fields."""


def only_fault(text: str) -> NoticeFault:
    with pytest.raises(NoticeError) as caught:
        parse_notice(text, "draft.yaml")
    [fault] = caught.value.faults
    assert_words(fault.detail_zh, fault.detail_en)
    return fault


SLIPS = [
    ("a full-width colon in the head", "title: ", "title：", TITLE, "全角", "half-width colon"),
    ("a full-width colon and a space", "title: ", "title ： ", TITLE, "全角", "half-width colon"),
    ("a full-width colon in a clause", "    article: ", "    article：", ARTICLE, "全角", "half-width colon"),
    ("a full-width colon at the first field", "  - id: T-01", "  - id：T-01", 8, "全角", "half-width colon"),
    ("a full-width colon of a rule", "- kind: req", "- kind：req", KIND, "全角", "half-width colon"),
    ("no space after a colon", "title: ", "title:", TITLE, "空格", "space is missing"),
    ("no space after a colon in a clause", "article: ", "article:", ARTICLE, "空格", "space is missing"),
    ("an opening quotation mark", "title: ", 'title: "', TITLE, "引号", "not closed"),
    ("an opening single quotation mark", "title: ", "title: '", TITLE, "引号", "not closed"),
    ("a quotation at the beginning", "text: 不少于", 'text: "不少于"', TEXT, "引号", "single quotes"),
    ("a tab before a field", "    article", "\tarticle", ARTICLE, "制表符", "tab"),
    ("a tab behind spaces", "    article", "  \tarticle", ARTICLE, "制表符", "tab"),
    ("a field too far to the right", "    article", "      article", ARTICLE, "缩进", "indentation"),
    ("a field too far to the left", "    article", "   article", ARTICLE, "缩进", "indentation"),
    ("a full-width space before a field", "issued_on", "\u3000issued_on", ISSUED, "全角空格", "full-width space"),
    ("a colon in a value", "text: 不少于", "text: 注: 不少于", TEXT, "引号", "colon and a space in it"),
    ("a bracket that is not closed", "[北京市财政局]", "[北京市财政局", 3, "括号", "bracket"),
    ("a sign at the beginning", "title: ", "title: @", TITLE, "“@”", "“@”"),
    ("a character that is not seen", "title: ", "title: \x07", TITLE, "控制字符", "control character"),
    ("a day without zeros", "2030-01-10", "2030-1-10", ISSUED, "“2030-01-10”", "2030-01-10"),
    ("a day in Chinese", "2030-01-10", "2030年1月10日", ISSUED, "“2030-01-10”", "2030-01-10"),
    ("a day of two digits in Chinese", "2030-01-10", "2030年12月31日", ISSUED, "“2030-12-31”", "2030-12-31"),
    ("a day with points", "2030-01-10", "2030.1.10", ISSUED, "“2030-01-10”", "2030-01-10"),
]  # fmt: skip


class TestSlips:
    @pytest.mark.parametrize(
        ("meant", "written", "line", "zh", "en"),
        [case[1:] for case in SLIPS],
        ids=[case[0] for case in SLIPS],
    )
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_of_the_keyboard_are_told_on_their_line(
        self, meant: str, written: str, line: int, zh: str, en: str, end: str
    ):
        text = notice_text()
        assert meant in text
        fault = only_fault(text.replace(meant, written, 1).replace("\n", end))
        assert (fault.line, zh in fault.detail_zh, en in fault.detail_en) == (line, True, True), fault

    @pytest.mark.parametrize("day", ["2030-1-31", "2030年1月31日", "2030/01/31"])
    def test_a_day_of_a_rule_is_told_as_one_of_the_head(self, day: str):
        rule = f"kind: window\n        until: {day}"
        fault = only_fault(notice_text().replace("- kind: requirement\n        total: 90", "- " + rule))
        assert (fault.line, fault.field) == (13, "/clauses/0/rules/0/until")
        assert "“2030-01-31”" in fault.detail_zh

    def test_a_day_that_does_not_exist_is_not_proposed(self):
        assert "2030-02-30" not in only_fault(notice_text(issued_on="2030年2月30日")).detail_en

    def test_what_the_file_holds_is_not_repeated(self):
        fault = only_fault(notice_text(title='"110101199003070000" 的通知'))
        assert "1101" not in fault.detail_zh + fault.detail_en

    def test_text_with_such_signs_in_a_sound_file_is_left_alone(self):
        written = "附件：见 pdf：第 1 页，\u3000“引号”与 kind：window"
        assert parse_notice(notice_text(title=written)).title == written


class TestEncodings:
    @pytest.mark.parametrize(
        ("encoding", "line", "zh"), [("gb18030", TITLE, "“GB18030”"), ("utf-16", 1, "“UTF-16”")]
    )
    def test_another_one_than_utf_8_is_named(self, tmp_path: Path, encoding: str, line: int, zh: str):
        draft = tmp_path / "draft.yaml"
        draft.write_bytes(notice_text().encode(encoding))
        with pytest.raises(NoticeError) as caught:
            read_notice(draft)
        [fault] = caught.value.faults
        assert_words(fault.detail_zh.replace(zh, ""), fault.detail_en)
        assert (fault.line, zh in fault.detail_zh, "save it as UTF-8" in fault.detail_en) == (
            line,
            True,
            True,
        )

    def test_a_byte_order_mark_does_no_harm(self, tmp_path: Path):
        draft = tmp_path / "draft.yaml"
        draft.write_bytes(notice_text().encode("utf-8-sig"))
        assert read_notice(draft) == parse_notice(notice_text())

    def test_every_packaged_notice_is_read_from_its_bytes(self):
        found = [read_notice(path) for path in NOTICES.glob("*.yaml")]
        assert sorted(found, key=lambda notice: (notice.dated, notice.id)) == bundled_notices()


class TestDidYouMean:
    @pytest.mark.parametrize(
        ("rule", "field", "meant"),
        [
            ("{kind: requirment, total: 90}", "kind", "requirement"),
            ("{kind: windows}", "kind", "window"),
            ("{kind: requirement, totl: 90}", "totl", "total"),
            ("{kind: tiers, names: [senoir]}", "names/0", "senior"),
        ],
    )
    def test_a_kind_a_field_or_a_word_that_resembles_a_known_one(self, rule: str, field: str, meant: str):
        fault = only_fault(notice_text().replace("- kind: requirement\n        total: 90", "- " + rule))
        assert fault.field == f"/clauses/0/rules/0/{field}"
        assert f"did you mean {meant}?" in fault.detail_en
        assert f"是否指“{meant}”" in fault.detail_zh

    def test_what_resembles_nothing_is_told_what_there_is(self):
        fault = only_fault(notice_text().replace("total: 90", "110101199003070000: 90"))
        assert "did you mean" not in fault.detail_en
        assert "known: " in fault.detail_en
