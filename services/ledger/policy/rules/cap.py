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
from services.ledger.policy.language.rule import CategoryPath, Code, Credits, Mode, Rule

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


class CapTerms(Struct, frozen=True):
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


def caps_of(settings: Mapping[str, Any]) -> tuple[CapTerms, ...]:
    """The caps of a policy from its settings, the narrowest first."""
    made = [
        CapTerms(
            name=sourced.value.name,
            per=sourced.value.per,
            credits=sourced.value.credits,
            categories=sourced.value.categories,
            modes=frozenset(sourced.value.modes),
            forms=frozenset(sourced.value.forms),
            clause=sourced.clause,
        )
        for name, sourced in settings.items()
        if name.startswith("cap.") and not sourced.value.lifted
    ]
    return tuple(sorted(made, key=_width))


def _width(cap: CapTerms) -> tuple[Any, ...]:
    filters = bool(cap.categories) + bool(cap.modes) + bool(cap.forms)
    depth = max((category.count("/") for category in cap.categories), default=0)
    return _WIDTH[cap.per], -filters, -depth, cap.name


def paths_of(credit: Credit) -> tuple[Category, ...]:
    """Where a credit may count: in its category, or wherever it fills and, beyond that, in none."""
    return (*credit.fill, ANY) if credit.category == ANY else (credit.category,)


class Bucket(Struct, frozen=True):
    """Credits, by place in the account's list, that share a cap and are more than it allows."""

    cap: CapTerms
    members: frozenset[int]


def binding(caps: Sequence[CapTerms], credits: Sequence[Credit]) -> list[Bucket]:
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
