"""Warnings about a notice: what it asks and no person could ever meet, or says and nothing would follow. Never errors.

Pure: the notice is put into a book beside what is published already, and the policies that come out are looked at.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from services.ledger.policy.book import PolicyBook
from services.ledger.policy.document.notice import Notice
from services.ledger.policy.document.parse import rules_at
from services.ledger.policy.language.facts import ACCOUNTING
from services.ledger.policy.language.findings import Finding, OwnClauses
from services.ledger.policy.language.rule import Years
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules import KINDS
from services.ledger.policy.rules.make_up import MakeUp
from services.ledger.policy.rules.mutual_recognition import MutualRecognition

YEARS_MAX = 5
"""How many of the years of an open range are looked at."""
_DRAFTED = datetime(9999, 1, 1, tzinfo=UTC)


def warnings(notice: Notice, book: PolicyBook) -> list[Finding]:
    """Every warning about a notice, if it were published now beside the notices of the book; each is told once."""
    drafted = book.with_notice(notice, _DRAFTED, "draft", 1).of_regime(notice.regime)
    found = [
        warning
        for kind, rule, at in rules_at(notice)
        if kind.warnings is not None
        for warning in kind.warnings(rule, at)
    ]
    ids = [clause.id for clause in notice.clauses]
    for policy in _policies(notice, drafted):
        own = OwnClauses(notice.label, notice.place, ids, policy.settings.values())
        for kind in KINDS:
            found += kind.year_warnings(policy, own) if kind.year_warnings is not None else ()
    return list(dict.fromkeys([*found, *_judged_by_it_alone(notice, book), *_recognising_itself(notice)]))


def _recognising_itself(notice: Notice) -> Iterator[Finding]:
    """Credits of the accounting duty that are recognised in that very duty."""
    for _, rule, at in rules_at(notice):
        if notice.regime == ACCOUNTING and isinstance(rule, MutualRecognition):
            yield at.found(
                "",
                "recognises-itself",
                "学分互认只用于其他制度，请在文件头写明“regime”",
                "mutual recognition is for another duty: name its regime in the head",
            )


def _judged_by_it_alone(notice: Notice, book: PolicyBook) -> Iterator[Finding]:
    """Years that the notice alone makes judged, though it says nothing of how many credits are needed."""
    if not notice.standalone or any(kind.minima is not None for kind, _, _ in rules_at(notice)):
        return
    others = book.without(notice).of_regime(notice.regime)
    for year in _years(notice.years, notice.dated.year):
        before = others.resolve(notice.place, year)
        if before is None or before.basis == "national":
            yield Finding(
                "/standalone",
                "judged-without-minima",
                "仅因本通知，本地人员即按年度评判，而本通知未规定学分要求；属补充规定的，请写明“standalone: false”",
                "this notice alone makes the place's years judged and states no minima: where it only adds to"
                " others, write standalone: false",
            )
            return


def _years(years: Years, first: int) -> range:
    """The years of a range; of an open one, a few from its end that is known, or from `first`."""
    if years.first is None and years.last is not None:
        return range(years.last - YEARS_MAX + 1, years.last + 1)
    first = years.first if years.first is not None else first
    last = years.last if years.last is not None else first + YEARS_MAX - 1
    return range(first, min(last, first + YEARS_MAX - 1) + 1)


def _policies(notice: Notice, book: PolicyBook) -> Iterator[Policy]:
    """The policies of the notice's place for the years it governs or makes up, as far as there are any."""
    years = set(_years(notice.years, notice.dated.year))
    for clause in notice.clauses:
        for rule in clause.rules:
            if isinstance(rule, MakeUp):
                years.update(_years(rule.years, notice.dated.year - YEARS_MAX))
    for year in sorted(years):
        policy = book.resolve(notice.place, year)
        if policy is not None:
            yield policy
