"""Book of published notices: immutable, asked by place and year, and as it was known at a moment."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from contracts.divisions import NATION, UnknownDivisionError, authority_of, chain_of
from services.ledger.policy.document.notice import Notice, notice_hash
from services.ledger.policy.document.parse import bundled_notices
from services.ledger.policy.language.days import begins
from services.ledger.policy.language.facts import ACCOUNTING, Person, ProviderStanding
from services.ledger.policy.language.rule import YEAR_MAX, YEAR_MIN
from services.ledger.policy.policy import Policy
from services.ledger.policy.resolve import Published, resolve
from services.ledger.policy.rules.providers import Providers, is_listed, provider_terms

_CACHE_MAX = 50_000
YEARS_BACK = 6
"""How many years before the present one a make-up reaches."""


class Entry(NamedTuple):
    """A notice as it was published: when it was recorded, in which log, at which position."""

    recorded_at: datetime
    log: str
    position: int
    notice: Notice
    hash: str


class Declaration(NamedTuple):
    """An authority's word that no notice will come for a year of its place, or that one may come after all (`withdrawn`):
    when it was recorded, in which log, where."""

    recorded_at: datetime
    log: str
    position: int
    place: str
    year: int
    withdrawn: bool = False


class PolicyBook:
    """Every notice ever published, every word that none will come, and the policies they make. A book never changes;
    `with_notice` and `with_declaration` make another."""

    def __init__(
        self,
        entries: tuple[Entry, ...] = (),
        declarations: tuple[Declaration, ...] = (),
        regime: str = ACCOUNTING,
    ) -> None:
        self.regime = regime
        self._entries = entries
        self._declarations = declarations
        self._by_place = _index(entries, regime)
        self._regimes: dict[str, PolicyBook] = {}
        last = {(each.place, each.year): each for each in declarations}
        self._declared = {key for key, each in last.items() if not each.withdrawn}
        self._policies: dict[tuple[str, int], Policy] = {}
        self._national: dict[tuple[str, int], Policy] = {}
        self._frameworks: dict[tuple[int, bool], Policy | None] = {}
        self._silent: set[tuple[int, tuple[int, ...]]] = set()
        self._studied: dict[tuple[str, date], frozenset[int]] = {}
        self._last: dict[str, int] = {}
        said: tuple[Entry | Declaration, ...] = (*entries, *declarations)
        for each in said:
            self._last[each.log] = max(each.position, self._last.get(each.log, 0))

    def __iter__(self) -> Iterator[Entry]:
        """The notices in force, each in its latest publication, in order of publication."""
        return (entry for _, entry in _in_force(self._entries))

    def publications(self) -> Mapping[tuple[str, str], Sequence[Entry]]:
        """Every version of each notice in order of publication, by the notice's place and id."""
        found: dict[tuple[str, str], list[Entry]] = {}
        for entry in self._entries:
            found.setdefault(_key(entry.notice), []).append(entry)
        return found

    def with_notice(self, notice: Notice, recorded_at: datetime, log: str, position: int) -> "PolicyBook":
        """The book with one more publication. The same content again gives this very book; a notice with a known
        id and other content replaces the earlier publication from `recorded_at` on."""
        hash_ = notice_hash(notice)
        current = next((entry for entry in self if _key(entry.notice) == _key(notice)), None)
        if current is not None and current.hash == hash_:
            return self
        entry = Entry(recorded_at, log, position, notice, hash_)
        return PolicyBook(tuple(sorted((*self._entries, entry), key=_order)), self._declarations)

    def without(self, notice: Notice) -> "PolicyBook":
        """The book as if no notice of this place and id had ever been published."""
        kept = tuple(entry for entry in self._entries if _key(entry.notice) != _key(notice))
        return PolicyBook(kept, self._declarations)

    def with_declaration(self, declaration: Declaration) -> "PolicyBook":
        """The book with one more word that no notice will come, or that takes it back; said again, it gives this very
        book.
        """
        if ((declaration.place, declaration.year) in self._declared) is not declaration.withdrawn:
            return self
        return PolicyBook(self._entries, tuple(sorted((*self._declarations, declaration))))

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """Every word that no notice will come, in order of recording."""
        return self._declarations

    def last_position(self, log: str) -> int:
        """The position of the last publication, or word that none will come, that the book holds from a log; else 0."""
        return self._last.get(log, 0)

    def known_at(self, as_of: datetime) -> "PolicyBook":
        """The book as it was at the moment: publications recorded later are not in it."""
        known = tuple(entry for entry in self._entries if entry.recorded_at <= as_of)
        declared = tuple(each for each in self._declarations if each.recorded_at <= as_of)
        same = len(known) == len(self._entries) and len(declared) == len(self._declarations)
        return self if same else PolicyBook(known, declared)

    def of_regime(self, regime: str) -> "PolicyBook":
        """The notices of one regime (制度) alone; this very book where it is the one whose policies it makes."""
        if regime == self.regime:
            return self
        if regime not in self._regimes:
            entries = tuple(entry for entry in self._entries if entry.notice.regime == regime)
            self._regimes[regime] = PolicyBook(entries, regime=regime)
        return self._regimes[regime]

    def lists(self, provider: ProviderStanding, authority: str) -> bool:
        """Whether a closed list of the authority, of a place under it or of the nation names the provider (S1-22)."""
        return self._lists(provider, lambda place: authority_of(place) in (authority, NATION))

    def lists_at(self, provider: ProviderStanding, chain: Sequence[str]) -> bool:
        """Whether a closed list that holds at a place, given by its chain, names the provider."""
        return self._lists(provider, chain.__contains__)

    def _lists(self, provider: ProviderStanding, of: Callable[[str], bool]) -> bool:
        return any(
            is_listed(provider_terms(rule, None), provider)
            for entry in self
            if entry.notice.regime == self.regime and of(entry.notice.place)
            for clause in entry.notice.clauses
            for rule in clause.rules
            if isinstance(rule, Providers) and rule.list
        )

    def resolve(self, place: str, year: int) -> Policy | None:
        """The policy of a place for a credit year. Where no notice of the place or of one above it speaks of the year,
        the nation's framework alone judges: provisionally, until one is published or the authority says that none will
        come (B-20). None when the nation's has none for the year either, or the place is unknown or the nation itself."""
        known = self._policies.get((place, year)) or self._national.get((place, year))
        if known is not None:
            return known
        try:
            chain = chain_of(place)
        except UnknownDivisionError:
            return None
        if not YEAR_MIN <= year <= YEAR_MAX:
            return None
        reaching = [
            each
            for code in chain
            for each in self._by_place.get(code, ())
            if not any(excluded in chain for excluded in each.notice.excludes)
        ]
        # Which notices reach a place decides whether one speaks of the year, for all places that the same ones reach.
        key = year, tuple(each.order for each in reaching)
        policy = resolve(reaching, place, year, chain) if key not in self._silent else None
        if policy is None:
            self._silent.add(key)
            return self._by_the_nation(place, year, chain)
        if len(self._policies) >= _CACHE_MAX:
            self._policies.clear()
        self._policies[place, year] = policy
        return policy

    def years_studied_on(self, log: str, day: date) -> frozenset[int]:
        """The years for which something studied on a day may be reported at some place of an authority's log: those of whose
        study, or make-up by reports, it is a day."""
        known = self._studied.get((log, day))
        if known is None:
            if len(self._studied) >= _CACHE_MAX:
                self._studied.clear()
            places = {log, *(place for place in self._by_place if authority_of(place) == log)}
            noon = begins(day) + timedelta(hours=12)
            known = self._studied[log, day] = frozenset(
                year
                for year in range(day.year - YEARS_BACK, day.year + 2)
                for place in places
                if (policy := self.resolve(place, year)) is not None and policy.is_studied_at(noon)
            )
        return known

    def policy_for(self, person: Person, year: int) -> Policy | None:
        """The policy of a person's place for a credit year, as it is for this person (`for:`)."""
        policy = self.resolve(person.place, year)
        return policy if policy is None or policy.targets is None else policy.of_person(person)

    def policy_then(self, person: Person, year: int, at: datetime) -> Policy | None:
        """The policy of a person's year by what had been published at a moment, where that is not the policy of now: by it
        what was first reported then, and waits, counts if it would have counted at once (B-20, B-25)."""
        then = self.known_at(at).policy_for(person, year)
        now = self.policy_for(person, year)
        return then if then is not None and (now is None or now.hash != then.hash) else None

    def _by_the_nation(self, place: str, year: int, chain: tuple[str, ...]) -> Policy | None:
        """The nation's framework at a place: one policy a year, which every place of the nation shares."""
        if place == NATION:
            return None
        key = year, not any((code, year) in self._declared for code in chain)
        if key not in self._frameworks:
            published = self._by_place.get(NATION, ())
            self._frameworks[key] = resolve(
                published, NATION, year, (NATION,), basis="national", provisional=key[1]
            )
        framework = self._frameworks[key]
        if framework is None:
            return None
        if len(self._national) >= _CACHE_MAX:
            self._national.clear()
        policy = self._national[place, year] = framework.placed(place, chain)
        return policy


def bundled_book() -> PolicyBook:
    """A book of the bundled notices, as if all had been recorded at the beginning of time."""
    book = PolicyBook()
    moment = datetime(2000, 1, 1, tzinfo=UTC)
    for position, notice in enumerate(bundled_notices(), start=1):
        book = book.with_notice(notice, moment, "bundled", position)
    return book


def _order(entry: Entry) -> tuple[datetime, str, int]:
    return entry.recorded_at, entry.log, entry.position


def _key(notice: Notice) -> tuple[str, str]:
    return notice.place, notice.id


def _in_force(entries: tuple[Entry, ...]) -> list[tuple[int, Entry]]:
    """The latest publication of each notice, with its turn among all publications, in that order."""
    latest = {_key(entry.notice): (turn, entry) for turn, entry in enumerate(entries)}
    return sorted(latest.values(), key=lambda pair: pair[0])


def _index(entries: tuple[Entry, ...], regime: str) -> dict[str, list[Published]]:
    places: dict[str, list[Published]] = {}
    for turn, entry in _in_force(entries):
        if entry.notice.regime != regime:
            continue
        places.setdefault(entry.notice.place, []).append(Published(entry.notice, entry.hash, turn))
    return places
