"""What a refusal says to people: for every code a title and a sentence in Chinese and English.

The sentences repeat only values of the notice (dates, years, modes, limits), never what identifies a person.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from services.ledger.policy.language.decisions import Rejected


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
    "filing-needed": RejectionWords(
        "该培训须事先备案",
        "The training must be filed first",
        "通知要求培训前备案：请在 filing 中注明备案编号，或由名单登记。",
        "The notice wants trainings filed before they are held: cite the filing, or report by its roster.",
    ),
    "filing-not-suitable": RejectionWords(
        "所注明的备案不适用",
        "The filing that is cited does not cover this",
        "该备案不存在、不属于本机构、未在培训前通过，或当日没有场次。",
        "It does not exist, is another organization's, was not approved before the training, or has no session that day.",
    ),
    "year-closed": RejectionWords(
        "该年度已关闭",
        "The year is closed",
        "{place} 的 {year} 年度已于 {closed_on} 关闭，此后只登记补学和财政部门作出的更正。",
        "{year} was closed for {place} on {closed_on}; only make-up and corrections by its authority enter since.",
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
    "category-unknown": RejectionWords(
        "本地政策没有该科目",
        "The policy here knows no such category",
        "本地政策的科目为：{known}。",
        "The categories of the policy here are: {known}.",
    ),
    "exam-too-late": RejectionWords(
        "考试在截止日后合格",
        "The exam was passed after the window",
        "考试须在学习截止日前合格。",
        "The exam must be passed before the study window ends.",
    ),
    "evaluation-too-late": RejectionWords(
        "考核在截止日后合格",
        "The evaluation was passed after the window",
        "考核须在学习截止日前合格。",
        "The evaluation must be passed before the study window ends.",
    ),
    "enrol-not-yet-open": RejectionWords(
        "报名尚未开始",
        "Enrolment is not yet open",
        "报名自 {since} 起。",
        "Enrolment opens on {since}.",
    ),
    "enrol-closed": RejectionWords(
        "报名已截止",
        "Enrolment is closed",
        "报名已于 {until} 截止（含当日）。",
        "Enrolment closed on {until}, that day included.",
    ),
    "pay-not-yet-open": RejectionWords(
        "缴费尚未开始",
        "Payment is not yet open",
        "缴费自 {since} 起。",
        "Payment opens on {since}.",
    ),
    "pay-closed": RejectionWords(
        "缴费已截止",
        "Payment is closed",
        "缴费已于 {until} 截止（含当日）。",
        "Payment closed on {until}, that day included.",
    ),
    "apply-not-yet-open": RejectionWords(
        "申请尚未开始",
        "Application is not yet open",
        "申请自 {since} 起。",
        "Application opens on {since}.",
    ),
    "apply-closed": RejectionWords(
        "申请已截止",
        "Application is closed",
        "申请已于 {until} 截止（含当日）。",
        "Application closed on {until}, that day included.",
    ),
    "register-not-yet-open": RejectionWords(
        "登记尚未开始",
        "Registration is not yet open",
        "登记自 {since} 起。",
        "Registration opens on {since}.",
    ),
    "register-closed": RejectionWords(
        "登记已截止",
        "Registration is closed",
        "登记已于 {until} 截止（含当日）。",
        "Registration closed on {until}, that day included.",
    ),
    "other-provider-this-year": RejectionWords(
        "该年度已在其他机构学习",
        "The year is studied with another provider",
        "一个年度只能在一家培训机构学习，该年度已有其他机构的报名或学习记录。",
        "A year is studied with one provider, and another has enrolled the person or reported study.",
    ),
    "mode-not-for-tier": RejectionWords(
        "该层级人员不能采用此学习方式",
        "The mode is not for people of this tier",
        "{tier} 层级人员不能采用此学习方式：{mode}。",
        "People of tier {tier} may not study in this mode: {mode}.",
    ),
    "tier-not-stated": RejectionWords(
        "须注明课程层级",
        "The course's tier must be stated",
        "本地按课程层级登记，须注明课程层级。",
        "Courses count by their tier here, so a record states it.",
    ),
    "tier-too-low": RejectionWords(
        "课程层级低于本人层级",
        "The course is below the person's tier",
        "课程层级（{tier}）低于本人层级，不予登记。",
        "The course's tier ({tier}) is below the person's own.",
    ),
    "tier-too-high": RejectionWords(
        "课程层级高于本人层级",
        "The course is above the person's tier",
        "课程层级（{tier}）高于本人层级，不予登记。",
        "The course's tier ({tier}) is above the person's own.",
    ),
    "hours-not-converted": RejectionWords(
        "本地未规定学时折算",
        "Hours are not converted here",
        "通知未规定此学习方式（{mode}）的学时如何折合学分，请按学分报送。",
        "No clause says what an hour of this mode ({mode}) is worth: report credits.",
    ),
    "day-needed": RejectionWords(
        "须填写相应日期",
        "A day is needed",
        "此形式按 {day} 日期确定年度，须填写该日期。",
        "The year of this form follows from the day of the {day}, which must be given.",
    ),
    "outside-decreed-days": RejectionWords(
        "不在通知规定的期间内",
        "Outside the days the notice names",
        "计入 {year} 年度的期间为 {since} 至 {until}。",
        "For {year} counts what happened from {since} to {until}.",
    ),
    "score-needed": RejectionWords(
        "须填写分数",
        "The score is needed",
        "此折算形式（{form}）按分数段折算，须填写分数。",
        "Credits of {form} depend on the score, which must be given.",
    ),
    "score-below-bands": RejectionWords(
        "分数未达到折算要求",
        "The score is too low",
        "分数须不低于 {minimum}。",
        "A score of {minimum} or more is converted.",
    ),
    "route-not-open": RejectionWords(
        "此形式不由该途径办理",
        "This form is not brought by this route",
        "此形式（{form}）不由该途径（{reporter}）办理。",
        "This form ({form}) is not brought by this route ({reporter}).",
    ),
    "make-up-for-enrolled": RejectionWords(
        "补学限当年已报名人员",
        "The make-up is for who had enrolled",
        "{year} 年度的补学限此前已报名的人员。",
        "The year {year} is made up by those who had enrolled before.",
    ),
    "make-up-for-paid": RejectionWords(
        "补学限当年已缴费人员",
        "The make-up is for who had paid",
        "{year} 年度的补学限此前已缴费的人员。",
        "The year {year} is made up by those who had paid before.",
    ),
    "make-up-not-needed": RejectionWords(
        "该年度已达标，无需补学",
        "The year needs no make-up",
        "{year} 年度已达到规定学分，不再补学。",
        "The year {year} was met in time and is not made up.",
    ),
    "make-up-used": RejectionWords(
        "该年度已补学过",
        "The year has been made up before",
        "{year} 年度只能补学一次。",
        "The year {year} can be made up once only.",
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
