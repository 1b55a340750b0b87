"""An organization's standing: filed, published, ended, lost and given back; evaluated; as others are told."""

from typing import Any

import pytest

from services.registry.store.tables import LOG
from tests.registry.offices import CHANGZHI, SHANXI, TAIYUAN, Offices

LOST = {"place": SHANXI, "from_date": "2026-05-01", "reason": "quality"}
BACK = {"place": SHANXI, "from_date": "2026-07-01", "reason": "rectified"}
EVALUATION = {
    "place": SHANXI,
    "period_from": "2026-01-01",
    "period_to": "2026-12-31",
    "scores": [
        {"criterion": "course_quality", "points": 45, "points_max": 50},
        {"criterion": "service", "points": 30, "points_max": 50},
    ],
}


async def feed(offices: Offices) -> list[dict[str, Any]]:
    """Everything that the registry tells others."""
    response = await offices.call(
        "GET", f"/v1/logs/{LOG}/feed?after=0&limit=1000", "feed:read", place="100000"
    )
    assert response.status_code == 200, response.text
    events: list[dict[str, Any]] = response.json()
    return events


async def told(offices: Offices, organization_id: str) -> list[tuple[str, Any]]:
    """What is published about one organization."""
    return [
        (event["type"].removeprefix("cn.xuefen.registry."), event["data"])
        for event in await feed(offices)
        if event["subject"] == organization_id
    ]


class TestFiledPublishedEnded:
    """S2B-14, S3B-12: nobody trains before being filed and published."""

    async def test_what_is_filed_is_published_later_and_only_then_counts(self, offices: Offices) -> None:
        provider = await offices.trains("online", published=False)
        path = f"/v1/organizations/{provider}"
        assert (await offices.seen(path))["accreditations"][0]["state"] == "filed"
        await offices.done(f"{path}/accreditations/1/publication")
        held = (await offices.seen(path))["accreditations"][0]
        assert (held["state"], held["published"]) == ("published", True)
        filed, published = (
            data for kind, data in await told(offices, provider) if kind == "provider.accredited.v1"
        )
        assert (filed["published"], published["published"]) == (False, True)

    async def test_is_published_once(self, offices: Offices) -> None:
        provider = await offices.trains("online")
        path = f"/v1/organizations/{provider}/accreditations/1/publication"
        response = await offices.call("POST", path, place=SHANXI)
        assert response.status_code == 409
        assert (response.json()["state"], response.json()["clause"]) == ("published", "S2B-14")

    async def test_ends_from_a_day_on_and_may_be_filed_anew(self, offices: Offices) -> None:
        provider = await offices.trains("online", years=(2026,))
        path = f"/v1/organizations/{provider}/accreditations"
        await offices.done(f"{path}/1/end", {"from_date": "2026-12-01", "reason": "given_up"})
        held = (await offices.seen(f"/v1/organizations/{provider}"))["accreditations"][0]
        assert (held["state"], held["ended_from"]) == ("ended", "2026-12-01")
        assert ("accreditation.ended.v1", "2026-12-01") in [
            (kind, data.get("from_date")) for kind, data in await told(offices, provider)
        ]
        again = await offices.call(
            "POST", f"{path}/1/end", body={"from_date": "2026-12-02", "reason": "other"}, place=SHANXI
        )
        assert again.status_code == 409
        await offices.done(path, {"place": SHANXI, "years": [2026], "modes": ["online"]})

    async def test_the_end_of_what_was_never_published_stays_inside(self, offices: Offices) -> None:
        provider = await offices.trains("online", published=False)
        path = f"/v1/organizations/{provider}/accreditations/1/end"
        await offices.done(path, {"from_date": "2026-12-01", "reason": "filed_in_error"})
        assert "accreditation.ended.v1" not in dict(await told(offices, provider))

    @pytest.mark.parametrize("number", [2, 0, 99_999])
    async def test_a_filing_that_is_not_there(self, offices: Offices, number: int) -> None:
        provider = await offices.trains("online")
        path = f"/v1/organizations/{provider}/accreditations/{number}/publication"
        assert (await offices.call("POST", path, place=SHANXI)).status_code == (404 if number == 2 else 422)

    async def test_a_face_to_face_organization_is_not_filed_for_online_training(
        self, offices: Offices
    ) -> None:
        organiser = await offices.registers("organiser")
        path = f"/v1/organizations/{organiser}/accreditations"
        body = {"place": CHANGZHI, "years": [2026], "modes": ["online"]}
        assert (await offices.call("POST", path, body=body, place=CHANGZHI)).status_code == 409
        await offices.done(path, body | {"modes": ["face_to_face"]}, place=CHANGZHI)


class TestReinstatement:
    """S0-25: a standing is given back by a new event; what was lost in between stays lost."""

    async def test_gives_back_what_was_taken_at_the_same_place(self, offices: Offices) -> None:
        provider = await offices.trains("online")
        path = f"/v1/organizations/{provider}"
        await offices.done(f"{path}/disqualification", LOST)
        body = {"place": SHANXI, "years": [2028], "modes": ["online"]}
        assert (
            await offices.call("POST", f"{path}/accreditations", body=body, place=SHANXI)
        ).status_code == 409
        await offices.done(f"{path}/reinstatement", BACK)
        (lost,) = (await offices.seen(path))["disqualifications"]
        assert (lost["from_date"], lost["reinstated_from"], lost["reinstatement_reason"]) == (
            "2026-05-01",
            "2026-07-01",
            "rectified",
        )
        assert (
            dict(await told(offices, provider))["provider.reinstated.v1"]
            == {"organization_id": provider} | BACK
        )
        await offices.done(f"{path}/accreditations", body)

    async def test_is_refused_where_nothing_was_taken(self, offices: Offices) -> None:
        provider = await offices.trains("online")
        path = f"/v1/organizations/{provider}"
        await offices.done(f"{path}/disqualification", LOST)
        for body, code in (
            (BACK | {"place": TAIYUAN}, "not-disqualified"),
            (BACK | {"from_date": "2026-04-30"}, "reinstated-too-early"),
        ):
            response = await offices.call("POST", f"{path}/reinstatement", body=body, place=SHANXI)
            assert response.json()["type"] == f"urn:xuefen:problem:{code}"

    async def test_is_decided_by_the_place_that_took_it_or_one_above(self, offices: Offices) -> None:
        provider = await offices.trains("online")
        path = f"/v1/organizations/{provider}"
        await offices.done(f"{path}/disqualification", LOST)
        response = await offices.call("POST", f"{path}/reinstatement", body=BACK, place=TAIYUAN)
        assert response.status_code == 403


class TestEvaluation:
    """S2B-15, S3B-15: the authority evaluates over a period, by criteria."""

    async def test_is_scored_once_for_a_period_and_corrected_with_a_reason(self, offices: Offices) -> None:
        provider = await offices.trains("online")
        path = f"/v1/organizations/{provider}/evaluations"
        evaluation = (await offices.done(path, EVALUATION))["evaluation_id"]
        response = await offices.call("POST", path, body=EVALUATION, place=SHANXI)
        assert response.status_code == 409
        assert response.json()["evaluation_id"] == evaluation
        (seen,) = (await offices.seen(path))["items"]
        assert (seen["points"], seen["points_max"]) == (75, 100)
        scores = [{"criterion": "service", "points": 10, "points_max": 50}]
        await offices.done(
            f"/v1/evaluations/{evaluation}/correction", {"scores": scores, "reason": "objection_upheld"}
        )
        (seen,) = (await offices.seen(path))["items"]
        assert (seen["points"], seen["correction_reason"]) == (10, "objection_upheld")

    async def test_is_seen_by_the_organization_itself(self, offices: Offices) -> None:
        provider = await offices.trains("online")
        path = f"/v1/organizations/{provider}/evaluations"
        await offices.done(path, EVALUATION)
        who = {"place": None, "organization": provider}
        assert len((await offices.seen(path, **who))["items"]) == 1

    async def test_is_refused_for_an_employer_and_beyond_the_place(self, offices: Offices) -> None:
        employer, provider = await offices.registers("employer"), await offices.trains("online")
        for organization, place, status in ((employer, SHANXI, 409), (provider, TAIYUAN, 403)):
            path = f"/v1/organizations/{organization}/evaluations"
            assert (await offices.call("POST", path, body=EVALUATION, place=place)).status_code == status

    @pytest.mark.parametrize(
        "changes",
        [
            {"period_to": "2025-12-31"},
            {"scores": []},
            {"scores": [{"criterion": "service", "points": 51, "points_max": 50}]},
        ],
    )
    async def test_a_bad_field(self, offices: Offices, changes: dict[str, Any]) -> None:
        provider = await offices.trains("online")
        path = f"/v1/organizations/{provider}/evaluations"
        assert (await offices.call("POST", path, body=EVALUATION | changes, place=SHANXI)).status_code == 422
