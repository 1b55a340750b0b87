"""The three answers to a record under a policy: it becomes credits, it waits, or it is refused with a code and a clause."""

from msgspec import Struct

from services.ledger.policy.language.facts import WaitingReason


class Registered(Struct, frozen=True):
    """The completion becomes credits now. `clause` says why at this moment; `late` after the deadline (B-07)."""

    late: bool
    make_up: bool
    clause: str


class Held(Struct, frozen=True):
    """The completion waits: for an enrolment, an exam (S0-11), an evaluation, or until the total is reached (S2B-07)."""

    reason: WaitingReason
    clause: str
    make_up: bool = False


class Rejected(Struct, frozen=True):
    """The completion is refused. `problem` is a code of `judging.rejections.REJECTIONS`, `details` fills its sentence."""

    problem: str
    clause: str | None = None
    details: dict[str, str] = {}


Decision = Registered | Held | Rejected
