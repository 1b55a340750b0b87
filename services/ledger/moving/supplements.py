"""Supplements: what a departure handed over, and what came to the moved years afterwards, both told by the events
alone: so every repeat says the same, byte for byte."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

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
    JudgedMakeUp,
    JudgedMissing,
    JudgedRequirement,
    JudgedYear,
    TakenBack,
)
from services.kit import events as codec
from services.kit.database import Connection
from services.kit.event_store import EventStore, RecordedEvent
from services.kit.pydantic_models import view
from services.ledger.policy import (
    Account,
    Credit,
    Deferral,
    Exemption,
    Missing,
    PassedExam,
    PolicyBook,
    RequirementResult,
    SpecialReason,
    Waiting,
)
from services.ledger.policy.judging.policy_day import PersonOpening
from services.ledger.policy.language.facts import Traits
from services.ledger.store.departures import Departure
from services.ledger.streams import account as accounts
from services.ledger.streams import profile as profiles
from services.ledger.streams.account_events import (
    AccountArrived,
    AccountLeft,
    CreditConfirmed,
    CreditEarned,
    CreditRecognised,
    CreditRevoked,
    CreditWithdrawn,
    DeferralEnded,
    DeferralGranted,
    ExamPassed,
    ExemptionEnded,
    ExemptionGranted,
    HeldCompletionWithdrawn,
    Retraction,
    SpecialReasonApproved,
    SpecialReasonEnded,
)
from services.ledger.streams.profile import Profile
from services.ledger.streams.profile_events import (
    FormerIdentity,
    Judgement,
    JudgementsArrived,
    ProfileArrived,
    ProfileLeft,
)
from services.ledger.streams.who_judges import judgement_of, side_of


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
        make_up=tuple(view(JudgedMakeUp, each) for each in judgement.make_up),
    )


def taken_back(retraction: Retraction) -> TakenBack:
    """A retraction as it travels."""
    return view(TakenBack, retraction, taken_back_at=retraction.at)


def profile_arrived(profile: ArrivingProfile, handover: Handover, log: str, at: datetime) -> ProfileArrived:
    """Who arrives in a log, with the years that others judged; its own it knows better."""
    former = tuple(view(FormerIdentity, each) for each in profile.former)
    return view(
        ProfileArrived,
        profile,
        former=former,
        traits=view(Traits, profile),
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
        make_up=tuple(view(PersonOpening, each) for each in judged.make_up),
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
        exams=tuple(view(PassedExam, passed, provider=passed.provider_id) for passed in account.exams),
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


_YEARS = "select year from accounts where log = $1 and person_id = $2 order by year"


async def handed_over(conn: Connection, store: EventStore, log: str, transfer_id: str) -> Handover:
    """The handover of a departure that has left."""
    identity = f"departure:{transfer_id}"
    found = (await store.by_identity(conn, log, [identity]))[identity]
    left = codec.decode(found.topic, found.state)
    assert isinstance(left, ProfileLeft), "the identity is the departure's"
    streams = {accounts.stream_of(left.person_id, year): year for year in left.years}
    loaded = await store.load(conn, log, sorted(streams))
    return Handover(
        transfer_id=transfer_id,
        from_authority=log,
        from_place=left.from_place,
        to_place=left.to_place,
        left_at=left.left_at,
        accounts=tuple(
            _as_left(left, year, loaded.get(stream_id, [])) for stream_id, year in sorted(streams.items())
        ),
        judged=tuple(handed_judgement(each) for each in left.judged),
    )


def _as_left(left: ProfileLeft, year: int, recorded: Sequence[RecordedEvent]) -> HandedAccount:
    account = accounts.empty(left.person_id, year)
    for each in recorded:
        event = codec.decode(each.topic, each.state)
        if isinstance(event, AccountLeft) and event.transfer_id == left.transfer_id:
            break
        accounts.evolve(account, event)
    return handed_account(account)


class _Told(Struct):
    """One event of the person's after they left, with what it says for the destination."""

    year: int | None
    account: HandedAccount | None
    judged: tuple[JudgedYear, ...] = ()


async def supplements_of(
    conn: Connection, store: EventStore, book: PolicyBook, departure: Departure
) -> list[Handover]:
    """Every supplement of a departure, numbered from 1 in the order of the log."""
    log, person_id = departure.log, departure.person_id
    years = [row[0] for row in await conn.fetch(_YEARS, log, person_id)]
    streams = [profiles.stream_of(person_id), *(accounts.stream_of(person_id, year) for year in years)]
    loaded = await store.load(conn, log, streams)
    recorded = sorted(
        (event for stream in loaded.values() for event in stream), key=lambda event: event.position
    )
    return _Supplements(departure, book).of(recorded)


class _Supplements:
    """Folds everything of a person, and notes what happened between their leaving and their coming back."""

    def __init__(self, departure: Departure, book: PolicyBook) -> None:
        self._departure = departure
        self._book = book
        self._profile: Profile | None = None
        self._accounts: dict[int, Account] = {}
        self._left: ProfileLeft | None = None

    def of(self, recorded: Sequence[RecordedEvent]) -> list[Handover]:
        found: list[Handover] = []
        for each in recorded:
            event: object = codec.decode(each.topic, each.state)
            before = self._left
            self._take(event)
            if before is None or self._left is None:
                continue
            told = self._told(event, each.recorded_at)
            if told is not None:
                found.append(self._handover(before, told, len(found) + 1))
        return found

    def _take(self, event: Any) -> None:
        self._profile = profiles.evolve(self._profile, event)
        year = getattr(event, "year", None)
        if year is not None:
            account = self._accounts.setdefault(year, accounts.empty(event.person_id, year))
            accounts.evolve(account, event)
        if isinstance(event, ProfileLeft):
            self._left = event if event.transfer_id == self._departure.transfer_id else None
        elif isinstance(event, ProfileArrived):
            self._left = None

    def _told(self, event: object, at: datetime) -> _Told | None:
        if isinstance(event, JudgementsArrived):
            return _Told(None, None, tuple(handed_judgement(each) for each in event.judged))
        if not isinstance(
            event,
            CreditEarned
            | CreditWithdrawn
            | CreditRevoked
            | CreditConfirmed
            | CreditRecognised
            | HeldCompletionWithdrawn
            | ExamPassed
            | ExemptionGranted
            | ExemptionEnded
            | DeferralGranted
            | DeferralEnded
            | SpecialReasonApproved
            | SpecialReasonEnded
            | AccountArrived,
        ):
            return None
        assert self._profile is not None, "somebody left"
        book = self._book.known_at(at)
        policy = book.policy_for(self._profile.person, event.year)
        account = self._accounts[event.year]
        if side_of(self._profile, event.year, policy) == "here":
            judgement = judgement_of(book, self._profile, self._accounts, event.year, at)
            return _Told(event.year, None, (handed_judgement(judgement),))
        return _Told(event.year, _change(event, account, at))

    def _handover(self, left: ProfileLeft, told: _Told, sequence: int) -> Handover:
        return Handover(
            transfer_id=left.transfer_id,
            sequence=sequence,
            from_authority=authority_of(left.from_place),
            from_place=left.from_place,
            to_place=left.to_place,
            left_at=left.left_at,
            accounts=(told.account,) if told.account is not None else (),
            judged=told.judged,
        )


def _change(event: Any, account: Account, at: datetime) -> HandedAccount:
    """What one event changed in a moved year, as it travels."""
    match event:
        case HeldCompletionWithdrawn():
            retraction = Retraction(
                provider_id=event.provider_id,
                completion_id=event.completion_id,
                reason=event.reason,
                at=at,
            )
            return HandedAccount(year=event.year, taken_back=(taken_back(retraction),))
        case AccountArrived():
            arrived = Account(
                person_id=event.person_id,
                year=event.year,
                credits=list(event.credits),
                waiting=list(event.waiting),
                exams=list(event.exams),
                exempt=event.exempt,
                deferred=event.deferred,
                special_reason=event.special_reason,
            )
            back = tuple(taken_back(each) for each in event.taken_back)
            return handed_account(arrived).model_copy(update={"taken_back": back})
        case ExamPassed() | ExemptionGranted() | ExemptionEnded():
            alone = Account(
                person_id=event.person_id, year=event.year, exempt=account.exempt, exams=account.exams
            )
            return handed_account(alone)
        case DeferralGranted() | DeferralEnded():
            alone = Account(person_id=event.person_id, year=event.year, deferred=account.deferred)
            return handed_account(alone)
        case SpecialReasonApproved() | SpecialReasonEnded():
            heard = account.special_reason
            return handed_account(Account(person_id=event.person_id, year=event.year, special_reason=heard))
        case _:
            credits = [credit for credit in account.credits if credit.credit_id == event.credit_id]
            return HandedAccount(year=event.year, credits=tuple(handed_credit(each) for each in credits))
