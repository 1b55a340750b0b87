"""The sentences of an assessment, short and plain, in Chinese and English. Codes are never translated; these are."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from services.ledger.policy.judging.policy_day import MAKE_UP_ACTS, MakeUpResult, PersonOpening, PolicyDay
from services.ledger.policy.language.facts import ANY, Category, Rejected
from services.ledger.policy.language.words import (
    MODES,
    REASONS,
    RejectionWords,
    Words,
    day_zh,
    label,
    labels,
    plain,
    spoken,
)
from services.ledger.policy.rules import KINDS
from services.ledger.policy.rules.categories import USUAL, Names

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


WHY: Mapping[str, Words] = {
    "withdrawn": ("培训机构已撤回", "withdrawn by the provider"),
    "revoked": ("财政部门已撤销", "revoked by the authority"),
    "duplicate": ("与已计入的学分为同一事项", "of the same fact as credits that count already"),
    "completed_later": ("在所问日期之后完成", "completed after the day asked about"),
    **{reason: words for kind in KINDS for reason, words in kind.why.items()},
}
"""Reasons for which credits do not count; those of a rule are told by its kind."""


def no_policy_words(year: int) -> Words:
    """Nothing can be said."""
    return (
        f"本地没有{year}年度的继续教育通知，无法判断。",
        f"No notice governs {year} here, so nothing can be judged.",
    )


BASIS: Mapping[bool, Words] = {
    True: (
        "本地尚未公布该年度通知，暂按国家规定判定。",
        "No local notice is published for the year yet: judged by the national rule, provisionally.",
    ),
    False: (
        "本地该年度不另发通知，按国家规定判定。",
        "No local notice will come for the year: judged by the national rule.",
    ),
}
"""What a year that the nation's framework judges is judged by, provisionally or for good (B-20)."""

UNDECIDED: Words = (
    "待本地公布该年度通知，或明确不再发布后判定。",
    "It is decided once the local notice is published, or the authority says that none will come.",
)


@lru_cache(maxsize=4096)
def not_required_words(year: int, first: int | None, student: bool) -> Words:
    """The person owes nothing in the year."""
    if first is not None:
        return (
            f"自{first}年度起参加继续教育，{year}年度不作要求。",
            f"The duty begins with {first}; {year} is not required.",
        )
    if student:
        return f"在校学生，{year}年度不作要求。", f"A student owes nothing in {year}."
    return (
        f"无会计专业技术资格且未从事会计工作，{year}年度不作要求。",
        f"Neither qualified nor doing accounting work: {year} is not required.",
    )


@lru_cache(maxsize=4096)
def exempt_words(year: int, reason: str) -> Words:
    """An authority freed the person of the year."""
    zh, en = label(REASONS, reason)
    return f"{year}年度已获免除（{zh}）。", f"Exempt for {year} ({en})."


@lru_cache(maxsize=4096)
def duty_ended_words(year: int, last: int) -> Words:
    """The person retired or left accounting work, and owes nothing since."""
    return (
        f"已退休或不再从事会计工作，自{last + 1}年度起不作要求。",
        f"Retired, or no longer in accounting work: nothing is owed after {last}, so {year} is not required.",
    )


def carried_words(from_year: int, credits: Decimal) -> Words:
    """Credits of the year before that count in this one."""
    amount = plain(credits)
    return f"其中{from_year}年度结转{amount}学分。", f"{amount} of them were carried over from {from_year}."


def purpose_words(
    span: tuple[int, int],
    at_least: int,
    open_years: Sequence[int],
    short: Sequence[tuple[Category | None, str]],
    fulfilled: bool | None,
) -> Words:
    """Whether a purpose is fulfilled: which years it looked at, which of them stand in the way, what sums are short."""
    first, last = span
    years_zh = f"{first}年度" if first == last else f"{first}至{last}年度"
    years_en = f"{first}" if first == last else f"{first} to {last}"
    listed = [str(year) for year in open_years]
    if fulfilled:
        return f"{years_zh}继续教育符合要求。", f"{years_en}: fulfilled."
    if fulfilled is None:
        return (
            f"{'、'.join(listed)}年度没有可适用的通知，{years_zh}是否符合要求尚不能判定。",
            f"{years_en}: cannot be said yet, as no notice governs {', '.join(listed)}.",
        )
    zh, en = [], []
    if len(listed) > last - first + 1 - at_least:
        zh.append(f"须{at_least}个年度达标，{'、'.join(listed)}年度未达标")
        en.append(f"{at_least} of the years must be met, {', '.join(listed)} are not")
    for category, credits in short:
        name_zh, name_en = USUAL.names[category] if category else ("", "credits")
        zh.append(f"合计尚缺{credits}{name_zh}学分")
        en.append(f"{credits} {name_en} missing in all")
    return f"{years_zh}继续教育不符合要求：{'；'.join(zh)}。", f"{years_en}: not fulfilled; {'; '.join(en)}."


CountedWord = Literal["registered", "counted"]
"""What is said of credits that count: registered, or counted where some have to be recognised first (S4-03)."""
_COUNTED: Mapping[CountedWord, str] = {"registered": "已登记", "counted": "已计入"}
_NO_SUBJECT: Words = ("不限科目", "of no fixed subject")


def compliant_words(
    year: int,
    total: Decimal,
    by_category: Mapping[Category, Decimal],
    names: Names,
    *,
    counted: CountedWord = "registered",
) -> Words:
    """All minima are reached; the parts are the categories, and what counts for the total alone."""
    zh = en = ""
    for category, credits in by_category.items():
        if category != ANY or credits:
            name, text = names[category] if category != ANY else _NO_SUBJECT, plain(credits)
            zh = f"{zh}、{name[0]}{text}学分"
            en = f"{en} and {text} {name[1]}"
    all_ = plain(total)
    return (
        f"{year}年度继续教育已达标：{_COUNTED[counted]}{all_}学分，其中{zh[1:]}。",
        f"Compliant for {year}: {all_} credits {counted}, {en[5:]}.",
    )


def aside_words(recognised: Decimal, above: Decimal, excess: Decimal, *, carries: bool) -> Iterator[Words]:
    """What is registered and waits to be recognised, what is above a maximum, and what is more than the year asks."""
    if recognised:
        amount = plain(recognised)
        yield (
            f"另有{amount}学分已登记，尚待认定。",
            f"{amount} more credits are registered and wait to be recognised.",
        )
    if above:
        amount = plain(above)
        yield f"超过上限的{amount}学分不计入。", f"{amount} credits are above a maximum and do not count."
    if excess:
        amount = plain(excess)
        if carries:
            yield f"超出规定{amount}学分。", f"{amount} credits are more than the year asks."
        else:
            yield (
                f"超出规定{amount}学分，不结转。",
                f"{amount} credits are more than the year asks, and are not carried over.",
            )


@lru_cache(maxsize=4096)
def deferred_words(until: date, reason: str) -> Words:
    """An authority gave more time, and until when."""
    zh, en = label(REASONS, reason)
    return (
        f"已获延期（{zh}），须于{day_zh(until)}（含当日）前完成。",
        f"Deferred ({en}): complete by {until}, that day included.",
    )


def missing_words(category: Category | None, credits: Decimal, names: Names) -> Words:
    """Credits that are missing in all, or in a category."""
    zh, en = names[category] if category is not None else ("总学分", "in total")
    return f"{zh}尚缺{plain(credits)}学分", f"{plain(credits)} {en}"


def period_words(title: str, name: str, days: tuple[date, date], short: Sequence[Words]) -> Words:
    """A period that contains a day of the year: whether its credits are there, or what is missing."""
    since, until = days
    span_zh, span_en = f"{day_zh(since)}至{day_zh(until)}", f"{since} to {until}"
    if not short:
        return f"周期“{title}”（{span_zh}）已达标。", f"The period {name} ({span_en}) is met."
    zh, en = "、".join(each for each, _ in short), ", ".join(each for _, each in short)
    return f"周期“{title}”（{span_zh}）{zh}。", f"The period {name} ({span_en}) is short: {en}."


def choice_short_words(name: str, title: str | None, credits: Decimal) -> Words:
    """Credits that are missing for the nearest of several minima, or one of its kind, whatever it is worth."""
    if not credits:
        return f"“{title or name}”尚未完成", f"anything that counts as {name}"
    return f"“{title or name}”尚缺{plain(credits)}学分", f"{plain(credits)} for {name}"


def course_short_words(course: str, name: str | None, credits: Decimal) -> Words:
    """A course that is missing, or credits in it."""
    zh, en = f"必修课程《{name or course}》", f"the course {course}"
    if credits:
        return f"{zh}尚缺{plain(credits)}学分", f"{plain(credits)} in {en}"
    return f"{zh}尚未完成", en


def mode_short_words(modes: Sequence[str], credits: Decimal) -> Words:
    """Credits that are missing in modes of study."""
    zh, en = labels(MODES, modes)
    zh = zh.replace("、", "或")
    return f"{zh}尚缺{plain(credits)}学分", f"{plain(credits)} {en}"


def short_words(
    year: int,
    total: Decimal,
    missing: Sequence[Words],
    status: str,
    tail: Words,
    *,
    counted: CountedWord = "registered",
) -> Words:
    """Something is missing; what to do about it and until when follows."""
    parts_zh = "，".join([zh for zh, _ in missing])
    parts_en = ", ".join([en for _, en in missing])
    done, verdict = plain(total), _VERDICTS[status]
    return (
        f"{year}年度继续教育{verdict[0]}：{_COUNTED[counted]}{done}学分，{parts_zh}。{tail[0]}",
        f"{verdict[1]} for {year}: {done} credits {counted}; missing: {parts_en}. {tail[1]}",
    )


def judged_words(
    year: int, status: str, total: Decimal, missing: Sequence[Words], where: Words, on: date
) -> Words:
    """A year as another authority judged it: the verdict, what was missing, where and as of when."""
    verdict_zh, verdict_en = _VERDICTS[status]
    short_zh = "".join(f"，{zh}" for zh, _ in missing)
    short_en = f"; missing: {', '.join(en for _, en in missing)}" if missing else ""
    done = plain(total)
    return (
        f"{year}年度继续教育{verdict_zh}：已登记{done}学分{short_zh}。由{where[0]}判定（截至{day_zh(on)}）。",
        f"{verdict_en} for {year}: {done} credits registered{short_en}. "
        f"Judged by the authority of {where[1]} as of {on}, before the person moved.",
    )


_VERDICTS: Mapping[str, Words] = {
    "compliant": ("已达标", "Compliant"),
    "not_required": ("不作要求", "Not required"),
    "exempt": ("已获免除", "Exempt"),
    "no_policy": ("无法判断", "Not to be judged"),
    "in_progress": ("进行中", "In progress"),
    "deficient": ("未达标", "Deficient"),
    "undecided": ("尚不能判定", "Undecided"),
}


def tail_words(
    today: PolicyDay,
    open_: Sequence[PersonOpening],
    make_up: MakeUpResult | None,
    why_not: Rejected | None,
) -> Words:
    """What this person can still do on the day, and until when; or why nothing, where make-up is open to others."""
    study = [one for one in open_ if one.act == "study"]
    first = min((one.since for one in study), default=None)
    if first is not None and first > today.on:
        return f"学习自{day_zh(first)}开始。", f"Study opens on {first}."
    last = max((one.until or date.max for one in study), default=None)
    if last is not None and last != date.max:
        return f"须于{day_zh(last)}（含当日）前完成。", f"Complete by {last}, that day included."
    if make_up is None or not make_up.open:
        coming = min(
            (one for one in open_ if one.act in MAKE_UP_ACTS), key=lambda one: one.since, default=None
        )
        if coming is not None:
            how = "补登" if coming.registers else "补学"
            return f"{day_zh(coming.since)}起可{how}。", f"It can be made up from {coming.since}."
        if why_not is not None:
            zh, en = rejection_words(why_not, "zh")[1], rejection_words(why_not, "en")[1]
            return f"目前没有可参加的补学：{zh}", f"It cannot be made up now: {en}"
        return "目前没有开放的补学。", "No make-up is open."
    end_zh = f"截至{day_zh(make_up.until)}" if make_up.until else "未定截止日"
    end_en = f"until {make_up.until}" if make_up.until else "with no end set"
    how = "补登" if make_up.registers else "补学"
    if make_up.channel == "automatic":
        by = "having what was studied registered" if make_up.registers else "study"
        return f"现可{how}，{end_zh}，完成后自动登记。", f"It can be made up by {by} {end_en}."
    by_zh = f"，学习须在{day_zh(make_up.study_until)}（含当日）前完成" if make_up.study_until else ""
    by_en = f", for study completed by {make_up.study_until}" if make_up.study_until else ""
    return (
        f"现可申请{how}，{end_zh}{by_zh}，由财政部门审核。",
        f"It can be made up by application {end_en}{by_en}.",
    )
