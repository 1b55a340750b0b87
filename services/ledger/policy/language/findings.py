"""Findings about a notice: faults make the file wrong, warnings tell what nothing follows from or nobody could meet."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, NamedTuple, Protocol, TypeVar

from services.ledger.policy.language.days import day_of, is_personal
from services.ledger.policy.language.rule import Rule, Years
from services.ledger.policy.language.selector import RequirementTerms
from services.ledger.policy.language.settings import Settings, YearTerms
from services.ledger.policy.language.words import RejectionWords, Words

NO_SUCH_DAY = ("date", "没有这一天", "there is no such day")
_ISSUED = date(2024, 1, 1)


class Finding(NamedTuple):
    """A fault or a warning: the field as a JSON pointer into the notice, a stable code, and words in two languages."""

    pointer: str
    code: str
    zh: str
    en: str


class At(NamedTuple):
    """Where in a notice a rule stands, and what it may refer to there: the rules of every clause by the clause's id."""

    pointer: str
    issued: date | None
    clauses: Mapping[str, tuple[Rule, ...]]

    def field(self, name: str) -> "At":
        """A field of what stands here."""
        return self._replace(pointer=f"{self.pointer}/{name}")

    def found(self, name: str, code: str, zh: str, en: str) -> Finding:
        """A fault or a warning about a field; about the whole when no name is given."""
        return Finding(f"{self.pointer}/{name}" if name else self.pointer, code, zh, en)


class ClauseSource(Protocol):
    """Whatever says from which clause it comes, and from the document of which place."""

    @property
    def clause(self) -> str: ...
    @property
    def document(self) -> str: ...
    @property
    def place(self) -> str: ...


class OwnClauses:
    """The clauses of the notice that is looked at, among those of all that are in force.

    Two notices may call clauses by one id. A source tells whose clause it is; a bare id that a notice of others has in
    force as well is taken to be theirs, so that no warning points to a clause that it is not about.
    """

    def __init__(
        self, document: str, place: str, ids: Iterable[str], in_force: Iterable[ClauseSource] = ()
    ) -> None:
        self._source = document, place
        self._number = {clause: number for number, clause in enumerate(ids)}
        self._others = {each.clause for each in in_force if each not in self}

    def __contains__(self, source: ClauseSource | None) -> bool:
        return (
            source is not None
            and source.clause in self._number
            and (source.document, source.place) == self._source
        )

    def pointer(self, *clauses: ClauseSource | str | None) -> str | None:
        """The pointer to the first of these clauses that the notice has; None when all are others'."""
        for clause in clauses:
            if isinstance(clause, str):
                if clause in self._number and clause not in self._others:
                    return f"/clauses/{self._number[clause]}"
            elif clause is not None and clause in self:
                return f"/clauses/{self._number[clause.clause]}"
        return None


def year_faults(years: Years | None, at: At) -> Iterator[Finding]:
    """A range of years that ends before it begins."""
    if years is not None and years.first is not None and years.last is not None and years.first > years.last:
        yield at.found("", "order", "起始年度应不晚于截止年度", "from must not be after to")


def day_faults(since: str | None, until: str | None, at: At) -> Iterator[Finding]:
    """Days of a window that do not exist, or an end before its beginning."""
    # 2023 and 2024 stand for a common and a leap year: a relative day must exist in both.
    sound = True
    for name, text in (("from", since), ("until", until)):
        if text is None or is_personal(text):
            continue
        if any(day_of(text, year, _ISSUED) is None for year in (2023, 2024)):
            yield at.found(name, *NO_SUCH_DAY)
            sound = False
    if not sound or not since or not until:
        return
    first, last = day_of(since, 2024, _ISSUED), day_of(until, 2024, _ISSUED)
    if (
        _counted_from(since) == _counted_from(until)
        and first is not None
        and last is not None
        and first > last
    ):
        yield at.found("until", "order", "截止日应不早于起始日", "until must not be before from")


def _counted_from(text: str) -> str:
    """What a day is counted from, as only days of one kind can be compared without a year."""
    return text[0] if text[0] in "Yiec" else "date"


R = TypeVar("R", bound=Rule)


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[R]):
    """A kind of rule. All but its class may be left out, and is by kinds that are only shown.

    `terms` and `mode_terms` make of the settings of a year, or of a mode in it, what judging needs (None where nothing is
    asked), and `minima` what the year's credits must reach. `by_mode` says that its settings end in a mode, `selectors` what
    its target may name, as far as that is known where the rule is asked (`for:`). `faults` are
    what makes a file wrong, `warnings` what nothing follows from, `year_warnings` what nobody could meet in a year.
    `rejections` and `why` are its words: of refusals by code, and of credits that do not count by reason.
    """

    rule: type[R]
    terms: Callable[[Settings], object] | None = None
    mode_terms: Callable[[Settings, str], object] | None = None
    minima: Callable[[Settings], Iterable[RequirementTerms]] | None = None
    by_mode: bool = False
    selectors: frozenset[str] = frozenset()
    faults: Callable[[R, At], Iterator[Finding]] | None = None
    warnings: Callable[[R, At], Iterator[Finding]] | None = None
    year_warnings: Callable[[YearTerms, OwnClauses], Iterator[Finding]] | None = None
    rejections: Mapping[str, RejectionWords] = field(default_factory=dict)
    why: Mapping[str, Words] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """What a notice writes after `kind:`."""
        return str(self.rule.__struct_config__.tag)
