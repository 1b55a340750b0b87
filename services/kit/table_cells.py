"""Cells of an uploaded table, and the search for its header: plain data, shared by the readers of CSV and XLSX.

These modules import the standard library only: they are loaded anew by the child process of every upload.
A cell is (column from 1, kind, value); a sheet's rows carry the numbers that a spreadsheet shows.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

TEXT, NUMBER, DATE, TIME = "text", "number", "date", "time"
BOOLEAN, ERROR, FORMULA, LONG = "boolean", "error", "formula", "long"

CELL_LENGTH_MAX = 2000
COLUMNS_MAX = 100
ROW_NUMBER_MAX = 100_000
HEADER_ROWS = 30
MERGES_MAX = 1000
CHARACTERS_MAX = 8 * 1024 * 1024

_INVISIBLE = re.compile("[\\s_\\-\u200b-\u200f\u202a-\u202e\u2060\ufeff]+")
_REMARK = re.compile(r"[(\[【〔].*[)\]】〕]$")
_MARKS_BEFORE, _MARKS_AFTER = "*＊※★●", ":：*＊※"


class Cell(NamedTuple):
    """A cell that holds something: its column from 1, its kind, and its value as text."""

    column: int
    kind: str
    value: str


class Merge(NamedTuple):
    """A merged area, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Wanted:
    """What a form asks of a table: the column of each known header word, the columns that have to be there."""

    columns: Mapping[str, str]
    needed: Sequence[Sequence[str]]
    rows_max: int


class Unreadable(Exception):
    """A table that is not read any further: a stable code, and where and by how much it is meant."""

    def __init__(self, code: str, **place: object) -> None:
        super().__init__(code)
        self.code = code
        self.place = {name: value for name, value in place.items() if value is not None}


@dataclass
class Sheet:
    """The rows of one sheet as they come; it stops by itself where no table of the form can be that large."""

    name: str | None
    wanted: Wanted
    rows: list[tuple[int, list[Cell]]] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    fault: Unreadable | None = None
    _characters: int = 0

    def add(self, number: int, cells: Sequence[Cell]) -> bool:
        """Keep a row; False when nothing more of this sheet is wanted."""
        if not cells:
            return True
        if number > ROW_NUMBER_MAX or cells[-1].column > COLUMNS_MAX:
            self.fault = Unreadable("far_cell", sheet=self.name, row=number, column=cells[-1].column)
            return False
        self._characters += sum(len(cell.value) for cell in cells)
        if self._characters > CHARACTERS_MAX:
            self.fault = Unreadable("too_much_text", sheet=self.name, row=number)
            return False
        self.rows.append((number, list(cells)))
        if len(self.rows) > self.wanted.rows_max + HEADER_ROWS:
            if self.score() > 0:
                self.fault = Unreadable("too_many_rows", sheet=self.name, limit=self.wanted.rows_max)
            return False
        return True

    def merge(self, area: Merge) -> bool:
        """Keep a merged area; False when there are too many."""
        if len(self.merges) >= MERGES_MAX:
            self.fault = Unreadable("too_many_merges", sheet=self.name, limit=MERGES_MAX)
            return False
        self.merges.append(area)
        return True

    def score(self) -> int:
        """How many columns of the form the best row names."""
        return len({name for _, name, _ in self._header()[1]})

    def complete(self) -> bool:
        """A row names every column that has to be there."""
        return not _missing(self.wanted, [name for _, name, _ in self._header()[1]])

    def table(self) -> "Found":
        """The table of this sheet below the row that names most columns. Raises Unreadable."""
        number, named = self._header()
        if self.fault is not None:
            raise self.fault
        if not named:
            raise Unreadable("no_header", columns=_missing(self.wanted, ()))
        taken: dict[str, tuple[int, str]] = {}
        for column, name, word in named:
            if name in taken:
                first = taken[name][0]
                place = {"sheet": self.name, "row": number, "column": column, "first": first}
                raise Unreadable("doubled_column", **place, columns=[name])
            taken[name] = (column, word)
        if missing := _missing(self.wanted, taken):
            raise Unreadable("missing_columns", sheet=self.name, row=number, columns=missing)
        return self._below(number, taken)

    def _header(self) -> tuple[int, list[tuple[int, str, str]]]:
        """The first of the rows that name most columns, and what it names."""
        return max(self._headers(), key=lambda each: len({name for _, name, _ in each[1]}), default=(0, []))

    def _headers(self) -> list[tuple[int, list[tuple[int, str, str]]]]:
        """The first rows by the columns they name; a cell merged downwards names its column in each row it covers."""
        upright = [area for area in self.merges if area.bottom > area.top]
        texts: dict[tuple[int, int], Cell] = {}
        found = []
        for number, cells in self.rows[:HEADER_ROWS]:
            texts |= {(number, cell.column): cell for cell in cells}
            covering = [
                texts[area.top, area.left]
                for area in upright
                if area.top < number <= area.bottom and (area.top, area.left) in texts
            ]
            named = [
                (cell.column, name, " ".join(cell.value.split()))
                for cell in sorted((*cells, *covering))
                if cell.kind == TEXT and (name := column_of(cell.value, self.wanted.columns))
            ]
            found.append((number, named))
        return found

    def _below(self, header: int, taken: Mapping[str, tuple[int, str]]) -> "Found":
        columns = {column for column, _ in taken.values()}
        repeated = {column: plain(word) for column, word in taken.values()}
        unknown: set[int] = set()
        rows: list[Row] = []
        for number, cells in self.rows:
            if number < header:
                continue
            unknown.update(cell.column for cell in cells if cell.column not in columns)
            mine = [cell for cell in cells if cell.column in columns]
            if number == header or {cell.column: plain(cell.value) for cell in mine} == repeated:
                continue  # a header printed again on every page
            if mine:
                rows.append(Row(number, mine, self._merged(number, columns)))
        if len(rows) > self.wanted.rows_max:
            raise Unreadable("too_many_rows", sheet=self.name, limit=self.wanted.rows_max)
        return Found(self.name, header, dict(taken), sorted(unknown), rows)

    def _merged(self, number: int, columns: set[int]) -> list[int]:
        """The columns of a row whose cell shares its value with others of the form."""
        found: set[int] = set()
        for area in self.merges:
            if area.top <= number <= area.bottom:
                shared = {column for column in columns if area.left <= column <= area.right}
                if area.top < area.bottom or shared - {area.left}:
                    found |= shared
        return sorted(found)


class Row(NamedTuple):
    """A row below the header: its cells in the columns of the form, and the columns that are merged with others."""

    number: int
    cells: list[Cell]
    merged: list[int]


class Found(NamedTuple):
    """A table: where it stands, which column of the form stands where under which word, and its rows."""

    sheet: str | None
    header: int
    taken: dict[str, tuple[int, str]]
    unknown: list[int]
    rows: list[Row]


def the_table(sheets: Sequence[Sheet], wanted: Wanted) -> Found:
    """The one sheet that holds a table of the form; two that do are refused, as one would be lost. Raises Unreadable."""
    found, faults = [], []
    for sheet in sheets:
        try:
            found.append(sheet.table())
        except Unreadable as fault:
            if sheet.complete():
                raise  # another sheet may not stand in for the one that is at fault
            faults.append((sheet.score(), fault))
    filled = [each for each in found if each.rows]
    if len(filled) > 1:
        raise Unreadable("two_tables", sheet=filled[0].sheet, other=filled[1].sheet)
    if found:
        return (filled or found)[0]
    if not faults:
        raise Unreadable("no_header", columns=_missing(wanted, ()))
    raise max(faults, key=lambda each: (each[0], each[1].code != "no_header"))[1]


def plain(text: str) -> str:
    """A header or a word as it is compared: width, case, blanks, marks and a remark in brackets do not count."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return text.lstrip(_MARKS_BEFORE).rstrip(_MARKS_AFTER)


def column_of(text: str, columns: Mapping[str, str]) -> str | None:
    """The column of the form that a header names, if it does."""
    word = plain(text)
    return columns.get(word) or columns.get(plain(_REMARK.sub("", word)))


def letters(column: int) -> str:
    """The name that a spreadsheet gives a column: 1 is A, 27 is AA."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _missing(wanted: Wanted, there: Sequence[str] | Mapping[str, object]) -> list[str]:
    return [name for group in wanted.needed if not any(name in there for name in group) for name in group]
