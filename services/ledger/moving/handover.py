"""Handover: the ledger's own words in those of the contract, and back. Pure, and lossless: what is handed
over and arrives is what was there."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

import msgspec

from contracts.divisions import authority_of
from contracts.handover import (
    ArrivingProfile,
    HandedAccount,
    HandedCredit,
    HandedDeferral,
    HandedExam,
    HandedExemption,
    HandedSpecialReason,
    HandedWaiting,
    Handover,
    JudgedMissing,
    JudgedRequirement,
    JudgedYear,
    TakenBack,
)
from services.kit import events as codec
from services.kit.views import fields_of, view
from services.ledger.policy import (
    Account,
    Credit,
    Deferral,
    ExamPass,
    Exemption,
    Missing,
    RequirementResult,
    SpecialReason,
    Waiting,
)
from services.ledger.streams.account_events import AccountArrived, Retraction
from services.ledger.streams.profile import FormerIdentity, Judgement, ProfileArrived


def handed_account(account: Account) -> HandedAccount:
    """An open year as it travels. Enrolments stay: what they were for is registered, or the person could not leave."""
    return HandedAccount(
        year=account.year,
        credits=tuple(handed_credit(credit) for credit in account.credits),
        waiting=tuple(_handed(HandedWaiting, item) for item in account.waiting),
        exams=tuple(view(HandedExam, passed, provider_id=passed.provider) for passed in account.exams),
        exempt=view(HandedExemption, account.exempt) if account.exempt is not None else None,
        deferred=view(HandedDeferral, account.deferred) if account.deferred is not None else None,
        special_reason=view(HandedSpecialReason, account.special_reason) if account.special_reason else None,
    )


def handed_credit(credit: Credit) -> HandedCredit:
    """A credit as it travels: as awarded, with what ended it."""
    return _handed(HandedCredit, credit)


def handed_judgement(judgement: Judgement) -> JudgedYear:
    """A judged year as it travels, with its source."""
    return view(
        JudgedYear,
        judgement,
        requirements=tuple(view(JudgedRequirement, each) for each in judgement.requirements),
        missing=tuple(view(JudgedMissing, each) for each in judgement.missing),
    )


def taken_back(retraction: Retraction) -> TakenBack:
    """A retraction as it travels."""
    return view(TakenBack, retraction, taken_back_at=retraction.at)


def profile_arrived(profile: ArrivingProfile, handover: Handover, log: str, at: datetime) -> ProfileArrived:
    """Who arrives in a log, with the years that others judged; its own it knows better."""
    former = tuple(view(FormerIdentity, each) for each in profile.former)
    return ProfileArrived(
        **fields_of(type(profile), profile) | {"former": former},
        transfer_id=handover.transfer_id,
        from_authority=handover.from_authority,
        from_place=handover.from_place,
        judged=judgements(handover.judged, log),
        left_at=handover.left_at,
        arrived_at=at,
    )


def judgements(judged: Iterable[JudgedYear], log: str) -> tuple[Judgement, ...]:
    """Others' judgements, as this log keeps them."""
    return tuple(_judgement(each) for each in judged if authority_of(each.place) != log)


def _judgement(judged: JudgedYear) -> Judgement:
    return view(
        Judgement,
        judged,
        requirements=tuple(view(RequirementResult, each) for each in judged.requirements),
        missing=tuple(view(Missing, each) for each in judged.missing),
    )


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
        credits=tuple(_arrived(Credit, credit) for credit in account.credits),
        waiting=tuple(_arrived(Waiting, item) for item in account.waiting),
        exams=tuple(view(ExamPass, passed, provider=passed.provider_id) for passed in account.exams),
        exempt=view(Exemption, account.exempt) if account.exempt is not None else None,
        deferred=view(Deferral, account.deferred) if account.deferred is not None else None,
        special_reason=view(SpecialReason, account.special_reason) if account.special_reason else None,
        taken_back=tuple(view(Retraction, each, at=each.taken_back_at) for each in account.taken_back),
        arrived_at=at,
    )
    return msgspec.json.decode(codec.encode(event), type=AccountArrived)


Handed = TypeVar("Handed", HandedCredit, HandedWaiting)
Kept = TypeVar("Kept", Credit, Waiting)


def _handed(kind: type[Handed], kept: Credit | Waiting) -> Handed:
    return view(kind, kept, provider_id=kept.provider, course=kept.course or None)


def _arrived(kind: type[Kept], handed: HandedCredit | HandedWaiting) -> Kept:
    return view(kind, handed, provider=handed.provider_id, course=handed.course or "")
