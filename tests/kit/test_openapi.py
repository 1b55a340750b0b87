"""The OpenAPI document says of a route what the route does."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.kit.app import create_service, openapi_document
from services.kit.auth import Caller, TokenVerifier, require


class TestScopes:
    def test_any_one_of_several_scopes_is_an_alternative_of_its_own(self):
        router = APIRouter()

        @router.get("/v1/things")
        async def list_things(
            caller: Annotated[Caller, Depends(require("thing:read", "thing:write"))],
        ) -> str:
            return caller.subject

        document = openapi_document(create_service("Things", routers=[router], verifier=TokenVerifier([])))
        assert document["paths"]["/v1/things"]["get"]["security"] == [
            {"oauth2": ["thing:read"]},
            {"oauth2": ["thing:write"]},
        ]
        flow = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
        assert sorted(flow["scopes"]) == ["thing:read", "thing:write"]
