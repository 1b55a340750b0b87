"""Arrivals in a log: the profile, the open years with their credits, and everything that waited here for the person,
in one transaction; then supplement by supplement."""

from collections.abc import Callable, Iterable

from contracts.divisions import authority_of
from contracts.handover import ArrivalAnswer, ArriveAtAuthority, HandedAccount, Handover
from services.kit.command import Question, WritePath
from services.kit.database import Databases
from services.ledger.cases.roster_registry import Registrar, release_rosters
from services.ledger.intake.decide import Decider
from services.ledger.moving.problems import ArrivalMissingError, ArrivalUnclearError, IdentityHeldError
from services.ledger.moving.supplements import account_arrived, judgements, profile_arrived
from services.ledger.policy import PolicyBook
from services.ledger.reactions.effects import Effects
from services.ledger.store.nation import Nation
from services.ledger.store.unit import LedgerUnit, release_waiting
from services.ledger.streams import account as accounts
from services.ledger.streams.account_events import AccountArrived
from services.ledger.streams.facts import Facts
from services.ledger.streams.problems import AlreadyEndedError, UnknownPersonError
from services.ledger.streams.profile import Profile
from services.ledger.streams.profile_events import JudgementsArrived

NAMESAKE = Question("profiles", "person_id", {"identity_hash": "text"})
"""Who has an ID number."""


class Arrivals:
    """Takes in who arrives from another authority."""

    def __init__(
        self, databases: Databases, path: WritePath[LedgerUnit], book: Callable[[], PolicyBook], facts: Facts
    ) -> None:
        self._databases = databases
        self._book = book
        self._facts = facts
        self._path = path

    async def arrive(self, transfer_id: str, arriving: ArriveAtAuthority) -> ArrivalAnswer:
        """Store one part of an arrival: the handover (`sequence` 0), or a supplement; harmless to repeat.

        Raises ArrivalUnclearError, ArrivalMissingError, IdentityHeldError and UnknownPersonError.
        """
        log = authority_of(arriving.profile.place)
        _must_belong_together(transfer_id, arriving, log)
        nation = Nation(self._databases)

        async def act(unit: LedgerUnit) -> ArrivalAnswer:
            if await self._has_arrived(unit, arriving.handover):
                return _answer(arriving, log, repeated=True)
            effects = Effects(unit)
            known = await effects.read_person(arriving.profile.person_id)
            while known is not None and known.merged is not None:
                known = await effects.read_person(known.merged.into)
            if arriving.handover.sequence == 0:
                await self._move_in(effects, arriving, nation)
            else:
                await self._supplement(effects, known, arriving)
            await effects.write()
            return _answer(arriving, log)

        return await self._path.store(log, act)

    async def _has_arrived(self, unit: LedgerUnit, handover: Handover) -> bool:
        """Whether this part is here already. Raises ArrivalMissingError for a supplement without its handover."""
        first, this = _identity(handover.transfer_id, 0), _identity(handover.transfer_id, handover.sequence)
        found = await unit.store.by_identity(unit.conn, unit.log, sorted({first, this}))
        if this in found:
            return True
        if handover.sequence > 0 and first not in found:
            raise ArrivalMissingError
        return False

    async def _move_in(self, effects: Effects, arriving: ArriveAtAuthority, nation: Nation) -> None:
        profile, handover, unit = arriving.profile, arriving.handover, effects.unit
        if await unit.find(NAMESAKE, profile.identity_hash, besides=profile.person_id) is not None:
            raise IdentityHeldError(pointer="/profile/identity_hash")
        event = profile_arrived(profile, handover, unit.log, unit.now)
        effects.change_profile(profile.person_id, event, _identity(handover.transfer_id, 0))
        await effects.find_waiting(nation)
        here = effects.people_arrived()[profile.identity_hash]
        decider = Decider(unit, self._book(), nation.providers)
        await self._take_in(unit, here, handover)
        effects.release(decider)
        registrar = Registrar(unit, self._book(), nation.providers, self._facts)
        await release_rosters(unit, registrar, effects.people_arrived())

    async def _supplement(self, effects: Effects, known: Profile | None, arriving: ArriveAtAuthority) -> None:
        handover, unit = arriving.handover, effects.unit
        if known is None:
            raise UnknownPersonError(pointer="/profile/person_id")
        identity = _identity(handover.transfer_id, handover.sequence)
        judged = judgements(handover.judged, unit.log)
        if judged or not handover.accounts:
            event = JudgementsArrived(
                person_id=known.person.person_id,
                transfer_id=handover.transfer_id,
                sequence=handover.sequence,
                judged=judged,
                arrived_at=unit.now,
            )
            known = effects.note(known.person.person_id, event, identity)
            identity = ""
        await self._take_in(unit, known, handover, identity or None)

    async def _take_in(
        self,
        unit: LedgerUnit,
        profile: Profile,
        handover: Handover,
        identity: str | None = None,
    ) -> None:
        """Add what arrives to the accounts, and register what waited in them where the rules of the place allow."""
        person_id = profile.person.person_id
        await unit.read_further_accounts(person_id, _years(handover.accounts))
        for handed in handover.accounts:
            event = account_arrived(handed, handover, person_id, unit.now)
            entry = unit.account(person_id, handed.year)
            unit.append_to_account(entry, event, identity)
            identity = None
            _take_back(unit, person_id, event)
            policy = self._book().policy_for(profile.person, handed.year)
            if policy is not None and entry.account.waiting and profile.left is None:
                release_waiting(unit, policy, entry, profile.person.place)


def _take_back(unit: LedgerUnit, person_id: str, arrived: AccountArrived) -> None:
    """What a provider took back where it had reported it ends here too, registered meanwhile or not."""
    entry = unit.account(person_id, arrived.year)
    for each in arrived.taken_back:
        try:
            ended = accounts.withdraw_completion(
                entry.account, each.provider_id, each.completion_id, reason=each.reason, now=unit.now
            )
        except AlreadyEndedError:
            continue
        unit.append_to_account(entry, ended)


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
