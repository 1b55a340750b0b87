"""Keyed hashes of identity: how two services recognise the same person without keeping who it is.

An ID number has so few possible values that an unkeyed hash of it gives the number away; these hashes are
worth nothing without the deployment's key, which the registry and the ledger both hold.
"""

from __future__ import annotations

import re
import unicodedata
from binascii import b2a_base64
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

KEY_BYTES_MIN = 32
ALGORITHM = "hs256"
"""HMAC-SHA-256, the algorithm unless another is asked for."""
ALGORITHM_SM = "hsm3"
"""HMAC-SM3 (GB/T 32905), of the profile 国密."""
ALGORITHMS = (ALGORITHM, ALGORITHM_SM)
HASH_PATTERN = r"^(?:hs256|hsm3):[A-Za-z0-9_-]{43}$"
"""What a hash looks like; the algorithm is named in the value. A deployment uses one of them for ever: the same
person under the other would be somebody else."""

_BLOCK_BYTES = 64
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_DOTS = str.maketrans(dict.fromkeys("•‧∙・･⋅᛫。．.", "·"))

_PLAIN = re.compile("[\u4e00-\u9fff]+")
"""Most names by far: nothing in them folds."""


def normalise_id_number(id_number: str) -> str:
    """The number as it is hashed: no space around or within, capitals."""
    if id_number.isascii() and id_number.isalnum():
        return id_number.upper()
    return "".join(id_number.split()).upper()


def normalise_name(name: str) -> str:
    """The name as it is hashed: one form for composed characters, widths, case, blanks and dots.

    Blanks between Chinese characters are typists' padding (`张 三`) and go; between Latin words one is kept.
    """
    if _PLAIN.fullmatch(name):
        return name
    words = _fold(name).translate(_DOTS).split()
    joiner = " " if all(word.isascii() for word in words) else ""
    # An accent that stood apart may meet its letter only now.
    return _fold(joiner.join(words))


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).casefold()


def algorithm_of(profile: str, chosen: str | None) -> str:
    """The algorithm of a deployment: the one chosen, else that of its profile (`standard` or `gm`, 国密)."""
    return chosen or (ALGORITHM_SM if profile == "gm" else ALGORITHM)


class IdentityHasher:
    """Hashes identities under one secret key.

    The hash of a person is of the document's type and number; the hash of a name is bound to the number too,
    so that equal names of two people have different hashes and a list of common names opens nothing.
    """

    __slots__ = ("_inner", "_outer", "_sm", "algorithm")

    def __init__(self, key: bytes, algorithm: str = ALGORITHM) -> None:
        if algorithm not in ALGORITHMS:
            raise ValueError(f"the algorithm must be one of {', '.join(ALGORITHMS)}")
        self.algorithm = algorithm
        self._sm = HMAC(key, SM3()) if algorithm == ALGORITHM_SM else None
        if len(key) < KEY_BYTES_MIN:
            raise ValueError(f"the identity key must have at least {KEY_BYTES_MIN} bytes")
        # HMAC-SHA256 (RFC 2104) with the key taken in once: half the cost of `hmac.digest` for a short message.
        block = (key if len(key) <= _BLOCK_BYTES else sha256(key).digest()).ljust(_BLOCK_BYTES, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def person(self, id_type: str, id_number: str) -> str:
        """The hash that finds a person: the algorithm's name, a colon and 43 characters of base64url."""
        return self._hash(_framed("person", id_type) + _frame(normalise_id_number(id_number)))

    def name(self, id_type: str, id_number: str, name: str) -> str:
        """The hash that tells whether a name belongs to a number."""
        return self.person_and_name(id_type, id_number, name)[1]

    def person_and_name(self, id_type: str, id_number: str, name: str) -> tuple[str, str]:
        """Both hashes of one document."""
        number = _frame(normalise_id_number(id_number))
        person = self._hash(_framed("person", id_type) + number)
        return person, self._hash(_framed("name", id_type) + number + _frame(normalise_name(name)))

    def _hash(self, message: bytes) -> str:
        if self._sm is not None:
            digest = self._sm.copy()
            digest.update(message)
            return f"{ALGORITHM_SM}:{_text(digest.finalize())}"
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return f"{ALGORITHM}:{_text(outer.digest())}"


def _text(digest: bytes) -> str:
    return b2a_base64(digest, newline=False).translate(_URLSAFE, b"=").decode()


def _frame(part: str) -> bytes:
    """The part after its length, which keeps ("ab", "c") and ("a", "bc") apart."""
    raw = part.encode()
    return len(raw).to_bytes(4, "big") + raw


@lru_cache(maxsize=64)
def _framed(purpose: str, id_type: str) -> bytes:
    return _frame(purpose) + _frame(id_type)
