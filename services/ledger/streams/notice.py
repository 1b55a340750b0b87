"""A notice's publication, and an authority's word that none will come: events, streams, decisions and refusals; pure."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, ClassVar, Literal

import msgspec

from services.kit.errors import Problem
from services.kit.events import Event
from services.ledger.policy import (
    Notice,
    Policy,
    notice_as_data,
    notice_hash,
)
from services.ledger.streams.year import Closure, YearAlreadyClosedError


class NoticePublishedError(Problem):
    """A notice governs the year here: `documents` are those that do."""

    code: ClassVar[str] = "notice-published"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度已有通知"
    title_en: ClassVar[str] = "A notice of the year is published"


class NoNoticeDeclaredError(Problem):
    """The authority has said before, here or above, that no notice of the year will come."""

    code: ClassVar[str] = "no-notice-declared"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "此前已声明该年度不再发布通知"
    title_en: ClassVar[str] = "It was said before that no notice will come"


class NoNoticeNotDeclaredError(Problem):
    """Nobody has said for this place and year that no notice will come; what was said above it is taken back there."""

    code: ClassVar[str] = "no-notice-not-declared"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "本地未声明该年度不再发布通知"
    title_en: ClassVar[str] = "Nobody said here that no notice will come"


class OwnDeclarationError(Problem):
    """Another official than the one who said it takes back that no notice will come."""

    code: ClassVar[str] = "own-declaration"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "不得撤回本人作出的声明"
    title_en: ClassVar[str] = "Another official takes this back than the one who said it"


class NoDraftError(Problem):
    """No draft of this notice waits for its publication."""

    code: ClassVar[str] = "no-draft"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "没有待发布的草稿"
    title_en: ClassVar[str] = "No draft waits to be published"


class OwnDraftError(Problem):
    """Another official than the one who drafted a notice publishes it."""

    code: ClassVar[str] = "own-draft"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "不得发布本人起草的通知"
    title_en: ClassVar[str] = "Another official publishes a notice than the one who drafted it"


class DraftChangedError(Problem):
    """The draft says something else by now than what is to be published: look at it again."""

    code: ClassVar[str] = "draft-changed"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "草稿已有改动，请重新核对"
    title_en: ClassVar[str] = "The draft has changed since: look at it again"


class PolicyDrafted(Event, frozen=True, kw_only=True):
    """A notice was drafted, to be published by another person: the file as it was written, named by the hash of what it
    says. A later draft takes the place of an earlier one."""

    TOPIC: ClassVar[str] = "ledger.PolicyDrafted"

    notice_id: str
    document: str
    place: str
    notice_hash: str
    text: str
    drafted_by: str
    drafted_at: datetime


class PolicyPublished(Event, frozen=True, kw_only=True):
    """A notice was published: the whole file as data, named by the hash of its content. Those that come with a release were
    drafted and approved by nobody here."""

    TOPIC: ClassVar[str] = "ledger.PolicyPublished"

    notice_id: str
    document: str
    place: str
    dated: date
    years_from: int | None = None
    years_to: int | None = None
    notice_hash: str
    notice: dict[str, Any]
    drafted_by: str | None = None
    approved_by: str | None = None


class NoNoticeDeclared(Event, frozen=True, kw_only=True):
    """An authority said that no notice will come for a year of a place and all under it: the nation's rule judges it for
    good, unless a notice is published after all (B-20)."""

    TOPIC: ClassVar[str] = "ledger.NoNoticeDeclared"

    place: str
    year: int
    declared_by: str
    declared_at: datetime


WithdrawalReason = Literal["declared_in_error", "notice_expected", "other"]


class NoNoticeWithdrawn(Event, frozen=True, kw_only=True):
    """Another official of the authority took back that no notice will come: the nation's rule judges provisionally again
    (B-20)."""

    TOPIC: ClassVar[str] = "ledger.NoNoticeWithdrawn"

    place: str
    year: int
    reason: WithdrawalReason
    withdrawn_by: str
    withdrawn_at: datetime


Said = PolicyPublished | NoNoticeDeclared | NoNoticeWithdrawn
"""What changes by which rules a year is judged."""
InStream = Said | PolicyDrafted
"""All that the streams of notices hold."""


def stream_of(notice: Notice) -> str:
    """The stream of a notice's publications, in the log of its place's authority."""
    return f"notice:{notice.place}:{notice.id}"


def draft(notice: Notice, text: str, by: str, now: datetime) -> PolicyDrafted:
    """The event of drafting a notice, by somebody, as it was written."""
    return PolicyDrafted(
        notice_id=notice.id,
        document=notice.label,
        place=notice.place,
        notice_hash=notice_hash(notice),
        text=text,
        drafted_by=by,
        drafted_at=now,
    )


def waiting_draft(events: Iterable[object]) -> PolicyDrafted | None:
    """The draft that waits for its publication, by the events of its stream."""
    waiting = None
    for event in events:
        if isinstance(event, PolicyDrafted):
            waiting = event
        elif isinstance(event, PolicyPublished):
            waiting = None
    return waiting


def approve(waiting: PolicyDrafted | None, notice_hash: str, by: str) -> PolicyDrafted:
    """The draft that somebody publishes, having looked at what is named by the hash.

    Raises NoDraftError, OwnDraftError and DraftChangedError.
    """
    if waiting is None:
        raise NoDraftError
    if waiting.drafted_by == by:
        raise OwnDraftError
    if waiting.notice_hash != notice_hash:
        raise DraftChangedError
    return waiting


def publish(
    notice: Notice, *, drafted_by: str | None = None, approved_by: str | None = None
) -> PolicyPublished:
    """The event of publishing a notice as it stands."""
    return PolicyPublished(
        notice_id=notice.id,
        document=notice.label,
        place=notice.place,
        dated=notice.dated,
        years_from=notice.years.first,
        years_to=notice.years.last,
        notice_hash=notice_hash(notice),
        notice=notice_as_data(notice),
        drafted_by=drafted_by,
        approved_by=approved_by,
    )


def stream_of_declaration(place: str, year: int) -> str:
    """The stream of the word that no notice will come for a year of a place, in the log of its authority."""
    return f"no-notice:{place}:{year}"


def declare_no_notice(policy: Policy, declared_by: str, now: datetime) -> NoNoticeDeclared:
    """The authority says that no notice will come for the year and the place of the policy.

    Raises NoticePublishedError and NoNoticeDeclaredError.
    """
    if policy.basis == "notice":
        raise NoticePublishedError(documents=[notice.document for notice in policy.notices])
    if not policy.provisional:
        raise NoNoticeDeclaredError
    return NoNoticeDeclared(place=policy.place, year=policy.year, declared_by=declared_by, declared_at=now)


def withdraw_no_notice(
    said: NoNoticeDeclared | NoNoticeWithdrawn | None,
    closure: Closure | None,
    reason: WithdrawalReason,
    by: str,
    now: datetime,
) -> NoNoticeWithdrawn:
    """Take back the last word of a place and year; `closure` is the close that stands on it, where there is one.

    Raises NoNoticeNotDeclaredError, OwnDeclarationError, and YearAlreadyClosedError.
    """
    if not isinstance(said, NoNoticeDeclared):
        raise NoNoticeNotDeclaredError
    if said.declared_by == by:
        raise OwnDeclarationError
    if closure is not None:
        raise YearAlreadyClosedError(place=closure.place, closed_at=closure.closed_at.isoformat())
    return NoNoticeWithdrawn(
        place=said.place, year=said.year, reason=reason, withdrawn_by=by, withdrawn_at=now
    )


def notice_of(event: PolicyPublished) -> Notice:
    """The notice as it was published; it was parsed in full before."""
    data: dict[str, object] = event.notice
    return msgspec.convert(data, Notice)
