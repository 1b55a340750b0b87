"""The OpenAPI document says of a route what the route does."""

from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from services.kit.app import create_service, openapi_document
from services.kit.auth import Caller, TokenVerifier, require
from services.kit.openapi import problems
from services.kit.routers import Router


def document_of(router: Router) -> dict[str, Any]:
    return openapi_document(create_service("Things", routers=[router], verifier=TokenVerifier([])))


class TestChoices:
    def test_are_in_one_order_whatever_was_imported_first(self):
        """An optional choice equal to one seen before comes out as that one, in its order."""
        router = Router()
        assert Literal["c", "a", "b"] | None

        @router.get("/v1/things")
        async def list_things(state: Annotated[Literal["b", "c", "a"] | None, Query()] = None) -> str:
            return state or ""

        [parameter] = document_of(router)["paths"]["/v1/things"]["get"]["parameters"]
        assert parameter["schema"]["anyOf"][0]["enum"] == ["a", "b", "c"]


class TestScopes:
    def test_any_one_of_several_scopes_is_an_alternative_of_its_own(self):
        router = Router()

        @router.get("/v1/things")
        async def list_things(
            caller: Annotated[Caller, Depends(require("thing:read", "thing:write"))],
        ) -> str:
            return caller.subject

        document = document_of(router)
        assert document["paths"]["/v1/things"]["get"]["security"] == [
            {"oauth2": ["thing:read"]},
            {"oauth2": ["thing:write"]},
        ]
        flow = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
        assert sorted(flow["scopes"]) == ["thing:read", "thing:write"]


class TestComponents:
    def test_a_problem_answer_stands_once_and_is_referred_to(self):
        router = Router()

        @router.get("/v1/things", responses=problems(409))
        async def list_things() -> str:
            return ""

        document = document_of(router)
        assert document["paths"]["/v1/things"]["get"]["responses"]["409"] == {
            "$ref": "#/components/responses/Conflict"
        }
        conflict = document["components"]["responses"]["Conflict"]
        assert list(conflict["content"]) == ["application/problem+json"]

    def test_an_answer_that_says_more_than_its_status_stands_where_it_is_given(self):
        router = Router()
        full = {409: {**problems(409)[409], "description": "The shelf is full."}}

        @router.get("/v1/things", responses=full)
        async def list_things() -> str:
            return ""

        answer = document_of(router)["paths"]["/v1/things"]["get"]["responses"]["409"]
        assert answer["description"] == "The shelf is full."

    def test_the_form_of_a_parameter_that_routes_share_stands_once(self):
        router = Router()
        wide = Annotated[int | None, Query(le=9)]

        @router.get("/v1/things")
        async def list_things(size: wide = None) -> str:
            return str(size)

        @router.get("/v1/boxes")
        async def list_boxes(size: wide = None) -> str:
            return str(size)

        @router.get("/v1/shelves")
        async def list_shelves(size: Annotated[int, Query(le=7)]) -> str:
            return str(size)

        document = document_of(router)
        shared = {"$ref": "#/components/parameters/SizeInQuery"}
        assert document["paths"]["/v1/things"]["get"]["parameters"] == [shared]
        assert document["paths"]["/v1/boxes"]["get"]["parameters"] == [shared]
        (own,) = document["paths"]["/v1/shelves"]["get"]["parameters"]
        assert own["schema"]["maximum"] == 7
        assert document["components"]["parameters"]["SizeInQuery"]["required"] is False
