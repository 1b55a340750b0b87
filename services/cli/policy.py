"""`xuefen policy`: check a notice file, show what is in force for a place and year, list the notices, publish one; what a
draft would change is in `policy_diff.py`."""

import getpass
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml
from cyclopts import App, Parameter
from rich.markup import escape
from rich.table import Column, Table

from contracts.divisions import full_name_of, is_known
from services.cli.notice_files import book_of_this_ledger, err, fail, needed, out, read, short, warn, wrong
from services.cli.policy_diff import diff, simulate, try_
from services.ledger.policy import (
    Notice,
    Policy,
    PolicyBook,
    bundled_book,
    notice_hash,
)
from services.ledger.policy.document.schema import schema_text
from services.ledger.policy.language.facts import ACCOUNTING

app = App(
    name="policy",
    help="Notices: check, show, list, compare, try, publish. 通知: 检查、查看、列出、比较、试算、发布",
)
PUBLISH_SECONDS_MAX = 30.0
SCHEMA_FILE = "policy.schema.json"


@app.command
def check(*files: Path, strict: bool = False) -> None:
    """Check notice files: every error with line, field and what is expected; exit with 1 when there is one.

    Warnings say what nobody could ever meet, or what nothing would follow from, beside the bundled notices and the other
    files.

    Parameters
    ----------
    files
        YAML files; at least one.
    strict
        Exit with 1 for a warning, too.
    """
    if not files:
        fail("name at least one file")
    notices = [read(path) for path in files]
    sound = [notice for notice in notices if notice is not None]
    book, warnings, faults = _book_of(sound), 0, 0
    for path, notice in zip(files, notices, strict=True):
        if notice is not None:
            others = _book_of([each for each in sound if each is not notice])
            found = wrong(path, notice, others)
            faults += found
            if found:
                continue
            years = f"{notice.years.first or '…'}-{notice.years.last or '…'}"
            out.print(
                f"[green]ok[/green] {escape(str(path))}: {escape(notice.label)}, {full_name_of(notice.place)}, "
                f"{years}, {len(notice.clauses)} clauses, {notice_hash(notice)}"
            )
            warnings += warn(path, notice, book)
    if None in notices or faults or (strict and warnings):
        sys.exit(1)


@app.command(name="list")
def list_(*, ledger: bool = False) -> None:
    """List the notices that come with the ledger, in the order of their dates.

    Parameters
    ----------
    ledger
        Those that this installation's ledger has published.
    """
    notices = by_day(_in_force(ledger))
    longest = max((len(notice.id) + 2 for notice in notices), default=0)
    folded = (Column(name, overflow="fold") for name in ("document", "place", "years", "dated", "clauses"))
    table = Table(
        Column("notice", no_wrap=True, min_width=longest, overflow="fold"),
        *folded,
        box=None,
        pad_edge=False,
    )
    for notice in notices:
        years = f"{notice.years.first or '…'}-{notice.years.last or '…'}"
        place = f"{notice.place} {full_name_of(notice.place)}"
        framework = "" if notice.standalone else " *"
        table.add_row(
            notice.id + framework,
            notice.document or "-",
            place,
            years,
            notice.dated.isoformat(),
            str(len(notice.clauses)),
        )
    out.print(table)
    out.print("[dim]* a framework: it judges nobody until a notice of the place governs the year[/dim]")


@app.command
def show(
    place: str,
    year: int,
    *,
    file: list[Path] | None = None,
    prefix: str = "",
    ledger: bool = False,
    regime: str = ACCOUNTING,
) -> None:
    """Show what is in force for a place and credit year, every value with the clause it comes from.

    Parameters
    ----------
    place
        A division code such as 211300.
    year
        The credit year, such as 2024.
    file
        Draft notices to add to the bundled ones; may be given several times.
    prefix
        Only settings that begin so, such as `window.`.
    ledger
        Begin with what this installation's ledger has published, not with the bundled notices.
    regime
        The duty whose notices are asked, by its code in their heads; the accounting one when left out.
    """
    if not is_known(place):
        fail(f"{place!r} is no division code")
    policy = _with(_in_force(ledger), file or []).of_regime(regime).resolve(place, year)
    if policy is None:
        out.print(f"No notice governs {year} in {place} {full_name_of(place)}.")
        sys.exit(1)
    out.print(f"[bold]{place} {full_name_of(place)} {year}[/bold]  {policy.hash}")
    if policy.basis == "national":
        word = "provisionally" if policy.provisional else "as the authority says that no notice will come"
        out.print(f"No notice of the place speaks of this year: judged by the national rule, {word}.")
    if not policy.ordinary:
        out.print("Only a make-up clause names this year: it is judged by inherited values.")
    _show_settings(policy, prefix)
    if not prefix or "make_up".startswith(prefix.rstrip(".")):
        _show_make_up(policy)


@app.command
def schema() -> None:
    """Print the JSON Schema of notice files (contracts/policy.schema.json)."""
    print(schema_text(), end="")


@app.command
def publish(
    file: Path,
    *,
    url: str | None = None,
    token: Annotated[str | None, Parameter(env_var="XUEFEN_TOKEN")] = None,
    by: str | None = None,
) -> None:
    """Publish a notice to a running ledger, by two persons: the first drafts it, and the second publishes it by the same
    command with the same file. The same file again changes nothing.

    Parameters
    ----------
    file
        The notice's YAML file.
    url
        The ledger's address; the one `xuefen up` has running here when not given.
    token
        A bearer token with scope policy:write for the notice's place; signed with the key of this directory otherwise.
    by
        Who it is, where no token is given; the user of this machine when left out.
    """
    notice = needed(file)
    ledger = _Ledger(
        (url or _running_ledger()).rstrip("/"), token or _own_token(notice, by or getpass.getuser())
    )
    drafted = ledger.post("/v1/policies", {"text": file.read_text(encoding="utf-8")}) or {}
    cited = f"{escape(notice.label)} ({notice.id}) {notice_hash(notice)}"
    if drafted["state"] == "in_force":
        out.print(f"[green]already published, nothing changed[/green]: {cited}")
        return
    path = f"/v1/policies/{notice.place}/notices/{notice.id}/publication"
    published = ledger.post(path, {"notice_hash": drafted["hash"]}, unless="own-draft")
    if published is None:
        out.print(f"[yellow]drafted[/yellow]: {cited}")
        out.print("    another person publishes it by the same command")
    else:
        out.print(f"[green]published[/green]: {cited}")
    for words in reversed((drafted.get("replaces") or {}).values()):
        out.print(f"[yellow]{escape(words)}[/yellow]", soft_wrap=True)


class _Ledger:
    """A running ledger, as somebody with a token may use it."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._headers = {"Authorization": f"Bearer {token}", "Accept-Language": _language()}

    def post(self, path: str, body: dict[str, object], *, unless: str | None = None) -> dict[str, Any] | None:
        """The answer; None where it is refused for the reason named. Any other refusal is shown, and ends the command."""
        import httpx

        try:
            answer = httpx.post(
                f"{self._address}{path}", json=body, headers=self._headers, timeout=PUBLISH_SECONDS_MAX
            )
        except httpx.HTTPError as error:
            fail(
                f"the ledger at {self._address} did not answer ({type(error).__name__}); publishing again is safe"
            )
        if answer.is_success:
            found: dict[str, Any] = msgspec.json.decode(answer.content)
            return found
        if unless is not None and f':{unless}"' in answer.text:
            return None
        _show_refusal(answer.status_code, answer.content)
        sys.exit(1)


@app.command
def new(
    place: str | None = None,
    year: int | None = None,
    number: str | None = None,
    *,
    folder: Path = Path(),
) -> None:
    """Write the skeleton of a notice, with its schema beside it, for an editor that completes fields. What is not given is
    asked for.

    Parameters
    ----------
    place
        The division code of the place.
    year
        The credit year that it governs.
    number
        The number of the document.
    folder
        Where the files go; here when not given.
    """
    place = place or err.input("行政区划代码: ").strip()
    if not is_known(place):
        fail(f"{place!r} is no division code")
    said = str(year or err.input("年度: ")).strip()
    if not re.fullmatch("20[0-9]{2}", said, re.ASCII):
        fail(f"{said!r} is no credit year")
    number = number or err.input("文号: ").strip()
    path = folder / f"notice-{place}-{said}.yaml"
    if path.exists():
        fail(f"{path} is there already")
    (folder / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
    path.write_text(_skeleton(place, said, number), encoding="utf-8")
    out.print(f"[green]written[/green]: {escape(str(path))}", soft_wrap=True)


def _skeleton(place: str, year: str, number: str) -> str:
    head: dict[str, object] = {
        "id": f"notice-{place}-{year}",
        "title": f"关于{year}年度会计专业技术人员继续教育工作的通知",
        "document": number,
        "issuers": [f"{full_name_of(place)}财政局"],
        "issued_on": f"{year}-01-01",
        "place": place,
        "years": {"from": int(year), "to": int(year)},
    }
    rule = {"kind": "requirement", "total": 90, "categories": {"professional": 60}}
    clause = {"id": "T-01", "article": "一", "text": "抄录通知的原文要点", "rules": [rule]}
    written = yaml.safe_dump(head | {"clauses": [clause]}, allow_unicode=True, sort_keys=False)
    return f"# yaml-language-server: $schema={SCHEMA_FILE}\n{written}"


def _book_of(notices: list[Notice]) -> PolicyBook:
    """The bundled notices and these."""
    book = bundled_book()
    for position, notice in enumerate(notices, start=1):
        book = book.with_notice(notice, datetime.now(UTC), "draft", position)
    return book


def by_day(book: PolicyBook) -> list[Notice]:
    """The notices in force by the day of their issue, in whichever order they were published."""
    return sorted((entry.notice for entry in book), key=lambda notice: (notice.dated, notice.id))


def _in_force(ledger: bool) -> PolicyBook:
    return book_of_this_ledger() if ledger else bundled_book()


def _with(book: PolicyBook, files: list[Path]) -> PolicyBook:
    for position, path in enumerate(files, start=1):
        book = book.with_notice(needed(path), datetime.now(UTC), "draft", position)
    return book


def _show_settings(policy: Policy, prefix: str) -> None:
    whole = (Column("setting", overflow="fold"), Column("value", overflow="fold"))
    table = Table(*whole, "clause", "document", "place", box=None, pad_edge=False)
    for name, sourced in (*policy.settings.items(), *policy.for_some.items()):
        if name.startswith(prefix):
            value = escape(short(sourced.value))
            table.add_row(name, value, sourced.clause, escape(sourced.document), sourced.place)
    out.print(table)


def _show_make_up(policy: Policy) -> None:
    if policy.never is not None:
        never = policy.never
        out.print(f"make_up: none, by {never.clause} {escape(never.document)}, unless a window below says so")
    if not policy.make_up:
        return
    table = Table("make-up", "from", "until", "for", "clause", "document", "place", box=None, pad_edge=False)
    for window in policy.make_up:
        limits = sorted((window.modes or frozenset()) | (window.categories or frozenset()))
        limits += [*window.conditions, *(["once"] if window.once else [])]
        table.add_row(
            window.channel,
            window.since.isoformat(),
            window.until.isoformat() if window.until else "open",
            ", ".join(limits) or "all",
            window.clause,
            escape(window.document),
            window.place,
        )
    out.print(table)


def _running_ledger() -> str:
    from services.cli.settings import StackSettings
    from services.cli.state_dir import StateDir

    settings = StackSettings.load()
    record = StateDir(settings.home).read_record()
    for process in record.processes if record else []:
        if process.name == "ledger" and process.address:
            return process.address
    return f"http://{settings.ledger_host}:{settings.ledger_port}"


def _own_token(notice: Notice, by: str) -> str:
    from services.cli.settings import StackSettings
    from services.cli.sign_in import sign
    from services.cli.state_dir import StateDir, issuer_of, signing_key

    settings = StackSettings.load()
    home = StateDir(settings.home)
    return sign(
        signing_key(settings, home),
        issuer=issuer_of(settings, home),
        subject=f"xuefen policy publish by {by}",
        scopes=frozenset({"policy:write"}),
        place=notice.place,
        days=0.01,
    )


def _language() -> str:
    return "zh" if os.environ.get("LANG", "").lower().startswith("zh") else "en"


def _show_refusal(status: int, content: bytes) -> None:
    try:
        problem = msgspec.json.decode(content)
    except msgspec.DecodeError:
        problem = {}
    title = problem.get("title", "refused") if isinstance(problem, dict) else "refused"
    err.print(f"[bold red]{status}[/bold red] {escape(str(title))}")
    for fault in problem.get("errors", []) if isinstance(problem, dict) else []:
        err.print(f"  {escape(str(fault.get('pointer', '')))}: {escape(str(fault.get('detail', '')))}")


app.command(diff)
app.command(simulate)
app.command(try_, name="try")
