"""The commands of exemptions and deferrals: load, decide, append."""

from collections.abc import Callable
from datetime import date
from typing import Any

from contracts.divisions import contains
from services.kit.clock import Clock, local_date
from services.kit.database import Connection, Databases
from services.kit.event_store import EventStore
from services.kit.events import Event
from services.kit.idempotency import CommandKey, StoredAnswer
from services.ledger.accounts.people import Home, People
from services.ledger.execution import Execution
from services.ledger.intake.state import GroupState
from services.ledger.moving.staying import must_judge
from services.ledger.policy import Account
from services.ledger.problems import NoPolicyHereError, OutsidePlaceError
from services.ledger.publication.shelf import PolicyShelf
from services.ledger.reliefs import deciding
from services.ledger.reliefs.commands import EndRelief, GrantDeferral, GrantExemption

Decide = Callable[[Home, Account, date], Event]


class Reliefs:
    """Grants and ends exemptions and deferrals for officials of the person's place."""

    def __init__(
        self, databases: Databases, store: EventStore, shelf: PolicyShelf, people: People, clock: Clock
    ) -> None:
        self._shelf = shelf
        self._people = people
        self._execution = Execution(databases, store, clock)

    async def grant_exemption(self, command: GrantExemption, key: CommandKey) -> StoredAnswer:
        """Free a person of a year, for good or until a day.

        Raises UnknownPersonError, OutsidePlaceError, AlreadyExemptError, ReliefNotAllowedError, and as `must_judge`.
        """

        def decide(home: Home, account: Account, today: date) -> Event:
            policy = self._shelf.book.resolve(home.profile.person.place, command.year)
            return deciding.grant_exemption(account, policy, command, today)

        return await self._carry_out(command, key, 201, decide)

    async def grant_deferral(self, command: GrantDeferral, key: CommandKey) -> StoredAnswer:
        """Give a person more time for a year.

        Raises UnknownPersonError, OutsidePlaceError, NoPolicyHereError, AlreadyDeferredError, DeferralNotLaterError,
        ReliefNotAllowedError, DeferralTooLongError, and as `must_judge`.
        """

        def decide(home: Home, account: Account, today: date) -> Event:
            policy = self._shelf.book.resolve(home.profile.person.place, command.year)
            if policy is None:
                raise NoPolicyHereError
            return deciding.grant_deferral(account, policy, command, today)

        return await self._carry_out(command, key, 201, decide)

    async def end(self, command: EndRelief, key: CommandKey) -> StoredAnswer:
        """End what was granted. Raises UnknownPersonError, OutsidePlaceError, NoReliefError, and as `must_judge`."""
        return await self._carry_out(
            command, key, 200, lambda _, account, today: deciding.end_relief(account, command, today)
        )

    async def _carry_out(
        self,
        command: GrantExemption | GrantDeferral | EndRelief,
        key: CommandKey,
        status: int,
        decide: Decide,
    ) -> StoredAnswer:
        home = await self._people.keeper_of(command.person_id, command.authority)
        if not contains(command.authority, home.profile.person.place):
            raise OutsidePlaceError
        must_judge(home.profile, command.year, self._shelf.book)

        async def act(conn: Connection, state: GroupState) -> tuple[int, Any]:
            await state.read_accounts(conn, [command.person_id], [command.year])
            entry = state.account(command.person_id, command.year)
            event: Any = decide(home, entry.account, local_date(state.now))
            state.append_to_account(entry, event)
            return status, {
                "person_id": command.person_id,
                "year": command.year,
                "reason": command.reason,
                "until": event.until,
            }

        return await self._execution.execute(home.log, key, act)
