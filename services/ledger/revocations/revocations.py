"""The commands of revocation: load, decide, append; one event for each credit."""

from typing import Any

from msgspec import Struct

from contracts.divisions import authority_of, chain_of, contains
from services.kit.clock import Clock
from services.kit.database import Connection, Databases
from services.kit.event_store import EventStore
from services.kit.idempotency import CommandKey, StoredAnswer
from services.ledger.accounts.account import stream_of
from services.ledger.accounts.people import People
from services.ledger.accounts.provider import Provider
from services.ledger.accounts.walking import walk
from services.ledger.execution import Execution
from services.ledger.intake.nation import Nation
from services.ledger.intake.state import AccountEntry, GroupState, read_providers
from services.ledger.problems import OutsidePlaceError
from services.ledger.publication.shelf import PolicyShelf
from services.ledger.revocations import deciding
from services.ledger.revocations.commands import RevokeCredit, RevokeOfProvider
from services.ledger.revocations.problems import ProviderInGoodStandingError


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
        self, databases: Databases, store: EventStore, shelf: PolicyShelf, people: People, clock: Clock
    ) -> None:
        self._shelf = shelf
        self._people = people
        self._nation = Nation(databases)
        self._execution = Execution(databases, store, clock)

    async def revoke(self, command: RevokeCredit, key: CommandKey) -> StoredAnswer:
        """An authority revokes a credit.

        Raises UnknownPersonError, OutsidePlaceError, UnknownCreditError and AlreadyEndedError.
        """
        home = await self._people.keeper_of(command.person_id, command.authority)
        place = home.profile.person.place
        if not contains(command.authority, place):
            raise OutsidePlaceError

        async def act(conn: Connection, state: GroupState) -> tuple[int, Any]:
            await state.read_accounts(conn, [command.person_id], [command.year])
            entry = state.account(command.person_id, command.year)
            clause = deciding.clause_of(self._shelf.book.resolve(place, command.year), command.reason)
            event = deciding.revoke_credit(
                entry.account,
                command.credit_id,
                reason=command.reason,
                clause=clause,
                authority=command.authority,
                decided_by=command.decided_by,
                now=state.now,
            )
            state.append_to_account(entry, event)
            return 200, {
                "credit_id": command.credit_id,
                "state": "revoked",
                "reason": command.reason,
                "clause": clause,
            }

        return await self._execution.execute(home.log, key, act)

    async def revoke_of_provider(self, command: RevokeOfProvider, key: CommandKey) -> StoredAnswer:
        """Revoke what a disqualified provider reported, piece by piece. Raises ProviderInGoodStandingError."""
        log = authority_of(command.place)
        await self._nation.learn({command.provider_id})

        async def act(conn: Connection, state: GroupState) -> tuple[int, Any]:
            await self._must_be_disqualified(conn, state, command)
            page = await walk(conn, log, command.place, command.year, command.after, command.limit)
            revoked: list[str] = []
            for profile, version, account in page.people:
                if account is not None:
                    person = profile.person
                    entry = AccountEntry(version, account, stream_of(person.person_id, command.year))
                    revoked += self._revoke_all(state, entry, person.place, command)
            return 200, RevokedOfProvider(
                provider_id=command.provider_id,
                year=command.year,
                credit_ids=revoked,
                looked_at=len(page.people),
                next=page.next,
            )

        return await self._execution.execute(log, key, act)

    def _revoke_all(
        self, state: GroupState, entry: AccountEntry, place: str, command: RevokeOfProvider
    ) -> list[str]:
        clause = deciding.clause_of(self._shelf.book.resolve(place, command.year), "provider_disqualified")
        found = deciding.of_provider(
            entry.account, command.provider_id, command.completed_from, command.completed_until
        )
        for credit in found:
            event = deciding.revoke_credit(
                entry.account,
                credit.credit_id,
                reason="provider_disqualified",
                clause=clause,
                authority=command.place,
                decided_by=command.decided_by,
                now=state.now,
            )
            state.append_to_account(entry, event)
        return [credit.credit_id for credit in found]

    async def _must_be_disqualified(
        self, conn: Connection, state: GroupState, command: RevokeOfProvider
    ) -> None:
        unknown = Provider(organization_id=command.provider_id)
        here = (await read_providers(conn, state.log, [command.provider_id])).get(
            command.provider_id, unknown
        )
        nation = self._nation.providers.get(command.provider_id, unknown)
        standing = here.standing(nation, chain_of(command.place))
        if standing.disqualified_from is None and not standing.suspended:
            raise ProviderInGoodStandingError
