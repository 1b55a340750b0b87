"""Refusals about closing a year, and about what enters one afterwards."""

from typing import ClassVar

from services.kit.errors import Problem


class YearNotOverError(Problem):
    """Windows of the place, or of a place under it, are still open; `last_day` is the last of them."""

    code: ClassVar[str] = "year-not-over"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度尚未结束"
    title_en: ClassVar[str] = "The year is not over"


class YearAlreadyClosedError(Problem):
    """The year was closed before, at `place`: here, or above."""

    code: ClassVar[str] = "year-already-closed"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度已关闭"
    title_en: ClassVar[str] = "The year is closed already"


class YearNotClosedError(Problem):
    """The year is still open: its archive does not exist yet, and what is missing comes in by the ordinary ways."""

    code: ClassVar[str] = "year-not-closed"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度尚未关闭"
    title_en: ClassVar[str] = "The year is not closed yet"
