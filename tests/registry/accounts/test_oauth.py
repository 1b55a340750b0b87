"""Clients and their tokens."""

import base64
from typing import Any

import httpx
import pytest

from services.kit.auth import Issuer, TokenVerifier
from services.kit.budgets import Budget
from services.kit.key_sets import FixedKeys
from services.registry.app import create_app
from services.registry.settings import RegistrySettings
from tests.registry.scenarios import CHAOYANG, DALIAN, LIAONING, NATION, SHUANGTA, Registry

CLIENTS = "/v1/clients"
TOKEN = "/oauth/token"
NOBODY = "00000000-0000-4000-8000-000000000000"


async def client_of(registry: Registry, *, by: str = CHAOYANG, **body: Any) -> dict[str, Any]:
    wanted = {"scopes": ["collection:review", "compliance:read"], "place": SHUANGTA} | body
    response = await registry.call("POST", CLIENTS, body=wanted, place=by)
    assert response.status_code == 201, response.text
    outcome: dict[str, Any] = response.json()
    return outcome


async def ask(registry: Registry, *, basic: tuple[str, str] | None = None, **form: str) -> httpx.Response:
    headers = {}
    if basic is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
    return await registry.client.post(
        TOKEN, data={"grant_type": "client_credentials"} | form, headers=headers
    )


class TestRegisterClient:
    async def test_anonymous_and_missing_scope(self, registry: Registry) -> None:
        body = {"scopes": ["compliance:read"], "place": SHUANGTA}
        assert (await registry.call("POST", CLIENTS, body=body, anonymous=True)).status_code == 401
        assert (await registry.call("POST", CLIENTS, "organization:write", body=body)).status_code == 403

    async def test_a_place_beyond_the_officials_own(self, registry: Registry) -> None:
        for place in (LIAONING, DALIAN):
            body = {"scopes": ["compliance:read"], "place": place}
            assert (await registry.call("POST", CLIENTS, body=body)).status_code == 403

    async def test_an_organization_of_another_place(self, registry: Registry) -> None:
        body = {"scopes": ["completion:write"], "organization_id": await registry.organization()}
        assert (await registry.call("POST", CLIENTS, body=body, place=DALIAN)).status_code == 403

    async def test_scopes_the_official_does_not_hold(self, registry: Registry) -> None:
        body = {"scopes": ["policy:write", "client:write"], "place": SHUANGTA}
        response = await registry.call("POST", CLIENTS, "client:write", body=body)
        assert response.status_code == 403
        assert response.json()["scopes"] == ["policy:write"]

    async def test_an_officials_scope_for_an_organization(self, registry: Registry) -> None:
        body = {"scopes": ["collection:review"], "organization_id": await registry.organization()}
        assert (await registry.call("POST", CLIENTS, body=body)).status_code == 403

    async def test_an_unknown_organization(self, registry: Registry) -> None:
        body = {"scopes": ["completion:write"], "organization_id": NOBODY}
        assert (await registry.call("POST", CLIENTS, body=body)).status_code == 404

    @pytest.mark.parametrize(
        "body",
        [{"scopes": [], "place": SHUANGTA}, {"scopes": ["all"], "place": SHUANGTA}, {"scopes": ["compliance:read"]},
         {"scopes": ["compliance:read"], "place": SHUANGTA, "organization_id": NOBODY},
         {"scopes": ["compliance:read"] * 2, "place": SHUANGTA}],
    )  # fmt: skip
    async def test_a_bad_body(self, registry: Registry, body: dict[str, Any]) -> None:
        assert (await registry.call("POST", CLIENTS, body=body)).status_code == 422

    async def test_the_secret_is_shown_once(self, registry: Registry) -> None:
        body = {"scopes": ["compliance:read"], "place": SHUANGTA}
        first = await registry.call("POST", CLIENTS, body=body, key="client-once")
        again = await registry.call("POST", CLIENTS, body=body, key="client-once")
        assert len(first.json()["client_secret"]) >= 40
        assert first.headers["cache-control"] == "no-store"
        assert again.json() == first.json() | {"client_secret": None}


class TestToken:
    @pytest.mark.parametrize(
        ("form", "error"),
        [({"grant_type": "password"}, "unsupported_grant_type"), ({"grant_type": ""}, "unsupported_grant_type"),
         ({"scope": "policy:write"}, "invalid_scope"), ({"scope": "compliance:read nothing"}, "invalid_scope")],
    )  # fmt: skip
    async def test_a_request_that_cannot_be_granted(
        self, registry: Registry, form: dict[str, str], error: str
    ) -> None:
        client = await client_of(registry)
        response = await ask(registry, basic=(client["client_id"], client["client_secret"]), **form)
        assert response.status_code == 400
        assert response.json()["error"] == error
        assert response.headers["cache-control"] == "no-store"

    async def test_a_wrong_secret_or_client(self, registry: Registry) -> None:
        client = await client_of(registry)
        pairs = [
            (client["client_id"], "wrong"),
            (NOBODY, client["client_secret"]),
            ("", ""),
            ("x" * 500, "y"),
            (client["client_id"], ""),
            ("名", "字"),
        ]
        for pair in pairs:
            response = await ask(registry, basic=pair)
            assert response.status_code == 401
            assert response.json()["error"] == "invalid_client"
            assert response.headers["www-authenticate"].startswith("Basic")

    @pytest.mark.parametrize(
        "body",
        [b"", b"grant_type", b"\xff", b"a=%ff", b"grant_type=client_credentials&grant_type=x", b"&" * 10_000,
         b'{"grant_type": "client_credentials"}'],
    )  # fmt: skip
    async def test_what_is_no_form(self, registry: Registry, body: bytes) -> None:
        response = await registry.client.post(TOKEN, content=body)
        assert response.status_code in (400, 401)
        assert "error" in response.json()

    async def test_broken_basic_authentication(self, registry: Registry) -> None:
        for header in ("Basic", "Basic !", "Basic /w=="):
            response = await registry.client.post(
                TOKEN, data={"grant_type": "client_credentials"}, headers={"Authorization": header}
            )
            assert response.status_code == 401

    async def test_a_form_too_large(self, registry: Registry) -> None:
        assert (await registry.client.post(TOKEN, content=b"a" * 20_000)).status_code == 413

    async def test_a_token_by_basic_or_by_form_speaks_for_the_client(self, registry: Registry) -> None:
        client = await client_of(registry)
        pair = (client["client_id"], client["client_secret"])
        by_basic = await ask(registry, basic=pair)
        by_form = await ask(registry, client_id=pair[0], client_secret=pair[1], scope="compliance:read")
        assert by_basic.json()["scope"] == "collection:review compliance:read"
        assert by_form.json()["scope"] == "compliance:read"
        assert by_basic.json()["token_type"] == "Bearer"

        published = FixedKeys.from_json((await registry.client.get("/.well-known/jwks.json")).text)
        verifier = TokenVerifier([Issuer(registry.settings.issuer, published)])
        caller = await verifier.verify(by_basic.json()["access_token"])
        assert (caller.subject, caller.place, caller.organization) == (client["client_id"], SHUANGTA, None)

    async def test_an_organizations_token_is_bound_to_it(self, registry: Registry) -> None:
        organization = await registry.organization()
        client = await client_of(
            registry, by=SHUANGTA, scopes=["completion:write"], organization_id=organization, place=None
        )
        token = (await ask(registry, basic=(client["client_id"], client["client_secret"]))).json()[
            "access_token"
        ]
        headers = {"Authorization": f"Bearer {token}"}
        seen = await registry.client.get(f"/v1/organizations/{organization}", headers=headers)
        assert seen.status_code == 200

    async def test_the_key_set_shows_no_private_key(self, registry: Registry) -> None:
        (key,) = (await registry.client.get("/.well-known/jwks.json")).json()["keys"]
        assert "d" not in key
        assert key["crv"] == "Ed25519"


class TestEverythingElseIsClosed:
    async def test_no_route_is_open_but_those_named(self, registry: Registry) -> None:
        for path in (
            "/",
            "/v1",
            "/v1/persons",
            f"/v1/persons/{NOBODY}",
            "/v1/logs",
            "/.well-known/other",
            "/oauth",
        ):
            assert (await registry.client.get(path)).status_code == 401, path

    async def test_a_place_of_the_token_that_is_unknown_covers_nothing(self, registry: Registry) -> None:
        body = {"scopes": ["compliance:read"], "place": CHAOYANG}
        assert (await registry.call("POST", CLIENTS, body=body, place="nowhere")).status_code == 403


class TestRefusedSignIns:
    async def test_are_on_record_with_the_client_they_name(self, registry: Registry) -> None:
        client = await client_of(registry)
        assert (await ask(registry, basic=(client["client_id"], "wrong"))).status_code == 401
        assert (await ask(registry, client_id=client["client_id"], client_secret="wrong")).status_code == 401
        assert (await ask(registry, client_id="210102199003070013", client_secret="x")).status_code == 401
        wrong_scope = (client["client_id"], client["client_secret"])
        assert (await ask(registry, basic=wrong_scope, scope="person:erase")).status_code == 400
        found = []
        for caller in (client["client_id"], "unknown"):
            page = await registry.call("GET", f"/v1/audit?kind=sign-in&caller={caller}", place=NATION)
            found += [(each["caller"] == caller, each["result"]) for each in page.json()["items"]]
        assert found[:3] == [(True, "invalid_scope"), (True, "invalid_client"), (True, "invalid_client")]
        assert (True, "invalid_client") in found[3:]

    @pytest.mark.parametrize(
        ("budget", "recorded"), [("refused-sign-ins", [3, 3]), ("refused-sign-ins-in-all", [0, 0])]
    )
    async def test_beyond_so_many_of_an_address_and_of_all_are_counted_and_not_recorded(
        self, registry: Registry, settings: RegistrySettings, budget: str, recorded: list[int]
    ) -> None:
        await ask(registry, client_id=NOBODY, client_secret="wrong")
        clients = [await client_of(registry) for _ in recorded]
        limit = Budget(misses=max(1, recorded[0]))
        app = create_app(settings.model_copy(update={"registry_budgets": {budget: limit}}))
        async with app.router.lifespan_context(app):
            for number, client in enumerate(clients):
                transport = httpx.ASGITransport(app, client=(f"203.0.113.{number}", 50000))
                async with httpx.AsyncClient(transport=transport, base_url="http://registry") as hostile:
                    form = {"grant_type": "client_credentials", "client_id": client["client_id"]}
                    wrong = [
                        await hostile.post(TOKEN, data=form | {"client_secret": "wrong"}) for _ in range(5)
                    ]
                    right = await hostile.post(TOKEN, data=form | {"client_secret": client["client_secret"]})
                assert [each.status_code for each in (*wrong, right)] == [401] * 5 + [200]
        found = [
            await registry.call("GET", f"/v1/audit?kind=sign-in&caller={each['client_id']}", place=NATION)
            for each in clients
        ]
        assert [len(each.json()["items"]) for each in found] == recorded
