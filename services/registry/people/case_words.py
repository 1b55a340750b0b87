"""What a person is told about a case of theirs, in plain words of both languages."""

from typing import NamedTuple


class Words(NamedTuple):
    """A sentence in Chinese and in English."""

    zh: str
    en: str


STANDS: dict[tuple[str, str], Words] = {
    ("collection", "submitted"): Words(
        "您的信息已提交，正在等待初审。", "Your information was submitted and awaits its initial review."
    ),
    ("collection", "initially_passed"): Words(
        "您的信息已通过初审，正在等待复审。",
        "Your information passed its initial review and awaits the final one.",
    ),
    ("collection", "returned"): Words(
        "您的信息审核不通过，已退回。", "Your information was not accepted and was returned."
    ),
    ("collection", "collected"): Words("您的信息采集完毕。", "Your information is collected."),
    ("collection", "arriving"): Words(
        "您的档案正在从外地调入。", "Your profile is on its way here from elsewhere."
    ),
    ("collection", "dropped"): Words("外地调入未完成。", "The transfer from elsewhere came to nothing."),
    ("collection", "erased"): Words("您的信息已删除。", "Your information was erased."),
    ("change", "submitted"): Words(
        "您的变更申请已提交，正在等待审核。", "Your change was submitted and awaits its review."
    ),
    ("change", "returned"): Words(
        "您的变更申请审核不通过，已退回。", "Your change was not accepted and was returned."
    ),
    ("change", "approved"): Words(
        "您的变更申请已通过，信息已更新。", "Your change was approved and is on record."
    ),
    ("change", "withdrawn"): Words("您的变更申请已撤回。", "Your change was withdrawn."),
    ("change", "reversed"): Words(
        "已通过的变更被撤销，信息已恢复。",
        "The approved change was undone; what it replaced is on record again.",
    ),
}
"""How a case stands, by kind and state."""

NEXT: dict[tuple[str, str], Words] = {
    ("collection", "returned"): Words(
        "请按退回原因修改后重新提交，可多次提交直至通过。",
        "Correct it as the reason says and submit it again, as often as it takes.",
    ),
    ("change", "returned"): Words(
        "请按退回原因修改后重新提交，或撤回申请。",
        "Correct it as the reason says and submit it again, or withdraw it.",
    ),
    ("collection", "collected"): Words(
        "可以登记继续教育学分；信息变化时请及时申请变更。",
        "Credits can be registered now; ask for a change when your information changes.",
    ),
    ("change", "reversed"): Words(
        "如有异议，请联系审核机关。", "Turn to the reviewing authority if you object."
    ),
}
"""What to do next, where there is something to do."""

REASONS: dict[str, Words] = {
    "information_incomplete": Words("信息填写不完整", "Information is missing"),
    "documents_unclear": Words("上传材料不清晰", "The documents cannot be read"),
    "documents_missing": Words("缺少证明材料", "A document is missing"),
    "identity_mismatch": Words("姓名或证件号码与证件不一致", "Name or number differ from the ID document"),
    "wrong_place": Words("不属于本地区受理范围", "It belongs to another place"),
    "not_in_scope": Words("不属于受理范围", "It is not in scope"),
    "approved_in_error": Words("审核有误", "It was approved in error"),
    "documents_forged": Words("证明材料不实", "A document was forged"),
    "two_persons_as_one": Words("两人信息被误并为一人", "Two persons were on record as one"),
    "other": Words("其他原因，见说明", "Another reason, see the note"),
}
"""Why a case was returned or undone."""
