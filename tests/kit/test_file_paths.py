"""Bodies that are files: any type and size of their own, also where a segment of the address varies."""

import pytest
from fastapi import Request

from services.kit.routers import Router
from tests.kit.http import calling, service

router = Router()


@router.post("/v1/things/{thing}/files")
async def take(thing: str, request: Request) -> dict[str, int]:
    """Takes a file."""
    return {"size": len(await request.body())}


@router.post("/v1/things/{thing}")
async def change(thing: str, request: Request) -> dict[str, int]:
    """Takes JSON."""
    return {"size": len(await request.body())}


class TestFilePaths:
    @pytest.mark.parametrize(
        ("address", "content", "status"),
        [
            ("/v1/things/one/files", b"\x00" * 10, 200),
            ("/v1/things/one/files", b"\x00" * 11, 413),
            ("/v1/things/one", b"\x00" * 10, 415),
            ("/v1/things/one/two/files", b"\x00" * 11, 415),
            ("/v1/things/files", b"\x00" * 11, 415),
        ],
    )
    async def test_hold_for_every_value_of_a_segment_and_nowhere_else(
        self, address: str, content: bytes, status: int
    ):
        app = service([router], file_paths={"/v1/things/{thing}/files": 10})
        async with calling(app, "any:scope") as client:
            response = await client.post(address, content=content, headers={"Content-Type": "text/csv"})
        assert response.status_code == status
