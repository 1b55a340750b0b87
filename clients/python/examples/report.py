"""Reports the completions of a JSON file, takes one back, and prints what the ledger has published since.

    XUEFEN_LEDGER=http://127.0.0.1:8002 XUEFEN_TOKEN=... python report.py completions.json [RECORD-TO-TAKE-BACK]

With XUEFEN_TOKEN_URL, XUEFEN_CLIENT_ID and XUEFEN_CLIENT_SECRET in place of a token it fetches tokens itself.
Running it twice stores nothing twice.
"""

import json
import os
import sys
from pathlib import Path

from xuefen_client import Client, Credentials


def credentials() -> Credentials | str:
    """What the environment gives: a token, or a client's id and secret."""
    if token := os.environ.get("XUEFEN_TOKEN"):
        return token
    url, number, secret = (
        os.environ[f"XUEFEN_{name}"] for name in ("TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET")
    )
    return Credentials(url, number, secret)


def main(file: str, taken_back: str | None = None) -> None:
    """Report, take back, read the feed from where the last run stopped."""
    cursor_file = Path(file).with_suffix(".cursor")
    with Client(os.environ["XUEFEN_LEDGER"], credentials(), language="en") as xuefen:
        for report in xuefen.report(json.loads(Path(file).read_text(encoding="utf-8"))):
            for outcome in report.answer.results:
                why = outcome.reason or (outcome.problem and outcome.problem.title) or ""
                print(f"{outcome.id}: {outcome.outcome} {why}".rstrip())
        if taken_back is not None:
            withdrawn = xuefen.withdraw(taken_back, "reported_in_error", key=f"withdraw-{taken_back}")
            print(f"{withdrawn.id}: taken back")
        cursor = cursor_file.read_text() if cursor_file.exists() else None
        for events, after in xuefen.feed(cursor, wait=5):
            for event in events:
                print(f"{event.log}/{event.position}: {event.type}")
            if after is not None:
                cursor_file.write_text(after)


if __name__ == "__main__":
    main(*sys.argv[1:])
