"""What may be asked about recognition: imperative, immutable, complete."""

from msgspec import Struct


class NamedCredit(Struct, frozen=True, kw_only=True):
    """A credit and the account it is in."""

    person_id: str
    year: int
    credit_id: str


class RecogniseCredits(Struct, frozen=True, kw_only=True):
    """An authority recognises the credits named, of persons of its place (S4-03)."""

    credits: tuple[NamedCredit, ...]
    authority: str
    decided_by: str


class RecogniseWorklist(Struct, frozen=True, kw_only=True):
    """An authority recognises all that awaits it in a place and year, of the next `limit` people after one of them."""

    place: str
    year: int
    after: str | None
    limit: int
    authority: str
    decided_by: str
