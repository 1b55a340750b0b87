"""Evidence files that hold nothing: the smallest that pass for what they say they are."""

import itertools

_numbers = itertools.count(1)


def pdf(size: int = 20_000) -> bytes:
    """A document of so many bytes, unlike every other."""
    return _filled(b"%PDF-1.7\n", b"\n%%EOF\n", size)


def jpeg(size: int = 10_000) -> bytes:
    """A photo likewise."""
    return _filled(b"\xff\xd8\xff\xe0", b"\xff\xd9", size)


def png(size: int = 10_000) -> bytes:
    """An image likewise."""
    return _filled(b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82", size)


def _filled(beginning: bytes, ending: bytes, size: int) -> bytes:
    number = f"{next(_numbers)}".encode()
    return beginning + number.ljust(size - len(beginning) - len(ending), b" ") + ending
