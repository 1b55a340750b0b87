"""Small notices made in a line, for what no real notice says: rules of Beijing, which has no notice of its own here."""

from typing import Any

from services.ledger.policy import Notice, PolicyBook, bundled_book, parse_notice
from tests.ledger.policy.builders import BEIJING, at

BUNDLED = bundled_book()


def draft(
    *rules: dict[str, Any],
    year: int = 2030,
    through: int | None = None,
    issued_on: str = "2030-01-10",
    place: str = BEIJING,
    name: str = "beijing-2030",
) -> Notice:
    """A notice with one clause for each rule: T-01, T-02 and so on. A total of 90 is inherited from the nation."""
    clauses = [
        {"id": f"T-{number:02}", "article": str(number), "text": "条款。", "rules": [rule]}
        for number, rule in enumerate(rules, 1)
    ]
    clauses = clauses or [{"id": "T-00", "article": "一", "text": "通知。"}]
    return parse_notice(
        {
            "id": name,
            "title": "关于继续教育的通知",
            "issuers": ["北京市财政局"],
            "issued_on": issued_on,
            "place": place,
            "years": {"from": year, "to": through or year},
            "clauses": clauses,
        }
    )


def book(*notices: Notice) -> PolicyBook:
    """The bundled notices and these."""
    made = BUNDLED
    for position, notice in enumerate(notices, 1):
        made = made.with_notice(notice, at("2030-01-01"), "test", position)
    return made
