"""Supplements: what a departure handed over, and what came to the moved years afterwards, both told by the events
alone: so every repeat says the same, byte for byte."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from contracts.divisions import authority_of
from contracts.handover import HandedAccount, Handover, JudgedYear
from services.kit import events as codec
from services.kit.database import Connection
from services.kit.event_store import EventStore, RecordedEvent
from services.ledger.moving.handover import handed_account, handed_credit, handed_judgement, taken_back
from services.ledger.policy import Account, PolicyBook
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
from services.ledger.streams.profile import JudgementsArrived, Profile, ProfileArrived, ProfileLeft
from services.ledger.streams.who_judges import judgement_of, side_of

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
        policy = book.resolve(self._profile.person.place, event.year)
        account = self._accounts[event.year]
        if side_of(self._profile, event.year, policy) == "here":
            judgement = judgement_of(book, self._profile, account, event.year, at)
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
