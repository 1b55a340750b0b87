"""From notices to a policy: for one place and year, every setting taken from the notice that outranks the others.

The nearest place wins (county over city over province over nation); of two notices of one place the later issued wins;
each setting by itself, so that a notice which moves one date leaves the rest as it was (C-04). Within one notice a
clause about a mode wins over a clause about all modes.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from services.ledger.policy.document.notice import Clause, Notice, canonical
from services.ledger.policy.language.categories import ROOTS, Category
from services.ledger.policy.language.days import begins, day_of, ends
from services.ledger.policy.language.rule import Act
from services.ledger.policy.limits import PREFIXES, limits_of, units_of
from services.ledger.policy.policy import (
    MakeUpTerms,
    NoticeRef,
    Policy,
    RequirementTerms,
    Sourced,
    Span,
    Terms,
)
from services.ledger.policy.rules.judged import Modes, Providers
from services.ledger.policy.rules.make_up import Offer, never_of, offer_of, standing, windows_of
from services.ledger.policy.rules.obligation import duty_of
from services.ledger.policy.rules.providers import provider_terms
from services.ledger.policy.rules.registration import needs_of
from services.ledger.policy.rules.requirement import CourseMinimum

_CENT = Decimal("0.01")
_ACTS: tuple[Act, ...] = ("register", "enrol", "pay", "apply")
_MODE_SETTINGS = ("window", "providers", "registration", *PREFIXES)


class Published(NamedTuple):
    """A notice with its hash and its turn among all published ones."""

    notice: Notice
    hash: str
    order: int


class Winner(NamedTuple):
    """The value a setting has so far, and the rank by which it won."""

    rank: tuple[int, date, int]
    sourced: Sourced[Any]


class Settings:
    """The settings of one place and year while they are being gathered."""

    def __init__(self, year: int) -> None:
        self.year = year
        self.winners: dict[str, Winner] = {}

    def take(self, rank: tuple[int, date, int], notice: Notice, clause: Clause) -> None:
        """Let every rule of the clause compete for its settings."""
        for rule in clause.rules:
            for name, value in rule.settings():
                held = self.winners.get(name)
                if held is None or rank >= held.rank:
                    said = self._dated(value, notice)
                    sourced = Sourced(
                        said, clause.id, notice.label, notice.place, clause.article, clause.text
                    )
                    self.winners[name] = Winner(rank, sourced)

    def _dated(self, value: Any, notice: Notice) -> Any:
        """The value, with days counted from the issue as days of the calendar."""
        if isinstance(value, str) and value.startswith("issue+"):
            return str(day_of(value, self.year, notice.dated))
        return value

    def get(self, name: str) -> Sourced[Any] | None:
        """The setting's value, with its source."""
        winner = self.winners.get(name)
        return winner.sourced if winner else None

    def under(self, prefix: str) -> list[tuple[str, Sourced[Any]]]:
        """The settings whose names begin with the prefix, by the rest of their names, in order of it."""
        return [
            (name.removeprefix(prefix), self.winners[name].sourced)
            for name in sorted(self.winners)
            if name.startswith(prefix)
        ]

    def of_mode(self, name: str, mode: str) -> Sourced[Any] | None:
        """The setting for a mode: what is said of that mode, or of all modes, whichever outranks the other."""
        general, special = self.winners.get(f"{name}.*"), self.winners.get(f"{name}.{mode}")
        if special is not None and (general is None or special.rank >= general.rank):
            return special.sourced
        return general.sourced if general else None

    def modes_of(self, prefix: str) -> list[str]:
        """The modes that a setting is spoken of by name."""
        names = (name.rpartition(".") for name in self.winners if name.startswith(prefix + "."))
        return sorted({mode for _, _, mode in names if mode != "*"})


def resolve(published: Iterable[Published], place: str, year: int, chain: Sequence[str]) -> Policy | None:
    """The policy of the place for the year, or None where no notice governs it.

    A framework (`standalone: false`) governs nobody alone. A year that only make-up windows name is governed by what
    it inherits. Without a required total there is nothing to judge by, hence no policy.
    """
    specificity = {code: depth for depth, code in enumerate(reversed(chain))}
    settings = Settings(year)
    offers: list[Offer] = []
    ordinary = False
    used: list[NoticeRef] = []
    for entry in published:
        notice = entry.notice
        depth = specificity.get(notice.place)
        if depth is None or any(code in specificity for code in notice.excludes):
            continue
        offer = offer_of(notice, year, specificity=depth, order=entry.order)
        if offer is not None:
            offers.append(offer)
        for clause in notice.clauses:
            if year in (clause.years or notice.years):
                settings.take((depth, notice.dated, entry.order), notice, clause)
        governs = year in notice.years
        ordinary = ordinary or (governs and notice.standalone)
        if governs or offer is not None:
            used.append(NoticeRef(notice.id, notice.label, notice.place, entry.hash))
    stand = standing(offers)
    requirements = _requirements(settings)
    if not requirements or requirements[0].kind != "total":
        return None
    if not ordinary and not any(rule.windows for offer in stand for _, rule in offer.clauses):
        return None
    return _policy(place, year, tuple(chain), settings, stand, ordinary, tuple(used))


def _policy(
    place: str,
    year: int,
    chain: tuple[str, ...],
    settings: Settings,
    stand: list[Offer],
    ordinary: bool,
    used: tuple[NoticeRef, ...],
) -> Policy:
    any_mode = _terms(settings, "*")
    modes = {mode for name in _MODE_SETTINGS for mode in settings.modes_of(name)}
    allowed = settings.get("modes")
    if allowed is not None:
        modes.update(allowed.value.allowed)
    terms = {mode: _terms(settings, mode) for mode in sorted(modes)}
    own_end = max(
        (t.study.until for t in (any_mode, *terms.values()) if t.allowed and t.study.until), default=None
    )
    make_up = windows_of(stand, year, own_end or date(year, 12, 31))
    never = never_of(stand)
    values = {name: settings.winners[name].sourced for name in sorted(settings.winners)}
    return Policy(
        place=place,
        year=year,
        chain=chain,
        ordinary=ordinary,
        hash_=_hash(place, year, ordinary, values, make_up, never),
        notices=used,
        settings=values,
        requirements=_requirements(settings),
        duty=duty_of(values),
        terms=terms,
        any_mode=any_mode,
        spans=_spans(settings, any_mode, terms),
        make_up=make_up,
        never=never,
    )


def _hash(
    place: str,
    year: int,
    ordinary: bool,
    values: Mapping[str, Sourced[Any]],
    make_up: tuple[MakeUpTerms, ...],
    never: Sourced[None] | None,
) -> str:
    said = {
        "place": place,
        "year": year,
        "ordinary": ordinary,
        "settings": values,
        "make_up": [
            {k: v for k, v in msgspec.structs.asdict(window).items() if k not in ("begins", "ends")}
            for window in make_up
        ],
        "never": never,
    }
    plain = canonical(msgspec.to_builtins(said, builtin_types=(Decimal,), order="deterministic"))
    return "sha256:" + hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()


def _requirements(settings: Settings) -> tuple[RequirementTerms, ...]:
    made = []
    total = settings.get("requirement.total")
    if total is not None:
        made.append(_requirement(total, None))
    for category, minimum in settings.under("requirement."):
        if "." not in category and category != "total" and minimum.value > 0:
            made.append(_requirement(minimum, category))
    made.sort(key=lambda terms: _RANK.get(terms.category, len(_RANK)))
    for _, course in settings.under("requirement.course."):
        if not course.value.waived:
            made.append(_course(course))
    return tuple(made)


_RANK: Mapping[Category | None, int] = {None: 0, **{category: n for n, category in enumerate(ROOTS, start=1)}}
"""The total comes first, then the usual categories; the rest follow by name."""


def _course(sourced: Sourced[CourseMinimum]) -> RequirementTerms:
    return RequirementTerms(
        kind="course",
        category=None,
        minimum=(sourced.value.minimum or Decimal(0)).quantize(_CENT),
        clause=sourced.clause,
        document=sourced.document,
        text=sourced.text,
        course=sourced.value.course,
        course_name=sourced.value.name,
    )


def _requirement(sourced: Sourced[Decimal], category: Category | None) -> RequirementTerms:
    return RequirementTerms(
        kind="category" if category else "total",
        category=category,
        minimum=sourced.value.quantize(_CENT),
        clause=sourced.clause,
        document=sourced.document,
        text=sourced.text,
    )


def _span(settings: Settings, act: str, mode: str) -> Span:
    since, until = settings.of_mode(f"window.{act}.from", mode), settings.of_mode(f"window.{act}.until", mode)
    first = day_of(since.value, settings.year) if since else None
    last = day_of(until.value, settings.year) if until else None
    if act == "study":
        first, last = first or date(settings.year, 1, 1), last or date(settings.year, 12, 31)
    return Span(
        act=act,
        mode=None if mode == "*" else mode,
        since=first,
        until=last,
        begins=begins(first),
        ends=ends(last),
        since_clause=since.clause if since else None,
        until_clause=until.clause if until else None,
    )


def _terms(settings: Settings, mode: str) -> Terms:
    study, register = _span(settings, "study", mode), _span(settings, "register", mode)
    allowed: Sourced[Modes] | None = settings.get("modes")
    providers: Sourced[Providers] | None = settings.of_mode("providers", mode)
    style = settings.of_mode("registration", mode)
    spans = {act: _span(settings, act, mode) for act in _ACTS}

    def of_mode(name: str) -> Sourced[Any] | None:
        return settings.of_mode(name, mode)

    return Terms(
        allowed=allowed is None or allowed.value.open or mode in allowed.value.allowed,
        modes_clause=allowed.clause if allowed else None,
        study=study,
        register_ends=register.ends if register.until else study.ends,
        register_clause=register.until_clause or study.until_clause,
        providers=provider_terms(
            providers.value if providers else None, providers.clause if providers else None
        ),
        needs=needs_of(style.value) if style else (),
        style_clause=style.clause if style else None,
        acts={act: span for act, span in spans.items() if span.since or span.until},
        units=units_of(of_mode),
        limits=limits_of(of_mode, settings.get, register),
    )


def _spans(settings: Settings, any_mode: Terms, terms: Mapping[str, Terms]) -> tuple[Span, ...]:
    """The general span of every act that has one, then those of modes that differ from it."""
    spans = [
        any_mode.study,
        *(t.study for t in terms.values() if t.allowed and not _alike(t.study, any_mode.study)),
    ]
    for act in _ACTS:
        general = _span(settings, act, "*")
        if general.until is not None or general.since is not None:
            spans.append(general)
        for mode in terms:
            special = _span(settings, act, mode)
            if special.until is not None and not _alike(special, general):
                spans.append(special)
    return tuple(spans)


def _alike(one: Span, other: Span) -> bool:
    return (one.since, one.until) == (other.since, other.until)
