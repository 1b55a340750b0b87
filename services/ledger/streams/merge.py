"""Merge of two profiles of one person: which of their credits are of one real fact, so that it goes on counting once (A-15).

Of two credits the one that was registered first counts, as if the life had been collected once; what waits gives way to
what is registered.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, NamedTuple, TypeVar

import msgspec

from services.kit import events as codec
from services.kit.errors import Problem
from services.kit.pydantic_models import view
from services.ledger.policy import Account, Credit, Policy, ReportedStudy, Waiting
from services.ledger.policy.rules.repeats import RepeatTerms
from services.ledger.streams.account import ending
from services.ledger.streams.account_events import AccountAbsorbed, AccountMerged, CreditDuplicated
from services.ledger.streams.facts import is_same
from services.ledger.streams.filing_terms import Attended

Studied = Credit | Waiting
S = TypeVar("S", bound=Studied)


class PersonMergedError(Problem):
    """The profile is part of another one of the same person now: `merged_into` is to be asked."""

    code: ClassVar[str] = "person-merged"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该人员信息已并入另一份信息"
    title_en: ClassVar[str] = "This profile is part of another one of the same person now"


class Duplicates(NamedTuple):
    """Credits of the same fact as another, each with that one; and completions that wait although another counts."""

    credits: list[tuple[Credit, Credit]]
    waiting: list[Waiting]


def absorbed(kept: Account, other: Account, at: datetime) -> AccountAbsorbed:
    """What the account of the person takes over from the same year of another profile of theirs, as a reader of the log
    finds it: a rebuild must write the row that is written now.
    """
    event = AccountAbsorbed(
        person_id=kept.person_id,
        year=kept.year,
        merged_id=other.person_id,
        credits=tuple(other.credits),
        waiting=tuple(other.waiting),
        exams=tuple(other.exams),
        enrolments=tuple(other.enrolments),
        exempt=other.exempt,
        deferred=other.deferred,
        special_reason=other.special_reason,
        merged_at=at,
    )
    return msgspec.json.decode(codec.encode(event), type=AccountAbsorbed)


def emptied(other: Account, into: str, at: datetime) -> AccountMerged:
    """The end of the other account."""
    return AccountMerged(person_id=other.person_id, year=other.year, into=into, merged_at=at)


def duplicated(account: Account, credit: Credit, first: Credit, at: datetime) -> CreditDuplicated:
    """A credit of the account that is of the same fact as another one there."""
    return CreditDuplicated(**ending(account, credit), duplicate_of=first.credit_id, duplicated_at=at)


def duplicates_of(kept: Account, other: Account, policy: Policy | None) -> Duplicates:
    """What the two accounts of one year have in common, before either takes over the other."""
    found = Duplicates([], [])
    standing = [
        (credit, account.person_id)
        for account in (kept, other)
        for credit in account.credits
        if credit.state == "registered"
    ]
    standing.sort(key=lambda each: (each[0].registered_at, each[0].credit_id))
    counted: list[tuple[Credit, str]] = []
    for credit, person_id in standing:
        first = next(
            (each for each in _of_others(counted, person_id) if _is_same(each, credit, policy)), None
        )
        if first is None:
            counted.append((credit, person_id))
        else:
            found.credits.append((credit, first))
    waiting = [(item, account.person_id) for account in (kept, other) for item in account.waiting]
    waiting.sort(key=lambda each: (each[0].held_at, each[0].provider, each[0].completion_id))
    known: list[tuple[Studied, str]] = [*counted]
    for item, person_id in waiting:
        if any(_is_same(each, item, policy) for each in _of_others(known, person_id)):
            found.waiting.append(item)
        else:
            known.append((item, person_id))
    return found


def _of_others(known: Iterable[tuple[S, str]], person_id: str) -> Iterable[S]:
    """What is known of the other profile: each has told its own apart already."""
    return (each for each, of in known if of != person_id)


def _is_same(first: Studied, later: Studied, policy: Policy | None) -> bool:
    """Whether two pieces of study are one real fact, by whatever route each came."""
    facts = [each.fact for each in (first, later) if isinstance(each, Credit) and each.fact is not None]
    if len(facts) == 2:
        return is_same(*facts)
    if _is_reported(first) and _is_reported(later):
        terms = policy.of(RepeatTerms) if policy is not None else RepeatTerms()
        study = view(ReportedStudy, later, **_UNKNOWN) if isinstance(later, Credit) else later
        return terms.is_repeat(first, study, later.provider or "")
    by_route = {"provider" if isinstance(each, Waiting) else each.route: each for each in (first, later)}
    if by_route.keys() != {"roster", "provider"}:
        return False
    report, row = by_route["provider"], by_route["roster"]
    return Attended(row.provider, row.mode, row.filing, *row.days).is_reported_by(report, report.provider)


def _is_reported(studied: Studied) -> bool:
    return isinstance(studied, Waiting) or studied.route == "provider"


_UNKNOWN = dict.fromkeys(("title", "exam_passed_at", "evaluated_at", "hours", "reported_at", "repeat_of")) | {
    "content": ""
}
"""What a credit does not keep of its report."""
