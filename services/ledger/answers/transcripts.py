"""The transcript: every credit of a person as awarded and what became of it, what waits, what a year was freed from
or put off, and the years that another authority judged."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import Struct

from services.kit.audit import about
from services.kit.database import Databases
from services.kit.pydantic_models import view
from services.ledger.answers.viewers import Viewer
from services.ledger.policy import Account, Credit, CreditState, Route, Study, Waiting
from services.ledger.store.people import Keeper, People
from services.ledger.streams.merge import PersonMergedError
from services.ledger.streams.problems import OutsidePlaceError, UnknownPersonError

_ALL_ACCOUNTS = "select state from accounts where log = $1 and person_id = $2 order by year"
_decode_account = msgspec.json.Decoder(Account).decode


class TranscriptLine(Study, frozen=True, kw_only=True):
    """One credit as awarded, and what became of it.

    `recognised_at` is None where nobody had to recognise it, or nobody has yet (S4-03); `correction` is why it came after
    the year's close; `confirmed_by` are later reports of the same fact (A-15); `provisional` says that it was taken
    before a notice of the year was out (B-20).
    """

    credit_id: str
    year: int
    route: Route
    form: str | None
    provider_id: str | None
    place: str
    registered_at: datetime
    recognised_at: datetime | None
    confirmed_by: tuple[Route, ...]
    make_up: bool
    late: bool
    provisional: bool
    correction: str | None
    clause: str | None
    state: CreditState
    duplicate_of: str | None
    reason: str | None
    ended_at: datetime | None
    ended_clause: str | None


class TranscriptWaiting(Study, frozen=True, kw_only=True):
    """A completion that waits in the account, and for what."""

    year: int
    provider_id: str
    held_at: datetime
    reason: str
    clause: str | None
    provisional: bool


class TranscriptRelief(Struct, frozen=True, kw_only=True):
    """A year that an authority freed the person of, or gave more time for (A-14), or approved the special reason of (A-06).
    `until` is the last day it holds, None for what nobody has ended."""

    year: int
    kind: Literal["exemption", "deferral", "special_reason"]
    reason: str
    authority: str
    granted_on: date
    until: date | None


class TranscriptJudgement(Struct, frozen=True, kw_only=True):
    """A year that another authority judged before the person came, as it was judged there (A-13)."""

    year: int
    place: str
    status: str
    total: Decimal
    judged_on: date


class Transcript(Struct, frozen=True, kw_only=True):
    """Everything recorded for a person, by year and time of completion."""

    person_id: str
    log: str
    position: int
    place: str
    credits: list[TranscriptLine]
    waiting: list[TranscriptWaiting]
    reliefs: list[TranscriptRelief]
    judged_elsewhere: list[TranscriptJudgement]


COLUMNS = (
    "年度 year",
    "科目 category",
    "学分 credits",
    "方式 mode",
    "途径 route",
    "形式 form",
    "机构 provider",
    "课程 course",
    "层级 tier",
    "备案 filing",
    "完成时间 completed at",
    "登记时间 registered at",
    "认定时间 recognised at",
    "补学 make-up",
    "逾期 late",
    "暂定 provisional",
    "更正 correction",
    "状态 state",
    "原因 reason",
    "终止时间 ended at",
    "登记依据 clause",
    "折算依据 rate clause",
    "终止依据 ended by clause",
    "编号 id",
)


class Transcripts:
    """Reads transcripts."""

    def __init__(self, databases: Databases, people: People) -> None:
        self._databases = databases
        self._people = people

    async def get_transcript(self, person_id: str, viewer: Viewer, year: int | None = None) -> Transcript:
        """Every credit of a person as awarded, of one year or all; an organization sees those it reported, and nothing of
        reliefs and judgements.

        Raises UnknownPersonError, OutsidePlaceError, and PersonMergedError for a profile that is part of another now.
        """
        home = await self._people.life_of(person_id, viewer.place)
        about(home.person_id, home.profile.person.place)
        if viewer.place is not None and not viewer.may_see(home):
            raise OutsidePlaceError
        async with self._databases.of(home.log).acquire() as conn:
            rows = await conn.fetch(_ALL_ACCOUNTS, home.log, home.person_id)
        held = [_decode_account(row[0]) for row in rows]
        if not viewer.may_see(home) and not any(viewer.reported_for(account) for account in held):
            raise UnknownPersonError
        if home.person_id != person_id:
            raise PersonMergedError(merged_into=home.person_id)
        return transcript_of(home, held, viewer, year)


def transcript_of(home: Keeper, held: Sequence[Account], viewer: Viewer, year: int | None) -> Transcript:
    """The transcript that a person's accounts make, as far as the viewer may be told."""
    accounts = [account for account in held if year is None or account.year == year]
    credits = [
        _line(credit, account.year)
        for account in accounts
        for credit in account.credits
        if viewer.sees_record_of(credit.provider)
    ]
    waiting = [
        _waiting_line(item, account.year)
        for account in accounts
        for item in account.waiting
        if viewer.sees_record_of(item.provider)
    ]
    whole = viewer.organization is None
    return Transcript(
        person_id=home.person_id,
        log=home.log,
        position=home.position,
        place=home.profile.person.place,
        credits=sorted(credits, key=lambda line: (line.year, line.completed_at, line.credit_id)),
        waiting=sorted(waiting, key=lambda line: (line.year, line.completed_at, line.completion_id)),
        reliefs=[relief for account in accounts for relief in _reliefs(account)] if whole else [],
        judged_elsewhere=list(_judged(home, year)) if whole else [],
    )


def table_rows(transcript: Transcript) -> Iterator[tuple[object, ...]]:
    """The transcript as rows under `COLUMNS`: credits, then what waits."""
    for line in transcript.credits:
        yield (
            line.year,
            line.category,
            line.credits,
            line.mode,
            line.route,
            line.form,
            line.provider_id,
            line.course,
            line.tier,
            line.filing,
            line.completed_at,
            line.registered_at,
            line.recognised_at,
            line.make_up,
            line.late,
            line.provisional,
            line.correction,
            line.state,
            line.reason,
            line.ended_at,
            line.clause,
            line.rate_clause,
            line.ended_clause,
            line.credit_id,
        )
    for item in transcript.waiting:
        before = (item.year, item.category, item.credits, item.mode, "provider", None, item.provider_id)
        moments = (item.course, item.tier, item.filing, item.completed_at, None, None)
        clauses = (item.clause, item.rate_clause, None)
        yield (
            *before,
            *moments,
            None,
            None,
            item.provisional,
            None,
            "waiting",
            item.reason,
            None,
            *clauses,
            item.completion_id,
        )


def _reliefs(account: Account) -> Iterator[TranscriptRelief]:
    for kind, granted in (("exemption", account.exempt), ("deferral", account.deferred)):
        if granted is not None:
            yield view(TranscriptRelief, granted, year=account.year, kind=kind)
    heard = account.special_reason
    if heard is not None:
        yield view(TranscriptRelief, heard, year=account.year, kind="special_reason", until=heard.ended_on)


def _judged(home: Keeper, year: int | None) -> Iterator[TranscriptJudgement]:
    for judgement in home.profile.judged:
        if year is None or judgement.year == year:
            yield view(TranscriptJudgement, judgement)


def _line(credit: Credit, year: int) -> TranscriptLine:
    return view(TranscriptLine, credit, year=year, provider_id=credit.provider)


def _waiting_line(item: Waiting, year: int) -> TranscriptWaiting:
    return view(TranscriptWaiting, item, year=year, provider_id=item.provider)
