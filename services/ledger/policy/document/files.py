"""Notice files on disk: the bundled ones under `services/ledger/notices`, and any other a clerk points at."""

from datetime import UTC, datetime
from pathlib import Path

from services.ledger.policy.book import PolicyBook
from services.ledger.policy.document.notice import Notice
from services.ledger.policy.document.parse import own_notice, parse_notice

NOTICES = Path(__file__).resolve().parent.parent.parent / "notices"


def read_notice(path: Path) -> Notice:
    """The notice in a YAML file; NoticeError with lines when it is none, OSError when it cannot be read."""
    return parse_notice(path.read_text(encoding="utf-8"), str(path))


def bundled_notices() -> list[Notice]:
    """The notices that come with the ledger, oldest first."""
    notices = [own_notice(path.read_text(encoding="utf-8")) for path in sorted(NOTICES.glob("*.yaml"))]
    return sorted(notices, key=lambda notice: (notice.dated, notice.id))


def bundled_book() -> PolicyBook:
    """A book of the bundled notices, as if all had been recorded at the beginning of time."""
    book = PolicyBook()
    moment = datetime(2000, 1, 1, tzinfo=UTC)
    for position, notice in enumerate(bundled_notices(), start=1):
        book = book.with_notice(notice, moment, "bundled", position)
    return book
