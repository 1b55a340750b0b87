"""Query parameters: those a route names, each once, and no other."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, Query

from services.kit.auth import require
from services.kit.routers import Router
from services.kit.schemas import AddressMoment
from tests.kit.http import calling, service

NUMBER = "110000199003070132"  # looks like somebody's; must never come back
router = Router(prefix="/v1", dependencies=[Depends(require("thing:read"))])


async def paged(limit: Annotated[int, Query(ge=1, le=100)] = 10) -> int:
    """A dependency with a parameter of its own."""
    return limit


@router.get("/things")
async def list_things(
    limit: Annotated[int, Depends(paged)],
    colour: Annotated[list[str] | None, Query()] = None,
    as_of: Annotated[AddressMoment | None, Query()] = None,
) -> dict[str, Any]:
    """List things."""
    return {"limit": limit, "colour": colour, "as_of": as_of and as_of.isoformat()}


@pytest.fixture
async def things() -> Any:
    async with calling(service([router]), "thing:read") as client:
        yield client


class TestQueryParameters:
    @pytest.mark.parametrize("name", ["asof", "Limit", "limit[]", ""])
    async def test_a_parameter_that_a_route_does_not_have_is_refused(
        self, things: httpx.AsyncClient, name: str
    ) -> None:
        response = await things.get("/v1/things", params={name: "5", "limit": 3})
        assert response.status_code == 422
        assert [error["code"] for error in response.json()["errors"]] == ["unknown_parameter"]

    async def test_a_parameter_name_that_could_be_somebodys_does_not_come_back(
        self, things: httpx.AsyncClient
    ) -> None:
        response = await things.get("/v1/things", params={NUMBER: "5"})
        assert response.json()["errors"][0]["parameter"] == "query"
        assert NUMBER not in response.text

    async def test_a_parameter_comes_once_unless_it_is_a_list(self, things: httpx.AsyncClient) -> None:
        assert (await things.get("/v1/things?colour=a&colour=b")).json()["colour"] == ["a", "b"]
        response = await things.get("/v1/things?limit=1&limit=2")
        assert response.json()["errors"][0] == {
            "parameter": "limit",
            "code": "repeated_parameter",
            "detail": "此参数只能给出一次",
        }

    @pytest.mark.parametrize("written", ["2026-03-01T09:00:00+08:00", "2026-03-01T09:00:00%2B08:00"])
    async def test_a_plus_that_arrived_as_a_blank_is_understood(
        self, things: httpx.AsyncClient, written: str
    ) -> None:
        response = await things.get(f"/v1/things?as_of={written}")
        assert response.json()["as_of"] == "2026-03-01T09:00:00+08:00"

    @pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
    async def test_a_moment_that_nobody_can_mean_is_out_of_range(
        self, things: httpx.AsyncClient, moment: str
    ) -> None:
        response = await things.get("/v1/things", params={"as_of": moment})
        assert response.json()["errors"][0]["code"] == "out_of_range"
