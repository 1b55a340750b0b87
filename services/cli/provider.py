"""Commands of a provider: tables of completions pushed to a ledger, in parts, with each row's outcome in a file beside.

What has been answered is in that file, so that a push that was interrupted goes on where it was. To push a table again is
harmless in any case: a row with the same id and content is a duplicate.
"""

import csv
import hashlib
import io
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import stamina
from cyclopts import App
from rich.progress import Progress

from services.kit.settings import SettingsError
from services.kit.spreadsheets import CSV_TYPE, XLSX_TYPE

app = App(name="provider", help="What a training provider does from a command line. 培训机构")

ROWS_MAX = 1_000
"""Rows that the ledger takes at once."""
_ATTEMPTS_MAX = 5
_VARIABLES = ("XUEFEN_LEDGER", "XUEFEN_TOKEN_URL", "XUEFEN_CLIENT_ID", "XUEFEN_CLIENT_SECRET")
_COLUMNS = ("row", "id", "outcome", "reason")
_AGAIN = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


class PushRefusedError(SettingsError):
    """The ledger or the token issuer refuses a part as a whole; the message has its own words."""


@app.command
def push(file: Path, /, *, sandbox_now: str | None = None) -> None:
    """Report the completions of a CSV or XLSX file; XUEFEN_LEDGER, _TOKEN_URL, _CLIENT_ID, _CLIENT_SECRET say where.

    Parameters
    ----------
    file
        The table. The outcome of each row goes into FILE.outcomes.csv.
    sandbox_now
        The moment that a sandbox decides as of, such as 2026-06-18T12:00:00+08:00.
    """
    told = {name: os.environ.get(name, "") for name in _VARIABLES}
    if missing := [name for name, text in told.items() if not text]:
        raise SettingsError(f"{', '.join(missing)} not set")
    parts = list(parts_of(file))
    outcomes = file.with_name(f"{file.name}.outcomes.csv")
    mark = file.with_name(f"{file.name}.pushed")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    done = _done(mark, digest)
    with httpx.Client(timeout=60.0) as client, Progress() as progress:
        shown = progress.add_task(file.name, total=len(parts), completed=done)
        headers = {"Authorization": f"Bearer {_token(client, told)}", "Accept-Language": "zh-CN"}
        headers |= {"Xuefen-Sandbox-Now": sandbox_now} if sandbox_now else {}
        for number, (media_type, content) in enumerate(parts):
            if number < done:
                continue
            sent = headers | {"Content-Type": media_type}
            answer = _post(client, f"{told['XUEFEN_LEDGER'].rstrip('/')}/v1/completions/table", sent, content)
            _write(outcomes, answer["results"], first=number == 0, above=number * ROWS_MAX)
            mark.write_text(f"{digest} {number + 1}", encoding="utf-8")
            progress.advance(shown)
    mark.unlink(missing_ok=True)
    print(", ".join(f"{outcome}: {count}" for outcome, count in _counts(outcomes).items()))
    print(f"{outcomes}  各行结果", "outcomes of the rows", sep=" · ")


def parts_of(file: Path) -> Iterator[tuple[str, bytes]]:
    """The file as the ledger takes it: whole, or a long CSV in parts of 1,000 rows, each under its header."""
    content = file.read_bytes()
    if file.suffix.lower() == ".xlsx":
        yield XLSX_TYPE, content
        return
    if file.suffix.lower() != ".csv":
        raise SettingsError(f"{file.name}: a table is .csv or .xlsx")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if len(rows) <= ROWS_MAX:
        yield CSV_TYPE, content
        return
    for start in range(1, len(rows), ROWS_MAX):
        part = io.StringIO(newline="")
        csv.writer(part).writerows([rows[0], *rows[start : start + ROWS_MAX]])
        yield CSV_TYPE, part.getvalue().encode()


def _done(mark: Path, digest: str) -> int:
    """How many parts of this very content have been answered."""
    try:
        known, count = mark.read_text(encoding="utf-8").split()
    except (FileNotFoundError, ValueError):
        return 0
    return int(count) if known == digest else 0


def _token(client: httpx.Client, told: dict[str, str]) -> str:
    answer = client.post(
        told["XUEFEN_TOKEN_URL"],
        data={"grant_type": "client_credentials"},
        auth=(told["XUEFEN_CLIENT_ID"], told["XUEFEN_CLIENT_SECRET"]),
    )
    if answer.status_code != httpx.codes.OK:
        raise PushRefusedError(f"no token: {answer.status_code} {answer.text}")
    token: str = answer.json()["access_token"]
    return token


def _post(client: httpx.Client, address: str, headers: dict[str, str], content: bytes) -> dict[str, Any]:
    for attempt in stamina.retry_context(on=httpx.HTTPError, attempts=_ATTEMPTS_MAX):
        with attempt:
            answer = client.post(address, headers=headers, content=content)
            if answer.status_code in _AGAIN:
                answer.raise_for_status()
    if answer.status_code != httpx.codes.OK:
        raise PushRefusedError(f"{answer.status_code} {answer.text}")
    found: dict[str, Any] = answer.json()
    return found


def _write(outcomes: Path, results: Sequence[dict[str, Any]], *, first: bool, above: int) -> None:
    """Add the outcomes of a part; `above` rows of the file stand in the parts before."""
    with outcomes.open("w" if first else "a", encoding="utf-8-sig" if first else "utf-8", newline="") as file:
        writer = csv.writer(file)
        if first:
            writer.writerow(_COLUMNS)
        for each in results:
            outcome = each["outcome"]
            problem = outcome.get("problem", {})
            why = problem.get("detail") or problem.get("title") or outcome.get("reason", "")
            writer.writerow([each["row"] + above, outcome["id"], outcome["outcome"], why])


def _counts(outcomes: Path) -> dict[str, int]:
    with outcomes.open(encoding="utf-8-sig", newline="") as file:
        return dict(Counter(row["outcome"] for row in csv.DictReader(file)))
