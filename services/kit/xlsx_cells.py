"""XLSX as rows of cells: a stream over its parts that never holds a sheet whole and runs nothing in it.

Numbers stay text of digits, dates are told by their formats (ECMA-376, 18.8.30), strings are unescaped, and every
part is bounded: bytes unpacked, parts, sheets, strings, depth. Document types, and so entities, are refused.
"""

import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from xml.parsers import expat

from services.kit import table_cells as cells
from services.kit.table_cells import CELL_LENGTH_MAX, Cell, Merge, Sheet, Unreadable, Wanted
from services.kit.xml_parts import PARTS_MAX, Parts, XmlReader

SHEETS_MAX = 200
STRINGS_MAX = 200_000
STYLES_MAX = 64_000
_MERGE_TEXT = re.compile(r"([A-Z]{1,3})([0-9]{1,7})(?::([A-Z]{1,3})([0-9]{1,7}))?", re.ASCII)
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_NOT_SHOWN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DATE_STYLES = frozenset({14, 15, 16, 17, 22, *range(27, 32), 36, *range(50, 55), 57, 58})
_TIME_STYLES = frozenset({*range(18, 22), *range(32, 36), *range(45, 48), 55, 56})
_LAST_SERIAL = 2_958_465  # 9999-12-31
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, expat.ExpatError, EOFError, OSError, RuntimeError,
    NotImplementedError, LookupError, ValueError,
)  # fmt: skip


def xlsx_sheets(body: bytes, wanted: Wanted) -> list[Sheet]:
    """The visible sheets of a workbook with their first rows. Raises Unreadable."""
    if body.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable("old_or_locked")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return _Workbook(archive).sheets(wanted)
    except _BROKEN:
        raise Unreadable("broken") from None


class _Relations(XmlReader):
    """The parts that a part names, by id: (kind, address)."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self._base = base
        self.targets: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            if len(self.targets) > PARTS_MAX:
                raise Unreadable("too_many_parts", limit=PARTS_MAX)
            address = posixpath.normpath(posixpath.join(self._base, attributes["Target"]))
            kind = attributes["Type"].rpartition("/")[2]
            self.targets[attributes["Id"]] = (kind, address.lstrip("/"))


class _Contents(XmlReader):
    """The sheets of the workbook in order (name, relation, visible), and which calendar its dates count by."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str, bool]] = []
        self.from_1904 = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "workbookPr":
            self.from_1904 = attributes.get("date1904") in ("1", "true")
        if name == "sheet":
            if len(self.sheets) >= SHEETS_MAX:
                raise Unreadable("too_many_sheets", limit=SHEETS_MAX)
            relation = next(value for key, value in attributes.items() if key.rpartition(":")[2] == "id")
            visible = attributes.get("state", "visible") == "visible"
            self.sheets.append((attributes["name"][:31], relation, visible))


class _Styles(XmlReader):
    """The kind of a number by the style of its cell: a date, a time, or nothing of both."""

    def __init__(self) -> None:
        super().__init__()
        self._formats: dict[int, str] = {}
        self._in_cells = False
        self.kinds: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "numFmt" and len(self._formats) < STYLES_MAX:
            self._formats[int(attributes["numFmtId"])] = _kind_of_format(attributes["formatCode"])
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            if len(self.kinds) >= STYLES_MAX:
                raise Unreadable("broken")
            number = int(attributes.get("numFmtId", "0"))
            built_in = (
                cells.DATE
                if number in _DATE_STYLES
                else cells.TIME
                if number in _TIME_STYLES
                else cells.NUMBER
            )
            self.kinds.append(self._formats.get(number, built_in))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False


class _Text(XmlReader):
    """Characters gathered up to the length of the longest cell; one more shows that there were others."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[str] = []
        self._length = 0
        self._listening = False
        self._phonetic = False

    def text(self, text: str) -> None:
        if self._listening and self._length <= CELL_LENGTH_MAX:
            self._pieces.append(text[: CELL_LENGTH_MAX + 1])
            self._length += len(text)

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "rPh":
            self._phonetic = True
        elif name in ("t", "v"):
            self._listening = not self._phonetic

    def end(self, name: str) -> None:
        if name == "rPh":
            self._phonetic = False
        elif name in ("t", "v"):
            self._listening = False

    def gathered(self) -> str:
        """What was gathered, once."""
        text = "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return text


class _Strings(_Text):
    """The strings that cells point to."""

    def __init__(self) -> None:
        super().__init__()
        self.strings: list[str] = []
        self._characters = 0

    def end(self, name: str) -> None:
        super().end(name)
        if name == "si":
            text = self.gathered()
            self._characters += len(text)
            if len(self.strings) >= STRINGS_MAX or self._characters > cells.CHARACTERS_MAX:
                raise Unreadable("too_many_strings", limit=STRINGS_MAX)
            self.strings.append(text)


class _Rows(_Text):
    """The rows of one sheet, handed on one by one as they end."""

    def __init__(self, sheet: Sheet, book: "_Workbook") -> None:
        super().__init__()
        self._sheet, self._book = sheet, book
        self._row = 0
        self._cells: list[Cell] = []
        self._column = 0
        self._type = ""
        self._style = 0
        self._formula = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        super().start(name, attributes)
        if name == "row":
            row = int(attributes["r"]) if "r" in attributes else self._row + 1
            if row <= self._row:
                raise Unreadable("broken", sheet=self._sheet.name)
            self._row, self._column, self._cells = row, 0, []
        elif name == "c":
            column = _place(attributes["r"])[1] if "r" in attributes else self._column + 1
            if column <= self._column:
                raise Unreadable("broken", sheet=self._sheet.name, row=self._row)
            self._column, self._formula = column, False
            self._type, self._style = attributes.get("t", "n"), int(attributes.get("s", "0"))
            self.gathered()
        elif name == "f":
            self._formula = True
        elif name == "mergeCell":
            self.done = not self._sheet.merge(_area(attributes["ref"]))

    def end(self, name: str) -> None:
        super().end(name)
        if name == "c":
            cell = self._cell(self.gathered())
            if cell is not None:
                self._cells.append(cell)
        elif name == "row":
            self.done = not self._sheet.add(self._row, self._cells)

    def _cell(self, value: str) -> Cell | None:
        kind = {"b": cells.BOOLEAN, "e": cells.ERROR, "n": cells.NUMBER, "d": cells.DATE}.get(
            self._type, cells.TEXT
        )
        if self._type == "s":
            value = self._book.strings[int(value)] if value else ""
        if kind == cells.TEXT:
            kind = cells.LONG if len(value) > CELL_LENGTH_MAX else cells.TEXT
            value = "" if kind == cells.LONG else _ESCAPE.sub(lambda each: chr(int(each[1], 16)), value)
            if kind == cells.TEXT and not value.strip():
                return None
        elif kind == cells.NUMBER and value:
            kind, value = self._book.number(value, self._style)
        elif kind == cells.DATE and value:
            value = datetime.fromisoformat(value).replace(tzinfo=None).isoformat()
        if not value and kind != cells.LONG:
            return Cell(self._column, cells.FORMULA, "") if self._formula else None
        return Cell(self._column, kind, value)


class _Workbook:
    """A workbook: strings, styles and calendar that its sheets share."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._parts = Parts(archive)
        self.strings: list[str] = []
        self._kinds: list[str] = []
        self._contents = _Contents()

    def sheets(self, wanted: Wanted) -> list[Sheet]:
        """The visible sheets. Raises Unreadable."""
        office = self._relations("_rels/.rels", "")
        main = next((at for kind, at in office.values() if kind == "officeDocument"), "xl/workbook.xml")
        if main.endswith(".bin"):
            raise Unreadable("old_or_locked")
        self._contents.read(self._parts.pieces(main))
        folder, _, file = main.rpartition("/")
        related = self._relations(f"{folder}/_rels/{file}.rels".lstrip("/"), folder)
        styles, strings = _Styles(), _Strings()
        for kind, at in related.values():
            if kind == "styles":
                styles.read(self._parts.pieces(at))
            elif kind == "sharedStrings":
                strings.read(self._parts.pieces(at))
        self.strings, self._kinds = strings.strings, styles.kinds
        visible = [
            (name, related[relation][1])
            for name, relation, shown in self._contents.sheets
            if shown and related[relation][0] == "worksheet"
        ]
        found = [self._sheet(name, at, wanted) for name, at in visible]
        if not found:
            raise Unreadable("no_visible_sheet")
        return found

    def _relations(self, name: str, base: str) -> dict[str, tuple[str, str]]:
        relations = _Relations(base)
        if self._parts.has(name):
            relations.read(self._parts.pieces(name))
        return relations.targets

    def _sheet(self, name: str, at: str, wanted: Wanted) -> Sheet:
        sheet = Sheet(name, wanted)
        _Rows(sheet, self).read(self._parts.pieces(at))
        return sheet

    def number(self, value: str, style: int) -> tuple[str, str]:
        """A number as what its style shows: a moment of a calendar without zone, a time of day, or a number."""
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise Unreadable("broken") from None
        if not number.is_finite():
            raise Unreadable("broken")
        kind = self._kinds[style] if style < len(self._kinds) else cells.NUMBER
        if kind == cells.NUMBER or not 0 <= number <= _LAST_SERIAL:
            return cells.NUMBER, value
        if kind == cells.TIME:
            return cells.TIME, value
        epoch = datetime(1904, 1, 1) if self._contents.from_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
        if not self._contents.from_1904 and number < 61:
            return cells.NUMBER, value  # the days before March 1900, which spreadsheets count wrongly
        seconds = int((number * 86_400).to_integral_value())
        return cells.DATE, (epoch + timedelta(seconds=seconds)).isoformat()


def _kind_of_format(code: str) -> str:
    shown = _NOT_SHOWN.sub("", code.partition(";")[0]).lower()
    if re.search("[yd年日]", shown) or ("m" in shown and not re.search("[hs]", shown)):
        return cells.DATE
    return cells.TIME if re.search("[hs]", shown) else cells.NUMBER


def _place(reference: str) -> tuple[int, int]:
    """Row and column of an address such as XFD1048576."""
    area = _area(reference)
    return area.top, area.left


def _area(reference: str) -> Merge:
    found = _MERGE_TEXT.fullmatch(reference)
    if found is None:
        raise Unreadable("broken")
    left, top, right, bottom = found.groups()
    return Merge(int(top), _column(left), int(bottom or top), _column(right or left))


def _column(name: str) -> int:
    number = 0
    for letter in name:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
