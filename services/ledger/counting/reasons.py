"""Reasons why two judgements of one person's year differ, each with the clause that makes the difference."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct

from services.ledger.policy import Assessment, Missing, RequirementResult
from services.ledger.policy.difference import Change

_OWES_NOTHING = frozenset({"not_required", "exempt"})


class Reason(Struct, frozen=True):
    """What makes the difference, and the clause that says so: of the draft's side where it has one, else of what it ends.

    `what` is `policy` (governed by a notice only on one side), `obligation`, `requirement.<category>`,
    `counting.<category>` (the same minimum, but other credits count towards it), `period.<name>` (other credits are missing
    over several years), `window.study` (the year ends another day) or `make_up`.
    """

    what: str
    clause: str | None
    document: str | None = None


def alike(before: Assessment, after: Assessment) -> bool:
    """Whether both judge alike: the same status, the same credits missing, also over periods, and a make-up open in both or
    in neither."""
    return (
        before.status == after.status
        and before.missing == after.missing
        and _short_over(before) == _short_over(after)
        and _open(before) == _open(after)
    )


def reasons_of(before: Assessment, after: Assessment, changes: Sequence[Change] = ()) -> tuple[Reason, ...]:
    """What makes the two differ, in a fixed order; empty when they judge alike.

    A reason cites the clause that `changes` from one policy to the other, where one of them is what it is about, and not
    one that both inherit.
    """
    return tuple(dict.fromkeys(_by_change(reason, changes) for reason in _reasons(before, after)))


_ABOUT: Mapping[str, tuple[str, ...]] = {
    "obligation": ("obligation.",),
    "requirement": ("requirement.",),
    "counting": ("cap.", "recognition.", "carry_over", "categories", "requirement.", "equivalence."),
    "period": ("period.",),
    "window": ("window.study.", "window."),
    "make_up": ("make_up.",),
}
"""The settings that a reason can be about, what it is about most first."""


def _by_change(reason: Reason, changes: Sequence[Change]) -> Reason:
    subject, _, about = reason.what.partition(".")
    found = [
        change
        for prefix in (f"{subject}.{about}", *_ABOUT.get(subject, ()))
        for change in changes
        if change.kind != "restated" and change.setting.startswith(prefix)
    ]
    sources = [source for change in found if (source := change.after or change.before) is not None]
    if not sources or any(source.clause == reason.clause for source in sources):
        return reason
    return Reason(reason.what, sources[0].clause, sources[0].document)


def _reasons(before: Assessment, after: Assessment) -> Iterator[Reason]:
    if alike(before, after):
        return
    if "no_policy" in (before.status, after.status) or before.basis != after.basis:
        known = before if after.status == "no_policy" else after
        cited = (*(each.clause for each in known.requirements), *known.clauses)
        yield Reason("policy", next(iter(cited), None))
        return
    if (before.status in _OWES_NOTHING) != (after.status in _OWES_NOTHING):
        yield Reason("obligation", next(iter((*after.clauses, *before.clauses)), None))
        return
    found = [*_requirements(before, after), *_periods(before, after)]
    if before.status != after.status and "compliant" not in (before.status, after.status):
        found.append(_window(after))
    if not found or _open(before) != _open(after):
        found.append(_make_up(before, after))
    yield from found


def _requirements(before: Assessment, after: Assessment) -> Iterator[Reason]:
    old = {
        (each.kind, each.category, each.course, each.modes, each.choice): each for each in before.requirements
    }
    new = {
        (each.kind, each.category, each.course, each.modes, each.choice): each for each in after.requirements
    }
    for key in dict.fromkeys((*old, *new)):
        was, is_ = old.get(key), new.get(key)
        known = is_ or was
        assert known is not None, "the key is of one of the two"
        if _short(was) == _short(is_):
            continue
        counted_otherwise = was is not None and is_ is not None and was.minimum == is_.minimum
        subject = "counting" if counted_otherwise else "requirement"
        about = known.category or known.course or "+".join(known.modes) or "total"
        yield Reason(f"{subject}.{about}", known.clause, known.document)


def _periods(before: Assessment, after: Assessment) -> Iterator[Reason]:
    old, new = _short_over(before), _short_over(after)
    clauses = {each.name: each.clause for each in (*before.periods, *after.periods)}
    for name in dict.fromkeys(name for name, *_ in sorted(old ^ new, key=str)):
        yield Reason(f"period.{name}", clauses[name])


def _short_over(assessment: Assessment) -> frozenset[tuple[str, date, str, tuple[Missing, ...]]]:
    """The periods, and what is missing over each."""
    return frozenset((each.name, each.until, each.status, each.missing) for each in assessment.periods)


def _short(requirement: RequirementResult | None) -> object:
    return None if requirement is None or requirement.met else requirement.minimum - requirement.earned


def _window(after: Assessment) -> Reason:
    clauses = (each.clause for each in after.deadlines if each.act == "study" and each.clause)
    return Reason("window.study", next(clauses, None))


def _make_up(before: Assessment, after: Assessment) -> Reason:
    clauses = (each.make_up.clause for each in (after, before) if each.make_up is not None)
    return Reason("make_up", next((clause for clause in clauses if clause), None))


def _open(assessment: Assessment) -> bool:
    return assessment.make_up is not None and assessment.make_up.open
