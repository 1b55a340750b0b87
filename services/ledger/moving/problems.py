"""Refusals of a move, and of those who are on one."""

from typing import ClassVar

from services.kit.errors import Problem


class DepartureBlockedError(Problem):
    """Something of the person's must be finished or withdrawn before they leave (S2C-14, B-13); `blockers` names each."""

    code: ClassVar[str] = "departure-blocked"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "有未完成的继续教育事项，暂不能调出"
    title_en: ClassVar[str] = "Something must be finished or withdrawn before the person may leave"


class DepartureInsideError(Problem):
    """The destination belongs to the same authority: the profile does not leave the log (B-13)."""

    code: ClassVar[str] = "departure-inside"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "调入地属于同一财政部门，无需调出"
    title_en: ClassVar[str] = "The destination belongs to the same authority"


class DepartureEndedError(Problem):
    """The departure was lifted, or the person has left: this can no longer be done under the same transfer."""

    code: ClassVar[str] = "departure-ended"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该调出已结束"
    title_en: ClassVar[str] = "The departure has ended"


class DepartureUnknownError(Problem):
    """No departure is known under this transfer."""

    code: ClassVar[str] = "departure-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到该调出"
    title_en: ClassVar[str] = "No such departure"


class DepartureDiffersError(Problem):
    """The same transfer came before with another person or destination: one of the two is a mistake."""

    code: ClassVar[str] = "departure-differs"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "与此前提交的调转内容不同"
    title_en: ClassVar[str] = "The same transfer came before with another person or destination"


class ArrivalUnclearError(Problem):
    """The parts of the arrival do not belong together: its transfer, its place, or the years it carries."""

    code: ClassVar[str] = "arrival-unclear"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "调入内容前后不一致"
    title_en: ClassVar[str] = "The parts of the arrival do not belong together"


class ArrivalMissingError(Problem):
    """A supplement came before the handover it follows: send that first."""

    code: ClassVar[str] = "arrival-missing"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "尚未收到该调转的移交内容"
    title_en: ClassVar[str] = "The handover of this transfer has not arrived yet"


class IdentityHeldError(Problem):
    """Another person is kept here under the same ID number: the registry must say who is who first."""

    code: ClassVar[str] = "identity-held"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该证件号码已属于另一人员"
    title_en: ClassVar[str] = "Another person is kept here under this ID number"


class CarrierTokenNeededError(Problem):
    """Moves are carried by the transfer service, whose token is bound to no place and no organization."""

    code: ClassVar[str] = "carrier-token-needed"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "仅限调转服务使用"
    title_en: ClassVar[str] = "Only the transfer service may do this"
