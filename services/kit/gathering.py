"""Gathering: questions that come while a statement is under way share the next one, so that a database is asked as seldom
as it can be while nobody waits for more than the statement before theirs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Gathering(Generic[Q, A]):
    """Questions for one database. `answer` takes all that wait, and gives each its answer, or the exception it ends with, in
    their order; what it raises ends all of them."""

    def __init__(self, answer: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, question: Q) -> A:
        """The answer to one question. Raises what `answer` says."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[A] = loop.create_future()
        self._waiting.append((question, answered))
        if self._task is None:
            # In no request's context: it serves all of them.
            self._task = loop.create_task(self._answer_all(), context=Context())
        return await answered

    async def _answer_all(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, []
                for (_, answered), answer in zip(taken, await self._answers(taken), strict=True):
                    if answered.done():
                        continue
                    if isinstance(answer, Exception):
                        answered.set_exception(answer)
                    else:
                        answered.set_result(answer)
        finally:
            self._task = None

    async def _answers(self, taken: Sequence[tuple[Q, asyncio.Future[A]]]) -> Sequence[A | Exception]:
        try:
            return await self._answer([question for question, _ in taken])
        except Exception as error:
            return [error] * len(taken)
