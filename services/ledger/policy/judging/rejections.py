"""Refusals in words: for every code a title and a sentence in Chinese and English.

The sentences repeat only values of the notice (dates, years, modes, limits), never what identifies a person. A kind of rule
brings the words of its own refusals; here are those that no kind is asked for.
"""

from collections.abc import Mapping
from typing import Literal

from services.ledger.policy.language.decisions import Rejected
from services.ledger.policy.language.labels import spoken
from services.ledger.policy.language.words import RejectionWords
from services.ledger.policy.rules import KINDS

_GENERAL: Mapping[str, RejectionWords] = {
    "no-policy": RejectionWords(
        "本地没有该年度的政策",
        "No policy for this place and year",
        "{place} 没有 {year} 年度的继续教育通知。",
        "No notice governs {year} in {place}.",
    ),
    "year-out-of-range": RejectionWords(
        "年度超出范围",
        "The credit year is out of range",
        "不接受 {year} 年度的学习记录。",
        "Completions for {year} are not accepted.",
    ),
    "year-closed": RejectionWords(
        "该年度已关闭",
        "The year is closed",
        "{place} 的 {year} 年度已于 {closed_on} 关闭，此后只登记补学和财政部门作出的更正。",
        "{year} was closed for {place} on {closed_on}; only make-up and corrections by its authority enter since.",
    ),
    "credits-not-positive": RejectionWords(
        "学分须大于零",
        "Credits must be positive",
        "学分须大于零。",
        "A completion carries more than zero credits.",
    ),
    "completed-in-future": RejectionWords(
        "完成时间晚于当前",
        "Completed in the future",
        "完成或考试时间晚于当前时间。",
        "The moment of completion, or of the exam, lies in the future.",
    ),
    "started-after-completion": RejectionWords(
        "开始日期晚于完成时间",
        "Started after it was completed",
        "开始日期（{started_on}）晚于完成时间。",
        "It is said to have started on {started_on}, after it was completed.",
    ),
}
REJECTIONS: Mapping[str, RejectionWords] = {
    **_GENERAL,
    **{code: words for kind in KINDS for code, words in kind.rejections.items()},
}


def rejection_words(rejected: Rejected, language: Literal["zh", "en"]) -> tuple[str, str]:
    """Title and detail of a refusal in one language."""
    words = REJECTIONS[rejected.problem]
    if language == "zh":
        return words.title_zh, words.detail_zh.format_map(spoken(rejected.details, "zh"))
    return words.title_en, words.detail_en.format_map(spoken(rejected.details, "en"))
