"""Direct registration (直接登记): what an authority registers from its own lists, so that nobody applies (S0-13, S2B-09)."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta

from contracts.divisions import authority_of, contains
from services.ledger.policy.language.findings import At, Finding, Kind, OwnClauses
from services.ledger.policy.language.rule import Code, Text
from services.ledger.policy.language.settings import Sourced, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords
from services.ledger.policy.rules.route import worth_nothing

STATED = frozenset({"authority_training"})
"""Forms whose credits the authority states itself, where no clause says what they are worth (N-11)."""


class DirectRegistration(TargetedRule, frozen=True, tag="direct_registration"):
    """直接登记: 由财政部门直接登记, 无需申请。Registered by an authority from its own lists; nobody applies.

    With `sat: within` that is so for what was sat in the authority's own province alone; the rest is applied for (S2B-09).
    """

    by: Literal["province", "county_up"]
    activities: Annotated[tuple[Text, ...], Meta(min_length=1)]
    forms: tuple[Code, ...] = ()
    sat: Literal["anywhere", "within"] = "anywhere"
    application_needed: bool = False

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each form, so that a place speaks of the forms it names and inherits the others."""
        for form in self.forms:
            yield f"direct_registration.{form}", self
        if not self.forms:
            yield "direct_registration", self


def registered_directly(
    policy: YearTerms, form: str, sat_in: str | None = None
) -> Sourced[DirectRegistration] | None:
    """The clause by which an authority registers this form from its own lists, so that nobody applies (S0-13, S2B-09). Where
    a place says that the person applies for the form (`route`), that wins over what a wider one registers itself.

    Where it is so for exams of the own province alone, one sat elsewhere is not; without a word it is taken to be here.
    """
    direct: Sourced[DirectRegistration] | None = policy.settings.get(f"direct_registration.{form}")
    if direct is None or direct.value.application_needed or _applied_for_nearer(policy, form, direct.place):
        return None
    if direct.value.sat == "within" and sat_in is not None:
        return direct if authority_of(sat_in) == authority_of(policy.place) else None
    return direct


def _applied_for_nearer(policy: YearTerms, form: str, wider: str) -> bool:
    """Whether a clause of a place inside the wider one lets the person apply for the form."""
    return any(
        name.startswith("route.")
        and form in said.value.forms
        and "person" in said.value.reporters
        and said.place != wider
        and contains(wider, said.place)
        for name, said in policy.settings.items()
    )


def warnings(rule: DirectRegistration, at: At) -> Iterator[Finding]:
    """A clause that names no form."""
    if not rule.forms:
        yield at.found(
            "forms",
            "no-forms",
            "未写“forms”，名单无从登记，个人申请也不会被拒",
            "without forms no list is registered and nobody is told not to apply",
        )


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """Forms that no clause says the worth of."""
    for name, direct in policy.settings.items():
        form = name.removeprefix("direct_registration.")
        if form != name and form not in STATED:
            yield from worth_nothing(policy, own, direct, (form,))


KIND = Kind(
    rule=DirectRegistration,
    selectors=PERSONS,
    warnings=warnings,
    year_warnings=year_warnings,
    rejections={
        "not-registered-directly": RejectionWords(
            "此形式不由财政部门直接登记",
            "This form is not registered directly",
            "本地政策未规定直接登记此形式：{form}，须由本人申请。",
            "The policy here registers no {form} directly: it is claimed by the person.",
        ),
        "credits-needed": RejectionWords(
            "须填写学习方式、科目和学分",
            "How it was held, its category and its credits are needed",
            "此形式（{form}）的学分由组织培训的财政部门填写。",
            "The authority that organised it states the credits of {form}.",
        ),
        "credits-converted": RejectionWords(
            "此形式的学分由通知折算",
            "The notice says what this form is worth",
            "此形式（{form}）按通知折算学分，不得另行填写。",
            "Credits of {form} follow from the notice and are not stated.",
        ),
        "registered-directly": RejectionWords(
            "由财政部门直接登记，不需申请",
            "Registered directly, without application",
            "此类事项由财政部门直接登记，个人不需申请。",
            "An authority registers this from its own lists; nobody applies.",
        ),
    },
)
