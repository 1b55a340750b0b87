"""Maxima (上限): at most so many credits of a record, a day, a form, a mode, a provider or the year count.

Credits stay as they were awarded; a cap is applied when they are counted. Where caps cross each other, what counts is
chosen to the person's best: first for the total, then for the minima, then for all credits. So no order of credits matters,
and one credit more never harms.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from services.ledger.policy.language.categories import ANY, Category, lies_under_any
from services.ledger.policy.language.days import day_at
from services.ledger.policy.language.facts import Credit
from services.ledger.policy.language.findings import Finding, OwnClauses
from services.ledger.policy.language.kind import Kind
from services.ledger.policy.language.rule import CategoryPath, Code, Credits, Mode, Rule
from services.ledger.policy.language.settings import Settings, YearTerms
from services.ledger.policy.rules.requirement import MinimaTerms

Per = Literal["record", "day", "form", "mode", "provider", "year"]
_WIDTH: Mapping[str, int] = {"record": 0, "day": 1, "form": 2, "mode": 3, "provider": 4, "year": 5}


class Cap(Rule, frozen=True, tag="cap"):
    """学分上限: 每条记录、每天、每种形式、每种方式、每家机构或全年, 至多计入多少学分。At most so many credits count.

    `categories`, `modes` and `forms` say of which credits; left out, of all. What is above is shown, and not counted. `name`
    is what a later or nearer notice calls the cap by when it changes it; `lifted` ends it.
    """

    name: Code
    per: Per
    credits: Credits
    categories: tuple[CategoryPath, ...] = ()
    modes: tuple[Mode, ...] = ()
    forms: tuple[Code, ...] = ()
    lifted: bool = False

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each named cap."""
        yield f"cap.{self.name}", self


class OneCap(Struct, frozen=True):
    """A cap ready for counting."""

    name: str
    per: Per
    credits: Decimal
    categories: tuple[Category, ...]
    modes: frozenset[str]
    forms: frozenset[str]
    clause: str

    def concerns(self, credit: Credit) -> bool:
        """Whether the cap is about credits of this mode and form, whatever their category."""
        if self.modes and credit.mode not in self.modes:
            return False
        return not self.forms or credit.form in self.forms

    def takes(self, category: Category) -> bool:
        """Whether what counts in the category counts towards the cap; credits that fill nothing are of no category."""
        return not self.categories or (category != ANY and lies_under_any(category, self.categories))

    def bucket(self, credit: Credit) -> Hashable:
        """Credits of one bucket share the cap."""
        match self.per:
            case "day":
                return day_at(credit.completed_at)
            case "form":
                return credit.form
            case "mode":
                return credit.mode
            case "provider":
                return credit.provider
            case "record":
                return credit.credit_id, credit.provider
            case _:
                return None


class CapTerms(Struct, frozen=True):
    """The caps of a policy, the narrowest first."""

    caps: tuple[OneCap, ...]


def terms_of(settings: Settings) -> CapTerms | None:
    """The caps that no clause lifts; None where there are none."""
    made = [
        OneCap(
            name=cap.value.name,
            per=cap.value.per,
            credits=cap.value.credits,
            categories=cap.value.categories,
            modes=frozenset(cap.value.modes),
            forms=frozenset(cap.value.forms),
            clause=cap.clause,
        )
        for _, cap in settings.under("cap.")
        if not cap.value.lifted
    ]
    return CapTerms(tuple(sorted(made, key=_width))) if made else None


def _width(cap: OneCap) -> tuple[Any, ...]:
    filters = bool(cap.categories) + bool(cap.modes) + bool(cap.forms)
    depth = max((category.count("/") for category in cap.categories), default=0)
    return _WIDTH[cap.per], -filters, -depth, cap.name


def paths_of(credit: Credit) -> tuple[Category, ...]:
    """Where a credit may count: in its category, or wherever it fills and, beyond that, in none."""
    return (*credit.fill, ANY) if credit.category == ANY else (credit.category,)


class Bucket(Struct, frozen=True):
    """Credits, by place in the account's list, that share a cap and are more than it allows."""

    cap: OneCap
    members: frozenset[int]


def binding(caps: Sequence[OneCap], credits: Sequence[Credit]) -> list[Bucket]:
    """The buckets that hold more than their caps allow, the narrowest cap first, in an order of their own."""
    found: list[tuple[int, str, Bucket]] = []
    for turn, cap in enumerate(caps):
        sums: dict[Hashable, Decimal] = {}
        members: dict[Hashable, list[int]] = {}
        for place, credit in enumerate(credits):
            if cap.concerns(credit) and any(cap.takes(path) for path in paths_of(credit)):
                bucket = cap.bucket(credit)
                sums[bucket] = sums.get(bucket, Decimal(0)) + credit.credits
                members.setdefault(bucket, []).append(place)
        found.extend(
            (turn, str(bucket), Bucket(cap, frozenset(members[bucket])))
            for bucket, held in sums.items()
            if held > cap.credits
        )
    return [bucket for _, _, bucket in sorted(found, key=lambda item: item[:2])]


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """A minimum above a cap of the whole year, of its category or of all that there is."""
    found = policy.get(CapTerms)
    caps = found.caps if found is not None and policy.ordinary else ()
    whole = [cap for cap in caps if cap.per == "year" and not cap.modes and not cap.forms]
    for terms in policy.of(MinimaTerms).minima:
        for cap in whole:
            bound = lies_under_any(terms.category, cap.categories) if terms.category else False
            pointer = own.pointer(cap.clause, terms.clause)
            if pointer is not None and (bound or not cap.categories) and cap.credits < terms.minimum:
                what = terms.category or "total"
                yield Finding(
                    pointer,
                    "minimum-above-cap",
                    f"{what} 最低 {terms.minimum} 学分，而上限 {cap.name}（{cap.clause}）只计 {cap.credits}",
                    f"{what} needs {terms.minimum}, and the cap {cap.name} ({cap.clause}) counts {cap.credits} at most",
                )


KIND = Kind(
    rule=Cap,
    terms=terms_of,
    year_warnings=year_warnings,
    why={"above_cap": ("超过通知规定的上限，不计入", "above a maximum of the notice, and not counted")},
)
