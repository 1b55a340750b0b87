"""人员: a person found by number and name, and everything the services say of them; in full for a stated purpose alone."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.console.pages import Screen
from services.console.services_client import Answer, RefusedError
from services.console.web import Form, Somebody, Visit, go
from services.kit.clock import local_date

PURPOSES = ("case_review", "identity_verification", "complaint", "inspection", "legal_request", "correction")
ID_TYPES = ("resident_id", "hk_macau_permit", "taiwan_permit", "passport", "officer_card")
_YEARS = 5
_CREDIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")

_HARDSHIPS = ("illness", "childbirth", "abroad", "disaster", "seconded", "other")
_ENDS = ("returned_to_work", "reason_ceased", "granted_in_error", "withdrawn_by_person", "other")
CATEGORIES = ("professional", "public")
MODES = ("online", "face_to_face", "other")


@dataclass(frozen=True)
class Act:
    """What an official may decide about a person's year: the path below the person, the scope, the codes of the reason, and
    the other fields of the form, each with its kind and whether it must be filled in."""

    key: str
    path: str
    scope: str
    reasons: tuple[str, ...]
    fields: tuple[tuple[str, str, bool], ...] = ()


_GRANT, _UNTIL = "exemption:write", ("until", "date", False)
ACTS = (
    Act(
        "exemption", "exemptions", _GRANT,
        ("illness", "childbirth", "abroad", "age", "retired", "left_accounting", "disaster", "seconded", "other"),
        (_UNTIL,),
    ),
    Act("deferral", "deferrals", _GRANT, _HARDSHIPS, (("until", "date", True),)),
    Act("special_reason", "special-reasons", _GRANT, _HARDSHIPS),
    Act("exemption_end", "exemptions/end", _GRANT, _ENDS, (_UNTIL,)),
    Act("deferral_end", "deferrals/end", _GRANT, _ENDS, (_UNTIL,)),
    Act("special_reason_end", "special-reasons/end", _GRANT, _ENDS),
    Act(
        "correction", "corrections", "credit:correct",
        ("handed_in_before_close", "reported_late", "wrong_record", "objection_upheld", "other"),
        (
            ("category", "category", True), ("credits", "text", True), ("mode", "mode", True),
            ("completed_on", "date", True), ("reference", "text", True),
        ),
    ),
    Act(
        "revocation", "credits/{credit}/revocation", "credit:revoke",
        ("cheating", "proxy_study", "wrong_record", "wrong_person", "false_proof", "duplicate", "provider_disqualified"),
        (("credit", "credit", True),),
    ),
)  # fmt: skip

router = APIRouter()
PersonId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]


@router.get("/people")
async def search(visit: Somebody) -> Response:
    """A person is looked for by number and name, never in an address: whoever knows one alone is told nothing."""
    return _search(visit)


def _search(visit: Visit, *, refused: RefusedError | None = None, missed: bool = False) -> Response:
    status = refused.status if refused else 200
    return visit.page("people.html", status=status, id_types=ID_TYPES, refused=refused, missed=missed)


@router.post("/people")
async def found(visit: Somebody, form: Form) -> Response:
    """The person of a number and a name, or that nobody of this place has them."""
    identity = {"id_type": form.get("id_type", ""), "id_number": form.get("id_number", "")}
    identity["name"] = form.get("name", "")
    body = {"year": local_date(visit.parts.clock()).year, "identities": [identity]}
    try:
        answer = await visit.post("ledger", "/v1/compliance/query", body)
    except RefusedError as refused:
        return _search(visit, refused=refused)
    result = answer["results"][0]
    return _search(visit, missed=True) if result is None else go(f"/people/{result['person_id']}")


@router.get("/people/{person_id}")
async def person(person_id: PersonId, visit: Somebody) -> Response:
    """Years with status and reasons, credits with route, what waits, reliefs, moves."""
    return await _person(visit, person_id)


async def _person(
    visit: Visit,
    person_id: str,
    shown: Answer = None,
    *,
    refused: RefusedError | None = None,
    said: Mapping[str, str] | None = None,
) -> Response:
    path, current = f"/v1/persons/{person_id}", local_date(visit.parts.clock()).year
    years = range(current, current - _YEARS, -1)
    masked, transcript, moves, *answers = await asyncio.gather(
        _optional(visit, "registry", path),
        visit.get("ledger", f"{path}/transcript"),
        _optional(visit, "transfer", f"{path}/transfers"),
        *(visit.get("ledger", f"{path}/compliance/{year}") for year in years),
    )
    return visit.page(
        "person.html",
        status=200 if refused is None else refused.status,
        personal=True,
        acts=[each for each in ACTS if each.scope in visit.person.scopes],
        standing=[each for each in transcript["credits"] if each["state"] == "registered"],
        refused=refused,
        said=said or {},
        current=current,
        categories=CATEGORIES,
        modes=MODES,
        person_id=person_id,
        masked=masked,
        shown=shown,
        transcript=transcript,
        moves=(moves or {"items": []})["items"],
        answers=answers,
        purposes=PURPOSES if "person:unmask" in visit.person.scopes else (),
    )


async def _optional(visit: Visit, service: str, path: str) -> Answer:
    """What a service shows, or nothing where it does not show it to this official."""
    try:
        return await visit.get(service, path)
    except RefusedError:
        return None


@router.post("/people/{person_id}/show")
async def show(person_id: PersonId, visit: Somebody, form: Form) -> Response:
    """Name and number in full, for a purpose; the registry puts it on record before it answers."""
    body = {"purpose": form.get("purpose", "")}
    return await _person(
        visit, person_id, await visit.post("registry", f"/v1/persons/{person_id}/disclosure", body)
    )


@router.post("/people/{person_id}/acts/{key}")
async def decide(
    person_id: PersonId, key: Annotated[str, Path(pattern=r"^[a-z_]{1,30}$")], visit: Somebody, form: Form
) -> Response:
    """Decide about a person's year; what is wrong with it is said beside what was written."""
    act = next((each for each in ACTS if each.key == key), None)
    if act is None:
        raise HTTPException(404)
    year, credit = form.get("year", ""), form.get("credit", "")
    body: dict[str, object] = {
        name: form[name] for name, _, _ in act.fields if name != "credit" and form.get(name)
    }
    body |= {
        "year": int(year) if year.isascii() and year.isdigit() else year,
        "reason": form.get("reason", ""),
    }
    if not _CREDIT.fullmatch(credit or "none"):
        raise HTTPException(404)
    try:
        path = f"/v1/persons/{person_id}/{act.path.format(credit=credit)}"
        await visit.post("ledger", path, body, form.get("key"))
    except RefusedError as refused:
        return await _person(visit, person_id, refused=refused, said=dict(form) | {"act": key})
    return go(f"/people/{person_id}")


SCREEN = Screen(
    key="people",
    path="/people",
    router=router,
    scopes=frozenset({"transcript:read"}),
    shown=lambda person: person.place is not None,
)
