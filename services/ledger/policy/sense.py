"""What a notice must make sense of beyond its form: days that exist, places that exist, references that lead somewhere."""

from collections.abc import Iterator
from datetime import date

from contracts.divisions import is_known
from services.ledger.policy.document.notice import AnyRule, Notice
from services.ledger.policy.document.schema_faults import SchemaFault
from services.ledger.policy.language.days import day_of, days_after_enrolment
from services.ledger.policy.language.rule import Years
from services.ledger.policy.rules.judged import MakeUp, MakeUpWindow, Providers
from services.ledger.policy.rules.shown import Duty, Equivalence, Platform
from services.ledger.policy.rules.window import Window
from services.ledger.policy.sense_counting import of_counting

_ISSUED = date(2024, 1, 1)
NO_SUCH_DAY = ("date", "没有这一天", "there is no such day")


def nonsense(notice: Notice) -> Iterator[SchemaFault]:
    """Everything in a well-formed notice that cannot be meant."""
    yield from _head(notice)
    yield from _years(notice.years, "/years")
    seen: set[str] = set()
    for number, clause in enumerate(notice.clauses):
        if clause.id in seen:
            yield SchemaFault(
                f"/clauses/{number}/id", "duplicate", "条款编号重复", "an earlier clause has this id"
            )
        seen.add(clause.id)
        yield from _years(clause.years, f"/clauses/{number}/years")
        for index, rule in enumerate(clause.rules):
            yield from _rule(notice, rule, f"/clauses/{number}/rules/{index}")


def _head(notice: Notice) -> Iterator[SchemaFault]:
    if notice.issued_on is None and notice.effective_from is None:
        yield SchemaFault(
            "/issued_on",
            "required",
            "须有印发日期 issued_on，文中没有则写 effective_from",
            "issued_on is required; where the text has none, effective_from",
        )
    places = {"/place": notice.place}
    places |= {f"/excludes/{index}": place for index, place in enumerate(notice.excludes)}
    for pointer, place in places.items():
        if not is_known(place):
            yield SchemaFault(pointer, "place", "行政区划代码不存在", "no such administrative division")


def _years(years: Years | None, pointer: str) -> Iterator[SchemaFault]:
    if years is not None and years.first is not None and years.last is not None and years.first > years.last:
        yield SchemaFault(pointer, "order", "起始年度应不晚于截止年度", "from must not be after to")


def _rule(notice: Notice, rule: AnyRule, pointer: str) -> Iterator[SchemaFault]:
    match rule:
        case MakeUp():
            yield from _make_up(notice, rule, pointer)
        case Window():
            yield from _window(rule, pointer)
            yield from _by_act(rule, pointer)
        case Equivalence():
            yield from _forms(rule, pointer)
        case Providers() if (rule.rule == "listed") != bool(rule.list):
            yield SchemaFault(
                f"{pointer}/list",
                "list",
                "listed 须列出机构，accredited 不列",
                "a list goes with listed, and only with it",
            )
        case Platform() if rule.since is not None and day_of(rule.since, 2024) is None:
            yield SchemaFault(f"{pointer}/from", *NO_SUCH_DAY)
        case Duty() if rule.due is not None and day_of(f"2024-{rule.due}", 2024) is None:
            yield SchemaFault(f"{pointer}/due", *NO_SUCH_DAY)
        case _:
            pass
    yield from of_counting(rule, pointer)
    if not isinstance(rule, MakeUp) and not any(True for _ in rule.settings()):
        yield SchemaFault(pointer, "empty", "此规则没有内容", "the rule says nothing")


def _window(window: Window | MakeUpWindow, pointer: str) -> Iterator[SchemaFault]:
    # 2023 and 2024 stand for a common and a leap year: a relative day must exist in both.
    sound = True
    for field, text in (("from", window.since), ("until", window.until)):
        if text is None or days_after_enrolment(text) is not None:
            continue
        if any(day_of(text, year, _ISSUED) is None for year in (2023, 2024)):
            yield SchemaFault(f"{pointer}/{field}", *NO_SUCH_DAY)
            sound = False
    if not sound or not window.since or not window.until:
        return
    since, until = day_of(window.since, 2024, _ISSUED), day_of(window.until, 2024, _ISSUED)
    comparable = _kind(window.since) == _kind(window.until)
    if comparable and since is not None and until is not None and since > until:
        yield SchemaFault(
            f"{pointer}/until", "order", "截止日应不早于起始日", "until must not be before from"
        )


def _forms(rule: Equivalence, pointer: str) -> Iterator[SchemaFault]:
    for index, form in enumerate(rule.forms):
        here = f"{pointer}/forms/{index}"
        starts = [band.since for band in form.bands]
        if len(set(starts)) != len(starts):
            yield SchemaFault(f"{here}/bands", "duplicate", "分数段起点重复", "two bands begin at one score")
        if form.decreed is None:
            continue
        days = [day_of(form.decreed.since, 2024), day_of(form.decreed.until, 2024)]
        for field, day in zip(("from", "until"), days, strict=True):
            if day is None:
                yield SchemaFault(f"{here}/decreed/{field}", *NO_SUCH_DAY)
        since, until = days
        if since is not None and until is not None and since > until:
            yield SchemaFault(
                f"{here}/decreed/until", "order", "截止日应不早于起始日", "until must not be before from"
            )


def _by_act(window: Window, pointer: str) -> Iterator[SchemaFault]:
    """What only some acts can have: days after an enrolment, and a deadline that refuses."""
    relative = window.until is not None and days_after_enrolment(window.until) is not None
    if relative and window.act not in ("study", "pay"):
        yield SchemaFault(
            f"{pointer}/until",
            "act",
            "报名后若干天只用于学习和缴费",
            "days after an enrolment are for study and pay alone",
        )
    if window.firm is not None and window.act != "register":
        yield SchemaFault(
            f"{pointer}/firm", "act", "firm 只用于登记 (act: register)", "firm is for act: register alone"
        )


def _kind(text: str) -> str:
    """What a day is counted from, as only days of one kind can be compared without a year."""
    return text[0] if text[0] in "Yie" else "date"


def _make_up(notice: Notice, rule: MakeUp, pointer: str) -> Iterator[SchemaFault]:
    yield from _years(rule.years, f"{pointer}/years")
    if rule.never == bool(rule.windows):
        yield SchemaFault(
            f"{pointer}/windows",
            "make_up",
            "须写 windows 或 never: true 之一",
            "give windows, or never: true",
        )
    lists = {c.id for c in notice.clauses for r in c.rules if isinstance(r, Providers) and r.list}
    for index, window in enumerate(rule.windows):
        here = f"{pointer}/windows/{index}"
        yield from _window(window, here)
        if (window.providers == "listed") != (window.providers_of is not None):
            yield SchemaFault(
                f"{here}/providers_of",
                "list",
                "listed 须以 providers_of 注明名单条款",
                "providers: listed goes with providers_of",
            )
        elif window.providers_of is not None and window.providers_of not in lists:
            yield SchemaFault(
                f"{here}/providers_of", "reference", "没有这个名单条款", "no clause of that id has a list"
            )
