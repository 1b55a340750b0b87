"""The reviewers' queue of anomalies, and the command that clears one. Nothing here touches an account."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from contracts.divisions import AUTHORITIES, NATION, authority_of, contains
from services.kit.command import WritePath
from services.kit.database import Databases
from services.kit.event_store import EventStore
from services.kit.idempotency import CommandKey, StoredAnswer
from services.ledger.store.anomalies import Anomaly, Status, find_anomaly, list_anomalies
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams.anomaly import AnomalyCleared, AnomalyNotOpenError, UnknownAnomalyError

Finding = Literal["explained", "clock_of_provider", "reported_in_error", "credits_revoked", "other"]


def stream_of(anomaly_id: str) -> str:
    """The stream of what officials found about one anomaly."""
    return f"anomaly:{anomaly_id}"


class ClearedAnomaly(Struct, frozen=True, kw_only=True):
    """An anomaly that an official has looked into."""

    anomaly_id: str
    state: str
    finding: Finding


class AnomalyReviews:
    """Lists anomalies for officials of their place, and keeps what they found."""

    def __init__(self, databases: Databases, store: EventStore, path: WritePath[LedgerUnit]) -> None:
        self._databases = databases
        self._store = store
        self._path = path

    async def queue(
        self, place: str, status: Status, after: tuple[datetime, str], limit: int
    ) -> list[Anomaly]:
        """The anomalies of a place and all under it, in the order in which they were noticed."""
        log = authority_of(place)
        async with self._databases.of(log).acquire() as conn:
            return await list_anomalies(conn, log, place, status, after, limit)

    async def clear(
        self,
        anomaly_id: str,
        place: str,
        key: CommandKey,
        *,
        finding: Finding,
        reference: str | None,
        decided_by: str,
    ) -> StoredAnswer:
        """Keep what an official found: the anomaly leaves the queue until more study comes to the same day.

        Raises UnknownAnomalyError and AnomalyNotOpenError.
        """
        log, _ = await self._find(anomaly_id, place)

        async def act(unit: LedgerUnit) -> tuple[int, object]:
            found = await find_anomaly(unit.conn, [log], anomaly_id)
            assert found is not None, "an anomaly that was noticed stays a row"
            anomaly = found[1]
            stream_id = stream_of(anomaly_id)
            said = (await self._store.load(unit.conn, log, [stream_id])).get(stream_id, [])
            if anomaly.status != "open":
                raise AnomalyNotOpenError(state=anomaly.status)
            event = AnomalyCleared(
                anomaly_id=anomaly_id,
                person_id=anomaly.person_id,
                place=anomaly.place,
                credit_ids=anomaly.credit_ids,
                finding=finding,
                reference=reference,
                decided_by=decided_by,
                cleared_at=unit.now,
            )
            unit.append(stream_id, len(said) + 1, event)
            return 200, ClearedAnomaly(anomaly_id=anomaly_id, state="cleared", finding=finding)

        return await self._path.execute(log, key, act)

    async def _find(self, anomaly_id: str, place: str) -> tuple[str, Anomaly]:
        logs = AUTHORITIES if place == NATION else [authority_of(place)]
        for database, there in self._databases.grouped(logs).items():
            async with database.acquire() as conn:
                found = await find_anomaly(conn, there, anomaly_id)
            if found is not None and contains(place, found[1].place):
                return found
        raise UnknownAnomalyError
