"""A notice published to the running ledger: tried first, then published; what people were told before stays what it was."""

from datetime import UTC, date, datetime
from pathlib import Path

from services.cli.demo.stage import DemoError, Stage
from services.cli.demo.stories import Story, Telling, Trial
from services.ledger.policy import read_notice

DRAFT = Path(__file__).with_name("dalian_2026_example.yaml")
DALIAN, PROVIDER = "210200", "大连某某网校有限公司"
DAY = date(2026, 6, 30)


def later_notice(stage: Stage) -> Story:
    """A year notice of a city that had none: no change of code, no restart, and nobody's earlier answer rewritten."""
    draft = read_notice(DRAFT)
    tell = Telling(stage, "新通知: 先试算, 再发布; 之前的答复可以重现", draft.label)
    school = stage.provides(PROVIDER, [DALIAN])
    studied, idle, newcomer = (
        stage.collects(DALIAN),
        stage.collects(DALIAN),
        stage.collects(DALIAN, qualified_on=date(2026, 4, 1)),
    )
    stage.wait_until_followed()
    on = DAY.isoformat()
    record = school.completion(studied, 2026, "90.00", "2026-05-12T10:00:00+08:00")
    tell.post("没有通知 · no notice yet", school, record, "rejected:no-policy")
    tell.ask("发布之前 · before", studied, 2026, DALIAN, "no_policy", on=on)
    found = stage.tries(draft, DAY)
    tell.story.trials.append(Trial("a draft, tried", found))
    before = datetime.now(UTC)
    stage.publishes(draft)
    if stage.tries(draft, DAY).changes:
        raise DemoError("what is published changes nothing any more")
    tell.post("发布之后 · published", school, record, "registered")
    tell.ask("学满90学分 · 90 credits", studied, 2026, DALIAN, "compliant", on=on)
    tell.ask("尚未学习 · nothing studied", idle, 2026, DALIAN, "in_progress", on=on)
    tell.ask("当年取得资格 · qualified this year", newcomer, 2026, DALIAN, "not_required", on=on)
    moment = before.isoformat().replace("+00:00", "Z")
    tell.ask("发布前那一刻的答复 · as of then", studied, 2026, DALIAN, "no_policy", on=on, as_of=moment)
    said = {(change.before, change.after) for change in found.changes}
    if not {("no_policy", "in_progress"), ("no_policy", "not_required")} <= said:
        raise DemoError(f"the trial must say what publishing did, got {found.changes}")
    return tell.story
