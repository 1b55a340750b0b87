"""Refusals about exemptions and deferrals."""

from typing import ClassVar

from services.kit.errors import Problem


class AlreadyExemptError(Problem):
    """The year is exempt already."""

    code: ClassVar[str] = "already-exempt"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度已免除"
    title_en: ClassVar[str] = "The year is exempt already"


class AlreadyDeferredError(Problem):
    """The year is deferred already; end that first, or let it run out. `until` is its last day."""

    code: ClassVar[str] = "already-deferred"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度已延期"
    title_en: ClassVar[str] = "The year is deferred already"


class NoReliefError(Problem):
    """Nothing was granted for the year that would still hold after that day."""

    code: ClassVar[str] = "relief-absent"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "没有可终止的免除或延期"
    title_en: ClassVar[str] = "There is nothing to end"


class ReliefNotAllowedError(Problem):
    """The notice here (`clause`) allows no such relief for this reason."""

    code: ClassVar[str] = "relief-not-allowed"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "通知未规定可因此原因免除或延期"
    title_en: ClassVar[str] = "The notice allows no such relief for this reason"


class DeferralTooLongError(Problem):
    """The notice here (`clause`) lets nobody have longer than its own day (`last_day`) for this reason."""

    code: ClassVar[str] = "deferral-too-long"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "延期日期晚于通知允许的日期"
    title_en: ClassVar[str] = "A deferral may not lead beyond the day the notice allows"


class DeferralNotLaterError(Problem):
    """The day is not after today, or not after the year's own last day (`last_day`): nothing would be deferred."""

    code: ClassVar[str] = "deferral-not-later"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "延期日期须晚于该年度的截止日期"
    title_en: ClassVar[str] = "A deferral must lead beyond the year's own last day"
