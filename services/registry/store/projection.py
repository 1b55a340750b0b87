"""The registry's read models: written in the command's own transaction, so that an answer is fresh.

A rebuild replays the log through the same statements, and its rows come out identical. Whatever awaits an official has one
row in the worklist, whichever kind of case it is: a kind joins by entering and leaving it from its own events.
"""

from collections.abc import Sequence
from typing import Any

from contracts.divisions import chain_of
from services.kit.database import Connection, Databases
from services.kit.rebuild import Compared, NamedProgress, Rebuilt, compare_named, rebuild_named
from services.registry.store.document_projection import DOCUMENTS, PERSON
from services.registry.store.organization_projection import ORGANIZATION_MODELS
from services.registry.store.read_model import (
    AT,
    ID,
    NONE,
    PLACE,
    REASON,
    VERSION,
    ReadModel,
    RowChange,
    Value,
    const,
    decided,
    delete,
    field,
    insert,
    run,
    update,
    upsert,
)
from services.registry.store.tables import LOG
from services.registry.streams import change, collection

COLLECTION, CHANGE, ACCOUNT = "collection", "change", "account"
REVIEW, BACK = "review", "returned"
"""The step of a case with one review, and of one that waits for its submitter and is on no worklist meanwhile."""


def _profile(name: str) -> Value:
    return lambda event: event.profile[name]


def _each(list_name: str, name: str) -> Value:
    return lambda event: [each[name] for each in event.profile[list_name]]


def _chain(event: Any) -> list[str]:
    return list(chain_of(event.place))


FACTS: dict[str, Value] = {
    **{
        name: _profile(name)
        for name in ("name_hash", "place", "employer", "student", "student_since", "jobs", "working_since",
                     "left_on", "retired_on", "affiliation", "groups", "graduated_on")
    },
    "levels": _each("qualifications", "level"),
    "obtained": _each("qualifications", "obtained_on"),
}  # fmt: skip
"""The columns of a person that follow from a whole profile."""

_MOVE = """
update people
   set version = $3, place = $4, employer = $5, student = $5::text is null,
       student_since = case when student = ($5::text is null) then student_since end, departed_to = null
 where log = $1 and person_id = $2
"""


_SUBMITTED: dict[str, Value] = {
    "version": VERSION,
    "place": _profile("place"),
    "employer": _profile("employer"),
    "submitted_at": AT,
}
_COLLECTIONS = ReadModel(
    "collections",
    CollectionSubmitted=insert(
        "collections",
        "collection_id submitted_by",
        person_id=ID,
        state=lambda event: collection.SUBMITTED if event.transfer_id is None else collection.ARRIVING,
        **_SUBMITTED,
    ),
    CollectionResubmitted=update(
        "collections",
        PERSON,
        "submitted_by",
        state=const(collection.SUBMITTED),
        **_SUBMITTED,
        **dict.fromkeys(("decided_at", "decided_by", "reviewed_by", "step", "reason"), NONE),
    ),
    InitialReviewPassed=update(
        "collections",
        PERSON,
        version=VERSION,
        state=const(collection.INITIALLY_PASSED),
        reviewed_by=field("passed_by"),
    ),
    CollectionReturned=[
        decided("collections", "person_id", collection.RETURNED, "returned_by", reason=REASON),
        update("collections", PERSON, "step"),
    ],
    InfoCollected=[
        decided("collections", "person_id", collection.COLLECTED, "approved_by"),
        update("collections", PERSON, step=NONE),
    ],
    ArrivalDropped=update(
        "collections", PERSON, when=field("forgotten"), version=VERSION, state=const(collection.DROPPED)
    ),
    CollectionEnded=decided("collections", "person_id", collection.ENDED, "ended_by", reason=REASON),
    ProfileMerged=update("collections", PERSON, version=VERSION, state=const(collection.MERGED)),
    PersonErased=update("collections", PERSON, version=VERSION, state=const(collection.ERASED)),
)
_FIRST: dict[str, Value] = {"person_id": ID, "version": VERSION, "collected_at": AT, "merged_into": NONE}
_PEOPLE = ReadModel(
    "people",
    # Who was merged by mistake is collected once more.
    InfoCollected=upsert("people", "person_id", "identity_hash", **(_FIRST | FACTS)),
    InfoChanged=update("people", PERSON, "identity_hash", version=VERSION, **FACTS),
    ProfileMoved=[
        update("people", PERSON, when=field("profile"), **FACTS),
        run(_MOVE, ID, VERSION, PLACE, field("employer")),
    ],
    ProfileMerged=update(
        "people", PERSON, version=VERSION, identity_hash=NONE, name_hash=NONE, merged_into=field("person_id")
    ),
    ProfileDeparted=update("people", PERSON, version=VERSION, departed_to=field("to_place")),
    PersonErased=update("people", PERSON, version=VERSION, identity_hash=NONE, name_hash=NONE, erased_at=AT),
)
_ARRIVALS = ReadModel(
    "arrivals",
    ArrivalExpected=insert("arrivals", "transfer_id", person_id=ID),
    ArrivalDropped=delete("arrivals", {"transfer_id": field("transfer_id")}),
)
_COMPLETED = delete("to_complete", PERSON)
_TO_COMPLETE = ReadModel(
    "to_complete",
    ProfileMoved=[
        update("to_complete", PERSON, "place", when=lambda event: not event.arrived, chain=_chain),
        upsert(
            "to_complete",
            "person_id",
            "transfer_id place",
            when=field("arrived"),
            person_id=ID,
            chain=_chain,
            arrived_at=AT,
        ),
    ],
    InfoChanged=delete("to_complete", PERSON, when=lambda event: event.cause != change.REHASH),
    ProfileMerged=_COMPLETED,
    ProfileDeparted=_COMPLETED,
    PersonErased=_COMPLETED,
)


_CHANGES = ReadModel(
    "changes",
    ChangeSubmitted=insert(
        "changes",
        "person_id number items place employer submitted_by",
        change_id=ID,
        version=VERSION,
        submitted_version=VERSION,
        state=const(change.SUBMITTED),
        submitted_at=AT,
    ),
    ChangeResubmitted=update(
        "changes",
        {"change_id": ID},
        "items place employer submitted_by",
        version=VERSION,
        submitted_version=VERSION,
        state=const(change.SUBMITTED),
        submitted_at=AT,
        decided_by=NONE,
        decided_at=NONE,
        reason=NONE,
    ),
    ChangeApproved=decided("changes", "change_id", change.APPROVED, "approved_by"),
    ChangeReturned=decided("changes", "change_id", change.RETURNED, "returned_by", reason=REASON),
    ChangeWithdrawn=decided("changes", "change_id", change.WITHDRAWN, "withdrawn_by"),
    ChangeReversed=update(
        "changes", {"change_id": ID}, "reason", version=VERSION, state=const(change.REVERSED)
    ),
    ProfileMoved=run(
        """
        update changes set place = $3, employer = $4
         where log = $1 and person_id = $2 and state in ('submitted', 'returned')
        """,
        ID,
        PLACE,
        field("employer"),
    ),
)


def _enters(
    kind: Value,
    *,
    case: Value = ID,
    subject: Value,
    place: Value = PLACE,
    by: str,
    step: str = REVIEW,
) -> RowChange:
    """A case goes to the end of the order of its place; whoever submitted it may not be the one who decides it."""
    columns: dict[str, Value] = {
        "case_id": case,
        "kind": kind,
        "step": const(step),
        "place": place,
        "chain": lambda event: list(chain_of(str(place(event)))),
        "subject_id": subject,
        "submitted_by": field(by),
        "submitted_at": AT,
        # A bureau's official may ask for an account at the counter and grant it: the procedure names no second pair of eyes.
        "not_by": lambda event: [] if by == "requested_by" else [getattr(event, by)],
    }
    # What arrives by a transfer was reviewed elsewhere.
    return upsert(
        "worklist", "case_id", when=lambda event: getattr(event, "transfer_id", None) is None, **columns
    )


_CASE = {"case_id": ID}
_LEAVES = delete("worklist", _CASE)
_COLLECTION_OF = {"kind": const(COLLECTION), "subject_id": ID}
_COLLECTION_ENTERS = _enters(
    const(COLLECTION),
    case=field("collection_id"),
    subject=ID,
    place=_profile("place"),
    by="submitted_by",
    step="initial",
)
_COLLECTION_LEAVES = delete("worklist", _COLLECTION_OF)
_CHANGE_ENTERS = _enters(const(CHANGE), subject=field("person_id"), by="submitted_by")
_PERSON_LEAVES = delete("worklist", {"subject_id": ID})
_WORKLIST = ReadModel(
    "worklist",
    CollectionSubmitted=_COLLECTION_ENTERS,
    CollectionResubmitted=_COLLECTION_ENTERS,
    InitialReviewPassed=run(
        """
        update worklist set step = 'final', not_by = not_by || $3::text
         where log = $1 and kind = 'collection' and subject_id = $2
        """,
        ID,
        field("passed_by"),
    ),
    CollectionReturned=_COLLECTION_LEAVES,
    CollectionEnded=_COLLECTION_LEAVES,
    InfoCollected=_COLLECTION_LEAVES,
    ChangeSubmitted=_CHANGE_ENTERS,
    ChangeResubmitted=_CHANGE_ENTERS,
    ChangeApproved=_LEAVES,
    ChangeReturned=_LEAVES,
    ChangeWithdrawn=_LEAVES,
    ProfileMerged=_PERSON_LEAVES,
    ProfileMoved=update("worklist", {"kind": const(CHANGE), "subject_id": ID}, "place", chain=_chain),
    ProfileDeparted=_PERSON_LEAVES,
    PersonErased=_PERSON_LEAVES,
    YearlyDocumentSubmitted=_enters(
        field("kind"), subject=field("organization_id"), place=field("reader"), by="submitted_by"
    ),
    YearlyDocumentResubmitted=update(
        "worklist",
        _CASE,
        "submitted_by",
        step=const(REVIEW),
        submitted_at=AT,
        not_by=lambda event: [event.submitted_by],
    ),
    YearlyDocumentReturned=update("worklist", _CASE, step=const(BACK)),
    YearlyDocumentAccepted=_LEAVES,
    AccountRequested=_enters(const(ACCOUNT), subject=field("organization_id"), by="requested_by"),
    AccountGranted=_LEAVES,
    AccountRefused=_LEAVES,
)
_EXAM_ENROLMENTS = ReadModel(
    "exam_enrolments",
    ExamEnrolmentSet=insert("exam_enrolments", "place from_day until_day set_by", enrolment_id=ID, set_at=AT),
)

MODELS = (
    _COLLECTIONS,
    _PEOPLE,
    DOCUMENTS,
    _CHANGES,
    _WORKLIST,
    _EXAM_ENROLMENTS,
    _ARRIVALS,
    _TO_COMPLETE,
    *ORGANIZATION_MODELS,
)
"""Every read model, in the order in which they are written."""


async def project(conn: Connection, log: str, events: Sequence[Any]) -> None:
    """Write the rows of events that are about to be stored."""
    for model in MODELS:
        await model.apply_decided(conn, log, events)


READ_MODELS = tuple(model.name for model in MODELS)


async def rebuild(
    databases: Databases,
    *,
    models: Sequence[str] = READ_MODELS,
    logs: Sequence[str] = (LOG,),
    progress: NamedProgress = lambda model, log, position, head: None,
) -> list[Rebuilt]:
    """Rebuild the named read models; what each did. LookupError for an unknown name."""
    return await rebuild_named(databases, MODELS, models=models, logs=logs, progress=progress)


async def compare(
    databases: Databases,
    *,
    models: Sequence[str] = READ_MODELS,
    logs: Sequence[str] = (LOG,),
    progress: NamedProgress = lambda model, log, position, head: None,
) -> list[Compared]:
    """Compare the named read models with what the log gives. LookupError for an unknown name."""
    return await compare_named(databases, MODELS, models=models, logs=logs, progress=progress)
