"""Examination of a deployment: what would keep it from serving, each found by asking for it; and the calendar that it knows.

Every check says in one line what it found; nothing is changed, and what cannot be asked is said to be so.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import asyncpg
import httpx
from cyclopts import Parameter

from services.cli.settings import PROCESSES, StackSettings, misspelt_variables
from services.cli.state_dir import StateDir
from services.kit.app import must_answer
from services.kit.calendar import missing_year, read_calendar
from services.kit.clock import UnknownYear, is_working_day, local_date, utc_now
from services.kit.database import Database, Databases, SchemaRevisionError, UnsafeDatabaseError
from services.kit.errors import Problem
from services.kit.http_client import open_client
from services.kit.migrations import head_revision
from services.kit.settings import ServiceSettings, SettingsError

DISK_BYTES_MIN = 2 * 1024**3
_FIRST_YEAR = 2018
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON. 以 JSON 输出")]
State = Literal["good", "warning", "bad"]


@dataclass(frozen=True)
class Finding:
    """What a check found: `good`, something to look at, or something that keeps a service from its work."""

    check: str
    state: State
    zh: str
    en: str


def calendar(*, json_: Json = False) -> None:
    """Print until when working days are known, and by what; exits with 1 when the coming year should be known by now.

    工作日历已知到哪一年，依据何在；11 月 1 日起次年仍未知时以 1 退出。
    """
    settings = StackSettings.load()
    own = None if settings.calendar_file is None else read_calendar(settings.calendar_file)
    today = local_date(utc_now())
    known = [
        year
        for year in range(_FIRST_YEAR, today.year + 3)
        if not isinstance(is_working_day(today.replace(year=year, month=1, day=4)), UnknownYear)
    ]
    missing = missing_year(today)
    told = {
        "known_until": max(known),
        "of_the_file": sorted(own.years) if own is not None else [],
        "file_sha256": own.digest if own is not None else None,
        "missing": missing,
    }
    if json_:
        print(json.dumps(told))
    else:
        print(f"{told['known_until']}-12-31  已知至此日", "known until this day", sep=" · ")
        if own is not None:
            years = ", ".join(map(str, sorted(own.years)))
            print(
                f"{years}  来自文件",
                f"of the file {settings.calendar_file}, sha256 {own.digest[:16]}",
                sep=" · ",
            )
        if missing is not None:
            print(f"{missing}  尚未知", "not known: XUEFEN_CALENDAR_FILE", sep=" · ", file=sys.stderr)
    sys.exit(missing is not None)


def doctor(*, json_: Json = False) -> None:
    """Examine this deployment: settings, calendar, disk, databases, clocks, issuer; exits with 1 when one is bad.

    检查本部署：设置、日历、磁盘、数据库、结构版本、角色、时钟、令牌签发方；有一项不可用即以 1 退出。
    """
    found = asyncio.run(_examined())
    if json_:
        print(json.dumps([asdict(each) for each in found], ensure_ascii=False))
    else:
        for each in found:
            print(f"{each.state:<8} {each.check:<22} {each.zh} · {each.en}")
    sys.exit(any(each.state == "bad" for each in found))


async def _examined() -> list[Finding]:
    return [each async for each in examine()]


async def examine() -> AsyncIterator[Finding]:
    """Every check in its order; one that fails keeps none after it from being made, but for the settings."""
    for line in misspelt_variables():
        yield Finding("settings", "warning", f"未知变量：{line}", line)
    try:
        settings = StackSettings.load()
    except SettingsError as error:
        for line in str(error).splitlines():
            yield Finding("settings", "bad", f"设置有误：{line}", line)
        return
    yield Finding("settings", "good", "可读取", "can be read")
    yield calendar_finding(missing_year(local_date(utc_now())))
    yield disk_finding(
        shutil.disk_usage(settings.home.parent if not settings.home.exists() else settings.home).free
    )
    record = StateDir(settings.home).read_record()
    running = record is not None and record.supervisor.running
    dsns = record.databases if record is not None and running else settings.database_urls()
    for process in PROCESSES:
        if process in dsns:
            yield await _database(process, dsns[process], settings)
    if not dsns:
        zh = "未给出地址，也未运行；使用内置数据库时请先启动全部服务"
        yield Finding(
            "database",
            "warning",
            zh,
            "no address is set and nothing runs: with the embedded one, `xuefen up` first",
        )
    yield await _issuer(settings)


def calendar_finding(missing: int | None) -> Finding:
    """Whether the coming year is known as soon as it should be."""
    if missing is None:
        return Finding("calendar", "good", "工作日历已知", "working days are known")
    return Finding(
        "calendar", "warning", f"{missing} 年放假安排未知", f"the holidays of {missing} are not known"
    )


def disk_finding(free: int) -> Finding:
    """Whether there is room where things are kept."""
    gigabytes = f"{free / 1024**3:.1f} GiB"
    state: State = "good" if free >= DISK_BYTES_MIN else "bad"
    return Finding("disk", state, f"剩余 {gigabytes}", f"{gigabytes} are free")


async def _database(process: str, dsn: str, settings: ServiceSettings) -> Finding:
    """Whether a service may use its database: settings, role, schema, clock."""
    check = f"database of {process}"
    try:
        database = await Database.connect(
            dsn, schema=process, application_name="xuefen.doctor", size_max=1, waits=settings.waits("doctor")
        )
    except (OSError, TimeoutError, ValueError) as error:
        return Finding(
            check, "bad", f"无法连接：{type(error).__name__}", f"does not answer: {type(error).__name__}"
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return Finding(
            check, "bad", f"拒绝连接：{type(error).__name__}", f"does not let us in: {type(error).__name__}"
        )
    try:
        await database.check(revision=head_revision(process))
        await must_answer(Databases(database), leeway_seconds=settings.clock_leeway_seconds)
    except (UnsafeDatabaseError, SchemaRevisionError) as error:
        return Finding(check, "bad", f"不可使用：{error}", str(error))
    except Problem as problem:
        return Finding(
            check, "bad", problem.detail_zh or problem.title_zh, problem.detail_en or problem.title_en
        )
    finally:
        await database.close()
    return Finding(
        check, "good", "可用，版本、角色与时钟均正确", "can be used: revision, role and clock are right"
    )


async def _issuer(settings: ServiceSettings) -> Finding:
    try:
        async with open_client() as client:
            answer = await client.get(settings.key_set_url)
            keys = answer.json()["keys"] if answer.status_code == 200 else []
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return Finding(
            "issuer",
            "bad",
            f"{settings.key_set_url} 无应答",
            f"{settings.key_set_url}: {type(error).__name__}",
        )
    if not keys:
        return Finding(
            "issuer", "bad", f"{settings.key_set_url} 没有密钥", f"{settings.key_set_url} has no keys"
        )
    return Finding("issuer", "good", "公钥可取", "its keys can be had")
