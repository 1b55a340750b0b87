"""Group commit with a second writer: the next group is decided while the one before is stored."""

import asyncio
from typing import Any

from services.kit.group_commit import GroupCommit
from tests.kit.test_group_commit import LOG, Commit, Recorder, group_commit


class TestSecondWriter:
    def group(self, commit: Commit, **options: Any) -> GroupCommit[Any, Any]:
        return group_commit(commit, keys_of=lambda n: frozenset({str(n % 10)}), writers_max=2, **options)

    async def test_decides_what_has_nothing_in_common_while_the_first_is_written(self):
        commit = Recorder()
        commit.open.clear()
        group = self.group(commit)
        works = [asyncio.ensure_future(group.submit(LOG, 1))]
        await asyncio.sleep(0.01)
        works += [asyncio.ensure_future(group.submit(LOG, n)) for n in (2, 3)]
        await asyncio.sleep(0.01)

        assert commit.groups == [(LOG, [1]), (LOG, [2, 3])]
        assert commit.running == 2
        commit.open.set()
        assert await asyncio.gather(*works) == [2, 4, 6]
        assert commit.running_max == 2

    async def test_waits_until_enough_waits(self):
        commit = Recorder()
        commit.open.clear()
        group = self.group(commit, second_writer_at=3)
        works = [asyncio.ensure_future(group.submit(LOG, 1))]
        await asyncio.sleep(0.01)
        works += [asyncio.ensure_future(group.submit(LOG, n)) for n in (2, 3)]
        await asyncio.sleep(0.01)

        assert commit.running == 1
        works.append(asyncio.ensure_future(group.submit(LOG, 4)))
        await asyncio.sleep(0.01)
        assert commit.running == 2
        commit.open.set()
        await asyncio.gather(*works)

    async def test_is_the_last_however_much_waits(self):
        commit = Recorder()
        commit.open.clear()
        group = self.group(commit)
        works = []
        for n in (1, 2, 3):
            works.append(asyncio.ensure_future(group.submit(LOG, n)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        assert commit.groups == [(LOG, [1]), (LOG, [2])]
        commit.open.set()
        assert await asyncio.gather(*works) == [2, 4, 6]

    async def test_counts_what_waits_and_not_what_is_written(self):
        commit = Recorder()
        commit.open.clear()
        group = self.group(commit, second_writer_at=2)
        works = [asyncio.ensure_future(group.submit(LOG, n)) for n in (1, 2, 3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        works.append(asyncio.ensure_future(group.submit(LOG, 4)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert commit.groups == [(LOG, [1, 2, 3])]
        commit.open.set()
        assert await asyncio.gather(*works) == [2, 4, 6, 8]

    async def test_never_touches_what_the_first_is_writing(self):
        commit = Recorder()
        commit.open.clear()
        group = self.group(commit)
        works = [asyncio.ensure_future(group.submit(LOG, 1))]
        await asyncio.sleep(0.01)
        works += [asyncio.ensure_future(group.submit(LOG, n)) for n in (11, 2)]
        await asyncio.sleep(0.01)

        assert commit.groups == [(LOG, [1])], "work 11 has the key of work 1, and nobody overtakes it"
        commit.open.set()
        await asyncio.gather(*works)
        assert [n for _, group in commit.groups for n in group] == [1, 11, 2]

    async def test_a_key_is_never_in_two_writers_whatever_arrives(self):
        busy: set[int] = set()

        async def commit(log: str, works: list[int]) -> list[int]:
            keys = {n % 10 for n in works}
            assert not keys & busy
            busy.update(keys)
            await asyncio.sleep(0.001)
            busy.difference_update(keys)
            return works

        group = self.group(commit, size_max=3)

        assert await asyncio.gather(*(group.submit(LOG, n * 7) for n in range(60))) == [
            n * 7 for n in range(60)
        ]
        assert group.pending() == {}

    async def test_closing_waits_for_both(self):
        commit = Recorder()
        group = self.group(commit)
        works = [asyncio.ensure_future(group.submit(LOG, n)) for n in range(9)]
        await asyncio.sleep(0)

        await group.close()

        assert await asyncio.gather(*works) == [n * 2 for n in range(9)]
