"""Refusals about anomalies."""

from typing import ClassVar

from services.kit.errors import Problem


class UnknownAnomalyError(Problem):
    """No anomaly has this id, or it is not of the caller's place."""

    code: ClassVar[str] = "anomaly-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到该异常提示"
    title_en: ClassVar[str] = "No such anomaly"


class AnomalyNotOpenError(Problem):
    """The anomaly was cleared, or is gone with its credits."""

    code: ClassVar[str] = "anomaly-not-open"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该异常提示已处理"
    title_en: ClassVar[str] = "The anomaly is not open"
