"""Doubts about a year as it would be: what the notice and the others in force ask together and nobody could meet."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from services.ledger.policy.document.notice import Notice
from services.ledger.policy.language.categories import lies_under_any
from services.ledger.policy.language.rule import Tier
from services.ledger.policy.policy import Policy, Sourced, Span, Terms
from services.ledger.policy.rules.shown import Conversion

Said = tuple[str, str, str, str]
_TIERS: tuple[Tier, ...] = ("junior", "intermediate", "senior")
_BY_MODE = (
    "window.study",
    "window.enrol",
    "providers",
    "registration",
    "enrolment",
    "units",
    "provider_choice",
)
_ZERO = Decimal(0)


def years_in_doubt(notice: Notice, policy: Policy) -> Iterator[Said]:
    """Pointer, code and words of every doubt about one year at the notice's place, where the notice has a part in it."""
    place = _Places(notice)
    if policy.ordinary:
        yield from _windows(place, policy)
        yield from _modes(place, policy)
        yield from _tiers(place, policy)
        yield from _minima(place, policy)
        yield from _categories(place, policy)
        yield from _caps(place, policy)
        yield from _too_few_days(place, policy)
    yield from _routes(place, policy)
    yield from _make_up(place, policy)


class _Places:
    """Where in the notice a clause stands."""

    def __init__(self, notice: Notice) -> None:
        self._of = {clause.id: number for number, clause in enumerate(notice.clauses)}
        self._notice = notice

    def __contains__(self, sourced: Sourced[Any] | None) -> bool:
        notice = self._notice
        return (
            sourced is not None
            and sourced.clause in self._of
            and (sourced.document, sourced.place) == (notice.label, notice.place)
        )

    def of(self, *clauses: str | None) -> str | None:
        """The pointer to the first of these clauses that the notice has; None when all are others'."""
        known = next((self._of[clause] for clause in clauses if clause in self._of), None)
        return f"/clauses/{known}" if known is not None else None


def _windows(place: _Places, policy: Policy) -> Iterator[Said]:
    spans = [*policy.spans, *(span for terms in policy.terms.values() for span in terms.acts.values())]
    for span in dict.fromkeys(spans):
        pointer = place.of(span.until_clause, span.since_clause)
        if pointer is None:
            continue
        if span.since is not None and span.until is not None and span.since > span.until:
            yield (
                pointer,
                "never-open",
                f"{policy.year} 年度 {_act(span)} 截止日 {span.until} 早于起始日 {span.since}（{span.since_clause}）",
                f"in {policy.year} the window to {_act(span)} ends on {span.until}, before it opens on {span.since} "
                f"({span.since_clause})",
            )
    for mode, terms in policy.terms.items():
        register = terms.limits.register if terms.limits is not None else None
        if register is None or register.until is None:
            continue
        pointer = place.of(register.until_clause)
        if pointer is not None and terms.study.until is not None and register.until < terms.study.until:
            yield (
                pointer,
                "study-not-registered",
                f"{mode}：{register.until} 之后的学习不予登记，而学习到 {terms.study.until} 为止",
                f"{mode}: study after {register.until} is never registered, though study lasts to {terms.study.until}",
            )


def _act(span: Span) -> str:
    return f"{span.act} {span.mode}" if span.mode else span.act


def _modes(place: _Places, policy: Policy) -> Iterator[Said]:
    for name, sourced in policy.settings.items():
        setting, _, mode = name.rpartition(".")
        if mode == "*" or not setting.startswith(_BY_MODE) or sourced not in place:
            continue
        terms = policy.terms.get(mode)
        used_later = any(w.modes is None or mode in w.modes for w in policy.make_up)
        if terms is not None and not terms.allowed and not used_later:
            pointer = place.of(sourced.clause)
            assert pointer is not None, "the clause is of this notice"
            yield (
                pointer,
                "mode-not-allowed",
                f"为 {mode} 作了规定，但 {terms.modes_clause} 未允许此方式",
                f"it speaks of {mode}, a mode that {terms.modes_clause} does not allow",
            )
    listed: list[Terms] = [terms for terms in (*policy.terms.values(), policy.any_mode) if terms.allowed]
    pointer = place.of(policy.any_mode.modes_clause)
    if not listed and pointer is not None:
        yield (pointer, "no-mode", "没有任何允许的学习方式", "no mode of study is allowed")


def _tiers(place: _Places, policy: Policy) -> Iterator[Said]:
    allowed: Sourced[Any] | None = policy.settings.get("modes")
    for tier in _TIERS:
        found: Sourced[Any] | None = policy.settings.get(f"modes.{tier}")
        if found is None or allowed is None or found.value.open or allowed.value.open:
            continue
        pointer = place.of(found.clause, allowed.clause)
        if pointer is not None and not set(found.value.allowed) & set(allowed.value.allowed):
            yield (
                pointer,
                "tier-without-mode",
                f"{tier} 层级没有可用的学习方式",
                f"people of tier {tier} are left without a mode of study",
            )


def _minima(place: _Places, policy: Policy) -> Iterator[Said]:
    roots = [
        terms for terms in policy.requirements if terms.category is not None and "/" not in terms.category
    ]
    asked = sum((terms.minimum for terms in roots), _ZERO)
    pointer = place.of(*(terms.clause for terms in (*roots, policy.requirements[0])))
    if asked > policy.total and pointer is not None:
        yield (
            pointer,
            "minima-above-total",
            f"{policy.year} 年度各科目最低学分之和 {asked} 大于总学分 {policy.total}",
            f"in {policy.year} the minima of the categories add up to {asked}, more than the total of {policy.total}",
        )


def _categories(place: _Places, policy: Policy) -> Iterator[Said]:
    """What is asked of, or awarded in, a category that the year's set does not have."""
    known = policy.categories
    for terms in policy.requirements:
        pointer = place.of(known.clause, terms.clause)
        if terms.category is not None and pointer is not None and not known.knows(terms.category):
            yield (
                pointer,
                "category-not-earned",
                f"{terms.clause} 要求 {terms.category} {terms.minimum} 学分，而科目设置（{known.clause}）没有此科目",
                f"{terms.clause} asks for {terms.minimum} of {terms.category}, which {known.clause} does not have",
            )
    for name, sourced in policy.settings.items():
        if not name.startswith(("equivalence.", "conversion.")) or sourced not in place:
            continue
        pointer = place.of(sourced.clause)
        for category in _awarded(sourced.value):
            if pointer is not None and not known.knows(category):
                yield (
                    pointer,
                    "category-not-known",
                    f"{name} 折算计入 {category}，而本地没有此科目",
                    f"{name} awards credits of {category}, a category that is not known here",
                )


def _awarded(value: Any) -> tuple[str, ...]:
    if isinstance(value, Conversion):
        return (value.category,)
    covers = value.covers
    if covers is None:
        return ()
    return (covers.category,) if covers.category is not None else covers.fill


def _caps(place: _Places, policy: Policy) -> Iterator[Said]:
    """A minimum above a cap of the whole year, of its category or of all that there is."""
    whole = [cap for cap in policy.caps if cap.per == "year" and not cap.modes and not cap.forms]
    for terms in policy.requirements:
        for cap in whole:
            bound = lies_under_any(terms.category, cap.categories) if terms.category else False
            pointer = place.of(cap.clause, terms.clause)
            if pointer is not None and (bound or not cap.categories) and cap.credits < terms.minimum:
                what = terms.category or "total"
                yield (
                    pointer,
                    "minimum-above-cap",
                    f"{what} 最低 {terms.minimum} 学分，而上限 {cap.name}（{cap.clause}）只计 {cap.credits}",
                    f"{what} needs {terms.minimum}, and the cap {cap.name} ({cap.clause}) counts {cap.credits} at most",
                )


def _too_few_days(place: _Places, policy: Policy) -> Iterator[Said]:
    """Where every mode converts hours and caps them by day, the days of the window bound what can be earned."""
    most, pointer = _ZERO, None
    for terms in [terms for terms in policy.terms.values() if terms.allowed] or [policy.any_mode]:
        units = terms.units
        if units is None or units.day_hours_max is None or units.hour_credits is None:
            return
        since, until = terms.study.since, terms.study.until
        days = Decimal((until - since).days + 1) if since is not None and until is not None else _ZERO
        most = max(most, days * units.day_hours_max * units.hour_credits)
        pointer = pointer or place.of(units.clause, terms.study.until_clause)
    if pointer is not None and _ZERO < most < policy.total:
        yield (
            pointer,
            "too-few-days",
            f"学习时间内最多可得 {most} 学分，不足 {policy.total}",
            f"the days of study hold {most} credits at most, fewer than the {policy.total} that are asked",
        )


def _routes(place: _Places, policy: Policy) -> Iterator[Said]:
    known = {
        name.partition(".")[2] for name in policy.settings if name.startswith(("equivalence.", "conversion."))
    }
    for name, sourced in policy.settings.items():
        if not (name.startswith("route.") or name == "direct_registration") or sourced not in place:
            continue
        pointer = place.of(sourced.clause)
        for form in sourced.value.forms:
            if form not in known and pointer is not None:
                yield (
                    pointer,
                    "form-unknown",
                    f"没有任何条款规定 {form} 折算多少学分",
                    f"no clause says what {form} is worth",
                )


def _make_up(place: _Places, policy: Policy) -> Iterator[Said]:
    for window in policy.make_up:
        pointer = place.of(window.clause)
        if pointer is None:
            continue
        if window.until is not None and window.since > window.until:
            yield (
                pointer,
                "never-open",
                f"{policy.year} 年度的补学截止日 {window.until} 早于起始日 {window.since}",
                f"the make-up of {policy.year} ends on {window.until}, before it opens on {window.since}",
            )
        yield from _in_time(pointer, policy, window.since)


def _in_time(pointer: str, policy: Policy, since: date) -> Iterator[Said]:
    """Make-up that opens before the year's own study does makes up nothing."""
    begins = policy.any_mode.study.since
    if policy.ordinary and begins is not None and since < begins:
        yield (
            pointer,
            "before-the-year",
            f"{policy.year} 年度的补学自 {since} 起，早于该年度学习的开始（{begins}）",
            f"the make-up of {policy.year} opens on {since}, before the year's own study on {begins}",
        )
