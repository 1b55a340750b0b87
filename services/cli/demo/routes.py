"""Stories of the other ways into an account: a claim, a list that the province registers, a filed training, recognition; and
of a year that is closed. Each checks that it comes out as the notice says."""

import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from services.cli.demo.stage import Collected, DemoError, Provider, Stage
from services.cli.demo.stories import (
    CHANGZHI,
    CHAOYANG,
    GUANGDONG_PLATFORM,
    JIANGMEN,
    LIAONING,
    SHENYANG,
    Posting,
    Story,
    Telling,
    Trial,
)
from services.kit.clock import local_date, utc_now
from services.ledger.policy import read_notice

YEAR = 2026
"""The year whose notices of Shanxi the stories of today follow."""
DUFE = "东北财经大学"
PAPER = {"cn_number": "CN14-1234/F", "issue": "2026-03", "title": "论内部控制"}
EXAM = {"exam": "中级会计职称", "subject": "财务管理", "sitting": "2024"}


def _note(
    tell: Telling, what: str, year: int, outcome: dict[str, Any], *, credits: str = "-", at: str = ""
) -> None:
    """Show a step that is no completion beside those that are."""
    tell.story.postings.append(Posting(what, {"year": year, "credits": credits, "completed_at": at}, outcome))


def _refused(tell: Telling, what: str, year: int, problem: dict[str, object]) -> None:
    outcome = {
        "outcome": "rejected",
        "clause": problem.get("clause"),
        "problem": {"detail": problem["detail"]},
    }
    _note(tell, what, year, outcome)


def claim(stage: Stage) -> Story:
    """财会〔2018〕10号: a paper is claimed, converted by the policy, and reviewed by somebody else."""
    tell = Telling(stage, "学分申请: 论文由政策折算, 他人审核, 同一事项只计一次", "财会〔2018〕10号")
    who = stage.collects(CHANGZHI)
    stage.wait_until_followed()
    body = {
        "person_id": who.person_id,
        "year": 2026,
        "form": "paper",
        "role": "sole",
        "happened_on": "2026-03-10",
        "fact": PAPER,
    }
    submitted = stage.call("ledger", "POST", "/v1/claims", body, stage.official(CHANGZHI, "clerk"))
    _note(
        tell,
        "独著论文 · a paper of one's own",
        2026,
        {"outcome": "held", "clause": submitted["clause"], "reason": "待审核 to be reviewed"},
        credits=submitted["credits"],
        at="2026-03-10",
    )
    path = f"/v1/claims/{submitted['claim_id']}"
    own = stage.refuses("ledger", f"{path}/acceptance", None, stage.official(CHANGZHI, "clerk"), "own-claim")
    _refused(tell, "本人审核 · reviewed by oneself", 2026, own)
    for step in ("acceptance", "approval"):
        answer = stage.call("ledger", "POST", f"{path}/{step}", None, stage.official(CHANGZHI, "reviewer"))
    _note(
        tell,
        "他人审核通过 · approved by another",
        2026,
        {"outcome": "registered", "clause": answer["clause"]},
        credits=answer["credits"],
    )
    again = stage.refuses("ledger", "/v1/claims", body, stage.official(CHANGZHI, "clerk"), "fact-counted")
    _refused(tell, "同一论文再次申请 · the same paper again", 2026, again)
    tell.ask("论文计30学分 · the paper counts 30", who, 2026, CHANGZHI, "in_progress", on=f"{YEAR}-12-31")
    return tell.story


def direct(stage: Stage) -> Story:
    """朝财〔2024〕6号: what the province registers from its own lists is not claimed."""
    tell = Telling(stage, "直接登记: 考试合格名单由省级登记, 无需申请", "朝财〔2024〕6号")
    who = stage.collects(CHAOYANG)
    stage.wait_until_followed()
    claimed = {
        "person_id": who.person_id,
        "year": 2024,
        "form": "exam_subject",
        "happened_on": "2024-09-07",
        "fact": EXAM,
    }
    refused = stage.refuses(
        "ledger", "/v1/claims", claimed, stage.official(CHAOYANG, "clerk"), "registered-directly"
    )
    _refused(tell, "个人申请 · claimed by the person", 2024, refused)
    line = {name: claimed[name] for name in ("year", "form", "happened_on", "fact")}
    body = {"records": [line | {"person": who.identity()}]}
    for expected in ("registered", "duplicate"):
        answer = stage.call("ledger", "POST", "/v1/registrations/direct", body, stage.official(LIAONING))
        [result] = answer["results"]
        if result["outcome"] != expected:
            raise DemoError(f"direct registration: expected {expected}, got {result}")
        _note(tell, "省级名单 · the province's list", 2024, result, credits=result.get("credits") or "-")
    tell.ask("考试一科90学分 · one subject, 90", who, 2024, CHAOYANG, "compliant")
    return tell.story


def filing(stage: Stage) -> Story:
    """晋财会〔2026〕7号: a training is filed and approved before its first hour, its roster comes after the last."""
    tell = Telling(stage, "面授备案: 审核通过后方可开展, 先培训后备案的不予登记", "晋财会〔2026〕7号")
    trainer, who = stage.provides("长治某某会计培训学校", [CHANGZHI]), stage.collects(CHANGZHI)
    stage.wait_until_followed()
    today = local_date(utc_now())
    late = stage.refuses(
        "ledger",
        "/v1/filings",
        _plan(today - timedelta(days=1)),
        trainer.headers() | _key(),
        "filing-too-late",
    )
    _refused(tell, "昨天的培训今天备案 · filed the day after", 2026, late)
    day = today + timedelta(days=7)
    if day.year == YEAR:
        _file_ahead(tell, trainer, who, day)
    tell.ask("尚未登记 · nothing registered", who, 2026, CHANGZHI, "in_progress", on=f"{YEAR}-12-31")
    return tell.story


def _file_ahead(tell: Telling, trainer: Provider, who: Collected, day: date) -> None:
    stage = tell.stage
    filed = stage.call("ledger", "POST", "/v1/filings", _plan(day), trainer.headers() | _key())
    path = f"/v1/filings/{filed['filing_id']}"
    stage.call("ledger", "POST", f"{path}/approval", None, stage.official(CHANGZHI))
    approved = {"outcome": "registered", "reason": "备案通过 filing approved"}
    _note(tell, "下周的培训 · next week's", day.year, approved, at=day.isoformat())
    roster = {"records": [{"id": "1", "person": who.identity(), "sessions": [1], "passed": True}]}
    early = stage.refuses(
        "ledger", f"{path}/rosters", roster, trainer.headers() | _key(), "training-not-ended"
    )
    _refused(tell, "培训前报名单 · a roster before the training", day.year, early)


def recognition(stage: Stage) -> Story:
    """粤财会函〔2020〕4号: professional credits count once recognised, public ones by their registration."""
    tell = Telling(stage, "认定: 专业科目登记后另行认定, 公需科目自动认定", "粤财会函〔2020〕4号")
    platform, who = stage.provides(f"{GUANGDONG_PLATFORM}(二)", ["440000"]), stage.collects(JIANGMEN)
    stage.wait_until_followed()
    for category, credits in (("professional", "60.00"), ("public", "30.00")):
        record = platform.completion(who, 2020, credits, "2020-10-12T14:00:00+08:00", category=category)
        tell.post(f"{category} {credits}", platform, record, "registered")
    tell.ask("认定前 · before", who, 2020, JIANGMEN, "deficient")
    body = {"place": JIANGMEN, "year": 2020}
    answer = stage.call("ledger", "POST", "/v1/recognitions/worklist", body, stage.official(JIANGMEN))
    if who.person_id not in {each["person_id"] for each in answer["results"]}:
        raise DemoError(f"the worklist of {JIANGMEN} must hold the credit, got {answer}")
    tell.ask("认定后 · after", who, 2020, JIANGMEN, "compliant")
    return tell.story


def closing(stage: Stage) -> Story:
    """B-07, S2A-08: late registration ends with the close; afterwards officials correct, and the archive is told."""
    tell = Telling(stage, "年度关闭: 此后只登记补学和更正, 结果归档", "辽宁省 2025")
    listed, who = stage.provides(DUFE, [LIAONING]), stage.collects(SHENYANG)
    stage.wait_until_followed()
    at = "2025-06-01T10:00:00+08:00"
    tell.post("关闭前迟报 · late, before", listed, listed.completion(who, 2025, "60.00", at), "registered")
    closed = stage.call("ledger", "POST", f"/v1/years/{LIAONING}/2025/close", None, stage.official(LIAONING))
    _note(
        tell,
        "关闭2025年度 · the year is closed",
        2025,
        {"outcome": "registered", "reason": f"窗口止于 windows ended {closed['last_day']}"},
    )
    late = listed.completion(who, 2025, "30.00", at, category="public")
    tell.post("关闭后迟报 · late, after", listed, late, "rejected:year-closed")
    tell.ask("还差公需30 · 30 public are missing", who, 2025, SHENYANG, "deficient")
    _correct(tell, who)
    tell.ask("更正后 · after the correction", who, 2025, SHENYANG, "compliant")
    page = stage.call(
        "ledger", "GET", f"/v1/years/{SHENYANG}/2025/archive?limit=500", headers=stage.official(SHENYANG)
    )
    lines = {line["person_id"]: line for line in page["items"]}
    if lines[who.person_id]["status"] != "compliant" or not lines[who.person_id]["corrected"]:
        raise DemoError(f"the archive must say that the year was corrected, got {lines[who.person_id]}")
    return tell.story


def _correct(tell: Telling, who: Collected) -> None:
    body = {
        "year": 2025,
        "category": "public",
        "credits": "30.00",
        "mode": "online",
        "completed_on": "2025-06-01",
        "reason": "reported_late",
        "reference": "2026-1126",
    }
    path = f"/v1/persons/{who.person_id}/corrections"
    answer = tell.stage.call("ledger", "POST", path, body, tell.stage.official(SHENYANG))
    outcome = {"outcome": "registered", "reason": f"更正 {answer['correction']}"}
    _note(tell, "财政部门更正 · corrected by the bureau", 2025, outcome, credits=answer["credits"])


def _plan(day: date) -> dict[str, object]:
    return {
        "place": CHANGZHI,
        "year": day.year,
        "title": "政府会计准则面授班",
        "category": "professional",
        "sessions": [
            {"on": day.isoformat(), "starts": "09:00", "ends": "12:00", "hours": "3", "credits": "5"}
        ],
        "expected": 40,
    }


def _key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


ROUTES = (claim, direct, filing, recognition, closing)


DRAFT = Path(__file__).with_name("dalian_2026_example.yaml")
DALIAN, PROVIDER = "210200", "大连某某网校有限公司"
DAY = date(2026, 6, 30)


def later_notice(stage: Stage) -> Story:
    """A year notice of a city that had none: the nation judged provisionally until then. No change of code, no restart, and
    nobody's earlier answer rewritten."""
    draft = read_notice(DRAFT)
    tell = Telling(stage, "新通知: 先试算, 再发布; 之前的答复可以重现", draft.label)
    school = stage.provides(PROVIDER, [DALIAN])
    studied, early, idle = stage.collects(DALIAN), stage.collects(DALIAN), stage.collects(DALIAN)
    newcomer = stage.collects(DALIAN, qualified_on=date(2026, 4, 1))
    stage.wait_until_followed()
    on = DAY.isoformat()
    record = school.completion(studied, 2026, "90.00", "2026-05-12T10:00:00+08:00")
    tell.post("通知未公布，暂按国家规定 · no notice yet, by the nation's rule", school, record, "registered")
    soon = school.completion(early, 2026, "90.00", "2026-01-20T10:00:00+08:00")
    tell.post("一月学习，三月才有通知 · in January, before the notice", school, soon, "registered")
    tell.ask("发布之前 · before", studied, 2026, DALIAN, "compliant", on=on)
    tell.ask("上一年度，待通知 · last year, undecided", idle, 2025, DALIAN, "undecided", on=on)
    tell.ask("更早年度，待通知 · an earlier year, too", idle, 2024, DALIAN, "undecided", on=on)
    stage.declares_no_notice(DALIAN, 2024)
    tell.ask("明确不再发布通知后 · once none will come", idle, 2024, DALIAN, "deficient", on=on)
    found = stage.tries(draft, DAY)
    tell.story.trials.append(Trial("a draft, tried", found))
    before = datetime.now(UTC)
    stage.publishes(draft)
    if stage.tries(draft, DAY).changes:
        raise DemoError("what is published changes nothing any more")
    tell.post("发布之后 · published", school, record, "duplicate")
    tell.ask("学满90学分 · 90 credits", studied, 2026, DALIAN, "compliant", on=on)
    tell.ask("尚未学习 · nothing studied", idle, 2026, DALIAN, "in_progress", on=on)
    tell.ask("当年取得资格 · qualified this year", newcomer, 2026, DALIAN, "not_required", on=on)
    moment = before.isoformat().replace("+00:00", "Z")
    tell.ask("发布前那一刻的答复 · as of then", studied, 2026, DALIAN, "compliant", on=on, as_of=moment)
    if found.changes:
        raise DemoError(f"a notice that says what the nation says changes no verdict, got {found.changes}")
    told = [stage.asks(studied, 2026, DALIAN, on=on), stage.asks(studied, 2026, DALIAN, on=on, as_of=moment)]
    if [(answer["basis"], answer["provisional"]) for answer in told] != [
        ("notice", False),
        ("national", True),
    ]:
        raise DemoError("the notice must end what was judged provisionally")
    answer = tell.ask(
        "通知之前的学习仍计入 · what came before it stays",
        early,
        2026,
        DALIAN,
        "compliant",
        on=on,
        include="credits",
    )
    [credit] = answer["credits"]
    if not credit["provisional"] or credit["not_taken_by"]["clause"] != "D-02":
        raise DemoError("what the notice would not have taken must stay and name its clause")
    return tell.story
