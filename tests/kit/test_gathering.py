"""Questions that come while others are answered share the next answer, and each ends as its own."""

import asyncio
from collections.abc import Sequence

import pytest

from services.kit.gathering import Gathering


class Answers:
    """Answers numbers with their squares once it is let; keeps what came together."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.may = asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.asked.append(list(numbers))
        await self.may.wait()
        if 13 in numbers:
            raise ConnectionError
        return [ValueError(n) if n < 0 else n * n for n in numbers]


async def test_what_comes_meanwhile_is_asked_together() -> None:
    answers = Answers()
    gathering = Gathering(answers)
    first = asyncio.create_task(gathering.ask(1))
    while not answers.asked:
        await asyncio.sleep(0)
    later = [asyncio.create_task(gathering.ask(n)) for n in (2, 3, 4)]
    await asyncio.sleep(0)
    answers.may.set()
    assert [await first, *(await asyncio.gather(*later))] == [1, 4, 9, 16]
    assert answers.asked == [[1], [2, 3, 4]]


async def test_each_ends_as_its_own_and_a_failure_ends_those_it_met() -> None:
    answers = Answers()
    answers.may.set()
    gathering = Gathering(answers)
    told = await asyncio.gather(*(gathering.ask(n) for n in (2, -1)), return_exceptions=True)
    assert told[0] == 4
    assert isinstance(told[1], ValueError)
    with pytest.raises(ConnectionError):
        await gathering.ask(13)
    assert await gathering.ask(5) == 25


async def test_who_no_longer_waits_keeps_nobody_waiting() -> None:
    answers = Answers()
    gathering = Gathering(answers)
    gone, stays = asyncio.create_task(gathering.ask(1)), asyncio.create_task(gathering.ask(2))
    while not answers.asked:
        await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    answers.may.set()
    assert await stays == 4
