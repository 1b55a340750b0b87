"""A person as the logs knew them at a moment, from events alone (design 14); for who has moved, in the log they lived
in."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from services.kit import events as codec
from services.kit.database import Databases
from services.kit.event_store import EventStore
from services.ledger.policy import Account
from services.ledger.store.people import Keeper, is_later
from services.ledger.streams import account as accounts
from services.ledger.streams import profile as profiles
from services.ledger.streams import waiting
from services.ledger.streams.problems import UnknownPersonError
from services.ledger.streams.profile import Profile
from services.ledger.streams.waiting import WaitingRoom

# Positions have no gaps and recorded_at never falls along a log, so the last position known at a moment is found
# by halving.
_POSITION_AT = """
with recursive search (low, high) as (
    select 0::bigint, coalesce((select position from logs where log = $1), 0)
    union all
    select case when e.recorded_at <= $2 then s.middle else s.low end,
           case when e.recorded_at <= $2 then s.high else s.middle - 1 end
      from (select low, high, (low + high + 1) / 2 as middle from search where low < high) s
      join events e on e.log = $1 and e.position = s.middle
)
select low from search where low = high
"""

_ROOMS = "select log, identity_hash from waiting where identity_hash = any($1::text[])"


class History:
    """Reads the past."""

    def __init__(self, databases: Databases, store: EventStore) -> None:
        self._databases = databases
        self._store = store

    async def home_at(self, logs: Iterable[str], person_id: str, year: int, as_of: datetime) -> Keeper:
        """Where the person lived at a moment, with one year's account, among the logs that ever held them.

        Raises UnknownPersonError when none did yet.
        """
        found: Keeper | None = None
        for log in sorted(logs):
            home = await self._in_log(log, person_id, year, as_of)
            if home is not None and (found is None or is_later(home.left_at, found.left_at)):
                found = home
        if found is None:
            raise UnknownPersonError("当时尚未采集该人员。", "The person was not collected at that moment.")
        return found

    async def with_rooms(self, home: Keeper, as_of: datetime) -> Keeper:
        """The same with all that waited for the person at the moment, in the logs of their database."""
        hashes = sorted(home.profile.identities)
        async with self._databases.of(home.log).acquire() as conn:
            known = [(row[0], row[1]) for row in await conn.fetch(_ROOMS, hashes)]
            rooms = []
            for log, identity_hash in sorted(known):
                stream = waiting.stream_of(identity_hash)
                room = WaitingRoom()
                for recorded in (await self._store.load(conn, log, [stream], until=as_of)).get(stream, []):
                    room = waiting.evolve(room, codec.decode(recorded.topic, recorded.state))
                rooms.append((log, identity_hash, room))
        return replace(home, rooms=tuple(rooms))

    async def _in_log(self, log: str, person_id: str, year: int, as_of: datetime) -> Keeper | None:
        account_stream = accounts.stream_of(person_id, year)
        profile_stream = profiles.stream_of(person_id)
        async with self._databases.of(log).acquire() as conn:
            # An event's time is taken before its commit: the same question is to be answered alike later.
            await self._store.settle(conn, log, as_of)
            loaded = await self._store.load(conn, log, [account_stream, profile_stream], until=as_of)
            position = await conn.fetchval(_POSITION_AT, log, as_of)
        profile: Profile | None = None
        for recorded in loaded.get(profile_stream, []):
            profile = profiles.evolve(profile, codec.decode(recorded.topic, recorded.state))
        if profile is None:
            return None
        account: Account | None = None
        for recorded in loaded.get(account_stream, []):
            account = accounts.evolve(
                account or accounts.empty(person_id, year), codec.decode(recorded.topic, recorded.state)
            )
        return Keeper(log, position, profile, account)
