"""What cases of change and worklists refuse, each with a code that never changes."""

from datetime import datetime

from services.kit.errors import Problem


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
    """The new ID document is on record for another person; nothing is said of whom."""

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
