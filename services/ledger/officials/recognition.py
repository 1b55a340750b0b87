"""Recognition (认定) of registered credits, where a notice makes it an act of its own (S4-03): the worklist of credits
that await it, and the commands that recognise them."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

from msgspec import Struct

from contracts.divisions import authority_of, contains
from services.kit.command import WritePath
from services.kit.database import Databases
from services.kit.errors import Language, Problem, ProblemBody, problem_body
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.pydantic_models import view
from services.ledger.policy import Account, Credit, Policy
from services.ledger.store.paging import page_of_people
from services.ledger.store.profiles import read_profiles
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import AccountEntry, LedgerUnit
from services.ledger.streams.account import stream_of
from services.ledger.streams.account_events import CreditRecognised
from services.ledger.streams.problems import (
    AlreadyEndedError,
    OutsidePlaceError,
    UnknownCreditError,
    UnknownPersonError,
)
from services.ledger.streams.profile import Profile


class AlreadyRecognisedError(Problem):
    """The credit was recognised before."""

    code: ClassVar[str] = "credit-already-recognised"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该学分已认定"
    title_en: ClassVar[str] = "The credit is recognised already"


class NotAwaitingError(Problem):
    """No notice asks for this credit to be recognised: it counts by its registration."""

    code: ClassVar[str] = "recognition-not-needed"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该学分登记即计入，无需认定"
    title_en: ClassVar[str] = "The credit counts by its registration"


class NamedCredit(Struct, frozen=True, kw_only=True):
    """A credit and the account it is in."""

    person_id: str
    year: int
    credit_id: str


class RecogniseCredits(Struct, frozen=True, kw_only=True):
    """An authority recognises the credits named, of persons of its place (S4-03)."""

    credits: tuple[NamedCredit, ...]
    authority: str
    decided_by: str


class RecogniseWorklist(Struct, frozen=True, kw_only=True):
    """An authority recognises all that awaits it in a place and year, of the next `limit` people after one of them."""

    place: str
    year: int
    after: str | None
    limit: int
    authority: str
    decided_by: str


class AwaitingCredit(Struct, frozen=True, kw_only=True):
    """A registered credit that counts only once an official recognises it, by `clause`."""

    credit_id: str
    person_id: str
    place: str
    year: int
    category: str
    credits: Decimal
    mode: str
    route: str
    provider_id: str | None
    completed_at: datetime
    registered_at: datetime
    clause: str


class AwaitingWorklist(Struct, frozen=True, kw_only=True):
    """What awaits recognition of the people looked at, as of the log's position; `next` goes on, null at the end."""

    items: list[AwaitingCredit]
    log: str
    position: int
    next: str | None


class Recognised(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one credit; `problem` says why it was not recognised."""

    credit_id: str
    person_id: str
    outcome: Literal["recognised", "refused"]
    problem: ProblemBody | None = None


class RecognitionAnswer(Struct, frozen=True, kw_only=True):
    """Every credit answered; `next` goes on with a worklist, null at its end and for credits that were named."""

    results: list[Recognised]
    next: str | None = None


def awaiting(policy: Policy | None, account: Account | None) -> list[tuple[Credit, str]]:
    """The standing credits that count only once recognised, each with the clause that asks for it."""
    if policy is None or account is None:
        return []
    return [
        (credit, clause)
        for credit in account.credits
        if credit.state == "registered"
        and credit.recognised_at is None
        and (clause := policy.awaits(credit)) is not None
    ]


def recognise(
    policy: Policy | None, account: Account, credit_id: str, *, authority: str, decided_by: str, now: datetime
) -> CreditRecognised:
    """Recognise one credit.

    Raises UnknownCreditError, AlreadyEndedError, AlreadyRecognisedError, and NotAwaitingError where no notice asks for it.
    """
    credit = next((each for each in account.credits if each.credit_id == credit_id), None)
    if credit is None:
        raise UnknownCreditError
    if credit.state != "registered":
        raise AlreadyEndedError(credit_id=credit_id)
    if credit.recognised_at is not None:
        raise AlreadyRecognisedError
    clause = policy.awaits(credit) if policy is not None else None
    if clause is None:
        raise NotAwaitingError
    return CreditRecognised(
        credit_id=credit_id,
        person_id=account.person_id,
        year=account.year,
        place=credit.place,
        category=credit.category,
        credits=credit.credits,
        provider_id=credit.provider,
        completion_id=credit.completion_id,
        clause=clause,
        authority=authority,
        decided_by=decided_by,
        recognised_at=now,
    )


class Recognitions:
    """Lists and recognises credits for officials of the persons' place."""

    def __init__(
        self, databases: Databases, path: WritePath[LedgerUnit], policies: PublishedPolicies
    ) -> None:
        self._databases = databases
        self._policies = policies
        self._path = path

    async def worklist(self, place: str, year: int, after: str | None, limit: int) -> AwaitingWorklist:
        """What awaits recognition of the next `limit` people of a place and all under it, in order of place and person."""
        log = authority_of(place)
        async with self._databases.of(log).acquire() as conn:
            page = await page_of_people(conn, log, place, year, after, limit)
        results = [
            _awaiting(profile, year, credit, clause)
            for profile, _, account in page.people
            for credit, clause in awaiting(self._policies.book.policy_for(profile.person, year), account)
        ]
        return AwaitingWorklist(items=results, log=log, position=page.position, next=page.next)

    async def recognise_named(
        self, command: RecogniseCredits, key: CommandKey, language: Language
    ) -> StoredAnswer:
        """Recognise the credits named; each is answered, and those that can be are recognised together."""
        log = authority_of(command.authority)

        async def act(unit: LedgerUnit) -> tuple[int, object]:
            persons = sorted({named.person_id for named in command.credits})
            profiles = await read_profiles(unit.conn, log, persons)
            await unit.read_accounts(persons, sorted({named.year for named in command.credits}))
            results = []
            for named in command.credits:
                try:
                    self._recognise(unit, profiles, named, command)
                except Problem as problem:
                    results.append(_refused(named, problem_body(problem, language)))
                else:
                    results.append(_done(named.credit_id, named.person_id))
            return 200, RecognitionAnswer(results=results)

        return await self._path.execute(log, key, act)

    async def recognise_worklist(self, command: RecogniseWorklist, key: CommandKey) -> StoredAnswer:
        """Recognise all that awaits it of the next people of a place and year."""
        log = authority_of(command.place)

        async def act(unit: LedgerUnit) -> tuple[int, object]:
            page = await page_of_people(
                unit.conn, log, command.place, command.year, command.after, command.limit
            )
            results = []
            for profile, version, account in page.people:
                person = profile.person
                policy = self._policies.book.policy_for(person, command.year)
                found = awaiting(policy, account)
                if account is None or not found:
                    continue
                entry = AccountEntry(version, account, stream_of(person.person_id, command.year))
                for credit, _ in found:
                    event = recognise(
                        policy,
                        account,
                        credit.credit_id,
                        authority=command.authority,
                        decided_by=command.decided_by,
                        now=unit.now,
                    )
                    unit.append_to_account(entry, event)
                    results.append(_done(credit.credit_id, person.person_id))
            return 200, RecognitionAnswer(results=results, next=page.next)

        return await self._path.execute(log, key, act)

    def _recognise(
        self,
        unit: LedgerUnit,
        profiles: dict[str, tuple[int, Profile]],
        named: NamedCredit,
        command: RecogniseCredits,
    ) -> None:
        known = profiles.get(named.person_id)
        if known is None:
            raise UnknownPersonError
        person = known[1].person
        if not contains(command.authority, person.place):
            raise OutsidePlaceError
        entry = unit.account(named.person_id, named.year)
        event = recognise(
            self._policies.book.policy_for(person, named.year),
            entry.account,
            named.credit_id,
            authority=command.authority,
            decided_by=command.decided_by,
            now=unit.now,
        )
        unit.append_to_account(entry, event)


def _awaiting(profile: Profile, year: int, credit: Credit, clause: str) -> AwaitingCredit:
    person = profile.person
    where = {"person_id": person.person_id, "place": person.place, "provider_id": credit.provider}
    return view(AwaitingCredit, credit, **where, year=year, clause=clause)


def _done(credit_id: str, person_id: str) -> Recognised:
    return Recognised(credit_id=credit_id, person_id=person_id, outcome="recognised")


def _refused(named: NamedCredit, problem: dict[str, object]) -> Recognised:
    return Recognised(
        credit_id=named.credit_id, person_id=named.person_id, outcome="refused", problem=problem
    )
