"""Where every credit that counts comes from: who reported or approved it, by which route, what confirmed it."""

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from services.ledger.answers.viewers import Viewer
from services.ledger.policy import Account, Assessment, Credit, Route
from services.ledger.policy.language.days import ends


class CountedCredit(Struct, frozen=True, kw_only=True):
    """A credit that counts towards the year. `counted` is less than `credits` where a cap leaves some out.

    One of `provider_id`, `claim_id`, `filing_id` says whose report it was, all None for an authority's own list and for
    imported history. `confirmed_by` are later reports of the same fact by another route (A-15).
    """

    credit_id: str
    category: str
    credits: Decimal
    counted: Decimal
    mode: str
    route: Route
    form: str | None
    provider_id: str | None
    claim_id: str | None
    filing_id: str | None
    completion_id: str
    course: str
    tier: str | None
    place: str
    completed_at: datetime
    registered_at: datetime
    recognised_at: datetime | None
    make_up: bool
    late: bool
    confirmed_by: tuple[Route, ...]


def provenance(account: Account | None, answer: Assessment, viewer: Viewer) -> tuple[CountedCredit, ...]:
    """The credits that count for the answer, in order of completion; an organization sees its own alone."""
    if account is None:
        return ()
    left_out: dict[tuple[str, str | None], Decimal] = {}
    for item in answer.not_counted:
        key = (item.completion_id, item.provider_id)
        left_out[key] = left_out.get(key, Decimal(0)) + item.credits
    found = []
    for credit in account.credits:
        if not _stands(credit, answer.on) or not viewer.sees_record_of(credit.provider):
            continue
        counted = credit.credits - left_out.get((credit.completion_id, credit.provider), Decimal(0))
        if counted > 0:
            found.append(_of(credit, counted))
    return tuple(sorted(found, key=lambda each: (each.completed_at, each.credit_id)))


def made_up(account: Account | None, answer: Assessment) -> bool:
    """Whether the year is met and make-up study is among what meets it (A-08)."""
    return (
        answer.status == "compliant"
        and account is not None
        and any(credit.make_up and _stands(credit, answer.on) for credit in account.credits)
    )


def _stands(credit: Credit, on: date) -> bool:
    return credit.state == "registered" and credit.completed_at < ends(on)


def _of(credit: Credit, counted: Decimal) -> CountedCredit:
    return CountedCredit(
        credit_id=credit.credit_id,
        category=credit.category,
        credits=credit.credits,
        counted=counted,
        mode=credit.mode,
        route=credit.route,
        form=credit.form,
        provider_id=credit.provider,
        claim_id=credit.completion_id if credit.route == "claim" else None,
        filing_id=_filing(credit),
        completion_id=credit.completion_id,
        course=credit.course,
        tier=credit.tier,
        place=credit.place,
        completed_at=credit.completed_at,
        registered_at=credit.registered_at,
        recognised_at=credit.recognised_at,
        make_up=credit.make_up,
        late=credit.late,
        confirmed_by=credit.confirmed_by,
    )


def _filing(credit: Credit) -> str | None:
    """The filing whose roster reported the credit: a roster is `<filing>-<number>`, a row of it `<roster>.<row>`."""
    if credit.route != "roster":
        return None
    return credit.completion_id.partition(".")[0].rpartition("-")[0]
