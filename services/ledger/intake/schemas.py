"""Commands, bodies and answers of what providers post and take back. A batch's answer mirrors it record by record."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.kit.errors import Problem, ProblemBody
from services.kit.schemas import StrictModel
from services.ledger.intake.completion_record import State
from services.ledger.web import Adcode

OutcomeWord = Literal["registered", "duplicate", "conflict", "held", "rejected", "unknown"]


class First(Struct, frozen=True, omit_defaults=True, gc=False):
    """What the first posting of a repeated record was answered."""

    outcome: OutcomeWord
    log: str
    position: int


class Present(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Where a completion that was posted before stands today, as `GET /v1/completions/{id}` says it at length."""

    state: State
    reason: str | None = None
    clause: str | None = None
    problem: str | None = None
    credit_id: str | None = None
    moved_to: str | None = None


class Outcome(Struct, omit_defaults=True, kw_only=True, gc=False):
    """What became of one record.

    `registered` (in the account; for an enrolment or exam pass: recorded), `duplicate` (posted before, same content),
    `conflict` (posted before, other content: `problem.differs` names the fields), `held` (`reason`; registered by itself
    when the reason goes away), `rejected` (not stored; `problem` says why and by which clause), `unknown` (its part of
    the batch failed on the way: post it again with the same id). `former_identity`: the person was named by a name or
    number of before a change. Of a completion that states hours, `credits` is what they came to by `rate_clause`, and `cut`
    the credits of hours beyond the most that count in a day. Of a completion that was posted before, `present` says where it
    stands today.
    """

    id: str | None
    outcome: OutcomeWord
    log: str | None = None
    position: int | None = None
    person_id: str | None = None
    credit_id: str | None = None
    reason: str | None = None
    clause: str | None = None
    credits: Decimal | None = None
    rate_clause: str | None = None
    cut: Decimal | None = None
    former_identity: bool = False
    late: bool = False
    make_up: bool = False
    released: list[str] | None = None
    first: First | None = None
    present: Present | None = None
    problem: ProblemBody | None = None


class Decided(Struct):
    """An outcome on its way: `event` is the index of its event among those to be appended, `refusal` the problem that is
    put into the caller's language when the answer is written."""

    outcome: Outcome
    event: int | None = None
    refusal: Problem | None = None


WithdrawalReason = Literal["reported_in_error", "wrong_person", "wrong_year", "wrong_credits", "refunded"]


class WithdrawRecord(Struct, frozen=True, kw_only=True):
    """A provider takes back a record of its own, registered or held."""

    kind: Literal["completion", "enrolment"]
    log: str
    provider_id: str
    record_id: str
    reason: WithdrawalReason


class WithdrawnRecord(Struct, frozen=True, kw_only=True):
    """A record that its provider took back, by the provider's id of it."""

    id: str
    state: str
    reason: WithdrawalReason


class Withdrawal(StrictModel):
    """Why a provider takes a record back; `authority` where it reports to several."""

    reason: WithdrawalReason
    authority: Adcode | None = None


class BatchAnswer(Struct, frozen=True):
    """The answer to a batch: `results` mirrors the batch, `summary` counts the outcomes."""

    results: list[Outcome]
    summary: dict[str, int]
