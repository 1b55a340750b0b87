"""Where evidence files lie: a folder of sealed files, each named by the digest of what is in it.

Each file is sealed under a key of its own; the key is kept like a person's, so that erasure reaches the file in every
copy of the folder.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def key_subject(evidence_id: str) -> str:
    """What the key of a file is stored under."""
    return f"evidence:{evidence_id}"


class MissingFileError(Exception):
    """A file that is on record is not in the folder, or is not what was put there."""


class EvidenceStore:
    """The folder. Its methods block: call them in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, sealed: bytes) -> str:
        """Store a sealed file, durably, and give its name."""
        name = hashlib.sha256(sealed).hexdigest()
        path = self._path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        return name

    def get(self, name: str) -> bytes:
        """A sealed file by its name. Raises MissingFileError."""
        try:
            sealed = self._path(name).read_bytes()
        except OSError:
            raise MissingFileError("not in the folder") from None
        if hashlib.sha256(sealed).hexdigest() != name:
            raise MissingFileError("not what was put there")
        return sealed

    def delete(self, names: Iterable[str]) -> None:
        """Delete files; one that is not there is deleted already."""
        for name in names:
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name[2:4] / name
