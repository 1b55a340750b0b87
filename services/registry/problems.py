"""What the registry refuses, each with a code that never changes."""

from datetime import date

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
