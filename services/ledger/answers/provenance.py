"""Provenance of every credit that counts: who reported or approved it, by which route, what confirmed it."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from msgspec import Struct

from services.kit.pydantic_models import view
from services.ledger.answers.viewers import Viewer
from services.ledger.policy import Account, Assessment, Credit, Rejected, Route, Study, rejection_words
from services.ledger.policy.language.days import ends


class NotTakenBy(Struct, frozen=True, kw_only=True):
    """Why the notice that judges the year now would not have taken a credit that it found (B-20): the code of the problem,
    the clause where one says so, and in words. The credit stays."""

    problem: str
    clause: str | None
    text_zh: str
    text_en: str


class CountedCredit(Study, frozen=True, kw_only=True):
    """A credit that counts towards the year, with the clause by which it was registered. `counted` is less than `credits`
    where a cap leaves some out.

    `provider_id` and `claim_id` say whose report it was, both None for an authority's own list and for imported history;
    `filing` the filed training it was part of. `confirmed_by` are later reports of the same fact by another route (A-15).
    `provisional`: taken by the nation's rule before a notice of the year was out; `not_taken_by` says of such a one why the
    notice, once it is out, would not have taken it (B-20).
    """

    credit_id: str
    counted: Decimal
    route: Route
    form: str | None
    provider_id: str | None
    claim_id: str | None
    clause: str | None
    place: str
    registered_at: datetime
    recognised_at: datetime | None
    make_up: bool
    late: bool
    provisional: bool
    confirmed_by: tuple[Route, ...]
    not_taken_by: NotTakenBy | None


def provenance(
    account: Account | None,
    answer: Assessment,
    viewer: Viewer,
    refused: Mapping[str, Rejected | None] = MappingProxyType({}),
) -> tuple[CountedCredit, ...]:
    """The credits that count for the answer, in order of completion; an organization sees its own alone. `refused` says, by
    credit, what a notice would not have taken that was taken before it."""
    if account is None:
        return ()
    left_out: dict[tuple[str, str | None], Decimal] = {}
    for item in answer.not_counted:
        if item.why == "above_day":
            continue
        key = (item.completion_id, item.provider_id)
        left_out[key] = left_out.get(key, Decimal(0)) + item.credits
    found = []
    for credit in account.credits:
        if not _stands(credit, answer.on) or not viewer.sees_record_of(credit.provider):
            continue
        counted = credit.credits - left_out.get((credit.completion_id, credit.provider), Decimal(0))
        if counted > 0:
            found.append(_of(credit, counted, refused.get(credit.credit_id)))
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


def _of(credit: Credit, counted: Decimal, refused: Rejected | None) -> CountedCredit:
    claim_id = credit.completion_id if credit.route == "claim" else None
    return view(
        CountedCredit,
        credit,
        counted=counted,
        provider_id=credit.provider,
        claim_id=claim_id,
        not_taken_by=_not_taken(refused) if refused is not None else None,
    )


def _not_taken(refused: Rejected) -> NotTakenBy:
    (title_zh, detail_zh), (title_en, detail_en) = (
        rejection_words(refused, "zh"),
        rejection_words(refused, "en"),
    )
    return NotTakenBy(
        problem=refused.problem,
        clause=refused.clause,
        text_zh=f"{title_zh}。{detail_zh}",
        text_en=f"{title_en}. {detail_en}",
    )
