"""Numbers of people (resident identity numbers, permits, passports, telephones), recognised wherever somebody writes text.

The one gate of every service: what a caller chooses, texts and ids, is looked at before a route sees it, and is refused
by the name of its field; so is the name of whom a request is about (`personal_names.py`).

Fields that are made for such numbers (`MADE_FOR`) are sealed or hashed by whoever takes them.
"""

import re
import types
import typing
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from itertools import accumulate, chain, islice
from operator import attrgetter
from typing import Any

import msgspec

from services.kit.check_digits import mod_11_2
from services.kit.errors import FieldError, pointer_to
from services.kit.personal_names import CODE as NAME_CODE
from services.kit.personal_names import NAME, NUMBER, holds_name, is_one_named, names_in
from services.kit.personal_names import WORDS as NAME_WORDS

MADE_FOR = frozenset({"id_number", "phone", "email", "address", "certificate_number", "note"})
"""The members, whatever they are in, that a number may stand in."""

CODE = "personal_number"
_WORDS = (
    "此处不得填写证件号码或电话号码",
    "Neither the number of a document nor a telephone belongs here",
)

_APART = r"[ \-_./·()\u2010-\u2015]"
_REGION = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])"
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_RUN = re.compile(rf"(?<![0-9A-Za-z])\d(?:{_APART}?\d)*(?:{_APART}?[Xx])?(?![0-9A-Za-z])", re.ASCII)
_BLOCK = re.compile(r"\d{17}[\dXx]", re.ASCII)
_RESIDENT = re.compile(rf"{_REGION}\d{{4}}((?:19|20)\d{{2}})(\d{{2}})(\d{{2}})\d{{3}}[\dXx]", re.ASCII)
_RESIDENT_WITHIN = re.compile(rf"(?=({_REGION}\d{{4}}(?:19|20)\d{{9}}[\dXx]))", re.ASCII)
_OLD_RESIDENT = re.compile(rf"{_REGION}\d{{4}}(\d{{2}})(\d{{2}})(\d{{2}})\d{{3}}", re.ASCII)
_MOBILE = re.compile(r"(?:00)?(?:86)?1[3-9]\d{9}", re.ASCII)
_TELEPHONE = re.compile(rf"{_MOBILE.pattern}|(?:010|02\d)[2-9]\d{{7}}|0[3-9]\d{{2}}[2-9]\d{{6,7}}", re.ASCII)
_DOCUMENT = re.compile(
    r"(?<![0-9A-Za-z])(?:[EGeg][0-9]{8}|[Ee][A-Za-z][0-9]{7}|[HMhm][0-9]{8})(?![0-9A-Za-z])"
)
_NO_DIGIT = re.compile(r"[^0-9Xx]")

# Digits parted by whatever is no letter, spelt in characters, or with letters that look like them.
_PARTED = re.compile(r"(?<![0-9A-Za-z])\d(?:[\W_]{0,3}\d){10,}(?:[\W_]{0,3}[Xx])?(?![0-9A-Za-z])", re.ASCII)
_PARTED_DOCUMENT = re.compile(
    r"(?<![0-9A-Za-z])(?:[EGHM](?:[\W_]{1,3}\d){8}|E[\W_]{0,3}[A-Z](?:[\W_]{1,3}\d){7})(?![0-9A-Za-z])",
    re.ASCII | re.IGNORECASE,
)
_SPELT = str.maketrans("〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺", "000" + "123456789" * 2 + "1")
_SPELT_MIN = 7
"""Characters of a spelt number at least: fewer are a date or a count beside digits."""
_ALIKE_LETTER = re.compile("[OoIl]")
_ALIKE = str.maketrans("OoIl", "0011")
_ALIKE_IN_DIGITS = re.compile(r"(?<![A-Za-z])(?:[OoIl]*[0-9][0-9OoIl]*|[OoIl])(?![A-Za-z])", re.ASCII)

# The outline of a text: digits, and what may stand for one, are 0, the letters of documents E, other letters a; the rest
# goes. Where none of `_SUSPECT` stands in it nobody's number stands in the text.
_DIGITS, _INITIALS = b"0123456789OoIl", b"EGHMeghm"
_OTHERS = bytes(set(range(65, 91)) | set(range(97, 123))).translate(None, _DIGITS + _INITIALS)
_OUTLINE = bytes.maketrans(
    _DIGITS + _INITIALS + _OTHERS,
    b"0" * len(_DIGITS) + b"E" * len(_INITIALS) + b"a" * len(_OTHERS),
)
_SIGNS = bytes(set(range(256)) - set(_DIGITS + _INITIALS + _OTHERS))
_SUSPECT = (b"0" * 11, b"E0000000", b"Ea0000000", b"EE0000000")
_DOCUMENT_OUTLINES = _SUSPECT[1:]
# Whatever is read as one number follows digit upon digit once all that parts them is left out: where none of these stands
# then, an ASCII text holds none. Most ids of more than ten digits (`2025-00000016`) end here.
_TO_DIGITS = bytes.maketrans(b"OoIl", b"0011")
_PARTING = b"\xff"
"""Parts texts of ASCII that are looked at together."""
_NOT_DIGITS = bytes(set(range(256)) - set(_DIGITS + _PARTING))
_POSSIBLE = re.compile(
    rf"1[3-9]\d{{9}}|(?:010|02\d)[2-9]\d{{7}}|0[3-9]\d\d[2-9]\d{{6}}|{_REGION}\d{{13}}".encode()
)
_ASCII = bytes(range(128))
_CHARACTERS_MIN = 8
"""Of the shortest number: a letter and seven digits."""
_NAMES_MAX = 20
"""Whom one row may be about; more are no request of ours."""
_BARRIER = "z"


class _Plainly(dict[int, str | None]):
    """Characters as they are read: digits of any script are digits, marks that show nothing or lie upon another go."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        kind, value = unicodedata.category(character), unicodedata.numeric(character, -1)
        plain: str | None = character
        if kind in ("Cf", "Mn", "Me"):
            plain = None
        elif kind[0] == "N" and character not in "〇" and value in range(10):
            plain = str(int(value))
        self[code] = plain
        return plain


class _Outlined(dict[int, str | None]):
    """Characters of a plain text in its outline."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        outline: str | None = None
        if character.isascii():
            outline = character.encode().translate(_OUTLINE, _SIGNS).decode() or None
        elif code in _SPELT:
            outline = "0"
        elif character.isalpha():
            outline = "a"
        self[code] = outline
        return outline


_PLAINLY, _OUTLINED = _Plainly(), _Outlined()


def _plain(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKD", text).translate(_PLAINLY)


@cache
def _may_be_digit(character: str) -> bool:
    return any(_OUTLINED[ord(each)] in ("0", "E") for each in _plain(character))


def _has_digits(text: str) -> bool:
    """Whether the outline of a text may hold a number, told in one go over all of it: signs and letters of other scripts
    count for nothing, and digits of other scripts for enough."""
    if len(text) < _CHARACTERS_MIN:
        return False
    written = text.encode(errors="replace")
    outline = written.translate(_OUTLINE, _SIGNS)
    if any(each in outline for each in _SUSPECT):
        return True
    foreign = written.translate(None, _ASCII).decode() if not text.isascii() else ""
    return any(map(_may_be_digit, set(foreign)))


def _is_suspect(text: str) -> bool:
    """Whether a plain text is worth a closer look."""
    shown = text if text.isascii() else text.translate(_OUTLINED)
    outline = shown.encode().translate(_OUTLINE, _SIGNS)
    return any(each in outline for each in _SUSPECT)


def _is_possible(written: bytes) -> bool:
    """Whether the digits of an ASCII text, all that is between them left out, hold those of a number, or it may be one of a
    document; of several texts, `_PARTING` between them, whether those of one do."""
    if _POSSIBLE.search(written.translate(_TO_DIGITS, _NOT_DIGITS)) is not None:
        return True
    outline = written.replace(_PARTING, _BARRIER.encode()).translate(_OUTLINE, _SIGNS)
    return any(each in outline for each in _DOCUMENT_OUTLINES)


def _possible(texts: Collection[str]) -> Iterable[str]:
    """Those of many texts that are worth a closer look: all that are not ASCII, and the others when one of them is."""
    plain = [text for text in texts if text.isascii()]
    if _is_possible(_PARTING.join(map(str.encode, plain))):
        return texts
    return (text for text in texts if not text.isascii())


def holds_personal_number(text: str) -> bool:
    """Whether a number of somebody stands in a text: alone, among words, with separators, in digits of any script, spelt in
    characters, or with letters in the place of digits that look like them."""
    if not _has_digits(text) or (text.isascii() and not _is_possible(text.encode())):
        return False
    text = _plain(text)
    if not _is_suspect(text):
        return False
    text = _UUID.sub(" ", text)
    for found in _BLOCK.finditer(text):
        if _is_resident(found[0], checked=True):
            return True
    if _DOCUMENT.search(text) is not None or _PARTED_DOCUMENT.search(text) is not None:
        return True
    return any(_is_number(run[0]) for run in _RUN.finditer(text)) or _holds_parted(text)


def _holds_parted(text: str) -> bool:
    """Whether digits that stand apart, are spelt, or have letters among them are a number, read one after the other."""
    read = text if text.isascii() else text.translate(_SPELT)
    if _ALIKE_LETTER.search(read) is not None:
        read = _ALIKE_IN_DIGITS.sub(lambda found: found[0].translate(_ALIKE), read)
    for run in _PARTED.finditer(read):
        if run[0].isalnum() and run[0] == text[run.start() : run.end()]:
            continue  # looked at as it stands
        shown = text[run.start() : run.end()]
        spelt = 0 if shown.isascii() else sum(ord(character) in _SPELT for character in shown)
        if (spelt == 0 or spelt >= _SPELT_MIN) and _is_parted(re.findall(r"\w+", run[0].replace("_", " "))):
            return True
    return False


def _is_parted(groups: Sequence[str]) -> bool:
    """Whether groups of digits are a number together. Times, sums and days side by side are none: a telephone is written
    digit by digit, in pairs, or after its first three; a part of a longer row is told by the check digit."""
    number = "".join(groups)
    sizes = [len(group) for group in groups]
    by_digits = max(sizes) == 1 or (max(sizes) == 2 and sizes.count(1) <= 1)
    if _is_resident(number) or (_is_old_resident(number) and (by_digits or sizes[0] in (6, 15))):
        return True
    shape = by_digits or len(groups) == 1 or sizes[0] in (3, 4) or number.startswith(("86", "0086"))
    if shape and _TELEPHONE.fullmatch(number) is not None:
        return True
    singles = "".join(group if len(group) == 1 else " " for group in groups).split()
    if len(groups) > len(number) // 2 and any(_TELEPHONE.fullmatch(each) for each in singles):
        return True
    starts = set(accumulate(sizes[:-1], initial=0))
    return any(
        found.start() in starts and _is_resident(found[1], checked=True)
        for found in _RESIDENT_WITHIN.finditer(number)
    )


def _is_number(run: str) -> bool:
    """Whether a run of digits is somebody's number, as a whole or one of the parts that blanks take it into."""
    parts = {run} if run.isalnum() else {_NO_DIGIT.sub("", run), *_NO_DIGIT.split(run), *_joined(run)}
    return any(
        _is_resident(part) or _is_old_resident(part) or _TELEPHONE.fullmatch(part) is not None
        for part in parts
        if 10 < len(part) < 19
    )


def _joined(run: str) -> Iterator[str]:
    """What blanks part, each with its own separators taken out: `0411-12345678 2025`."""
    return (_NO_DIGIT.sub("", each) for each in run.split(" ") if len(each) > 10)


def _is_resident(number: str, *, checked: bool = False) -> bool:
    found = _RESIDENT.fullmatch(number)
    if found is None or not _is_day(int(found[1]), found[2], found[3]):
        return False
    return not checked or mod_11_2(number[:17]) == number[17].upper()


def _is_old_resident(number: str) -> bool:
    found = _OLD_RESIDENT.fullmatch(number)
    return found is not None and _is_day(1900 + int(found[1]), found[2], found[3])


def _is_day(year: int, month: str, day: str) -> bool:
    try:
        date(year, int(month), int(day))
    except ValueError:
        return False
    return True


def faults_of_body(body: bytes) -> list[FieldError]:
    """The members of a readable JSON body in which a number stands that they are not made for, at most twenty."""
    return [fault for fault, _ in zip(faults_in(msgspec.json.decode(body)), range(20), strict=False)]


def may_hold_people(records: Sequence[msgspec.Struct]) -> bool:
    """Whether one of many records of a kind is worth a closer look: a single scan of the texts that a caller chooses.

    Parts with a number of their own are passed over, as they are hashed as a whole, but for the name they say.
    """
    for kind in set(map(type, records)):
        texts, parts, people = _free_fields(kind)
        of_kind = [record for record in records if type(record) is kind]
        if texts:
            columns = [list(map(attrgetter(text), of_kind)) for text in texts]
            given = set(filter(None, chain.from_iterable(columns)))
            if _has_digits(_BARRIER.join(given)) and any(map(holds_personal_number, _possible(given))):
                return True
            for whom in people:
                names = list(map(attrgetter(f"{whom}.{NAME}"), of_kind))
                if any(is_one_named(names, column) for column in columns):
                    return True
        for part in parts:
            inside = [each for record in of_kind if (each := getattr(record, part)) is not None]
            if may_hold_people(inside) or (people and inside):
                return True
    return False


@cache
def _free_fields(struct: type[msgspec.Struct]) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """The fields of a struct that are texts, structs without a number, and structs that say whose number and name."""
    texts, parts, people = [], [], []
    for field in msgspec.structs.fields(struct):
        kinds = typing.get_args(field.type) if _is_union(field.type) else (field.type,)
        for kind in kinds:
            plain = typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind
            if plain is str and field.name not in MADE_FOR:
                texts.append(field.name)
            elif _is_free_struct(plain):
                parts.append(field.name)
            elif {NUMBER, NAME} <= set(getattr(plain, "__struct_fields__", ())):
                people.append(field.name)
    return texts, parts, people


def _is_free_struct(kind: object) -> bool:
    is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    return is_struct and not MADE_FOR.intersection(getattr(kind, "__struct_fields__", ()))


def _is_union(kind: object) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


def faults_in(document: Any, path: Sequence[str | int] = ()) -> Iterator[FieldError]:
    """The members of a document in which a number stands that they are not made for, or the name of whom it is about;
    names of members are looked at too."""
    return _faults_in(document, path, tuple(islice(names_in(document), _NAMES_MAX)))


def _faults_in(document: Any, path: Sequence[str | int], names: Sequence[str]) -> Iterator[FieldError]:
    """Likewise; `names` are those that stand around it."""
    if isinstance(document, str):
        if holds_personal_number(document):
            yield FieldError(pointer_to(path), CODE, *_WORDS)
        elif names and any(holds_name(document, name) for name in names):
            yield FieldError(pointer_to(path), NAME_CODE, *NAME_WORDS)
    elif isinstance(document, dict):
        for name, member in document.items():
            if holds_personal_number(name):
                yield FieldError(pointer_to(path), CODE, *_WORDS)
            elif name not in MADE_FOR and not (name == NAME and NUMBER in document):
                yield from _faults_in(member, (*path, name), names)
    elif isinstance(document, list):
        for index, member in enumerate(document):
            of_row = islice(names_in(member), _NAMES_MAX)
            yield from _faults_in(member, (*path, index), tuple({*names, *of_row}))


def faults_of_parameters(given: Iterable[tuple[str, str]]) -> list[FieldError]:
    """The parameters of an address, or headers, in which a number stands."""
    return [
        FieldError("", CODE, *_WORDS, name)
        for name, text in given
        if len(text) > 7 and holds_personal_number(text)
    ]
