"""Questions to the ledger: is a person compliant, what is in their account, how much was registered."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from contracts.divisions import authority_of, contains
from services.kit.audit import Reading, about
from services.kit.clock import Clock, local_date
from services.kit.database import Databases
from services.kit.errors import Problem
from services.kit.event_store import EventStore
from services.kit.pydantic_models import view
from services.ledger.answers.composed_answers import ComposedAnswers, answer_of
from services.ledger.answers.details import Asked, Detail, Details
from services.ledger.answers.history import History
from services.ledger.answers.other_years import OtherYears
from services.ledger.answers.viewers import Viewer
from services.ledger.answers.views import ComplianceAnswer
from services.ledger.policy import Account
from services.ledger.policy.language.facts import ACCOUNTING
from services.ledger.store.people import Keeper, People
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.streams.merge import PersonMergedError
from services.ledger.streams.problems import MomentInFutureError, OutsidePlaceError, UnknownPersonError
from services.ledger.streams.who_judges import account_in, side_of

_asdict = msgspec.structs.asdict
_decode_account = msgspec.json.Decoder(Account).decode

_ALL_ACCOUNTS = "select state from accounts where log = $1 and person_id = $2 order by year"


class LedgerQueries:
    """Reads; writes nothing."""

    def __init__(
        self,
        databases: Databases,
        store: EventStore,
        policies: PublishedPolicies,
        people: People,
        clock: Clock,
    ) -> None:
        self._databases = databases
        self._history = History(databases, store)
        self._policies = policies
        self._people = people
        self._clock = clock
        self._details = Details(databases, store)
        self._composed = ComposedAnswers(databases, policies, clock)

    async def plain_answer(self, person_id: str, year: int, place: str, told: Reading) -> bytes | None:
        """The answer of `get_compliance` to an official of a place as JSON; None when it is not a plain one."""
        answer = await self._composed.of_one(person_id, year, place)
        if answer is None:
            return None
        told.about(person_id, answer.place)
        return answer.body

    async def get_compliance(
        self,
        person_id: str,
        year: int,
        viewer: Viewer,
        *,
        on: date | None = None,
        as_of: datetime | None = None,
        details: frozenset[Detail] = frozenset(),
        purpose: str | None = None,
        regime: str = ACCOUNTING,
    ) -> ComplianceAnswer:
        """Is the person compliant for the year, judged on a day, with what the ledger knew at a moment; in another `regime`
        than the accounting duty's, by its notices and what they take of the credits.

        Raises UnknownPersonError, OutsidePlaceError and MomentInFutureError.
        """
        home = await self._home(person_id, year, viewer)
        about(home.person_id, home.profile.person.place)
        if not viewer.may_see(home):
            raise OutsidePlaceError if viewer.place is not None else UnknownPersonError
        if as_of is not None:
            if as_of > self._clock():
                raise MomentInFutureError(parameter="as_of")
            home = await self._home_at(home, year, as_of)
            await self._policies.refresh()
        book = self._policies.book if as_of is None else self._policies.book.known_at(as_of)
        book = book.of_regime(regime)
        if regime != ACCOUNTING:
            home = replace(home, account=account_in(book, home.profile, year, home.account))
        elif viewer.organization is None:
            home = await self._with_rooms(home, as_of)
        day = on or local_date(as_of or self._clock())
        home_at = partial(self._home_at, as_of=as_of) if as_of is not None else None
        years = OtherYears(self._people, book, day, viewer.place, home_at)
        homes = {home.person_id: home}
        answer = answer_of(home, (await years.answers(homes, year))[home.person_id], viewer, as_of, regime)
        if details or purpose is not None:
            purposes = await years.purposes(homes, year, purpose) if purpose is not None else {}
            asked = Asked(details, viewer, book, purposes, as_of)
            [answer] = await self._details.add([(home, answer)], year, asked)
        return answer

    async def query_compliance(
        self,
        keys: Sequence[str],
        year: int,
        viewer: Viewer,
        *,
        names: Sequence[str] | None,
        on: date | None,
        details: frozenset[Detail] = frozenset(),
        purpose: str | None = None,
    ) -> list[ComplianceAnswer | msgspec.Raw | Problem]:
        """The same for many persons at once, in the order asked; UnknownPersonError for who is not there for this viewer,
        PersonMergedError for a profile that is part of another now. Plain answers are JSON already.

        With `names` the keys are those of ID numbers, and whoever is not called so is not there either.
        """
        ready: dict[str, msgspec.Raw] = {}
        if names is None and on is None and purpose is None and viewer.place is not None and not details:
            plain = await self._composed.of_many(list(dict.fromkeys(keys)), year, viewer.place)
            for person_id, answer in plain.items():
                about(person_id, answer.place)
                ready[person_id] = msgspec.Raw(answer.body)
        others = [key for key in keys if key not in ready]
        if not others:
            return [ready[key] for key in keys]
        answers = await self._answers(others, year, viewer, names, on, details, purpose)
        rest = iter(answers)
        return [ready[key] if key in ready else next(rest) for key in keys]

    async def _answers(
        self,
        keys: Sequence[str],
        year: int,
        viewer: Viewer,
        names: Sequence[str] | None,
        on: date | None,
        details: frozenset[Detail],
        purpose: str | None,
    ) -> list[ComplianceAnswer | Problem]:
        find = self._people.by_id if names is None else self._people.by_identity
        homes = await find(list(dict.fromkeys(keys)), viewer.place, year)
        day = on or local_date(self._clock())
        book = self._policies.book
        absent = {key: await self._absent(home, viewer, year) for key, home in homes.items()}
        seen = {home.person_id: home for key, home in homes.items() if absent[key] is None}
        if viewer.organization is None:
            seen = await self._people.with_rooms(seen)
        for key, home in homes.items():
            refusal = absent[key]
            refused = None if refusal is None else refusal.code
            about(home.person_id, home.profile.person.place, result=refused)
        years = OtherYears(self._people, book, day, viewer.place)
        judged = await years.answers(seen, year)
        answered = {
            key: (home, answer_of(home, judged[home.person_id], viewer, None))
            for key, home in homes.items()
            if home.person_id in seen
        }
        answers = {key: answer for key, (_, answer) in answered.items()}
        if details or purpose is not None:
            purposes = await years.purposes(seen, year, purpose) if purpose is not None else {}
            asked = Asked(details, viewer, book, purposes)
            detailed = await self._details.add(list(answered.values()), year, asked)
            answers = dict(zip(answered, detailed, strict=True))
        called: Sequence[str | None] = names or [None] * len(keys)
        return [
            answers[key]
            if key in answers and (name is None or homes[key].profile.is_called(key, name))
            else absent.get(key) or UnknownPersonError()
            for key, name in zip(keys, called, strict=True)
        ]

    async def _absent(self, home: Keeper, viewer: Viewer, year: int) -> Problem | None:
        """Why a profile is not answered for; None for one that is."""
        if home.profile.merged is not None:
            kept = await self._people.life_of(home.person_id, viewer.place, year)
            merged = PersonMergedError(merged_into=kept.person_id)
            return merged if viewer.may_see(kept) else UnknownPersonError()
        return None if viewer.may_see(home) else UnknownPersonError()

    async def _home(self, person_id: str, year: int, viewer: Viewer) -> Keeper:
        """Where a question about a year is answered: for an official also in a log that the person has left, when it is the
        one that judged the year (A-13)."""
        keeper = await self._people.keeper_of(person_id, viewer.place, year, may_see=viewer.may_see)
        if keeper.left_at is not None:
            policy = self._policies.book.policy_for(keeper.profile.person, year)
            if side_of(keeper.profile, year, policy) != "here":
                return await self._people.home_of(person_id, viewer.place, year)
        return keeper

    async def _with_rooms(self, home: Keeper, as_of: datetime | None) -> Keeper:
        """The person with what waits for them; an organization is told of none of it."""
        if as_of is not None:
            return await self._history.with_rooms(home, as_of)
        return (await self._people.with_rooms({home.person_id: home}))[home.person_id]

    async def _home_at(self, home: Keeper, year: int, as_of: datetime) -> Keeper:
        """The person as their logs knew them at a moment; of a year that stayed with a log they left, as that log did."""
        profile = home.profile
        logs = [home.log]
        policy = self._policies.book.policy_for(profile.person, year)
        stayed = profile.left is not None and side_of(profile, year, policy) == "here"
        if not stayed and (profile.arrived is not None or profile.left is not None):
            logs = list(await self._people.logs_of(home.person_id))
        return await self._history.home_at(logs, home.person_id, year, as_of)


PEOPLE_MAX = 1_000
"""People of one page."""

_decode = msgspec.json.Decoder(Account).decode

_PAGE = """
select person_id, state from accounts
 where log = $1 and year = $2 and person_id > $3 order by person_id limit $4
"""


class ListedCredit(Struct, frozen=True, kw_only=True):
    """A credit that is registered and has not ended, as awarded; `place` is where it was registered."""

    credit_id: str
    person_id: str
    place: str
    category: str
    credits: Decimal
    mode: str
    completed_on: date
    make_up: bool
    route: str
    recognised: bool


class CreditPage(Struct, frozen=True, kw_only=True):
    """The credits of a page of people, by person; `next` names the person to resume after, null at the end."""

    place: str
    year: int
    items: list[ListedCredit]
    next: str | None


class CreditListing:
    """Reads; writes nothing. A page reads the accounts by their key and never the log."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    async def page(self, place: str, year: int, after: str, limit: int) -> CreditPage:
        """The credits registered at a place and below it for a year, of at most `limit` people after one.

        Who moved to another authority since is listed where the credits were registered.
        """
        log = authority_of(place)
        async with self._databases.of(log).acquire() as conn:
            rows = await conn.fetch(_PAGE, log, year, after, limit)
        credits = [line for row in rows for line in _lines(_decode(row["state"]), place)]
        last = rows[-1]["person_id"] if len(rows) == limit else None
        return CreditPage(place=place, year=year, items=credits, next=last)


def _lines(account: Account, place: str) -> list[ListedCredit]:
    return [
        view(
            ListedCredit,
            credit,
            person_id=account.person_id,
            completed_on=local_date(credit.completed_at),
            recognised=credit.recognised_at is not None,
        )
        for credit in account.credits
        if credit.state == "registered" and contains(place, credit.place)
    ]
