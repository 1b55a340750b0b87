"""`xuefen demo`: starts the whole system, plays the main job on the five source notices over HTTP, shows the answers."""

import shutil
import time
from contextlib import closing, suppress
from decimal import Decimal
from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from contracts.divisions import authority_of, full_name_of, name_of
from services.cli.demo.endings import BothSides, delivered, standings
from services.cli.demo.moving import OPENED_AUTHORITIES, moving
from services.cli.demo.outside import running_outside
from services.cli.demo.province import Province, steps_of
from services.cli.demo.routes import ROUTES, later_notice
from services.cli.demo.stage import Stage
from services.cli.demo.stories import CHAOYANG, STORIES, Posting, Question, Story, Trial
from services.cli.policy_diff import after_words, why
from services.cli.settings import PROCESSES, SIGN_IN, StackSettings
from services.cli.sign_in import introduce
from services.cli.stack import running_stack
from services.cli.state_dir import StateDir

app = App(name="demo", help="Play the main job on the five source notices and show the answers. 演示")
_AT_MOST = Number(gte=0, lte=100_000)
_COUNT_SECONDS = 20.0
_WIDTH_MIN = 116
"""Columns a story needs to be read in comfort; a narrower window wraps the lines itself."""

out = Console(highlight=False)
out.width = max(out.width, _WIDTH_MIN)

_COLOURS = {
    "registered": "green",
    "duplicate": "cyan",
    "held": "yellow",
    "rejected": "red",
    "conflict": "red",
    "compliant": "green",
    "in_progress": "yellow",
    "deficient": "red",
    "not_required": "cyan",
    "exempt": "cyan",
    "undecided": "magenta",
    "no_policy": "magenta",
    "unknown": "dim",
}


@app.default
def demo(*, keep: bool | None = None, people: Annotated[int, Parameter(validator=_AT_MOST)] = 0) -> None:
    """Play the demo on a fresh database, on free ports, and stop everything at the end.

    Parameters
    ----------
    keep
        Leave the console open at the end until Ctrl-C; unless told, where the output is a terminal.
    people
        Fill a province with so many fictitious people after the stories, so that queues, figures and maps have something
        to show: 5,000 take some minutes.
    """
    started = time.monotonic()
    settings = demo_settings(StackSettings.load())
    StateDir(settings.home).delete()
    with (
        running_outside(settings.home / "outside") as outside,
        out.status("starting 启动中") as shown,
        running_stack(settings, say=lambda what: shown.update(f"starting {what} 启动中")) as stack,
        closing(Stage(stack)) as stage,
    ):
        shown.update("playing 演示中")
        for play in (*STORIES, *ROUTES, later_notice, moving):
            show_story(play(stage))
        heads, rows = stage.counts()
        show_counts(heads, rows, calls=stage.calls)
        show_standings(standings(stage))
        show_both_sides(delivered(stage, outside, rows))
        stage.leaves_waiting(CHAOYANG)
        shown.stop()
        if people:
            fill_province(stage, people)
        introduce(StateDir(settings.home), stage.people_to_be())
        show_console(stack.console_url, seconds=time.monotonic() - started, keep=keep)
    shutil.rmtree(settings.home, ignore_errors=True)
    out.print(f"[dim]{time.monotonic() - started:.0f} s. `make up` keeps the services running.[/dim]")


def fill_province(stage: Stage, people: int) -> None:
    """Fill a province with fictitious people, and show how far it has come."""
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=out) as bar:
        task = bar.add_task("山西省 filling a province", total=steps_of(people))
        Province(stage, people, advance=lambda _, steps: bar.advance(task, steps)).fill()
        stage.counts(_COUNT_SECONDS + people / 20)
        bar.update(task, completed=steps_of(people))


def show_console(address: str, *, seconds: float, keep: bool | None) -> None:
    """Say where the console shows what was played, and keep it open as long as somebody may look."""
    out.print(f"[bold]浏览器 In a browser: {address}[/bold] ({seconds:.0f} s)")
    if keep is False or (keep is None and not out.is_terminal):
        return
    out.print("Ctrl-C 结束 stops everything.")
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(0.5)


def demo_settings(settings: StackSettings) -> StackSettings:
    """The settings with a home and ports of the demo's own, so that a running system is left alone."""
    ports = {f"{service}_port": 0 for service in (*PROCESSES, SIGN_IN)}
    mine = {
        "home": settings.home / "demo",
        "relay_port": 0,
        "relay_url": None,
        "transfer_opened_authorities_file": OPENED_AUTHORITIES,
    }
    return settings.model_copy(update={**mine, **ports})


def show_story(story: Story) -> None:
    """Print one story: what was posted and became of it, what was asked and answered."""
    out.print(Panel(Text(story.title, style="bold"), subtitle=story.notice, expand=False))
    for trial in story.trials:
        out.print(_trial(trial))
    if story.postings:
        out.print(_postings(story.postings))
    out.print(_questions(story.questions))
    out.print()


def _table(*columns: str) -> Table:
    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)


def _trial(trial: Trial) -> Table:
    table = _table(
        f"试算\n{trial.what}", "年度\nyear", "现在\nnow", "发布后\nif published", "人数\npersons", "因何\nwhy"
    )
    for changed in trial.found.changes:
        table.add_row(
            full_name_of(changed.place),
            str(changed.year),
            _coloured(changed.before),
            Text(after_words(changed.before, changed.after), style=_COLOURS.get(changed.after, "")),
            str(changed.persons),
            why(changed),
        )
    return table


def _postings(postings: list[Posting]) -> Table:
    table = _table(
        "提交\nposted", "年度\nyear", "学分\ncredits", "时间\nat", "结果\noutcome", "条款、原因\nclause, why"
    )
    for posting in postings:
        record, outcome = posting.record, posting.outcome
        problem = outcome.get("problem", {})
        clause = outcome.get("clause") or problem.get("clause") or ""
        why = problem.get("detail") or outcome.get("reason") or _released(outcome)
        moment = record.get("completed_at") or record.get("passed_at", "")
        table.add_row(
            _two_lines(posting.what),
            str(record["year"]),
            record.get("credits", "-"),
            moment[:19].replace("T", "\n"),
            _coloured(outcome["outcome"]),
            Text(f"{clause} {why}".strip(), overflow="fold"),
        )
    return table


def _released(outcome: dict[str, Any]) -> str:
    freed = outcome.get("released")
    return f"同时登记 also registered: {', '.join(freed)}" if freed else ""


def _questions(questions: list[Question]) -> Table:
    table = _table(
        "查询\nasked", "属地\nplace", "年度\nyear", "结论\nanswer", "条款\nclause", "说明\nexplanation"
    )
    for question in questions:
        answer = question.answer
        clauses = dict.fromkeys(item["clause"] for item in answer["requirements"])
        table.add_row(
            _two_lines(question.what),
            name_of(answer["place"]),
            str(answer["year"]),
            _coloured(answer["status"]),
            " ".join(clauses or answer["clauses"]),
            Text(f"{answer['explanation_zh']}\n{answer['explanation_en']}", overflow="fold"),
        )
    return table


def _two_lines(words: str) -> str:
    return words.replace(" · ", "\n")


def show_counts(heads: dict[str, int], rows: list[dict[str, Any]], *, calls: int) -> None:
    """Print what the ledger holds at the end: events by log, registered records and credits by place and year."""
    table = _table("日志\nlog", "事件\nevents", "登记\nregistered", "学分\ncredits")
    for log, head in heads.items():
        mine = [row for row in rows if authority_of(row["place"]) == log]
        credits = sum((Decimal(row["credits"]) for row in mine), Decimal(0))
        records = sum(row["records"] for row in mine)
        table.add_row(f"{log} {name_of(log)}", str(head), str(records), f"{credits:.2f}")
    out.print(Panel(Text("账簿合计 what the ledger holds", style="bold"), expand=False))
    out.print(table)
    out.print(f"{calls} HTTP 请求 requests.")


def show_standings(rows: list[dict[str, Any]]) -> None:
    """Print how everybody stands, by authority and year: the counts of a dashboard."""
    table = _table(
        "地区\nplace", "年度\nyear", "人数\npersons", "应参加\nobliged", "已完成\ncompliant", "经补学\nmade up",
        "进行中\nin progress", "未完成\ndeficient", "待定\nundecided", "暂定\nprovisional",
        "免除\nexempt", "无需参加\nnot required",
    )  # fmt: skip
    for row in rows:
        counts = (
            "persons",
            "obliged",
            "compliant",
            "made_up",
            "in_progress",
            "deficient",
            "undecided",
            "provisional",
            "exempt",
            "not_required",
        )
        table.add_row(row["name"], str(row["year"]), *(str(row[name]) for name in counts))
    out.print(Panel(Text("年度完成情况 how everybody stands", style="bold"), expand=False))
    out.print(table)


def show_both_sides(found: list[BothSides]) -> None:
    """Print what the systems outside count themselves, beside what the ledger counts (S1-09)."""
    table = _table(
        "属地\nauthority",
        "年度\nyear",
        "账簿学分\nledger",
        "全国平台\nnational",
        "证书\ncertificates",
        "一致\nsame",
    )
    for both in found:
        table.add_row(
            f"{both.authority} {name_of(both.authority)}",
            str(both.year),
            str(both.ledger),
            str(both.national),
            str(both.certificates) if both.certificates else "-",
            Text("yes", style="green"),
        )
    out.print(Panel(Text("对接系统自己的统计 what the systems outside count", style="bold"), expand=False))
    out.print(table)


def _coloured(word: str) -> Text:
    return Text(word, style=_COLOURS.get(word, ""))
