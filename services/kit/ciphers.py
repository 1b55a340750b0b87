"""The algorithms that seal records, each by the name that stands in every record it made.

`a256gcm` is AES-256-GCM with HMAC-SHA-256; `sm4gcm` is SM4-GCM with HMAC-SM3 (GB/T 32907, GB/T 32905), the profile
国密. What one sealed the other does not open, but a store may hold records of both.
"""

from __future__ import annotations

import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher as Primitive
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

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
