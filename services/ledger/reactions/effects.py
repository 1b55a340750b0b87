"""Effects of one batch of another service's facts on one log of ours: events, rows, and the release of what waited."""

from collections.abc import Sequence
from datetime import UTC
from functools import partial
from typing import get_args

from contracts import registry, transfer
from contracts.envelope import PublishedEvent
from services.kit.command import Unprepared
from services.kit.events import Event
from services.kit.pydantic_models import view
from services.ledger.intake.decide import Decider
from services.ledger.intake.records import Completion
from services.ledger.policy.language.facts import Traits
from services.ledger.reactions.homes import GuardEvent, TransferNews, news_of_guard
from services.ledger.store.accounts import PROVIDER_ROWS
from services.ledger.store.departures import Departure, find_departures, write_departure
from services.ledger.store.nation import Nation
from services.ledger.store.profiles import read_profiles, write_profiles
from services.ledger.store.unit import LedgerUnit, read_providers
from services.ledger.streams import profile as profiles
from services.ledger.streams import provider as providers
from services.ledger.streams.profile import Profile
from services.ledger.streams.profile_events import (
    DepartureLifted,
    FormerIdentity,
    ProfileChanged,
    ProfileErased,
    ProfileMoved,
    ProfileRecorded,
)
from services.ledger.streams.provider import (
    AccreditationEnded,
    Provider,
    ProviderAccredited,
    ProviderDisqualified,
    ProviderNamed,
    ProviderReinstated,
)

ProviderEvent = (
    ProviderNamed | ProviderAccredited | AccreditationEnded | ProviderDisqualified | ProviderReinstated
)


_LEVELS = get_args(registry.Level)
"""Levels of qualification, lowest first."""


class Effects:
    """What one batch of foreign facts does to one log."""

    def __init__(self, unit: LedgerUnit) -> None:
        self.log = unit.log
        self.unit = unit
        self._conn = unit.conn
        self._profiles: dict[str, tuple[int, Profile]] = {}
        self._changed_profiles: dict[str, tuple[int, Profile]] = {}
        self._providers: dict[str, tuple[int, Provider]] = {}
        self._changed_providers: set[str] = set()
        self._arrived: dict[str, Profile] = {}
        self._new: set[str] = set()
        self._departures: dict[str, Departure] = {}
        self._guards: list[GuardEvent] = []

    async def read(self, events: Sequence[PublishedEvent]) -> None:
        """Read the profiles and providers that the facts are about."""
        persons = {
            e.person_id
            for e in events
            if isinstance(
                e,
                registry.InfoCollected | registry.InfoChanged | registry.PersonErased | TransferNews,
            )
        }
        merges = [each for each in events if isinstance(each, registry.ProfilesMerged)]
        persons |= {person_id for each in merges for person_id in (each.person_id, each.merged_id)}
        transfers = [event.transfer_id for event in events if isinstance(event, TransferNews)]
        if transfers:
            found = await find_departures(self._conn, [self.log], transfers)
            self._departures = {departure.transfer_id: departure for departure in found}
            persons |= {departure.person_id for departure in found}
        organizations = {
            e.organization_id
            for e in events
            if isinstance(
                e,
                registry.OrganizationRegistered
                | registry.ProviderAccredited
                | registry.AccreditationEnded
                | registry.ProviderDisqualified
                | registry.ProviderReinstated,
            )
        }
        self._profiles |= await read_profiles(self._conn, self.log, sorted(persons))
        found_providers = await PROVIDER_ROWS.read(
            self._conn, self.log, [(each,) for each in sorted(organizations)]
        )
        for (organization_id,), entry in found_providers.items():
            self._providers[organization_id] = (entry.version, entry.state)

    def take(self, event: PublishedEvent) -> None:
        """Record one fact as an event of this log."""
        match event:
            case registry.InfoCollected():
                self._collect(event)
            case registry.InfoChanged():
                self._change(event)
            case registry.PersonErased():
                self._erase(event)
            case transfer.ProfileTransferred() if event.from_authority == event.to_authority:
                self._move(event)
            case (
                transfer.ProfileTransferred()
                | transfer.TransferRequested()
                | transfer.TransferReturned()
                | transfer.TransferWithdrawn()
            ):
                self._guard(event)
            case registry.OrganizationRegistered():
                self._provide(
                    event.organization_id,
                    ProviderNamed(organization_id=event.organization_id, name=event.name, uscc=event.uscc),
                )
            case registry.ProviderAccredited():
                self._accredit(event)
            case (
                registry.AccreditationEnded()
                | registry.ProviderDisqualified()
                | registry.ProviderReinstated()
            ):
                self._provide(event.organization_id, _as_stored(event))
            case _:
                pass

    def _collect(self, event: registry.InfoCollected) -> None:
        known = self.profile(event.person_id)
        if known is not None and known.merged is None:
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
            qualification=event.level,
            working_since=event.working_since,
            traits=view(Traits, event),
            collected_at=event.collected_at.astimezone(UTC),
        )
        self.change_profile(event.person_id, recorded)

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
            former=tuple(view(FormerIdentity, each) for each in event.former),
            employer=event.employer,
            student=event.student,
            student_since=event.student_since,
            qualified_on=first.obtained_on if first else None,
            qualification=max((each.level for each in event.qualifications), key=_LEVELS.index, default=None),
            working_since=event.working_since,
            left_on=event.left_on,
            retired_on=event.retired_on,
            traits=view(Traits, event),
            changed_at=event.changed_at.astimezone(UTC),
        )
        _, known = self._profiles[event.person_id]
        if profiles.evolve(known, changed) != known:
            self.change_profile(event.person_id, changed)

    def _erase(self, event: registry.PersonErased) -> None:
        if event.person_id in self._profiles:
            erased = ProfileErased(person_id=event.person_id, erased_at=event.erased_at.astimezone(UTC))
            self.change_profile(event.person_id, erased)

    def _move(self, event: transfer.ProfileTransferred) -> None:
        known = self.profile(event.person_id)
        if known is None or known.merged is not None:
            return
        moved = ProfileMoved(
            person_id=event.person_id,
            from_place=event.from_place,
            to_place=event.to_place,
            employer=event.employer,
            transfer_id=event.transfer_id,
            moved_at=event.transferred_at.astimezone(UTC),
        )
        self.change_profile(event.person_id, moved)

    def _guard(self, news: TransferNews) -> None:
        departure = self._departures.get(news.transfer_id)
        known = self._profiles.get(departure.person_id) if departure is not None else None
        profile = known[1] if known is not None else None
        for event in news_of_guard(news, profile, departure, self.unit.now):
            self.note(event.person_id, event)
            self._guards.append(event)

    def profile(self, person_id: str) -> Profile | None:
        """A profile that was read, as it stands now."""
        return self._profiles[person_id][1] if person_id in self._profiles else None

    def lift(self, person_id: str, transfer_id: str) -> None:
        """End the guard of a departure that comes to nothing."""
        event = DepartureLifted(
            person_id=person_id, transfer_id=transfer_id, reason="cancelled", lifted_at=self.unit.now
        )
        self.note(person_id, event)
        self._guards.append(event)

    async def read_person(self, person_id: str) -> Profile | None:
        """Read one profile, for a change that is not a fact of a feed; None when the log does not hold the person."""
        self._profiles |= await read_profiles(self._conn, self.log, [person_id])
        return self.profile(person_id)

    def note(self, person_id: str, event: Event, identity: str | None = None) -> Profile:
        """Add an event to a profile's stream; what waits for the person goes on waiting. The profile as it then stands."""
        version, known = self._profiles.get(person_id, (0, None))
        if known is None:
            self._new.add(person_id)
        profile = profiles.evolve(known, event)
        assert profile is not None
        self.unit.append(profiles.stream_of(person_id), version + 1, event, identity)
        self._profiles[person_id] = self._changed_profiles[person_id] = (version + 1, profile)
        return profile

    def change_profile(self, person_id: str, event: Event, identity: str | None = None) -> None:
        """Add an event to a profile's stream; who is new here, or has changed, is looked for in the waiting rooms."""
        known = self._profiles.get(person_id, (0, None))[1]
        profile = self.note(person_id, event, identity)
        # What waits for a number that was wrongly theirs is not theirs; what waits for one they had before is (B-24).
        for identity_hash in frozenset() if known is None else known.identities:
            before = self._arrived.get(identity_hash)
            if before is not None and before.person.person_id == person_id:
                del self._arrived[identity_hash]
        for identity_hash in profile.identities:
            before = self._arrived.get(identity_hash)
            # A number belongs to who has it now, before who had it.
            if (
                before is None
                or before.identity_hash != identity_hash
                or profile.identity_hash == identity_hash
            ):
                self._arrived[identity_hash] = profile

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

    def _provide(self, organization_id: str, event: ProviderEvent) -> None:
        version, known = self._providers.get(organization_id, (0, None))
        provider = providers.evolve(known, event)
        assert provider is not None
        self.unit.append(providers.stream_of(organization_id), version + 1, event)
        self._providers[organization_id] = (version + 1, provider)
        self._changed_providers.add(organization_id)

    def arrived(self) -> list[str]:
        """The keyed hashes of the people who are new here, or have changed."""
        return sorted(self._arrived)

    def people_arrived(self) -> dict[str, Profile]:
        """Those people, by keyed hash."""
        return dict(self._arrived)

    async def find_waiting(self, nation: Nation) -> None:
        """Read what waits for the people who have just arrived, and the providers whose records those are.

        Raises Unprepared while the nation's log has not been asked about one of the providers.
        """
        hashes = self.arrived()
        if not hashes:
            return
        await self.unit.read_rooms(hashes)
        held = [record for each in hashes for record in self.unit.room(each).room.records]
        if not held:
            return
        persons = [
            self._arrived[each].person.person_id for each in hashes if self.unit.room(each).room.records
        ]
        await self.unit.read_accounts(persons, sorted({int(record.record["year"]) for record in held}))
        cited = {record.record.get("filing") for record in held if record.kind == Completion.KIND}
        await self.unit.read_filings(each for each in cited if each is not None)
        provider_ids = {record.provider_id for record in held}
        self.unit.providers |= await read_providers(self._conn, self.log, provider_ids)
        # What this batch says of a provider is not in its row yet.
        self.unit.providers |= {changed: self._providers[changed][1] for changed in self._changed_providers}
        missing = nation.unknown(provider_ids)
        if missing:
            raise Unprepared(partial(nation.learn, missing))

    def release(self, decider: Decider) -> None:
        """Decide what waited for the people who have just arrived, in the same transaction."""
        for identity_hash in self.arrived():
            decider.release_room(identity_hash, self._arrived[identity_hash])

    async def write(self) -> None:
        """Write the rows that changed."""
        await self.unit.write()
        # Who gives a number up comes before who arrives with it.
        profiles_changed = sorted(
            self._changed_profiles.items(), key=lambda item: (item[0] in self._new, item[0])
        )
        if profiles_changed:
            await write_profiles(self._conn, self.log, [entry for _, entry in profiles_changed])
        for event in self._guards:
            await write_departure(self._conn, self.log, event)
        changed = [(each, self._providers[each]) for each in sorted(self._changed_providers)]
        await PROVIDER_ROWS.write(
            self._conn, self.log, [(providers.stream_of(each), *versioned) for each, versioned in changed]
        )


def _as_stored(
    fact: registry.AccreditationEnded | registry.ProviderDisqualified | registry.ProviderReinstated,
) -> ProviderEvent:
    """A change of a provider's standing, in the words of this log."""
    organization_id, place, day, reason = fact.organization_id, fact.place, fact.from_date, fact.reason
    match fact:
        case registry.AccreditationEnded():
            years, modes = tuple(fact.years), tuple(fact.modes)
            return AccreditationEnded(
                organization_id=organization_id,
                place=place,
                years=years,
                modes=modes,
                from_date=day,
                reason=reason,
            )
        case registry.ProviderDisqualified():
            return ProviderDisqualified(
                organization_id=organization_id, place=place, from_date=day, reason=reason
            )
        case registry.ProviderReinstated():
            return ProviderReinstated(
                organization_id=organization_id, place=place, from_date=day, reason=reason
            )
