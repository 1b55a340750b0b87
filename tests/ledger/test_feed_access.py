"""A log's feed tells of everybody in it: who may read which."""

import pytest

from tests.kit.http import bearer
from tests.ledger.world import World


class TestFeed:
    @pytest.mark.parametrize(
        ("place", "log", "status"),
        [
            (None, "210000", 200),
            ("100000", "210000", 200),
            ("210000", "210000", 200),
            ("210200", "210200", 200),
            ("210000", "210200", 403),
            ("211300", "210000", 403),
            ("140000", "210000", 403),
            ("210000", "100000", 403),
        ],
    )
    async def test_an_official_reads_the_log_of_their_own_authority_only(
        self, world: World, place: str | None, log: str, status: int
    ):
        claims = {} if place is None else {"place": place}
        headers = bearer("feed:read", **claims)
        assert (await world.client.get(f"/v1/logs/{log}/feed", headers=headers)).status_code == status

    async def test_a_provider_reads_none(self, world: World):
        headers = bearer("feed:read", organization="organization-1")
        assert (await world.client.get("/v1/logs/210000/feed", headers=headers)).status_code == 403
