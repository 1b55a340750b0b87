"""New deliveries and the queues they wait in, written in the caller's transaction, which holds the queues it adds to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from services.kit.clock import add_working_days, local_date
from services.kit.database import Connection
from services.sync.recording.facts import Fact, earned, ended, recognised
from services.sync.targets import Target

WAITING_STATES = ("refused", "unsynced")
"""What parks a person's later deliveries for that target until it is mended."""

# The row is the person's lock: whoever settles their deliveries holds it too, so that neither overlooks the other.
_QUEUE = """
insert into queues (log, target, person_id, state, next_at) values ($1, $2, $3, 'ready', $4)
on conflict (log, target, person_id) do update set state = queues.state
"""
# A credit that moved to another log with its person was put from the log it was registered in.
_LAST = """
select distinct on (target, subject) target, subject, revision, action, content, state
  from deliveries where target = any($1::text[]) and subject = any($2::text[])
 order by target, subject, revision desc
"""
_ADD = """
insert into deliveries (log, target, subject, revision, person_id, year, place, position, action, content, state,
                        reason, recorded_at, due_on)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11, $12, $13, $14)
"""
_NEVER_TAKEN = """
update deliveries set state = 'withdrawn', settled_at = $5
 where log = $1 and target = $2 and subject = $3 and revision < $4 and state = any(array['refused', 'unsynced'])
"""
_READY = """
update queues set state = 'ready', next_at = $4, failures = 0 where log = $1 and target = $2 and person_id = $3
"""


class Delivery(NamedTuple):
    """Something to be said to a target about a subject. `content` holds the canonical fields, as text."""

    target: Target
    subject: str
    person_id: str
    year: int
    place: str
    position: int
    action: str
    content: Mapping[str, str | None]
    reason: str | None
    recorded_at: datetime


class Last(NamedTuple):
    """What was last to be said about a subject, and how that stands."""

    revision: int
    action: str
    content: Mapping[str, str | None]
    state: str


async def hold_queues(conn: Connection, log: str, people: Iterable[tuple[str, str]], now: datetime) -> None:
    """Open the queues of people (target's name, person) and hold them until the transaction ends, in one order."""
    await conn.executemany(_QUEUE, [(log, target, person, now) for target, person in sorted(set(people))])


async def last_of(
    conn: Connection, targets: Sequence[str], subjects: Iterable[str]
) -> dict[tuple[str, str], Last]:
    """The latest revision of every subject in any log, by target and subject. Hold the queues first."""
    rows = await conn.fetch(_LAST, list(targets), sorted(set(subjects)))
    return {
        (row["target"], row["subject"]): Last(
            row["revision"], row["action"], json.loads(row["content"]), row["state"]
        )
        for row in rows
    }


async def add_deliveries(
    conn: Connection,
    log: str,
    deliveries: Sequence[Delivery],
    last: dict[tuple[str, str], Last],
    now: datetime,
    *,
    floors: Mapping[tuple[str, str], int] | None = None,
) -> None:
    """Add deliveries in order, each as the next revision of its subject; `last` moves on with them.

    An end of what the target never took is not sent: both are put down as withdrawn, and the person's later ones go on.
    `floors` are revisions known elsewhere, which the new ones must be above.
    """
    rows = []
    for each in deliveries:
        key = (each.target.name, each.subject)
        before = last.get(key)
        revision = 1 + max(before.revision if before else 0, (floors or {}).get(key, 0))
        moot = each.action == "end" and before is not None and before.state in WAITING_STATES
        state = "withdrawn" if moot else "pending"
        if moot:
            await conn.execute(_NEVER_TAKEN, log, *key, revision, now)
            await conn.execute(_READY, log, each.target.name, each.person_id, now)
        last[key] = Last(revision, each.action, each.content, state)
        rows.append(_row(log, each, revision, state))
    await conn.executemany(_ADD, rows)


def _row(log: str, each: Delivery, revision: int, state: str) -> tuple[object, ...]:
    due = due_on(each.target, each.recorded_at)
    content = json.dumps(each.content, ensure_ascii=False)
    where = (each.person_id, each.year, each.place, each.position)
    said = (each.action, content, state, each.reason, each.recorded_at, due)
    return (log, each.target.name, each.subject, revision, *where, *said)


def due_on(target: Target, since: datetime) -> date | None:
    """The last day on which a record of that moment is in time; None without a limit or an announced calendar (S4-04)."""
    if target.due is None:
        return None
    day = add_working_days(local_date(since), target.due)
    return day if isinstance(day, date) else None


ANY = "any"
"""The category of credits that cover whatever is missing (A-03)."""

_EARN = """
insert into credits (log, credit_id, person_id, year, place, category, credits, mode, completed_on, make_up, source)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing
"""
# The log is left out: a credit may end in another log than it was registered in, when its person moved.
_END = "update credits set ended = $2 where credit_id = $1 and ended is null"
_RECOGNISE = "update credits set recognised = true where credit_id = $1"
_SUMS = """
select person_id, year, category, recognised, sum(credits) as credits
  from credits
 where log = $1 and person_id = any($2::text[]) and ended is null
 group by person_id, year, category, recognised
"""


class YearSums(NamedTuple):
    """What a person's year holds by category: all that is registered, and what of it was recognised."""

    registered: dict[str, Decimal]
    recognised: dict[str, Decimal]

    def counted(self, category: str, needs_recognition: Iterable[str]) -> Decimal:
        """The credits of a category that count, those of category "any" with the professional ones (A-03)."""
        categories = (category, ANY) if category == "professional" else (category,)
        sums = self.recognised if category in needs_recognition else self.registered
        return sum((sums.get(each, Decimal(0)) for each in categories), Decimal(0))

    def has(self, category: str, needs_recognition: Iterable[str]) -> bool:
        """Whether anything of the category counts; credits of category "any" stand for both."""
        sums = self.recognised if category in needs_recognition else self.registered
        return bool(sums.get(category) or sums.get(ANY))


async def keep_credits(conn: Connection, log: str, facts: Sequence[Fact]) -> None:
    """Write the rows of credits that were registered, which were recognised, and which ended."""
    await conn.executemany(
        _EARN,
        [
            (
                log,
                event.credit_id,
                event.person_id,
                event.year,
                event.place,
                event.category,
                event.credits,
                event.mode,
                local_date(event.completed_at),
                event.make_up,
                event.source,
            )
            for _, event in earned(facts)
        ],
    )
    await conn.executemany(_RECOGNISE, [(event.credit_id,) for _, event in recognised(facts)])
    await conn.executemany(_END, [(event.credit_id, event.reason) for _, event in ended(facts)])


async def sums_of(
    conn: Connection, log: str, years: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], YearSums]:
    """The sums of people's years; a year without credits has none."""
    sums = {key: YearSums({}, {}) for key in years}
    rows = await conn.fetch(_SUMS, log, sorted({person for person, _ in sums}))
    for person, year, category, is_recognised, credits in rows:
        found = sums.get((person, year))
        if found is not None:
            found.registered[category] = found.registered.get(category, Decimal(0)) + credits
            if is_recognised:
                found.recognised[category] = credits
    return sums
