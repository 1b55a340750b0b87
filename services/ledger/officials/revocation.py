"""Revocations: credits that an authority takes back, one with a reason, or those of a disqualified provider, one
event each (S1-21, A-12). The reasons are pinned, as feeds carry them."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal

from msgspec import Struct

from contracts.divisions import authority_of, chain_of, contains
from services.kit.clock import local_date
from services.kit.command import WritePath
from services.kit.database import Databases
from services.kit.errors import Problem
from services.kit.idempotency import CommandKey, StoredAnswer
from services.ledger.policy import Account, Credit, Policy
from services.ledger.store.nation import Nation
from services.ledger.store.paging import page_of_people
from services.ledger.store.people import People
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import AccountEntry, LedgerUnit, read_providers
from services.ledger.streams.account import ending, stream_of
from services.ledger.streams.account_events import CreditRevoked
from services.ledger.streams.problems import AlreadyEndedError, OutsidePlaceError, UnknownCreditError
from services.ledger.streams.provider import Provider


class ProviderInGoodStandingError(Problem):
    """The provider was never disqualified here: its credits are revoked one by one, each for a reason of its own."""

    code: ClassVar[str] = "provider-in-good-standing"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该培训机构未被取消培训资格"
    title_en: ClassVar[str] = "The provider has not been disqualified"


RevocationReason = Literal[
    "cheating",
    "proxy_study",
    "wrong_record",
    "wrong_person",
    "false_proof",
    "duplicate",
    "provider_disqualified",
]
"""Cheating and study by another (S1-21); what was recorded wrongly, for another person, or twice; proof that is not true; a
provider that lost its standing (A-12)."""


class RevokeCredit(Struct, frozen=True, kw_only=True):
    """An authority revokes a credit of a person it answers for (S1-21)."""

    person_id: str
    year: int
    credit_id: str
    reason: RevocationReason
    authority: str
    decided_by: str


class RevokeOfProvider(Struct, frozen=True, kw_only=True):
    """An authority revokes what a disqualified provider reported for a year, of studies completed in a span of days (A-12).

    `after` is the place and person up to whom it has been done, so that a province is done piece by piece.
    """

    provider_id: str
    place: str
    year: int
    completed_from: date | None
    completed_until: date | None
    after: str | None
    limit: int
    decided_by: str


def clause_of(policy: Policy | None, reason: RevocationReason) -> str | None:
    """The clause that speaks of the reason: of misconduct (S1-21), or of a provider's standing (S0-25)."""
    if policy is None:
        return None
    if reason == "provider_disqualified":
        return policy.disqualification.clause
    misconduct = policy.settings.get("misconduct")
    if misconduct is not None and reason in misconduct.value.acts:
        return misconduct.clause
    return None


def revoke_credit(
    account: Account,
    credit_id: str,
    *,
    reason: RevocationReason,
    authority: str,
    decided_by: str,
    now: datetime,
    clause: str | None = None,
) -> CreditRevoked:
    """Revoke a credit with a reason code (S1-21, A-12). Raises UnknownCreditError, AlreadyEndedError."""
    for credit in account.credits:
        if credit.credit_id == credit_id:
            if credit.state != "registered":
                raise AlreadyEndedError(credit_id=credit_id)
            return CreditRevoked(
                **ending(account, credit),
                reason=reason,
                clause=clause,
                authority=authority,
                decided_by=decided_by,
                revoked_at=now,
            )
    raise UnknownCreditError


def of_provider(
    account: Account, provider_id: str, completed_from: date | None, completed_until: date | None
) -> list[Credit]:
    """The standing credits that a provider reported, of studies completed on these days, both included."""
    return [
        credit
        for credit in account.credits
        if credit.state == "registered"
        and credit.provider == provider_id
        and (completed_from is None or local_date(credit.completed_at) >= completed_from)
        and (completed_until is None or local_date(credit.completed_at) <= completed_until)
    ]


class RevokedCredit(Struct, frozen=True, kw_only=True):
    """A credit that was revoked, why, and by which clause."""

    credit_id: str
    state: str
    reason: RevocationReason
    clause: str | None


class RevokedOfProvider(Struct, frozen=True, kw_only=True):
    """What a piece of a bulk revocation did: the credits, how many people were looked at, and where the next begins."""

    provider_id: str
    year: int
    credit_ids: list[str]
    looked_at: int
    next: str | None


class Revocations:
    """Revokes credits for officials."""

    def __init__(
        self, databases: Databases, path: WritePath[LedgerUnit], policies: PublishedPolicies, people: People
    ) -> None:
        self._policies = policies
        self._people = people
        self._nation = Nation(databases)
        self._path = path

    async def revoke(self, command: RevokeCredit, key: CommandKey) -> StoredAnswer:
        """An authority revokes a credit.

        Raises UnknownPersonError, OutsidePlaceError, UnknownCreditError and AlreadyEndedError.
        """
        home = await self._people.keeper_of(command.person_id, command.authority)
        place = home.profile.person.place
        if not contains(command.authority, place):
            raise OutsidePlaceError

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            await unit.read_accounts([command.person_id], [command.year])
            entry = unit.account(command.person_id, command.year)
            clause = clause_of(self._policies.book.resolve(place, command.year), command.reason)
            event = revoke_credit(
                entry.account,
                command.credit_id,
                reason=command.reason,
                clause=clause,
                authority=command.authority,
                decided_by=command.decided_by,
                now=unit.now,
            )
            unit.append_to_account(entry, event)
            return 200, RevokedCredit(
                credit_id=command.credit_id, state="revoked", reason=command.reason, clause=clause
            )

        return await self._path.execute(home.log, key, act)

    async def revoke_of_provider(self, command: RevokeOfProvider, key: CommandKey) -> StoredAnswer:
        """Revoke what a disqualified provider reported, piece by piece. Raises ProviderInGoodStandingError."""
        log = authority_of(command.place)
        await self._nation.learn({command.provider_id})

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            await self._must_be_disqualified(unit, command)
            page = await page_of_people(
                unit.conn, log, command.place, command.year, command.after, command.limit
            )
            revoked: list[str] = []
            for profile, version, account in page.people:
                if account is not None:
                    person = profile.person
                    entry = AccountEntry(version, account, stream_of(person.person_id, command.year))
                    revoked += self._revoke_all(unit, entry, person.place, command)
            return 200, RevokedOfProvider(
                provider_id=command.provider_id,
                year=command.year,
                credit_ids=revoked,
                looked_at=len(page.people),
                next=page.next,
            )

        return await self._path.execute(log, key, act)

    def _revoke_all(
        self, unit: LedgerUnit, entry: AccountEntry, place: str, command: RevokeOfProvider
    ) -> list[str]:
        clause = clause_of(self._policies.book.resolve(place, command.year), "provider_disqualified")
        found = of_provider(
            entry.account, command.provider_id, command.completed_from, command.completed_until
        )
        for credit in found:
            event = revoke_credit(
                entry.account,
                credit.credit_id,
                reason="provider_disqualified",
                clause=clause,
                authority=command.place,
                decided_by=command.decided_by,
                now=unit.now,
            )
            unit.append_to_account(entry, event)
        return [credit.credit_id for credit in found]

    async def _must_be_disqualified(self, unit: LedgerUnit, command: RevokeOfProvider) -> None:
        unknown = Provider(organization_id=command.provider_id)
        here = (await read_providers(unit.conn, unit.log, [command.provider_id])).get(
            command.provider_id, unknown
        )
        nation = self._nation.providers.get(command.provider_id, unknown)
        standing = here.standing(nation, chain_of(command.place))
        if standing.disqualified_from is None and not standing.suspended:
            raise ProviderInGoodStandingError
