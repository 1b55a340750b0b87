"""Arriving in a log: the profile, the open years with their credits, and everything that waited here for the person,
in one transaction; then supplement by supplement."""

from collections.abc import Callable, Iterable

from contracts.divisions import authority_of
from contracts.handover import ArrivalAnswer, ArriveAtAuthority, HandedAccount, Handover
from services.kit.clock import Clock
from services.kit.database import Connection, Databases
from services.kit.event_store import EventStore, WrongExpectedVersion
from services.ledger.cases.roster_registry import Registrar, release_rosters
from services.ledger.intake.decide import Decider
from services.ledger.moving.handover import account_arrived, judgements, profile_arrived
from services.ledger.moving.problems import ArrivalMissingError, ArrivalUnclearError, IdentityHeldError
from services.ledger.moving.transacting import ATTEMPTS_MAX
from services.ledger.policy import PolicyBook
from services.ledger.reactions.effects import Effects
from services.ledger.store.absence import confirm_rooms
from services.ledger.store.nation import Nation
from services.ledger.store.releasing import release_waiting
from services.ledger.store.unit import GroupState
from services.ledger.store.years import ClosedYears
from services.ledger.streams import account as accounts
from services.ledger.streams.account_events import AccountArrived
from services.ledger.streams.facts import Facts
from services.ledger.streams.problems import AlreadyEndedError, UnknownPersonError
from services.ledger.streams.profile import JudgementsArrived, Profile

_NAMESAKE = "select person_id from profiles where log = $1 and identity_hash = $2 and person_id <> $3"


class Arrivals:
    """Takes in who arrives from another authority."""

    def __init__(
        self,
        databases: Databases,
        store: EventStore,
        book: Callable[[], PolicyBook],
        facts: Facts,
        clock: Clock,
    ) -> None:
        self._databases = databases
        self._store = store
        self._book = book
        self._facts = facts
        self._clock = clock
        self._closed = ClosedYears(store)

    async def arrive(self, transfer_id: str, arriving: ArriveAtAuthority) -> ArrivalAnswer:
        """Store one part of an arrival: the handover (`sequence` 0), or a supplement; harmless to repeat.

        Raises ArrivalUnclearError, ArrivalMissingError, IdentityHeldError and UnknownPersonError.
        """
        log = authority_of(arriving.profile.place)
        _must_belong_together(transfer_id, arriving, log)
        nation = Nation(self._databases)
        for attempt in range(ATTEMPTS_MAX):
            try:
                while True:
                    answer, missing = await self._arrive_once(log, arriving, nation)
                    if missing is None:
                        break
                    # Outside the transaction: whoever holds one connection while waiting for another may wait for ever.
                    await nation.learn(missing)
            except WrongExpectedVersion:
                if attempt + 1 == ATTEMPTS_MAX:
                    raise
            else:
                self._store.notifications.notify(self._databases.of(log), log)
                return answer
        raise AssertionError("the last attempt returns or raises")

    async def _arrive_once(
        self, log: str, arriving: ArriveAtAuthority, nation: Nation
    ) -> tuple[ArrivalAnswer, set[str] | None]:
        """Store the part; or nothing, and the providers that the nation's log has to be asked about first."""
        handover, person_id = arriving.handover, arriving.profile.person_id
        async with self._databases.of(log).transaction() as conn:
            if await self._has_arrived(conn, log, handover):
                await self._store.touch(conn)
                return _answer(arriving, log, repeated=True), None
            effects = Effects(log, GroupState(log, self._clock(), await self._closed.of(conn, log)))
            known = await effects.read_person(conn, person_id)
            if handover.sequence == 0:
                missing = await self._move_in(conn, effects, arriving, nation)
            else:
                missing = None
                await self._supplement(conn, effects, known, arriving)
            if missing is not None:
                return _answer(arriving, log), missing
            await effects.write(conn)
            await confirm_rooms(conn, self._store, effects.state, effects.arrived())
            await effects.state.store(conn, self._store)
        return _answer(arriving, log), None

    async def _has_arrived(self, conn: Connection, log: str, handover: Handover) -> bool:
        """Whether this part is here already. Raises ArrivalMissingError for a supplement without its handover."""
        first, this = _identity(handover.transfer_id, 0), _identity(handover.transfer_id, handover.sequence)
        found = await self._store.by_identity(conn, log, sorted({first, this}))
        if this in found:
            return True
        if handover.sequence > 0 and first not in found:
            raise ArrivalMissingError
        return False

    async def _move_in(
        self, conn: Connection, effects: Effects, arriving: ArriveAtAuthority, nation: Nation
    ) -> set[str] | None:
        profile, handover, state = arriving.profile, arriving.handover, effects.state
        other = await conn.fetchval(_NAMESAKE, state.log, profile.identity_hash, profile.person_id)
        if other is not None:
            raise IdentityHeldError(pointer="/profile/identity_hash")
        event = profile_arrived(profile, handover, state.log, state.now)
        effects.change_profile(profile.person_id, event, _identity(handover.transfer_id, 0))
        missing = nation.unknown(await effects.find_waiting(conn))
        if missing:
            return missing
        here = effects.people_arrived()[profile.identity_hash]
        decider = Decider(state, self._book(), nation.providers)
        await self._take_in(conn, state, here, handover)
        effects.release(decider)
        registrar = Registrar(state, self._book(), nation.providers, self._facts)
        await release_rosters(conn, state, registrar, effects.people_arrived())
        return None

    async def _supplement(
        self,
        conn: Connection,
        effects: Effects,
        known: Profile | None,
        arriving: ArriveAtAuthority,
    ) -> None:
        handover, state = arriving.handover, effects.state
        if known is None:
            raise UnknownPersonError(pointer="/profile/person_id")
        identity = _identity(handover.transfer_id, handover.sequence)
        judged = judgements(handover.judged, state.log)
        if judged or not handover.accounts:
            event = JudgementsArrived(
                person_id=known.person.person_id,
                transfer_id=handover.transfer_id,
                sequence=handover.sequence,
                judged=judged,
                arrived_at=state.now,
            )
            known = effects.note(known.person.person_id, event, identity)
            identity = ""
        await self._take_in(conn, state, known, handover, identity or None)

    async def _take_in(
        self,
        conn: Connection,
        state: GroupState,
        profile: Profile,
        handover: Handover,
        identity: str | None = None,
    ) -> None:
        """Add what arrives to the accounts, and register what waited in them where the rules of the place allow."""
        person_id = profile.person.person_id
        await state.read_further_accounts(conn, person_id, _years(handover.accounts))
        for handed in handover.accounts:
            event = account_arrived(handed, handover, person_id, state.now)
            entry = state.account(person_id, handed.year)
            state.append_to_account(entry, event, identity)
            identity = None
            _take_back(state, person_id, event)
            policy = self._book().resolve(profile.person.place, handed.year)
            if policy is not None and entry.account.waiting and profile.left is None:
                release_waiting(state, policy, entry, profile.person.place)


def _take_back(state: GroupState, person_id: str, arrived: AccountArrived) -> None:
    """What a provider took back where it had reported it ends here too, registered meanwhile or not."""
    entry = state.account(person_id, arrived.year)
    for each in arrived.taken_back:
        try:
            ended = accounts.withdraw_completion(
                entry.account, each.provider_id, each.completion_id, reason=each.reason, now=state.now
            )
        except AlreadyEndedError:
            continue
        state.append_to_account(entry, ended)


def _identity(transfer_id: str, sequence: int) -> str:
    return f"arrival:{transfer_id}:{sequence}"


def _years(handed: Iterable[HandedAccount]) -> set[int]:
    return {account.year for account in handed}


def _must_belong_together(transfer_id: str, arriving: ArriveAtAuthority, log: str) -> None:
    """One transfer, to one authority which is not the one it comes from, and each year once."""
    handover = arriving.handover
    if handover.transfer_id != transfer_id:
        raise ArrivalUnclearError(pointer="/handover/transfer_id")
    if authority_of(handover.to_place) != log or handover.from_authority == log:
        raise ArrivalUnclearError(pointer="/handover/to_place")
    years = [account.year for account in handover.accounts]
    if len(set(years)) != len(years) or not set(years).isdisjoint(each.year for each in handover.judged):
        raise ArrivalUnclearError(pointer="/handover/accounts")


def _answer(arriving: ArriveAtAuthority, log: str, *, repeated: bool = False) -> ArrivalAnswer:
    return ArrivalAnswer(
        transfer_id=arriving.handover.transfer_id,
        sequence=arriving.handover.sequence,
        person_id=arriving.profile.person_id,
        log=log,
        repeated=repeated,
    )
