"""Types of the cells of a table: each turns one cell into a value, or refuses it saying why and what to do.

Identifiers are taken from text cells only: a spreadsheet keeps
fifteen digits of a number and puts zeros for the rest, which nobody can see afterwards.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Context, Decimal
from typing import Any, Protocol

from services.kit.table_cells import BOOLEAN, DATE, ERROR, FORMULA, LONG, NUMBER, TEXT, Cell, plain

Value = str | bool | int | date | datetime | Decimal | tuple["Value", ...]

KINDS: Mapping[str, tuple[str, str]] = {
    TEXT: ("文字", "text"),
    NUMBER: ("数字", "a number"),
    DATE: ("日期", "a date"),
    "time": ("时间", "a time of day"),
    BOOLEAN: ("逻辑值", "a logical value"),
    ERROR: ("公式的错误值", "the error of a formula"),
    FORMULA: ("没有计算结果的公式", "a formula without its result"),
    LONG: ("过长的文字", "text that is too long"),
}
"""What stands in a cell, in kind: its value is never said, as it may be somebody's."""

DIGITS_KEPT = 15
_AMOUNT_LENGTH_MAX = 28  # more digits than Decimal keeps
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_WRITTEN = re.compile(
    r"(?:([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})|([0-9]{4})([0-9]{2})([0-9]{2}))(?:日 *| +|$)(.*)",
    re.ASCII,
)
_CLOCK = re.compile(r"([0-9]{1,2})[:时]([0-9]{1,2})(?:[:分](?:([0-9]{1,2})(?:\.0+)?秒?)?)?", re.ASCII)
_ZONE = re.compile(r"(?:Z|[+-][0-9]{2}:?[0-9]{2})", re.ASCII)
_AMOUNT = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]{1,3}", re.ASCII | re.IGNORECASE)
_LONG = re.compile(r"[0-9]{16,}", re.ASCII)
_ROUNDED = re.compile(r"[0-9]{15}0+", re.ASCII)
_ROUNDED_MIN = 4
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_EDGES = " \t\r\n\u3000\u00a0\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_SEPARATOR = re.compile(r"[,;，；、|\s]+")


class CellRefusal(Exception):
    """Why a cell is not taken and what to do: a stable code, and words without a place in both languages."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(code)
        self.code, self.zh, self.en = code, zh, en


class CellType(Protocol):
    """What a column holds."""

    def read(self, cell: Cell, *, typed: bool) -> Value:
        """The value of a cell; `typed` is false where the file knows text only (CSV). Raises CellRefusal."""
        ...


@dataclass(frozen=True)
class Text:
    """Text; a whole number of few digits is taken as its digits, as nothing of it is lost."""

    length_max: int = 200

    def read(self, cell: Cell, *, typed: bool) -> str:
        """The text without blanks at its ends. Raises CellRefusal."""
        if cell.kind == NUMBER and (digits := _whole(cell.value)) is not None:
            return digits
        text = text_of(cell)
        if len(text) > self.length_max:
            raise too_long(self.length_max)
        return text


@dataclass(frozen=True)
class Identifier:
    """A number that names somebody or something, from text cells only; in CSV not as 2.1E+17."""

    length_max: int = 64

    def read(self, cell: Cell, *, typed: bool) -> str:
        """The identifier as it is written. Raises CellRefusal."""
        if cell.kind == NUMBER:
            raise CellRefusal(
                "number_cell",
                "单元格是数字，表格软件只保留前15位数字，号码可能已被改动。请先将该列设为文本格式，再重新填写号码",
                "the cell holds a number, of which a spreadsheet keeps 15 digits only, so that it may have been changed. "
                "Set the column to the format Text first, then enter the identifiers again",
            )
        text = text_of(cell)
        if _SCIENTIFIC.fullmatch(text):
            raise CellRefusal(
                "scientific_notation",
                "号码已被表格软件改写为科学计数法。请在原表中将该列设为文本格式，重新填写号码后再另存",
                "a spreadsheet has written the identifier as a power of ten. "
                "Set the column to the format Text there, enter the identifiers again and save anew",
            )
        if len(text) > self.length_max:
            raise too_long(self.length_max)
        return text


@dataclass(frozen=True)
class Day:
    """A day of the calendar: a date cell, or text in one of the forms that people write."""

    def read(self, cell: Cell, *, typed: bool) -> date:
        """The day. Raises CellRefusal."""
        if cell.kind == DATE:
            moment: datetime | None = datetime.fromisoformat(cell.value)
        else:
            moment = _moment(_digits_or_text(cell), None, clock_needed=False)
        if moment is None:
            raise wrong_kind(
                cell,
                "invalid_date",
                "不是日期。请按“2019年9月10日”的形式填写",
                "not a date. Enter it like 2019-09-10",
            )
        if moment.time() != moment.min.time():
            raise CellRefusal(
                "time_not_asked",
                "日期后面还有时刻。请只填写日期，例如2019年9月10日",
                "a time of day follows the date. Enter the date alone, for example 2019-09-10",
            )
        return moment.date()


@dataclass(frozen=True)
class Moment:
    """A day and a time of day: in the zone of the form, unless the text names another."""

    zone: tzinfo

    def read(self, cell: Cell, *, typed: bool) -> datetime:
        """The moment, aware. Raises CellRefusal."""
        if cell.kind == DATE:
            moment: datetime | None = datetime.fromisoformat(cell.value).replace(tzinfo=self.zone)
        else:
            moment = _moment(_digits_or_text(cell), self.zone, clock_needed=True)
        if moment is None:
            raise wrong_kind(
                cell,
                "invalid_time",
                "不是日期和时刻。请按“2019年9月10日 8:30”的形式填写",
                "not a date with a time of day. Enter it like 2019-09-10 08:30",
            )
        return moment


@dataclass(frozen=True)
class Amount:
    """A decimal with a bounded number of digits before and after the point; never negative."""

    whole_digits: int = 4
    places: int = 2

    def read(self, cell: Cell, *, typed: bool) -> Decimal:
        """The amount, exact as a spreadsheet shows it. Raises CellRefusal."""
        if cell.kind == NUMBER:
            amount = Context(prec=DIGITS_KEPT).create_decimal(cell.value)
        else:
            text = _half_width(_digits_or_text(cell))
            if not _AMOUNT.fullmatch(text):
                raise wrong_kind(
                    cell,
                    "not_a_number",
                    "不是可用的数字。请填写数字，例如30或2.5",
                    "not a number of use. Enter one like 30 or 2.5",
                )
            if len(text) > _AMOUNT_LENGTH_MAX:
                raise self._too_long()
            amount = Decimal(text)
        if amount < 0:
            raise CellRefusal(
                "out_of_range", "数字为负。请填写零或正数", "the number is negative. Enter zero or more"
            )
        exact = Decimal(f"{abs(amount.normalize()):f}")
        exponent = exact.as_tuple().exponent
        if (
            not isinstance(exponent, int)
            or -exponent > self.places
            or exact >= Decimal(10) ** self.whole_digits
        ):
            raise self._too_long()
        return exact

    def _too_long(self) -> CellRefusal:
        whole, places = self.whole_digits, self.places
        return CellRefusal(
            "too_many_digits",
            f"数字过长。小数点前最多{whole}位，小数点后最多{places}位",
            f"the number has too many digits. At most {whole} before the point and {places} after it",
        )


@dataclass(frozen=True)
class Whole:
    """A whole number of few digits."""

    digits: int = 3

    def read(self, cell: Cell, *, typed: bool) -> int:
        """The number. Raises CellRefusal."""
        text = _half_width(_digits_or_text(cell))
        if not re.fullmatch(f"[0-9]{{1,{self.digits}}}", text, re.ASCII):
            zh, en = f"最多{self.digits}位", f"at most {self.digits} digits"
            raise wrong_kind(
                cell,
                "not_a_whole_number",
                f"不是整数。请填写整数，{zh}",
                f"not a whole number. Enter one of {en}",
            )
        return int(text)


class Word:
    """One of a list of words: each value with its word in Chinese and English, and others that mean the same.

    What is not in the list is refused, or read as `others`.
    """

    def __init__(self, words: Mapping[Any, tuple[str, ...]], others: CellType | None = None) -> None:
        self.words = words
        self.others = others
        self._values: dict[str, Value] = {
            plain(word): value for value, said in words.items() for word in said
        }
        self._values |= {plain(str(value)): value for value in words}

    def read(self, cell: Cell, *, typed: bool) -> Value:
        """The value of the word. Raises CellRefusal."""
        truth = "true" if cell.value in ("1", "true") else "false"
        text = truth if cell.kind == BOOLEAN else _digits_or_text(cell)
        found = self._values.get(plain(text))
        if found is None and self.others is not None:
            return self.others.read(cell, typed=typed)
        if found is None:
            raise wrong_kind(
                cell,
                "not_allowed",
                f"不是可填的词语。可填：{'、'.join(said[0] for said in self.words.values())}",
                f"not one of the words allowed: {', '.join(said[1] for said in self.words.values())}",
            )
        return found


YES_NO = Word({True: ("是", "yes", "有", "√", "1"), False: ("否", "no", "无", "×", "0")})


@dataclass(frozen=True)
class Several:
    """Some values of one type in a cell, with commas, semicolons, 、 or blanks between them."""

    of: CellType
    items_max: int = 50

    def read(self, cell: Cell, *, typed: bool) -> tuple[Value, ...]:
        """The values in order. Raises CellRefusal."""
        if cell.kind in (NUMBER, BOOLEAN):
            return (self.of.read(cell, typed=typed),)
        parts = [part for part in _SEPARATOR.split(text_of(cell)) if part]
        if len(parts) > self.items_max:
            most = self.items_max
            raise CellRefusal(
                "too_many_items", f"内容过多，最多{most}项", f"there are too many items: at most {most}"
            )
        return tuple(self.of.read(Cell(cell.column, TEXT, part), typed=typed) for part in parts)


def rounded(column: Sequence[str]) -> bool:
    """A column of long numbers that a spreadsheet rounded before it was saved as text: zeros after the 15th digit in all.

    A single number may end so by itself; of four or more, all of them do not.
    """
    long = [text for text in column if _LONG.fullmatch(text)]
    return len(long) >= _ROUNDED_MIN and all(_ROUNDED.fullmatch(text) for text in long)


def is_long(text: str) -> bool:
    """More digits than a spreadsheet keeps of a number."""
    return _LONG.fullmatch(text) is not None


ROUNDED = CellRefusal(
    "rounded_number",
    "该列所有号码第15位之后全是零，已被表格软件改动。请在原表中将该列设为文本格式，重新填写号码后再另存",
    "all identifiers of the column have zeros after the 15th digit, as a spreadsheet rounds numbers. "
    "Set the column to the format Text there, enter the identifiers again and save anew",
)


def text_of(cell: Cell) -> str:
    """The text of a text cell, without blanks and marks at its ends. Raises CellRefusal."""
    if cell.kind == LONG:
        raise too_long(None)
    if cell.kind != TEXT:
        raise wrong_kind(cell, "wrong_kind", "不是文字。请填写文字", "not text. Enter text")
    if _UNPRINTABLE.search(cell.value):
        raise CellRefusal(
            "unprintable",
            "文字中有不可显示的字符。请重新填写",
            "the text has characters that cannot be shown. Enter it again",
        )
    text = cell.value.strip(_EDGES)
    return text[1:].strip(_EDGES) if text.startswith("'") else text


def _digits_or_text(cell: Cell) -> str:
    """The digits of a whole number, the text of a text cell, and nothing of any other kind. Raises CellRefusal."""
    if cell.kind == NUMBER:
        return _whole(cell.value) or ""
    return text_of(cell) if cell.kind in (TEXT, LONG) else ""


def wrong_kind(cell: Cell, code: str, zh: str, en: str) -> CellRefusal:
    """A refusal by the kind of the cell: `zh` goes on after 单元格是数字，, `en` after the cell holds a number."""
    if cell.kind == TEXT:
        return CellRefusal(code, f"填写的文字{zh}", f"the text is {en}")
    said_zh, said_en = KINDS[cell.kind]
    return CellRefusal(code, f"单元格是{said_zh}，{zh}", f"the cell holds {said_en}, {en}")


def too_long(length: int | None) -> CellRefusal:
    """The refusal of a text that is longer than its column."""
    if length is None:
        return CellRefusal("too_long", "文字过长。请缩短", "the text is too long. Shorten it")
    return CellRefusal(
        "too_long", f"文字过长，最多{length}字", f"the text is too long: at most {length} characters"
    )


def _half_width(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _whole(number: str) -> str | None:
    """The digits of a whole number that a spreadsheet keeps exactly."""
    value = Decimal(number)
    if value != value.to_integral_value() or abs(value) >= Decimal(10) ** DIGITS_KEPT or value < 0:
        return None
    return f"{value.to_integral_value():f}"


def _moment(text: str, zone: tzinfo | None, *, clock_needed: bool) -> datetime | None:
    """A day with or without a time of day, as people write them."""
    found = _WRITTEN.fullmatch(_half_width(text).replace("T", " "))
    if found is None:
        return None
    parts = [int(part) for part in found.groups()[:6] if part]
    clock = found[7].strip()
    if ending := _ZONE.search(clock):
        if zone is None or ending.end() != len(clock):
            return None
        zone = datetime.strptime(ending[0], "%z").tzinfo
        clock = clock[: ending.start()].strip()
    shown = _CLOCK.fullmatch(clock) if clock else None
    if (clock_needed or clock) and shown is None:
        return None
    hour, minute, second = (int(part or 0) for part in shown.groups()) if shown else (0, 0, 0)
    try:
        moment = datetime(parts[0], parts[1], parts[2], hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    return moment if _FIRST_YEAR <= moment.year <= _LAST_YEAR else None
