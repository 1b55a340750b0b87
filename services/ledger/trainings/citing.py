"""Whether a provider's completion of a training may be registered by itself: where the notice wants trainings filed before
they are held, it cites the filing (S1-14, S3B-10, S2B-13)."""

from collections.abc import Mapping

from services.kit.clock import local_date
from services.kit.errors import Problem
from services.ledger.policy import Account, CompletionFacts, Credit, Policy, Rejected
from services.ledger.trainings.filing import TrainingFiling
from services.ledger.trainings.terms import FilingTerms


def unfiled(
    policy: Policy, facts: CompletionFacts, filing_id: str | None, filings: Mapping[str, TrainingFiling]
) -> Rejected | None:
    """Why a completion lacks the filing that the notice demands of its mode; None when it demands none, or the one cited is
    of this provider and year, came before its first hour, and has a session that ended on this day."""
    before = policy.filed_first(facts.mode)
    if before is None:
        return None
    if filing_id is None:
        return Rejected("filing-needed", before.clause, {"mode": facts.mode})
    filing = filings.get(filing_id)
    if filing is None or not _is_of(filing, facts) or not _came_before(policy, filing):
        return Rejected("filing-not-suitable", before.clause)
    return None


def _is_of(filing: TrainingFiling, facts: CompletionFacts) -> bool:
    day = local_date(facts.completed_at)
    return (
        filing.organization_id == facts.provider_id
        and filing.year == facts.year
        and filing.mode == facts.mode
        and any(local_date(session.ends_at) == day for session in filing.sessions)
    )


def _came_before(policy: Policy, filing: TrainingFiling) -> bool:
    try:
        FilingTerms(policy, filing.mode).must_have_come_before(filing, filing.ends_at)
    except Problem:
        return False
    return True


def counted_by_roster(account: Account, facts: CompletionFacts) -> Credit | None:
    """The credit by which a roster of the same organization, mode and day has counted this study already (A-15)."""
    day = local_date(facts.completed_at)
    return next(
        (
            credit
            for credit in account.credits
            if credit.route == "roster"
            and credit.state == "registered"
            and credit.provider == facts.provider_id
            and credit.mode == facts.mode
            and local_date(credit.completed_at) == day
        ),
        None,
    )
