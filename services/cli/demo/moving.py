"""A person moves from Shanxi to Liaoning in mid-year: what both provinces answer before, on the way and after."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from services.cli.demo import fictitious
from services.cli.demo.stage import Collected, DemoError, Provider, Stage
from services.cli.demo.stories import Question, Story, Telling
from services.kit.clock import SHANGHAI, local_date, utc_now
from services.ledger.policy import parse_notice
from services.transfer.cases.arrival import arrival_id

YANGQUAN, SHANXI = "140300", "140000"
ANSHAN, LIAONING = "210300", "210000"
OPENED_AUTHORITIES = Path(__file__).parent / "opened_authorities.yaml"
_SECONDS_MAX = 30.0
_PAUSE_SECONDS = 0.1


def moving(stage: Stage) -> Story:
    """跨省调转 (S2C-13 to S2C-18): credits travel as awarded, and the destination judges the open year (A-13)."""
    tell = Telling(stage, "阳泉市 → 鞍山市: 年中跨省调转, 学分随人走", "S2C-13、S2C-14、S2C-18")
    year = local_date(utc_now()).year
    for place in (YANGQUAN, ANSHAN):
        stage.publishes(parse_notice(_notice(place, year)))
    school = stage.provides("晋辽网络学校", [YANGQUAN, ANSHAN])
    who = stage.collects(YANGQUAN)
    stage.wait_until_followed()
    tell.post("调出前 · before", school, _study(school, who, year, "60.00", SHANXI), "registered")
    tell.ask("调出前, 山西 · before, Shanxi", who, year, YANGQUAN, "in_progress")
    _nobody(tell, "调出前, 辽宁 · before, Liaoning", who, year, ANSHAN)

    transfer_id = _asked_out(stage, who)
    enrolment = _enrolment(school, who, year)
    tell.post(
        "途中报名 · enrolling on the way", school, enrolment, "rejected:departure-under-way", to="enrolments"
    )
    public = _study(school, who, year, "30.00", SHANXI, category="public")
    tell.post("途中学习 · study on the way", school, public, "registered")
    tell.ask("途中, 山西 · on the way, Shanxi", who, year, YANGQUAN, "compliant")
    _nobody(tell, "途中, 辽宁 · on the way, Liaoning", who, year, ANSHAN)

    _taken(stage, transfer_id, who)
    _until(lambda: stage.refused(*_compliance(stage, who, year, ANSHAN)) is None)
    again = public | {"authority": LIAONING}
    tell.post("在辽宁重发 · the same again, to Liaoning", school, again, "duplicate")
    tell.ask("调入后, 辽宁 · after, Liaoning", who, year, ANSHAN, "compliant")
    _nobody(tell, "调入后, 山西 · after, Shanxi", who, year, YANGQUAN)
    return tell.story


def _notice(place: str, year: int) -> dict[str, object]:
    """What a fictitious notice of a city asks: what the nation does, online, within the calendar year."""
    return {
        "id": f"demo-{place}",
        "title": f"{year}年度继续教育通知（演示）",
        "document": f"演示〔{year}〕{place}号",
        "issuers": ["财政局"],
        "issued_on": f"{year}-01-01",
        "place": place,
        "years": {"from": year, "to": year},
        "clauses": [
            {
                "id": f"D{place}-01",
                "article": "一",
                "text": "本年度继续教育以网络培训进行，学习时间为1月1日至12月31日。",
                "rules": [
                    {"kind": "modes", "allowed": ["online"], "open": False},
                    {"kind": "window", "act": "study", "from": f"{year}-01-01", "until": f"{year}-12-31"},
                    {
                        "kind": "window",
                        "act": "study",
                        "modes": ["online"],
                        "from": f"{year}-01-01",
                        "until": f"{year}-12-31",
                    },
                ],
            }
        ],
    }


def _study(
    school: Provider, who: Collected, year: int, credits: str, authority: str, **fields: object
) -> dict[str, object]:
    done = datetime.now(SHANGHAI) - timedelta(seconds=1)
    return school.completion(who, year, credits, done.isoformat(), authority=authority, **fields)


def _enrolment(school: Provider, who: Collected, year: int) -> dict[str, object]:
    whole = _study(school, who, year, "1.00", SHANXI)
    kept = {name: whole[name] for name in ("id", "person", "year", "mode", "authority")}
    return kept | {"enrolled_on": local_date(utc_now()).isoformat()}


def _asked_out(stage: Stage, who: Collected) -> str:
    """The person asks for the transfer with proof of the new work (S2C-10), and the origin accepts; the transfer's id."""
    body = {
        "person_id": who.person_id,
        "to_place": ANSHAN,
        "employer": fictitious.uscc(900),
        "evidence": [{"name": "工作证明.pdf", "sha256": "ab" * 32, "media_type": "application/pdf"}],
    }
    asked: list[dict[str, Any]] = []

    def ask() -> bool:
        refused = stage.refused("transfer", "POST", "/v1/transfers", body, stage.portal(who.person_id), asked)
        return refused is None

    _until(ask)
    transfer_id: str = asked[0]["transfer_id"]
    stage.call(
        "transfer", "POST", f"/v1/transfers/{transfer_id}/acceptance", headers=stage.official(YANGQUAN)
    )
    return transfer_id


def _taken(stage: Stage, transfer_id: str, who: Collected) -> None:
    """The destination fetches and approves, and the person looks it up (S2C-17, S2C-18)."""
    path = f"/v1/transfers/{arrival_id(transfer_id)}"
    _until(
        lambda: stage.refused("transfer", "POST", f"{path}/approval", None, stage.official(ANSHAN)) is None
    )
    stage.call("transfer", "POST", f"{path}/confirmation", headers=stage.portal(who.person_id))


def _compliance(
    stage: Stage, who: Collected, year: int, place: str
) -> tuple[str, str, str, None, dict[str, str]]:
    path = f"/v1/persons/{who.person_id}/compliance/{year}"
    return "ledger", "GET", path, None, stage.official(place)


def _nobody(tell: Telling, what: str, who: Collected, year: int, place: str) -> None:
    """An official of a place that does not keep the person asks, and is told so."""
    problem = tell.stage.refused(*_compliance(tell.stage, who, year, place))
    if problem is None or problem["status"] != httpx.codes.NOT_FOUND:
        raise DemoError(f"{what}: expected nobody, got {problem}")
    answer = {
        "place": place,
        "year": year,
        "status": "unknown",
        "requirements": [],
        "clauses": [],
        "explanation_zh": problem["title"],
        "explanation_en": "No such person here",
    }
    tell.story.questions.append(Question(what, answer))


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS_MAX
    while not done():
        if time.monotonic() > deadline:
            raise DemoError("the transfer does not go on")
        time.sleep(_PAUSE_SECONDS)
