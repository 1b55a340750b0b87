"""Numbers of people (resident identity numbers, permits, passports, telephones), recognised wherever somebody writes text.

The one gate of every service: what a caller chooses, texts and ids, is looked at before a route sees it, and is refused
by the name of its field. Fields that are made for such numbers (`MADE_FOR`) are sealed or hashed by whoever takes them.
"""

import re
import types
import typing
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec

from services.kit.errors import FieldError, pointer_to

MADE_FOR = frozenset({"id_number", "phone", "email", "address", "certificate_number", "note"})
"""The members, whatever they are in, that a number may stand in."""

CODE = "personal_number"
_WORDS = (
    "此处不得填写证件号码或电话号码",
    "Neither the number of a document nor a telephone belongs here",
)

_APART = r"[ \-_./·()\u2010-\u2015]"
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_REGION = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])"
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_RUN = re.compile(rf"(?<![0-9A-Za-z])\d(?:{_APART}?\d)*(?:{_APART}?[Xx])?(?![0-9A-Za-z])", re.ASCII)
_BLOCK = re.compile(r"\d{17}[\dXx]", re.ASCII)
_RESIDENT = re.compile(rf"{_REGION}\d{{4}}((?:19|20)\d{{2}})(\d{{2}})(\d{{2}})\d{{3}}[\dXx]", re.ASCII)
_OLD_RESIDENT = re.compile(rf"{_REGION}\d{{4}}(\d{{2}})(\d{{2}})(\d{{2}})\d{{3}}", re.ASCII)
_TELEPHONE = re.compile(r"(?:00)?(?:86)?1[3-9]\d{9}|(?:010|02\d)[2-9]\d{7}|0[3-9]\d{2}[2-9]\d{6,7}", re.ASCII)
_DOCUMENT = re.compile(
    r"(?<![0-9A-Za-z])(?:[EGeg][0-9]{8}|[Ee][A-Za-z][0-9]{7}|[HMhm][0-9]{8})(?![0-9A-Za-z])"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"

# A text in which none of these stands holds nobody's number: eleven digits of any script close to each other, or the
# letters and digits of a passport or permit.
_FAR_APART = "\n" * 4
_MANY_DIGITS = re.compile(r"[0-9\uff10-\uff19](?:[^0-9A-Za-z\uff10-\uff19]{0,3}[0-9\uff10-\uff19]){10}")
_LETTER_AND_DIGITS = re.compile(r"[EGHMeghm\uff25-\uff2d][A-Za-z]?[0-9\uff10-\uff19]{7}")


def _is_suspect(text: str) -> bool:
    return _MANY_DIGITS.search(text) is not None or _LETTER_AND_DIGITS.search(text) is not None


def holds_personal_number(text: str) -> bool:
    """Whether a number of somebody stands in a text: alone, among words, with separators, in digits of any script."""
    if not _is_suspect(text):
        return False
    if not text.isascii():
        text = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    text = _UUID.sub(" ", text)
    for found in _BLOCK.finditer(text):
        if _is_resident(found[0], checked=True):
            return True
    if _DOCUMENT.search(text) is not None:
        return True
    return any(_is_number(run[0]) for run in _RUN.finditer(text))


def _is_number(run: str) -> bool:
    """Whether a run of digits is somebody's number, as a whole or one of the parts that blanks take it into."""
    parts = {re.sub(r"[^0-9Xx]", "", run), *re.split(r"[^0-9Xx]", run), *_joined(run)}
    return any(
        _is_resident(part) or _is_old_resident(part) or _TELEPHONE.fullmatch(part) is not None
        for part in parts
    )


def _joined(run: str) -> Iterator[str]:
    """What blanks part, each with its own separators taken out: `0411-12345678 2025`."""
    return (re.sub(r"[^0-9Xx]", "", each) for each in run.split(" "))


def _is_resident(number: str, *, checked: bool = False) -> bool:
    found = _RESIDENT.fullmatch(number)
    if found is None or not _is_day(int(found[1]), found[2], found[3]):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return not checked or _CHECKS[total % 11] == number[17].upper()


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


def may_hold_numbers(records: Sequence[msgspec.Struct]) -> bool:
    """Whether one of many records of a kind is worth a closer look: a single scan of the texts that a caller chooses.

    Parts with a number of their own are passed over: they are hashed as a whole.
    """
    for kind in set(map(type, records)):
        texts, parts = _free_fields(kind)
        of_kind = [record for record in records if type(record) is kind]
        if texts:
            # `attrgetter` of a single name gives no tuple.
            given = chain.from_iterable(map(attrgetter(*texts, texts[0]), of_kind))
            if _is_suspect(_FAR_APART.join(filter(None, given))):
                return True
        for name in parts:
            inside = [part for record in of_kind if (part := getattr(record, name)) is not None]
            if may_hold_numbers(inside):
                return True
    return False


@cache
def _free_fields(struct: type[msgspec.Struct]) -> tuple[Sequence[str], Sequence[str]]:
    """The fields of a struct that are texts, and those that are structs without a number."""
    texts, parts = [], []
    for field in msgspec.structs.fields(struct):
        kinds = typing.get_args(field.type) if _is_union(field.type) else (field.type,)
        for kind in kinds:
            plain = typing.get_args(kind)[0] if typing.get_origin(kind) is typing.Annotated else kind
            if plain is str and field.name not in MADE_FOR:
                texts.append(field.name)
            elif _is_free_struct(plain):
                parts.append(field.name)
    return texts, parts


def _is_free_struct(kind: object) -> bool:
    is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    return is_struct and not MADE_FOR.intersection(getattr(kind, "__struct_fields__", ()))


def _is_union(kind: object) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


def faults_in(document: Any, path: Sequence[str | int] = ()) -> Iterator[FieldError]:
    """The members of a document in which a number stands that they are not made for; names of members are looked at too."""
    if isinstance(document, str):
        if holds_personal_number(document):
            yield FieldError(pointer_to(path), CODE, *_WORDS)
    elif isinstance(document, dict):
        for name, member in document.items():
            if holds_personal_number(name):
                yield FieldError(pointer_to(path), CODE, *_WORDS)
            elif name not in MADE_FOR:
                yield from faults_in(member, (*path, name))
    elif isinstance(document, list):
        for index, member in enumerate(document):
            yield from faults_in(member, (*path, index))


def faults_of_parameters(given: Iterable[tuple[str, str]]) -> list[FieldError]:
    """The parameters of an address, or headers, in which a number stands."""
    return [
        FieldError("", CODE, *_WORDS, name)
        for name, text in given
        if len(text) > 7 and holds_personal_number(text)
    ]
