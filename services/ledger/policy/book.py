"""The book of published notices: immutable, asked by place and year, and as it was known at a moment."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from contracts.divisions import NATION, UnknownDivisionError, authority_of, chain_of
from services.ledger.policy.document.notice import Notice, notice_hash
from services.ledger.policy.document.parse import bundled_notices
from services.ledger.policy.language.facts import ProviderStanding
from services.ledger.policy.policy import Policy
from services.ledger.policy.resolve import Published, resolve
from services.ledger.policy.rules.providers import Providers, is_listed, provider_terms

YEAR_MIN, YEAR_MAX = 1990, 2200
_CACHE_MAX = 50_000


class Entry(NamedTuple):
    """A notice as it was published: when it was recorded, in which log, at which position."""

    recorded_at: datetime
    log: str
    position: int
    notice: Notice
    hash: str


class PolicyBook:
    """Every notice ever published, and the policies they make. A book never changes; `with_notice` makes another."""

    def __init__(self, entries: tuple[Entry, ...] = ()) -> None:
        self._entries = entries
        self._by_place = _index(entries)
        self._policies: dict[tuple[str, int], Policy] = {}
        self._last: dict[str, int] = {}
        for entry in entries:
            self._last[entry.log] = max(entry.position, self._last.get(entry.log, 0))

    def __iter__(self) -> Iterator[Entry]:
        """The notices in force, each in its latest publication, in order of publication."""
        return (entry for _, entry in _in_force(self._entries))

    def with_notice(self, notice: Notice, recorded_at: datetime, log: str, position: int) -> "PolicyBook":
        """The book with one more publication. The same content again gives this very book; a notice with a known
        id and other content replaces the earlier publication from `recorded_at` on."""
        hash_ = notice_hash(notice)
        current = next((entry for entry in self if _key(entry.notice) == _key(notice)), None)
        if current is not None and current.hash == hash_:
            return self
        entry = Entry(recorded_at, log, position, notice, hash_)
        return PolicyBook(tuple(sorted((*self._entries, entry), key=_order)))

    def last_position(self, log: str) -> int:
        """The position of the last publication the book holds from a log, 0 when it holds none."""
        return self._last.get(log, 0)

    def known_at(self, as_of: datetime) -> "PolicyBook":
        """The book as it was at the moment: publications recorded later are not in it."""
        known = tuple(entry for entry in self._entries if entry.recorded_at <= as_of)
        return self if len(known) == len(self._entries) else PolicyBook(known)

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
            if of(entry.notice.place)
            for clause in entry.notice.clauses
            for rule in clause.rules
            if isinstance(rule, Providers) and rule.list
        )

    def resolve(self, place: str, year: int) -> Policy | None:
        """The policy of a place for a credit year; None when no notice governs it, or the place is unknown."""
        known = self._policies.get((place, year))
        if known is not None:
            return known
        try:
            chain = chain_of(place)
        except UnknownDivisionError:
            return None
        if not YEAR_MIN <= year <= YEAR_MAX:
            return None
        policy = resolve((p for code in chain for p in self._by_place.get(code, ())), place, year, chain)
        if policy is not None:
            if len(self._policies) >= _CACHE_MAX:
                self._policies.clear()
            self._policies[place, year] = policy
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


def _index(entries: tuple[Entry, ...]) -> dict[str, list[Published]]:
    places: dict[str, list[Published]] = {}
    for turn, entry in _in_force(entries):
        places.setdefault(entry.notice.place, []).append(Published(entry.notice, entry.hash, turn))
    return places
