"""Words for people in Chinese and English: how amounts and days are written, and the labels of codes."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from contracts.divisions import UnknownDivisionError, full_name_en, full_name_of

Words = tuple[str, str]
"""The same sentence in Chinese and in English."""


class RejectionWords(NamedTuple):
    """Title and detail of a refusal; `{names}` are filled from `Rejected.details`."""

    title_zh: str
    title_en: str
    detail_zh: str
    detail_en: str


@lru_cache(maxsize=65536)
def plain(quantity: Decimal) -> str:
    """Credits as people write them: 90, 89.5."""
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=4096)
def day_zh(day: date) -> str:
    """A date in Chinese."""
    return f"{day.year}年{day.month}月{day.day}日"


MODES: Mapping[str, Words] = {
    "online": ("网络教育", "online"),
    "face_to_face": ("面授教育", "face to face"),
    "other": ("其他方式", "in other ways"),
    "equivalence": ("视同或折算", "by conversion"),
}
STUDY_MODES = ("face_to_face", "online", "other")
"""The usual modes in which somebody studies."""
FORMS: Mapping[str, Words] = {
    "exam_subject": ("会计资格考试科目", "a subject of an accounting exam"),
    "admission": ("录取", "an admission"),
    "certificate_exam": ("职业资格考试", "a certificate exam"),
    "language_exam": ("外语考试", "a language exam"),
    "degree_course": ("学历学位课程", "a degree course"),
    "research": ("课题研究", "research"),
    "paper": ("论文", "a paper"),
    "book": ("著作", "a book"),
    "conference": ("专业会议", "a conference"),
    "contest": ("知识竞赛", "a contest"),
    "public_hours": ("公需科目学时", "public hours"),
    "hr_hours": ("人社部门登记的学时", "hours registered by the human resources department"),
    "finance_training": ("财政部门组织的培训", "training by the finance authority"),
    "league_training": ("行业组织的培训", "training by a league"),
    "authority_training": ("继续教育管理部门组织的培训", "training that the authority organised"),
    "association_training": ("协会组织的培训", "training by an association"),
    "volunteering": ("志愿服务", "volunteering"),
    "study": ("学习证明", "proven study"),
}
ACTS: Mapping[str, Words] = {
    "study": ("学习", "study"),
    "enrol": ("报名", "enrol"),
    "apply": ("申请", "apply"),
    "pay": ("缴费", "pay"),
    "register": ("登记", "register"),
}
TIERS: Mapping[str, Words] = {
    "junior": ("初级", "junior"),
    "intermediate": ("中级", "intermediate"),
    "senior": ("高级", "senior"),
    "advanced_senior": ("正高级", "advanced senior"),
}
REPORTERS: Mapping[str, Words] = {
    "provider": ("培训机构", "a provider"),
    "employer": ("用人单位", "an employer"),
    "person": ("本人", "the person"),
    "authority": ("财政部门", "the authority"),
    "collective": ("单位集体申请", "a collective application"),
}
CATEGORIES: Mapping[str, Words] = {
    "professional": ("专业科目", "professional"),
    "public": ("公需科目", "public"),
}
REASONS: Mapping[str, Words] = {
    "illness": ("病假", "illness"),
    "childbirth": ("生育", "childbirth"),
    "abroad": ("境外工作", "work abroad"),
    "age": ("年龄", "age"),
    "retired": ("退休", "retirement"),
    "left_accounting": ("不再从事会计工作", "no longer in accounting work"),
    "disaster": ("自然灾害", "a natural disaster"),
    "seconded": ("借调", "a secondment"),
    "other": ("其他原因", "another reason"),
}
_OF_FIELD: Mapping[str, Mapping[str, Words]] = {
    "mode": MODES,
    "form": FORMS,
    "tier": TIERS,
    "reporter": REPORTERS,
    "category": CATEGORIES,
    "known": CATEGORIES,
}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def label(table: Mapping[str, Words], code: str) -> Words:
    """The words of a code; a notice's own code stands for itself, in quotes in Chinese."""
    return table.get(code) or (f"“{code}”", code.replace("_", " "))


def labels(table: Mapping[str, Words], codes: Iterable[str]) -> Words:
    """Alternatives: 面授教育、网络教育, "face to face or online"."""
    found = [label(table, code) for code in codes]
    return "、".join(zh for zh, _ in found), " or ".join(en for _, en in found)


def spoken(details: Mapping[str, str], language: str) -> dict[str, str]:
    """The values of a refusal as a sentence says them: codes by their words, places by their names, days in Chinese as
    Chinese writes them."""
    return {name: _spoken(name, value, language) for name, value in details.items()}


def _place(code: str, language: str) -> str:
    try:
        return full_name_of(code) if language == "zh" else full_name_en(code)
    except UnknownDivisionError:
        return code


def _spoken(name: str, value: str, language: str) -> str:
    if name == "place" and value.isdigit():
        return _place(value, language)
    table = _OF_FIELD.get(name)
    if table is not None:
        return labels(table, value.split(", "))[0 if language == "zh" else 1]
    if language == "zh" and _DAY.fullmatch(value):
        return day_zh(date.fromisoformat(value))
    return value
