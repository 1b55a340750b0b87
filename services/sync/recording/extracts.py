"""The ledger's extract of a closed year, read page by page, and what the credit archive is told of each line (S2A-08)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from contracts.targets import content_of
from services.sync.recording.subjects import year_subject
from services.sync.targets import Target

_PAGE = 200
_NOT_CLOSED = frozenset({"urn:xuefen:problem:year-not-closed", "urn:xuefen:problem:policy-absent"})
"""What the ledger says of a year that is open, and of one that no notice governs and nobody could close."""


class ExtractUnavailableError(Exception):
    """The ledger does not give its extract now."""


class YearNotClosedError(ExtractUnavailableError):
    """The year is not closed at that place: there is no extract of it."""

    def __init__(self, place: str, year: int) -> None:
        super().__init__(f"{year} is not closed at {place}")
        self.place = place
        self.year = year


class ExtractPage(Struct, frozen=True):
    """A page: the lines of people by place and id, as of a position of the log; `next` goes on, None at the end."""

    position: int
    lines: list[dict[str, Any]]
    next: str | None


async def extract_page(ledger: httpx.AsyncClient, place: str, year: int, after: str | None) -> ExtractPage:
    """A page of the extract of a place and all under it. Raises YearNotClosedError and ExtractUnavailableError.

    An answer without its lines or without saying whether more follow is none: it is never taken for an empty one.
    """
    params = {"limit": str(_PAGE)} | ({} if after is None else {"after": after})
    try:
        response = await ledger.get(f"/v1/years/{place}/{year}/archive", params=params)
        if response.is_client_error and _problem_of(response) in _NOT_CLOSED:
            raise YearNotClosedError(place, year)
        response.raise_for_status()
        return msgspec.json.decode(response.content, type=ExtractPage)
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise ExtractUnavailableError(type(error).__name__) from None


def archive_content(target: Target, line: dict[str, Any], year: int) -> dict[str, str | None]:
    """What the archive is told of a line of the extract."""
    amounts = {
        category: Decimal(line["by_category"].get(category, "0")) for category in ("professional", "public")
    }
    values = {
        "subject": year_subject(line["person_id"], year),
        "person_ref": line["person_id"],
        "year": year,
        "place": line["place"],
        "status": line["status"],
        "total": Decimal(line["total"]),
        "made_up": line["made_up"],
        **amounts,
    }
    return content_of(target.kind, values)


def _problem_of(response: httpx.Response) -> str | None:
    document = msgspec.json.decode(response.content)
    return document.get("type") if isinstance(document, dict) else None
