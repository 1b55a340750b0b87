"""Publication of stored events, as a table: which of them the others are told, as what, and in which words."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from contracts import ledger as published
from contracts.divisions import authority_of
from contracts.envelope import PublishedEvent
from services.kit import events as codec
from services.kit.event_store import RecordedEvent
from services.kit.events import Event
from services.kit.pydantic_models import view
from services.ledger.streams.account_events import (
    CompletionHeld,
    CreditDuplicated,
    CreditEarned,
    CreditRecognised,
    CreditRevoked,
    CreditWithdrawn,
    DeferralEnded,
    DeferralGranted,
    EnrolmentRecorded,
    EnrolmentWithdrawn,
    ExamPassed,
    ExemptionEnded,
    ExemptionGranted,
    HeldCompletionRejected,
    HeldCompletionWithdrawn,
    SpecialReasonApproved,
    SpecialReasonEnded,
)
from services.ledger.streams.claim import ClaimApproved
from services.ledger.streams.filing import FilingApproved, FilingSubmitted
from services.ledger.streams.notice import NoNoticeDeclared, NoNoticeWithdrawn, PolicyPublished
from services.ledger.streams.profile_events import ProfileAbsorbed
from services.ledger.streams.roster import RosterReviewed, RosterUploaded
from services.ledger.streams.waiting import ParkedRecordReleased, ParkedRecordWithdrawn, RecordParked
from services.ledger.streams.year import YearClosed

SOURCE = "urn:xuefen:ledger"
"""The CloudEvents source of everything that is told."""

Word = str | Callable[[Any], object]
"""Where a published field comes from: the stored field of another name, or what is made of the event."""


class Told(NamedTuple):
    """A stored event and the published one it becomes: fields of one name are the same, `renames` says the others. With
    `when`, only those of which it is true are told."""

    stored: type[Event]
    published: type[PublishedEvent]
    renames: Mapping[str, Word] = {}
    when: Callable[[Any], bool] = lambda event: True


def _of_completion(event: Any) -> bool:
    return bool(event.kind == "completion")


def _refused(event: ParkedRecordReleased) -> bool:
    return _of_completion(event) and event.problem is not None


def _answered(event: RecordParked) -> tuple[str, str | None]:
    """Why it waits and by which clause, as its provider was answered, which may not know of everybody."""
    return event.told or (event.reason, event.clause)


_OF_NOBODY: dict[str, Word] = {"completion_id": "record_id", "person_id": lambda _: None}
"""Of a record that waits for its person, nobody is known."""


def _rows(outcome: str) -> Word:
    return lambda event: [row.outcome for row in event.rows].count(outcome)


TOLD = (
    Told(
        CreditEarned,
        published.CreditEarned,
        {
            "source": lambda event: event.title if event.route == "import" else None,
            "course": lambda event: event.course or None,
        },
    ),
    Told(CreditWithdrawn, published.CreditWithdrawn),
    Told(CreditRevoked, published.CreditRevoked),
    Told(
        CreditDuplicated,
        published.CreditRevoked,
        {
            "reason": lambda event: "duplicate",
            "clause": lambda event: None,
            "authority": lambda event: authority_of(event.place),
        },
    ),
    Told(ProfileAbsorbed, published.AccountsMerged),
    Told(CreditRecognised, published.CreditRecognised),
    Told(CompletionHeld, published.CompletionHeld),
    Told(
        RecordParked,
        published.CompletionHeld,
        _OF_NOBODY
        | {"reason": lambda event: _answered(event)[0], "clause": lambda event: _answered(event)[1]},
        _of_completion,
    ),
    Told(
        ParkedRecordReleased,
        published.HeldCompletionRejected,
        {
            "completion_id": "record_id",
            "reason": lambda event: "not_collected" if event.reason == "name_differs" else event.reason,
        },
        _refused,
    ),
    Told(HeldCompletionRejected, published.HeldCompletionRejected),
    Told(HeldCompletionWithdrawn, published.HeldCompletionWithdrawn),
    Told(ParkedRecordWithdrawn, published.HeldCompletionWithdrawn, _OF_NOBODY, _of_completion),
    Told(EnrolmentRecorded, published.EnrolmentRecorded),
    Told(EnrolmentWithdrawn, published.EnrolmentClosed),
    Told(ExamPassed, published.ExamPassed),
    Told(ExemptionGranted, published.ExemptionGranted),
    Told(ExemptionEnded, published.ExemptionEnded),
    Told(DeferralGranted, published.DeferralGranted),
    Told(DeferralEnded, published.DeferralEnded),
    Told(SpecialReasonApproved, published.SpecialReasonApproved),
    Told(SpecialReasonEnded, published.SpecialReasonEnded),
    Told(ClaimApproved, published.ClaimApproved, {"approved_at": "at"}),
    Told(FilingSubmitted, published.FilingSubmitted, {"submitted_at": "at"}),
    Told(FilingApproved, published.FilingApproved, {"approved_at": "at"}),
    Told(
        RosterUploaded,
        published.RosterUploaded,
        {"uploaded_at": "at", "rows": lambda event: len(event.rows)},
    ),
    Told(
        RosterReviewed,
        published.RosterReviewed,
        {"reviewed_at": "at"} | {word: _rows(word) for word in ("registered", "held", "refused")},
    ),
    Told(YearClosed, published.YearClosed),
    Told(PolicyPublished, published.PolicyPublished, {"policy": "notice_hash"}),
    Told(NoNoticeDeclared, published.NoNoticeDeclared),
    Told(NoNoticeWithdrawn, published.NoNoticeWithdrawn),
)
"""Everything the feed says; what is not here stays inside (profiles, providers, room-keeping)."""

_TOLD = {each.stored.TOPIC: each for each in TOLD}


def publish(recorded: RecordedEvent) -> dict[str, Any] | None:
    """What the feed says of a stored event; None for what stays inside."""
    told = _TOLD.get(recorded.topic)
    if told is None:
        return None
    event = codec.decode(recorded.topic, recorded.state)
    if not told.when(event):
        return None
    given = {
        name: getattr(event, word) if isinstance(word, str) else word(event)
        for name, word in told.renames.items()
    }
    return view(told.published, event, **given).attributes()
