"""Faults of a notice beside those that are published: codes that nothing declares, and a year that it would wipe out."""

from typing import Any

import msgspec
import pytest

from services.ledger.policy import Finding, Notice, book_faults, bundled_notices, notice_hash, replaced_by
from services.ledger.policy.language.rule import Years
from tests.ledger.policy.drafts import BUNDLED, book, draft
from tests.words import assert_words

HR = {"kind": "categories", "set": [{"code": "hr_public", "name": "人社公需"}]}
TALK = {"form": "talk", "name": "讲座", "per": "event", "credits": 5}


def faults(notice: Notice, *published: Notice) -> list[Finding]:
    found = book_faults(notice, book(*published) if published else BUNDLED)
    for fault in found:
        assert_words(fault.zh, fault.en)
    return found


def only_fault(*rules: dict[str, Any]) -> Finding:
    [fault] = faults(draft(*rules))
    return fault


class TestACodeThatNothingDeclares:
    @pytest.mark.parametrize("notice", bundled_notices(), ids=lambda notice: notice.id)
    def test_stands_in_no_packaged_notice(self, notice: Notice):
        assert faults(notice) == []

    @pytest.mark.parametrize(
        ("rule", "field", "code", "meant"),
        [
            ({"kind": "requirement", "categories": {"profesional": 60}}, "categories/profesional",
             "category-unknown", "professional"),
            ({"kind": "cap", "name": "most", "per": "year", "credits": 9, "categories": ["pubilc"]},
             "categories/0", "category-unknown", "public"),
            ({"kind": "purpose", "purposes": ["title_review"], "years": 3, "categories": {"publik": 9}},
             "categories/publik", "category-unknown", "public"),
            ({"kind": "conversion", "name": "hours", "hours": 4, "credits": 2, "category": "publlic"},
             "category", "category-unknown", "public"),
            ({"kind": "equivalence", "forms": [TALK | {"covers": {"fill": ["publc"]}}]},
             "forms/0/covers/fill/0", "category-unknown", "public"),
            ({"kind": "window", "modes": ["onlin"], "until": "2030-12-31"}, "modes/0", "mode-unknown", "online"),
            ({"kind": "modes", "allowed": ["online", "face_to_fce"]}, "allowed/1", "mode-unknown", "face_to_face"),
            ({"kind": "route", "name": "papers", "forms": ["papper"], "reporters": ["person"]}, "forms/0",
             "form-unknown", "paper"),
            ({"kind": "cap", "name": "most", "per": "year", "credits": 9, "forms": ["bok"]}, "forms/0",
             "form-unknown", "book"),
        ],
    )  # fmt: skip
    def test_is_a_fault_that_says_what_may_be_meant(
        self, rule: dict[str, Any], field: str, code: str, meant: str
    ):
        fault = only_fault(rule)
        assert (fault.pointer, fault.code) == (f"/clauses/0/rules/0/{field}", code)
        assert f"did you mean {meant}?" in fault.en
        assert f"是否指“{meant}”" in fault.zh

    def test_is_a_fault_also_where_it_resembles_nothing(self):
        fault = only_fault({"kind": "requirement", "categories": {"ethics": 30}})
        assert fault.code == "category-unknown"
        assert "did you mean" not in fault.en

    @pytest.mark.parametrize(
        ("declaring", "naming"),
        [
            (HR, {"kind": "requirement", "categories": {"hr_public": 30, "hr_public/law": 5}}),
            (
                {"kind": "equivalence", "forms": [TALK]},
                {"kind": "route", "name": "talks", "forms": ["talk"], "reporters": ["person"]},
            ),
        ],
    )
    def test_is_none_once_the_notice_or_one_of_a_place_above_declares_it(
        self, declaring: dict[str, Any], naming: dict[str, Any]
    ):
        assert faults(draft(declaring, naming)) == []
        county = draft(naming, place="110101", name="dongcheng-2030")
        assert faults(county) != []
        assert faults(county, draft(declaring)) == []

    def test_is_any_mode_of_a_places_own_as_no_record_may_have_it(self):
        fault = only_fault({"kind": "modes", "allowed": ["online", "broadcast"]})
        assert (fault.code, fault.pointer) == ("mode-unknown", "/clauses/0/rules/0/allowed/1")
        assert "records are" in fault.en

    def test_may_be_a_path_that_resembles_one_of_the_set(self):
        paths = [{"code": code, "name": "科目"} for code in ("professional", "professional/ethics")]
        declaring = {"kind": "categories", "set": paths}
        asked = {"kind": "requirement", "categories": {"professional/ethcs": 6}}
        [fault] = faults(draft(declaring, asked))
        assert "did you mean professional/ethics?" in fault.en
        assert faults(draft(declaring, {"kind": "requirement", "categories": {"professional/tax": 6}})) == []


class TestAnIdThatGovernedAnotherYear:
    OLD = draft({"kind": "requirement", "total": 90}, year=2029, issued_on="2029-01-10", name="beijing")
    NEW = draft({"kind": "requirement", "total": 90}, year=2030, issued_on="2030-01-10", name="beijing")

    def test_is_refused_and_says_what_would_be_replaced(self):
        [fault] = faults(self.NEW, self.OLD)
        assert (fault.pointer, fault.code) == ("/id", "replaces-another-year")
        said = "replaces the publication of 2029-01-10, “关于继续教育的通知”, which governed 2029"
        assert said in fault.en
        assert "取代2029年1月10日的“关于继续教育的通知”，该文件管 2029 年度" in fault.zh
        replaced = replaced_by(self.NEW, book(self.OLD))
        assert replaced is not None
        assert replaced.words[1] == said

    def test_is_taken_once_the_notice_says_so(self):
        said = msgspec.structs.replace(self.NEW, replaces=self.OLD.label)
        assert faults(said, self.OLD) == []
        other = msgspec.structs.replace(self.NEW, replaces="另一文件")
        assert [fault.code for fault in faults(other, self.OLD)] == ["replaces-another-year"]

    @pytest.mark.parametrize(
        ("former", "years", "wiped"),
        [
            ((2030, 2030), (2030, 2030), False),
            ((2030, 2030), (2029, 2031), False),
            ((2030, 2030), (2030, None), False),
            ((2030, 2030), (None, None), False),
            ((2029, 2030), (2030, 2030), True),
            ((2030, None), (2030, 2030), True),
            ((None, 2030), (2030, 2030), True),
        ],
    )
    def test_is_one_where_a_year_is_left(
        self, former: tuple[int, int], years: tuple[int | None, int | None], wiped: bool
    ):
        old = msgspec.structs.replace(self.OLD, years=Years(first=former[0], last=former[1]))
        new = msgspec.structs.replace(self.NEW, years=Years(first=years[0], last=years[1]))
        assert bool(faults(new, old)) is wiped

    def test_is_none_of_the_same_content_or_another_place(self):
        assert replaced_by(self.OLD, book(self.OLD)) is None
        county = draft(year=2031, issued_on="2031-01-10", place="110101", name="beijing")
        assert faults(county, self.OLD) == []

    def test_leaves_the_hash_of_who_replaces_nothing(self):
        assert notice_hash(self.NEW) != notice_hash(msgspec.structs.replace(self.NEW, replaces="某文件"))
        assert b"replaces" not in msgspec.json.encode(self.NEW)
