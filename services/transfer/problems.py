"""What the transfer service refuses, each with a code that never changes."""

from typing import ClassVar

from services.kit.errors import Problem


class OutsidePlaceError(Problem):
    """The official's place does not contain the place in question, or the caller has no place."""

    code: ClassVar[str] = "outside-place"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "不在本级管辖范围"
    title_en: ClassVar[str] = "Outside the caller's place"


class NotEmployerError(Problem):
    """An organization hands in information for its own people only."""

    code: ClassVar[str] = "not-employer"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "只能为本单位人员提交"
    title_en: ClassVar[str] = "An organization submits for its own people only"


class PersonNotCollectedError(Problem):
    """The registry has collected nobody under this id, so there is no profile to move."""

    code: ClassVar[str] = "person-not-collected"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "该人员尚未完成信息采集"
    title_en: ClassVar[str] = "This person's information has not been collected"


class SamePlaceError(Problem):
    """The profile is kept at the destination already."""

    code: ClassVar[str] = "same-place"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "档案已在调入地"
    title_en: ClassVar[str] = "The profile is already kept there"


class CrossAuthoritySuspendedError(Problem):
    """暂缓办理: the two authorities have not both opened transfers to each other (S2C-13)."""

    code: ClassVar[str] = "cross-authority-suspended"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "跨省调转暂缓办理"
    title_en: ClassVar[str] = "Transfers between these two authorities are suspended"


class TransferOpenError(Problem):
    """The person has an open transfer, which `transfer_id` names: end it before asking for another."""

    code: ClassVar[str] = "transfer-open"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该人员已有在办的调转"
    title_en: ClassVar[str] = "The person has an open transfer"


class TransferStateError(Problem):
    """The transfer is at another step, which `state` names, and does not allow this."""

    code: ClassVar[str] = "transfer-state"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "调转当前的状态不允许此操作"
    title_en: ClassVar[str] = "The transfer is not in a state that allows this"
