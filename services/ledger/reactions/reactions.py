"""Reactions: other services' published facts become the ledger's own events, so that every answer follows from its
logs alone.

One followed log fans out over many logs of ours. Each keeps a checkpoint of its own, moved in the transaction of the
effects; the reader's position is saved afterwards, so a crash repeats at most what the checkpoints then skip."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from contracts import registry, transfer
from contracts.divisions import AUTHORITIES, NATION
from contracts.envelope import PublishedEvent
from services.kit.command import WritePath
from services.kit.database import Databases
from services.kit.event_store import TooManyEventsError
from services.kit.histories import Mark
from services.kit.projection import Checkpoints
from services.ledger.cases.roster_registry import Registrar, release_rosters
from services.ledger.intake.decide import Decider
from services.ledger.reactions.effects import Effects
from services.ledger.reactions.homes import Homes
from services.ledger.reactions.merges import Merges
from services.ledger.store.nation import Nation
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams.facts import Facts


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

    def __init__(
        self, databases: Databases, path: WritePath[LedgerUnit], policies: PublishedPolicies, facts: Facts
    ) -> None:
        self._databases = databases
        self._policies = policies
        self._facts = facts
        self._checkpoints = Checkpoints("follow")
        self._reader = Checkpoints("follow-reader")
        self._path = path

    async def position(self, source: str) -> int:
        """The position of the followed log up to which every effect is stored."""
        async with self._databases.of(NATION).acquire() as conn:
            return await self._reader.get(conn, NATION, source)

    async def mark(self, source: str) -> Mark:
        """The same position, with its history."""
        async with self._databases.of(NATION).acquire() as conn:
            return await self._reader.mark(conn, NATION, source)

    async def go_back(self, source: str, mark: Mark) -> None:
        """Go over to a history of the followed log that a restore began: in every log of ours, then the reader."""
        for database, logs in self._databases.grouped(AUTHORITIES).items():
            async with database.transaction() as conn:
                for log in logs:
                    await self._checkpoints.go_back(conn, log, source, mark)
        async with self._databases.of(NATION).transaction() as conn:
            await self._reader.go_back(conn, NATION, source, mark)

    async def handle(
        self, source: str, events: Sequence[SourceEvent], reached: int, history: str = ""
    ) -> None:
        """Store the effects of a batch, log by log, then the position it has reached; nothing of a history we have left.

        Raises AheadOfRegistryError when it is too early for them; nothing is stored then.
        """
        by_log: dict[str, list[SourceEvent]] = {}
        homes = Homes()
        await homes.read(self._databases, (item.event for item in events))
        _must_be_held(homes, events)
        for item in events:
            for log in homes.logs_of(item.event):
                by_log.setdefault(log, []).append(item)
        # The nation's first: it names the providers whose records the others release.
        for log in sorted(by_log, key=lambda log: log != NATION):
            await self._apply(log, source, by_log[log], history)
        async with self._databases.of(NATION).transaction() as conn:
            before = await self._reader.lock_for(conn, NATION, source, history)
            if before is not None and before < reached:
                await self._reader.advance(conn, NATION, source, reached, history)

    async def _apply(self, log: str, source: str, items: Sequence[SourceEvent], history: str) -> None:
        for part in _parts(items):
            await self._apply_part(log, source, part, history)

    async def _apply_part(self, log: str, source: str, items: Sequence[SourceEvent], history: str) -> None:
        nation = Nation(self._databases)

        async def act(unit: LedgerUnit) -> None:
            done = await self._checkpoints.lock_for(unit.conn, log, source, history)
            fresh = [item for item in items if done is not None and item.position > done]
            if not fresh:
                return
            effects = Effects(unit)
            await effects.read([item.event for item in fresh])
            for item in fresh:
                effects.take(item.event)
            await effects.find_waiting(nation)
            merged = [item.event for item in fresh if isinstance(item.event, registry.ProfilesMerged)]
            await Merges(effects, self._policies.book).carry_out(merged)
            effects.release(Decider(unit, self._policies.book, nation.providers))
            registrar = Registrar(unit, self._policies.book, nation.providers, self._facts)
            await release_rosters(unit, registrar, effects.people_arrived())
            await self._checkpoints.advance(unit.conn, log, source, fresh[-1].position, history)
            await effects.write()

        try:
            await self._path.store(log, act)
        except TooManyEventsError:
            if len(items) == 1:
                raise
            half = len(items) // 2
            await self._apply_part(log, source, items[:half], history)
            await self._apply_part(log, source, items[half:], history)


def _parts(items: Sequence[SourceEvent]) -> Iterator[Sequence[SourceEvent]]:
    """The batch in parts of which each ends with its only merge, if it has one: what comes after is said of who is left."""
    start = 0
    for index, item in enumerate(items, 1):
        if isinstance(item.event, registry.ProfilesMerged):
            yield items[start:index]
            start = index
    if start < len(items):
        yield items[start:]


def _must_be_held(homes: Homes, events: Iterable[SourceEvent]) -> None:
    """Who moves inside an authority must be known; between two they arrive by the transfer's own call, before its feed
    tells of it, and one of the two logs may be another deployment's."""
    missing = {
        item.event.person_id
        for item in events
        if isinstance(item.event, transfer.ProfileTransferred)
        and item.event.from_authority == item.event.to_authority
        and not homes.holds(item.event.person_id)
    }
    if missing:
        raise AheadOfRegistryError(", ".join(sorted(missing)))
