"""待办: one queue over registry, ledger and transfer service, and one case on one page with its decision."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from services.console.pages import Screen
from services.console.screens.cases import KINDS, CaseKind
from services.console.services_client import Answer, RefusedError
from services.console.web import Form, Somebody, Visit, go
from services.console.words import day, moment
from services.kit.clock import local_date
from services.kit.spreadsheets import CSV_TYPE, file_response, write_csv

_READ = 100
"""Of each service's list; more may wait behind it, and the page says so."""
_ROSTERS = 50
_PAGE = 50
_DUE_SOON = timedelta(days=2)
_OF_PEOPLE = frozenset({"collection", "change"})
_NEW = timedelta(hours=24)
_BATCH_MAX = 50
SORTS = ("order", "submitted_at", "due", "place", "kind", "name")
_EXPORTED = ("kind", "name", "tail", "place", "submitted_at", "due")
BUCKETS = ("all", "new", "late", "due_soon", "fast", "mine")

router = APIRouter()
KindName = Annotated[str, Path(pattern="^(" + "|".join(KINDS) + ")$")]
Search = Annotated[str, Query(max_length=40)]
CaseId = Annotated[str, Path(pattern=r"^[0-9a-zA-Z-]{1,64}$")]


@dataclass(frozen=True)
class Entry:
    """One case of the queue, whichever service it waits in."""

    kind: str
    case_id: str
    place: str
    submitted_at: str
    due: str | None = None
    late: bool = False
    fast: bool = False
    held_by: str | None = None
    open: bool = True
    person_id: str | None = None
    name: str = ""
    tail: str = ""
    """The masked name of whom it is about, and the last digits of their number."""
    buckets: set[str] = field(default_factory=set)


async def entries(visit: Visit) -> tuple[list[Entry], bool]:
    """All that waits for this official, and whether more waits than is listed."""
    scopes, place = visit.person.scopes, visit.person.place
    asked = []
    if scopes & {"collection:review", "organization:write", "client:write"}:
        asked.append(_registry(visit))
    if "claim:review" in scopes:
        asked.append(_ledger(visit, "claim", "/v1/claims", place, states=["submitted", "accepted"]))
    if "filing:review" in scopes:
        asked.append(_ledger(visit, "filing", "/v1/filings", place))
        asked.append(_ledger(visit, "roster", "/v1/rosters", place, limit=_ROSTERS))
    if "transfer:review" in scopes:
        asked.append(_transfers(visit))
    found: list[Entry] = []
    more = False
    for some, following in await asyncio.gather(*asked):
        found += some
        more = more or following
    now = visit.parts.clock()
    names = await visit.masked_names(each.person_id for each in found)
    found = [_named(each, names.get(each.person_id or "")) for each in found]
    for each in found:
        each.buckets.update(_buckets(each, now, visit.person.subject))
    return sorted(found, key=lambda each: (not each.fast, each.submitted_at)), more


def _named(entry: Entry, person: Answer) -> Entry:
    if person is None:
        return entry
    return replace(entry, name=person["name"] or "", tail=(person["id_number"] or "")[-4:])


def _buckets(entry: Entry, now: datetime, subject: str) -> set[str]:
    found = {"all"}
    if now - datetime.fromisoformat(entry.submitted_at) <= _NEW:
        found.add("new")
    if entry.late:
        found.add("late")
    elif entry.due is not None and date.fromisoformat(entry.due) <= local_date(now) + _DUE_SOON:
        found.add("due_soon")
    if entry.fast:
        found.add("fast")
    if entry.held_by == subject:
        found.add("mine")
    return found


async def _registry(visit: Visit) -> tuple[list[Entry], bool]:
    answer = await visit.get("registry", "/v1/worklists", limit=_READ)
    found = [
        Entry(
            kind=each["kind"],
            person_id=each["subject_id"] if each["kind"] in _OF_PEOPLE else None,
            case_id=each["case_id"],
            place=each["place"],
            submitted_at=each["submitted_at"],
            due=(each["due"] or {}).get("on"),
            late=bool((each["due"] or {}).get("late")),
            fast=each["lane"] == "fast",
            held_by=each["held_by"],
            open=each["open_to_caller"],
        )
        for each in answer["items"]
    ]
    return found, answer["next"] is not None


async def _ledger(
    visit: Visit,
    kind: str,
    path: str,
    place: str | None,
    states: Sequence[str] | None = None,
    limit: int = _READ,
) -> tuple[list[Entry], bool]:
    answer = await visit.get("ledger", path, place=place, limit=limit, state=states)
    today = local_date(visit.parts.clock()).isoformat()
    found = [
        Entry(
            kind=kind,
            person_id=each.get("person_id"),
            case_id=each[f"{kind}_id"],
            place=each["place"],
            submitted_at=each.get("submitted_at") or each["uploaded_at"],
            due=each.get("due"),
            late=bool(each.get("due") and each["due"] < today),
        )
        for each in answer["items"]
    ]
    return found, answer["next"] is not None


async def _transfers(visit: Visit) -> tuple[list[Entry], bool]:
    answer = await visit.get("transfer", "/v1/transfers", limit=_READ)
    found = [
        Entry(
            kind="transfer",
            person_id=each["person_id"],
            case_id=each["transfer_id"],
            place=each["desk"] or each["to_place"],
            submitted_at=each["requested_at"],
            due=(each["due"] or {}).get("on"),
            late=bool((each["due"] or {}).get("late")),
        )
        for each in answer["items"]
        if each["desk"] is not None
    ]
    return found, answer["next"] is not None


@router.get("/work")
async def queue(
    visit: Somebody,
    bucket: Annotated[str, Query(pattern="^(" + "|".join(BUCKETS) + ")$")] = "all",
    kind: Annotated[str, Query(pattern="^(|" + "|".join(KINDS) + ")$")] = "",
    q: Search = "",
    sort: Annotated[str, Query(pattern="^(" + "|".join(SORTS) + ")$")] = "order",
    page: Annotated[int, Query(ge=1, le=100)] = 1,
    done: Annotated[str, Query(pattern="^[01]?$")] = "",
) -> Response:
    """The queue: counted buckets, one list, filters in the address."""
    return await _queue(visit, bucket, kind, q, sort, page, done=done == "1")


@router.get("/work/export.csv")
async def export(
    visit: Somebody,
    bucket: Annotated[str, Query(pattern="^(" + "|".join(BUCKETS) + ")$")] = "all",
    kind: Annotated[str, Query(pattern="^(|" + "|".join(KINDS) + ")$")] = "",
    q: Search = "",
) -> Response:
    """The queue as it is filtered, as a table to keep: names stay masked."""
    found, _ = await entries(visit)
    t = visit.words
    rows = [
        (t.code("case", each.kind), each.name, each.tail, t.place(each.place), moment(each.submitted_at), day(each.due))
        for each in _filtered(visit, found, bucket, kind, q)
    ]  # fmt: skip
    table = write_csv([t(f"work.columns.{name}") for name in _EXPORTED], rows)
    return file_response(table, CSV_TYPE, "work.csv")


def _filtered(visit: Visit, found: Sequence[Entry], bucket: str, kind: str, q: str) -> list[Entry]:
    """Those of a bucket and kind in which the words are found: in name, last digits or place."""
    wanted = q.strip()
    return [
        each
        for each in found
        if bucket in each.buckets
        and kind in ("", each.kind)
        and (not wanted or wanted in (each.name, each.tail) or wanted in visit.words.place(each.place))
    ]


async def _queue(
    visit: Visit,
    bucket: str = "all",
    kind: str = "",
    q: str = "",
    sort: str = "order",
    page: int = 1,
    *,
    done: bool = False,
    outcomes: Sequence[Answer] = (),
) -> Response:
    found, more = await entries(visit)
    counts = {each: sum(each in entry.buckets for entry in found) for each in BUCKETS}
    shown = _filtered(visit, found, bucket, kind, q)
    if sort != "order":
        shown.sort(key=lambda each: str(getattr(each, sort) or "~"))
    return visit.page(
        "work.html",
        personal=True,
        entries=shown[(page - 1) * _PAGE : page * _PAGE],
        total=len(shown),
        first=(page - 1) * _PAGE,
        page=page,
        pages=-(-len(shown) // _PAGE),
        q=q,
        sort=sort,
        counts=counts,
        bucket=bucket,
        kind=kind,
        kinds=[each for each in KINDS if any(entry.kind == each for entry in found)],
        more=more,
        done=done,
        outcomes=outcomes,
        address=visit.address,
    )


@router.post("/work/batch")
async def batch(visit: Somebody, form: Form) -> Response:
    """Several cases decided alike, an outcome for each; what cannot be decided so is left as it is."""
    chosen = form.get("case", "").split()[:_BATCH_MAX]
    outcomes = [await _decide_one(visit, each, form) for each in chosen]
    return await _queue(visit, outcomes=outcomes)


async def _decide_one(visit: Visit, chosen: str, form: Mapping[str, str]) -> Answer:
    name, _, case_id = chosen.partition("/")
    kind = KINDS.get(name)
    told: dict[str, object] = {"kind": name, "case_id": case_id, "refused": None, "done": False}
    if kind is None or not case_id.replace("-", "").isalnum():
        return told
    try:
        case = await visit.get(kind.service, f"{kind.path}/{case_id}")
        fitting = [each for each in kind.open_decisions(case) if each.passes == (form.get("as") == "pass")]
        if fitting:
            path = f"{kind.path}/{case_id}/{fitting[0].path}"
            body = fitting[0].body({"reason": "other", "words": form.get("words", "")})
            await visit.post(kind.service, path, body, key=f"{form.get('key', '')}-{case_id}")
            told["done"] = True
    except RefusedError as refused:
        told["refused"] = refused
    return told


@router.get("/work/evidence/{evidence_id}")
async def evidence(evidence_id: CaseId, visit: Somebody) -> Response:
    """A file that a case names, inert: nothing in it runs, and no page of ours is open to it."""
    return await visit.inert_file("registry", f"/v1/evidence/{evidence_id}")


@router.get("/work/{name}/{case_id}")
async def one_case(name: KindName, case_id: CaseId, visit: Somebody) -> Response:
    """One case on one page."""
    return await _case(visit, KINDS[name], case_id)


async def _case(visit: Visit, kind: CaseKind, case_id: str, refused: RefusedError | None = None) -> Response:
    case = await visit.get(kind.service, f"{kind.path}/{case_id}")
    person = await _person(visit, case.get("person_id"))
    return visit.page(
        "case.html",
        status=200 if refused is None else refused.status,
        personal=True,
        kind=kind,
        case=case,
        case_id=case_id,
        person_shown=person,
        decisions=kind.open_decisions(case),
        history=_history(case),
        refused=refused,
        in_registry=kind.service == "registry",
    )


async def _person(visit: Visit, person_id: str | None) -> Answer:
    """Whom the case is about, masked; nobody where the registry does not show them to this official."""
    if person_id is None or not visit.person.scopes & {"collection:review", "collection:submit"}:
        return None
    try:
        return await visit.get("registry", f"/v1/persons/{person_id}")
    except RefusedError:
        return None


def _history(case: Answer) -> list[tuple[str, str, str | None]]:
    """What happened, when, and why, in order: moment, key of the words, code of the reason."""
    found = [
        (case[name], name, None)
        for name in ("submitted_at", "uploaded_at", "requested_at", "collected_at")
        if case.get(name)
    ]
    if case.get("initial_review"):
        found.append((case["initial_review"]["at"], "passed_initially", None))
    found += [(each["at"], "returned", each["reason"]) for each in case.get("returns") or ()]
    found += [(each["at"], f"transfer_{each['state']}", each["reason"]) for each in case.get("steps") or ()]
    if case.get("decided_at"):
        found.append((case["decided_at"], "decided_at", case.get("reason")))
    return sorted(found, key=lambda each: each[0])


@router.post("/work/{name}/{case_id}/hold")
async def hold(name: KindName, case_id: CaseId, visit: Somebody, form: Form) -> Response:
    """Take a case for half an hour, or give it back."""
    step = "release" if form.get("release") else "claim"
    await visit.post("registry", f"/v1/worklists/cases/{case_id}/{step}", key=form.get("key"))
    return go(f"/work/{name}/{case_id}")


@router.post("/work/{name}/{case_id}/{decision}")
async def decide(name: KindName, case_id: CaseId, decision: str, visit: Somebody, form: Form) -> Response:
    """Decide a case, and go on to the next one."""
    kind = KINDS[name]
    wanted = next((each for each in kind.decisions if each.key == decision), None)
    if wanted is None:
        return go(f"/work/{name}/{case_id}")
    try:
        await visit.post(
            kind.service, f"{kind.path}/{case_id}/{wanted.path}", wanted.body(form), form.get("key")
        )
    except RefusedError as refused:
        return await _case(visit, kind, case_id, refused)
    waiting, _ = await entries(visit)
    following = next(
        (each for each in waiting if each.kind == name and each.open and each.case_id != case_id), None
    )
    return go(f"/work/{following.kind}/{following.case_id}" if following else "/work?done=1")


SCREEN = Screen(
    key="work",
    path="/work",
    router=router,
    scopes=frozenset({"collection:review", "claim:review", "filing:review", "transfer:review"}),
    shown=lambda person: person.place is not None,
)
