"""Records that are not decided as new: repeats under their id, and records of people who are on the move: what waits because
they have left, what a departure under way forbids, what another authority judges, and what was reported before it
travelled here (S2C-14, A-13, design 15)."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from services.kit.errors import Problem
from services.ledger.intake.records import Completion, Enrolment, ExamPass, Prepared, Record, without_person
from services.ledger.intake.schemas import Decided, Outcome
from services.ledger.policy import Account, Credit, HoldReason, Policy, Waiting
from services.ledger.streams.problems import RecordConflictError
from services.ledger.streams.profile import Profile
from services.ledger.streams.waiting import RecordParked
from services.ledger.streams.who_judges import DepartureUnderWayError, YearJudgedElsewhereError, side_of

_NOT_COMPARED = {"id", "authority", "person"}


def differing_fields(event: Any, prepared: Prepared, profile: Profile | None) -> list[str]:
    """JSON pointers of the fields in which a repeated record differs from the recorded one, values never shown.

    The person is compared by keyed hash; who was called otherwise before is the same (B-24). Contents that differ in nothing
    else, of somebody who is not called so, differ in the person's name.
    """
    posted = without_person(prepared.record)
    if posted.get("of") == "exam":
        del posted["of"]
    names = [name for name in prepared.record.__struct_fields__ if name not in _NOT_COMPARED]
    if isinstance(event, RecordParked):
        recorded = dict(event.record)
        for amount in ("credits", "hours"):
            if amount in recorded:
                recorded[amount] = Decimal(recorded[amount])
        same_person = event.identity_hash == prepared.identity_hash or (
            profile is not None and event.identity_hash in profile.identities
        )
        same_name = profile is not None and profile.is_called(event.identity_hash, event.name_hash)
    else:
        recorded = {name: _plain(getattr(event, name, None)) for name in names}
        if recorded.get("hours") is not None:
            # The credits are the policy's, made from the hours that were posted.
            recorded["credits"] = None
        if recorded.get("of") == "exam":
            recorded["of"] = None
        same_person = profile is not None and profile.person.person_id == event.person_id
        same_name = True
    differs = [f"/{name}" for name in names if not _same(recorded.get(name), posted.get(name))]
    if not same_person:
        differs.append("/person/id_number")
    if differs or (
        same_name and profile is not None and profile.is_called(prepared.identity_hash, prepared.name_hash)
    ):
        return differs
    return ["/person/name"]


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime | date) else value


def _same(recorded: object, posted: Any) -> bool:
    if isinstance(recorded, Decimal):
        return posted is not None and recorded == Decimal(posted)
    if isinstance(recorded, str) and isinstance(posted, str) and "T" in recorded and "T" in posted:
        try:
            return _moment(recorded) == _moment(posted)
        except ValueError:
            return recorded == posted
    return bool(recorded == posted)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_COMPARED = ("category", "mode", "course", "tier", "filing")


def whereabouts(record: Record, profile: Profile, policy: Policy | None) -> Problem | HoldReason | None:
    """Why a record of somebody who leaves, has left or has arrived is not decided here: a refusal, or a reason to wait.

    None when it is: study done before the person left is registered by the rules it was done under, and passed on.
    """
    side = side_of(profile, record.year, policy)
    if side == "elsewhere":
        judgement = profile.judgement(record.year)
        return YearJudgedElsewhereError(place=judgement.place if judgement is not None else "")
    if profile.departing is not None and isinstance(record, Enrolment):
        return DepartureUnderWayError(transfer_id=profile.departing.transfer_id, clause="S2C-14")
    if side == "moved" and profile.left is not None:
        done = _done_at(record)
        return None if done is not None and done < profile.left.left_at else "profile_elsewhere"
    return None


def repeats_travelled(account: Account, provider_id: str, record: Completion) -> Decided | None:
    """The answer to a completion that was reported elsewhere and travelled here with the person: a duplicate, or a conflict
    that names what differs. None when it is new."""
    for credit in account.credits:
        if credit.completion_id == record.id and credit.provider == provider_id:
            return _repeated(credit, record, credit.credit_id)
    for waiting in account.waiting:
        if waiting.completion_id == record.id and waiting.provider == provider_id:
            return _repeated(waiting, record, None)
    return None


def _repeated(known: Credit | Waiting, record: Completion, credit_id: str | None) -> Decided:
    differs = [f"/{name}" for name in _COMPARED if getattr(known, name) != getattr(record, name)]
    # Where hours were posted, the credits are those that another place's policy made of them.
    if record.credits is not None and known.credits != Decimal(record.credits):
        differs.append("/credits")
    if known.completed_at != record.completed_at.astimezone(UTC):
        differs.append("/completed_at")
    outcome = Outcome(id=record.id, outcome="conflict" if differs else "duplicate", credit_id=credit_id)
    if not differs:
        return Decided(outcome)
    names = ", ".join(sorted(differs))
    problem: Any = RecordConflictError(
        f"与首次提交的内容不同：“{names}”。如需更正，请先撤回原记录，再以新编号提交。",
        f"Differs from what was first posted in: {names}. To correct it, withdraw the first and post under a new id.",
        pointer=min(differs),
        differs=sorted(differs),
    )
    return Decided(outcome, refusal=problem)


def _done_at(record: Record) -> datetime | None:
    """When the study or the exam was done; an enrolment is of the days to come."""
    if isinstance(record, Completion):
        return record.completed_at
    return record.passed_at if isinstance(record, ExamPass) else None
