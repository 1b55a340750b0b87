"""The sender of one target's deliveries: leased, told who it is about, sent as a batch, settled record by record.

The key of a record is its subject and revision. Whatever is killed in between, the record is sent again under the same key,
and the other side answers it as it did before.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import structlog
from pydantic import ValidationError

from contracts.disclosure import PEOPLE_MAX, DisclosedPerson, DisclosureRequest, Disclosures
from contracts.targets import Answer, Identity, TargetRecord
from services.kit.breaker import Breaker
from services.kit.clock import Clock
from services.kit.database import OUTCOME_UNKNOWN, Database
from services.kit.failures import NOTHING_STORED
from services.sync.adapters import (
    Adapter,
    BatchRefusedError,
    TargetBusyError,
    TargetUnavailableError,
)
from services.sync.delivering.queue import Leased, Queue, Settled, release_due
from services.sync.targets import Target

NOBODY = "not-found"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
"""An id as the registry gives them; another is nobody's there."""


class RegistryUnavailableError(Exception):
    """The registry does not tell now who people are; nothing that needs it can be sent."""


class Identities:
    """Asks the registry, batch by batch; nothing is remembered."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """`client` knows the registry's address and carries our token."""
        self._client = client

    async def of(self, people: Sequence[str], recipient: str) -> Mapping[str, Identity | str]:
        """Each person's identity, or the code of the reason why there is none: `person-erased`, `not-found`.

        Raises RegistryUnavailableError.
        """
        found: dict[str, Identity | str] = {}
        known = [person for person in people if _UUID.fullmatch(person)]
        found |= dict.fromkeys(set(people) - set(known), NOBODY)
        for start in range(0, len(known), PEOPLE_MAX):
            part = known[start : start + PEOPLE_MAX]
            found |= await self._ask(part, recipient)
        return found

    async def _ask(self, people: list[str], recipient: str) -> dict[str, Identity | str]:
        asked = DisclosureRequest(purpose="delivery", recipient=recipient, person_ids=people)
        try:
            response = await self._client.post("/v1/disclosures", json=asked.model_dump())
        except httpx.HTTPError as error:
            raise RegistryUnavailableError(type(error).__name__) from None
        if response.status_code != httpx.codes.OK:
            raise RegistryUnavailableError(f"status {response.status_code}")
        try:
            answered = Disclosures.model_validate_json(response.content)
            return {each.person_id: _identity(each) for each in answered.people}
        except ValidationError:
            raise RegistryUnavailableError("an answer of another form than agreed") from None


def _identity(answer: DisclosedPerson) -> Identity | str:
    if answer.problem is not None:
        return answer.problem
    return Identity(id_type=answer.id_type or "", id_number=answer.id_number or "", name=answer.name or "")


IDLE_SECONDS = 0.5
"""How long a sender that found nothing waits before it looks again."""
ALONE_AFTER = 3
"""Failures after which a record is sent alone, so that one that spoils its batch is found."""
POISONED_AFTER = 16
"""Failures, the later ones alone and while others were taken, after which a record is parked."""
_PAUSE_SECONDS = 0.5
_PAUSE_SECONDS_MAX = 60.0
_RELEASE_SECONDS = 60.0

_PASSING: tuple[type[BaseException], ...] = (*OUTCOME_UNKNOWN, *NOTHING_STORED)
"""What a database may fail with for a while: the lease ends, and whoever comes next goes on."""

_log = structlog.stdlib.get_logger("services.sync.sender")


class Sender:
    """Delivers to one target from one process: `target.in_flight` loops that share a breaker."""

    def __init__(
        self,
        database: Database,
        target: Target,
        adapter: Adapter,
        identities: Identities,
        *,
        clock: Clock,
        lease_seconds: int,
        breaker: Breaker | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._target = target
        self._adapter = adapter
        self._identities = identities
        self._clock = clock
        self._queue = Queue(database, target.name, lease_seconds)
        self.breaker = breaker or Breaker()
        self._jitter = jitter
        self._last_success: datetime | None = None

    async def run(self) -> None:
        """Deliver until cancelled; what is on its way then is sent again by whoever takes it next."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._release_due())
            for _ in range(self._target.in_flight):
                tasks.create_task(self._loop())

    async def step(self) -> int:
        """Take one batch and see it through; how many deliveries were taken."""
        lease, taken = await self._queue.take(self._target.batch, self._clock())
        if not taken:
            self.breaker.leave()
            return 0
        try:
            sendable, settled = await self._records(taken)
        except RegistryUnavailableError as error:
            _log.warning("sync.registry_unavailable", target=self._target.name, error=str(error))
            self.breaker.leave()
            await self._put_off(lease, taken, failed=False)
            return len(taken)
        if settled:
            await self._settle(lease, settled)
        for batch in _batches(sendable):
            await self._send(lease, batch)
        return len(taken)

    async def _loop(self) -> None:
        losses = 0
        while True:
            wait = self.breaker.enter()
            if not wait:
                try:
                    wait = 0.0 if await self.step() else IDLE_SECONDS
                    losses = 0
                except _PASSING as error:
                    self.breaker.leave()
                    losses += 1
                    wait = min(_PAUSE_SECONDS * 2.0**losses, _PAUSE_SECONDS_MAX)
                    _log.warning("sync.database_lost", target=self._target.name, error=type(error).__name__)
            if wait:
                await asyncio.sleep(wait)

    async def _release_due(self) -> None:
        while True:
            try:
                async with self._database.transaction() as conn:
                    await release_due(conn, self._target.name, self._clock())
            except _PASSING as error:
                _log.warning("sync.database_lost", target=self._target.name, error=type(error).__name__)
            await asyncio.sleep(_RELEASE_SECONDS)

    async def _records(
        self, taken: Sequence[Leased]
    ) -> tuple[list[tuple[Leased, TargetRecord]], list[Settled]]:
        """The records to send, and those deliveries that end here because nobody can be named any more.

        An end names nobody: the system knows whose the subject is.
        """
        identities: Mapping[str, Identity | str] = {}
        if "identity" in self._target.needs:
            people = list(dict.fromkeys(each.person_id for each in taken if each.action == "put"))
            identities = await self._identities.of(people, self._target.name)
        sendable, settled = [], []
        for each in taken:
            identity = identities.get(each.person_id)
            needs = "identity" in self._target.needs and each.action == "put"
            if isinstance(identity, str) or (identity is None and needs):
                reason = (identity or NOBODY).replace("-", "_")
                settled.append(Settled(each, "unsynced", reason))
                continue
            try:
                sendable.append((each, self._record(each, identity)))
            except ValidationError:
                settled.append(Settled(each, "refused", "not_expressible"))
        return sendable, settled

    def _record(self, each: Leased, identity: Identity | None) -> TargetRecord:
        said: dict[str, object] = {} if each.action == "end" else dict(each.content)
        for flag in ("make_up", "made_up"):
            if said.get(flag) is not None:
                said[flag] = said[flag] == "true"
        said |= {
            "key": each.key,
            "action": each.action,
            "subject": each.subject,
            "revision": each.revision,
            "person_ref": each.person_id,
            "year": each.year,
            "place": each.place,
            "reason": each.reason if each.action == "end" else None,
            "identity": identity,
        }
        return self._target.kind.model_validate(said)

    async def _send(self, lease: UUID, batch: Sequence[tuple[Leased, TargetRecord]]) -> None:
        deliveries = [delivery for delivery, _ in batch]
        try:
            answers = await self._adapter.deliver([record for _, record in batch])
        except TargetBusyError as busy:
            self.breaker.rest(busy.seconds)
            await self._put_off(lease, deliveries, failed=False, seconds=busy.seconds)
        except BatchRefusedError as refused:
            self.breaker.succeeded()
            await self._halve(lease, batch, refused)
        except TargetUnavailableError as error:
            self.breaker.failed()
            _log.info("sync.target_unavailable", target=self._target.name, error=str(error))
            await self._failed(lease, deliveries)
        else:
            self.breaker.succeeded()
            self._last_success = self._clock()
            answered = [each for each in deliveries if each.key in answers]
            await self._settle(lease, [_settled(each, answers[each.key]) for each in answered])
            left = [each for each in deliveries if each.key not in answers]
            if left:
                await self._failed(lease, left)

    async def _halve(
        self, lease: UUID, batch: Sequence[tuple[Leased, TargetRecord]], refused: BatchRefusedError
    ) -> None:
        """Find the record for which a whole batch was refused: the halves go by themselves, a single one is refused."""
        if len(batch) == 1:
            await self._settle(lease, [Settled(batch[0][0], "refused", f"status_{refused.status}")])
            return
        middle = len(batch) // 2
        await self._send(lease, batch[:middle])
        await self._send(lease, batch[middle:])

    async def _failed(self, lease: UUID, deliveries: Sequence[Leased]) -> None:
        """Nobody knows what became of these: they go again, and one that keeps failing alone is parked."""
        poisoned = [each for each in deliveries if len(deliveries) == 1 and self._is_poisoned(each)]
        if poisoned:
            await self._settle(lease, [Settled(each, "refused", "poisoned") for each in poisoned])
        else:
            await self._put_off(lease, deliveries, failed=True)

    def _is_poisoned(self, delivery: Leased) -> bool:
        if delivery.failures + 1 < POISONED_AFTER or delivery.failed_at is None:
            return False
        return self._last_success is not None and self._last_success > delivery.failed_at

    async def _settle(self, lease: UUID, settled: Sequence[Settled]) -> None:
        now = self._clock()
        retry_at = now + timedelta(hours=self._target.retry_hours)
        for each in settled:
            if each.state != "delivered":
                _log.warning(
                    "sync.parked",
                    target=self._target.name,
                    log=each.delivery.log,
                    key=each.delivery.key,
                    state=each.state,
                    reason=each.reason,
                )
        await self._queue.settle(lease, settled, now, retry_at)

    async def _put_off(
        self, lease: UUID, deliveries: Sequence[Leased], *, failed: bool, seconds: float | None = None
    ) -> None:
        now = self._clock()
        pauses = [
            seconds if seconds is not None else _pause(each.failures, self._jitter()) for each in deliveries
        ]
        until = [now + timedelta(seconds=pause) for pause in pauses]
        await self._queue.put_off(lease, deliveries, now, until, failed)


def _batches(
    sendable: Sequence[tuple[Leased, TargetRecord]],
) -> list[list[tuple[Leased, TargetRecord]]]:
    """Together what has hardly failed, alone what has failed before."""
    together = [each for each in sendable if each[0].failures < ALONE_AFTER]
    alone = [[each] for each in sendable if each[0].failures >= ALONE_AFTER]
    return ([together] if together else []) + alone


def _settled(delivery: Leased, answer: Answer) -> Settled:
    if answer.outcome == "accepted":
        return Settled(delivery, "delivered", reference=answer.reference)
    state = "unsynced" if answer.outcome == "unmatched" else "refused"
    return Settled(delivery, state, answer.reason or answer.outcome)


def _pause(failures: int, jitter: float) -> float:
    """Seconds before a record goes again: doubling with every failure, with jitter upward of half."""
    return min(_PAUSE_SECONDS * 2.0 ** min(failures, 10), _PAUSE_SECONDS_MAX) * (0.5 + jitter / 2)
