"""Routes (登记途径): by whom a mode of study, or a form of activity, is brought, and who reviews and registers it."""

from collections.abc import Iterable, Iterator
from typing import Any

from services.ledger.policy.language.facts import Rejected
from services.ledger.policy.language.findings import At, Finding, Kind, OwnClauses
from services.ledger.policy.language.rule import Code, Mode, Reporter, Text
from services.ledger.policy.language.settings import Sourced, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import FORMS, RejectionWords, label


class Route(TargetedRule, frozen=True, tag="route"):
    """登记途径: 谁申报, 谁审核登记。Who reports a mode of study, or a form of activity, and who reviews and registers it.

    A form that a route names is brought by its `reporters` and by nobody else; one that no route names is applied for.
    """

    name: Code
    modes: tuple[Mode, ...] = ()
    forms: tuple[Code, ...] = ()
    reporters: tuple[Reporter, ...] = ()
    reviewer: Text | None = None
    path: tuple[Text, ...] = ()
    by_document: Text | None = None

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each named route."""
        yield f"route.{self.name}", self


def may_bring(policy: YearTerms, form: str, reporter: Reporter) -> Rejected | None:
    """Why this reporter may not bring an activity of this form; None when it may."""
    routes = [
        sourced
        for name, sourced in policy.settings.items()
        if name.startswith("route.") and form in sourced.value.forms
    ]
    if not routes or any(reporter in sourced.value.reporters for sourced in routes):
        return None
    return Rejected("route-not-open", routes[0].clause, {"form": form, "reporter": reporter})


def claimable(policy: YearTerms, mode: str) -> Sourced[Route] | None:
    """The clause that lets persons claim study of this mode themselves."""
    for name, sourced in sorted(policy.settings.items()):
        if name.startswith("route.") and "person" in sourced.value.reporters and mode in sourced.value.modes:
            return sourced
    return None


def warnings(rule: Route, at: At) -> Iterator[Finding]:
    """Forms that nobody may bring."""
    if not rule.reporters and rule.forms:
        yield at.found(
            "reporters",
            "nobody-reports",
            "列出的形式没有任何申报途径，谁也不能申报",
            "these forms are named and nobody may bring them",
        )


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """Forms that no clause says the worth of."""
    for name, sourced in policy.settings.items():
        if name.startswith("route."):
            yield from worth_nothing(policy, own, sourced, sourced.value.forms)


def worth_nothing(
    policy: YearTerms, own: OwnClauses, sourced: Sourced[Any], forms: Iterable[str]
) -> Iterator[Finding]:
    """The forms of a clause of the notice that neither an equivalence nor a conversion speaks of."""
    pointer = own.pointer(sourced)
    for form in forms if sourced in own else ():
        known = f"equivalence.{form}" in policy.settings or f"conversion.{form}" in policy.settings
        if not known and pointer is not None:
            zh, en = label(FORMS, form)
            yield Finding(
                pointer,
                "form-unknown",
                f"没有任何条款规定此形式折算多少学分：{zh}",
                f"no clause says what {en} is worth",
            )


KIND = Kind(
    rule=Route,
    selectors=PERSONS | {"categories"},
    warnings=warnings,
    year_warnings=year_warnings,
    rejections={
        "route-not-open": RejectionWords(
            "此形式不由该途径办理",
            "This form is not brought by this route",
            "此形式（{form}）不由该途径（{reporter}）办理。",
            "This form ({form}) is not brought by this route ({reporter}).",
        ),
        "mode-not-claimed": RejectionWords(
            "该方式的学习由机构报送，不由个人申请",
            "Study of this mode is reported, not claimed",
            "此学习方式（{mode}）由培训机构或单位报送登记，不由个人申请。",
            "Study of this mode ({mode}) is reported by providers or employers, not claimed by persons.",
        ),
    },
)
