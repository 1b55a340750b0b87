"""Requests that really meet, in any service whose commands go by the one write path."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import pytest

from services.kit.command import Question, UnitOfWork
from services.kit.event_store import Appended

T = TypeVar("T")
ROOT = Path(__file__).parents[2]


def declared_questions(service: str) -> set[Question]:
    """Every question that a service declares: on each of them two commands may meet."""
    found: set[Question] = set()
    for path in (ROOT / "services" / service).rglob("*.py"):
        if "= Question(" in path.read_text(encoding="utf-8"):
            module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            found |= {value for value in vars(module).values() if isinstance(value, Question)}
    return found


@contextmanager
def confirmations(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[Question]]:
    """The questions that are asked once more under the counter row."""
    confirmed: set[Question] = set()
    ask = Question.ask

    async def recorded(question: Question, *args: Any, of_others: bool = False) -> Any:
        if of_others:
            confirmed.add(question)
        return await ask(question, *args, of_others=of_others)

    with monkeypatch.context() as patch:
        patch.setattr(Question, "ask", recorded)
        yield confirmed


class _Meeting:
    """A place where each waits until all have come, or until one of them needs to come no more."""

    def __init__(self, expected: int) -> None:
        self._missing = expected
        self._all_here = asyncio.Event()

    async def wait(self) -> None:
        self._missing -= 1
        if self._missing <= 0:
            self.end()
        await self._all_here.wait()

    def end(self) -> None:
        self._all_here.set()


async def at_once(
    monkeypatch: pytest.MonkeyPatch, *requests: Coroutine[Any, Any, T], one_row: bool = False
) -> list[T]:
    """The answers of requests that all have decided before the first of them takes the counter row.

    Requests that change the same row (`one_row`) meet there by themselves: the second waits until the first has ended.
    """
    commit = UnitOfWork.commit
    meeting = _Meeting(len(requests))

    async def met(unit: UnitOfWork) -> Appended | None:
        await meeting.wait()
        return await commit(unit)

    with monkeypatch.context() as patch:
        if not one_row:
            patch.setattr(UnitOfWork, "commit", met)
        tasks = [asyncio.ensure_future(request) for request in requests]
        for task in tasks:
            task.add_done_callback(lambda _: meeting.end())
        return await asyncio.gather(*tasks)
