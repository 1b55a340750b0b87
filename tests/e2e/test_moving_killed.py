"""The workers of all three services are killed again and again while people move from one authority to another: each move
comes to its end, with each event once, and no credit is lost (S2C-14 to S2C-18).

CI moves a few people; `XUEFEN_TEST_TRANSFERS=200 pytest tests/e2e/test_moving_killed.py` moves as many as it says.
"""

import asyncio
import os
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.cli.demo import fictitious
from services.kit import events as codec
from services.ledger.streams.account_events import AccountArrived, AccountLeft
from services.ledger.streams.profile_events import DepartureGuarded, ProfileArrived, ProfileLeft
from tests.conftest import reachable
from tests.e2e.deployment import (
    CHANGCHUN,
    HOHHOT,
    JILIN,
    NEI_MONGOL,
    Deployment,
    completion,
    wait_until,
)

SEED = 20261126
TRANSFERS = int(os.environ.get("XUEFEN_TEST_TRANSFERS", "16"))
SECONDS_MAX = 120.0 + TRANSFERS
AT_ONCE = 8
KILLS_MIN = 5
WORKERS = ("registry-worker", "ledger-worker", "transfer-worker")
ONCE = (DepartureGuarded, ProfileLeft, AccountLeft, ProfileArrived, AccountArrived)
_EVENTS = "select topic, state from events where log = any($1::text[]) and topic = any($2::text[])"
_MINUTE_PASSES = "update leases set free_at = now() where free_at > now()"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder: Path = reachable(tmp_path_factory.mktemp("killed"))
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("XUEFEN_")]:
            patch.delenv(name)
        deployment = Deployment(folder / "home")
        try:
            deployment.start()
            yield deployment
        finally:
            deployment.stop()


class Move:
    """One person on the way from Hohhot to Changchun, with a credit that says who they are."""

    def __init__(self, deployment: Deployment, provider: str, number: int) -> None:
        self.deployment = deployment
        self.provider = provider
        self.person = fictitious.person(1_000 + number)
        self.record = completion(self.person, f"m-{number}", f"{number % 90 + 1}.00", NEI_MONGOL)
        self.person_id = ""
        self.transfer_id = ""

    def run(self) -> None:
        """The whole way, as people and officials go it; the workers do the rest, whenever they live."""
        self.person_id = self.deployment.collects(self.person, HOHHOT)
        wait_until(lambda: self.deployment.asks(self.person_id) is not None, SECONDS_MAX)
        wait_until(self.is_registered, SECONDS_MAX)
        self.transfer_id = self.deployment.asks_out(self.person_id, CHANGCHUN)
        self.deployment.accepts(self.transfer_id, HOHHOT)
        self.deployment.takes(self.transfer_id, CHANGCHUN)

    def is_registered(self) -> bool:
        """Whether the credit is in the account, posted until it is."""
        [outcome] = self.deployment.posts(self.provider, self.record)
        return outcome["outcome"] in ("registered", "duplicate")

    def has_arrived(self) -> bool:
        """Whether the destination answers, with the credit."""
        answer = self.deployment.asks(self.person_id, JILIN)
        return answer is not None and answer["log"] == JILIN


class Killer:
    """Kills a worker at random moments and starts it again; leases of a killed one would run out after a minute."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._random = random.Random(SEED)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.kills: Counter[str] = Counter()

    def __enter__(self) -> "Killer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._pass_a_minute()

    def _run(self) -> None:
        while not self._over.wait(self._random.uniform(2.0, 6.0)):
            worker = self._random.choice(WORKERS)
            self._deployment.stack.kill(worker)
            self.kills[worker] += 1
            self._pass_a_minute()

    def _pass_a_minute(self) -> None:
        async def execute() -> None:
            conn = await asyncpg.connect(self._deployment.stack.databases["transfer"])
            await conn.execute("set search_path to transfer")
            await conn.execute(_MINUTE_PASSES)
            await conn.close()

        asyncio.run(execute())


def stored(deployment: Deployment) -> list[Any]:
    """Every event of a move in the ledger's two logs."""

    async def read() -> list[Any]:
        conn = await asyncpg.connect(deployment.stack.databases["ledger"])
        await conn.execute("set search_path to ledger")
        rows = await conn.fetch(_EVENTS, [NEI_MONGOL, JILIN], [kind.TOPIC for kind in ONCE])
        await conn.close()
        return [codec.decode(row[0], row[1]) for row in rows]

    return asyncio.run(read())


def told(deployment: Deployment) -> list[dict[str, Any]]:
    """Everything the transfer service has told of."""
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        path = f"/v1/logs/transfer/feed?after={after}&limit=500"
        page = deployment.does("transfer", "GET", path, kind="service")
        if not page:
            return found
        found += page
        after = page[-1]["position"]


class TestKilled:
    def test_every_move_comes_to_its_end_with_each_event_once(self, deployment: Deployment):
        provider = deployment.provides(NEI_MONGOL)
        moves = [Move(deployment, provider, number) for number in range(TRANSFERS)]
        with Killer(deployment) as killer:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(Move.run, moves))
            wait_until(lambda: sum(killer.kills.values()) >= KILLS_MIN, SECONDS_MAX)
        wait_until(lambda: all(move.has_arrived() for move in moves), SECONDS_MAX)

        for move in moves:
            answer = deployment.asks(move.person_id)
            assert answer is not None
            assert (answer["log"], answer["total"]) == (JILIN, move.record["credits"])
            assert deployment.asks(move.person_id, NEI_MONGOL) is None
        counts = Counter((type(event), event.transfer_id) for event in stored(deployment))
        assert counts == {(kind, move.transfer_id): 1 for kind in ONCE for move in moves}
        ends = ("origin", "destination")
        wanted = {(move.transfer_id, end): 1 for move in moves for end in ends}
        wait_until(lambda: Counter(transferred(deployment)) == wanted, SECONDS_MAX)
        for move in moves:
            seen = deployment.does("registry", "GET", f"/v1/persons/{move.person_id}", place=CHANGCHUN)
            assert seen["place"] == CHANGCHUN
        assert set(killer.kills) <= set(WORKERS)


def transferred(deployment: Deployment) -> list[tuple[str, str]]:
    """Which transfers were told to be over, at which end."""
    type_ = "cn.xuefen.transfer.profile.transferred.v1"
    return [
        (each["data"]["transfer_id"], each["data"]["end"])
        for each in told(deployment)
        if each["type"] == type_
    ]
