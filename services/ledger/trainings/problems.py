"""The problem types of filings and rosters. Their codes are stable; titles are for people, in both languages."""

from typing import ClassVar

from services.kit.errors import Problem


class UnknownFilingError(Problem):
    """No filing has this id, or it is not for this caller."""

    code: ClassVar[str] = "filing-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到该培训备案"
    title_en: ClassVar[str] = "No such filing"


class FilingStateError(Problem):
    """The filing is in a state (`state`) that does not allow this."""

    code: ClassVar[str] = "filing-state"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "培训备案当前状态不允许此操作"
    title_en: ClassVar[str] = "The filing is in a state that does not allow this"


class OwnFilingError(Problem):
    """Nobody reviews what they, or their organization, submitted."""

    code: ClassVar[str] = "own-filing"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "不得审核本人或本单位提交的备案、名单"
    title_en: ClassVar[str] = "Nobody reviews a filing or roster of their own"


class FilingTooLateError(Problem):
    """The first hour of the training has begun: a training is filed before it is held (S1-14, S3B-10)."""

    code: ClassVar[str] = "filing-too-late"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "培训已经开始，须在培训前办理"
    title_en: ClassVar[str] = "The training has begun; this is done before it"


class HoursBeyondClockError(Problem):
    """A session has more hours than its clock time holds, by the notice's length of an hour."""

    code: ClassVar[str] = "hours-beyond-clock"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "学时超过场次时长"
    title_en: ClassVar[str] = "More hours than the session lasts"


class FilingWorthUnclearError(Problem):
    """Every session says its credits, or the filing names a conversion of the policy for the hours; one of the two."""

    code: ClassVar[str] = "filing-worth-unclear"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "须逐场填写学分，或填写政策规定的学时折算"
    title_en: ClassVar[str] = "Say the credits of each session, or the policy's conversion of the hours"


class FilingNotApprovedError(Problem):
    """The training was not approved by the bureau, so nobody can be reported for it (S1-14, S3B-10)."""

    code: ClassVar[str] = "filing-not-approved"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "培训备案未经审核通过，不得报送名单"
    title_en: ClassVar[str] = "The filing is not approved; its roster is refused"


class HeldBeforeApprovalError(Problem):
    """The first hour was before the filing was approved, or submitted where that is enough (S1-14, B-15)."""

    code: ClassVar[str] = "held-before-approval"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "培训在备案通过之前举办，不予登记"
    title_en: ClassVar[str] = "The training was held before its filing was approved"


class TrainingNotEndedError(Problem):
    """The last hour of the training is not over."""

    code: ClassVar[str] = "training-not-ended"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "培训尚未结束"
    title_en: ClassVar[str] = "The training has not ended"


class ReporterNotAllowedError(Problem):
    """The notice names who reports the persons of a training, and the caller is none of them (S1-15, S3B-08)."""

    code: ClassVar[str] = "reporter-not-allowed"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "通知未规定由该类单位报送名单"
    title_en: ClassVar[str] = "The notice does not let this kind of organization report"


class RosterLateError(Problem):
    """The working days after the training have run out (`due` was the last): give `late_reason` (S1-15, A-16)."""

    code: ClassVar[str] = "roster-late"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "已超过报送期限，须说明原因"
    title_en: ClassVar[str] = "The limit for the roster has passed; a reason is needed"


class WorkingDaysUnknownError(Problem):
    """The working days of `year` are not announced, so nobody can say whether the roster is late: give `late_reason`,
    or wait."""

    code: ClassVar[str] = "working-days-unknown"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该年度工作日安排尚未公布，无法判断是否逾期"
    title_en: ClassVar[str] = "The working days of that year are not announced"


class RosterFaultyError(Problem):
    """Rows of the roster cannot be taken, so nothing was stored: `results` says row by row why. Correct them, or send
    `partial=true` to store the others."""

    code: ClassVar[str] = "roster-faulty"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "名单中有不能接收的记录，未保存任何内容"
    title_en: ClassVar[str] = "Rows cannot be taken; nothing was stored"


class RosterUnreadableError(Problem):
    """The table lacks a column (`columns` are those needed), has one twice, or has empty rows between the others."""

    code: ClassVar[str] = "roster-unreadable"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "名单的列或行不符合要求"
    title_en: ClassVar[str] = "The columns or rows are not those of a roster"


class UnknownRosterError(Problem):
    """No roster has this id, or it is not for this caller."""

    code: ClassVar[str] = "roster-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到该名单"
    title_en: ClassVar[str] = "No such roster"


class RosterDecidedError(Problem):
    """Every row that is asked about was decided before; `rows` are those."""

    code: ClassVar[str] = "roster-decided"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "名单或所选记录已经审核"
    title_en: ClassVar[str] = "The roster, or these rows of it, were decided before"


class UnknownRowError(Problem):
    """The roster has no such row; `rows` are those."""

    code: ClassVar[str] = "roster-row-unknown"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "名单中没有该记录"
    title_en: ClassVar[str] = "The roster has no such row"


class RowRepeatedError(Problem):
    """The same row id, or the same person, stands twice in the roster."""

    code: ClassVar[str] = "row-repeated"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "名单中编号或人员重复"
    title_en: ClassVar[str] = "A row id or a person stands twice in the roster"


class NotPassedError(Problem):
    """Who did not pass earns nothing, and is left out of the roster (S2B-13)."""

    code: ClassVar[str] = "training-not-passed"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "未通过考核的人员不取得学分"
    title_en: ClassVar[str] = "Who did not pass earns no credits"


class AttendanceUnclearError(Problem):
    """A row says which planned sessions were attended, or how many hours of them; one of the two, within the plan."""

    code: ClassVar[str] = "attendance-unclear"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "出勤场次或学时与备案不符"
    title_en: ClassVar[str] = "The attendance does not fit the plan that was filed"


class NotEmployedHereError(Problem):
    """An employer reports its own people (S3B-08)."""

    code: ClassVar[str] = "not-employed-here"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "该人员不属于报送单位"
    title_en: ClassVar[str] = "The person is not employed by who reports"
