"""Fictitious people whose names and numbers are known, and the search for any trace of them."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from urllib.parse import quote

from services.cli.demo.fictitious import FictitiousPerson

_HASHES = (hashlib.md5, hashlib.sha1, hashlib.sha256)
_HEX = re.compile(rb"[0-9a-f]{32,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{22,}")


class Search:
    """Finds the names and numbers of people in a text: plain, escaped, encoded, or hashed without a key."""

    def __init__(self, people: Sequence[FictitiousPerson]) -> None:
        self._plain: dict[bytes, str] = {}
        self._digests: dict[bytes, str] = {}
        for person in people:
            for secret in (person.name, person.id_number):
                self._plain |= dict.fromkeys(_written(secret), secret)
            for text in _hashed(person):
                self._digests |= dict.fromkeys(_digests(text), text)
        self._lengths = sorted({len(digest) for digest in self._digests})

    def traces(self, text: str) -> set[str]:
        """Whose name or number, or what made of them, stands in the text."""
        raw = text.encode(errors="surrogatepass")
        found = {secret for written, secret in self._plain.items() if written in raw}
        for token in chain(_HEX.findall(raw.lower()), _BASE64.findall(raw)):
            found |= {self._digests[part] for part in self._parts(token) if part in self._digests}
        return found

    def _parts(self, token: bytes) -> Iterator[bytes]:
        for length in self._lengths:
            for start in range(len(token) - length + 1):
                yield token[start : start + length]


def _written(secret: str) -> set[bytes]:
    """The ways in which programs write a text."""
    raw = secret.encode()
    texts = {
        secret,
        secret.lower(),
        json.dumps(secret)[1:-1],
        quote(secret),
        quote(secret).lower(),
        raw.hex(),
        base64.b64encode(raw).decode().rstrip("="),
    }
    return {text.encode() for text in texts}


def _hashed(person: FictitiousPerson) -> set[str]:
    """What somebody might hash to hide a person without a key."""
    name, number = person.name, person.id_number
    joined = {f"{first}{mark}{second}" for mark in ("", "|", ":", ",") for first, second in
              ((number, name), (name, number), ("resident_id", number))}  # fmt: skip
    return {name, number, number.lower(), *joined}


def _digests(text: str) -> Iterator[bytes]:
    for algorithm in _HASHES:
        digest = algorithm(text.encode()).digest()
        yield digest.hex().encode()
        yield base64.b64encode(digest).rstrip(b"=")
        yield base64.urlsafe_b64encode(digest).rstrip(b"=")
