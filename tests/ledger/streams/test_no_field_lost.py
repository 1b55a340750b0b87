"""No field is lost on the way: every event, state and handed-over shape is filled, and followed through hold, release, move,
publication, rebuild and view."""

import importlib
import pkgutil
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from contracts.handover import Handover
from services.kit import events as codec
from services.kit.event_store import RecordedEvent
from services.kit.events import Event
from services.kit.pydantic_models import names_of
from services.kit.rows import StateRows
from services.ledger import streams
from services.ledger.answers.provenance import CountedCredit, provenance
from services.ledger.answers.transcripts import TranscriptLine, TranscriptWaiting, transcript_of
from services.ledger.answers.viewers import Viewer
from services.ledger.intake import completion_events
from services.ledger.moving.supplements import account_arrived, handed_account, handed_judgement, judgements
from services.ledger.policy import (
    Account,
    Assessment,
    CompletionFacts,
    Credit,
    Held,
    Policy,
    Registered,
    ReportedStudy,
    Study,
    Waiting,
    bundled_book,
)
from services.ledger.store.people import Keeper
from services.ledger.store.read_models import INLINE
from services.ledger.streams import account as accounts
from services.ledger.streams.account_events import AccountArrived, CompletionHeld, CreditEarned
from services.ledger.streams.claim import ConvertedClaim
from services.ledger.streams.filing import OrganizedTraining
from services.ledger.streams.merge import absorbed
from services.ledger.streams.profile import Profile
from services.ledger.streams.profile_events import Judgement
from services.ledger.streams.publishing import TOLD, Told, publish
from services.ledger.streams.roster import ReportedRoster
from services.ledger.streams.year import Closure
from tests.ledger.filled import filled

for _module in pkgutil.iter_modules(streams.__path__):
    importlib.import_module(f"{streams.__name__}.{_module.name}")

NOW = datetime(2025, 6, 1, tzinfo=UTC)
EVENTS = [kind for topic, kind in codec.registered().items() if topic.startswith("ledger.")]
ADMITTED = Registered(late=True, make_up=True, clause="S1-09")
PUT_OFF = Held(reason="exam_pending", clause="S0-11")


def policy_of(place: str = "210100", year: int = 2025) -> Policy:
    policy = bundled_book().resolve(place, year)
    assert policy is not None
    return policy


def same(names: tuple[str, ...], one: object, other: object) -> None:
    """The fields are equal, and hold something."""
    told = {name: getattr(one, name) for name in names}
    assert told == {name: getattr(other, name) for name in names}
    assert all(value not in (None, "", (), False) for value in told.values()), told


def stored(event: Event) -> Any:
    """The event as a reader of the log has it."""
    return codec.decode(event.TOPIC, codec.encode(event))


def recorded(event: Event) -> RecordedEvent:
    return RecordedEvent(
        log="210000",
        position=1,
        stream_id="stream",
        version=1,
        topic=event.TOPIC,
        state=codec.encode(event),
        recorded_at=NOW,
        identity=None,
    )


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
def test_every_field_of_an_event_is_stored(kind: type[Event]):
    event = filled(kind)

    assert stored(event) == event


class TestACompletion:
    """The facts of a completion, from the provider's word to the last shape that repeats them."""

    @pytest.fixture
    def facts(self) -> CompletionFacts:
        return filled(CompletionFacts)

    @pytest.fixture
    def profile(self) -> Profile:
        return filled(Profile)

    @pytest.fixture
    def waiting(self, facts: CompletionFacts, profile: Profile) -> Account:
        event = completion_events.held(facts, profile, policy_of(), PUT_OFF, NOW)
        same(names_of(ReportedStudy), event, facts)
        return accounts.evolve(accounts.empty("person-1", facts.year), stored(event))

    def test_is_earned_with_all_of_it(self, facts: CompletionFacts, profile: Profile):
        event = completion_events.earned(facts, profile, policy_of(), ADMITTED, "credit-1", NOW)
        account = accounts.evolve(accounts.empty("person-1", facts.year), stored(event))

        same(names_of(ReportedStudy), event, facts)
        same(names_of(Study), account.credits[0], facts)
        assert event.provider_id == account.credits[0].provider == facts.provider_id

    def test_waits_with_all_of_it(self, facts: CompletionFacts, waiting: Account):
        same(names_of(ReportedStudy), waiting.waiting[0], facts)

    def test_waits_again_with_all_of_it(self, facts: CompletionFacts, waiting: Account):
        event = accounts.held_again(waiting.waiting[0], waiting, policy_of(), PUT_OFF, NOW)
        again = accounts.evolve(waiting, stored(event))

        same(names_of(ReportedStudy), event, facts)
        same(names_of(ReportedStudy), again.waiting[0], facts)

    def test_is_released_with_all_of_it(self, facts: CompletionFacts, waiting: Account):
        """The filing that it cites, too (S1-14)."""
        event = accounts.released(waiting.waiting[0], waiting, "210100", policy_of(), ADMITTED, "c-1", NOW)
        account = accounts.evolve(waiting, stored(event))

        same(names_of(ReportedStudy), event, facts)
        same(names_of(Study), account.credits[0], facts)
        assert account.waiting == []

    def test_is_released_with_all_of_it_where_it_has_moved_to(self, facts: CompletionFacts, waiting: Account):
        there = accounts.evolve(accounts.empty("person-1", facts.year), moved(waiting))
        event = accounts.released(there.waiting[0], there, "140500", policy_of(), ADMITTED, "c-1", NOW)

        same(names_of(ReportedStudy), event, facts)
        same(names_of(Study), accounts.evolve(there, stored(event)).credits[0], facts)


class TestACredit:
    def test_keeps_what_it_was_awarded_with(self):
        event = filled(CreditEarned)
        account = accounts.evolve(accounts.empty("person-1", 2025), stored(event))
        kept = tuple(name for name in names_of(Credit) if name in names_of(CreditEarned))

        same(kept, account.credits[0], event)
        assert set(names_of(Credit)) - set(kept) == {
            "provider", "state", "reason", "ended_at", "ended_clause", "recognised_at", "confirmed_by", "duplicate_of",
        }  # fmt: skip

    def test_is_shown_in_the_transcript(self):
        line = transcript_of(home(), [an_account()], Viewer(place="210000"), None).credits[0]

        same(tuple(set(names_of(TranscriptLine)) - {"year", "provider_id"}), line, filled(Credit))

    def test_is_shown_where_it_counts(self):
        credit = filled(Credit, state="registered", route="claim", completed_at=NOW)
        account = Account(person_id="person-1", year=2025, credits=[credit])
        answer = filled(Assessment, not_counted=(), on=NOW.date())
        line = provenance(account, answer, Viewer(place="210000"))[0]

        same(
            tuple(set(names_of(CountedCredit)) - {"counted", "provider_id", "claim_id", "not_taken_by"}),
            line,
            credit,
        )


def an_account() -> Account:
    return Account(
        person_id="person-1",
        year=2025,
        credits=[filled(Credit)],
        waiting=[filled(Waiting, category="public")],
    )


def home() -> Keeper:
    return Keeper("210000", 1, filled(Profile), None)


def test_what_waits_is_shown_in_the_transcript():
    line = transcript_of(home(), [an_account()], Viewer(place="210000"), None).waiting[0]

    same(
        tuple(set(names_of(TranscriptWaiting)) - {"year", "provider_id"}),
        line,
        filled(Waiting, category="public"),
    )


def moved(account: Account) -> AccountArrived:
    """The account as it is stored where the person arrives, handed over as JSON."""
    handover = Handover(
        transfer_id="transfer-1",
        sequence=1,
        from_authority="210000",
        from_place="210100",
        to_place="140500",
        left_at=NOW,
        accounts=(handed_account(account),),
    )
    read = Handover.model_validate_json(handover.model_dump_json())
    arrived: AccountArrived = stored(account_arrived(read.accounts[0], read, account.person_id, NOW))
    return arrived


class TestAMove:
    def test_carries_every_field_of_an_account(self):
        account = filled(Account, person_id="person-1", year=2025, enrolments=[], merged_into=None)
        arrived = accounts.evolve(accounts.empty("person-1", 2025), moved(account))

        assert arrived == account
        stays = {"enrolments", "merged_into"}
        assert all(getattr(account, name) for name in names_of(Account) if name not in stays)

    def test_carries_every_field_of_an_account_into_another_profile_of_the_person(self):
        account = filled(Account, person_id="person-2", year=2025, merged_into=None)
        kept = accounts.evolve(
            accounts.empty("person-1", 2025), stored(absorbed(accounts.empty("person-1", 2025), account, NOW))
        )

        assert kept == msgspec.structs.replace(account, person_id="person-1")

    def test_carries_every_field_of_a_judged_year(self):
        judgement = filled(Judgement, by_category={"professional": 1})
        judgement = msgspec.convert(msgspec.to_builtins(judgement), Judgement, strict=False)

        assert judgements([handed_judgement(judgement)], "140000") == (judgement,)


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told.stored.__name__)
def test_a_published_event_says_what_was_stored(told: Told):
    event: Any = filled(told.stored)
    data = publish(recorded(event))

    assert data is not None
    shown = told.published.model_validate_json(msgspec.json.encode(data["data"]))
    for name in told.published.model_fields:
        word = told.renames.get(name, name)
        assert getattr(shown, name) == (getattr(event, word) if isinstance(word, str) else word(event)), name


STATES: dict[type[Event], type[Any]] = {
    kind: part
    for kind in EVENTS
    for part in (ConvertedClaim, OrganizedTraining, ReportedRoster, Closure)
    if issubclass(kind, part)
}


def models() -> dict[str, StateRows[Any]]:
    return {topic: model for model in INLINE if isinstance(model, StateRows) for topic in model.topics}


@pytest.mark.parametrize("kind", STATES, ids=lambda kind: kind.__name__)
def test_a_state_keeps_what_its_event_says(kind: type[Event]):
    event = filled(kind)
    state = models()[kind.TOPIC].evolve(None, event, "stream:1:2025")

    same(names_of(STATES[kind]), state, event)


KEPT_BY_ACCOUNTS = [kind for kind in EVENTS if kind.TOPIC in models()]


@pytest.mark.parametrize("kind", KEPT_BY_ACCOUNTS, ids=lambda kind: kind.__name__)
def test_a_row_rebuilt_from_the_log_is_the_row_that_was_written(kind: type[Event]):
    """States after an event in memory, and after the same event read again, are equal to the byte."""
    model, event = models()[kind.TOPIC], filled(kind)
    written = model.evolve(None, event, "account:person-1:2025")
    rebuilt = model.evolve(None, stored(event), "account:person-1:2025")

    row = msgspec.json.encode(written)
    assert row == msgspec.json.encode(rebuilt)
    if isinstance(written, msgspec.Struct):
        assert msgspec.json.decode(row, type=type(written)) == written


def test_a_completion_that_waits_is_one_of_every_event_about_it():
    """Whoever gives a completion a new fact has given it to all of these."""
    for kind in (CompletionFacts, CompletionHeld, CreditEarned, Waiting):
        assert issubclass(kind, ReportedStudy)
    for kind in (Credit, TranscriptLine, TranscriptWaiting, CountedCredit):
        assert issubclass(kind, Study)


NOTHING: tuple[Any, ...] = (None, False, (), "")
DEFAULTS = {
    ("ledger.ClaimAmended", "mode"): "equivalence",
    ("ledger.ClaimAmended", "quantity"): "1",
    ("ledger.ClaimSubmitted", "mode"): "equivalence",
    ("ledger.ClaimSubmitted", "quantity"): "1",
    ("ledger.CreditEarned", "route"): "provider",
    ("ledger.ExamPassed", "of"): "exam",
    ("ledger.ProfileArrived", "traits"): {},
    ("ledger.ProfileChanged", "traits"): {},
    ("ledger.ProfileRecorded", "traits"): {},
}
"""What is as by default is left out of the log, so a default is part of what was stored. A new field may add a line here;
a line that is here stays as it is."""


def test_no_default_of_a_stored_field_changes() -> None:
    found = {
        (topic, field.name): msgspec.to_builtins(field.default)
        for topic, kind in codec.registered().items()
        if topic.startswith("ledger.") and issubclass(kind, msgspec.Struct)
        for field in msgspec.structs.fields(kind)
        if field.default is not msgspec.NODEFAULT and field.default not in NOTHING
    }
    assert found == DEFAULTS
