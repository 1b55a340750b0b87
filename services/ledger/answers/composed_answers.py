"""Composed answers: the plain question (is this person compliant for the year, as of today, asked by an official), whose
answers each process keeps ready to be sent.

An answer hangs on the person's profile and account, on the notices, and on the day. The question to the database takes the
versions along that an answer was made of, and brings the states back only where they have moved on; so an answer that is
given again is as exact as one that is made. What hangs on more (records that wait, a person who has left, credits carried
over from the year before) is left to `LedgerQueries`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from contracts.divisions import NATION, authority_of
from services.kit.clock import Clock, local_date
from services.kit.database import Database, Databases
from services.kit.gathering import Gathering
from services.ledger.answers.provenance import made_up
from services.ledger.answers.viewers import Viewer
from services.ledger.answers.views import ComplianceAnswer
from services.ledger.policy import Account, Assessment, PolicyBook
from services.ledger.policy.language.facts import ACCOUNTING
from services.ledger.store.people import Keeper
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.streams.profile import Profile
from services.ledger.streams.who_judges import judge, years_beside

ANSWERS_MAX = 20_000
"""How many answers a process keeps: some two kilobytes each."""

_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_account = msgspec.json.Decoder(Account).decode
_encode = msgspec.json.Encoder().encode
_replace = msgspec.structs.replace
_POSITION = 2**63 - 1
"""Stands for the log's position in an answer that is kept: no log gets there."""

# One look-up a key, in the order of the question; arrays stand in a `select`, so that the plan is made once.
_READ = """
select asked.n, l.position, p.version, a.version,
       p.left_at is not null
       or exists (select from waiting w where w.identity_hash = p.identity_hash)
       or exists (select from former_identities f where f.log = p.log and f.person_id = p.person_id),
       case when p.version = asked.profile and a.version is not distinct from asked.account then null else p.state end,
       case when p.version = asked.profile and a.version is not distinct from asked.account then null else a.state end
  from unnest(
       (select $1::text[]), (select $2::text[]), (select $3::int[]), (select $4::int[]), (select $5::int[])
       ) with ordinality as asked (log, person_id, year, profile, account, n)
  join logs l on l.log = asked.log
 cross join lateral (
       select * from profiles p where p.log = asked.log and p.person_id = asked.person_id offset 0) p
  left join lateral (
       select * from accounts a
        where a.log = asked.log and a.person_id = asked.person_id and a.year = asked.year offset 0) a on true
"""


class Composed(NamedTuple):
    """An answer as JSON, and where the person belongs."""

    place: str
    body: bytes


class _Key(NamedTuple):
    log: str
    person_id: str
    year: int
    day: date


class _Kept(NamedTuple):
    """An answer without the position, and the versions it was made of."""

    profile: int
    account: int | None
    place: str
    before: bytes
    after: bytes


class ComposedAnswers:
    """The answers that one process keeps, by the notices it has now, for each day that is asked for as today: in a sandbox
    every caller has their own."""

    def __init__(self, databases: Databases, policies: PublishedPolicies, clock: Clock) -> None:
        self._databases = databases
        self._policies = policies
        self._clock = clock
        self._kept: dict[_Key, _Kept] = {}
        self._made_by: PolicyBook = policies.book
        self._gathering: dict[Database, Gathering[_Key, Composed | None]] = {}

    async def of_one(self, person_id: str, year: int, place: str) -> Composed | None:
        """The answer for one person to an official of a place, read together with what others ask at the moment; None when
        it is not plain, or the official may not have it."""
        if place == NATION:
            return None
        log = authority_of(place)
        database = self._databases.of(log)
        gathering = self._gathering.get(database)
        if gathering is None:

            async def read(keys: Sequence[_Key]) -> Sequence[Composed | Exception | None]:
                found = await self._read(database, keys)
                return [found.get(key) for key in keys]

            gathering = self._gathering[database] = Gathering(read)
        return _seen(await gathering.ask(_Key(log, person_id, year, local_date(self._clock()))), place)

    async def of_many(self, person_ids: Sequence[str], year: int, place: str) -> dict[str, Composed]:
        """The answers for many persons to an official of a place, as far as they are plain, by person."""
        if place == NATION:
            return {}
        log = authority_of(place)
        day = local_date(self._clock())
        keys = [_Key(log, person_id, year, day) for person_id in person_ids]
        found = await self._read(self._databases.of(log), keys)
        return {key.person_id: answer for key, answer in found.items() if _seen(answer, place) is not None}

    async def _read(self, database: Database, keys: Sequence[_Key]) -> Mapping[_Key, Composed]:
        book = self._policies.book
        if self._made_by is not book:
            self._made_by, self._kept = book, {}
        kept = self._kept
        known = [kept.get(key) for key in keys]
        async with database.acquire() as conn:
            rows = await conn.fetch(
                _READ,
                [key.log for key in keys],
                [key.person_id for key in keys],
                [key.year for key in keys],
                [each.profile if each is not None else None for each in known],
                [each.account if each is not None else None for each in known],
            )
        found: dict[_Key, Composed] = {}
        for n, position, profile_version, account_version, more, profile, account in rows:
            if more:
                continue
            key, same = keys[n - 1], known[n - 1]
            if profile is not None:
                made = _compose(book, key, profile, account)
                if made is None:
                    continue
                same = _Kept(profile_version, account_version, *made)
                _keep(kept, key, same)
            assert same is not None, "a state is left out only where its version was given"
            body = b'%b"position":%d%b' % (same.before, position, same.after)
            found[key] = Composed(same.place, body)
        return found


def _seen(answer: Composed | None, place: str) -> Composed | None:
    return answer if answer is not None and Viewer(place=place).contains(answer.place) else None


def _keep(kept: dict[_Key, _Kept], key: _Key, answer: _Kept) -> None:
    kept[key] = answer
    if len(kept) > ANSWERS_MAX:
        del kept[next(iter(kept))]


def _compose(
    book: PolicyBook, key: _Key, profile_state: bytes, account_state: bytes | None
) -> tuple[str, bytes, bytes] | None:
    """The person's place, and the answer before and after the position; None when the year before has a say in it."""
    profile = _decode_profile(profile_state)
    if years_beside(book, profile, key.year):
        return None
    account = _decode_account(account_state) if account_state is not None else None
    home = Keeper(key.log, _POSITION, profile, account)
    place = profile.person.place
    answer = answer_of(home, judge(book, profile, account, key.year, key.day), Viewer(place=place), None)
    before, found, after = _encode(answer).partition(b'"position":%d' % _POSITION)
    assert found, "an answer says its position"
    return place, before, after


def answer_of(
    home: Keeper,
    assessment: Assessment,
    viewer: Viewer,
    as_of: datetime | None,
    regime: str = ACCOUNTING,
) -> ComplianceAnswer:
    """An assessment as it is answered to a viewer: an organization is told of its own records alone."""
    year = assessment.year
    if viewer.organization is not None and assessment.not_counted:
        own = tuple(item for item in assessment.not_counted if viewer.sees_record_of(item.provider_id))
        assessment = _replace(assessment, not_counted=own)
    fields = {name: getattr(assessment, name) for name in assessment.__struct_fields__}
    judgement, left = home.profile.judgement(year), home.profile.left
    return ComplianceAnswer(
        **fields,
        person_id=home.person_id,
        regime=regime,
        log=home.log,
        position=home.position,
        as_of=as_of,
        judged_by=judgement.place if judgement is not None and regime == ACCOUNTING else None,
        moved_to=left.to_place if left is not None else None,
        made_up=made_up(home.account, assessment),
    )
