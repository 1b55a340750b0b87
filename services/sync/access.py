"""Access to deliveries: an official those of their place and of all under it, nobody else any."""

from contracts.divisions import contains, is_known
from services.kit.auth import Caller
from services.sync.problems import OutsidePlaceError, UnknownPlaceError


def place_of(caller: Caller) -> str:
    """The place the caller is bound to. Raises OutsidePlaceError for who is bound to none, or to an organization."""
    if caller.place is None or caller.organization is not None or not is_known(caller.place):
        raise OutsidePlaceError
    return caller.place


def must_cover(caller: Caller, place: str | None) -> str:
    """The place asked about, the caller's own when none is. Raises OutsidePlaceError and UnknownPlaceError."""
    own = place_of(caller)
    if place is None:
        return own
    if not is_known(place):
        raise UnknownPlaceError
    if not contains(own, place):
        raise OutsidePlaceError
    return place
