"""Parts of an archive as streams of XML that end early: bytes, depth and length of a tag are bounded for every reader.

Standard library only, as for all that the child process of an upload loads.
"""

import zipfile
from collections.abc import Iterator, Mapping
from xml.parsers import expat

from services.kit.table_cells import Unreadable

UNPACKED_BYTES_MAX = 32 * 1024 * 1024
PARTS_MAX = 2000
DEPTH_MAX = 32
TOKEN_BYTES_MAX = 1024 * 1024
_CHUNK = 64 * 1024


class Parts:
    """The parts of the archive, read in pieces from one budget of bytes; what a part says of its size is not believed."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        if len(archive.infolist()) > PARTS_MAX:
            raise Unreadable("too_many_parts", limit=PARTS_MAX)
        self._archive = archive
        self._left = UNPACKED_BYTES_MAX

    def has(self, name: str) -> bool:
        return name in self._archive.NameToInfo

    def pieces(self, name: str) -> Iterator[bytes]:
        part = self._archive.getinfo(name)
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable("broken")
        with self._archive.open(part) as stream:
            while piece := stream.read(_CHUNK):
                self._left -= len(piece)
                if self._left < 0:
                    raise Unreadable("unpacked_too_large", limit=UNPACKED_BYTES_MAX // 2**20)
                yield piece


class XmlReader:
    """Expat with a bound of depth; subclasses take elements by their local name, whatever their prefix."""

    def __init__(self) -> None:
        self._depth = 0
        self.done = False
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._enter
        self._parser.EndElementHandler = self._leave
        self._parser.CharacterDataHandler = self.text

    def read(self, pieces: Iterator[bytes]) -> None:
        fed = 0
        for piece in pieces:
            fed += len(piece)
            self._parser.Parse(piece, False)
            if self.done:
                return
            if fed - self._parser.CurrentByteIndex > TOKEN_BYTES_MAX:
                raise Unreadable(
                    "endless_token", limit=TOKEN_BYTES_MAX // 2**20
                )  # older parsers take its square
        self._parser.Parse(b"", True)

    def _refuse(self, *_: object) -> None:
        raise Unreadable("document_type")

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise Unreadable("too_deep", limit=DEPTH_MAX)
        if not self.done:
            self.start(name.rpartition(":")[2], attributes)

    def _leave(self, name: str) -> None:
        self._depth -= 1
        if not self.done:
            self.end(name.rpartition(":")[2])

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Characters between elements."""
