"""学分申请: a claim of credits for oneself or for somebody of one's unit, what it comes to shown before it is handed in."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from services.console.pages import Screen
from services.console.services_client import Answer, RefusedError
from services.console.web import Form, Somebody, Upload, Uploaded, Visit, go
from services.kit.clock import local_date

_PAGE = 50
_EVIDENCE_MAX = 20
_YEARS = 4
ROLES = ("sole", "first", "lead", "other")
CATEGORIES = ("professional", "public")
_TEXTS = (
    "happened_on",
    "result_on",
    "document_on",
    "score",
    "sat_in",
    "role",
    "quantity",
    "mode",
    "category",
)
_STUDY = "study"
OPEN = frozenset({"submitted", "returned"})

router = APIRouter()
ClaimId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
PersonId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
Asked = Annotated[str, Query(max_length=64, pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]{0,63})?$")]
FormName = Annotated[str, Query(max_length=60, pattern=r"^([a-z][a-z0-9_]{0,59})?$")]
Year = Annotated[int | None, Query(ge=2000, le=2100)]


@router.get("/claims")
async def claims(visit: Somebody, after: Annotated[str, Query(max_length=100)] = "") -> Response:
    """One's own claims, or those that the unit handed in; what came back for correction first."""
    if visit.person.organization_id is None and visit.person.person_id is None:
        return visit.page("not_collected.html", personal=True)
    answer = await visit.get("ledger", "/v1/claims", after=after, limit=_PAGE)
    items = sorted(answer["items"], key=lambda each: each["submitted_at"], reverse=True)
    return visit.page(
        "claims.html",
        personal=True,
        returned=[each for each in items if each["state"] == "returned"],
        claims=items,
        following=answer["next"],
        address=visit.address,
    )


@router.get("/claims/new")
async def new_claim(visit: Somebody, person: Asked = "", year: Year = None, form: FormName = "") -> Response:
    """The form: first the year and what is claimed, then what the policy asks of it."""
    said = {"year": str(year or local_date(visit.parts.clock()).year), "form": form}
    return await _form(visit, person, said)


@router.post("/claims/new")
async def submit_claim(visit: Somebody, upload: Uploaded, person: Asked = "") -> Response:
    """Show what the claim would come to, and hand it in when that was seen."""
    return await _take(visit, person, upload)


@router.get("/claims/{claim_id}/amendment")
async def correct_claim(claim_id: ClaimId, visit: Somebody) -> Response:
    """A claim that may still be changed, to be corrected: the form says what was claimed."""
    claim = await visit.get("ledger", f"/v1/claims/{claim_id}")
    return await _form(visit, claim["person_id"], _said(claim), claim=claim)


@router.post("/claims/{claim_id}/amendment")
async def amend_claim(claim_id: ClaimId, visit: Somebody, upload: Uploaded) -> Response:
    """Show what the corrected claim would come to, and hand it in again."""
    claim = await visit.get("ledger", f"/v1/claims/{claim_id}")
    return await _take(visit, claim["person_id"], upload, claim)


@router.get("/claims/{claim_id}")
async def one_claim(claim_id: ClaimId, visit: Somebody) -> Response:
    """Where a claim stands, and why."""
    claim = await visit.get("ledger", f"/v1/claims/{claim_id}")
    return visit.page("claim.html", personal=True, claim=claim, may_change=claim["state"] in OPEN)


@router.post("/claims/{claim_id}/withdrawal")
async def withdraw_claim(claim_id: ClaimId, visit: Somebody, form: Form) -> Response:
    """Take a claim back before it is decided."""
    await visit.post("ledger", f"/v1/claims/{claim_id}/withdrawal", key=form.get("key"))
    return go(f"/claims/{claim_id}")


@router.get("/claims/evidence/{person_id}/{sha256}")
async def evidence(
    person_id: PersonId, sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")], visit: Somebody
) -> Response:
    """A file that proves a claim, inert."""
    return await visit.inert_file("registry", f"/v1/persons/{person_id}/evidence/{sha256}")


async def _take(visit: Visit, person: str, upload: Upload, claim: Answer = None) -> Response:
    said, key = dict(upload.fields), upload.fields.get("key")
    person_id = person or visit.person.person_id or ""
    try:
        if upload.content:
            kept = await visit.upload("registry", "/v1/evidence", upload, person_id=person_id)
            proof = f"{kept['sha256']}:{kept['media_type']}"
            said["evidence"] = "\n".join([*said.get("evidence", "").split(), proof])
        body = _body(person_id, said)
        if said.get("as") != "submit":
            changed = {"claim_id": claim["claim_id"]} if claim is not None else {}
            conversion = await visit.post("ledger", "/v1/claim-conversions", body, **changed)
            return await _form(visit, person, said, claim=claim, conversion=conversion)
        if claim is not None:
            await visit.post("ledger", f"/v1/claims/{claim['claim_id']}/amendment", body, key)
            return go(f"/claims/{claim['claim_id']}")
        answer = await visit.post("ledger", "/v1/claims", body, key)
    except RefusedError as refused:
        return await _form(visit, person, said, claim=claim, refused=refused)
    return go(f"/claims/{answer['claim_id']}")


async def _form(
    visit: Visit,
    person: str,
    said: Mapping[str, str],
    *,
    claim: Answer = None,
    conversion: Answer = None,
    refused: RefusedError | None = None,
) -> Response:
    person_id = person or visit.person.person_id
    if person_id is None:
        return visit.page("not_collected.html", personal=True)
    year = said["year"] if said.get("year", "").isdigit() else str(local_date(visit.parts.clock()).year)
    forms = (await visit.get("ledger", "/v1/claims/forms", person_id=person_id, year=year))["items"]
    current = local_date(visit.parts.clock()).year
    return visit.page(
        "claim_form.html",
        status=200 if refused is None else refused.status,
        personal=True,
        action="/claims/new" if claim is None else f"/claims/{claim['claim_id']}/amendment",
        claim=claim,
        chosen=person,
        subject_id=person_id,
        said=said,
        year=year,
        years=[str(each) for each in range(current, current - _YEARS, -1)],
        forms=forms,
        form=next((each for each in forms if each["form"] == said.get("form")), None),
        proofs=_proofs(said),
        roles=ROLES,
        categories=CATEGORIES,
        conversion=conversion,
        refused=refused,
    )


def _proofs(said: Mapping[str, str]) -> list[dict[str, str]]:
    """The files handed in so far: the browser brings them back by hash and type."""
    told = [each.partition(":") for each in said.get("evidence", "").split()][:_EVIDENCE_MAX]
    return [{"sha256": digest, "media_type": media_type} for digest, _, media_type in told]


def _body(person_id: str, said: Mapping[str, str]) -> dict[str, object]:
    """The body for what the form says; what was left empty is left out."""
    body: dict[str, object] = {name: said[name] for name in _TEXTS if said.get(name)}
    if said.get("form") != _STUDY:
        body.pop("mode", None)
        body.pop("category", None)
    year = said.get("year", "")
    facts = {
        name.removeprefix("fact_"): text for name, text in said.items() if name.startswith("fact_") and text
    }
    return body | {
        "person_id": person_id,
        "year": int(year) if year.isascii() and year.isdigit() else year,
        "form": said.get("form", ""),
        "special_reason": bool(said.get("special_reason")),
        "fact": facts,
        "evidence": _proofs(said),
    }


def _said(claim: Answer) -> dict[str, str]:
    """The fields of the form for a claim; what tells its fact from another is not kept in words."""
    shown = {name: claim.get(name) for name in (*_TEXTS, "year", "form")} | {"category": claim["studied"]}
    said = {name: str(value) for name, value in shown.items() if value is not None}
    proofs = [f"{each['sha256']}:{each['media_type']}" for each in claim["evidence"]]
    return said | {"evidence": "\n".join(proofs), "special_reason": "1" if claim["special_reason"] else ""}


SCREEN = Screen(
    key="claims",
    path="/claims",
    router=router,
    scopes=frozenset({"claim:submit"}),
    shown=lambda person: (
        person.place is None and (person.organization_id is None or "employee:read" in person.scopes)
    ),
)
