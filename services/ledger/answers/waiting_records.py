"""Records that wait for their person, as credits of the answer: those of another name, and those reported to another
authority. A completion that admission would refuse is none of them."""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from services.ledger.cases.roster_credits import ROSTER_ROW, ApprovedRow
from services.ledger.intake.completion_events import facts_of
from services.ledger.intake.records import Completion, restore
from services.ledger.policy import CompletionFacts, HoldReason, Policy, PolicyBook, Rejected, hold_clause
from services.ledger.policy.judging.probes import Probe
from services.ledger.policy.judging.release import HeldCredits
from services.ledger.policy.language.days import begins
from services.ledger.store.people import Keeper
from services.ledger.streams.profile import Profile
from services.ledger.streams.waiting import ParkedRecord

_NOON = timedelta(hours=12)


def parked_credits(home: Keeper, book: PolicyBook, year: int, on: date) -> tuple[HeldCredits, ...]:
    """What waits for the person's year outside their account, as of a day."""
    if not home.rooms:
        return ()
    policy = book.policy_for(home.profile.person, year)
    if policy is None:
        return ()
    return tuple(
        credits
        for log, identity_hash, room in home.rooms
        for held in room.records
        if held.record.get("year") == year
        for reason in _why(home, log, identity_hash, held)
        for credits in _credits(policy, book, home, held, reason, on)
    )


def _why(home: Keeper, log: str, identity_hash: str, held: ParkedRecord) -> Iterator[HoldReason]:
    """By what is known now, not by what was known when the record came: it may have come before its person."""
    profile: Profile = home.profile
    if not profile.is_called(identity_hash, held.name_hash):
        yield "name_differs"
    elif log != home.log:
        yield "profile_elsewhere"


def _credits(
    policy: Policy, book: PolicyBook, home: Keeper, held: ParkedRecord, reason: HoldReason, on: date
) -> Iterator[HeldCredits]:
    clause = hold_clause(policy.settings, reason)
    if held.kind == ROSTER_ROW:
        row = msgspec.convert(held.record, ApprovedRow, strict=False)
        for day in row.days:
            yield HeldCredits(
                reason=reason,
                category=day.category,
                mode=row.mode,
                credits=day.credits,
                clause=clause,
                record=held.record_id,
            )
        return
    if held.kind != Completion.KIND:
        return
    facts = _facts(policy, home, held, on)
    if facts is None:
        # As when it is released: it counts also by the notices of the day on which it was first reported (B-25).
        then = book.policy_then(home.profile.person, policy.year, held.reported_at)
        facts = _facts(then, home, held, on) if then is not None else None
    if facts is None:
        return
    yield HeldCredits(
        reason=reason,
        category=facts.category,
        mode=facts.mode,
        credits=facts.credits,
        clause=clause,
        record=held.record_id,
    )


def _facts(policy: Policy, home: Keeper, held: ParkedRecord, on: date) -> CompletionFacts | None:
    """A completion that waits, as a policy judges it; None where it would be refused."""
    record = restore(held.kind, held.record)
    assert isinstance(record, Completion), "of its kind"
    facts = facts_of(held.provider_id, record, policy, held.content, held.reported_at)
    if isinstance(facts, Rejected):
        return None
    now = max(begins(on) + _NOON, facts.completed_at)
    return facts if Probe(policy, home.profile.person, home.account).takes(facts, now) else None
