"""Routes ask for parts by type, and for the moment by the application's own clock."""

from datetime import UTC, datetime
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI

from services.kit.parts import Now, part, parts_of

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


class Library:
    """A part."""

    name = "central"


class Whole:
    """All parts of an application."""

    def __init__(self) -> None:
        self.library = Library()
        self.address = "somewhere"


async def test_a_route_is_given_the_part_of_its_type_and_the_moment():
    app = FastAPI()
    app.state.parts = parts_of(Whole())
    app.state.clock = lambda: NOON

    @app.get("/")
    def read(library: Annotated[Library, Depends(part(Library))], now: Now) -> dict[str, str]:
        return {"library": library.name, "now": now.isoformat()}

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://library.test") as client:
        assert (await client.get("/")).json() == {"library": "central", "now": NOON.isoformat()}
