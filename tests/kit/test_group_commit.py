"""Group commit: who shares a transaction, who fails alone, and what a submitter may rely on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from services.kit.database import Database
from services.kit.event_store import EventStore, WrongExpectedVersion
from services.kit.group_commit import GroupCommit, Overloaded
from tests.kit.given import event, everything

LOG = "one"
Commit = Callable[[str, list[Any]], Awaitable[list[Any]]]


def group_commit(commit: Commit, **options: Any) -> GroupCommit[Any, Any]:
    return GroupCommit(commit, size_of=lambda _: 1, **options)


class Recorder:
    """A commit that notes its groups, can be held, and doubles what it is given."""

    def __init__(self) -> None:
        self.groups: list[tuple[str, list[int]]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.running = 0
        self.running_max = 0

    async def __call__(self, log: str, works: list[int]) -> list[int]:
        self.groups.append((log, works))
        self.running += 1
        self.running_max = max(self.running_max, self.running)
        await self.open.wait()
        self.running -= 1
        return [work * 2 for work in works]


class TestSharing:
    async def test_one_work_is_committed_and_answered(self):
        commit = Recorder()

        assert await group_commit(commit).submit(LOG, 21) == 42

        assert commit.groups == [(LOG, [21])]

    async def test_works_that_arrive_during_a_write_share_the_next(self):
        commit = Recorder()
        commit.open.clear()
        group = group_commit(commit)
        first = asyncio.ensure_future(group.submit(LOG, 1))
        await asyncio.sleep(0.01)
        rest = [asyncio.ensure_future(group.submit(LOG, n)) for n in (2, 3, 4)]
        await asyncio.sleep(0.01)
        commit.open.set()

        assert await asyncio.gather(first, *rest) == [2, 4, 6, 8]
        assert commit.groups == [(LOG, [1]), (LOG, [2, 3, 4])]

    async def test_a_log_is_written_by_one_transaction_at_a_time(self):
        commit = Recorder()
        group = group_commit(commit, size_max=2)

        await asyncio.gather(*(group.submit(LOG, n) for n in range(9)))

        assert commit.running_max == 1
        assert [len(works) for _, works in commit.groups] == [2, 2, 2, 2, 1]

    async def test_logs_are_written_side_by_side(self):
        commit = Recorder()
        commit.open.clear()
        group = group_commit(commit)
        works = [asyncio.ensure_future(group.submit(log, 1)) for log in ("one", "two")]
        await asyncio.sleep(0.01)

        assert commit.running == 2
        commit.open.set()
        await asyncio.gather(*works)

    async def test_a_group_stops_at_its_largest_size(self):
        commit = Recorder()
        group = GroupCommit(commit, size_of=lambda work: work, size_max=10)

        await asyncio.gather(*(group.submit(LOG, size) for size in (4, 6, 5, 40, 1)))

        assert [works for _, works in commit.groups] == [[4, 6], [5], [40], [1]]

    async def test_the_writer_does_not_log_under_a_request(self):
        import contextvars

        request = contextvars.ContextVar("request", default="none")
        seen: list[str] = []

        async def commit(log: str, works: list[int]) -> list[int]:
            seen.append(request.get())
            return works

        request.set("request-1")
        await group_commit(commit).submit(LOG, 1)

        assert seen == ["none"]


class TestFailure:
    async def test_a_failing_work_fails_alone(self):
        calls: list[list[int]] = []

        async def commit(log: str, works: list[int]) -> list[int]:
            calls.append(works)
            if 2 in works:
                raise ValueError("two")
            return works

        group = group_commit(commit)
        results = await asyncio.gather(*(group.submit(LOG, n) for n in (1, 2, 3)), return_exceptions=True)

        assert results[0] == 1
        assert isinstance(results[1], ValueError)
        assert results[2] == 3
        assert calls == [[1, 2, 3], [1], [2], [3]]

    async def test_a_work_can_be_answered_with_an_error_without_a_retry(self):
        commits = 0

        async def commit(log: str, works: list[int]) -> list[Any]:
            nonlocal commits
            commits += 1
            return [ValueError("odd") if work % 2 else work for work in works]

        group = group_commit(commit)
        results = await asyncio.gather(*(group.submit(LOG, n) for n in (1, 2)), return_exceptions=True)

        assert isinstance(results[0], ValueError)
        assert (results[1], commits) == (2, 1)

    @pytest.mark.parametrize("error", [ConnectionResetError(), asyncpg.LockNotAvailableError("held")])
    async def test_a_lost_database_is_everybodys_error_and_is_not_asked_again(self, error: Exception):
        commits = 0

        async def commit(log: str, works: list[int]) -> list[int]:
            nonlocal commits
            commits += 1
            raise error

        group = group_commit(commit)
        results = await asyncio.gather(*(group.submit(LOG, n) for n in (1, 2, 3)), return_exceptions=True)

        assert results == [error, error, error]
        assert commits == 1

    async def test_a_database_lost_while_works_are_tried_alone_ends_the_trying(self):
        calls: list[list[int]] = []

        async def commit(log: str, works: list[int]) -> list[int]:
            calls.append(works)
            raise ConnectionResetError if works == [1] else ValueError("group")

        group = group_commit(commit)
        results = await asyncio.gather(*(group.submit(LOG, n) for n in (1, 2, 3)), return_exceptions=True)

        assert all(isinstance(result, ConnectionResetError) for result in results)
        assert calls == [[1, 2, 3], [1]]

    async def test_a_commit_that_hangs_is_ended(self):
        async def commit(log: str, works: list[int]) -> list[int]:
            await asyncio.sleep(60)
            return works

        with pytest.raises(TimeoutError):
            await group_commit(commit, commit_seconds_max=0.02).submit(LOG, 1)

    async def test_a_commit_that_forgets_an_answer_is_not_repeated(self):
        commits = 0

        async def commit(log: str, works: list[int]) -> list[int]:
            nonlocal commits
            commits += 1
            return works[1:]

        group = group_commit(commit)
        results = await asyncio.gather(*(group.submit(LOG, n) for n in (1, 2)), return_exceptions=True)

        assert [type(result) for result in results] == [RuntimeError, RuntimeError]
        assert commits == 1

    async def test_after_a_failure_the_log_goes_on(self):
        async def commit(log: str, works: list[int]) -> list[int]:
            if works == [0]:
                raise ValueError("zero")
            return works

        group = group_commit(commit)
        with pytest.raises(ValueError, match="zero"):
            await group.submit(LOG, 0)

        assert await group.submit(LOG, 1) == 1

    async def test_a_work_that_failed_alone_is_not_tried_again(self):
        tried: list[list[int]] = []

        async def commit(log: str, works: list[int]) -> list[int]:
            tried.append(works)
            raise ValueError("one")

        with pytest.raises(ValueError, match="one"):
            await group_commit(commit).submit(LOG, 1)
        assert tried == [[1]]

    async def test_a_writer_that_is_cancelled_leaves_nobody_waiting(self):
        async def commit(log: str, works: list[int]) -> list[int]:
            raise asyncio.CancelledError

        group = group_commit(commit)

        async with asyncio.timeout(5):
            results = await asyncio.gather(*(group.submit(LOG, n) for n in (1, 2)), return_exceptions=True)

        assert [type(result) for result in results] == [asyncio.CancelledError] * 2
        assert group.pending() == {}


class TestConflict:
    async def test_a_stale_group_is_decided_again(self):
        attempts = 0

        async def commit(log: str, works: list[int]) -> list[int]:
            nonlocal attempts
            attempts += 1
            if attempts < 3:
                raise WrongExpectedVersion(log)
            return works

        assert await group_commit(commit).submit(LOG, 7) == 7
        assert attempts == 3

    async def test_a_work_that_never_fits_fails_alone_in_the_end(self):
        async def commit(log: str, works: list[int]) -> list[int]:
            if 2 in works:
                raise WrongExpectedVersion(log)
            return works

        group = group_commit(commit, attempts_max=2)
        results = await asyncio.gather(*(group.submit(LOG, n) for n in (1, 2)), return_exceptions=True)

        assert results[0] == 1
        assert isinstance(results[1], WrongExpectedVersion)


class TestSubmitter:
    async def test_a_cancelled_submitter_does_not_cancel_the_commit(self):
        commit = Recorder()
        commit.open.clear()
        group = group_commit(commit)
        leaver = asyncio.ensure_future(group.submit(LOG, 1))
        stayer = asyncio.ensure_future(group.submit(LOG, 2))
        await asyncio.sleep(0.01)

        leaver.cancel()
        await asyncio.wait([leaver])
        commit.open.set()

        assert leaver.cancelled()
        assert await stayer == 4
        assert commit.groups == [(LOG, [1, 2])]

    async def test_an_error_nobody_waits_for_is_quiet(self):
        held = asyncio.Event()

        async def commit(log: str, works: list[int]) -> list[int]:
            await held.wait()
            raise ValueError("late")

        group = group_commit(commit)
        leaver = asyncio.ensure_future(group.submit(LOG, 1))
        await asyncio.sleep(0.01)
        leaver.cancel()
        held.set()
        await group.close()

        assert group.pending() == {}


class TestOverload:
    async def test_more_than_may_wait_is_refused_at_once(self):
        commit = Recorder()
        commit.open.clear()
        group = group_commit(commit, pending_max=3)
        waiting = [asyncio.ensure_future(group.submit(LOG, n)) for n in range(3)]
        await asyncio.sleep(0.01)

        with pytest.raises(Overloaded) as refused:
            await group.submit(LOG, 9)

        assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
        assert group.pending() == {LOG: 3}
        commit.open.set()
        await asyncio.gather(*waiting)
        assert await group.submit(LOG, 9) == 18

    async def test_another_log_is_not_affected(self):
        commit = Recorder()
        commit.open.clear()
        group = group_commit(commit, pending_max=1)
        works = [asyncio.ensure_future(group.submit(log, 1)) for log in ("one", "two")]
        await asyncio.sleep(0.01)
        commit.open.set()

        assert await asyncio.gather(*works) == [2, 2]

    async def test_one_large_work_is_taken_when_nothing_waits(self):
        group = GroupCommit(Recorder(), size_of=lambda work: work, size_max=10, pending_max=20)

        assert await group.submit(LOG, 50) == 100


class TestClose:
    async def test_everything_taken_on_is_answered(self):
        commit = Recorder()
        group = group_commit(commit, size_max=1)
        works = [asyncio.ensure_future(group.submit(LOG, n)) for n in range(3)]
        await asyncio.sleep(0)

        await group.close()

        assert [work.result() for work in works] == [0, 2, 4]

    async def test_afterwards_nothing_more_is_taken(self):
        group = group_commit(Recorder())
        await group.close()

        with pytest.raises(Overloaded):
            await group.submit(LOG, 1)


class TestOnPostgres:
    async def test_many_submitters_leave_every_event_once_and_without_a_gap(
        self, database: Database, store: EventStore, log: str
    ):
        transactions = 0

        async def commit(log: str, streams: list[str]) -> list[int]:
            nonlocal transactions
            transactions += 1
            async with database.transaction() as conn:
                landed = await store.append(conn, log, [event(stream, 1) for stream in streams])
            return list(range(landed.first, landed.last + 1))

        group: GroupCommit[str, int] = GroupCommit(commit, size_of=lambda _: 1)
        names = [f"s{n}" for n in range(200)]
        answers = await asyncio.gather(*(group.submit(log, name) for name in names))

        stored = await everything(database, store, log)
        assert {e.stream_id: e.position for e in stored} == dict(zip(names, answers, strict=True))
        assert sorted(answers) == list(range(1, 201))
        assert transactions < 20

    async def test_two_processes_on_one_log_retry_until_both_have_written(
        self, database: Database, store: EventStore, log: str
    ):
        """Each has its own queue, as two processes do; all write to one stream."""

        async def commit(log: str, works: list[int]) -> list[int]:
            async with database.transaction() as conn:
                streams = await store.load(conn, log, ["shared"])
                version = len(streams.get("shared", []))
                events = [event("shared", version + n) for n in range(1, len(works) + 1)]
                await store.append(conn, log, events)
            return works

        processes = [group_commit(commit, attempts_max=50) for _ in range(2)]
        await asyncio.gather(*(process.submit(log, n) for n in range(40) for process in processes))

        assert len(await everything(database, store, log)) == 80

    async def test_a_duplicate_in_a_group_fails_alone(self, database: Database, store: EventStore, log: str):
        async def commit(log: str, streams: list[str]) -> list[str]:
            async with database.transaction() as conn:
                await store.append(conn, log, [event(stream, 1) for stream in streams])
            return streams

        group = group_commit(commit, attempts_max=1)
        results = await asyncio.gather(
            *(group.submit(log, name) for name in ("a", "b", "a")), return_exceptions=True
        )

        assert results[:2] == ["a", "b"]
        assert isinstance(results[2], WrongExpectedVersion)
