"""Publication of notices: a notice becomes an event of its place's authority, once for each content; and an authority's
word that none will come."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from contracts.divisions import authority_of, contains
from services.kit import events as codec
from services.kit.command import WritePath
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.pydantic_models import view
from services.ledger.policy import Finding, Notice, Replaced, book_faults, notice_hash, replaced_by
from services.ledger.policy.policy import Basis
from services.ledger.store.published_policies import PublishedPolicies, find_notice, write_notice
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams.notice import (
    NoNoticeDeclared,
    NoNoticeDeclaredError,
    NoNoticeWithdrawn,
    WithdrawalReason,
    declare_no_notice,
    publish,
    stream_of,
    stream_of_declaration,
    withdraw_no_notice,
)
from services.ledger.streams.problems import NoPolicyHereError, OutsidePlaceError


class DeclareNoNotice(Struct, frozen=True, kw_only=True):
    """Say that no notice will come for a year of a place and all under it (B-20)."""

    place: str
    year: int
    declared_by: str


class WithdrawNoNotice(Struct, frozen=True, kw_only=True):
    """Take back that no notice will come for a year of a place (B-20)."""

    place: str
    year: int
    reason: WithdrawalReason
    withdrawn_by: str


class NoNoticeAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The year as it is judged from now on: by the nation's rule, no longer provisionally, or provisionally again."""

    place: str
    year: int
    basis: Basis
    provisional: bool
    declared_at: datetime | None = None
    withdrawn_at: datetime | None = None


class Replacement(Struct, frozen=True):
    """What a notice takes the place of, in words."""

    zh: str
    en: str


class PublishedPolicy(Struct, frozen=True, kw_only=True):
    """A notice that was handed in; `published` is false where exactly this content was in force already."""

    id: str
    place: str
    document: str
    published: bool
    replaces: Replacement | None


class PolicyPublisher:
    """The commands that publish a notice, and say that none will come."""

    def __init__(self, path: WritePath[LedgerUnit], policies: PublishedPolicies) -> None:
        self._policies = policies
        self._path = path

    async def publish_policy(
        self, notice: Notice, *, within: str | None = None, unless_published: bool = False
    ) -> bool:
        """Publish a notice to the log of its place's authority; False when exactly this content is in force.

        With `unless_published` a notice that was ever published is left as it is: what a bureau corrected is not undone.

        Raises OutsidePlaceError when `within`, the caller's place, does not contain the notice's place.
        """
        if within is not None and not contains(within, notice.place):
            raise OutsidePlaceError
        log = authority_of(notice.place)
        stream_id = stream_of(notice)
        digest = notice_hash(notice)

        async def act(unit: LedgerUnit) -> bool:
            version, published_hash = await find_notice(unit.conn, log, stream_id)
            if published_hash is not None and (unless_published or published_hash == digest):
                return False
            event = publish(notice)
            unit.append(stream_id, version + 1, event)
            await write_notice(unit.conn, log, stream_id, version + 1, event)
            return True

        published = await self._path.store(log, act)
        await self._policies.refresh()
        return published

    async def beside_the_published(self, notice: Notice) -> tuple[list[Finding], Replaced | None]:
        """What is wrong with a notice beside those that are published, and the publication that it would replace."""
        await self._policies.refresh()
        return book_faults(notice, self._policies.book), replaced_by(notice, self._policies.book)

    async def declare_no_notice(self, command: DeclareNoNotice, key: CommandKey) -> StoredAnswer:
        """Say that no notice of a year will come, so that the nation's rule judges it for good; publishing one ends it.

        Raises NoPolicyHereError where the nation has no rule for the year, NoticePublishedError and NoNoticeDeclaredError.
        """
        log = authority_of(command.place)
        stream_id = stream_of_declaration(command.place, command.year)
        await self._policies.refresh()

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            policy = self._policies.book.resolve(command.place, command.year)
            if policy is None:
                raise NoPolicyHereError
            event = declare_no_notice(policy, command.declared_by, unit.now)
            version, said = await self._last_word(unit, stream_id)
            if isinstance(said, NoNoticeDeclared):
                raise NoNoticeDeclaredError
            unit.append(stream_id, version + 1, event)
            await write_notice(unit.conn, log, stream_id, version + 1, event)
            told = {"basis": policy.basis, "provisional": False, "withdrawn_at": None}
            return 201, view(NoNoticeAnswer, event, **told)

        answer = await self._path.execute(log, key, act)
        await self._policies.refresh()
        return answer

    async def withdraw_no_notice(self, command: WithdrawNoNotice, key: CommandKey) -> StoredAnswer:
        """Take back that no notice will come, by another official than the one who said it: the nation's rule judges the
        year provisionally again.

        Raises NoNoticeNotDeclaredError, OwnDeclarationError, and YearAlreadyClosedError once a close stands on it.
        """
        log = authority_of(command.place)
        stream_id = stream_of_declaration(command.place, command.year)

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            version, said = await self._last_word(unit, stream_id)
            closure = unit.closures.within(command.place, command.year)
            event = withdraw_no_notice(said, closure, command.reason, command.withdrawn_by, unit.now)
            unit.append(stream_id, version + 1, event)
            await write_notice(unit.conn, log, stream_id, version + 1, event)
            told = {"basis": "national", "provisional": True, "declared_at": None}
            return 200, view(NoNoticeAnswer, event, **told)

        answer = await self._path.execute(log, key, act)
        await self._policies.refresh()
        return answer

    async def _last_word(
        self, unit: LedgerUnit, stream_id: str
    ) -> tuple[int, NoNoticeDeclared | NoNoticeWithdrawn | None]:
        """The version of the stream of a place and year, and what was said in it last."""
        recorded = (await unit.store.load(unit.conn, unit.log, [stream_id])).get(stream_id, [])
        if not recorded:
            return 0, None
        said = codec.decode(recorded[-1].topic, recorded[-1].state)
        assert isinstance(said, NoNoticeDeclared | NoNoticeWithdrawn), "nothing else is in the stream"
        return recorded[-1].version, said
