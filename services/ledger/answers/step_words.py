"""The sentences of next steps, in Chinese and English."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from services.ledger.policy.judging.release import REASONS
from services.ledger.policy.judging.wording import UNDECIDED
from services.ledger.policy.language.facts import HoldReason
from services.ledger.policy.language.words import FORMS, MODES, Words, day_zh, label, labels, plain
from services.ledger.policy.rules.categories import USUAL, Names

NOTICE: Words = UNDECIDED
CONDITION: Mapping[str, Words] = {
    "special_reason": ("须有特殊原因", "for a special reason"),
    "shortfall": ("限学分不足者", "for those who fell short"),
    "enrolled": ("限已报名者", "for those who had enrolled"),
    "paid": ("限已缴费者", "for those who had paid"),
}


def study_words(
    credits: Decimal,
    category: str | None,
    modes: Sequence[str],
    since: date | None,
    until: date | None,
    *,
    names: Names = USUAL.names,
) -> Words:
    """Study so much more, in these modes, between these days; `since` only where it has not begun."""
    what_zh, what_en = _credits(credits, category, names)
    in_zh, in_en = labels(MODES, modes)
    how_zh, how_en = (f"通过{in_zh}", f" {in_en}") if modes else ("", "")
    return (
        f"{_since_zh(since)}{_until_zh(until)}{how_zh}再取得{what_zh}。",
        f"Study {what_en} more{how_en}{_since_en(since)}{_until_en(until)}.",
    )


def course_words(course: str, name: str | None, credits: Decimal, until: date | None) -> Words:
    """Complete a course that the notice names, or earn so much in it."""
    zh, en = f"《{name or course}》", f"the course {course}"
    if credits:
        zh, en = f"{zh}再取得{plain(credits)}学分", f"{plain(credits)} more credits in {en}"
    return f"{_until_zh(until)}完成必修课程{zh}。", f"Complete {en}{_until_en(until)}."


def waiting_words(reason: HoldReason, credits: Decimal, until: date | None) -> Words:
    """Credits that wait in the account, and for what."""
    zh, en = REASONS[reason]
    amount = plain(credits)
    return (
        f"已有{amount}学分待登记{_until_in_zh(until)}{zh}。",
        f"{amount} credits are {en}{_until_en(until)}.",
    )


def recognition_words(credits: Decimal) -> Words:
    """Credits that an official has yet to recognise (S4-03)."""
    amount = plain(credits)
    return (
        f"{amount}学分已登记，等待财政部门认定。",
        f"{amount} credits are registered and wait to be recognised by the authority.",
    )


def make_up_words(
    channel: str,
    credits: Decimal,
    category: str | None,
    conditions: Sequence[str],
    since: date | None,
    until: date | None,
    study_until: date | None,
    *,
    registers: bool = False,
    names: Names = USUAL.names,
) -> Words:
    """Make so much up, by study or by application, or have what was studied registered, where the notice says so;
    `study_until` is the last day of the study that is applied for."""
    what_zh, what_en = _credits(credits, category, names)
    said = [CONDITION[each] for each in conditions if each in CONDITION]
    only_zh = f"（{'，'.join(zh for zh, _ in said)}）" if said else ""
    only_en = f", {', '.join(en for _, en in said)}" if said else ""
    when_zh, when_en = f"{_since_zh(since)}{_until_zh(until)}", f"{_since_en(since)}{_until_en(until)}"
    by_zh = f"，学习须在{day_zh(study_until)}（含当日）前完成" if study_until else ""
    by_en = f", by study completed by {study_until}" if study_until else ""
    if registers:
        how_zh = "补登" if channel == "automatic" else "提交补登申请和证明材料，补登"
        how_en = "Have" if channel == "automatic" else "Apply, with proof, to have"
        return (
            f"{when_zh}{how_zh}已学的{what_zh}{only_zh}{by_zh}。",
            f"{how_en} {what_en} registered that were studied{when_en}{only_en}{by_en}.",
        )
    if channel == "automatic":
        return f"{when_zh}通过补学取得{what_zh}{only_zh}。", f"Make up {what_en} by study{when_en}{only_en}."
    return (
        f"{when_zh}提交补学申请和证明材料，取得{what_zh}{only_zh}{by_zh}。",
        f"Apply, with proof, to make up {what_en}{when_en}{only_en}{by_en}.",
    )


def no_make_up_words(year: int, why: Words | None) -> Words:
    """The year cannot be made up now."""
    zh, en = why or ("请咨询属地财政部门", "ask the authority of your place")
    return (
        f"{year}年度目前没有可参加的补学：{zh.rstrip('。')}。",
        f"{year} cannot be made up now: {en.rstrip('.')}.",
    )


def claim_words(state: str, form: str, credits: Decimal) -> Words:
    """A claim that is open: returned to the person, or with the reviewer."""
    amount, (form_zh, form_en) = plain(credits), label(FORMS, form)
    if state == "returned":
        return (
            f"学分申请（{form_zh}，{amount}学分）被退回，请补正后重新提交。",
            f"The claim ({form_en}, {amount} credits) was returned: amend it and hand it in again.",
        )
    return (
        f"学分申请（{form_zh}，{amount}学分）正在审核，通过后计入。",
        f"The claim ({form_en}, {amount} credits) is under review and counts once approved.",
    )


def identity_words(credits: Decimal) -> Words:
    """Credits that a provider reported under another name (S0-23)."""
    amount = plain(credits)
    return (
        f"{amount}学分报送的姓名与信息采集不一致，暂不登记，请核对证件信息或申请变更。",
        f"{amount} credits were reported under a name that differs from the one on record and wait: "
        "check it, or have the record changed.",
    )


def elsewhere_words(credits: Decimal) -> Words:
    """Credits that a provider reported to an authority that does not hold the person."""
    amount = plain(credits)
    return (
        f"{amount}学分报送到了其他地区，暂不登记，请联系培训机构改报本地。",
        f"{amount} credits were reported to another authority and wait: ask the provider to report them here.",
    )


INFORMATION: Words = (
    "尚无会计专业技术资格和从事会计工作的记录；如已具备，请申请信息变更。",
    "Neither a qualification nor accounting work is on record: if there is one, have the record changed.",
)
NO_POLICY: Words = (
    "本地没有该年度的通知，请咨询属地财政部门。",
    "No notice governs the year here: ask the authority of your place.",
)


def origin_words(
    credits: Decimal,
    category: str | None,
    where: Words,
    year: int,
    days: tuple[date | None, date | None],
    *,
    names: Names = USUAL.names,
) -> Words:
    """What is missing in a year that another authority judged, and from when until when it can be made up there."""
    what_zh, what_en = _credits(credits, category, names)
    since, until = days
    if since is not None:
        zh = f"自{day_zh(since)}起" + (f"至{day_zh(until)}" if until is not None else "")
        en = f"from {since}" + (f" until {until}" if until is not None else "")
        return (
            f"{year}年度由{where[0]}判定，尚缺{what_zh}；可{zh}在当地补学、补登，请咨询{where[0]}财政部门。",
            f"{year} was judged by the authority of {where[1]}, {what_en} short: it can be made up there {en}; ask there.",
        )
    return (
        f"{year}年度由{where[0]}判定，尚缺{what_zh}；如需补学、补登，请咨询{where[0]}财政部门。",
        f"{year} was judged by the authority of {where[1]}, {what_en} short: ask there whether they can be made up.",
    )


def enrol_words(modes: Sequence[str], paid: bool, until: date | None) -> Words:
    """Enrol first, and pay where that is asked."""
    how_zh, how_en = labels(MODES, modes)
    return (
        f"{_until_zh(until)}报名{'并缴费' if paid else ''}（{how_zh}）。",
        f"Enrol{' and pay' if paid else ''} ({how_en}){_until_en(until)}.",
    )


def _credits(credits: Decimal, category: str | None, names: Names) -> Words:
    amount = plain(credits)
    if category is None:
        return f"{amount}学分", f"{amount} credits"
    zh, en = names[category]
    return f"{zh}{amount}学分", f"{amount} {en} credits"


def _since_zh(since: date | None) -> str:
    return f"自{day_zh(since)}起，" if since is not None else ""


def _since_en(since: date | None) -> str:
    return f" from {since}" if since is not None else ""


def _until_zh(until: date | None) -> str:
    return f"在{day_zh(until)}（含当日）前" if until is not None else ""


def _until_in_zh(until: date | None) -> str:
    return f"，须在{day_zh(until)}（含当日）前" if until is not None else "，"


def _until_en(until: date | None) -> str:
    return f" until {until}" if until is not None else ""
