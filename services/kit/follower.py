"""The consumer's side of a feed: follows one log of another service from a saved checkpoint."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from urllib.parse import quote

import httpx
import msgspec
import stamina
import structlog

from services.kit.command import UnitOfWork, WritePath
from services.kit.errors import TYPE_PREFIX
from services.kit.events import UnknownEventError
from services.kit.feed import HEAD, HISTORY, NEXT_AFTER, CloudEvent
from services.kit.histories import AnotherHistoryError, Mark
from services.kit.projection import Checkpoints

if TYPE_CHECKING:
    from services.kit.database import Connection, Database

U = TypeVar("U", bound=UnitOfWork)


class Consumer(Protocol):
    """What follows a log, and keeps how far it has come."""

    async def load_checkpoint(self) -> Mark:
        """The position saved with the last effects, and its history."""

    async def handle(self, events: Sequence[CloudEvent], mark: Mark) -> None:
        """Write the effects of a batch and the position after it in one transaction; nothing when it was read of another
        history than the one kept.
        """

    async def go_back(self, mark: Mark) -> None:
        """Go over to a history that was begun by a restore, and back to what it has in common with ours."""


_CONNECT_SECONDS_MAX = 3.0
_ANSWER_SECONDS_MAX = 10.0
_PAUSE_SECONDS_MAX = 30.0

_DECODER = msgspec.json.Decoder(list[CloudEvent])
_log = structlog.get_logger(__name__)


class TokenError(OSError):
    """A token that cannot be read, or is not taken: tried again, so that it can be put right while a worker runs."""

    def __init__(self, file: object, why: str) -> None:
        super().__init__(f"the token in {file} {why}")


class TokenFile(httpx.Auth):
    """The bearer token in a file, read for every request so that it can be replaced while a worker runs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the token into the request. Raises TokenError when there is none."""
        try:
            token = self.path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise TokenError(self.path, f"cannot be read: {error.strerror}") from None
        request.headers["Authorization"] = f"Bearer {token}"
        yield request


def must_be_let_in(response: httpx.Response, client: httpx.AsyncClient) -> None:
    """Raises TokenError, naming the file, for an answer that says our token is not taken."""
    if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        auth = client.auth
        file = auth.path if isinstance(auth, TokenFile) else "memory"
        raise TokenError(file, f"is refused with {response.status_code} by {response.request.url.host}")


class FeedUnavailableError(Exception):
    """The feed did not answer with a batch; asked again later."""


class AheadOfFeedError(Exception):
    """We have seen more of a log than its service has: another deployment, or one restored from an old
    backup of which nothing is known.

    Going on would skip events in silence as soon as the log grows past us, so somebody has to look.
    """


@dataclass(frozen=True)
class FollowerStatus:
    """How far a follower has come, the log's head when last heard of, and what delays or stopped it."""

    position: int = 0
    head: int = 0
    error: str | None = None
    stopped: bool = False
    """Whether somebody has to put it right."""

    @property
    def lag(self) -> int:
        """How many positions are not followed yet."""
        return max(0, self.head - self.position)


class FeedFollower:
    """Follows one log of a feed; each batch is handled once, in order."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        log: str,
        consumer: Consumer,
        *,
        limit: int = 500,
        wait_seconds: int = 20,
    ) -> None:
        """`client` knows the service's address and carries our token. The checkpoint is loaded before every
        batch: after a failure nobody need know whether the last one was saved.
        """
        self.log = log
        self._client = client
        self._consumer = consumer
        self._limit = limit
        self._wait_seconds = wait_seconds
        self._path = f"/v1/logs/{quote(log, safe='')}/feed"
        self._status = FollowerStatus()

    def status(self) -> FollowerStatus:
        """How it stands; for readiness and metrics."""
        return self._status

    async def step(self, *, wait_seconds: int = 0) -> int:
        """Ask once and handle what comes; answers how many positions that moved us on, 1 for going back.

        Raises AheadOfFeedError, FeedUnavailableError, httpx.TransportError, or whatever the consumer raises.
        """
        mark = await self._consumer.load_checkpoint()
        try:
            events, reached, head = await self._ask(mark, wait_seconds)
        except _RestoredError as restored:
            _log.critical(
                "follower.went_back", log=self.log, position=mark.position, to=restored.mark.position
            )
            await self._consumer.go_back(restored.mark)
            self._status = FollowerStatus(restored.mark.position, self._status.head)
            return 1
        if reached.position > mark.position:
            await self._consumer.handle(events, reached)
        self._status = FollowerStatus(reached.position, head)
        return reached.position - mark.position

    async def catch_up(self) -> int:
        """Handle batches until there is nothing more; answers the position reached."""
        while await self.step():
            pass
        return self._status.position

    async def run(self) -> None:
        """Follow until cancelled, which is safe at any moment. What goes wrong is tried again, ever more
        slowly.

        Two things end it, with the error kept in the status and raised: being ahead of the feed, and an event
        that `handle` does not know (UnknownEventError).
        """
        while True:
            async for attempt in stamina.retry_context(
                on=_may_pass, attempts=None, timeout=None, wait_initial=0.1, wait_max=_PAUSE_SECONDS_MAX
            ):
                with attempt:
                    await self._noted_step()

    async def _noted_step(self) -> None:
        try:
            await self.step(wait_seconds=self._wait_seconds)
        except Exception as error:
            before, refused = self._status, isinstance(error, TokenError)
            told = str(error) if refused else repr(error)
            self._status = FollowerStatus(before.position, before.head, told, refused or not _may_pass(error))
            if refused and told != before.error:
                _log.error("follower.token", log=self.log, error=told)
            if not _may_pass(error):
                _log.critical("follower.stopped", log=self.log, error=repr(error))
            raise

    async def _ask(self, mark: Mark, wait_seconds: int) -> tuple[list[CloudEvent], Mark, int]:
        after, history = mark
        told = {"history": history} if history else {}
        response = await self._client.get(
            self._path,
            params={"after": after, "limit": self._limit, "wait": wait_seconds, **told},
            timeout=httpx.Timeout(_CONNECT_SECONDS_MAX, read=wait_seconds + _ANSWER_SECONDS_MAX),
        )
        must_be_let_in(response, self._client)
        if response.status_code == httpx.codes.CONFLICT:
            raise _conflict(response, f"{self.log}: we are at {after}")
        if response.status_code != httpx.codes.OK:
            raise FeedUnavailableError(f"{self.log}: status {response.status_code}")
        events = _DECODER.decode(response.content)
        next_after, head = int(response.headers[NEXT_AFTER]), int(response.headers[HEAD])
        positions = [after, *(event.position for event in events), next_after + 1]
        if any(later <= earlier for earlier, later in itertools.pairwise(positions)):
            raise FeedUnavailableError(f"{self.log}: positions out of order after {after}")
        return events, Mark(next_after, response.headers.get(HISTORY, "")), head


class _RestoredError(Exception):
    """The log was restored to an earlier moment; up to `mark` we have it in common."""

    def __init__(self, mark: Mark) -> None:
        super().__init__(mark)
        self.mark = mark


def _conflict(response: httpx.Response, where: str) -> Exception:
    problem = response.json()
    if problem.get("type") == TYPE_PREFIX + AnotherHistoryError.code and problem["known"]:
        return _RestoredError(Mark(int(problem["position"]), str(problem["history"])))
    return AheadOfFeedError(f"{where}, {problem.get('title')}")


def _may_pass(error: Exception) -> bool:
    """Whether trying again can help. A cancellation comes here as well, and is not to be tried again."""
    return isinstance(error, Exception) and not isinstance(error, AheadOfFeedError | UnknownEventError)


class _OfOneLog:
    """The position of a consumer whose effects live in one log.

    Two processes may follow the same feed: they take turns, and what one has handled the other leaves out.
    """

    def __init__(self, database: Database, name: str, *, log: str, source: str) -> None:
        """`log` is where the effects are written, `source` the followed log, `name` the consumer's for ever."""
        self._database = database
        self._checkpoints = Checkpoints(name)
        self._log = log
        self._source = source

    async def load_checkpoint(self) -> Mark:
        """The position saved with the last effects."""
        async with self._database.acquire() as conn:
            return await self._checkpoints.mark(conn, self._log, self._source)

    async def go_back(self, mark: Mark) -> None:
        """Go back to where the history of the mark begins."""
        async with self._database.transaction() as conn:
            await self._checkpoints.go_back(conn, self._log, self._source, mark)


class InOneTransaction(_OfOneLog):
    """A consumer whose effects live in one log: one transaction a batch."""

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        log: str,
        source: str,
        apply: Callable[[Connection, Sequence[CloudEvent]], Awaitable[None]],
    ) -> None:
        super().__init__(database, name, log=log, source=source)
        self._apply = apply

    async def handle(self, events: Sequence[CloudEvent], mark: Mark) -> None:
        """Apply what is new and save the position with it."""
        async with self._database.transaction() as conn:
            reached = await self._checkpoints.lock_for(conn, self._log, self._source, mark.history)
            if reached is None or mark.position <= reached:
                return
            new = [event for event in events if event.position > reached]
            if new:
                await self._apply(conn, new)
            await self._checkpoints.advance(conn, self._log, self._source, *mark)


class AsOneCommand(_OfOneLog, Generic[U]):
    """A consumer whose effects are events of one log: one unit of work a batch, carried
    out by the write path like every other command.
    """

    def __init__(
        self,
        database: Database,
        path: WritePath[U],
        name: str,
        *,
        log: str,
        source: str,
        apply: Callable[[U, Sequence[CloudEvent]], Awaitable[None]],
    ) -> None:
        super().__init__(database, name, log=log, source=source)
        self._path = path
        self._apply = apply

    async def handle(self, events: Sequence[CloudEvent], mark: Mark) -> None:
        """Decide on what is new, and save the position with the events. BusyError when others were first every time."""

        async def decide(unit: U) -> None:
            reached = await self._checkpoints.lock_for(unit.conn, self._log, self._source, mark.history)
            if reached is None or mark.position <= reached:
                return
            await self._apply(unit, [event for event in events if event.position > reached])
            await self._checkpoints.advance(unit.conn, self._log, self._source, *mark)

        await self._path.store(self._log, decide)
