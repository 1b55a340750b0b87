"""Doubts that a notice's own words raise, whatever else is published: rules that nothing follows from."""

from collections.abc import Iterator

from services.ledger.policy.document.notice import AnyRule, Notice
from services.ledger.policy.rules.judged import MakeUp, MakeUpWindow, Modes
from services.ledger.policy.rules.route import DirectRegistration, Route
from services.ledger.policy.rules.shown import Conversion, Equivalence
from services.ledger.policy.rules.tiers import Tiers

Said = tuple[str, str, str, str]


def rules_in_doubt(notice: Notice) -> Iterator[Said]:
    """Pointer, code and words of every doubt about a single rule."""
    for number, clause in enumerate(notice.clauses):
        for index, rule in enumerate(clause.rules):
            yield from _rule(notice, rule, f"/clauses/{number}/rules/{index}")


def _rule(notice: Notice, rule: AnyRule, pointer: str) -> Iterator[Said]:
    match rule:
        case MakeUp():
            yield from _make_up(notice, rule, pointer)
        case Equivalence():
            yield from _forms(rule, pointer)
        case Tiers() if rule.lower == "refused" and len(rule.names) == 1:
            yield (
                f"{pointer}/lower",
                "one-tier",
                "只有一个层级，lower: refused 没有作用",
                "with one tier nothing is lower",
            )
        case Route() if not rule.reporters and rule.forms:
            yield (
                f"{pointer}/reporters",
                "nobody-reports",
                "列出的形式没有任何申报途径，谁也不能申报",
                "these forms are named and nobody may bring them",
            )
        case Conversion() if rule.hours == 0:
            yield (f"{pointer}/hours", "no-hours", "0 学时即可折算", "no hours are needed to be converted")
        case _:
            pass
    if isinstance(rule, DirectRegistration) and not rule.forms:
        yield (
            f"{pointer}/forms",
            "no-forms",
            "未写 forms，名单无从登记，个人申请也不会被拒",
            "without forms no list is registered and nobody is told not to apply",
        )
    if isinstance(rule, Modes) and rule.tiers and rule.open:
        yield (
            f"{pointer}/open",
            "no-limit",
            "open: true 时，对该层级没有任何限制",
            "being open, it limits these tiers in nothing",
        )


def _make_up(notice: Notice, rule: MakeUp, pointer: str) -> Iterator[Said]:
    if rule.years.first is not None and rule.years.first >= notice.dated.year and not rule.never:
        yield (
            f"{pointer}/years",
            "no-past-year",
            "没有一个已经过去的年度可补",
            "none of these years is past when the notice is issued",
        )
    for index, window in enumerate(rule.windows):
        yield from _window(window, f"{pointer}/windows/{index}")


def _window(window: MakeUpWindow, pointer: str) -> Iterator[Said]:
    if window.channel == "automatic" and "special_reason" in window.conditions:
        yield (
            f"{pointer}/conditions",
            "reason-unheard",
            "自动补学无人审核特殊原因，任何人都可补学",
            "nobody hears a special reason where make-up is automatic: everybody may use it",
        )
    gate = window.prerequisite
    if gate is not None and gate.minimum == 0:
        yield (f"{pointer}/prerequisite/minimum", "no-minimum", "前提学分为 0", "a prerequisite of nothing")


def _forms(rule: Equivalence, pointer: str) -> Iterator[Said]:
    for index, form in enumerate(rule.forms):
        here = f"{pointer}/forms/{index}"
        ways = [form.credits is not None, bool(form.roles), bool(form.bands)]
        if not any(ways):
            yield (
                here,
                "worth-nothing",
                "未写 credits、roles 或 bands，折算不出学分",
                "without credits, roles or bands it is worth nothing",
            )
        if form.bands and form.roles:
            yield (
                f"{here}/roles",
                "bands-win",
                "有分数段时，按角色的学分不起作用",
                "where there are bands, credits by role are not used",
            )
