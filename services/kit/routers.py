"""Routers whose routes are complete in themselves, so that every application of a process serves the same ones.

A router that is included is built a second time for each application, which is half of what a service's start costs.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute

from services.kit.schemas import check_query
from services.kit.signatures import check_signature


class Router(APIRouter):
    """Routes of a service: each looks at its query and at the signature, and its operation has the function's name."""

    def __init__(self, *, dependencies: Sequence[Dependency] = (), **options: Any) -> None:
        super().__init__(
            dependencies=[Depends(check_query), Depends(check_signature), *dependencies],
            generate_unique_id_function=_operation_id,
            **options,
        )


def serve(app: FastAPI | APIRouter, routers: Iterable[APIRouter]) -> None:
    """Let an application, or a router, have the routes of others as they are: with no prefix or dependency of its own."""
    for router in routers:
        app.routes.extend(router.routes)


def _operation_id(route: APIRoute) -> str:
    return route.name
