"""Callers of the ledger: the place that an official answers for."""

from contracts.divisions import is_known
from services.kit.auth import Caller
from services.ledger.streams.problems import NotAnOfficialError


def place_of(caller: Caller) -> str:
    """The place an official answers for. Raises NotAnOfficialError for anybody else."""
    if caller.place is None or not is_known(caller.place):
        raise NotAnOfficialError
    return caller.place
