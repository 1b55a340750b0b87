"""Publication of notices: a notice becomes an event of its place's authority, once for each content; and an authority's
word that none will come."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from contracts.divisions import authority_of, contains
from services.kit import events as codec
from services.kit.command import WritePath
from services.kit.errors import FieldError, InvalidRequestError
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.pydantic_models import view
from services.ledger.policy import (
    Finding,
    Notice,
    Replaced,
    book_faults,
    notice_hash,
    parse_notice,
    replaced_by,
)
from services.ledger.policy.policy import Basis
from services.ledger.store.published_policies import PublishedPolicies, find_notice, write_notice
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams.notice import (
    NoNoticeDeclared,
    NoNoticeDeclaredError,
    NoNoticeWithdrawn,
    PolicyDrafted,
    WithdrawalReason,
    approve,
    declare_no_notice,
    draft,
    publish,
    stream_of,
    stream_of_declaration,
    waiting_draft,
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


class PolicyDraft(Struct, frozen=True, kw_only=True):
    """A notice that was drafted: `state` is `drafted` until another official publishes what `hash` names, and `in_force`
    where exactly this content is in force already, and nothing was stored. `replaces` says what publishing it would."""

    id: str
    place: str
    document: str
    hash: str
    state: Literal["drafted", "in_force"]
    replaces: Replacement | None


class PublishedPolicy(Struct, frozen=True, kw_only=True):
    """A notice that is in force as of now; `replaces` says in whose place it came."""

    id: str
    place: str
    document: str
    hash: str
    replaces: Replacement | None


class PolicyPublisher:
    """The commands that publish a notice, and say that none will come."""

    def __init__(self, path: WritePath[LedgerUnit], policies: PublishedPolicies) -> None:
        self._policies = policies
        self._path = path

    async def draft_policy(self, notice: Notice, text: str, *, within: str, drafted_by: str) -> bool:
        """Draft a notice, to be published by another person; False when exactly this content is in force.

        The same draft again, by whomever, changes nothing. Raises OutsidePlaceError when `within`, the caller's place, does
        not contain the notice's place.
        """
        if not contains(within, notice.place):
            raise OutsidePlaceError
        log, stream_id, digest = authority_of(notice.place), stream_of(notice), notice_hash(notice)

        async def act(unit: LedgerUnit) -> bool:
            version, in_force = await find_notice(unit.conn, log, stream_id)
            waiting = await self._waiting(unit, stream_id)
            if in_force == digest and waiting is None:
                return False
            if waiting is None or waiting.notice_hash != digest:
                event = draft(notice, text, drafted_by, unit.now)
                unit.append(stream_id, version + 1, event)
                await write_notice(unit.conn, log, stream_id, version + 1, event)
            return True

        drafted = await self._path.store(log, act)
        await self._policies.refresh()
        return drafted

    async def publish_draft(
        self, place: str, notice_id: str, digest: str, *, within: str, approved_by: str
    ) -> tuple[Notice, Replaced | None]:
        """Publish the draft of a notice that a hash names, as another person than the one who drafted it.

        Raises OutsidePlaceError, NoDraftError, OwnDraftError, DraftChangedError, and InvalidRequestError where the notice
        is at fault beside those that are published by now.
        """
        if not contains(within, place):
            raise OutsidePlaceError
        log, stream_id = authority_of(place), f"notice:{place}:{notice_id}"
        await self._policies.refresh()

        async def act(unit: LedgerUnit) -> tuple[Notice, Replaced | None]:
            version, in_force = await find_notice(unit.conn, log, stream_id)
            waiting = await self._waiting(unit, stream_id)
            if waiting is None and in_force == digest:
                published = self._policies.book.publications()[place, notice_id]
                return published[-1].notice, None
            waiting = approve(waiting, digest, approved_by)
            notice = parse_notice(waiting.text)
            book = self._policies.book
            found = book_faults(notice, book)
            if found:
                raise InvalidRequestError(
                    [FieldError("/notice_hash", each.code, each.zh, each.en) for each in found]
                )
            event = publish(notice, drafted_by=waiting.drafted_by, approved_by=approved_by)
            unit.append(stream_id, version + 1, event)
            await write_notice(unit.conn, log, stream_id, version + 1, event)
            return notice, replaced_by(notice, book)

        published = await self._path.store(log, act)
        await self._policies.refresh()
        return published

    async def _waiting(self, unit: LedgerUnit, stream_id: str) -> PolicyDrafted | None:
        recorded = (await unit.store.load(unit.conn, unit.log, [stream_id])).get(stream_id, [])
        return waiting_draft(codec.decode(event.topic, event.state) for event in recorded)

    async def publish_policy(self, notice: Notice, *, unless_published: bool = False) -> bool:
        """Publish a notice that comes with a release to the log of its place's authority; False when exactly this content is
        in force.

        With `unless_published` a notice that was ever published is left as it is: what a bureau corrected is not undone.
        """
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
