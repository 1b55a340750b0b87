"""Sealing of small records: AES-256-GCM under a key of each subject, that key wrapped by a key-encryption
key.

Destroying a subject's wrapped key makes everything sealed under it unreadable. Every record names its
algorithm, and what it is bound to (`context`) is authenticated, so that a record moved elsewhere does not
open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ALGORITHM = "a256gcm"
KEY_SIZE = 32

_NONCE_SIZE = 12


class UnsealableError(Exception):
    """A record that does not open: another key, another context, or damaged. Never says what it held."""


class SubjectKey:
    """The key of one subject. Keep it no longer than the work at hand."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, text: str, *context: str) -> str:
        """The text sealed and bound to `context` (who, which field)."""
        nonce = os.urandom(_NONCE_SIZE)
        sealed = self._cipher.encrypt(nonce, text.encode(), _bound(context))
        return f"{ALGORITHM}:{_encode(nonce + sealed)}"

    def open(self, record: str, *context: str) -> str:
        """The text of a record sealed under the same key and context. Raises UnsealableError."""
        algorithm, _, body = record.partition(":")
        if algorithm != ALGORITHM:
            raise UnsealableError("unknown algorithm")
        return _decrypt(self._cipher, _decode(body), _bound(context)).decode()


class KeyWrapper:
    """Wraps subjects' keys. The first key-encryption key wraps; the others still open what they once
    wrapped.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_SIZE for key in keys):
            raise ValueError(f"a key-encryption key has {KEY_SIZE} bytes")
        self._ciphers = {_key_id(key): AESGCM(key) for key in keys}
        self._current = _key_id(keys[0])

    def new_key(self, subject: str) -> tuple[SubjectKey, str]:
        """A fresh key for the subject, and the same key wrapped, to be stored."""
        key = AESGCM.generate_key(bit_length=KEY_SIZE * 8)
        nonce = os.urandom(_NONCE_SIZE)
        wrapped = self._ciphers[self._current].encrypt(nonce, key, _bound(("subject-key", subject)))
        return SubjectKey(key), f"{ALGORITHM}:{self._current}:{_encode(nonce + wrapped)}"

    def unwrap(self, record: str, subject: str) -> SubjectKey:
        """The subject's key. Raises UnsealableError when it was wrapped for somebody else or by a key not
        held.
        """
        algorithm, _, rest = record.partition(":")
        key_id, _, body = rest.partition(":")
        cipher = self._ciphers.get(key_id)
        if algorithm != ALGORITHM or cipher is None:
            raise UnsealableError("unknown algorithm or key")
        return SubjectKey(_decrypt(cipher, _decode(body), _bound(("subject-key", subject))))


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"key-id" + key).hexdigest()[:8]


def _bound(context: Sequence[str]) -> bytes:
    return json.dumps([ALGORITHM, *context], ensure_ascii=True).encode()


def _decrypt(cipher: AESGCM, body: bytes, bound: bytes) -> bytes:
    try:
        return cipher.decrypt(body[:_NONCE_SIZE], body[_NONCE_SIZE:], bound)
    except (InvalidTag, ValueError):
        raise UnsealableError("does not open") from None


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise UnsealableError("not base64") from None
