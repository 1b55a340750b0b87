"""One story for each of the five source notices, and what each is meant to show. A story that does not come out as the
notice says stops the demo."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.cli.demo.stage import Collected, DemoError, Provider, Stage
from services.ledger.counting.simulation import Simulation

CHAOYANG, LIAONING, SHENYANG, DALIAN = "211302", "210000", "210102", "210200"
JINCHENG, CHANGZHI, JIANGMEN = "140502", "140403", "440703"
SOCIETY = "朝阳市会计学会"
DONGAO = "北京东奥时代教育科技有限公司"
UNLISTED = "某某财经网校有限公司"
STAR = "会计之星"
GUANGDONG_PLATFORM = "广东省会计信息服务平台"


@dataclass
class Posting:
    """A record as it was posted, and its outcome."""

    what: str
    record: dict[str, Any]
    outcome: dict[str, Any]


@dataclass
class Question:
    """A question as it was asked, and the answer."""

    what: str
    answer: dict[str, Any]


@dataclass
class Trial:
    """A draft notice tried over the ledger before it was published, and what it would change."""

    what: str
    found: Simulation


@dataclass
class Story:
    """What happened, in order; a trial comes before everything else."""

    title: str
    notice: str
    postings: list[Posting] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)


class Telling:
    """Tells one story: posts, asks, and checks that each comes out as the notice says."""

    def __init__(self, stage: Stage, title: str, notice: str) -> None:
        self.stage = stage
        self.story = Story(title, notice)

    def post(
        self, what: str, provider: Provider, record: dict[str, Any], expected: str, to: str = "completions"
    ) -> None:
        """Post one record; `expected` is its outcome, and after a colon its reason or problem."""
        [outcome] = provider.posts(record, to=to)
        self.story.postings.append(Posting(what, record, outcome))
        word, _, why = expected.partition(":")
        problem = outcome.get("problem", {}).get("type", "").rpartition(":")[2]
        if outcome["outcome"] != word or (why and why not in (outcome.get("reason"), problem)):
            raise DemoError(f"{self.story.notice} {what}: expected {expected}, got {outcome}")

    def ask(
        self, what: str, who: Collected, year: int, place: str, expected: str, **params: str
    ) -> dict[str, Any]:
        """Ask for a year; `expected` is the status."""
        answer = self.stage.asks(who, year, place, **params)
        self.story.questions.append(Question(what, answer))
        if answer["status"] != expected:
            raise DemoError(f"{self.story.notice} {what}: expected {expected}, got {answer}")
        return answer


def chaoyang(stage: Stage) -> Story:
    """朝财〔2024〕6号: one provider, an exam, and a year that ends on 31 January of the next."""
    tell = Telling(stage, "朝阳市 2024: 学习到次年1月31日, 考试合格后登记", "朝财〔2024〕6号")
    society, other = stage.provides(SOCIETY, [CHAOYANG]), stage.provides(UNLISTED, [CHAOYANG])
    who, late, newcomer = (
        stage.collects(CHAOYANG),
        stage.collects(CHAOYANG),
        stage.collects(CHAOYANG, qualified_on=date(2024, 5, 20)),
    )
    stage.wait_until_followed()
    last_second = society.completion(who, 2024, "90.00", "2025-01-31T23:59:59+08:00")
    tell.post("末日最后一秒 · last second of the year", society, last_second, "held:exam_pending")
    exam = society.exam_pass(who, 2024, "2025-01-31T20:00:00+08:00")
    tell.post("考试合格 · exam passed", society, exam, "registered", to="exam-passes")
    after = society.completion(late, 2024, "90.00", "2025-02-01T00:00:00+08:00")
    tell.post("次日零时 · a second too late", society, after, "rejected:window-closed")
    elsewhere = other.completion(late, 2024, "90.00", "2024-10-08T09:00:00+08:00")
    tell.post("其他网校 · another provider", other, elsewhere, "rejected:provider-not-listed")
    tell.ask("按时学完并考试合格 · in time", who, 2024, CHAOYANG, "compliant")
    tell.ask("没有登记任何学分 · nothing registered", late, 2024, CHAOYANG, "deficient")
    tell.ask("2024年5月取得资格 · first obliged in 2025", newcomer, 2024, CHAOYANG, "not_required")
    return tell.story


def liaoning(stage: Stage) -> Story:
    """2025 年度辽宁省: five listed providers, three thresholds, and Dalian apart."""
    tell = Telling(stage, "辽宁省 2025: 专业60、公需30; 大连除外", "辽宁省2025年度通知")
    listed = stage.provides(DONGAO, [LIAONING, DALIAN])
    other = stage.provides("辽宁省未列名网校有限公司", [LIAONING])
    one, both, dalian = stage.collects(SHENYANG), stage.collects(SHENYANG), stage.collects(DALIAN)
    stranger = stage.stranger()
    stage.wait_until_followed()
    at = "2025-06-18T10:00:00+08:00"
    posts = tell.post
    record = other.completion(one, 2025, "30.00", at)
    posts("名单外机构 · provider not listed", other, record, "rejected:provider-not-listed")
    first = listed.completion(one, 2025, "90.00", at, authority=LIAONING)
    posts("专业90学分 · 90 professional", listed, first, "registered")
    posts("再次提交 · the same again", listed, first, "duplicate")
    changed = first | {"credits": "95.00"}
    posts("同号不同内容 · same id, other content", listed, changed, "conflict:record-conflict")
    for credits, category in (("60.00", "professional"), ("30.00", "public")):
        record = listed.completion(both, 2025, credits, at, category=category, authority=LIAONING)
        posts(f"{category} {credits}", listed, record, "registered")
    early = listed.completion(both, 2025, "3.00", "2025-02-28T23:59:59+08:00", authority=LIAONING)
    posts("网络教育3月1日起 · online opens on 1 March", listed, early, "rejected:not-yet-open")
    record = listed.completion(dalian, 2025, "90.00", at, authority=DALIAN)
    posts("大连不适用本通知，暂按国家规定 · Dalian, by the nation's rule", listed, record, "registered")
    held = listed.completion(stranger, 2025, "90.00", at, authority=LIAONING)
    posts("尚未采集信息 · not yet collected", listed, held, "held:not_collected")
    released = stage.collects(SHENYANG, person=stranger)
    stage.wait_until_followed()
    posts("采集后自动登记 · registered by itself", listed, held, "duplicate")
    permit, residence = stage.collects(SHENYANG), stage.collects(SHENYANG)
    stage.wait_until_followed()
    for who, credits, category in ((permit, "60.00", "professional"), (residence, "30.00", "public")):
        record = listed.completion(who, 2025, credits, at, category=category, authority=LIAONING)
        posts(
            f"同一人两份信息, {category} {credits} · one person on record twice", listed, record, "registered"
        )
    stage.merges(permit, residence, SHENYANG)
    stage.wait_until_followed()
    posts("合并后再次提交 · again after the merge", listed, record, "duplicate")
    tell.ask("两份信息合并后 · once the two profiles are one", permit, 2025, LIAONING, "compliant")
    tell.ask("只有专业学分 · no public credits", one, 2025, LIAONING, "in_progress", on="2025-12-31")
    tell.ask("同一人, 年度结束后 · after the year", one, 2025, LIAONING, "deficient", on="2026-01-01")
    tell.ask("专业60公需30 · both minima met", both, 2025, LIAONING, "compliant")
    tell.ask("采集后 · after collection", released, 2025, LIAONING, "deficient", on="2026-01-01")
    tell.ask("大连 · Dalian", dalian, 2025, DALIAN, "compliant")
    return tell.story


def shanxi_2024(stage: Stage) -> Story:
    """晋市财会〔2024〕11号 under 晋财会〔2024〕10号: registered when 90 is reached."""
    tell = Telling(stage, "晋城市 2024: 学满90学分自动登记", "晋市财会〔2024〕11号")
    star = stage.provides(STAR, ["140000"])
    almost, full = stage.collects(JINCHENG), stage.collects(JINCHENG)
    stage.wait_until_followed()
    at = "2024-11-05T19:30:00+08:00"
    tell.post("89.99", star, star.completion(almost, 2024, "89.99", at), "held:below_total")
    tell.post("60.00", star, star.completion(full, 2024, "60.00", at), "held:below_total")
    second = star.completion(full, 2024, "30.00", "2025-03-31T23:59:59+08:00")
    tell.post("再学30, 3月31日 · 30 more on the last day", star, second, "registered")
    tell.ask("89.99 学分 · 89.99 credits", almost, 2024, JINCHENG, "deficient")
    tell.ask("90 学分 · 90 credits", full, 2024, JINCHENG, "compliant")
    return tell.story


def shanxi_2026(stage: Stage) -> Story:
    """长财会〔2026〕5号 under 晋财会〔2026〕7号: no public minimum; nobody uncollected is registered."""
    tell = Telling(stage, "长治市 2026: 专业90即可; 未采集不登记", "长财会〔2026〕5号")
    star = stage.provides("晋财网络培训中心", ["140000"])
    who, made_up = stage.collects(CHANGZHI), stage.collects(CHANGZHI)
    stage.wait_until_followed()
    batch = [star.completion(who, 2026, "45.00", f"2026-05-{day}T10:00:00+08:00") for day in ("06", "07")]
    for record in batch:
        tell.post("专业45学分 · 45 professional", star, record, "registered")
    for record in batch:
        tell.post("整批重发 · the batch again", star, record, "duplicate")
    march = star.completion(who, 2026, "9.00", "2026-03-31T23:59:59+08:00")
    tell.post("4月1日前 · before 1 April", star, march, "rejected:not-yet-open")
    make_up = star.completion(made_up, 2025, "90.00", "2026-06-01T23:59:59+08:00")
    tell.post("补学2025, 末日 · make-up, last day", star, make_up, "registered")
    tell.ask("专业90, 无公需 · no public credits", who, 2026, CHANGZHI, "compliant")
    tell.ask("补学的2025年度 · 2025 made up", made_up, 2025, CHANGZHI, "compliant")
    return tell.story


def jiangmen(stage: Stage) -> Story:
    """江财会函〔2020〕3号 under 粤财会函〔2020〕4号: no threshold of its own, so the nation's."""
    tell = Telling(stage, "江门市 2020: 通知未写学分, 按国家规定", "江财会函〔2020〕3号")
    platform = stage.provides(GUANGDONG_PLATFORM, ["440000"])
    short, full = stage.collects(JIANGMEN), stage.collects(JIANGMEN)
    stage.wait_until_followed()
    at = "2020-10-12T14:00:00+08:00"
    tell.post(
        "专业59 · 59 professional", platform, platform.completion(short, 2020, "59.00", at), "registered"
    )
    for who, credits, category in ((short, "31.00", "public"), (full, "60.00", "professional")):
        record = platform.completion(who, 2020, credits, at, category=category)
        tell.post(f"{category} {credits}", platform, record, "registered")
    record = platform.completion(full, 2020, "30.00", at, category="public")
    tell.post("public 30.00", platform, record, "registered")
    answer = tell.ask("总90但专业只有59 · 59 professional", short, 2020, JIANGMEN, "deficient")
    if {item["document"] for item in answer["requirements"]} != {"财会〔2018〕10号"}:
        raise DemoError(f"{JIANGMEN} must be judged by the national thresholds, got {answer['requirements']}")
    answer = tell.ask("专业60待认定 · 60 to be recognised", full, 2020, JIANGMEN, "deficient")
    if {item["why"] for item in answer["not_counted"]} != {"awaiting_recognition"}:
        raise DemoError(f"professional credits wait for recognition (S4-03), got {answer['not_counted']}")
    return tell.story


STORIES: tuple[Callable[[Stage], Story], ...] = (chaoyang, liaoning, shanxi_2024, shanxi_2026, jiangmen)
