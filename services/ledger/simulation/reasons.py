"""Why one person's year is judged otherwise under a draft: which requirement, whose clause."""

from collections.abc import Iterator

from msgspec import Struct

from services.ledger.policy import Assessment, Requirement

_OWES_NOTHING = frozenset({"not_required", "exempt"})


class Reason(Struct, frozen=True):
    """What makes the difference, and the clause that says so: of the draft's side where it has one, else of what it ends.

    `what` is `policy` (governed only on one side), `obligation`, `requirement.<category>`, `counting.<category>` (the
    same minimum, but other credits count towards it), `window.study` (the year ends another day) or `make_up`.
    """

    what: str
    clause: str | None
    document: str | None = None


def alike(before: Assessment, after: Assessment) -> bool:
    """Whether both judge alike: the same status, the same credits missing, and a make-up open in both or in neither."""
    return before.status == after.status and before.missing == after.missing and _open(before) == _open(after)


def reasons_of(before: Assessment, after: Assessment) -> tuple[Reason, ...]:
    """What makes the two differ, in a fixed order; empty when they judge alike."""
    return tuple(_reasons(before, after))


def _reasons(before: Assessment, after: Assessment) -> Iterator[Reason]:
    if alike(before, after):
        return
    if "no_policy" in (before.status, after.status):
        known = before if after.status == "no_policy" else after
        cited = (*(each.clause for each in known.requirements), *known.clauses)
        yield Reason("policy", next(iter(cited), None))
        return
    if (before.status in _OWES_NOTHING) != (after.status in _OWES_NOTHING):
        yield Reason("obligation", next(iter((*after.clauses, *before.clauses)), None))
        return
    found = [*_requirements(before, after)]
    if before.status != after.status and "compliant" not in (before.status, after.status):
        found.append(_window(after))
    if not found or _open(before) != _open(after):
        found.append(_make_up(before, after))
    yield from found


def _requirements(before: Assessment, after: Assessment) -> Iterator[Reason]:
    old = {(each.kind, each.category, each.course): each for each in before.requirements}
    new = {(each.kind, each.category, each.course): each for each in after.requirements}
    for key in dict.fromkeys((*old, *new)):
        was, is_ = old.get(key), new.get(key)
        known = is_ or was
        assert known is not None, "the key is of one of the two"
        if _short(was) == _short(is_):
            continue
        counted_otherwise = was is not None and is_ is not None and was.minimum == is_.minimum
        subject = "counting" if counted_otherwise else "requirement"
        yield Reason(f"{subject}.{known.category or known.course or 'total'}", known.clause, known.document)


def _short(requirement: Requirement | None) -> object:
    return None if requirement is None or requirement.met else requirement.minimum - requirement.earned


def _window(after: Assessment) -> Reason:
    clauses = (each.clause for each in after.deadlines if each.act == "study" and each.clause)
    return Reason("window.study", next(clauses, None))


def _make_up(before: Assessment, after: Assessment) -> Reason:
    clauses = (each.make_up.clause for each in (after, before) if each.make_up is not None)
    return Reason("make_up", next((clause for clause in clauses if clause), None))


def _open(assessment: Assessment) -> bool:
    return assessment.make_up is not None and assessment.make_up.open
