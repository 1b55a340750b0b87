"""Keys of a sandbox, which nobody but a sandbox gives."""

import httpx
from fastapi import FastAPI

from services.registry.app import create_app
from services.registry.sandbox import BUDGET, PATH
from services.registry.settings import BUDGETS, RegistrySettings


async def test_elsewhere_there_is_no_such_route(app: FastAPI):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://registry") as client:
        assert (await client.post(PATH, json={})).status_code == 404


async def test_a_key_is_a_provider_with_an_account_filed_at_the_tried_places(settings: RegistrySettings):
    told = settings.model_copy(update={"sandbox": True, "registry_budgets": {BUDGET: BUDGETS[BUDGET]}})
    app = create_app(told)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://registry") as client,
    ):
        keys = [(await client.post(PATH, json={"name": "示例网校"})).json() for _ in range(2)]
        token = await client.post(
            "/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(keys[0]["client_id"], keys[0]["client_secret"]),
        )
        seen = await client.get(
            f"/v1/organizations/{keys[0]['organization_id']}",
            headers={"Authorization": f"Bearer {token.json()['access_token']}"},
        )
    assert keys[0]["organization_id"] != keys[1]["organization_id"]
    assert [each["place"] for each in seen.json()["accreditations"]] == keys[0]["places"]
