"""What a refusal says to people: for every code a title and a sentence in Chinese and English.

The sentences repeat only values of the notice (dates, years, modes, limits), never what identifies a person.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from services.ledger.policy.admission import Rejected


class RejectionWords(NamedTuple):
    """Title and detail of a refusal; `{names}` are filled from `Rejected.details`."""

    title_zh: str
    title_en: str
    detail_zh: str
    detail_en: str


REJECTIONS: Mapping[str, RejectionWords] = {
    "no-policy": RejectionWords(
        "本地没有该年度的政策",
        "No policy for this place and year",
        "{place} 没有 {year} 年度的继续教育通知。",
        "No notice governs {year} in {place}.",
    ),
    "year-out-of-range": RejectionWords(
        "年度超出范围",
        "The credit year is out of range",
        "不接受 {year} 年度的学习记录。",
        "Completions for {year} are not accepted.",
    ),
    "not-yet-open": RejectionWords(
        "学习时间尚未开始",
        "The study window is not yet open",
        "{year} 年度的学习自 {since} 起。",
        "Study for {year} opens on {since}.",
    ),
    "window-closed": RejectionWords(
        "学习时间已截止",
        "The study window is closed",
        "{year} 年度的学习已于 {until} 截止（含当日）。",
        "Study for {year} closed on {until}, that day included.",
    ),
    "mode-not-allowed": RejectionWords(
        "不接受该学习方式",
        "The mode of study is not allowed",
        "通知未列入此学习方式：{mode}。",
        "The notice does not allow this mode: {mode}.",
    ),
    "provider-not-listed": RejectionWords(
        "培训机构不在名单内",
        "The provider is not on the notice's list",
        "培训机构不在 {year} 年度通知的名单内，不予登记。",
        "The provider is not on the list of the notice for {year}; nothing is registered.",
    ),
    "provider-not-accredited": RejectionWords(
        "培训机构未备案公布",
        "The provider is not accredited",
        "培训机构未就 {year} 年度、此学习方式（{mode}）在本地备案公布。",
        "The provider is not accredited here for {year} and this mode ({mode}).",
    ),
    "provider-disqualified": RejectionWords(
        "培训机构已被取消资格",
        "The provider is disqualified",
        "培训机构自 {from} 起被取消资格，此后完成的学习不予登记。",
        "The provider is disqualified from {from}; completions from that day on are refused.",
    ),
    "make-up-by-application": RejectionWords(
        "须由本人申请补登",
        "Make-up is by application",
        "{year} 年度的补学须由本人提交申请和证明材料，由属地财政部门审核。",
        "The year {year} is made up by the person's own application, reviewed by the local authority.",
    ),
    "make-up-category": RejectionWords(
        "该科目不能补学",
        "This category cannot be made up",
        "补学不含此科目：{category}。",
        "The make-up does not include this category: {category}.",
    ),
    "make-up-prerequisite": RejectionWords(
        "未满足补学前提",
        "The condition for the make-up is not met",
        "该年度 {category} 须先达到 {minimum} 学分，方可补登。",
        "The year needs {minimum} {category} credits before it can be made up.",
    ),
    "exam-too-late": RejectionWords(
        "考试在截止日后合格",
        "The exam was passed after the window",
        "考试须在学习截止日前合格。",
        "The exam must be passed before the study window ends.",
    ),
    "credits-not-positive": RejectionWords(
        "学分须大于零",
        "Credits must be positive",
        "学分须大于零。",
        "A completion carries more than zero credits.",
    ),
    "credits-above-limit": RejectionWords(
        "学分超过上限",
        "More credits than one completion may carry",
        "单条记录最多 {limit} 学分。",
        "One completion may carry {limit} credits at most.",
    ),
    "completed-in-future": RejectionWords(
        "完成时间晚于当前",
        "Completed in the future",
        "完成或考试时间晚于当前时间。",
        "The moment of completion, or of the exam, lies in the future.",
    ),
    "form-not-recognised": RejectionWords(
        "不认可该折算形式",
        "This form of activity is not recognised",
        "本地政策没有此折算形式：{form}。",
        "The policy here recognises no form {form}.",
    ),
    "role-not-recognised": RejectionWords(
        "须说明承担的角色",
        "The role is not one the form knows",
        "此折算形式（{form}）按角色计分，所填角色不在其中。",
        "Credits of {form} depend on the role, and the form does not know this one.",
    ),
    "quantity-not-whole": RejectionWords(
        "数量须为整数",
        "The quantity must be whole",
        "此折算形式按 {per} 计，数量须为整数。",
        "This form counts by {per}, in whole numbers.",
    ),
    "hours-below-threshold": RejectionWords(
        "学时未达到折算要求",
        "Too few hours to be converted",
        "须完成 {hours} 学时方可折算。",
        "Conversion needs {hours} hours.",
    ),
    "activity-of-other-year": RejectionWords(
        "属于其他年度",
        "The activity belongs to another year",
        "该事项计入 {counted} 年度，不计入 {year} 年度。",
        "The activity counts for {counted}, not for {year}.",
    ),
    "mode-not-claimed": RejectionWords(
        "该方式的学习由机构报送，不由个人申请",
        "Study of this mode is reported, not claimed",
        "此学习方式（{mode}）由培训机构或单位报送登记，不由个人申请。",
        "Study of this mode ({mode}) is reported by providers or employers, not claimed by persons.",
    ),
    "special-reason-needed": RejectionWords(
        "须说明特殊原因",
        "A special reason is needed",
        "{year} 年度的补学须有特殊原因，并附证明材料。",
        "Making up {year} needs a special reason, with proof.",
    ),
    "make-up-not-by-application": RejectionWords(
        "该年度不受理补学申请",
        "This year is not made up by application",
        "{year} 年度目前没有可申请的补学。",
        "No make-up by application is open for {year}.",
    ),
    "not-registered-directly": RejectionWords(
        "此形式不由财政部门直接登记",
        "This form is not registered directly",
        "本地政策未规定直接登记此形式：{form}，须由本人申请。",
        "The policy here registers no {form} directly: it is claimed by the person.",
    ),
    "registered-directly": RejectionWords(
        "由财政部门直接登记，不需申请",
        "Registered directly, without application",
        "此类事项由财政部门直接登记，个人不需申请。",
        "An authority registers this from its own lists; nobody applies.",
    ),
    "started-after-completion": RejectionWords(
        "开始日期晚于完成时间",
        "Started after it was completed",
        "开始日期（{started_on}）晚于完成时间。",
        "It is said to have started on {started_on}, after it was completed.",
    ),
}


def rejection_words(rejected: Rejected, language: Literal["zh", "en"]) -> tuple[str, str]:
    """Title and detail of a refusal in one language."""
    words = REJECTIONS[rejected.problem]
    if language == "zh":
        return words.title_zh, words.detail_zh.format_map(rejected.details)
    return words.title_en, words.detail_en.format_map(rejected.details)
