"""Organizations: registered, accredited for places and years, and disqualified from a day on."""

from typing import Any

import pytest

from tests.registry.scenarios import CHAOYANG, DALIAN, LIAONING, SHUANGTA, Registry, uscc

ORGANIZATIONS = "/v1/organizations"
NOBODY = "00000000-0000-4000-8000-000000000000"
GOOD = {"name": "学分示例培训有限公司", "kind": "provider", "place": SHUANGTA}
ACCREDITATION = {"place": CHAOYANG, "years": [2025, 2026], "modes": ["online"]}
DISQUALIFICATION = {"place": CHAOYANG, "from_date": "2026-03-01", "reason": "false_records"}


class TestRegisterOrganization:
    async def test_anonymous_and_missing_scope(self, registry: Registry) -> None:
        body = GOOD | {"uscc": uscc()}
        assert (await registry.call("POST", ORGANIZATIONS, body=body, anonymous=True)).status_code == 401
        assert (await registry.call("POST", ORGANIZATIONS, "client:write", body=body)).status_code == 403

    async def test_an_official_of_another_place(self, registry: Registry) -> None:
        response = await registry.call("POST", ORGANIZATIONS, body=GOOD | {"uscc": uscc()}, place=DALIAN)
        assert response.status_code == 403

    async def test_a_code_that_is_registered(self, registry: Registry) -> None:
        code = uscc()
        first = await registry.organization(code=code)
        response = await registry.call("POST", ORGANIZATIONS, body=GOOD | {"uscc": code})
        assert response.status_code == 409
        assert response.json()["organization_id"] == first

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [({"uscc": "91210000XUEFEN0010"}, "/uscc"), ({"kind": "club"}, "/kind"), ({"name": "a\u0000"}, "/name"),
         ({"place": "000000"}, "/place")],
    )  # fmt: skip
    async def test_a_bad_field(self, registry: Registry, changes: dict[str, Any], pointer: str) -> None:
        response = await registry.call("POST", ORGANIZATIONS, body=GOOD | {"uscc": uscc()} | changes)
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == pointer

    async def test_is_seen_by_officials_and_by_itself_only(self, registry: Registry) -> None:
        mine, other = await registry.organization(), await registry.organization()
        who = {"place": None, "organization": mine}
        assert (
            await registry.call("GET", f"{ORGANIZATIONS}/{mine}", "completion:write", **who)
        ).status_code == 200
        assert (
            await registry.call("GET", f"{ORGANIZATIONS}/{other}", "completion:write", **who)
        ).status_code == 404
        assert (await registry.call("GET", f"{ORGANIZATIONS}/{other}")).status_code == 200
        assert (await registry.call("GET", f"{ORGANIZATIONS}/{other}", anonymous=True)).status_code == 401


class TestAccreditProvider:
    async def test_anonymous_and_missing_scope(self, registry: Registry) -> None:
        path = f"{ORGANIZATIONS}/{NOBODY}/accreditations"
        assert (await registry.call("POST", path, body=ACCREDITATION, anonymous=True)).status_code == 401
        assert (await registry.call("POST", path, "client:write", body=ACCREDITATION)).status_code == 403

    @pytest.mark.parametrize("place", [SHUANGTA, DALIAN, LIAONING])
    async def test_an_official_of_another_place(self, registry: Registry, place: str) -> None:
        organization = await registry.organization()
        path = f"{ORGANIZATIONS}/{organization}/accreditations"
        wanted = LIAONING if place != LIAONING else DALIAN
        response = await registry.call("POST", path, body=ACCREDITATION | {"place": wanted}, place=place)
        assert response.status_code == (403 if wanted != place else 201)

    async def test_an_unknown_organization(self, registry: Registry) -> None:
        path = f"{ORGANIZATIONS}/{NOBODY}/accreditations"
        assert (await registry.call("POST", path, body=ACCREDITATION)).status_code == 404

    async def test_an_employer_is_not_a_provider(self, registry: Registry) -> None:
        organization = await registry.organization(kind="employer")
        response = await registry.call(
            "POST", f"{ORGANIZATIONS}/{organization}/accreditations", body=ACCREDITATION
        )
        assert response.status_code == 409
        assert response.json()["type"] == "urn:xuefen:problem:not-a-provider"

    async def test_what_is_accredited_already(self, registry: Registry) -> None:
        organization = await registry.accredited()
        path = f"{ORGANIZATIONS}/{organization}/accreditations"
        assert (await registry.call("POST", path, body=ACCREDITATION | {"years": [2026]})).status_code == 409
        assert (await registry.call("POST", path, body=ACCREDITATION | {"years": [2027]})).status_code == 201

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [({"years": []}, "/years"), ({"years": [0]}, "/years/0"), ({"years": [9999]}, "/years/0"),
         ({"years": [2025, 2025]}, "/years"), ({"years": [True]}, "/years/0"), ({"years": ["2025"]}, "/years/0"),
         ({"modes": ["radio"]}, "/modes/0"), ({"place": "１"}, "/place"), ({"published": 1}, "/published")],
    )  # fmt: skip
    async def test_a_bad_field(self, registry: Registry, changes: dict[str, Any], pointer: str) -> None:
        path = f"{ORGANIZATIONS}/{NOBODY}/accreditations"
        response = await registry.call("POST", path, body=ACCREDITATION | changes)
        assert response.status_code == 422
        assert response.json()["errors"][0]["pointer"] == pointer

    async def test_is_on_file(self, registry: Registry) -> None:
        organization = await registry.accredited()
        seen = (await registry.call("GET", f"{ORGANIZATIONS}/{organization}")).json()
        (held,) = seen["accreditations"]
        assert (held["place"], held["years"], held["modes"], held["published"]) == (
            CHAOYANG, [2025, 2026], ["online"], True
        )  # fmt: skip


class TestDisqualifyProvider:
    async def test_anonymous_and_missing_scope(self, registry: Registry) -> None:
        path = f"{ORGANIZATIONS}/{NOBODY}/disqualification"
        assert (await registry.call("POST", path, body=DISQUALIFICATION, anonymous=True)).status_code == 401
        assert (await registry.call("POST", path, "client:write", body=DISQUALIFICATION)).status_code == 403

    async def test_an_official_below_the_place(self, registry: Registry) -> None:
        organization = await registry.accredited()
        path = f"{ORGANIZATIONS}/{organization}/disqualification"
        assert (await registry.call("POST", path, body=DISQUALIFICATION, place=SHUANGTA)).status_code == 403

    async def test_an_unknown_organization(self, registry: Registry) -> None:
        path = f"{ORGANIZATIONS}/{NOBODY}/disqualification"
        assert (await registry.call("POST", path, body=DISQUALIFICATION)).status_code == 404

    async def test_a_provider_without_accreditation_there(self, registry: Registry) -> None:
        organization = await registry.organization()
        response = await registry.call(
            "POST", f"{ORGANIZATIONS}/{organization}/disqualification", body=DISQUALIFICATION
        )
        assert response.status_code == 409
        assert response.json()["type"] == "urn:xuefen:problem:not-accredited"

    async def test_a_provider_disqualified_before(self, registry: Registry) -> None:
        organization = await registry.accredited()
        path = f"{ORGANIZATIONS}/{organization}/disqualification"
        assert (await registry.call("POST", path, body=DISQUALIFICATION)).status_code == 201
        response = await registry.call("POST", path, body=DISQUALIFICATION | {"from_date": "2026-04-01"})
        assert response.status_code == 409
        assert response.json()["from_date"] == "2026-03-01"

    @pytest.mark.parametrize(
        "changes",
        [{"from_date": "9999-01-01"}, {"from_date": "0001-01-01"}, {"reason": "whim"}, {"place": "1"}],
    )
    async def test_a_bad_field(self, registry: Registry, changes: dict[str, Any]) -> None:
        path = f"{ORGANIZATIONS}/{NOBODY}/disqualification"
        assert (await registry.call("POST", path, body=DISQUALIFICATION | changes)).status_code == 422

    async def test_is_on_file_and_stops_new_accreditations(self, registry: Registry) -> None:
        organization = await registry.accredited()
        path = f"{ORGANIZATIONS}/{organization}"
        await registry.call("POST", f"{path}/disqualification", body=DISQUALIFICATION)
        (lost,) = (await registry.call("GET", path)).json()["disqualifications"]
        assert (lost["place"], lost["from_date"], lost["reason"]) == (CHAOYANG, "2026-03-01", "false_records")
        body = ACCREDITATION | {"place": SHUANGTA, "years": [2027]}
        response = await registry.call("POST", f"{path}/accreditations", body=body)
        assert response.status_code == 409
        assert response.json()["clause"] == "S0-25"
