"""通知: notices with their versions, the words of each beside its rules, an editor that checks as one types, trials with
progress, and publishing by a second person."""

from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from services.console.pages import Screen
from services.console.services_client import Answer, RefusedError
from services.console.web import Form, Somebody, Visit, go

KINDS = ("difference", "simulation", "scenarios")
_SKELETON = FilePath(__file__).parents[1] / "templates" / "notice_skeleton.yaml"

router = APIRouter()
Place = Annotated[str, Path(pattern=r"^[1-9][0-9]{5}$")]
NoticeId = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{2,59}$")]
TrialId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]


@router.get("/notices")
async def notices(
    visit: Somebody, place: Annotated[str, Query(pattern=r"^([1-9][0-9]{5})?$")] = ""
) -> Response:
    """The notices that reach a place or lie under it, and the drafts that wait."""
    where = place or visit.person.place or "100000"
    answer = await visit.get("ledger", "/v1/policies", place=where)
    return visit.page("notices.html", answer=answer, place=where, address=visit.address)


@router.get("/notices/edit")
async def new_notice(visit: Somebody) -> Response:
    """The editor, with the skeleton of a notice of the official's place."""
    place = visit.person.place or "100000"
    skeleton = _SKELETON.read_text(encoding="utf-8")
    year = str(visit.parts.clock().year)
    return await _editor(visit, skeleton.replace("PLACE", place).replace("YEAR", year))


@router.get("/notices/edit/{place}/{notice_id}")
async def edit_notice(visit: Somebody, place: Place, notice_id: NoticeId) -> Response:
    """The editor, with the draft of a notice, or with its latest version where none waits."""
    try:
        found = await visit.get("ledger", f"/v1/policies/{place}/drafts/{notice_id}")
    except RefusedError as refused:
        if refused.status != 404:
            raise
        found = await visit.get("ledger", f"/v1/policies/{place}/notices/{notice_id}")
    return await _editor(visit, found["text"])


@router.post("/notices/edit")
async def edited(visit: Somebody, form: Form) -> Response:
    """What is done with the text: it is checked, tried, or drafted for another official to publish."""
    text, scenarios = _lines(form.get("text", "")), _lines(form.get("scenarios", ""))
    act = form.get("act", "check")
    try:
        if act == "draft":
            drafted = await visit.post("ledger", "/v1/policies", {"text": text}, form.get("key"))
            kind = "drafts/" if drafted["state"] == "drafted" else ""
            return go(f"/notices/{kind}{drafted['place']}/{drafted['id']}")
        if act in KINDS:
            return await _try(visit, text, act, scenarios, form.get("key"))
    except RefusedError as refused:
        return await _editor(visit, text, scenarios, refused)
    return await _editor(visit, text, scenarios)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


async def _try(visit: Visit, text: str, kind: str, scenarios: str, key: str | None) -> Response:
    body = {"text": text, "kind": kind} | ({"scenarios": scenarios} if kind == "scenarios" else {})
    trial = await visit.post("ledger", "/v1/policy-trials", body, key)
    return go(f"/notices/trials/{trial['trial_id']}")


async def _editor(
    visit: Visit, text: str, scenarios: str = "", refused: RefusedError | None = None
) -> Response:
    check = await visit.post("ledger", "/v1/policies/check", {"text": text})
    return visit.page(
        "notice_editor.html",
        status=200 if refused is None else refused.status,
        text=text,
        scenarios=scenarios,
        check=check,
        refused=refused,
        kinds=KINDS,
    )


@router.get("/notices/drafts/{place}/{notice_id}")
async def draft(visit: Somebody, place: Place, notice_id: NoticeId) -> Response:
    """A draft that waits: what it says and means, what it replaces, and the button that publishes it."""
    return await _draft(visit, place, notice_id)


async def _draft(visit: Visit, place: str, notice_id: str, refused: RefusedError | None = None) -> Response:
    found = await visit.get("ledger", f"/v1/policies/{place}/drafts/{notice_id}")
    check = await visit.post("ledger", "/v1/policies/check", {"text": found["text"]})
    return visit.page(
        "notice_draft.html",
        status=200 if refused is None else refused.status,
        draft=found,
        check=check,
        refused=refused,
        kinds=KINDS[:2],
    )


@router.post("/notices/drafts/{place}/{notice_id}")
async def act_on_draft(visit: Somebody, form: Form, place: Place, notice_id: NoticeId) -> Response:
    """Publish the draft that was looked at, or try it."""
    try:
        if form.get("act") in KINDS:
            found = await visit.get("ledger", f"/v1/policies/{place}/drafts/{notice_id}")
            return await _try(visit, found["text"], form["act"], "", form.get("key"))
        path = f"/v1/policies/{place}/notices/{notice_id}/publication"
        await visit.post("ledger", path, {"notice_hash": form.get("hash", "")}, form.get("key"))
    except RefusedError as refused:
        if refused.status == 404:
            raise
        return await _draft(visit, place, notice_id, refused)
    return go(f"/notices/{place}/{notice_id}")


@router.get("/notices/trials/{trial_id}")
async def trial(visit: Somebody, trial_id: TrialId) -> Response:
    """How far a trial has come, and what it found."""
    found: Answer = await visit.get("ledger", f"/v1/policy-trials/{trial_id}")
    return visit.page("notice_trial.html", trial=found)


@router.post("/notices/trials/{trial_id}")
async def cancel_trial(visit: Somebody, form: Form, trial_id: TrialId) -> Response:
    """Give a trial up."""
    await visit.post("ledger", f"/v1/policy-trials/{trial_id}/cancellation", key=form.get("key"))
    return go(f"/notices/trials/{trial_id}")


@router.get("/notices/{place}/{notice_id}")
async def notice(
    visit: Somebody,
    place: Place,
    notice_id: NoticeId,
    version: Annotated[int | None, Query(ge=1, le=10_000)] = None,
) -> Response:
    """One version of a notice: its words, its rules beside them, and what they mean."""
    found = await visit.get("ledger", f"/v1/policies/{place}/notices/{notice_id}", version=version)
    return visit.page("notice.html", notice=found, address=visit.address)


SCREEN = Screen(
    key="notices",
    path="/notices",
    router=router,
    scopes=frozenset({"policy:write"}),
    shown=lambda person: person.place is not None,
)
