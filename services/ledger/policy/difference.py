"""The difference from one policy to another, setting by setting, each value with the clause it comes from."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from services.ledger.policy.book import PolicyBook
from services.ledger.policy.book_faults import bounds_of, places_with_notices, years_of
from services.ledger.policy.document.notice import Notice
from services.ledger.policy.language.settings import Sourced
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.make_up import MakeUpWindowTerms

Kind = Literal["added", "removed", "changed", "restated"]
"""`restated` is the same value said by another clause, document or place."""


class Change(Struct, frozen=True):
    """One setting before and after; None where it is not set."""

    setting: str
    kind: Kind
    before: Sourced[Any] | None
    after: Sourced[Any] | None


class PolicyDifference(Struct, frozen=True):
    """What changes for a place and a credit year; `before` and `after` are policy hashes, None where none governs."""

    place: str
    year: int
    before: str | None
    after: str | None
    changes: tuple[Change, ...]


def compare_books(
    before: PolicyBook, after: PolicyBook, notices: Iterable[Notice], *, through: int = 0
) -> tuple[PolicyDifference, ...]:
    """What changes between two books where the notices reach: for their places, for each place under them that has a
    notice of its own, and for every year they name; places and years that stay alike are left out.

    A range of years without an end is followed to the last year that any notice names, or `through` if that is later.
    """
    notices = tuple(notices)
    first, last = bounds_of(before, after)
    years = years_of(notices, (first, max(last, through)))
    regimes = sorted({notice.regime for notice in notices})
    books = [(before.of_regime(regime), after.of_regime(regime)) for regime in regimes]
    compared = (
        compare_policies(old.resolve(place, year), new.resolve(place, year))
        for old, new in books
        for place in places_with_notices(notices, before, after)
        for year in years
    )
    return tuple(found for found in compared if found is not None)


def compare_policies(before: Policy | None, after: Policy | None) -> PolicyDifference | None:
    """What changes from one policy of a place and year to another; None when both judge alike and cite alike."""
    known = after or before
    if known is None or (before is not None and after is not None and before.hash == after.hash):
        return None
    old, new = dict(_settings(before)), dict(_settings(after))
    changes = (_change(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys()))
    return PolicyDifference(
        place=known.place,
        year=known.year,
        before=before.hash if before is not None else None,
        after=after.hash if after is not None else None,
        changes=tuple(change for change in changes if change is not None),
    )


def _change(name: str, before: Sourced[object] | None, after: Sourced[object] | None) -> Change | None:
    if before is None:
        return Change(name, "added", None, after)
    if after is None:
        return Change(name, "removed", before, None)
    if before == after:
        return None
    return Change(name, "restated" if before.value == after.value else "changed", before, after)


def _settings(policy: Policy | None) -> Iterator[tuple[str, Sourced[Any]]]:
    """Every setting, and the make-up windows as settings of their own: `make_up.automatic.210000`, the second of the
    same place and channel with a number behind."""
    if policy is None:
        return
    yield from policy.settings.items()
    yield from policy.for_some.items()
    if policy.never is not None:
        yield "make_up.never", policy.never
    seen: dict[str, int] = {}
    for window in policy.make_up:
        name = f"make_up.{window.channel}.{window.place}"
        seen[name] = seen.get(name, 0) + 1
        yield (name if seen[name] == 1 else f"{name}.{seen[name]}"), _sourced(window)


def _sourced(window: MakeUpWindowTerms) -> Sourced[object]:
    fields = msgspec.structs.asdict(window)
    for name in ("channel", "begins", "ends", "clause", "document", "place", "text"):
        del fields[name]
    said = {name: value for name, value in fields.items() if value not in (None, frozenset(), 0)}
    return Sourced(said, window.clause, window.document, window.place, "", window.text)
