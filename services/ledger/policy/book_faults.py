"""Faults of a notice beside the notices of a book: codes that nothing declares, and a publication that it would wipe out.

A misspelt code is sound in form: of a category it makes everybody deficient, of a mode or a form nothing follows from it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from msgspec import Struct

from contracts.divisions import chain_of, contains
from services.ledger.policy.book import PolicyBook
from services.ledger.policy.document.notice import Notice, notice_as_data, notice_hash
from services.ledger.policy.document.schema_faults import did_you_mean
from services.ledger.policy.language.facts import ACCOUNTING, ANY, ROOTS, lies_under_any
from services.ledger.policy.language.findings import Finding
from services.ledger.policy.language.rule import Years
from services.ledger.policy.language.words import FORMS, MODES, STUDY_MODES, labels
from services.ledger.policy.rules.categories import Categories
from services.ledger.policy.rules.equivalence import Equivalence
from services.ledger.policy.rules.make_up import MakeUp

_FIELDS: Mapping[str, str] = {
    "categories": "category", "category": "category", "fill": "category", "of_categories": "accounting",
    "modes": "mode", "mode": "mode",
    "forms": "form",
}  # fmt: skip
"""The fields of rules that name codes of categories, modes and forms, alone, in a list, or as the fields of a table."""


class Replaced(Struct, frozen=True):
    """The publication that a notice replaces, as it has its id: how it is cited, its day, and the years it governed."""

    document: str
    dated: date
    years: Years

    @property
    def words(self) -> tuple[str, str]:
        """What is replaced, in both languages."""
        first, last = self.years.first, self.years.last
        years = f"{first}" if first == last and first is not None else f"{first or '…'}-{last or '…'}"
        dated = f"{self.dated.year}年{self.dated.month}月{self.dated.day}日"
        return (
            f"取代{dated}的“{self.document}”，该文件管 {years} 年度",
            f"replaces the publication of {self.dated}, “{self.document}”, which governed {years}",
        )


def replaced_by(notice: Notice, book: PolicyBook) -> Replaced | None:
    """The publication in force that the notice replaces by its id; None where there is none, or it says the same."""
    for entry in book:
        former = entry.notice
        if (former.place, former.id) == (notice.place, notice.id) and entry.hash != notice_hash(notice):
            return Replaced(former.label, former.dated, former.years)
    return None


def book_faults(notice: Notice, book: PolicyBook) -> list[Finding]:
    """Every fault of a notice that is sound by itself, if it were published now beside the notices of the book."""
    return [*_of_another_regime(notice, book), *_wiped_out(notice, book), *_unknown(notice, book)]


def _of_another_regime(notice: Notice, book: PolicyBook) -> Iterator[Finding]:
    """A former publication under the same id in another regime, whose years would be judged by nothing."""
    for entry in book:
        former = entry.notice
        if (former.place, former.id) == (notice.place, notice.id) and former.regime != notice.regime:
            yield Finding(
                "/id",
                "replaces-another-regime",
                f"此标识已用于另一制度“{former.regime}”，请改用新的标识",
                f"the id is taken in another regime, {former.regime}: choose another id",
            )


def _wiped_out(notice: Notice, book: PolicyBook) -> Iterator[Finding]:
    """A former publication under the same id that governed a year which the notice leaves, and that it does not name."""
    former = replaced_by(notice, book)
    if former is None or notice.replaces == former.document or _holds(notice.years, former.years):
        return
    zh, en = former.words
    yield Finding(
        "/id",
        "replaces-another-year",
        f"此标识已用于另一年度：发布后将{zh}；请改用新的标识，确要取代的，写明“replaces: {former.document}”",
        f"the id is taken: this {en}; choose another id, or write replaces: “{former.document}” to do so",
    )


def _holds(years: Years, others: Years) -> bool:
    """Whether a range of years holds the whole of another."""
    begins = years.first is None or (others.first is not None and years.first <= others.first)
    ends = years.last is None or (others.last is not None and others.last <= years.last)
    return begins and ends


class _Known(NamedTuple):
    """The codes that there are for the places above a notice and for its own: categories are of a regime, and those of the
    accounting duty are named apart."""

    category: frozenset[str]
    accounting: frozenset[str]
    mode: frozenset[str]
    form: frozenset[str]


_WORDS: Mapping[str, tuple[str, str]] = {
    "category": ("没有此科目", "no such category"),
    "accounting": ("会计人员继续教育没有此科目", "the accounting duty has no such category"),
    "mode": ("没有此学习方式", "no such mode"),
    "form": ("没有此形式", "no such form"),
}
_DECLARED_BY: Mapping[str, str] = {
    "category": "categories",
    "accounting": "categories",
    "form": "equivalence",
}


def _unknown(notice: Notice, book: PolicyBook) -> Iterator[Finding]:
    known = _known(notice, book)
    data = notice_as_data(notice)
    for pointer, what, code in _codes(data["clauses"], "/clauses", ""):
        codes: frozenset[str] = getattr(known, what)
        if code == ANY or code in codes or (what in ("category", "accounting") and _lies_under(code, codes)):
            continue
        (zh, en), (meant_zh, meant_en) = _WORDS[what], did_you_mean(code, sorted(codes))
        end_zh, end_en = _declared_by(what)
        yield Finding(
            pointer,
            f"{'category' if what == 'accounting' else what}-unknown",
            f"{zh}{meant_zh}；{end_zh}",
            f"{en}{meant_en or ';'} {end_en}",
        )


def _declared_by(what: str) -> tuple[str, str]:
    """How one of a place's own comes to be known; of modes there are no others, as no record may have one."""
    if what == "mode":
        zh, en = labels(MODES, STUDY_MODES)
        return f"学习记录的方式只有{zh}", f"records are {en}"
    rule = _DECLARED_BY[what]
    return f"本地自设的，须由“{rule}”规则列明", f"one of a place's own is declared by a rule of kind {rule}"


def _lies_under(code: str, codes: frozenset[str]) -> bool:
    """Whether a path continues one that is known, and resembles none of those that are named as deep."""
    siblings = [each for each in codes if each.count("/") == code.count("/") > 0]
    return lies_under_any(code, codes) and not did_you_mean(code, siblings, cutoff=0.85)[1]


def _known(notice: Notice, book: PolicyBook) -> _Known:
    """What is usual, and what the notice or one of a place above declares."""
    above = frozenset(chain_of(notice.place))
    notices = [notice, *(entry.notice for entry in book if entry.notice.place in above)]
    rules = [rule for each in notices for clause in each.clauses for rule in clause.rules]
    return _Known(
        category=_categories(notices, notice.regime),
        accounting=_categories(notices, ACCOUNTING),
        mode=frozenset(MODES),
        form=frozenset(FORMS).union(
            one.form for rule in rules if isinstance(rule, Equivalence) for one in rule.forms
        ),
    )


def _categories(notices: Iterable[Notice], regime: str) -> frozenset[str]:
    """The usual categories, and those that notices of the regime declare."""
    rules = [
        rule for each in notices if each.regime == regime for clause in each.clauses for rule in clause.rules
    ]
    return frozenset(ROOTS).union(
        one.code for rule in rules if isinstance(rule, Categories) for one in rule.set
    )


def _codes(part: object, pointer: str, kind: str) -> Iterator[tuple[str, str, str]]:
    """Every code that stands in a part of a notice: where, of what, and the code."""
    if isinstance(part, Mapping):
        kind = str(part.get("kind", kind))
        for name, value in part.items():
            at = f"{pointer}/{name}"
            what = "mode" if (kind, name) == ("modes", "allowed") else _FIELDS.get(name)
            yield from _named(what, value, at) if what is not None else ()
            yield from _codes(value, at, kind)
    elif isinstance(part, list | tuple):
        for number, item in enumerate(part):
            yield from _codes(item, f"{pointer}/{number}", kind)


def _named(what: str, value: object, at: str) -> Iterator[tuple[str, str, str]]:
    """The codes of a field: one, those of a list, or the fields of a table of minima."""
    if isinstance(value, str):
        yield at, what, value
    elif isinstance(value, Mapping):
        for code in value:
            yield f"{at}/{str(code).replace('/', '~1')}", what, str(code)
    elif isinstance(value, Iterable):
        for number, code in enumerate(value):
            if isinstance(code, str):
                yield f"{at}/{number}", what, code


def reaches(notice: Notice, place: str) -> bool:
    """Whether the notice speaks for a place: it lies under the notice's own and under none that is carved out."""
    return contains(notice.place, place) and not any(code in notice.excludes for code in chain_of(place))


def ranges_of(notice: Notice) -> Iterator[Years]:
    """Every range of credit years that the notice, a clause of it, or a make-up rule names."""
    yield notice.years
    for clause in notice.clauses:
        if clause.years is not None:
            yield clause.years
        yield from (rule.years for rule in clause.rules if isinstance(rule, MakeUp))


def years_of(notices: Iterable[Notice], bounds: tuple[int, int]) -> list[int]:
    """The years that notices name, in order; what a notice leaves open ends at the bounds, both included."""
    ranges = [years for notice in notices for years in ranges_of(notice)]
    return [year for year in range(bounds[0], bounds[1] + 1) if any(year in years for years in ranges)]


def bounds_of(*books: PolicyBook) -> tuple[int, int]:
    """The first and the last year that any notice of the books names with a number; (0, -1) when none does."""
    named = [
        year
        for book in books
        for entry in book
        for years in ranges_of(entry.notice)
        for year in (years.first, years.last)
        if year is not None
    ]
    return (min(named), max(named)) if named else (0, -1)


def places_with_notices(notices: Iterable[Notice], *books: PolicyBook) -> list[str]:
    """The places of the notices, what they carve out, and every place under them that has a notice of its own.

    Places in between follow the nearest of these, so whoever compares policies there has compared them all.
    """
    found: set[str] = set()
    for notice in notices:
        found.update((notice.place, *notice.excludes))
        found.update(
            entry.notice.place for book in books for entry in book if reaches(notice, entry.notice.place)
        )
    return sorted(found)
