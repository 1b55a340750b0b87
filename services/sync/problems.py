"""Refusals of the synchronisation, each with a code that never changes."""

from __future__ import annotations

from typing import ClassVar

from services.kit.errors import Problem


class OutsidePlaceError(Problem):
    """The official's place does not contain the place in question, or the caller has no place."""

    code: ClassVar[str] = "outside-place"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "不在本级管辖范围"
    title_en: ClassVar[str] = "Outside the caller's place"


class UnknownPlaceError(Problem):
    """There is no such division."""

    code: ClassVar[str] = "unknown-place"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "行政区划代码不存在"
    title_en: ClassVar[str] = "There is no such division"


class UnknownTargetError(Problem):
    """No system of this name is configured, or it is not delivered to."""

    code: ClassVar[str] = "unknown-target"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "没有这个对接系统"
    title_en: ClassVar[str] = "There is no such target"
