"""Merges of profiles, as the registry tells of them: the accounts, the open claims and the judged years of one profile
become another's of the same person, in one transaction.

Whoever writes to the log at that moment decides again (the merge binds), and the merge itself is decided again when
anything of the profile has come in meanwhile: so nothing is lost between the two.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from contracts import registry
from services.ledger.policy import PolicyBook, Rejected
from services.ledger.reactions.effects import Effects
from services.ledger.store.claims import append_to_claim, open_claims_of
from services.ledger.store.unit import release_waiting
from services.ledger.streams import merge
from services.ledger.streams.account import rejected
from services.ledger.streams.claim import ClaimReassigned
from services.ledger.streams.facts import FactCountedError
from services.ledger.streams.profile import Profile
from services.ledger.streams.profile_events import ProfileAbsorbed, ProfileMerged

_YEARS = "select year from accounts where log = $1 and person_id = $2 order by year"


class Merges:
    """The merges of one batch of the registry's facts, in one log."""

    def __init__(self, effects: Effects, book: PolicyBook) -> None:
        self._effects = effects
        self._unit = effects.unit
        self._book = book

    async def carry_out(self, facts: Sequence[registry.ProfilesMerged]) -> None:
        """Merge the profiles of the facts, one pair after the other; nothing where they are merged already, or not both are
        here.
        """
        for fact in facts:
            kept, other = self._effects.profile(fact.person_id), self._effects.profile(fact.merged_id)
            if kept is not None and other is not None and other.merged is None:
                await self._merge(kept, other, fact.merged_at.astimezone(UTC))

    async def _merge(self, kept: Profile, other: Profile, at: datetime) -> None:
        unit, merged_id = self._unit, other.person.person_id
        years = await self._years_of(merged_id)
        await unit.read_further_accounts(kept.person.person_id, years)
        await unit.read_further_accounts(merged_id, years)
        self._join(kept, other, at)
        for year in years:
            self._merge_year(kept, merged_id, year, at)
        for entry in await open_claims_of(unit.conn, unit.log, merged_id):
            event = ClaimReassigned(
                claim_id=entry.state.claim_id,
                person_id=kept.person.person_id,
                place=kept.person.place,
                merged_id=merged_id,
                at=at,
            )
            await append_to_claim(unit, entry, event)

        async def nothing_more() -> bool:
            """No further year of the merged profile, and no claim, has come in meanwhile."""
            claims = await open_claims_of(unit.conn, unit.log, merged_id)
            return not claims and await self._years_of(merged_id) == years

        unit.confirm(nothing_more)
        unit.binding = True

    async def _years_of(self, person_id: str) -> list[int]:
        return [row[0] for row in await self._unit.conn.fetch(_YEARS, self._unit.log, person_id)]

    def _join(self, kept: Profile, other: Profile, at: datetime) -> None:
        """Say in both profiles' streams that they are one; a guard of the merged one's departure ends with it."""
        person_id, merged_id = kept.person.person_id, other.person.person_id
        if other.departing is not None:
            self._effects.lift(merged_id, other.departing.transfer_id)
        self._effects.note(merged_id, ProfileMerged(person_id=merged_id, into=person_id, merged_at=at))
        absorbed = ProfileAbsorbed(
            person_id=person_id,
            merged_id=merged_id,
            judged=other.judged,
            absorbed=other.absorbed,
            transfer_id=other.arrived,
            merged_at=at,
        )
        self._effects.note(person_id, absorbed)

    def _merge_year(self, kept: Profile, merged_id: str, year: int, at: datetime) -> None:
        """Take one year over, and let each real fact count once."""
        unit, place = self._unit, kept.person.place
        entry, other = unit.account(kept.person.person_id, year), unit.account(merged_id, year)
        policy = self._book.policy_for(kept.person, year)
        found = merge.duplicates_of(entry.account, other.account, policy)
        taken = merge.absorbed(entry.account, other.account, at)
        unit.append_to_account(other, merge.emptied(other.account, kept.person.person_id, at))
        unit.append_to_account(entry, taken)
        for credit, first in found.credits:
            unit.append_to_account(entry, merge.duplicated(entry.account, credit, first, at))
        for item in found.waiting:
            refused = Rejected(FactCountedError.code, None)
            unit.append_to_account(entry, rejected(item, entry.account, refused, unit.now))
        if policy is not None:
            release_waiting(unit, policy, entry, place)
