"""Labels in sentences for people: no code of ours inside a Chinese sentence, whatever a refusal or an answer is about."""

import re
from datetime import date
from decimal import Decimal
from typing import get_args

import pytest

from services.ledger.answers import step_words
from services.ledger.officials.relief import DeferralReason, ExemptionReason
from services.ledger.policy import Rejected, rejection_words
from services.ledger.policy.judging.wording import REJECTIONS, deferred_words, exempt_words
from services.ledger.policy.language import words
from services.ledger.policy.language.rule import Reporter
from services.ledger.policy.rules.tiers import TIERS

LATIN = re.compile("[A-Za-z]{2,}")
DAY = "2025-02-20"
VALUES = {
    "mode": "face_to_face",
    "form": "degree_course",
    "tier": "advanced_senior",
    "reporter": "collective",
    "category": "professional",
    "known": "professional, public",
    "year": "2025",
    "place": "辽宁省",
}


def details(words: str) -> dict[str, str]:
    names = re.findall(r"\{([a-z_]+)\}", words)
    days = {"since", "until", "started_on", "closed_on"}
    return {name: DAY if name in days else VALUES.get(name, "30") for name in names}


class TestRefusals:
    @pytest.mark.parametrize("problem", REJECTIONS)
    def test_no_code_stands_in_a_chinese_sentence_and_days_are_chinese(self, problem: str):
        words = REJECTIONS[problem]
        refused = Rejected(problem, None, details(words.detail_zh) | details(words.detail_en))
        title, detail = rejection_words(refused, "zh")
        assert not LATIN.search(title + detail), detail
        assert DAY not in detail
        assert "_" not in rejection_words(refused, "en")[1]


class TestAnswers:
    @pytest.mark.parametrize("reason", sorted({*get_args(ExemptionReason), *get_args(DeferralReason)}))
    def test_every_reason_of_a_relief_has_words_in_both_languages(self, reason: str):
        assert reason in words.REASONS
        for zh, en in (exempt_words(2025, reason), deferred_words(date(2026, 6, 30), reason)):
            assert not LATIN.search(zh), zh
            assert "_" not in en

    def test_every_tier_and_reporter_has_words(self):
        assert set(TIERS) <= set(words.TIERS)
        assert set(get_args(Reporter)) == set(words.REPORTERS)

    @pytest.mark.parametrize("form", words.FORMS)
    def test_a_claim_is_called_by_its_form(self, form: str):
        for state in ("returned", "accepted"):
            zh, en = step_words.claim_words(state, form, Decimal(30))
            assert not LATIN.search(zh), zh
            assert "_" not in en

    @pytest.mark.parametrize("mode", words.MODES)
    def test_study_is_told_in_words(self, mode: str):
        for zh, _ in (
            step_words.study_words(Decimal(30), "public", (mode,), None, date(2025, 2, 20)),
            step_words.enrol_words((mode,), True, None),
        ):
            assert not LATIN.search(zh), zh
