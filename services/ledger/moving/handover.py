"""Between the ledger's own words and those in which one ledger hands over to another. Pure, and lossless: what is handed
over and arrives is what was there."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from contracts.divisions import authority_of
from contracts.handover import (
    ArrivingProfile,
    HandedAccount,
    HandedCredit,
    HandedDeferral,
    HandedExam,
    HandedExemption,
    HandedWaiting,
    Handover,
    HandoverPart,
    JudgedYear,
    TakenBack,
)
from services.kit import events as codec
from services.ledger.policy import Account, Credit, Deferral, ExamPass, Exemption, Waiting
from services.ledger.streams.account_events import AccountArrived, Retraction
from services.ledger.streams.profile import Judgement, ProfileArrived


def handed_account(account: Account) -> HandedAccount:
    """An open year as it travels. Enrolments stay: what they were for is registered, or the person could not leave."""
    return HandedAccount(
        year=account.year,
        credits=tuple(handed_credit(credit) for credit in account.credits),
        waiting=tuple(_handed_waiting(item) for item in account.waiting),
        exams=tuple(
            HandedExam(provider_id=passed.provider, passed_at=passed.passed_at, of=passed.of)
            for passed in account.exams
        ),
        exempt=HandedExemption(**_fields(account.exempt)) if account.exempt is not None else None,
        deferred=HandedDeferral(**_fields(account.deferred)) if account.deferred is not None else None,
    )


def handed_credit(credit: Credit) -> HandedCredit:
    """A credit as it travels: as awarded, with what ended it."""
    fields = _fields(credit)
    return HandedCredit(
        **fields | {"provider_id": fields.pop("provider"), "course": fields.pop("course") or None}
    )


def handed_judgement(judgement: Judgement) -> JudgedYear:
    """A judged year as it travels, with its source."""
    return JudgedYear(**_fields(judgement))


def taken_back(retraction: Retraction) -> TakenBack:
    """A retraction as it travels."""
    return TakenBack(
        provider_id=retraction.provider_id,
        completion_id=retraction.completion_id,
        reason=retraction.reason,
        taken_back_at=retraction.at,
    )


def profile_arrived(profile: ArrivingProfile, handover: Handover, log: str, at: datetime) -> ProfileArrived:
    """Who arrives in a log, with the years that others judged; its own it knows better."""
    return ProfileArrived(
        **_parts(profile),
        transfer_id=handover.transfer_id,
        from_authority=handover.from_authority,
        from_place=handover.from_place,
        judged=judgements(handover.judged, log),
        left_at=handover.left_at,
        arrived_at=at,
    )


def judgements(judged: Iterable[JudgedYear], log: str) -> tuple[Judgement, ...]:
    """Others' judgements, as this log keeps them."""
    return tuple(Judgement(**_parts(each)) for each in judged if authority_of(each.place) != log)


def account_arrived(
    account: HandedAccount, handover: Handover, person_id: str, at: datetime
) -> AccountArrived:
    """What arrives for one year, as a reader of the log will find it: equal texts from elsewhere are not the same object,
    by which a row leaves defaults out, and a rebuild must write the row that is written now.
    """
    event = AccountArrived(
        person_id=person_id,
        year=account.year,
        transfer_id=handover.transfer_id,
        sequence=handover.sequence,
        from_authority=handover.from_authority,
        credits=tuple(_credit(credit) for credit in account.credits),
        waiting=tuple(_waiting(item) for item in account.waiting),
        exams=tuple(
            ExamPass(provider=passed.provider_id, passed_at=passed.passed_at, of=passed.of)
            for passed in account.exams
        ),
        exempt=Exemption(**_parts(account.exempt)) if account.exempt is not None else None,
        deferred=Deferral(**_parts(account.deferred)) if account.deferred is not None else None,
        taken_back=tuple(
            Retraction(
                provider_id=each.provider_id,
                completion_id=each.completion_id,
                reason=each.reason,
                at=each.taken_back_at,
            )
            for each in account.taken_back
        ),
        arrived_at=at,
    )
    return msgspec.json.decode(codec.encode(event), type=AccountArrived)


def _handed_waiting(item: Waiting) -> HandedWaiting:
    fields = _fields(item)
    return HandedWaiting(
        **fields | {"provider_id": fields.pop("provider"), "course": fields.pop("course") or None}
    )


def _credit(handed: HandedCredit) -> Credit:
    fields = _parts(handed)
    return Credit(**fields | {"provider": fields.pop("provider_id"), "course": fields.pop("course") or ""})


def _waiting(handed: HandedWaiting) -> Waiting:
    fields = _parts(handed)
    return Waiting(**fields | {"provider": fields.pop("provider_id"), "course": fields.pop("course") or ""})


def _parts(handed: HandoverPart) -> dict[str, Any]:
    return {name: getattr(handed, name) for name in type(handed).model_fields}


def _fields(struct: Any) -> dict[str, Any]:
    return msgspec.structs.asdict(struct)
