"""What the registry refuses about organizations, their yearly documents and their accounts."""

from datetime import date

from services.kit.errors import Problem


class AccreditationStateError(Problem):
    """A filing is published once, and ended once; `state` says what this one is."""

    code = "accreditation-state"
    status = 409
    title_zh = "该备案的状态不允许此操作"
    title_en = "The accreditation is not in a state that allows this"

    def __init__(self, state: str) -> None:
        super().__init__(clause="S2B-14", state=state)


class NotDisqualifiedError(Problem):
    """There is no disqualification at this very place to lift."""

    code = "not-disqualified"
    status = 409
    title_zh = "该机构在本地区没有被取消资格"
    title_en = "The provider is not disqualified at this place"


class ReinstatedTooEarlyError(Problem):
    """A standing cannot come back before it was taken; `from_date` says when that was."""

    code = "reinstated-too-early"
    status = 409
    title_zh = "恢复日期早于取消资格日期"
    title_en = "The day lies before the disqualification"

    def __init__(self, from_date: date) -> None:
        super().__init__(pointer="/from_date", from_date=from_date.isoformat())


class NotOwnOrganizationError(Problem):
    """An organization hands in its own plans and reports; nobody does it for another."""

    code = "not-own-organization"
    status = 403
    title_zh = "只能为本单位提交"
    title_en = "An organization hands in for itself only"


class YearlyDocumentExistsError(Problem):
    """The plan or report of this year, mode and place was handed in; `state` says how far it has come."""

    code = "yearly-document-exists"
    status = 409
    title_zh = "该年度的计划或总结已提交"
    title_en = "The plan or report of this year was handed in before"

    def __init__(self, document_id: str, state: str) -> None:
        super().__init__(document_id=document_id, state=state)


class YearlyDocumentNotPendingError(Problem):
    """Only what was handed in and not yet decided can be accepted or returned."""

    code = "yearly-document-not-pending"
    status = 409
    title_zh = "该计划或总结不在待审核状态"
    title_en = "The plan or report is not awaiting review"

    def __init__(self, state: str) -> None:
        super().__init__(state=state)


class EvaluationExistsError(Problem):
    """This authority has evaluated the organization for this period; a correction names why."""

    code = "evaluation-exists"
    status = 409
    title_zh = "本级已评价该机构的这一时段"
    title_en = "This period was evaluated before"

    def __init__(self, evaluation_id: str) -> None:
        super().__init__(clause="S2B-15", evaluation_id=evaluation_id)


class NotIssuingAuthorityError(Problem):
    """Accounts of an organization are issued by one bureau alone: `place` (S3B-09)."""

    code = "not-issuing-authority"
    status = 403
    title_zh = "该单位账号应由指定的财政部门发放"
    title_en = "Another finance bureau issues the accounts of this organization"

    def __init__(self, place: str) -> None:
        super().__init__(clause="S3B-09", place=place)


class AccountRevokedError(Problem):
    """A revoked account stays revoked; another one is issued instead."""

    code = "account-revoked"
    status = 409
    title_zh = "该账号已停用"
    title_en = "The account is revoked"


class AccountRequestClosedError(Problem):
    """The request was granted or refused before; `state` says which."""

    code = "account-request-closed"
    status = 409
    title_zh = "该账号申请已办结"
    title_en = "The request for an account is closed"

    def __init__(self, state: str) -> None:
        super().__init__(state=state)
