"""The case of a moving profile, of which there are three kinds: where it stands, its events, who may act and look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from services.kit.aggregates import Aggregate
from services.kit.clock import UnknownYear
from services.kit.errors import NotFoundError
from services.transfer.cases.commands import Actor, RequestTransfer
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


Party = Literal["from", "to", "desk", "applicant", "person", "anybody"]


class Decision(NamedTuple):
    """Who may decide, in which states, and the event that comes of it."""

    by: Party
    states: tuple[State, ...] = ()
    event: str = ""


class Decisions(NamedTuple):
    """The steps that people take; those a kind of case has not are refused in every state."""

    accept: Decision = Decision("from")
    approve: Decision = Decision("to")
    refuse: Decision = Decision("desk")
    withdraw: Decision = Decision("anybody")
    confirm: Decision = Decision("anybody")


class Case(Aggregate, abstract=True):
    """Base of the three aggregates."""

    if TYPE_CHECKING:
        kind: ClassVar[Kind]
        DECISIONS: ClassVar[Decisions]
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

    def accept(self, actor: Actor, now: datetime) -> None:
        """The origin lets the profile go. Raises OutsidePlaceError, TransferStateError and TransferLateError."""
        self._decide(self.DECISIONS.accept, actor, now)

    def approve(self, actor: Actor, now: datetime) -> None:
        """The destination takes the profile. Raises OutsidePlaceError, TransferStateError and TransferLateError."""
        self._decide(self.DECISIONS.approve, actor, now)

    def refuse(self, actor: Actor, reason: str, now: datetime) -> None:
        """The desk whose turn it is refuses. Raises OutsidePlaceError, TransferStateError and TransferLateError."""
        self._decide(self.DECISIONS.refuse, actor, now, reason=reason)

    def withdraw(self, actor: Actor, now: datetime) -> None:
        """The person takes the request back before it is accepted. Raises NotFoundError for anybody else,
        TransferStateError and TransferLateError.
        """
        self._decide(self.DECISIONS.withdraw, actor, now)

    def confirm(self, actor: Actor, now: datetime) -> None:
        """The person looks the approved transfer up, which confirms it (S2C-18). Raises NotFoundError for anybody else,
        TransferStateError and TransferLateError.
        """
        self._decide(self.DECISIONS.confirm, actor, now)

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

    def _decide(self, decision: Decision, actor: Actor, now: datetime, **told: object) -> None:
        """Refuse whom it does not concern, what the state does not allow, and what comes after the last day, whoever
        notices first.
        """
        self._must_be(decision.by, actor)
        if self.state not in decision.states:
            raise TransferStateError(state=self.state.value)
        if self.late_reason(now) is not None:
            raise TransferLateError(state=self.state.value)
        self.tell(decision.event, now, subject=actor.subject, place=actor.place, **told)

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
