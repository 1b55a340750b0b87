"""Refusals of the transfer service, each with a code that never changes."""

from typing import ClassVar

from services.kit.errors import Problem


class OutsidePlaceError(Problem):
    """The official's place does not contain the place in question, or the caller has no place."""

    code: ClassVar[str] = "outside-place"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "不在本级管辖范围"
    title_en: ClassVar[str] = "Outside the caller's place"


class NotThePersonError(Problem):
    """A token bound to no place and no organization acts for the person it names, and for nobody else."""

    code: ClassVar[str] = "not-the-person"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "只能为本人提交"
    title_en: ClassVar[str] = "A person asks for themselves only"


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


class PersonMergedError(Problem):
    """The profile is part of another one of the same person now: `merged_into` is the one to move."""

    code: ClassVar[str] = "person-merged"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该人员信息已并入另一份信息"
    title_en: ClassVar[str] = "This profile is part of another one of the same person now"


class SamePlaceError(Problem):
    """The profile is kept at the destination already."""

    code: ClassVar[str] = "same-place"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "档案已在调入地"
    title_en: ClassVar[str] = "The profile is already kept there"


class PersonDepartedError(Problem):
    """The profile was transferred to another authority; it can come back only by a transfer from there."""

    code: ClassVar[str] = "person-departed"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该人员档案已调出"
    title_en: ClassVar[str] = "The profile was transferred to another authority"


class DepartureBlockedError(Problem):
    """Something of the person's must be finished or withdrawn before they leave (S2C-14, B-13); `blockers` names each."""

    code: ClassVar[str] = "departure-blocked"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "有未完成的继续教育事项，暂不能调出"
    title_en: ClassVar[str] = "Something must be finished or withdrawn before the person may leave"


class LedgerUnavailableError(Problem):
    """The ledger could not be asked whether anything blocks the departure; nothing was stored, try again."""

    code: ClassVar[str] = "ledger-unavailable"
    status: ClassVar[int] = 503
    title_zh: ClassVar[str] = "暂时无法核对继续教育登记情况，请稍后再试"
    title_en: ClassVar[str] = "The ledger cannot be asked right now"


class TransferLateError(Problem):
    """The last day of this step has passed: the transfer is returned and can be asked for again."""

    code: ClassVar[str] = "transfer-late"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "已超过办理期限，申请将予退回"
    title_en: ClassVar[str] = "The last day of this step has passed"


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
