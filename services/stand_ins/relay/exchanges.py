"""The memory of a relay: every exchange with its state, what is new for whom, and what each end has acknowledged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from contracts.handover import Handover
from contracts.relay import Exchange, ExchangeState, Offer, Step, StepName

ORIGIN, DESTINATION = "origin", "destination"

_STEPS: Final[Mapping[StepName, tuple[frozenset[ExchangeState], ExchangeState, str]]] = {
    "recall": (frozenset({"offered"}), "recalled", ORIGIN),
    "receipt": (frozenset({"offered"}), "fetched", DESTINATION),
    "refusal": (frozenset({"fetched"}), "refused", DESTINATION),
    "confirmation": (frozenset({"fetched"}), "confirmed", DESTINATION),
    "cancellation": (frozenset({"fetched", "confirmed"}), "cancelled", ORIGIN),
    "completion": (frozenset({"handed_over"}), "completed", DESTINATION),
}
"""Of each step: the states it may be taken in, the state it leads to, and whose step it is."""
_PERSON_IS_NEEDED: Final = frozenset({"offered", "fetched"})


@dataclass
class _Kept:
    offer: Offer | None
    transfer_id: str
    authorities: Mapping[str, str]
    state: ExchangeState = "offered"
    reason: str | None = None
    revision: int = 1
    handovers: dict[int, Handover] = field(default_factory=dict)
    news: dict[str, int] = field(default_factory=lambda: {ORIGIN: 0, DESTINATION: 1})
    read: dict[str, int] = field(default_factory=lambda: {ORIGIN: 0, DESTINATION: 0})
    changed: int = 0

    def end_of(self, authority: str) -> str:
        return ORIGIN if authority == self.authorities[ORIGIN] else DESTINATION

    def readers(self, authorities: Iterable[str], *, read_too: bool) -> Iterator[str]:
        """The ends, among those of the authorities, that have something to read; or all of them."""
        for end, authority in self.authorities.items():
            if authority in authorities and (read_too or self.read[end] < self.news[end]):
                yield end


class ExchangeUnknownError(LookupError):
    """No such exchange was ever offered."""


class OfferContradictsError(ValueError):
    """A transfer of this id is offered between other authorities already."""


class Exchanges:
    """Every exchange of a relay; each method answers with the exchange as it stands afterwards."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._changes = 0

    def offer(self, offer: Offer) -> Exchange:
        """Take an offer; the first of a transfer stands. Raises OfferContradictsError."""
        authorities = {ORIGIN: offer.from_authority, DESTINATION: offer.to_authority}
        kept = self._kept.get(offer.transfer_id)
        if kept is None:
            kept = _Kept(offer, offer.transfer_id, authorities, changed=self._next())
            self._kept[offer.transfer_id] = kept
        elif kept.authorities != authorities:
            raise OfferContradictsError
        return _seen(kept, ORIGIN)

    def look(self, transfer_id: str) -> Exchange:
        """The exchange, without the person. Raises ExchangeUnknownError."""
        return _seen(self._of(transfer_id), ORIGIN)

    def step(self, transfer_id: str, step: Step) -> Exchange:
        """Take a step, when the state allows it. Raises ExchangeUnknownError."""
        kept = self._of(transfer_id)
        before, after, by = _STEPS[step.step]
        if kept.state in before:
            kept.state, kept.reason = after, step.reason
            self._tell(kept, DESTINATION if by == ORIGIN else ORIGIN)
        return _seen(kept, by)

    def hand_over(self, transfer_id: str, handover: Handover) -> Exchange:
        """Take the handover, or a late supplement of it. Raises ExchangeUnknownError."""
        kept = self._of(transfer_id)
        first = kept.state == "confirmed" and handover.sequence == 0
        later = kept.state in ("handed_over", "completed") and handover.sequence not in kept.handovers
        if first or later:
            kept.handovers[handover.sequence] = handover
            kept.state = "handed_over" if first else kept.state
            self._tell(kept, DESTINATION)
        return _seen(kept, ORIGIN)

    def acknowledge(self, transfer_id: str, authority: str, revision: int) -> Exchange:
        """Note that an end has stored what a revision said. Raises ExchangeUnknownError."""
        kept = self._of(transfer_id)
        end = kept.end_of(authority)
        kept.read[end] = max(kept.read[end], min(revision, kept.revision))
        if end == DESTINATION and kept.state not in ("offered",):
            # Whoever has taken the person in needs no second copy of who it is.
            kept.offer = None
        return _seen(kept, end)

    def mail(self, authorities: Iterable[str], *, read_too: bool = False) -> list[Exchange]:
        """What is new for the authorities, oldest first; with `read_too` what they have acknowledged as well."""
        wanted = frozenset(authorities)
        return [
            _seen(kept, end)
            for kept in sorted(self._kept.values(), key=lambda each: each.changed)
            for end in kept.readers(wanted, read_too=read_too)
        ]

    def _of(self, transfer_id: str) -> _Kept:
        kept = self._kept.get(transfer_id)
        if kept is None:
            raise ExchangeUnknownError
        return kept

    def _tell(self, kept: _Kept, end: str) -> None:
        kept.revision += 1
        kept.news[end] = kept.revision
        kept.changed = self._next()
        if kept.state not in _PERSON_IS_NEEDED:
            kept.offer = None

    def _next(self) -> int:
        self._changes += 1
        return self._changes


def _seen(kept: _Kept, end: str) -> Exchange:
    """The exchange as one end may see it."""
    arrives = end == DESTINATION
    return Exchange(
        transfer_id=kept.transfer_id,
        revision=kept.revision,
        state=kept.state,
        reason=kept.reason,
        from_authority=kept.authorities[ORIGIN],
        to_authority=kept.authorities[DESTINATION],
        seen_by=kept.authorities[end],
        offer=kept.offer if arrives else None,
        handovers=tuple(kept.handovers[each] for each in sorted(kept.handovers)) if arrives else (),
    )
