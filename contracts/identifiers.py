"""The identifiers of people and organisations, and what can be said of one from its characters alone.

A check answers with a typed problem or None, and never repeats what it was given. County codes of a resident
ID are not looked up: counties end and are renamed, and the people registered in them stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import lru_cache

from contracts.identity import normalise_id_number
from services.kit.check_digits import mod_11_2


class IdType(StrEnum):
    """The documents a person may be collected under."""

    RESIDENT_ID = "resident_id"
    """居民身份证, and the residence permits for people from Hong Kong, Macau and Taiwan (81, 82, 83)."""
    HK_MACAU_PERMIT = "hk_macau_permit"
    """港澳居民来往内地通行证."""
    TAIWAN_PERMIT = "taiwan_permit"
    """台湾居民来往大陆通行证."""
    PASSPORT = "passport"
    OFFICER_CARD = "officer_card"
    """军官证 and its like, numbers of which may hold Chinese characters."""


ID_TYPE_WORDS: Mapping[str, tuple[str, ...]] = {
    "resident_id": ("居民身份证", "resident identity card", "身份证", "二代身份证", "二代证"),
    "hk_macau_permit": (
        "港澳居民来往内地通行证", "mainland travel permit for Hong Kong and Macau residents", "回乡证", "港澳居民通行证",
    ),
    "taiwan_permit": (
        "台湾居民来往大陆通行证", "mainland travel permit for Taiwan residents", "台胞证", "台湾居民通行证",
    ),
    "passport": ("护照", "passport"),
    "officer_card": ("军官证", "officer card"),
}  # fmt: skip
"""Each type in Chinese and English, and what else people write for it in tables."""


class IdentifierProblem(StrEnum):
    """Why an identifier cannot be right."""

    FORMAT = "format"
    """Wrong length, or a character that does not belong: full-width digits and spaces among them."""
    REGION = "region"
    BIRTH_DATE = "birth_date"
    CHECK_DIGIT = "check_digit"

    @property
    def text_zh(self) -> str:
        return _TEXTS[self][0]

    @property
    def text_en(self) -> str:
        return _TEXTS[self][1]


_TEXTS = {
    IdentifierProblem.FORMAT: ("长度或字符不符合规定", "the length or a character does not fit"),
    IdentifierProblem.REGION: ("前两位不是有效的地区代码", "the first two digits name no region"),
    IdentifierProblem.BIRTH_DATE: ("出生日期不可信", "the date of birth is not plausible"),
    IdentifierProblem.CHECK_DIGIT: ("校验码不正确", "the check digit is wrong"),
}

BIRTH_YEAR_MIN = 1900

_REGION = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]", re.ASCII)
_RESIDENT_ID = re.compile(r"[0-9]{17}[0-9Xx]", re.ASCII)
_OF_SOME_REGION = re.compile(rf"(?:{_REGION.pattern})[0-9]{{15}}[0-9Xx]", re.ASCII)

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {character: value for value, character in enumerate(_USCC_ALPHABET)}
_USCC = re.compile(rf"[{_USCC_ALPHABET[10:]}0-9]{{2}}[0-9]{{6}}[{_USCC_ALPHABET[10:]}0-9]{{10}}", re.ASCII)
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))

_OTHER_FORMATS = {
    IdType.HK_MACAU_PERMIT: re.compile(r"[HMhm][0-9]{8}(?:[0-9]{2})?", re.ASCII),
    IdType.TAIWAN_PERMIT: re.compile(r"[0-9]{8}|[0-9]{10}(?:[A-Za-z]|\([A-Za-z]\))?", re.ASCII),
    IdType.PASSPORT: re.compile(r"[A-Za-z0-9]{5,20}", re.ASCII),
    IdType.OFFICER_CARD: re.compile(r"[A-Za-z0-9\u4e00-\u9fff]{4,24}"),
}


def check_resident_id(number: str, *, on: date) -> IdentifierProblem | None:
    """What is wrong with a resident ID number (18 characters, the last may be X), judged on the day `on`."""
    if not _OF_SOME_REGION.fullmatch(number):
        return IdentifierProblem.REGION if _RESIDENT_ID.fullmatch(number) else IdentifierProblem.FORMAT
    born = _date_of(number[6:14])
    if born is None or born.year < BIRTH_YEAR_MIN or born > on:
        return IdentifierProblem.BIRTH_DATE
    if mod_11_2(number[:17]) != number[17].upper():
        return IdentifierProblem.CHECK_DIGIT
    return None


@lru_cache(maxsize=65_536)
def _date_of(digits: str) -> date | None:
    """The date written as eight digits; remembered, as whole batches share a few thousand days."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def birth_month_of(id_type: str, number: str) -> str | None:
    """The month of birth, as `1990-09`, that the number of a document tells; None where it tells none."""
    return f"{number[6:10]}-{number[10:12]}" if id_type == IdType.RESIDENT_ID else None


def check_id_number(id_type: IdType, number: str, *, on: date) -> IdentifierProblem | None:
    """What is wrong with the number of any document, as it is hashed; only a resident ID carries a check digit."""
    number = normalise_id_number(number)
    if id_type is IdType.RESIDENT_ID:
        return check_resident_id(number, on=on)
    return None if _OTHER_FORMATS[id_type].fullmatch(number) else IdentifierProblem.FORMAT


def uscc_check_character(body: str) -> str:
    """The last character for the first seventeen of a unified social credit code (GB 32100, MOD 31)."""
    total = sum(
        weight * _USCC_VALUES[character] for weight, character in zip(_USCC_WEIGHTS, body, strict=True)
    )
    return _USCC_ALPHABET[-total % 31]


def check_uscc(code: str) -> IdentifierProblem | None:
    """What is wrong with a unified social credit code (统一社会信用代码): 18 characters, in capitals."""
    if not _USCC.fullmatch(code):
        return IdentifierProblem.FORMAT
    if uscc_check_character(code[:17]) != code[17]:
        return IdentifierProblem.CHECK_DIGIT
    return None
