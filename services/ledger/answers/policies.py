"""Policies in force and the notices that make them, as answers: every value with where it comes from, every rule beside the
words that make it."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from pydantic import BaseModel

from services.kit.pydantic_models import view
from services.ledger.policy import (
    Finding,
    Notice,
    NoticeError,
    Policy,
    PolicyBook,
    book_faults,
    line_of,
    notice_hash,
    parse_notice,
    replaced_by,
    warnings,
)
from services.ledger.policy.book import Entry
from services.ledger.policy.document.meaning import meaning_of
from services.ledger.policy.document.notice import notice_as_yaml
from services.ledger.policy.policy import Basis
from services.ledger.streams.notice import PolicyDrafted


class SettingAnswer(BaseModel):
    """One value and its source."""

    setting: str
    value: Any
    clause: str
    document: str
    place: str
    article: str
    text: str


class NoticeAnswer(BaseModel):
    """A notice that takes part."""

    id: str
    document: str
    place: str
    hash: str


class PolicyAnswer(BaseModel):
    """A resolved policy. `ordinary` is false for a year that only a make-up clause names; `basis` is `national` where the
    nation's framework alone judges, `provisional` until a notice is published or the authority says that none will come
    (B-20)."""

    place: str
    year: int
    hash: str
    ordinary: bool
    basis: Basis
    provisional: bool
    notices: list[NoticeAnswer]
    settings: list[SettingAnswer]


def policy_answer(policy: Policy, prefix: str | None = None) -> PolicyAnswer:
    """The policy's values in order of their names, all or those that begin with a prefix."""
    return view(
        PolicyAnswer,
        policy,
        notices=[view(NoticeAnswer, ref) for ref in policy.notices],
        settings=[
            view(SettingAnswer, sourced, setting=name, value=msgspec.to_builtins(sourced.value))
            for name, sourced in (*sorted(policy.settings.items()), *policy.for_some.items())
            if prefix is None or name.startswith(prefix)
        ],
    )


class DraftAnswer(BaseModel):
    """A draft that waits for another official; `text` is its file as it was written, of one notice alone."""

    id: str
    place: str
    document: str
    hash: str
    drafted_at: datetime
    text: str | None = None


class ListedNotice(BaseModel):
    """A notice in force, in its latest version; `versions` are how many were published under its id."""

    id: str
    place: str
    document: str
    title: str
    dated: date
    years_from: int | None
    years_to: int | None
    standalone: bool
    hash: str
    versions: int
    published_at: datetime


class NoticeList(BaseModel):
    """The notices that reach a place or lie under it, by their day, and the drafts that wait; all on one page."""

    items: list[ListedNotice]
    drafts: list[DraftAnswer]
    total: int
    next: str | None = None


class VersionAnswer(BaseModel):
    """A publication of a notice, counted from 1."""

    version: int
    hash: str
    document: str
    published_at: datetime


class RuleMeaning(BaseModel):
    """A rule: its kind, what it says in words, and as it is written."""

    kind: str
    kind_zh: str
    kind_en: str
    text_zh: str
    text_en: str
    rule: dict[str, Any]


class ClauseAnswer(BaseModel):
    """A clause: the notice's own words, and the rules they make; without any it is information."""

    id: str
    article: str
    text: str
    note: str | None
    years_from: int | None
    years_to: int | None
    rules: list[RuleMeaning]


class NoticeDetail(ListedNotice):
    """One version of a notice with its clauses; `text` is a YAML file that says the same, to be edited; `draft` is the one
    that waits."""

    version: int
    issuers: list[str]
    basis: list[str]
    excludes: list[str]
    clauses: list[ClauseAnswer]
    text: str
    published: list[VersionAnswer]
    draft: DraftAnswer | None


class CheckFinding(BaseModel):
    """A fault or a warning: the line where the text has one, the field, and words in both languages."""

    line: int | None
    pointer: str
    code: str
    text_zh: str
    text_en: str


class Replacing(BaseModel):
    """What publishing would take the place of, in words."""

    text_zh: str
    text_en: str


class PolicyCheck(BaseModel):
    """What is wrong with a draft, and what is doubtful; nothing was stored. `clauses` are what the rules mean in words,
    where the text can be read; `hash` names it."""

    sound: bool
    id: str | None = None
    place: str | None = None
    document: str | None = None
    hash: str | None = None
    faults: list[CheckFinding]
    warnings: list[CheckFinding] = []
    replaces: Replacing | None = None
    clauses: list[ClauseAnswer] = []


def draft_answer(draft: PolicyDrafted, *, text: bool = False) -> DraftAnswer:
    """A draft as it is shown; who wrote it is not."""
    told = draft.text if text else None
    return view(DraftAnswer, draft, id=draft.notice_id, hash=draft.notice_hash, text=told)


def _listed(entries: Sequence[Entry], at: Entry) -> dict[str, Any]:
    notice = at.notice
    return {
        "id": notice.id,
        "place": notice.place,
        "document": notice.label,
        "title": notice.title,
        "dated": notice.dated,
        "years_from": notice.years.first,
        "years_to": notice.years.last,
        "standalone": notice.standalone,
        "hash": at.hash,
        "versions": len(entries),
        "published_at": at.recorded_at,
    }


def notice_list(groups: Iterable[Sequence[Entry]], drafts: Iterable[PolicyDrafted]) -> NoticeList:
    """The notices by their day, each in its latest version."""
    items = [ListedNotice(**_listed(entries, entries[-1])) for entries in groups]
    items.sort(key=lambda each: (each.dated, each.place, each.id))
    return NoticeList(items=items, drafts=[draft_answer(each) for each in drafts], total=len(items))


def notice_detail(entries: Sequence[Entry], version: int, draft: PolicyDrafted | None) -> NoticeDetail:
    """One version of a notice, counted from 1."""
    at = entries[version - 1]
    return NoticeDetail(
        **_listed(entries, at),
        version=version,
        issuers=list(at.notice.issuers),
        basis=list(at.notice.basis),
        excludes=list(at.notice.excludes),
        clauses=_clauses(at.notice),
        text=notice_as_yaml(at.notice),
        published=[
            VersionAnswer(version=n, hash=e.hash, document=e.notice.label, published_at=e.recorded_at)
            for n, e in enumerate(entries, 1)
        ],
        draft=None if draft is None else draft_answer(draft),
    )


def _clauses(notice: Notice) -> list[ClauseAnswer]:
    return [
        ClauseAnswer(
            id=clause.id,
            article=clause.article,
            text=clause.text,
            note=clause.note,
            years_from=clause.years.first if clause.years else None,
            years_to=clause.years.last if clause.years else None,
            rules=[_rule(rule) for rule in clause.rules],
        )
        for clause in notice.clauses
    ]


def _rule(rule: Any) -> RuleMeaning:
    kind, says = meaning_of(rule)
    plain = msgspec.to_builtins(rule)
    return RuleMeaning(
        kind=plain["kind"], kind_zh=kind[0], kind_en=kind[1], text_zh=says[0], text_en=says[1], rule=plain
    )


def policy_check(text: str, book: PolicyBook) -> PolicyCheck:
    """What `xuefen policy check` finds in a text beside the notices of a book. Total."""
    try:
        notice = parse_notice(text)
    except NoticeError as error:
        faults = [
            CheckFinding(
                line=each.line,
                pointer=each.field,
                code=each.code,
                text_zh=each.detail_zh,
                text_en=each.detail_en,
            )
            for each in error.faults
        ]
        return PolicyCheck(sound=False, faults=faults)
    faults = _found(text, book_faults(notice, book))
    doubts = [] if faults else _found(text, warnings(notice, book))
    replaced = replaced_by(notice, book)
    return PolicyCheck(
        sound=not faults,
        id=notice.id,
        place=notice.place,
        document=notice.label,
        hash=notice_hash(notice),
        faults=faults,
        warnings=doubts,
        replaces=None
        if replaced is None
        else Replacing(text_zh=replaced.words[0], text_en=replaced.words[1]),
        clauses=_clauses(notice),
    )


def _found(text: str, findings: Iterable[Finding]) -> list[CheckFinding]:
    return [
        CheckFinding(
            line=line_of(text, each.pointer),
            pointer=each.pointer,
            code=each.code,
            text_zh=each.zh,
            text_en=each.en,
        )
        for each in findings
    ]
