"""Mutual recognition (学分互认): which credits of the accounting duty count in another regime, as what, at which rate."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct
from msgspec.structs import replace

from services.ledger.policy.language.facts import ANY, Account, Category, Credit
from services.ledger.policy.language.findings import At, Finding, Kind, OwnClauses
from services.ledger.policy.language.rule import CategoryPath, Code, CourseCode, Credits, Mode
from services.ledger.policy.language.selector import Selector
from services.ledger.policy.language.settings import Settings, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.rules.categories import not_known

_CENT = Decimal("0.01")


class MutualRecognition(TargetedRule, frozen=True, tag="mutual_recognition"):
    """学分互认: 会计人员继续教育的哪些学分计入本制度, 计入哪一科目, 按何比例。Which credits count in this regime, as what.

    `of_categories`, `modes`, `forms` and `courses` say which of the accounting duty's credits; left out, all. What several
    rules are about is of the one that names more. `rate` is what one of them is worth here. `lifted` ends one by its name.
    """

    name: Code
    of_categories: tuple[CategoryPath, ...] = ()
    modes: tuple[Mode, ...] = ()
    forms: tuple[Code, ...] = ()
    courses: tuple[CourseCode, ...] = ()
    category: CategoryPath | None = None
    rate: Credits = Decimal(1)
    lifted: bool = False

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each by its name."""
        yield f"mutual_recognition.{self.name}", self


class MutuallyRecognised(Struct, frozen=True):
    """A rule ready for counting."""

    name: str
    of: Selector
    category: Category
    rate: Decimal
    clause: str

    def takes(self, credit: Credit) -> bool:
        """Whether a credit of the accounting duty is among those; one that fills several categories lies in all of them."""
        paths = credit.fill if credit.category == ANY else (credit.category,)
        return self.of.matches(credit) and all(self.of.takes(path) for path in paths)

    def worth(self, credit: Credit) -> Credit:
        """The credit as it is in this regime."""
        credits = (credit.credits * self.rate).quantize(_CENT, rounding=ROUND_HALF_UP)
        return replace(
            credit,
            category=self.category,
            fill=(),
            credits=credits,
            clause=self.clause,
            cut=None,
            recognised_at=None,
        )


class MutualTerms(Struct, frozen=True):
    """What a regime takes of the accounting duty's credits, the narrowest rule first."""

    rules: tuple[MutuallyRecognised, ...]

    def converted(self, account: Account) -> Account:
        """The account as the regime has it: its credits, each counted once, and no exemption, deferral or waiting record of
        the accounting duty."""
        found: list[Credit] = []
        for credit in account.credits:
            rule = next((each for each in self.rules if each.takes(credit)), None)
            if rule is not None:
                found.append(rule.worth(credit))
        return Account(person_id=account.person_id, year=account.year, credits=found)


def terms_of(settings: Settings) -> MutualTerms | None:
    """The rules that no clause lifts; None where there are none."""
    made = [
        MutuallyRecognised(
            name=said.value.name,
            of=Selector(
                said.value.of_categories,
                frozenset(said.value.modes),
                frozenset(said.value.forms),
                frozenset(said.value.courses),
            ),
            category=said.value.category,
            rate=said.value.rate,
            clause=said.clause,
        )
        for _, said in settings.under("mutual_recognition.")
        if not said.value.lifted
    ]
    return MutualTerms(tuple(sorted(made, key=_narrowest_first))) if made else None


def _narrowest_first(rule: MutuallyRecognised) -> tuple[int, int, str]:
    named, depth = rule.of.narrowness
    return -named, -depth, rule.name


def faults(rule: MutualRecognition, at: At) -> Iterator[Finding]:
    """No category, or a rate by which nothing counts."""
    if rule.lifted:
        return
    if rule.category is None:
        yield at.found("category", "required", "须写计入的科目", "say in which category they count")
    if rule.rate <= 0:
        yield at.found("rate", "zero", "比例须大于 0", "a rate is above zero")


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """Credits in a category that the year's set does not have."""
    for name, said in policy.settings.items():
        if name.startswith("mutual_recognition.") and said.value.category is not None:
            yield from not_known(policy, own, name, said, (said.value.category,))


KIND = Kind(
    rule=MutualRecognition, selectors=PERSONS, terms=terms_of, faults=faults, year_warnings=year_warnings
)
