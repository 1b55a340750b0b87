"""A reader who follows the ledger's feeds as a sync job would: a little at a time, forgetting what was not stored."""

import random
from typing import Any

import httpx

from tests.kit.http import bearer


class FeedReader:
    """Follows logs with a checkpoint each; a restart loses what was read since."""

    def __init__(self, client: httpx.AsyncClient, logs: list[str], random_: random.Random) -> None:
        self.client = client
        self.random = random_
        self.checkpoints = dict.fromkeys(logs, 0)
        self.stored: dict[str, list[dict[str, Any]]] = {log: [] for log in logs}
        self.text: list[str] = []

    async def read_a_little(self) -> None:
        """A few pages of a few logs, some of them lost in a restart before they are stored."""
        for log in self.random.sample(sorted(self.checkpoints), k=2):
            await self._page(
                log, limit=self.random.choice([1, 2, 3, 7, 50]), lost=self.random.random() < 0.25
            )

    async def read_all(self) -> None:
        """To the head of every log."""
        for log in self.checkpoints:
            while await self._page(log, limit=self.random.choice([5, 100]), lost=False):
                pass

    async def _page(self, log: str, *, limit: int, lost: bool) -> bool:
        """One request; whether there may be more."""
        response = await self.client.get(
            f"/v1/logs/{log}/feed",
            params={"after": self.checkpoints[log], "limit": limit},
            headers=bearer("feed:read", subject="sync"),
        )
        assert response.status_code == 200, response.text
        self.text.append(response.text)
        after, head = int(response.headers["Xuefen-Next-After"]), int(response.headers["Xuefen-Head"])
        assert self.checkpoints[log] <= after <= head
        assert len(response.json()) <= limit
        if not lost:
            self.stored[log] += response.json()
            self.checkpoints[log] = after
        return after < head or lost
