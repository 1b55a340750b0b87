"""Worklists (待办): what awaits an official at a place, in order, with its limit, its lane and who holds it.

Order inside each lane is the order of submission or resubmission (S2C-08); the fast lane comes first while an exam's
enrolment is open where the case belongs (S2C-06).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import asyncpg

from services.kit.audit import about
from services.kit.clock import UnknownYear, add_working_days, end_of_day, local_date, start_of_day
from services.kit.database import Connection
from services.kit.errors import NotFoundError
from services.kit.review import Case, Role, Step
from services.registry.store.commands import Commands, Unit, command
from services.registry.store.projection import BACK
from services.registry.store.tables import LOG
from services.registry.streams import account, change, collection, yearly_document
from services.registry.streams.actor import Actor
from services.registry.streams.collection import FAST, FAST_KINDS, ORDINARY, ExamEnrolment, lane_in
from services.registry.streams.problems import CaseHeldError, NotForYouError
from services.registry.worklists.schemas import ExamEnrolmentRequest

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing was submitted before it."""
_LOOK_BACK_DAYS = 120
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Limit:
    """So many working days, and the clause that says so (B-16)."""

    working_days: int
    clause: str


LIMITS = {"collection": Limit(5, "S2C-02"), "change": Limit(10, "S2C-04")}
"""By kind of case; of plans, reports and accounts the notices set none."""


def due_on(kind: str, submitted_at: datetime) -> date | UnknownYear:
    """The last day of the limit; UnknownYear when it reaches into a year whose calendar is not announced."""
    return add_working_days(local_date(submitted_at), LIMITS[kind].working_days)


def due_of(kind: str, submitted_at: datetime, now: datetime) -> dict[str, object]:
    """The limit of one case, and whether it has passed: it ends with its last day, at 24:00."""
    day, limit = due_on(kind, submitted_at), LIMITS[kind]
    unknown = isinstance(day, UnknownYear)
    return {
        "on": None if unknown else day,
        "working_days": limit.working_days,
        "clause": limit.clause,
        "unknown_year": day.year if isinstance(day, UnknownYear) else None,
        "late": not isinstance(day, UnknownYear) and now >= end_of_day(day),
    }


def late_before(kind: str, now: datetime) -> datetime:
    """Whatever was submitted before this moment is late; what was submitted since is not, as far as one can know."""
    today = local_date(now)
    if kind not in LIMITS:
        return NEVER
    for back in range(_LOOK_BACK_DAYS):
        day = today - back * _ONE_DAY
        due = add_working_days(day, LIMITS[kind].working_days)
        if not isinstance(due, UnknownYear) and due < today:
            return end_of_day(day)
    return start_of_day(today - _LOOK_BACK_DAYS * _ONE_DAY)


_OPEN = """
select distinct place from exam_enrolments where log = $1 and from_day <= $2 and until_day >= $2 order by place
"""


async def open_places(conn: Connection, today: date) -> list[str]:
    """Where enrolment is open today."""
    return [row[0] for row in await conn.fetch(_OPEN, LOG, today)]


async def lane_of(conn: Connection, kind: str, place: str, today: date) -> str:
    """The lane of a case today."""
    return lane_in(kind, place, await open_places(conn, today))


_WAIT = "select from worklist where log = $1 and case_id = $2 for update"
_HELD = "select held_by, held_until from case_claims where log = $1 and case_id = $2 for update"
_END = "delete from case_claims where log = $1 and case_id = $2"
_HOLD = """
insert into case_claims (log, case_id, held_by, held_since, held_until) values ($1, $2, $3, $4, $5)
on conflict (log, case_id) do update
   set held_by = excluded.held_by, held_until = excluded.held_until,
       held_since = case when case_claims.held_by = excluded.held_by and case_claims.held_until > excluded.held_since
                         then case_claims.held_since else excluded.held_since end
 where case_claims.held_until <= excluded.held_since or case_claims.held_by = excluded.held_by
returning held_since, held_until
"""


async def hold(
    conn: Connection, case_id: str, by: Actor, now: datetime, until: datetime
) -> tuple[datetime, datetime]:
    """Hold a case, or hold it longer; since when and until when. Raises CaseHeldError while another does."""
    row = await conn.fetchrow(_HOLD, LOG, case_id, by.subject, now, until)
    if row is None:
        await must_not_be_held(conn, case_id, by, now)
        raise CaseHeldError(until)
    return row["held_since"], row["held_until"]


async def must_not_be_held(conn: Connection, case_id: str, by: Actor, now: datetime) -> None:
    """Raise CaseHeldError while somebody else holds the case; from now on nobody takes hold of it before we are done."""
    await conn.execute(_WAIT, LOG, case_id)
    row = await conn.fetchrow(_HELD, LOG, case_id)
    if row is not None and row["held_by"] != by.subject and row["held_until"] > now:
        raise CaseHeldError(row["held_until"])


async def end_hold(conn: Connection, case_id: str) -> None:
    """Nobody holds the case any more."""
    await conn.execute(_END, LOG, case_id)


HOLD_FOR = timedelta(minutes=30)
"""How long a case is held; whoever works longer holds it again."""

KINDS: Mapping[str, Case[object]] = {
    "collection": collection.CASE,
    "change": change.CASE,
    yearly_document.PLAN: yearly_document.CASE,
    yearly_document.REPORT: yearly_document.CASE,
    "account": account.CASE,
}
"""Every kind of case by its name on the list; its table of steps says on whose list it stands."""
_OF_PEOPLE = ("collection", "change")


def _decides(scopes: Collection[str], kind: str) -> bool:
    decider = KINDS[kind].decider
    return decider is not None and not set(decider.scopes).isdisjoint(scopes)


HOLDER = Role(*sorted({scope for case in KINDS.values() if case.decider for scope in case.decider.scopes}))
HOLDS: Case[object] = Case(
    "case",
    (Step("claim", "claim", by=HOLDER), Step("release", "release", by=HOLDER)),
    wrong_state=lambda _: NotFoundError(),
    own=NotForYouError,
)
"""The steps around a decision: whoever works a case holds it meanwhile, whichever kind it is."""
STATISTICS = "statistics:read"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LIST = """
select * from (
    select w.*, c.held_by, c.held_until, w.kind = any($6::text[]) and w.chain && $7::text[] as fast
      from worklist w
      left join case_claims c on c.log = w.log and c.case_id = w.case_id and c.held_until > $4
     where w.log = $1 and w.chain @> array[$2::text] and w.kind = any($3::text[]) and w.step <> $5) each_case
 where $8::boolean is null or (not fast, submitted_at, case_id) > (not $8, $9::timestamptz, $10::text)
 order by fast desc, submitted_at, case_id limit $11
"""
_COUNTS = """
select w.place, w.kind, w.step, count(*)::int as waiting,
       (count(*) filter (where w.submitted_at < l.late_before))::int as late,
       (count(*) filter (where w.kind = any($6::text[]) and w.chain && $7::text[]))::int as fast,
       (count(c.case_id))::int as held, min(w.submitted_at) as oldest
  from worklist w
  join unnest($3::text[], $8::timestamptz[]) as l (kind, late_before) on l.kind = w.kind
  left join case_claims c on c.log = w.log and c.case_id = w.case_id and c.held_until > $4
 where w.log = $1 and w.chain @> array[$2::text] and w.step <> $5
 group by w.place, w.kind, w.step order by w.place, w.kind, w.step
"""
_CASE = "select * from worklist where log = $1 and case_id = $2 and step <> $3 for update"
_ENROLMENTS = """
select * from exam_enrolments where log = $1 and until_day >= $2 order by from_day, place, enrolment_id limit 1000
"""


@dataclass(frozen=True)
class Cursor:
    """The last case of a page."""

    fast: bool
    submitted_at: datetime
    case_id: str

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """The cursor from its text: lane, microseconds, case."""
        lane, micros, case_id = text.split(".", 2)
        return cls(lane == "1", _EPOCH + timedelta(microseconds=int(micros)), case_id)

    def __str__(self) -> str:
        """The text a page is asked for with."""
        micros = (self.submitted_at - _EPOCH) // timedelta(microseconds=1)
        return f"{int(self.fast)}.{micros}.{self.case_id}"


class Worklists(Commands):
    """Reads worklists, and lets officials hold cases."""

    async def cases(
        self, by: Actor, *, place: str | None, kinds: Sequence[str], after: Cursor | None, limit: int
    ) -> dict[str, object]:
        """A page of the cases of a place and under it, in order. Raises OutsidePlaceError."""
        place, kinds = _asked(by, place, kinds)
        now = self._clock()
        mark = (None, None, None) if after is None else (after.fast, after.submitted_at, after.case_id)
        async with self._database.acquire() as conn:
            open_at = await open_places(conn, local_date(now))
            rows = await conn.fetch(
                _LIST, LOG, place, kinds, now, BACK, list(FAST_KINDS), open_at, *mark, limit
            )
        for row in rows:
            if row["kind"] in _OF_PEOPLE:
                about(row["subject_id"], row["place"])
        full = len(rows) == limit
        last = Cursor(rows[-1]["fast"], rows[-1]["submitted_at"], rows[-1]["case_id"]) if full else None
        return {"items": [_entry(row, by, now) for row in rows], "next": None if last is None else str(last)}

    async def counts(self, by: Actor, *, place: str | None) -> dict[str, object]:
        """How many cases wait, by place, kind and step; of every kind, for dashboards. Raises OutsidePlaceError."""
        place, kinds = _asked(by, place, [])
        kinds = list(KINDS) if STATISTICS in by.scopes else kinds
        now = self._clock()
        cutoffs = [late_before(kind, now) for kind in kinds]
        async with self._database.acquire() as conn:
            open_at = await open_places(conn, local_date(now))
            rows = await conn.fetch(_COUNTS, LOG, place, kinds, now, BACK, list(FAST_KINDS), open_at, cutoffs)
        counted = [dict(row) for row in rows]
        total = {name: sum(row[name] for row in counted) for name in ("waiting", "late", "fast", "held")}
        return {"place": place, "at": now, "rows": counted, "total": total}

    @command()
    async def claim(self, unit: Unit, by: Actor, case_id: UUID) -> dict[str, object]:
        """Hold a case for a while. Raises NotFoundError, NotForYouError, CaseHeldError."""
        row = await self._case(unit.conn, by, case_id)
        if by.subject in row["not_by"]:
            raise HOLDS.own()
        since, until = await hold(unit.conn, str(case_id), by, unit.now, unit.now + HOLD_FOR)
        return _held(row, by.subject, since, until)

    @command()
    async def release(self, unit: Unit, by: Actor, case_id: UUID) -> dict[str, object]:
        """Hold a case no longer. Raises NotFoundError, and CaseHeldError while another holds it."""
        row = await self._case(unit.conn, by, case_id)
        await must_not_be_held(unit.conn, str(case_id), by, unit.now)
        await end_hold(unit.conn, str(case_id))
        return _held(row, None, None, None)

    @command(201)
    async def set_enrolment(self, unit: Unit, by: Actor, body: ExamEnrolmentRequest) -> dict[str, str]:
        """Say when an exam can be enrolled for. Raises OutsidePlaceError."""
        enrolment = ExamEnrolment.set(**body.model_dump(), by=by, at=unit.now)
        unit.keep(enrolment)
        return {"enrolment_id": str(enrolment.id)}

    async def enrolments(self) -> list[dict[str, object]]:
        """The enrolments that are open or to come: dates, and nothing that is anybody's."""
        async with self._database.acquire() as conn:
            rows = await conn.fetch(_ENROLMENTS, LOG, local_date(self._clock()))
        names = {"enrolment_id": "enrolment_id", "place": "place", "from": "from_day", "until": "until_day"}
        return [{name: row[column] for name, column in names.items()} for row in rows]

    async def _case(self, conn: Connection, by: Actor, case_id: UUID) -> asyncpg.Record:
        row = await conn.fetchrow(_CASE, LOG, str(case_id), BACK)
        if row is None or not _decides(by.scopes, row["kind"]) or not by.covers(row["place"]):
            raise NotFoundError
        return row


def _asked(by: Actor, place: str | None, kinds: Sequence[str]) -> tuple[str, list[str]]:
    """The place and the kinds to look at: those asked for that the caller may decide, all of them when none is named."""
    wanted = place or by.place or ""
    by.must_cover(wanted)
    return wanted, [kind for kind in (kinds or KINDS) if _decides(by.scopes, kind)]


def _entry(row: asyncpg.Record, by: Actor, now: datetime) -> dict[str, object]:
    kind, held_by = row["kind"], row["held_by"]
    return {
        "case_id": row["case_id"],
        "kind": kind,
        "step": row["step"],
        "place": row["place"],
        "subject_id": row["subject_id"],
        "submitted_at": row["submitted_at"],
        "due": due_of(kind, row["submitted_at"], now) if kind in LIMITS else None,
        "lane": FAST if row["fast"] else ORDINARY,
        "held_by": held_by,
        "held_until": row["held_until"],
        "open_to_caller": by.subject not in row["not_by"] and held_by in (None, by.subject),
    }


def _held(
    row: asyncpg.Record, by: str | None, since: datetime | None, until: datetime | None
) -> dict[str, object]:
    return {
        "case_id": row["case_id"],
        "kind": row["kind"],
        "held_by": by,
        "held_since": since,
        "held_until": until,
    }
