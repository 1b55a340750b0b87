"""Refusals of the ledger that no single stream owns, and those of the policy engine as problem types. Codes are stable;
titles and details are for people, in both languages."""

from typing import ClassVar

from services.kit.errors import Problem
from services.ledger.policy import REJECTIONS, Rejected, rejection_words


class UnknownPersonError(Problem):
    """No profile with this id is in a log the caller may read."""

    code: ClassVar[str] = "person-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到该人员"
    title_en: ClassVar[str] = "No such person here"


class UnknownCompletionError(Problem):
    """The provider has no such record in this authority."""

    code: ClassVar[str] = "completion-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到该记录"
    title_en: ClassVar[str] = "No such record"


class UnknownCreditError(Problem):
    """No credit has this id."""

    code: ClassVar[str] = "credit-unknown"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "未找到该学分"
    title_en: ClassVar[str] = "No such credit"


class AlreadyEndedError(Problem):
    """The credit was withdrawn or revoked before."""

    code: ClassVar[str] = "credit-already-ended"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "该学分已撤回或撤销"
    title_en: ClassVar[str] = "The credit was already withdrawn or revoked"


class AuthorityUnclearError(Problem):
    """The record names no authority and the provider is accredited by none, or by several."""

    code: ClassVar[str] = "authority-unclear"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "无法确定登记地财政部门"
    title_en: ClassVar[str] = "The authority of the record is unclear"


class AmountUnclearError(Problem):
    """A completion states credits or hours, one of the two."""

    code: ClassVar[str] = "amount-unclear"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "须填写学分或学时之一"
    title_en: ClassVar[str] = "State credits or hours, one of the two"


class PlaceTooWideError(Problem):
    """This is counted within one authority: ask about a province, a separately planned city, or a place under one."""

    code = "place-too-wide"
    status = 422
    title_zh = "查询范围过大，请按省级或以下地区查询"
    title_en = "Too wide: ask about a first-level authority or a place under one"


class UnknownPlaceError(Problem):
    """The code is no administrative division."""

    code: ClassVar[str] = "place-unknown"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "行政区划代码不存在"
    title_en: ClassVar[str] = "Unknown administrative division"


class PersonalDataError(Problem):
    """A field that is kept for ever names the person; `pointer` says which. Only `person` may."""

    code: ClassVar[str] = "personal-data"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "编号、课程中不得含有姓名或证件号码"
    title_en: ClassVar[str] = "Ids and courses must not hold the person's name or ID number"


class ImplausibleIdentityError(Problem):
    """The ID number fails its own check digit, or its form."""

    code: ClassVar[str] = "identity-implausible"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "证件号码不正确"
    title_en: ClassVar[str] = "The ID number is not valid"


class OutsidePlaceError(Problem):
    """The official's place does not contain the place in question, or the caller has no place."""

    code: ClassVar[str] = "outside-place"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "不在本级管辖范围"
    title_en: ClassVar[str] = "Outside the caller's place"


class NotOwnEmployerError(Problem):
    """The organization of the token has another credit code: a unit sees its own people alone."""

    code: ClassVar[str] = "employer-not-own"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "只能查询本单位人员"
    title_en: ClassVar[str] = "A unit sees its own people alone"


class NotAProviderError(Problem):
    """The token is bound to no organization."""

    code: ClassVar[str] = "organization-token-needed"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "该凭证未绑定培训机构"
    title_en: ClassVar[str] = "The token is bound to no organization"


class ProviderUnknownHereError(Problem):
    """The authority never accredited the organization that reports, and none of its notices lists it."""

    code: ClassVar[str] = "provider-unknown-here"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "登记地财政部门从未备案或公布该机构"
    title_en: ClassVar[str] = "The authority has never accredited this provider"


class NotSpokenForError(Problem):
    """Only the person, the employer that is on record for them and officials of their place ask for this; nothing is
    said of whether there is such a person.
    """

    code: ClassVar[str] = "not-spoken-for"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "只能由本人、所在单位或属地财政部门提出"
    title_en: ClassVar[str] = "Only the person, their employer or an official of their place may ask for this"


class NotAnOfficialError(Problem):
    """The token is bound to no place."""

    code: ClassVar[str] = "not-an-official"
    status: ClassVar[int] = 403
    title_zh: ClassVar[str] = "该凭证未绑定属地"
    title_en: ClassVar[str] = "The token is bound to no place"


class MomentInFutureError(Problem):
    """`as_of` asks what the ledger will know."""

    code: ClassVar[str] = "moment-in-future"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "时间晚于当前"
    title_en: ClassVar[str] = "The moment lies in the future"


class RecordConflictError(Problem):
    """The same record id was posted before with other content (design 5); `differs` names the fields."""

    code: ClassVar[str] = "record-conflict"
    status: ClassVar[int] = 409
    title_zh: ClassVar[str] = "同一编号的记录内容不一致"
    title_en: ClassVar[str] = "The same record id was posted with other content"


class MomentImplausibleError(Problem):
    """A time lies so far from today that no study can have happened then."""

    code: ClassVar[str] = "moment-implausible"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "时间超出合理范围"
    title_en: ClassVar[str] = "The time is not plausible"


class QueryUnclearError(Problem):
    """A query names persons by id or by ID number, one of the two."""

    code: ClassVar[str] = "query-unclear"
    status: ClassVar[int] = 422
    title_zh: ClassVar[str] = "请用人员编号或证件号码其中一种查询"
    title_en: ClassVar[str] = "Ask by person id or by ID number, one of the two"


class NoPolicyHereError(Problem):
    """No notice governs the place and year."""

    code: ClassVar[str] = "policy-absent"
    status: ClassVar[int] = 404
    title_zh: ClassVar[str] = "该地该年度没有政策"
    title_en: ClassVar[str] = "No policy for this place and year"


def _problem_class(code: str) -> type[Problem]:
    words = REJECTIONS[code]
    name = "".join(part.capitalize() for part in code.split("-")) + "Error"
    body = {
        "__doc__": f"{words.title_en}.",
        "__module__": __name__,
        "code": code,
        "status": 422,
        "title_zh": words.title_zh,
        "title_en": words.title_en,
    }
    return type(name, (Problem,), body)


REFUSALS: dict[str, type[Problem]] = {code: _problem_class(code) for code in REJECTIONS}


def refusal_of(rejected: Rejected) -> Problem:
    """The problem that tells a provider why a record was refused, by which clause."""
    _, detail_zh = rejection_words(rejected, "zh")
    _, detail_en = rejection_words(rejected, "en")
    return REFUSALS[rejected.problem](detail_zh, detail_en, clause=rejected.clause)
