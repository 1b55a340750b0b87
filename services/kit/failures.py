"""The meaning of a failure of the database to whoever asked: stored or not is unknown, try again, or a defect
of ours.
"""

from __future__ import annotations

import asyncpg

from services.kit.database import OUTCOME_UNKNOWN, NoConnectionError
from services.kit.errors import BusyError, InternalError, OutcomeUnknownError, Problem
from services.kit.event_store import WrongExpectedVersion

NOTHING_STORED: tuple[type[BaseException], ...] = (
    BusyError,
    NoConnectionError,
    WrongExpectedVersion,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InsufficientResourcesError,
)

LOST_RACE: tuple[type[Exception], ...] = (
    WrongExpectedVersion,
    asyncpg.UniqueViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
"""Somebody else was first, and nothing was written: load and decide again. A row that is written beside the
events may meet the other one before the events do.
"""


def problem_of_failure(error: BaseException) -> Problem:
    """The problem to answer for an exception that no route foresaw."""
    if isinstance(error, NOTHING_STORED):
        return BusyError()
    if isinstance(error, OUTCOME_UNKNOWN):
        return OutcomeUnknownError()
    return InternalError()
