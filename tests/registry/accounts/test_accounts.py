"""Accounts of organizations: issued by one bureau alone, with scopes that fit; rotated, revoked, listed, asked for."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.cli.contracts import SERVICES
from services.registry.accounts.sign_ins import ROLE_SCOPES
from services.registry.streams.account import OFFICIAL_SCOPES, SCOPES, SCOPES_OF_KIND
from tests.openapi import committed
from tests.registry.offices import CHANGZHI, LUZHOU, SHANXI, TAIYUAN, Offices
from tests.registry.scenarios import uscc

CLIENTS = "/v1/clients"
DALIAN, ZHONGSHAN = "210200", "210202"


async def issue(
    offices: Offices, organization: str, *scopes: str, by: str = SHANXI, **more: Any
) -> httpx.Response:
    body = {"scopes": list(scopes or ["compliance:read"]), "organization_id": organization} | more
    return await offices.call("POST", CLIENTS, body=body, place=by)


async def issued(offices: Offices, organization: str, *scopes: str, by: str = SHANXI) -> dict[str, str]:
    response = await issue(offices, organization, *scopes, by=by)
    assert response.status_code == 201, response.text
    account: dict[str, str] = response.json()
    return account


async def signs_in(offices: Offices, client_id: str, secret: str | None) -> int:
    response = await offices.client.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret or "")
    )
    return response.status_code


class TestIssuingAuthority:
    """S3B-09: central units in the province and provincial units apply to the province, all others to their own bureau."""

    @pytest.mark.parametrize(
        ("affiliation", "place", "issuer"),
        [("central", CHANGZHI, SHANXI), ("provincial", LUZHOU, SHANXI), ("local", CHANGZHI, CHANGZHI),
         ("local", LUZHOU, LUZHOU), ("local", SHANXI, SHANXI)],
    )  # fmt: skip
    async def test_issues_and_nobody_else_does(
        self, offices: Offices, affiliation: str, place: str, issuer: str
    ) -> None:
        organization = await offices.registers("employer", place=place, affiliation=affiliation)
        for bureau in ("100000", SHANXI, CHANGZHI, LUZHOU, TAIYUAN):
            response = await issue(offices, organization, by=bureau)
            assert response.status_code == (201 if bureau == issuer else 403), bureau
            if bureau != issuer:
                assert response.json()["type"] == "urn:xuefen:problem:not-issuing-authority"
                assert (response.json()["place"], response.json()["clause"]) == (issuer, "S3B-09")

    async def test_of_a_separately_planned_city_is_the_city_not_the_province(self, offices: Offices) -> None:
        body = {"kind": "employer", "name": "示例", "place": ZHONGSHAN, "affiliation": "central"}
        made = await offices.done("/v1/organizations", body | {"uscc": uscc()}, place=DALIAN)
        organization = made["organization_id"]
        assert (await issue(offices, organization, by="210000")).status_code == 403
        assert (await issue(offices, organization, by=DALIAN)).status_code == 201

    async def test_an_organization_issues_nothing(self, offices: Offices) -> None:
        organization = await offices.registers("employer")
        body = {"scopes": ["compliance:read"], "organization_id": organization}
        response = await offices.call("POST", CLIENTS, body=body, place=SHANXI, organization=organization)
        assert response.status_code == 403


class TestScopesByKind:
    @pytest.mark.parametrize("kind", sorted(SCOPES_OF_KIND))
    async def test_an_account_has_what_fits_its_kind_and_nothing_more(
        self, offices: Offices, kind: str
    ) -> None:
        organization = await offices.registers(kind)
        for scope in sorted(SCOPES):
            response = await issue(offices, organization, scope)
            assert response.status_code == (201 if scope in SCOPES_OF_KIND[kind] else 403), scope

    def test_employers_report_no_completions_and_no_organization_reviews(self) -> None:
        assert "completion:write" not in SCOPES_OF_KIND["employer"]
        assert "plan:submit" not in SCOPES_OF_KIND["employer"]
        for kind, scopes in SCOPES_OF_KIND.items():
            forbidden = {
                "collection:review",
                "organization:write",
                "client:write",
                "policy:write",
                "feed:read",
            }
            assert not scopes & forbidden, kind
            assert forbidden <= OFFICIAL_SCOPES


class TestEveryScope:
    """Whatever a route asks for, somebody can be granted it, and it is known who."""

    def test_is_granted_to_a_client_by_a_sign_in_or_to_a_process(self) -> None:
        asked = {
            scope
            for service in SERVICES
            for path in committed(service)["paths"].values()
            for operation in path.values()
            for requirement in operation.get("security", [])
            for scope in requirement.get("oauth2", [])
        }
        roles = frozenset[str]().union(*ROLE_SCOPES.values())
        assert asked - SCOPES - roles == {
            "person:deliver",  # the worker of the synchronisation
            "transfer:carry",  # the worker of the transfer service
            "transfer:confirm",  # a portal, whose issuer the deployment trusts
        }
        assert SCOPES | roles <= asked

    async def test_that_an_integrator_needs_comes_from_a_bureau_s_first_token(self, offices: Offices) -> None:
        provider = await issued(
            offices, await offices.registers("provider"), *sorted(SCOPES_OF_KIND["provider"])
        )
        employer = await issued(offices, await offices.registers("employer"), "employee:read")
        body = {"place": SHANXI, "scopes": ["statistics:read", "sync:read", "feed:read"]}
        dashboard = await offices.done(CLIENTS, body)
        for each in (provider, employer, dashboard):
            assert await signs_in(offices, each["client_id"], each["client_secret"]) == 200


class TestRotation:
    async def test_the_old_secret_is_good_for_the_stated_overlap(self, offices: Offices) -> None:
        account = await issued(offices, await offices.registers("provider"))
        client, old = account["client_id"], account["client_secret"]
        rotated = await offices.done(f"{CLIENTS}/{client}/rotation", {"overlap_hours": 2})
        assert rotated["client_secret"] not in (None, old)
        start = offices.now
        for hours, status in ((0, 200), (1.99, 200), (2, 401), (30, 401)):
            offices.now = start + timedelta(hours=hours)
            assert await signs_in(offices, client, old) == status, hours
            assert await signs_in(offices, client, rotated["client_secret"]) == 200

    async def test_a_leaked_secret_is_dead_at_once(self, offices: Offices) -> None:
        account = await issued(offices, await offices.registers("provider"))
        await offices.done(f"{CLIENTS}/{account['client_id']}/rotation", {"overlap_hours": 0})
        assert await signs_in(offices, account["client_id"], account["client_secret"]) == 401

    async def test_of_several_old_secrets_the_youngest_alone_is_good(self, offices: Offices) -> None:
        account = await issued(offices, await offices.registers("provider"))
        path = f"{CLIENTS}/{account['client_id']}/rotation"
        secrets = [account["client_secret"]]
        secrets += [(await offices.done(path, {"overlap_hours": 24}))["client_secret"] for _ in range(2)]
        statuses = [await signs_in(offices, account["client_id"], secret) for secret in secrets]
        assert statuses == [401, 200, 200]

    async def test_the_new_secret_is_shown_once(self, offices: Offices) -> None:
        account = await issued(offices, await offices.registers("provider"))
        path = f"{CLIENTS}/{account['client_id']}/rotation"
        first = await offices.call("POST", path, body={"overlap_hours": 1}, key="rotate-1", place=SHANXI)
        again = await offices.call("POST", path, body={"overlap_hours": 1}, key="rotate-1", place=SHANXI)
        assert first.headers["cache-control"] == "no-store"
        assert again.json() == first.json() | {"client_secret": None}
        assert await signs_in(offices, account["client_id"], first.json()["client_secret"]) == 200

    async def test_many_at_once_leave_one_secret_and_the_one_before_it(self, offices: Offices) -> None:
        account = await issued(offices, await offices.registers("provider"))
        client = account["client_id"]
        path = f"{CLIENTS}/{client}/rotation"
        answers = await asyncio.gather(
            *(offices.call("POST", path, body={"overlap_hours": 24}, place=SHANXI) for _ in range(4))
        )
        assert {answer.status_code for answer in answers} <= {200, 503}
        secrets = [answer.json()["client_secret"] for answer in answers if answer.status_code == 200]
        secrets.append(account["client_secret"])
        good = [secret for secret in secrets if await signs_in(offices, client, secret) == 200]
        assert len(good) == 2

    async def test_is_done_by_the_issuing_bureau_alone(self, offices: Offices) -> None:
        organization = await offices.registers("employer", place=CHANGZHI)
        account = await issued(offices, organization, by=CHANGZHI)
        for what, body in (("rotation", {}), ("revocation", {"reason": "not_needed"})):
            path = f"{CLIENTS}/{account['client_id']}/{what}"
            for bureau in (SHANXI, LUZHOU, TAIYUAN):
                response = await offices.call("POST", path, body=body, place=bureau)
                assert response.status_code == 403, (what, bureau)
        assert await signs_in(offices, account["client_id"], account["client_secret"]) == 200

    async def test_of_a_bureaus_account_is_done_by_those_above_it(self, offices: Offices) -> None:
        body = {"scopes": ["compliance:read"], "place": LUZHOU}
        account = await offices.done(CLIENTS, body)
        path = f"{CLIENTS}/{account['client_id']}/rotation"
        for bureau, status in ((TAIYUAN, 403), (CHANGZHI, 200), (SHANXI, 200)):
            assert (await offices.call("POST", path, body={}, place=bureau)).status_code == status


class TestRevocation:
    async def test_nobody_signs_in_any_more_and_every_service_is_told_with_the_keys(
        self, offices: Offices
    ) -> None:
        organization = await offices.registers("provider")
        account = await issued(offices, organization, "completion:write")
        client, secret = account["client_id"], account["client_secret"]
        await offices.done(f"{CLIENTS}/{client}/rotation", {"overlap_hours": 24})
        answer = await offices.client.post(
            "/oauth/token", data={"grant_type": "client_credentials"}, auth=(client, secret)
        )
        token, lifetime = answer.json()["access_token"], answer.json()["expires_in"]
        await offices.done(f"{CLIENTS}/{client}/revocation", {"reason": "leaked"})
        assert await signs_in(offices, client, secret) == 401

        async def revoked() -> list[str]:
            revoked: list[str] = (await offices.client.get("/.well-known/jwks.json")).json()["revoked"]
            return revoked

        assert await revoked() == [client]
        offices.now += timedelta(seconds=lifetime + 31)
        path, headers = f"/v1/organizations/{organization}", {"Authorization": f"Bearer {token}"}
        assert (await offices.client.get(path, headers=headers)).status_code == 401
        offices.now += timedelta(seconds=300)
        assert await revoked() == []

    async def test_is_final(self, offices: Offices) -> None:
        account = await issued(offices, await offices.registers("provider"))
        path = f"{CLIENTS}/{account['client_id']}"
        await offices.done(f"{path}/revocation", {"reason": "misused"})
        for what, body in (("revocation", {"reason": "other"}), ("rotation", {})):
            response = await offices.call("POST", f"{path}/{what}", body=body, place=SHANXI)
            assert response.json()["type"] == "urn:xuefen:problem:account-revoked"

    async def test_at_the_same_time_as_a_rotation_wins_or_comes_after_it(self, offices: Offices) -> None:
        account = await issued(offices, await offices.registers("provider"))
        path = f"{CLIENTS}/{account['client_id']}"
        rotated, revoked = await asyncio.gather(
            offices.call("POST", f"{path}/rotation", body={}, place=SHANXI),
            offices.call("POST", f"{path}/revocation", body={"reason": "leaked"}, place=SHANXI),
        )
        assert revoked.status_code == 200
        assert rotated.status_code in (200, 409)
        for secret in (account["client_secret"], rotated.json().get("client_secret")):
            assert await signs_in(offices, account["client_id"], secret) == 401

    async def test_an_account_that_is_not_there(self, offices: Offices) -> None:
        path = f"{CLIENTS}/00000000-0000-4000-8000-000000000000/revocation"
        assert (await offices.call("POST", path, body={"reason": "other"}, place=SHANXI)).status_code == 404


class TestList:
    async def test_shows_what_became_of_each_and_no_secret(self, offices: Offices) -> None:
        organization = await offices.registers("provider", place=CHANGZHI)
        first = await issued(offices, organization, "compliance:read", by=CHANGZHI)
        second = await issued(offices, organization, "completion:write", by=CHANGZHI)
        await offices.done(f"{CLIENTS}/{first['client_id']}/revocation", {"reason": "other"}, place=CHANGZHI)
        await offices.done(f"{CLIENTS}/{second['client_id']}/rotation", {}, place=CHANGZHI)
        path = f"/v1/organizations/{organization}/accounts"
        response = await offices.call("GET", path, place=CHANGZHI)
        accounts = {each["client_id"]: each for each in response.json()["items"]}
        assert accounts[first["client_id"]]["state"] == "revoked"
        assert accounts[second["client_id"]]["old_secret_until"] is not None
        for secret in (first["client_secret"], second["client_secret"]):
            assert secret not in response.text

    async def test_is_for_the_organization_its_bureau_and_those_above(self, offices: Offices) -> None:
        organization = await offices.registers("provider", place=CHANGZHI)
        other = await offices.registers("provider", place=CHANGZHI)
        path = f"/v1/organizations/{organization}/accounts"
        for who, status in (
            ({"place": CHANGZHI}, 200),
            ({"place": SHANXI}, 200),
            ({"place": TAIYUAN}, 404),
            ({"place": LUZHOU}, 404),
            ({"place": None, "organization": organization}, 200),
            ({"place": None, "organization": other}, 404),
        ):
            assert (await offices.call("GET", path, **who)).status_code == status, who


class TestRequest:
    """S1-13, S3B-09: the unit applies, the bureau issues."""

    async def test_is_granted_by_the_issuing_bureau_with_a_secret_shown_once(self, offices: Offices) -> None:
        organization = await offices.registers("organiser", place=LUZHOU, affiliation="provincial")
        body = {"scopes": ["completion:write", "plan:submit"]}
        asked = await offices.done(f"/v1/organizations/{organization}/account-requests", body, place=LUZHOU)
        assert (asked["state"], asked["place"]) == ("requested", SHANXI)
        path = f"/v1/account-requests/{asked['request_id']}"
        for bureau in (LUZHOU, CHANGZHI, "100000"):
            response = await offices.call("POST", f"{path}/grant", place=bureau)
            assert response.status_code == 403, bureau
        account = await offices.done(f"{path}/grant")
        assert account["scopes"] == ["completion:write", "plan:submit"]
        assert await signs_in(offices, account["client_id"], account["client_secret"]) == 200
        assert (await offices.seen(path))["state"] == "granted"
        again = await offices.call("POST", f"{path}/grant", place=SHANXI)
        assert (again.status_code, again.json()["state"]) == (409, "granted")

    async def test_is_refused_with_a_reason(self, offices: Offices) -> None:
        organization = await offices.registers("employer")
        asked = await offices.done(
            f"/v1/organizations/{organization}/account-requests", {"scopes": ["compliance:read"]}
        )
        path = f"/v1/account-requests/{asked['request_id']}"
        await offices.done(f"{path}/refusal", {"reason": "not_entitled"})
        assert (await offices.seen(path))["state"] == "refused"
        accounts = await offices.seen(f"/v1/organizations/{organization}/accounts")
        assert accounts["items"] == []

    async def test_two_officials_at_once_issue_one_account(self, offices: Offices) -> None:
        organization = await offices.registers("employer")
        asked = await offices.done(
            f"/v1/organizations/{organization}/account-requests", {"scopes": ["compliance:read"]}
        )
        path = f"/v1/account-requests/{asked['request_id']}/grant"
        answers = await asyncio.gather(
            *(offices.call("POST", path, place=SHANXI, subject=f"official-{n}") for n in (1, 2))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        accounts = await offices.seen(f"/v1/organizations/{organization}/accounts")
        assert len(accounts["items"]) == 1

    async def test_asks_for_what_fits_the_kind(self, offices: Offices) -> None:
        organization = await offices.registers("employer")
        path = f"/v1/organizations/{organization}/account-requests"
        response = await offices.call("POST", path, body={"scopes": ["completion:write"]}, place=SHANXI)
        assert response.json()["scopes"] == ["completion:write"]
        assert response.status_code == 403

    async def test_is_made_by_the_organization_or_its_bureau(self, offices: Offices) -> None:
        organization = await offices.registers("employer", place=CHANGZHI)
        other = await offices.registers("employer", place=CHANGZHI)
        path, body = f"/v1/organizations/{organization}/account-requests", {"scopes": ["compliance:read"]}
        for who, status in (
            ({"place": CHANGZHI}, 201),
            ({"place": SHANXI}, 201),
            ({"place": TAIYUAN}, 403),
            ({"place": None, "organization": organization}, 201),
            ({"place": None, "organization": other}, 403),
        ):
            assert (await offices.call("POST", path, body=body, **who)).status_code == status, who

    async def test_waits_on_the_worklist_of_the_bureau_that_decides(self, offices: Offices) -> None:
        organization = await offices.registers("employer", place=CHANGZHI, affiliation="central")
        path, body = f"/v1/organizations/{organization}/account-requests", {"scopes": ["compliance:read"]}
        asked = (await offices.done(path, body, place=CHANGZHI))["request_id"]

        async def waiting(place: str) -> set[str]:
            page = await offices.seen("/v1/worklists?kind=account&limit=200", place=place)
            return {case["case_id"] for case in page["items"]}

        assert asked in await waiting(SHANXI)
        assert asked not in await waiting(CHANGZHI)
        await offices.done(f"/v1/worklists/cases/{asked}/claim", subject="official-7")
        held = await offices.call("POST", f"/v1/account-requests/{asked}/grant", place=SHANXI)
        assert held.status_code == 409
        await offices.done(f"/v1/account-requests/{asked}/grant", subject="official-7")
        assert asked not in await waiting(SHANXI)
