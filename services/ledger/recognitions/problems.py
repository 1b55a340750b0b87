"""Refusals about recognition."""

from typing import ClassVar

from services.kit.errors import Problem


class AlreadyRecognisedError(Problem):
    """The credit was recognised before."""

    code: ClassVar[str] = "credit-already-recognised"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该学分已认定"
    title_en: ClassVar[str] = "The credit is recognised already"


class NotAwaitingError(Problem):
    """No notice asks for this credit to be recognised: it counts by its registration."""

    code: ClassVar[str] = "recognition-not-needed"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该学分登记即计入，无需认定"
    title_en: ClassVar[str] = "The credit counts by its registration"
