"""The case of a moving profile, of which there are three kinds: where it stands, its events, who may act and look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple

from services.kit import review
from services.kit.aggregates import Aggregate
from services.kit.clock import UnknownYear
from services.kit.errors import NotFoundError
from services.transfer.cases.commands import Actor, RefuseTransfer, RequestTransfer
from services.transfer.cases.states import (
    OVER,
    Kind,
    State,
    Turn,
    desk_of,
    due_on,
    is_over,
    places_concerned,
    turn_of,
)
from services.transfer.places import ProfileHome
from services.transfer.problems import (
    NotEmployerError,
    NotThePersonError,
    PersonDepartedError,
    SamePlaceError,
    TransferLateError,
    TransferStateError,
)


class Step(NamedTuple):
    """One thing that happened: the state it led to, when, and by whom; the service itself has no subject."""

    state: State
    at: datetime
    subject: str | None
    place: str | None
    reason: str | None = None


class Entered(Aggregate.Event):
    """Base of the events that bring a case into a state. The service itself acts in those without a subject."""

    STATE: ClassVar[State]
    person_id: str

    @property
    def state(self) -> State:
        """The state that the case is in from now on."""
        return self.STATE

    def apply(self, aggregate: Any) -> None:
        """Put the step behind the others."""
        aggregate.enter(self)


class Decided(Entered):
    """An official decided."""

    subject: str
    place: str


class SentBack(Decided):
    """An official sent the case back, and says why."""

    reason: str


class Elapsed(Entered):
    """Nobody decided until the last day had passed, which `reason` names."""

    reason: str


class TakenBack(Entered):
    """Whoever asked takes the request back."""

    subject: str
    place: str | None


class ProfileMoved(Entered):
    """Base of the events from which the profile is kept at the destination."""

    from_place: str
    to_place: str
    employer: str | None


class Opened(Aggregate.Created):
    """Base of the events that begin a case."""

    STATE: ClassVar[State]
    person_id: str
    from_place: str
    to_place: str
    employer: str | None
    student: bool
    evidence: list[dict[str, str]]

    @property
    def state(self) -> State:
        """The first state of the case."""
        return self.STATE

    def apply(self, aggregate: Any) -> None:
        """Take over what moves, and from where to where."""
        for name in ("person_id", "from_place", "to_place", "employer", "student", "evidence"):
            setattr(aggregate, name, getattr(self, name))
        aggregate.steps = []
        aggregate.enter(self)


class Asked(Opened):
    """Base of the events by which somebody asks for a case."""

    subject: str
    place: str | None
    organization: str | None

    def apply(self, aggregate: Any) -> None:
        """Keep who asked."""
        super().apply(aggregate)
        aggregate.applicant = Actor(subject=self.subject, place=self.place, organization=self.organization)


PORTAL = "transfer:confirm"
"""The scope of a token that a portal has for a person whom it has signed in, and who is its subject."""
Party = Literal["from", "to", "desk", "applicant", "person", "anybody"]


@dataclass(frozen=True)
class Decision(review.Step):
    """A step that people take: beside the scope of the token, who of the case they have to be."""

    party: Party = "anybody"
    tells: str = ""
    """The event it is stored as, by its name in the class of the kind."""


REQUESTER = review.Role("transfer:request")
REVIEWER = review.Role("transfer:review")
CONFIRMER = review.Role("transfer:request", PORTAL)
STEPS: Final[review.Case[object]] = review.Case(
    "transfer",
    (
        Decision(
            "accept",
            "acceptance",
            by=REVIEWER,
            party="from",
            words="The place of origin lets the profile go (S2C-11).",
        ),
        Decision(
            "approve",
            "approval",
            by=REVIEWER,
            party="to",
            words="""The destination takes the profile: within an authority that completes the transfer (S2C-12).

    What comes from another authority then waits for the person, who confirms it (S2C-18).
    """,
        ),
        Decision(
            "refuse",
            "refusal",
            by=REVIEWER,
            party="desk",
            body=RefuseTransfer,
            words="The desk whose turn it is refuses, with a reason; the profile stays at its origin (S2C-12, S2C-18).",
        ),
        Decision(
            "withdraw",
            "withdrawal",
            by=REQUESTER,
            words="The person takes the request back, as long as the origin has not accepted it.",
        ),
        Decision(
            "confirm",
            "confirmation",
            by=CONFIRMER,
            operation="confirm_arrival",
            words="""The person looks an approved transfer from another authority up, which confirms it (S2C-18).

    With the person's token, their own or that of the portal that has signed them in. The profile moves as soon as the origin
    has handed the accounts over.
    """,
        ),
    ),
    wrong_state=lambda state: TransferStateError(state=state),
    own=NotFoundError,
)
"""The steps of every kind of case, with their routes. One that a kind has not is refused in every state."""


def steps(**of_kind: tuple[Party, Sequence[State], str]) -> review.Case[object]:
    """The table of a kind: who of the case takes each of its steps, in which states, and the event that comes of it."""
    table = list(STEPS.steps)
    for at, step in enumerate(STEPS.steps):
        if step.name in of_kind:
            party, states, tells = of_kind[step.name]
            table[at] = replace(step, party=party, from_=frozenset(states), tells=tells)  # type: ignore[call-arg]
    return replace(STEPS, steps=tuple(table))


class Case(Aggregate, abstract=True):
    """Base of the three aggregates."""

    if TYPE_CHECKING:
        kind: ClassVar[Kind]
        STEPS: ClassVar[review.Case[object]]
        person_id: str
        from_place: str
        to_place: str
        employer: str | None
        student: bool
        evidence: list[dict[str, str]]
        steps: list[Step]

    @property
    def state(self) -> State:
        """Where the transfer stands."""
        return self.steps[-1].state

    @property
    def since(self) -> datetime:
        """When the transfer came into its present state."""
        return self.steps[-1].at

    @property
    def reason(self) -> str | None:
        """Why it came into its present state, where there is a reason."""
        return self.steps[-1].reason

    @property
    def turn(self) -> Turn:
        """Whose turn it is."""
        return turn_of(self.kind, self.state)

    @property
    def desk(self) -> str | None:
        """The place whose turn it is; None when it is nobody's."""
        return desk_of(self.kind, self.state, self.from_place, self.to_place)

    @property
    def places_concerned(self) -> Sequence[str]:
        """Whose list the transfer stands in."""
        return places_concerned(self.kind, self.state, self.from_place, self.to_place)

    @property
    def home(self) -> str:
        """The place that answers for the person, as far as this transfer knows."""
        return self.to_place if self.kind is Kind.IN or self.state is State.COMPLETED else self.from_place

    @property
    def due(self) -> date | UnknownYear | None:
        """The last day of the present state, None where none is set."""
        return due_on(self.kind, self.state, self.since)

    @property
    def is_open(self) -> bool:
        """Whether it is still on its way."""
        return self.state not in OVER

    def late_reason(self, now: datetime) -> str | None:
        """Why it is returned when its time is over, None as long as it is not."""
        return self.turn.late if is_over(self.kind, self.state, self.since, now) else None

    def decide(self, name: str, actor: Actor, now: datetime, **told: object) -> None:
        """Take a step of the table, whatever it is; `told` is what its event says besides.

        Whoever notices first refuses: whom it does not concern (OutsidePlaceError; NotFoundError to others than the person),
        what the state does not allow (TransferStateError), and what comes after the last day (TransferLateError).
        """
        step = self.STEPS.step(name)
        assert isinstance(step, Decision)
        self._must_be(step.party, actor)
        if self.state not in step.from_:
            raise self.STEPS.wrong_state(self.state.value)
        if self.late_reason(now) is not None:
            raise TransferLateError(state=self.state.value)
        self.tell(step.tells, now, subject=actor.subject, place=actor.place, **told)

    def expire(self, now: datetime) -> None:
        """Return what nobody decided in time (S2C-05); nothing where the last day has not passed, or the relay has to be
        asked first.
        """
        reason = self.late_reason(now)
        if reason is not None and self.turn.step is None:
            self.tell("Expired", now, reason=reason)

    def may_see(self, actor: Actor) -> bool:
        """Whether the actor may look at the transfer."""
        raise NotImplementedError

    def speaks_for_person(self, actor: Actor) -> bool:
        """Whether the actor is the person, or stands for them."""
        raise NotImplementedError

    def tell(self, event: str, now: datetime, **told: object) -> None:
        """Store the event of this name; what it says of the case is taken from the case."""
        kind = getattr(self, event)
        own = {field.name for field in fields(kind)} - _OF_EVERY_EVENT
        self.trigger_event(
            kind, timestamp=now, **{name: told[name] if name in told else getattr(self, name) for name in own}
        )

    def enter(self, event: Entered | Opened) -> None:
        """Put a step behind the others, as the event tells it."""
        told = vars(event)
        self.steps.append(
            Step(event.state, event.timestamp, told.get("subject"), told.get("place"), told.get("reason"))
        )

    def _must_be(self, party: Party, actor: Actor) -> None:
        if party in ("applicant", "person"):
            if not self.speaks_for_person(actor):
                raise NotFoundError
        elif party != "anybody":
            places = {"from": (self.from_place,), "to": (self.to_place,), "desk": self.places_concerned}[
                party
            ]
            actor.must_cover(*places)


_OF_EVERY_EVENT = {field.name for field in fields(Aggregate.Event)}


class RequestedCase(Case, abstract=True):
    """A case that somebody asked for (S2C-10); an arrival was not."""

    if TYPE_CHECKING:
        applicant: Actor

    def speaks_for_person(self, actor: Actor) -> bool:
        """Whether the actor may speak for the person: themselves, the employer that asked for them, or their authority."""
        if actor.place is not None:
            return actor.covers(self.from_place)
        if actor.organization is not None:
            return actor.organization == self.applicant.organization
        return actor.subject == self.person_id


def request_of(command: RequestTransfer, actor: Actor, home: ProfileHome, uscc: str | None) -> dict[str, Any]:
    """What the event of a request says. Refuses who may not ask, and what leads nowhere; `uscc` is the code of the
    organization that asks, if one does. The employer is the one that the registry knows, whatever the request names. Of
    evidence it never keeps the name somebody gave a file.

    Raises PersonDepartedError, OutsidePlaceError, NotEmployerError, NotThePersonError and SamePlaceError.
    """
    if actor.place is not None:
        actor.must_cover(home.place)
    elif actor.organization is not None:
        if uscc is None or uscc != home.employer:
            raise NotEmployerError
    elif actor.subject != home.person_id:
        raise NotThePersonError
    if home.away:
        raise PersonDepartedError(pointer="/person_id")
    if command.to_place == home.place:
        raise SamePlaceError(pointer="/to_place")
    return {
        "person_id": command.person_id,
        "from_place": home.place,
        "to_place": command.to_place,
        "employer": command.employer,
        "student": command.student,
        "evidence": [{"sha256": file.sha256, "media_type": file.media_type} for file in command.evidence],
        "subject": actor.subject,
        "place": actor.place,
        "organization": actor.organization,
    }
