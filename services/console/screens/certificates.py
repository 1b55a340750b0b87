"""证明与验证: a professional's learning certificate, to print, and the public page on which anybody verifies one."""

from typing import Annotated, Literal
from urllib.parse import urlencode

import segno
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from services.console.documents import Document
from services.console.pages import Screen
from services.console.services_client import Answer, RefusedError
from services.console.web import Anybody, Form, Somebody, Visit, go, public_form
from services.console.words import day, moment
from services.kit.clock import local_date

REFERENCE = r"^[1-9][0-9]{5}-[0-9a-f]{24}$"
PURPOSES = (
    "annual", "exam_entry", "title_review", "appointment", "evaluation", "award", "promotion", "talent_selection",
)  # fmt: skip
_YEARS_BACK = 6

router = APIRouter()
Reference = Annotated[str, Path(pattern=REFERENCE)]
Verdict = Literal["valid", "replaced", "revoked", "unknown", "busy"]


@router.get("/certificates")
async def choose(visit: Somebody) -> Response:
    """The year and the purpose of a certificate, and a reference to print one again."""
    if visit.person.person_id is None:
        return visit.page("not_collected.html", personal=True)
    return _choose(visit)


def _choose(visit: Visit, refused: RefusedError | None = None) -> Response:
    current = local_date(visit.parts.clock()).year
    return visit.page(
        "certificates.html",
        status=refused.status if refused else 200,
        years=range(current, current - _YEARS_BACK, -1),
        purposes=PURPOSES,
        refused=refused,
        personal=True,
    )


@router.post("/certificates")
async def issue(visit: Somebody, form: Form) -> Response:
    """Have one's own year attested, and show the certificate."""
    year = form.get("year", "")
    body = {
        "person_id": visit.person.person_id,
        "year": int(year) if year.isascii() and year.isdigit() else 0,
        "purpose": form.get("purpose", ""),
    }
    try:
        answer = await visit.post("ledger", "/v1/attestations", body, form.get("key"))
    except RefusedError as refused:
        return _choose(visit, refused)
    return go(f"/certificates/{answer['reference']}")


@router.get("/certificates/{reference}")
async def certificate(reference: Reference, visit: Somebody) -> Response:
    """The certificate, to print on A4."""
    statement = await visit.get("ledger", f"/v1/attestations/{reference}")
    address = _address(visit, reference)
    return visit.page(
        "certificate.html",
        statement=statement,
        holder=_holder(visit, statement),
        verify_address=address,
        code=_code(address, svgclass="qr", dark="#1b1f24"),
        personal=True,
    )


@router.get("/certificates/{reference}/certificate.pdf")
async def certificate_pdf(reference: Reference, visit: Somebody) -> Response:
    """The same as a file to keep: PDF/A, the same bytes whenever it is asked for while nothing has changed."""
    statement = await visit.get("ledger", f"/v1/attestations/{reference}")
    t, address, holder = visit.words, _address(visit, reference), _holder(visit, statement)
    chinese = visit.language == "zh"
    facts = [
        *([(t("certificates.holder"), holder)] if holder else []),
        (t("certificates.reference"), reference),
        (t("certificates.authority"), statement["authority_name" if chinese else "authority_name_en"]),
        (t("certificates.issued"), moment(statement["issued_at"])),
        *([(t("facts.clause"), statement["clause"])] if statement["clause"] else []),
        (t("certificates.kept"), t("certificates.position", position=statement["position"])),
    ]
    told = "revoked" if statement["revoked_at"] else "replaced" if not statement["still_holds"] else None
    document = Document(
        language=visit.language,
        on=day(moment(statement["issued_at"])),
        title=t("certificates.title"),
        lead=t.own(statement, "text"),
        facts=facts,
        foot=reference,
        warning=t(f"certificates.{told}") if told else "",
        code=_code(address),
        how=t("certificates.how"),
        address=address,
    )
    return await visit.pdf(document, f"{reference}.pdf")


def _address(visit: Visit, reference: str) -> str:
    """Where anybody verifies it."""
    return f"{visit.parts.settings.console_url}/verify?{urlencode({'reference': reference})}"


def _code(address: str, **drawn: str) -> str:
    return segno.make(address, error="m").svg_inline(scale=4, lineclass=None, **drawn)


def _holder(visit: Visit, statement: Answer) -> str | None:
    """The name of whom it is about, which only their own session knows."""
    return visit.person.name if visit.person.person_id == statement["person_id"] else None


@router.get("/verify")
async def verification(visit: Anybody, reference: Annotated[str, Query(max_length=60)] = "") -> Response:
    """The public page: a reference and the last four characters, without signing in."""
    return visit.page("verify.html", reference=reference, verdict=None)


@router.post("/verify")
async def verify(request: Request, visit: Anybody) -> Response:
    """One word about a reference, and nothing more."""
    form = await public_form(request)
    reference, last_four = form.get("reference", ""), form.get("last_four", "")
    verdict: Verdict = "unknown"
    try:
        body = {"reference": reference, "last_four": last_four}
        verdict = (await visit.ask_openly("ledger", "/v1/attestations/verification", body))["state"]
    except RefusedError as refused:
        verdict = "busy" if refused.status == 429 else "unknown"
    return visit.page("verify.html", reference=reference, verdict=verdict)


SCREEN = Screen(
    key="certificates",
    path="/certificates",
    router=router,
    scopes=frozenset({"attestation:own"}),
)
