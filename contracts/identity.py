"""Keyed hashes of identity: how two services recognise the same person without keeping who it is.

An ID number has so few possible values that an unkeyed hash of it gives the number away; these hashes are
worth nothing without the deployment's key, which the registry and the ledger both hold.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from base64 import urlsafe_b64encode

KEY_BYTES_MIN = 32
ALGORITHM = "hs256"
HASH_PATTERN = r"^hs256:[A-Za-z0-9_-]{43}$"
"""What a hash looks like; the algorithm is named in the value, so that another can follow it."""

_DOTS = str.maketrans(dict.fromkeys("•‧∙・･⋅᛫。．.", "·"))

_PLAIN = re.compile("[\u4e00-\u9fff]+")
"""Most names by far: nothing in them folds."""


def normalise_id_number(id_number: str) -> str:
    """The number as it is hashed: no space around or within, capitals."""
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


class IdentityHasher:
    """Hashes identities under one secret key.

    The hash of a person is of the document's type and number; the hash of a name is bound to the number too,
    so that equal names of two people have different hashes and a list of common names opens nothing.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES_MIN:
            raise ValueError(f"the identity key must have at least {KEY_BYTES_MIN} bytes")
        self._key = key

    def person(self, id_type: str, id_number: str) -> str:
        """The hash that finds a person: `hs256:` and 43 characters of base64url."""
        return self._hash("person", id_type, normalise_id_number(id_number))

    def name(self, id_type: str, id_number: str, name: str) -> str:
        """The hash that tells whether a name belongs to a number."""
        return self._hash("name", id_type, normalise_id_number(id_number), normalise_name(name))

    def _hash(self, *parts: str) -> str:
        # A length before each part keeps ("ab", "c") and ("a", "bc") apart.
        message = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))
        digest = hmac.digest(self._key, message, "sha256")
        return f"{ALGORITHM}:{urlsafe_b64encode(digest).rstrip(b'=').decode()}"
