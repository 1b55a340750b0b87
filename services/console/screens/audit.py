"""查阅记录: who read whose data, what for and with which result, filtered and kept as a table."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from services.console.pages import Screen
from services.console.services_client import Answer
from services.console.web import Somebody, Visit
from services.console.words import moment
from services.kit.spreadsheets import CSV_TYPE, file_response, write_csv

SERVICES = ("registry", "ledger", "transfer")
KINDS = (
    "person", "person-in-full", "collection", "change", "evidence", "identity-check", "identity-for-delivery", "compliance",
    "transcript", "claim", "claims", "roster", "rosters", "unit", "worklist", "attestation", "attestation-check", "transfer",
    "transfers", "anomalies", "recognitions", "archive", "audit",
)  # fmt: skip
_PAGE, _EXPORT_MAX = 50, 2_000
_COLUMNS = ("at", "caller", "kind", "people", "purpose", "result")
_MIDNIGHT = "T00:00:00+08:00"

router = APIRouter()
Service = Annotated[str, Query(pattern="^(" + "|".join(SERVICES) + ")$")]
Kind = Annotated[str, Query(pattern="^(|" + "|".join(KINDS) + ")$")]
Caller = Annotated[str, Query(pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]{0,99})?$")]
Day = Annotated[str, Query(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]


class Filter(NamedTuple):
    """A service and the readings of it that are asked for, as they stand in the address; empty where all are."""

    service: Service = "registry"
    kind: Kind = ""
    caller: Caller = ""
    since: Day = ""
    until: Day = ""


Chosen = Annotated[Filter, Depends(Filter)]


async def _read(visit: Visit, chosen: Filter, after: str | None, limit: int) -> Answer:
    told = {name: day and day + _MIDNIGHT for name, day in (("since", chosen.since), ("until", chosen.until))}
    asked = {"kind": chosen.kind, "caller": chosen.caller, "after": after, "limit": limit, **told}
    return await visit.get(chosen.service, "/v1/audit", **asked)


@router.get("/audit")
async def audit(
    visit: Somebody,
    chosen: Chosen,
    after: Annotated[str, Query(pattern="^([0-9a-f]{32})?$")] = "",
) -> Response:
    """The newest readings of people of the place; reading this is put on record too."""
    answer = await _read(visit, chosen, after, _PAGE)
    return visit.page(
        "audit.html",
        personal=True,
        rows=[(each, _told(visit, each)) for each in answer["items"]],
        following=answer["next"],
        services=SERVICES,
        kinds=KINDS,
        columns=_COLUMNS,
        chosen=chosen._asdict(),
        address=visit.address,
    )


@router.get("/audit/export.csv")
async def export(
    visit: Somebody,
    chosen: Chosen,
) -> Response:
    """The same as a table to keep."""
    found, after = list[Answer](), None
    while len(found) < _EXPORT_MAX:
        answer = await _read(visit, chosen, after, 100)
        found, after = found + answer["items"], answer["next"]
        if after is None:
            break
    table = write_csv(
        [visit.words(f"audit.columns.{each}") for each in _COLUMNS], [_told(visit, each) for each in found]
    )
    return file_response(table, CSV_TYPE, "audit.csv")


def _told(visit: Visit, record: Answer) -> tuple[str, ...]:
    """A record in words; somebody who reads what is their own is not named."""
    t, caller = visit.words, record["caller"]
    return (
        moment(record["at"]),
        t("audit.themselves") if caller in record["subjects"] else caller,
        t.code("reading", record["kind"]),
        str(record["count"]),
        t.code("disclosure", record["purpose"]),
        t.code("reading_result", "shown" if record["result"] == "shown" else "refused"),
    )


SCREEN = Screen(
    key="audit",
    path="/audit",
    router=router,
    scopes=frozenset({"audit:read"}),
    shown=lambda person: person.place is not None,
)
