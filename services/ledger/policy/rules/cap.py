"""Maxima (上限): at most so many credits of a record, a course, a day, a form, a mode, a provider or the year count.

Credits stay as they were awarded; a cap is applied when they are counted. Where caps cross each other, what counts is
chosen to the person's best: first for the total, then for the minima, then for all credits. So no order of credits matters,
and one credit more never harms.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import count, pairwise
from typing import Any, Literal

from msgspec import Struct

from services.ledger.policy.language.facts import ANY, Category, Credit
from services.ledger.policy.language.findings import Finding, Kind, OwnClauses
from services.ledger.policy.language.rule import CategoryPath, Code, Credits, Mode
from services.ledger.policy.language.selector import Selector
from services.ledger.policy.language.settings import Settings, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.rules.categories import CategoryTerms
from services.ledger.policy.rules.requirement import MinimaTerms, source_of

Per = Literal["record", "course", "day", "form", "mode", "provider", "year"]
_WIDTH: Mapping[str, int] = {
    "record": 0,
    "course": 1,
    "day": 2,
    "form": 3,
    "mode": 4,
    "provider": 5,
    "year": 6,
}


class Cap(TargetedRule, frozen=True, tag="cap"):
    """学分上限: 每条记录、每门课程、每天、每种形式、每种方式、每家机构或全年, 至多计入多少学分。At most so many count.

    A day's cap lets study of several days count on any of them, no more a day than it allows: on the days of the calendar
    from the first to the last (`days: period`, which holds where nothing is said), or on the last alone (`days: last`).
    `categories`, `modes` and `forms` say of which credits; left out, of all. What is above is shown, and not counted. `name`
    is what a later or nearer notice calls the cap by when it changes it; `lifted` ends it.
    """

    name: Code
    per: Per
    credits: Credits
    categories: tuple[CategoryPath, ...] = ()
    modes: tuple[Mode, ...] = ()
    forms: tuple[Code, ...] = ()
    days: Literal["period", "last"] = "period"
    lifted: bool = False

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each named cap."""
        yield f"cap.{self.name}", self


class OneCap(Struct, frozen=True):
    """A cap ready for counting."""

    name: str
    per: Per
    credits: Decimal
    of: Selector
    clause: str
    spread: bool = True

    def bears(self, credit: Credit) -> bool:
        """Whether the credit counts towards the cap, wherever it may count; a cap per course is of courses alone."""
        if self.per == "course" and not credit.course:
            return False
        return self.of.matches(credit) and any(self.of.takes(path) for path in paths_of(credit))

    def bucket(self, credit: Credit) -> Hashable:
        """Credits of one bucket share the cap."""
        match self.per:
            case "form":
                return credit.form
            case "mode":
                return credit.mode
            case "provider":
                return credit.provider
            case "course":
                return credit.provider, credit.course
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
            of=Selector(cap.value.categories, frozenset(cap.value.modes), frozenset(cap.value.forms)),
            clause=cap.clause,
            spread=cap.value.days == "period",
        )
        for _, cap in settings.under("cap.")
        if not cap.value.lifted
    ]
    return CapTerms(tuple(sorted(made, key=_width))) if made else None


def _width(cap: OneCap) -> tuple[object, ...]:
    named, depth = cap.of.narrowness
    return _WIDTH[cap.per], -named, -depth, cap.name


def paths_of(credit: Credit) -> tuple[Category, ...]:
    """Where a credit may count: in its category, or wherever it fills and, beyond that, in none."""
    return (*credit.fill, ANY) if credit.category == ANY else (credit.category,)


class Bucket(Struct, frozen=True):
    """Credits, by place in the account's list, that share a cap and are more than `most`, which it allows.

    Of a day's cap they share `stretch`: days that the same credits cover, numbered in the order of the calendar.
    """

    cap: OneCap
    members: frozenset[int]
    most: Decimal
    stretch: int | None = None


def binding(caps: Sequence[OneCap], credits: Sequence[Credit]) -> list[Bucket]:
    """The buckets that hold more than their caps allow, the narrowest cap first, in an order of their own."""
    by_day = [cap for cap in caps if cap.per == "day"]
    stretches = _stretches(by_day, credits) if by_day else {}
    found: list[Bucket] = []
    for cap in caps:
        if cap.per == "day":
            found += stretches.get(cap.name, ())
            continue
        sums: dict[Hashable, Decimal] = {}
        members: dict[Hashable, list[int]] = {}
        for place, credit in enumerate(credits):
            if cap.bears(credit):
                bucket = cap.bucket(credit)
                sums[bucket] = sums.get(bucket, Decimal(0)) + credit.credits
                members.setdefault(bucket, []).append(place)
        full = sorted((str(bucket), bucket) for bucket, held in sums.items() if held > cap.credits)
        found += [Bucket(cap, frozenset(members[bucket]), cap.credits) for _, bucket in full]
    return found


def _stretches(caps: Sequence[OneCap], credits: Sequence[Credit]) -> dict[str, list[Bucket]]:
    """The buckets of days' caps, by cap: for study whose days meet, stretches of days that the same credits cover.

    Inside a stretch the days are alike, so that what counts on all of them together is at most their caps' sum.
    """
    days: dict[int, tuple[int, int]] = {}
    borne: dict[str, set[int]] = {cap.name: set() for cap in caps}
    for place, credit in enumerate(credits):
        bearing = [cap for cap in caps if cap.bears(credit)]
        if bearing:
            first, last = credit.days
            spread = all(cap.spread for cap in bearing)
            days[place] = (first if spread else last).toordinal(), last.toordinal()
        for cap in bearing:
            borne[cap.name].add(place)
    found: dict[str, list[Bucket]] = {}
    numbers = count()
    for group in _meeting(days):
        spans = {place: days[place] for place in group}
        asked = [cap for cap in caps if not borne[cap.name].isdisjoint(group)]
        if not _crowded(asked, spans, borne, credits):
            continue
        edges = sorted({edge for first, last in spans.values() for edge in (first, last + 1)})
        for since, until in pairwise(edges):
            inside = {place for place, (first, last) in spans.items() if first <= since <= last}
            number = next(numbers)
            for cap in asked:
                if members := inside & borne[cap.name]:
                    bucket = Bucket(cap, frozenset(members), cap.credits * (until - since), number)
                    found.setdefault(cap.name, []).append(bucket)
    return found


def _meeting(days: Mapping[int, tuple[int, int]]) -> Iterator[list[int]]:
    """The credits in groups: those of two groups have no day in common."""
    group: list[int] = []
    latest = 0
    for place in sorted(days, key=lambda place: days[place]):
        first, last = days[place]
        if group and first > latest:
            yield group
            group = []
        latest = last if not group else max(latest, last)
        group.append(place)
    if group:
        yield group


def _crowded(
    caps: Sequence[OneCap],
    spans: Mapping[int, tuple[int, int]],
    borne: Mapping[str, set[int]],
    credits: Sequence[Credit],
) -> bool:
    """Whether some days may hold more than their caps allow.

    One cap holds all study exactly when it holds, for any days, what was studied on no others; several caps may
    disagree on which days are used, so that they are looked at together.
    """
    if len(caps) > 1 and any(first < last for first, last in spans.values()):
        return True
    for cap in caps:
        own = [(spans[place], credits[place].credits) for place in spans if place in borne[cap.name]]
        for since in {first for (first, _), _ in own}:
            held = Decimal(0)
            for (first, last), amount in sorted(own, key=lambda one: one[0][1]):
                held += amount if first >= since else 0
                if held > cap.credits * (last - since + 1):
                    return True
    return False


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """A minimum above a cap of the whole year, of its category or of all that there is."""
    found = policy.get(CapTerms)
    caps = found.caps if found is not None and policy.ordinary else ()
    whole = [cap for cap in caps if cap.per == "year" and cap.of.is_of_all]
    for terms in policy.of(MinimaTerms).minima:
        for cap in whole:
            bound = terms.category is not None and cap.of.takes(terms.category)
            pointer = own.pointer(policy.settings[f"cap.{cap.name}"], source_of(policy, terms))
            if pointer is not None and (bound or not cap.of.categories) and cap.credits < terms.minimum:
                names = policy.of(CategoryTerms).names
                zh, en = names[terms.category] if terms.category else ("总学分", "the total")
                yield Finding(
                    pointer,
                    "minimum-above-cap",
                    f"{zh}最低 {terms.minimum} 学分，而上限“{cap.name}”（{cap.clause}）只计 {cap.credits}",
                    f"{en} needs {terms.minimum}, and the cap {cap.name} ({cap.clause}) counts {cap.credits} at most",
                )


KIND = Kind(
    rule=Cap,
    selectors=PERSONS,
    terms=terms_of,
    year_warnings=year_warnings,
    why={"above_cap": ("超过通知规定的上限，不计入", "above a maximum of the notice, and not counted")},
)
