"""Other services' published facts become the ledger's own events, so that every answer follows from its logs alone.

One followed log fans out over many logs of ours. Each keeps a checkpoint of its own, moved in the transaction of the
effects; the reader's position is saved afterwards, so a crash repeats at most what the checkpoints then skip.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

import msgspec
from msgspec import Struct

from contracts import registry, transfer
from contracts.divisions import AUTHORITIES, NATION, authority_of
from contracts.envelope import PublishedEvent
from services.kit.checkpoints import Checkpoints
from services.kit.clock import Clock
from services.kit.database import Connection, Databases
from services.kit.event_store import EventStore, TooManyEventsError, WrongExpectedVersion
from services.ledger import profile as profiles
from services.ledger import provider as providers
from services.ledger.events import (
    ProfileChanged,
    ProfileMoved,
    ProfileRecorded,
    ProviderAccredited,
    ProviderDisqualified,
    ProviderNamed,
)
from services.ledger.intake.absence import confirm_rooms
from services.ledger.intake.decide import Decider
from services.ledger.intake.nation import Nation
from services.ledger.intake.state import GroupState, read_providers
from services.ledger.policy_shelf import PolicyShelf
from services.ledger.profile import Profile
from services.ledger.provider import Provider

_ATTEMPTS_MAX = 5
_encode = msgspec.json.Encoder().encode
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_provider = msgspec.json.Decoder(Provider).decode

_PROFILES = "select person_id, version, state from profiles where log = $1 and person_id = any($2::text[])"
_WRITE_PROFILES = """
insert into profiles (log, person_id, identity_hash, version, state)
select $1, new.person_id, new.identity_hash, new.version, new.state
  from unnest($2::text[], $3::text[], $4::int[], $5::bytea[]) as new (person_id, identity_hash, version, state)
on conflict (log, person_id) do update
   set identity_hash = excluded.identity_hash, version = excluded.version, state = excluded.state
"""
_HELD = "select person_id, log from profiles where log = any($1::text[]) and person_id = any($2::text[])"
_PROVIDERS = """
select organization_id, version, state from providers where log = $1 and organization_id = any($2::text[])
"""
_WRITE_PROVIDER = """
insert into providers (log, organization_id, version, state) values ($1, $2, $3, $4)
on conflict (log, organization_id) do update set version = excluded.version, state = excluded.state
"""


class SourceEvent(Struct, frozen=True):
    """A fact of another service, at its position in the followed log."""

    position: int
    event: PublishedEvent


class AheadOfRegistryError(Exception):
    """A transfer tells of somebody of whom the registry's feed has not told us yet; it is followed again later.

    The two feeds come in side by side. Passing the transfer over would keep the profile at the old place for ever.
    """


class Reactions:
    """Applies what the registry and the transfer service publish; harmless to repeat."""

    def __init__(self, databases: Databases, store: EventStore, shelf: PolicyShelf, clock: Clock) -> None:
        self._databases = databases
        self._store = store
        self._shelf = shelf
        self._clock = clock
        self._checkpoints = Checkpoints("follow")
        self._reader = Checkpoints("follow-reader")

    async def position(self, source: str) -> int:
        """The position of the followed log up to which every effect is stored."""
        async with self._databases.of(NATION).acquire() as conn:
            return await self._reader.get(conn, NATION, source)

    async def handle(self, source: str, events: Sequence[SourceEvent], reached: int) -> None:
        """Store the effects of a batch, log by log, then the position the batch has reached.

        Raises AheadOfRegistryError when it is too early for them; nothing is stored then.
        """
        by_log: dict[str, list[SourceEvent]] = {}
        homes = await self._homes(item.event for item in events)
        for item in events:
            log = _log_of(item.event, homes)
            if log is not None:
                by_log.setdefault(log, []).append(item)
        await self._must_be_held(item.event for item in events)
        # The nation's first: it names the providers whose records the others release.
        for log in sorted(by_log, key=lambda log: log != NATION):
            await self._apply(log, source, by_log[log])
        async with self._databases.of(NATION).transaction() as conn:
            if await self._reader.lock(conn, NATION, source) < reached:
                await self._reader.advance(conn, NATION, source, reached)

    async def _homes(self, events: Iterable[PublishedEvent]) -> dict[str, str]:
        """The logs that hold those whose information changed: what the registry says goes where the profile is."""
        changed, homes = set(), {}
        for event in events:
            if isinstance(event, registry.InfoCollected):
                homes[event.person_id] = authority_of(event.place)
            elif isinstance(event, registry.InfoChanged):
                changed.add(event.person_id)
        if changed:
            for database, logs in self._databases.grouped(AUTHORITIES).items():
                async with database.acquire() as conn:
                    homes |= {row[0]: row[1] for row in await conn.fetch(_HELD, logs, sorted(changed))}
        return homes

    async def _must_be_held(self, events: Iterable[PublishedEvent]) -> None:
        missing = {event.person_id for event in events if isinstance(event, transfer.ProfileTransferred)}
        if not missing:
            return
        for database, logs in self._databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                missing -= {row[0] for row in await conn.fetch(_HELD, logs, sorted(missing))}
        if missing:
            raise AheadOfRegistryError(", ".join(sorted(missing)))

    async def _apply(self, log: str, source: str, items: Sequence[SourceEvent]) -> None:
        nation = Nation(self._databases)
        for attempt in range(_ATTEMPTS_MAX):
            try:
                while (missing := await self._apply_once(log, source, items, nation)) is not None:
                    # Outside the transaction: whoever holds one connection while waiting for another may wait
                    # for ever.
                    await nation.learn(missing)
            except WrongExpectedVersion:
                if attempt + 1 == _ATTEMPTS_MAX:
                    raise
            except TooManyEventsError:
                if len(items) == 1:
                    raise
                half = len(items) // 2
                await self._apply(log, source, items[:half])
                await self._apply(log, source, items[half:])
                return
            else:
                return

    async def _apply_once(
        self, log: str, source: str, items: Sequence[SourceEvent], nation: Nation
    ) -> set[str] | None:
        """Store the effects; or nothing, and the providers that the nation's log has to be asked about first."""
        async with self._databases.of(log).transaction() as conn:
            done = await self._checkpoints.lock(conn, log, source)
            fresh = [item for item in items if item.position > done]
            if not fresh:
                return None
            effects = Effects(log, GroupState(log, self._clock()))
            await effects.read(conn, [item.event for item in fresh])
            for item in fresh:
                effects.take(item.event)
            missing = nation.unknown(await effects.find_waiting(conn))
            if missing:
                return missing
            effects.release(Decider(effects.state, self._shelf.book, nation.providers))
            await self._checkpoints.advance(conn, log, source, fresh[-1].position)
            await effects.write(conn)
            await confirm_rooms(conn, self._store, effects.state, effects.arrived())
            if effects.state.new_events:
                await self._store.append(conn, log, effects.state.new_events)
        self._store.hints.announce(self._databases.of(log), log)
        return None


class Effects:
    """What one batch of foreign facts does to one log."""

    def __init__(self, log: str, state: GroupState) -> None:
        self.log = log
        self.state = state
        self._profiles: dict[str, tuple[int, Profile]] = {}
        self._changed_profiles: dict[str, tuple[int, Profile]] = {}
        self._providers: dict[str, tuple[int, Provider]] = {}
        self._changed_providers: set[str] = set()
        self._arrived: dict[str, Profile] = {}
        self._new: set[str] = set()

    async def read(self, conn: Connection, events: Sequence[PublishedEvent]) -> None:
        """Read the profiles and providers that the facts are about."""
        persons = {
            e.person_id
            for e in events
            if isinstance(e, registry.InfoCollected | registry.InfoChanged | transfer.ProfileTransferred)
        }
        organizations = {
            e.organization_id
            for e in events
            if isinstance(
                e,
                registry.OrganizationRegistered | registry.ProviderAccredited | registry.ProviderDisqualified,
            )
        }
        for person_id, version, state in await conn.fetch(_PROFILES, self.log, sorted(persons)):
            self._profiles[person_id] = (version, _decode_profile(state))
        for organization_id, version, state in await conn.fetch(_PROVIDERS, self.log, sorted(organizations)):
            self._providers[organization_id] = (version, _decode_provider(state))

    def take(self, event: PublishedEvent) -> None:
        """Record one fact as an event of this log."""
        match event:
            case registry.InfoCollected():
                self._collect(event)
            case registry.InfoChanged():
                self._change(event)
            case transfer.ProfileTransferred():
                self._move(event)
            case registry.OrganizationRegistered():
                self._provide(
                    event.organization_id,
                    ProviderNamed(organization_id=event.organization_id, name=event.name, uscc=event.uscc),
                )
            case registry.ProviderAccredited():
                self._accredit(event)
            case registry.ProviderDisqualified():
                self._provide(
                    event.organization_id,
                    ProviderDisqualified(
                        organization_id=event.organization_id,
                        place=event.place,
                        from_date=event.from_date,
                        reason=event.reason,
                    ),
                )
            case _:
                pass

    def _collect(self, event: registry.InfoCollected) -> None:
        if event.person_id in self._profiles:
            return
        qualification = event.qualification
        recorded = ProfileRecorded(
            person_id=event.person_id,
            identity_hash=event.identity_hash,
            name_hash=event.name_hash,
            place=event.place,
            employer=event.employer,
            student=event.student,
            qualified_on=qualification.obtained_on if qualification else None,
            qualification=qualification.level if qualification else None,
            working_since=event.working_since,
            collected_at=event.collected_at.astimezone(UTC),
        )
        self._change_profile(event.person_id, recorded)

    def _change(self, event: registry.InfoChanged) -> None:
        if event.person_id not in self._profiles:
            return
        first = min(event.qualifications, key=lambda each: (each.obtained_on, each.level), default=None)
        changed = ProfileChanged(
            person_id=event.person_id,
            change_id=event.change_id,
            cause=event.cause,
            identity_hash=event.identity_hash,
            name_hash=event.name_hash,
            employer=event.employer,
            student=event.student,
            student_since=event.student_since,
            qualified_on=first.obtained_on if first else None,
            qualification=first.level if first else None,
            working_since=event.working_since,
            left_on=event.left_on,
            retired_on=event.retired_on,
            changed_at=event.changed_at.astimezone(UTC),
        )
        self._change_profile(event.person_id, changed)

    def _move(self, event: transfer.ProfileTransferred) -> None:
        known = self._profiles.get(event.person_id)
        if known is None or event.from_authority != event.to_authority:
            return
        moved = ProfileMoved(
            person_id=event.person_id,
            from_place=event.from_place,
            to_place=event.to_place,
            employer=event.employer,
            transfer_id=event.transfer_id,
            moved_at=event.transferred_at.astimezone(UTC),
        )
        self._change_profile(event.person_id, moved)

    def _change_profile(self, person_id: str, event: ProfileRecorded | ProfileChanged | ProfileMoved) -> None:
        version, known = self._profiles.get(person_id, (0, None))
        if known is None:
            self._new.add(person_id)
        profile = profiles.evolve(known, event)
        assert profile is not None
        self.state.append(profiles.stream_of(person_id), version + 1, event)
        self._profiles[person_id] = self._changed_profiles[person_id] = (version + 1, profile)
        if known is not None and known.identity_hash in self._arrived:
            # What waits for a number that is no longer theirs is not theirs either.
            if self._arrived[known.identity_hash].person.person_id == person_id:
                del self._arrived[known.identity_hash]
        self._arrived[profile.identity_hash] = profile

    def _accredit(self, event: registry.ProviderAccredited) -> None:
        if event.published:
            self._provide(
                event.organization_id,
                ProviderAccredited(
                    organization_id=event.organization_id,
                    place=event.place,
                    years=tuple(event.years),
                    modes=tuple(event.modes),
                ),
            )

    def _provide(
        self, organization_id: str, event: ProviderNamed | ProviderAccredited | ProviderDisqualified
    ) -> None:
        version, known = self._providers.get(organization_id, (0, None))
        provider = providers.evolve(known, event)
        assert provider is not None
        self.state.append(providers.stream_of(organization_id), version + 1, event)
        self._providers[organization_id] = (version + 1, provider)
        self._changed_providers.add(organization_id)

    def arrived(self) -> list[str]:
        """The keyed hashes of the people who are new here, or have changed."""
        return sorted(self._arrived)

    async def find_waiting(self, conn: Connection) -> set[str]:
        """Read what waits for the people who have just arrived; the providers whose records those are."""
        hashes = self.arrived()
        if not hashes:
            return set()
        await self.state.read_rooms(conn, hashes)
        held = [record for each in hashes for record in self.state.room(each).room.records]
        if not held:
            return set()
        persons = [
            self._arrived[each].person.person_id for each in hashes if self.state.room(each).room.records
        ]
        await self.state.read_accounts(conn, persons, sorted({int(record.record["year"]) for record in held}))
        provider_ids = {record.provider_id for record in held}
        self.state.providers |= await read_providers(conn, self.log, provider_ids)
        # What this batch says of a provider is not in its row yet.
        self.state.providers |= {changed: self._providers[changed][1] for changed in self._changed_providers}
        return provider_ids

    def release(self, decider: Decider) -> None:
        """Decide what waited for the people who have just arrived, in the same transaction."""
        for identity_hash in self.arrived():
            decider.release_room(identity_hash, self._arrived[identity_hash])

    async def write(self, conn: Connection) -> None:
        """Write the rows that changed."""
        await self.state.write(conn)
        # Who gives a number up comes before who arrives with it.
        profiles_changed = sorted(
            self._changed_profiles.items(), key=lambda item: (item[0] in self._new, item[0])
        )
        if profiles_changed:
            await conn.execute(
                _WRITE_PROFILES,
                self.log,
                [person_id for person_id, _ in profiles_changed],
                [profile.identity_hash for _, (_, profile) in profiles_changed],
                [version for _, (version, _) in profiles_changed],
                [_encode(profile) for _, (_, profile) in profiles_changed],
            )
        for organization_id in sorted(self._changed_providers):
            version, provider = self._providers[organization_id]
            await conn.execute(_WRITE_PROVIDER, self.log, organization_id, version, _encode(provider))


def _log_of(event: Any, homes: Mapping[str, str]) -> str | None:
    """The log of ours that a fact belongs to; None for facts the ledger does not follow."""
    match event:
        case registry.InfoChanged():
            return homes.get(event.person_id) or authority_of(event.place)
        case registry.InfoCollected() | registry.ProviderAccredited() | registry.ProviderDisqualified():
            return authority_of(event.place)
        case registry.OrganizationRegistered():
            return NATION
        case transfer.ProfileTransferred():
            return event.to_authority
        case _:
            return None
