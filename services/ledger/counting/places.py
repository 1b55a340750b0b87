"""Places of a count: which logs and codes lie under a place, and which child of it another place belongs to."""

from collections.abc import Sequence

from contracts.divisions import AUTHORITIES, NATION, UnknownDivisionError, authority_of, chain_of, name_of


def logs_of(place: str) -> Sequence[str]:
    """The logs that hold the people of a place: all of them for the nation, else that of its authority."""
    return AUTHORITIES if place == NATION else (authority_of(place),)


def child_of(place: str, inner: str) -> str:
    """The place just under the one asked about that holds the inner one.

    Whoever belongs to the place itself and to none under it is counted as its own child, so that the sum of the
    children is the place's own.
    """
    if inner == place:
        return inner
    chain = chain_of(inner)
    return chain[chain.index(place) - 1] if place in chain else inner


def label_of(place: str) -> str:
    """The place's own name, or its code where it has none."""
    try:
        return name_of(place)
    except UnknownDivisionError:
        return place
