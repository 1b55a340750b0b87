"""The command that lets parked deliveries go again, once for each Idempotency-Key."""

from __future__ import annotations

from contracts.divisions import AUTHORITIES, NATION
from services.kit.clock import Clock
from services.kit.database import Database
from services.kit.idempotency import CommandKey, StoredAnswer, claim, remember
from services.sync.delivering.release import release_all
from services.sync.problems import OutsidePlaceError, UnknownTargetError
from services.sync.targets import Targets


class Releases:
    """Releases on behalf of operators."""

    def __init__(self, database: Database, targets: Targets, clock: Clock) -> None:
        self._database = database
        self._targets = targets
        self._clock = clock

    async def release(self, target: str, place: str, key: CommandKey) -> StoredAnswer:
        """Let what is parked of an authority go again, of every authority for the nation.

        Raises UnknownTargetError, OutsidePlaceError for a place below an authority, and the idempotency problems.
        """
        if target not in self._targets.all:
            raise UnknownTargetError
        if place not in AUTHORITIES:
            raise OutsidePlaceError("由省级财政部门处理。", "For the first-level authority to do.")
        log = None if place == NATION else place
        async with self._database.transaction() as conn:
            stored = await claim(conn, place, key)
            if stored is not None:
                return stored
            people = await release_all(conn, target, log, self._clock())
            answer = StoredAnswer.of(200, {"people": people})
            await remember(conn, place, key, answer)
        return answer
