"""Forms of tables: the columns that a caller declares, with the words people write above them, and their templates.

No form stands here: each is declared beside the routes that take it.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import xlsxwriter  # type: ignore[import-untyped]

from services.kit.cell_types import Amount, CellType, Day, Identifier, Moment, Several, Text, Whole, Word
from services.kit.errors import Language
from services.kit.table_cells import Wanted, letters, plain


@dataclass(frozen=True)
class Column:
    """A column: the caller's name of it, its header in both languages, and others that people write for it.

    One that is `needed` has to be in the table, and no row leaves it empty.
    """

    name: str
    zh: str
    en: str
    type: CellType
    synonyms: tuple[str, ...] = ()
    needed: bool = False


@dataclass(frozen=True)
class Form:
    """A table that people fill in. Of each group in `one_of` at least one column has to be there."""

    zh: str
    en: str
    columns: tuple[Column, ...]
    rows_max: int
    one_of: tuple[tuple[str, ...], ...] = ()
    _by_word: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a form in which one header word names two columns, or a group names none."""
        for column in self.columns:
            for word in (column.zh, column.en, column.name, *column.synonyms):
                if self._by_word.setdefault(plain(word), column.name) != column.name:
                    raise ValueError(f"{word!r} names two columns")
        if unknown := {name for group in self.one_of for name in group} - {
            each.name for each in self.columns
        }:
            raise ValueError(f"no such column: {sorted(unknown)}")

    def column(self, name: str) -> Column:
        """The column of that name. Raises KeyError."""
        return next((each for each in self.columns if each.name == name), None) or _no_column(name)

    def column_at(self, pointer: str) -> str | None:
        """The column that a pointer into a body is about, where columns are named by such pointers."""
        names = {column.name for column in self.columns}
        while pointer and pointer not in names:
            pointer = pointer.rpartition("/")[0]
        return pointer or None

    def wanted(self) -> Wanted:
        """What the readers of files are asked for."""
        needed = [[each.name] for each in self.columns if each.needed]
        return Wanted(self._by_word, [*needed, *map(list, self.one_of)], self.rows_max)


def _no_column(name: str) -> Column:
    raise KeyError(name)


def template(form: Form, language: Language = "zh") -> bytes:
    """An empty table of the form as XLSX: its header, formats that keep what is typed, and the words to choose from.

    Columns that have to be filled in are marked with an asterisk; columns of text and identifiers are set to text.
    """
    chinese = language == "zh"
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet(form.zh if chinese else form.en)
        words = book.add_worksheet("可填词语" if chinese else "Words")
        bold = book.add_format({"bold": True, "num_format": _TEXT, "bg_color": "#DDEBF7", "border": 1})
        formats = {code: book.add_format({"num_format": code}) for code in {*_FORMATS.values()}}
        lists = 0
        for place, column in enumerate(form.columns):
            name = column.zh if chinese else column.en
            sheet.write_string(0, place, f"*{name}" if column.needed else name, bold)
            sheet.set_column(
                place, place, max(12, 2 * len(name) + 4), formats[_FORMATS.get(type(column.type), "General")]
            )
            choices = _words(column.type, chinese)
            if not choices:
                continue
            words.write_string(0, lists, name, bold)
            words.write_column(1, lists, choices)
            words.set_column(lists, lists, 24)
            if isinstance(column.type, Word) and column.type.others is None:
                of = f"={_quoted(words.get_name())}!${letters(lists + 1)}$2:${letters(lists + 1)}${len(choices) + 1}"
                sheet.data_validation(1, place, form.rows_max, place, {"validate": "list", "source": of})
            lists += 1
        if not lists:
            words.hide()
        sheet.freeze_panes(1, 0)
        sheet.activate()
    return out.getvalue()


_TEXT = 49  # the built-in format of text
_FORMATS: Mapping[type, str | int] = {
    Text: _TEXT,
    Identifier: _TEXT,
    Word: _TEXT,
    Several: _TEXT,
    Day: "yyyy-mm-dd",
    Moment: "yyyy-mm-dd hh:mm:ss",
    Amount: "General",
    Whole: "General",
}


def _words(kind: CellType, chinese: bool) -> list[str]:
    if isinstance(kind, Several):
        return _words(kind.of, chinese)
    if isinstance(kind, Word):
        return [said[0 if chinese else 1] for said in kind.words.values()]
    return []


def _quoted(sheet: str) -> str:
    doubled = sheet.replace("'", "''")
    return f"'{doubled}'"
