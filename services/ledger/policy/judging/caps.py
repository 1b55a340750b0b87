"""The credits of an account that count under caps that bind, and which clause keeps the rest out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from services.ledger.policy.judging.allotment import Allotment, Limit, allot
from services.ledger.policy.language.facts import ANY, Category, Credit, lies_under
from services.ledger.policy.language.selector import RequirementTerms
from services.ledger.policy.rules.cap import Bucket

Alike = tuple[Category, tuple[Category, ...], tuple[str, ...], tuple[int, ...]]
"""Credits that are alike to every rule: category, order of filling, minima that single them out, buckets they are in."""


class Above(Struct, frozen=True):
    """How much of a credit is above a cap, and the cap's clause; the narrowest cap that is full keeps it out."""

    credit: Credit
    credits: Decimal
    clause: str


class Share(Struct, frozen=True):
    """What may count in one category of the credits of one kind, on one stretch of their days where a day's cap binds: a
    variable of the allotment."""

    kind: int
    path: Category
    rank: int
    stretch: int | None = None


class Capped(Struct):
    """What counts, by category and by the minimum that singles it out, and what is above a cap."""

    by_path: dict[Category, Decimal]
    singled: dict[str, Decimal]
    above: list[Above]
    missing: int = 0
    """How much the minima that were asked for miss together, in hundredths."""


def count_capped(
    credits: Sequence[Credit],
    buckets: Sequence[Bucket],
    asked: Sequence[RequirementTerms],
    already: Mapping[Category, Decimal],
) -> Capped:
    """Count credits under the buckets that bind, to the person's best; amounts are allotted in hundredths.

    `already` counts beside them, by category, and no cap is about it.
    """
    kinds = _kinds(credits, buckets, [terms for terms in asked if terms.singled is not None])
    names = sorted(kinds)
    parts = [
        Share(number, path, rank, stretch)
        for number, kind in enumerate(names)
        for rank, path in enumerate(_paths(kind), start=1)
        for stretch in _stretches(kind, buckets)
    ]
    left_to_ask = [(terms, _cents(terms.minimum) - _cents(_of(already, terms))) for terms in asked]
    found, first_bucket = _allotted(names, kinds, parts, buckets, left_to_ask)
    counted = Capped({}, {}, [])
    least = [each for terms, left in left_to_ask if (each := left if terms.minimum else 1) > 0]
    counted.missing = sum(least) - sum(int(amount) for amount in found.taken[len(parts) :])
    taken: list[Fraction] = [Fraction(0)] * len(names)
    for part, amount in zip(parts, found.taken, strict=False):
        taken[part.kind] += amount
        if amount:
            counted.by_path[part.path] = counted.by_path.get(part.path, Decimal(0)) + _decimal(amount)
    for number, kind in enumerate(names):
        for name in kind[2]:
            counted.singled[name] = counted.singled.get(name, Decimal(0)) + _decimal(taken[number])
        left = _cents_of(kinds[kind]) - int(taken[number])
        if left:
            clause = _clause(kind, buckets, found, first_bucket)
            counted.above.extend(_above(kinds[kind], left, clause))
    return counted


def _kinds(
    credits: Sequence[Credit], buckets: Sequence[Bucket], singled: Sequence[RequirementTerms]
) -> dict[Alike, list[Credit]]:
    kinds: dict[Alike, list[Credit]] = defaultdict(list)
    for place, credit in enumerate(credits):
        inside = tuple(n for n, bucket in enumerate(buckets) if place in bucket.members)
        names = tuple(
            terms.singled or ""
            for terms in singled
            if terms.of.matches(credit) and terms.of.takes(credit.category)
        )
        kinds[credit.category, credit.fill, names, inside].append(credit)
    return kinds


def _paths(kind: Alike) -> tuple[Category, ...]:
    return tuple(dict.fromkeys((*kind[1], ANY))) if kind[0] == ANY else (kind[0],)


def _stretches(kind: Alike, buckets: Sequence[Bucket]) -> Sequence[int | None]:
    """The stretches of days on which credits of the kind may count; None alone where no day's cap binds them."""
    return sorted({number for n in kind[3] if (number := buckets[n].stretch) is not None}) or (None,)


def _allotted(
    names: Sequence[Alike],
    kinds: dict[Alike, list[Credit]],
    parts: Sequence[Share],
    buckets: Sequence[Bucket],
    asked: Sequence[tuple[RequirementTerms, int]],
) -> tuple[Allotment, int]:
    limits = [
        Limit({n: 1 for n, part in enumerate(parts) if part.kind == number}, _cents_of(kinds[kind]))
        for number, kind in enumerate(names)
    ]
    first_bucket = len(limits)
    for turn, bucket in enumerate(buckets):
        inside = {
            n: 1
            for n, part in enumerate(parts)
            if turn in names[part.kind][3]
            and bucket.stretch in (None, part.stretch)
            and bucket.cap.of.takes(part.path)
        }
        limits.append(Limit(inside, _cents(bucket.most)))
    everything = dict.fromkeys(range(len(parts)), 1)
    reached: list[dict[int, int]] = [{}, {}]
    variables = len(parts)
    for terms, left in asked:
        # A variable for what is reached of each minimum: no more than the minimum, and no more than what counts for it.
        least = left if terms.minimum else 1
        if least <= 0:
            continue
        towards = {n: -1 for n, part in enumerate(parts) if _counts_for(terms, part, names[part.kind])}
        limits.append(Limit({variables: 1}, least))
        limits.append(Limit({variables: 1, **towards}, 0))
        reached[0 if terms.kind == "total" else 1][variables] = 1
        variables += 1
    named = {n: 1 for n, part in enumerate(parts) if names[part.kind][2]}
    in_order = {
        n: -part.rank for n, part in enumerate(parts) if names[part.kind][0] == ANY and part.path != ANY
    }
    return allot(variables, limits, [*reached, everything, named, in_order]), first_bucket


def _of(already: Mapping[Category, Decimal], terms: RequirementTerms) -> Decimal:
    if terms.singled is not None:
        return Decimal(0)
    return sum((c for path, c in already.items() if _is_of(terms, path)), Decimal(0))


def _counts_for(terms: RequirementTerms, part: Share, kind: Alike) -> bool:
    if terms.singled is not None:
        return terms.singled in kind[2]
    return _is_of(terms, part.path)


def _is_of(terms: RequirementTerms, path: Category) -> bool:
    """Whether what counts in a category counts for a minimum that singles out nothing else."""
    if terms.category is not None:
        return path != ANY and lies_under(path, terms.category)
    return terms.of.takes(path)


def _clause(kind: Alike, buckets: Sequence[Bucket], found: Allotment, first_bucket: int) -> str:
    full = [n for n in kind[3] if n + first_bucket in found.tight]
    return buckets[(full or kind[3])[0]].cap.clause


def _above(credits: Sequence[Credit], left: int, clause: str) -> list[Above]:
    """The credits that do not count, the latest first."""
    made = []
    for credit in sorted(
        credits, key=lambda c: (c.completed_at, c.provider or "", c.completion_id, c.credit_id), reverse=True
    ):
        if left <= 0:
            break
        out = min(left, _cents(credit.credits))
        made.append(Above(credit, _decimal(out), clause))
        left -= out
    return made


def _cents_of(credits: Sequence[Credit]) -> int:
    return sum(_cents(credit.credits) for credit in credits)


def _cents(credits: Decimal) -> int:
    return int(credits * 100)


def _decimal(cents: Fraction | int) -> Decimal:
    """Hundredths as credits; a fraction of one, which only caps that cross in threes could leave, is cut off."""
    return Decimal(int(cents)).scaleb(-2)
