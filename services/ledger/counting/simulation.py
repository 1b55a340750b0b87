"""Simulation: walks through the profiles of each log place by place, in read-only transactions, and judges each year
twice. Nothing is written, and nothing can be: the transactions refuse it."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
from msgspec import Struct

from contracts.divisions import AUTHORITIES, NATION, authority_of
from services.kit.database import Connection, Databases
from services.ledger.counting.simulation_judging import Changed, Judging
from services.ledger.policy import Account, Notice, PolicyBook
from services.ledger.store.profiles import Reach, reach_of
from services.ledger.streams.profile import Profile

BATCH = 2_000
"""Persons read at a time, unless told otherwise."""

Progress = Callable[[str, int, int], None]
"""Told the log, how many of its persons were read, and how many there are."""

_COUNT = """
select count(*) from profiles where log = $1 and place between $2 and $3 and left_at is null
"""
_POSITION = "select position from logs where log = $1"
_PROFILES = """
select place, person_id, state from profiles
 where log = $1 and (place, person_id) > ($2, $3) and place <= $4 and left_at is null
 order by place, person_id limit $5
"""
_ACCOUNTS = """
select person_id, year, state from accounts
 where log = $1 and person_id = any($2::text[]) and year = any($3::int[])
"""
_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_account = msgspec.json.Decoder(Account).decode


class Simulation(Struct, frozen=True):
    """What a draft would change on a day. `persons` were read, `judged` counts those years of theirs that the draft
    touches; `positions` says what of each log was seen."""

    notice: str
    document: str
    place: str
    on: date
    years: tuple[int, ...]
    positions: dict[str, int]
    persons: int
    judged: int
    changes: tuple[Changed, ...]

    @property
    def changed(self) -> int:
        """How many years of persons are judged otherwise."""
        return sum(change.persons for change in self.changes)


async def simulate(
    databases: Databases,
    book: PolicyBook,
    draft: Notice,
    *,
    on: date,
    progress: Progress = lambda _log, _read, _all: None,
    batch: int = BATCH,
) -> Simulation:
    """Judge everybody the draft reaches, under the book as it is and as it would be, on a day.

    The draft stands as if it were published after all others.
    """
    latest = max((entry.recorded_at for entry in book), default=datetime(2000, 1, 1, tzinfo=UTC))
    after = book.with_notice(draft, latest + timedelta(microseconds=1), authority_of(draft.place), 1)
    replaced = [
        entry.notice for entry in book if (entry.notice.place, entry.notice.id) == (draft.place, draft.id)
    ]
    judging = Judging(book, after, (draft, *replaced), on)
    positions: dict[str, int] = {}
    if judging.years:
        for database, logs in databases.grouped(logs_of(draft)).items():
            async with database.acquire() as conn:
                for log in logs:
                    async with conn.transaction(isolation="repeatable_read", readonly=True):
                        positions[log] = await conn.fetchval(_POSITION, log) or 0
                        await _judge_log(conn, log, reach_of(draft.place), judging, progress, batch)
    return Simulation(
        notice=draft.id,
        document=draft.label,
        place=draft.place,
        on=on,
        years=tuple(judging.years),
        positions=positions,
        persons=judging.persons,
        judged=judging.judged,
        changes=judging.changed(),
    )


def logs_of(notice: Notice) -> Sequence[str]:
    """The logs whose people a notice can reach: its authority's; all, for one of the nation."""
    return AUTHORITIES if notice.place == NATION else (authority_of(notice.place),)


async def _judge_log(
    conn: Connection, log: str, reach: Reach, judging: Judging, progress: Progress, batch: int
) -> None:
    total: int = await conn.fetchval(_COUNT, log, *reach)
    read, last = 0, (reach.first, "")
    profiles = await conn.prepare(_PROFILES)
    accounts = await conn.prepare(_ACCOUNTS)
    while rows := await profiles.fetch(log, *last, reach.last, batch):
        last = (rows[-1][0], rows[-1][1])
        persons = [row[1] for row in rows if judging.concerns(row[0])]
        by_person: dict[str, dict[int, Account]] = {}
        for person_id, year, state in await accounts.fetch(log, persons, judging.years_read):
            by_person.setdefault(person_id, {})[year] = _decode_account(state)
        for place, person_id, state in rows:
            if judging.concerns(place):
                judging.judge(_decode_profile(state), by_person.get(person_id, {}))
        read += len(rows)
        progress(log, read, total)
