"""Who may read the registry's feed: it tells of everybody, wherever they are."""

from typing import Annotated

from fastapi import Depends, Request

from contracts.divisions import NATION
from services.kit.auth import Caller, require
from services.registry.problems import OutsidePlaceError

_reader = require("feed:read")


def feed_reader(request: Request, caller: Annotated[Caller, Depends(_reader)]) -> Caller:
    """The services and the nation's officials; where the log ends is no secret to others.

    Raises OutsidePlaceError for an organization and for an official of a smaller place.
    """
    whole = caller.organization is None and caller.place in (None, NATION)
    if request.path_params.get("log") is not None and not whole:
        raise OutsidePlaceError
    return caller
