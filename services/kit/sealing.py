"""Sealing of small records under a key of each subject, that key wrapped by a key-encryption key and a share.

Destroying a subject's wrapped key makes what was sealed under it unreadable; destroying its share
(`services.kit.key_shares`) makes it so in every old copy of the database too. Every record names its algorithm, and
what it is bound to (`context`) is authenticated, so that a record moved elsewhere does not open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher as Primitive
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

from services.kit.key_shares import KeyShares

KEY_SIZE = 32
NONCE_SIZE = 12
TAG_SIZE = 16

AES = "a256gcm"
SM = "sm4gcm"
STANDARD = "standard"
GM = "gm"
ALGORITHM_OF = {STANDARD: AES, GM: SM}
"""The algorithm a profile seals with."""


class Cipher(Protocol):
    """Seals under one key of 32 bytes. What it makes begins with the nonce."""

    def encrypt(self, data: bytes, bound: bytes) -> bytes: ...

    def decrypt(self, body: bytes, bound: bytes) -> bytes: ...


class _Aes:
    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def encrypt(self, data: bytes, bound: bytes) -> bytes:
        nonce = os.urandom(NONCE_SIZE)
        return nonce + self._cipher.encrypt(nonce, data, bound)

    def decrypt(self, body: bytes, bound: bytes) -> bytes:
        return self._cipher.decrypt(body[:NONCE_SIZE], body[NONCE_SIZE:], bound)


class _Sm4:
    def __init__(self, key: bytes) -> None:
        # SM4 has keys of 16 bytes: derived, so that both halves of ours count.
        self._key = SM4(_hmac(hashes.SM3(), key, b"sm4 key")[:16])

    def encrypt(self, data: bytes, bound: bytes) -> bytes:
        nonce = os.urandom(NONCE_SIZE)
        sealing = Primitive(self._key, GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(bound)
        return nonce + sealing.update(data) + sealing.finalize() + sealing.tag

    def decrypt(self, body: bytes, bound: bytes) -> bytes:
        if len(body) < NONCE_SIZE + TAG_SIZE:
            raise InvalidTag
        nonce, sealed, tag = body[:NONCE_SIZE], body[NONCE_SIZE:-TAG_SIZE], body[-TAG_SIZE:]
        opening = Primitive(self._key, GCM(nonce, tag)).decryptor()
        opening.authenticate_additional_data(bound)
        return opening.update(sealed) + opening.finalize()


def cipher_of(algorithm: str, key: bytes) -> Cipher | None:
    """The named algorithm under a key, or None when there is none of that name."""
    if algorithm == AES:
        return _Aes(key)
    return _Sm4(key) if algorithm == SM else None


def derive(algorithm: str, key: bytes, message: bytes) -> bytes:
    """A key of 32 bytes from a key and a message, by the keyed hash that goes with the algorithm."""
    return _hmac(hashes.SM3() if algorithm == SM else hashes.SHA256(), key, message)


def _hmac(algorithm: hashes.HashAlgorithm, key: bytes, message: bytes) -> bytes:
    digest = hmac.HMAC(key, algorithm)
    digest.update(message)
    return digest.finalize()


ALGORITHM = AES
"""The algorithm unless another is asked for."""

Keys = Sequence[bytes] | Callable[[], Sequence[bytes]]
"""Key-encryption keys, or where to look them up: they are looked up again for each new key and each unknown one."""


class UnsealableError(Exception):
    """A record that does not open: another key, another context, or damaged. Never says what it held."""


class DestroyedKeyError(UnsealableError):
    """The share of the subject's key is gone: nothing sealed under it will open again."""


class SubjectKey:
    """The key of one subject. Keep it no longer than the work at hand."""

    def __init__(self, key: bytes, algorithm: str = ALGORITHM) -> None:
        self._key = key
        self._algorithm = algorithm
        self._ciphers: dict[str, Cipher | None] = {}

    def seal(self, text: str, *context: str) -> str:
        """The text sealed and bound to `context` (who, which field)."""
        sealed = self._cipher(self._algorithm).encrypt(text.encode(), _bound(self._algorithm, context))
        return f"{self._algorithm}:{_encode(sealed)}"

    def open(self, record: str, *context: str) -> str:
        """The text of a record sealed under the same key and context. Raises UnsealableError."""
        algorithm, _, body = record.partition(":")
        return _decrypt(self._cipher(algorithm), _decode(body), _bound(algorithm, context)).decode()

    def seal_bytes(self, data: bytes, *context: str) -> bytes:
        """Bytes sealed likewise; the record begins with the algorithm's name and a colon."""
        sealed = self._cipher(self._algorithm).encrypt(data, _bound(self._algorithm, context))
        return self._algorithm.encode() + b":" + sealed

    def open_bytes(self, record: bytes, *context: str) -> bytes:
        """The bytes of a record of `seal_bytes`. Raises UnsealableError."""
        name, _, body = record.partition(b":")
        algorithm = name.decode("ascii", "replace")
        return _decrypt(self._cipher(algorithm), body, _bound(algorithm, context))

    def _cipher(self, algorithm: str) -> Cipher:
        if algorithm not in self._ciphers:
            self._ciphers[algorithm] = cipher_of(algorithm, self._key)
        cipher = self._ciphers[algorithm]
        if cipher is None:
            raise UnsealableError("unknown algorithm")
        return cipher


class KeyWrapper:
    """Wraps subjects' keys. The first key-encryption key wraps; the others still open what they once
    wrapped.
    """

    def __init__(self, keys: Keys, *, algorithm: str = ALGORITHM, shares: KeyShares | None = None) -> None:
        self._look_up = keys if callable(keys) else lambda: keys
        self._algorithm = algorithm
        self.shares = shares
        self._keys: dict[str, bytes] = {}
        self._current = ""
        self._refresh()

    @property
    def current(self) -> str:
        """What every record of today begins with: the algorithm and the name of the key that wraps."""
        self._refresh()
        return f"{self._algorithm}:{self._current}:"

    def new_key(self, subject: str) -> tuple[SubjectKey, str]:
        """A fresh key for the subject, and the same key wrapped, to be stored."""
        self._refresh()
        key = os.urandom(KEY_SIZE)
        number, share = (None, b"") if self.shares is None else self.shares.take()
        return SubjectKey(key, self._algorithm), self._wrap(key, subject, number, share)

    def unwrap(self, record: str, subject: str) -> SubjectKey:
        """The subject's key. Raises UnsealableError when it was wrapped for somebody else or by a key not
        held; DestroyedKeyError when its share is gone.
        """
        return SubjectKey(self._unwrap(record, subject), self._algorithm)

    def rewrap(self, record: str, subject: str) -> str:
        """The same key wrapped anew by the first key-encryption key; it keeps its share, or is given one.

        Raises UnsealableError as `unwrap` does.
        """
        key, number = self._unwrap(record, subject), share_of(record)
        if self.shares is None:
            return self._wrap(key, subject, None, b"")
        if number is None:
            number, share = self.shares.take()
        else:
            share = self._share(number)
        return self._wrap(key, subject, number, share)

    def _wrap(self, key: bytes, subject: str, number: int | None, share: bytes) -> str:
        cipher = self._wrapping(self._algorithm, self._keys[self._current], share)
        body = _encode(cipher.encrypt(key, _bound(self._algorithm, ("subject-key", subject))))
        middle = "" if number is None else f"{number}:"
        return f"{self._algorithm}:{self._current}:{middle}{body}"

    def _unwrap(self, record: str, subject: str) -> bytes:
        algorithm, _, rest = record.partition(":")
        key_id, _, rest = rest.partition(":")
        number = share_of(record)
        if key_id not in self._keys:
            self._refresh()
        key = self._keys.get(key_id)
        if key is None:
            raise UnsealableError("unknown key")
        cipher = self._wrapping(algorithm, key, b"" if number is None else self._share(number))
        body = _decode(rest.rpartition(":")[2])
        return _decrypt(cipher, body, _bound(algorithm, ("subject-key", subject)))

    def _share(self, number: int) -> bytes:
        share = None if self.shares is None else self.shares.read(number)
        if share is None:
            raise DestroyedKeyError("the share is not there")
        return share

    @staticmethod
    def _wrapping(algorithm: str, key: bytes, share: bytes) -> Cipher:
        cipher = cipher_of(algorithm, derive(algorithm, key, b"wrapping" + share) if share else key)
        if cipher is None:
            raise UnsealableError("unknown algorithm")
        return cipher

    def _refresh(self) -> None:
        keys = self._look_up()
        if not keys or any(len(key) != KEY_SIZE for key in keys):
            raise ValueError(f"a key-encryption key has {KEY_SIZE} bytes")
        self._keys = {_key_id(key): key for key in keys}
        self._current = _key_id(keys[0])


def share_of(record: str) -> int | None:
    """The number of the share a wrapped key needs besides the key-encryption key; None when it needs none."""
    parts = record.split(":")
    if len(parts) != 4 or not (parts[2].isascii() and parts[2].isdigit()):
        return None
    return int(parts[2])


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"key-id" + key).hexdigest()[:8]


def _bound(algorithm: str, context: Sequence[str]) -> bytes:
    return json.dumps([algorithm, *context], ensure_ascii=True).encode()


def _decrypt(cipher: Cipher, body: bytes, bound: bytes) -> bytes:
    try:
        return cipher.decrypt(body, bound)
    except (InvalidTag, ValueError):
        raise UnsealableError("does not open") from None


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise UnsealableError("not base64") from None
