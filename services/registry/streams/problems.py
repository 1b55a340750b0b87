"""Refusals of the registry, each with a code that never changes."""

from datetime import date, datetime

from services.kit.errors import Problem


class OutsidePlaceError(Problem):
    """The official's place does not contain the place in question, or the caller has no place."""

    code = "outside-place"
    status = 403
    title_zh = "不在本级管辖范围"
    title_en = "Outside the caller's place"


class NotEmployerError(Problem):
    """An organization hands in information for its own people only."""

    code = "not-employer"
    status = 403
    title_zh = "只能为本单位人员提交"
    title_en = "An organization submits for its own people only"


class NotOwnDocumentError(Problem):
    """A person's token speaks of the ID document that they signed in by, and of no other."""

    code = "not-own-document"
    status = 403
    title_zh = "只能以本人证件提交"
    title_en = "A person submits under their own ID document only"


class NotSpokenForError(Problem):
    """Only the person, the employer that is on record for them and officials of their place ask for this; nothing is
    said of whether there is such a person.
    """

    code = "not-spoken-for"
    status = 403
    title_zh = "只能由本人、所在单位或属地财政部门提出"
    title_en = "Only the person, their employer or an official of their place may ask for this"


class OwnSubmissionError(Problem):
    """Nobody reviews what they submitted themselves."""

    code = "own-submission"
    status = 403
    title_zh = "不得审核本人提交的申请"
    title_en = "Nobody reviews their own submission"


class CollectionExistsError(Problem):
    """The person's information was handed in before; `state` says how far it has come."""

    code = "collection-exists"
    status = 409
    title_zh = "该证件号码已提交信息采集"
    title_en = "This person's information was handed in before"

    def __init__(self, state: str) -> None:
        super().__init__(state=state)


class CollectionContestedError(Problem):
    """The number is somebody's already, so that nobody else can be collected under it: return it, or end the other
    collection first where that is not its person's.
    """

    code = "collection-contested"
    status = 409
    title_zh = "该证件号码已登记在他人名下，只能退回"
    title_en = "The ID document is on record for another person: this collection can only be returned"


class CollectionNotPendingError(Problem):
    """The collection does not await this step of its review; `state` says how far it is."""

    code = "collection-not-pending"
    status = 409
    title_zh = "该申请不在待本步骤审核的状态"
    title_en = "The collection is not awaiting this step of its review"

    def __init__(self, state: str) -> None:
        super().__init__(state=state)


class SameReviewerError(Problem):
    """The final review is done by another official than the initial one (S2C-08)."""

    code = "same-reviewer"
    status = 403
    title_zh = "复审须由初审以外的人员进行"
    title_en = "The final review is done by another official than the initial one"

    def __init__(self) -> None:
        super().__init__(clause="S2C-08")


class NotCollectedError(Problem):
    """Only what was collected can be changed; a collection under way is corrected by its own return."""

    code = "not-collected"
    status = 409
    title_zh = "该人员信息尚未采集完成"
    title_en = "The person's information is not collected yet"


class OrganizationExistsError(Problem):
    """An organization with this unified social credit code is registered."""

    code = "organization-exists"
    status = 409
    title_zh = "该统一社会信用代码已登记"
    title_en = "An organization with this code is registered"

    def __init__(self, organization_id: str) -> None:
        super().__init__(organization_id=organization_id)


class NotAProviderError(Problem):
    """Only a training provider can be accredited or disqualified."""

    code = "not-a-provider"
    status = 409
    title_zh = "该单位不是培训机构"
    title_en = "The organization is not a training provider"


class AlreadyAccreditedError(Problem):
    """Everything asked for is accredited already."""

    code = "already-accredited"
    status = 409
    title_zh = "该地区、年度和方式已备案"
    title_en = "Place, years and modes are accredited already"


class NotAccreditedError(Problem):
    """The provider has no accreditation that this place could take away."""

    code = "not-accredited"
    status = 409
    title_zh = "该机构在本地区没有备案"
    title_en = "The provider is not accredited at this place"


class StandingTakenError(Problem):
    """The provider's standing at the place was taken; `from_date` says since when."""

    code = "standing-taken"
    status = 409
    title_zh = "该机构的培训资格已取消"
    title_en = "The provider is disqualified"

    def __init__(self, place: str, from_date: date) -> None:
        super().__init__(clause="S0-25", place=place, from_date=from_date.isoformat())


class ScopeNotGrantableError(Problem):
    """The caller may not give these scopes to this client."""

    code = "scope-not-grantable"
    status = 403
    title_zh = "无权授予所申请的权限范围"
    title_en = "These scopes cannot be granted"

    def __init__(self, scopes: list[str]) -> None:
        super().__init__(scopes=scopes)


class ChangePendingError(Problem):
    """A person has one change at a time; `state` says how far the other one is."""

    code = "change-pending"
    status = 409
    title_zh = "该人员已有在办的信息变更"
    title_en = "Another change of this person's information is under way"

    def __init__(self, change_id: str, state: str) -> None:
        super().__init__(clause="S2C-09", change_id=change_id, state=state)


class ChangeNotPendingError(Problem):
    """The change is not in a state that allows this; `state` says which it is in."""

    code = "change-not-pending"
    status = 409
    title_zh = "该变更申请的状态不允许此操作"
    title_en = "The change is not in a state that allows this"

    def __init__(self, state: str) -> None:
        super().__init__(state=state)


class DocumentTakenError(Problem):
    """The new ID document is on record for another person, named to officials of their place alone (`person_id`). If both
    are one person, a merge is the way."""

    code = "document-taken"
    status = 409
    title_zh = "该证件号码已登记在他人名下"
    title_en = "The ID document is on record for another person"


class NothingChangesError(Problem):
    """Every value is what is on record already."""

    code = "nothing-changes"
    status = 422
    title_zh = "所填内容与现有信息相同"
    title_en = "Nothing differs from what is on record"


class BirthMonthDiffersError(Problem):
    """The month of birth is not the one that the resident ID number tells."""

    code = "birth-month-differs"
    status = 422
    title_zh = "出生年月与居民身份证号码不一致"
    title_en = "The month of birth differs from that of the resident ID number"


class ChangeOvertakenError(Problem):
    """A later approved change touched the same items: undo that one first."""

    code = "change-overtaken"
    status = 409
    title_zh = "之后另有变更涉及相同项目，须先撤销该变更"
    title_en = "A later change touched the same items: undo that one first"

    def __init__(self, change_id: str) -> None:
        super().__init__(change_id=change_id)


class NothingToSeparateError(Problem):
    """Only a change of the ID document can have joined two persons."""

    code = "nothing-to-separate"
    status = 409
    title_zh = "该变更未涉及证件，不存在需要拆分的人员"
    title_en = "The change did not touch the ID document: there is nobody to separate"


class CaseHeldError(Problem):
    """Another official works on the case; the hold ends by itself at `held_until`."""

    code = "case-held"
    status = 409
    title_zh = "该申请正由其他人员办理"
    title_en = "Another official works on this case"

    def __init__(self, held_until: datetime) -> None:
        super().__init__(held_until=held_until.isoformat().replace("+00:00", "Z"))


class NotForYouError(Problem):
    """Who submitted a case, or did its initial review, does not do the review it awaits."""

    code = "not-for-you"
    status = 403
    title_zh = "本人提交或初审过的申请须由他人办理"
    title_en = "Somebody else must do this review"


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


class PersonErasedError(Problem):
    """The person's name, number and contact were erased; what is left names nobody."""

    code = "person-erased"
    status = 410
    title_zh = "该人员的个人信息已删除"
    title_en = "The person's data was erased"
