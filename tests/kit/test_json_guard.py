"""The look at a body before a route: what it costs grows with the body's size and no faster, whatever is written in it.

Cost is counted in calls, which no clock of a shared machine disturbs.
"""

import sys
from collections.abc import Callable
from contextlib import suppress

import pytest

from services.kit.errors import Problem
from services.kit.json_guard import MEMBERS_MAX, MalformedBodyError, check_json

SIZE = 300
BODIES: dict[str, Callable[[int], bytes]] = {
    "unknown members": lambda size: b"{" + b",".join(b'"k%d":1' % number for number in range(size)) + b"}",
    "one member twice among many": lambda size: (
        b'{"a":1,"a":2,' + b",".join(b'"k%d":1' % number for number in range(size)) + b"}"
    ),
    "every member twice": lambda size: (
        b"{" + b",".join(b'"k%d":1,"k%d":2' % (number, number) for number in range(size)) + b"}"
    ),
    "names that are numbers": lambda size: (
        b"{" + b",".join(b'"%d":1' % (2305843009213693951 * number) for number in range(size)) + b"}"
    ),
    "objects within each other": lambda size: b'{"a":' * size + b"1" + b"}" * size,
    "people within each other": lambda size: (
        b'{"id_number":"1","name":"a b","x":' * size + b'"a c"' + b"}" * size
    ),
    "people beside each other": lambda size: (
        b"{"
        + b",".join(b'"p%d":{"id_number":"1","name":"a b %d"}' % (n, n) for n in range(size))
        + b',"x":["a",'
        + b",".join([b'"a"'] * size)
        + b"]}"
    ),
    "rows of people": lambda size: (
        b'{"rows":[' + b",".join([b'{"p":{"id_number":"1","name":"a b"},"t":"a c"}'] * size) + b"]}"
    ),
    "digits with blanks": lambda size: b'{"a":"' + b"1 " * size * 10 + b'"}',
    "digits with dots": lambda size: b'{"a":"' + b"1.," * size * 10 + b'"}',
    "digits and letters alike": lambda size: b'{"a":"' + b"O1" * size * 10 + b'"}',
    "almost passports": lambda size: b'{"a":"' + b"E 1 2 3 4 5 6 7 " * size + b'"}',
    "almost ids": lambda size: b'{"a":"' + b"00000000-" * size + b'"}',
    "spelt digits": lambda size: ('{"a":"' + "一" * size * 10 + '"}').encode(),
    "marks upon digits": lambda size: ('{"a":"' + "1\u0300" * size * 10 + '"}').encode(),
}


def calls_of(body: bytes) -> int:
    """How many functions are called, of Python and of C, by a look at a body."""
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    sys.setprofile(count)
    try:
        with suppress(Problem):
            check_json(body)
    finally:
        sys.setprofile(None)
    return counted


@pytest.mark.parametrize("kind", BODIES)
def test_twice_the_body_costs_twice_as_much(kind: str) -> None:
    calls_of(BODIES[kind](10))
    once, twice = (calls_of(BODIES[kind](size)) for size in (SIZE, 2 * SIZE))
    assert twice < 2.3 * once + 200


@pytest.mark.parametrize("kind", BODIES)
def test_a_character_costs_a_few_calls_at_most(kind: str) -> None:
    body = BODIES[kind](SIZE)
    assert calls_of(body) < 8 * len(body) + 2_000


def test_more_members_than_any_route_takes_are_refused_before_they_are_built() -> None:
    with pytest.raises(MalformedBodyError):
        check_json(b"[" + b",".join([b"1"] * (MEMBERS_MAX + 2)) + b"]")
