"""A file of random shares, kept outside the database: half of what wraps each subject's key.

A database is backed up for years, and a deleted row lives on in every copy. Whoever restores a copy needs the share
as well, and a destroyed share is in no copy: the file itself is mirrored, never kept in versions.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterable
from pathlib import Path

SHARE_SIZE = 32
AHEAD = 64
"""Shares taken at a time: one fsync for many keys. Those left over when a process ends are never used."""

_DESTROYED = bytes(SHARE_SIZE)


class KeySharesError(Exception):
    """The file of shares cannot be used; the message says why."""


class KeyShares:
    """Shares by number, from 1. The first 32 bytes of the file name it and are no share.

    Any number of processes may use one file; each taking of numbers holds the file's lock.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises KeySharesError."""
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._begin()
        except OSError as error:
            raise KeySharesError(f"the file of key shares cannot be used: {error.strerror}") from None
        self._ahead: list[int] = []
        self._lock = threading.Lock()

    @property
    def store_id(self) -> str:
        """The name of this very file, the same in each mirror of it."""
        return os.pread(self._file, SHARE_SIZE, 0).hex()

    def take(self) -> tuple[int, bytes]:
        """A share nobody has had, and its number; it is on disk."""
        with self._lock:
            if not self._ahead:
                self._ahead = self._append(AHEAD)
            number = self._ahead.pop()
        share = self.read(number)
        if share is None:
            raise KeySharesError("a share that was just written cannot be read")
        return number, share

    def read(self, number: int) -> bytes | None:
        """The share of a number, or None when it was destroyed or never taken."""
        if number < 1:
            return None
        share = os.pread(self._file, SHARE_SIZE, number * SHARE_SIZE)
        return share if len(share) == SHARE_SIZE and share != _DESTROYED else None

    def destroy(self, numbers: Iterable[int]) -> None:
        """Overwrite shares, for good, and wait until that is on disk; safe to repeat."""
        for number in numbers:
            if self.read(number) is not None:
                os.pwrite(self._file, _DESTROYED, number * SHARE_SIZE)
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _begin(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            if os.fstat(self._file).st_size < SHARE_SIZE:
                os.pwrite(self._file, os.urandom(SHARE_SIZE), 0)
                os.fsync(self._file)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _append(self, count: int) -> list[int]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            # A write that a crash cut short leaves part of a share, which nobody was told of.
            first = -(-os.fstat(self._file).st_size // SHARE_SIZE)
            os.pwrite(self._file, os.urandom(SHARE_SIZE * count), first * SHARE_SIZE)
            os.fsync(self._file)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        return list(range(first + count - 1, first - 1, -1))
