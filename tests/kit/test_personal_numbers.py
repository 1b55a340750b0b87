"""The gate for numbers of people: what it recognises, what it lets pass, and the field it names."""

import json
import unicodedata
from typing import Annotated, Any

import msgspec
import pytest

from services.kit.errors import InvalidRequestError
from services.kit.json_guard import check_json
from services.kit.personal_numbers import faults_in, faults_of_parameters, holds_personal_number
from services.kit.records import decode_batch

RESIDENT, OLD = "210000196501050003", "210000650105000"
NUMBERS = [
    RESIDENT,
    "21000019650105003X",
    "210000 19650105 0003",
    "210000-19650105-0003",
    "210000_19650105_0003",
    "２１００００１９６５０１０５０００３",
    "证件号210000196501050003号",
    f"id{RESIDENT}x",
    f"2025-{RESIDENT}",
    OLD,
    "210000 650105 000",
    "13800001234",
    "138 0000 1234",
    "138-0000-1234",
    "+86 13800001234",
    "+8613800001234",
    "008613800001234",
    "１３８００００１２３４",
    "电话13800001234",
    "0411-84700000",
    "(0411)84700000",
    "（0411）84700000",
    "138\u200b12345678",
    "010-62770000",
    "041184700000",
    "0421 2600000",
    "E12345678",
    "EA1234567",
    "G12345678",
    "H12345678",
    "护照 E12345678",
]
HARMLESS = [
    "2025-000017",
    "person-000001",
    "00000000-0000-4000-8000-000000000000",
    "13800001-2345-4000-8000-138000012345",
    "91210000MA0ABCDE1X",
    "2025-03-01T09:00:00+08:00",
    "2025-03-01 2025-04-01",
    "210000-0123456789abcdef01234567",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "辽财会〔2025〕12号",
    "CN21-1234/F",
    "100.00",
    "1.1764492800000000.00000000-0000-4000-8000-000000000000",
    "ISBN 978-7-5095-1234-5",
    "211302",
    "第12期 2025年第3批",
    "1、2、3、4、5、6、7、8、9、10、11、12",
    "第1,3,5,7,9,11,13,15期",
    "2025-03-01 09:00-11:00，14:00-17:30",
    "2025.3.1, 2025.3.2, 2025.3.3; 8:30--11:30",
    "每周一、三、五 19:00—21:00，共12次（2025）",
    "财会〔2018〕10号、财会〔2019〕1号",
    "二〇二五年三月一日至二〇二五年十二月三十一日",
    "一、二、三、四、五、六",
    "收入10,000,000元，成本9,500,000元",
    "G2025-0001",
    "H20250",
    "IFRS 15, IAS 12, 16, 19, 36, 38, 40",
    "第Ⅱ级 ISO 9001:2015, 14001:2015",
    "2025/01/01 00:00:00.000000",
    "90.00/60.00/30.00",
]


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_recognised(text: str) -> None:
    assert holds_personal_number(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_anything_else_passes(text: str) -> None:
    assert not holds_personal_number(text)


MOBILE = "13800001234"
CATEGORIES = (
    "Zs",
    "Zl",
    "Zp",
    "Cf",
    "Pc",
    "Pd",
    "Ps",
    "Pe",
    "Pi",
    "Pf",
    "Po",
    "Sm",
    "Sc",
    "Sk",
    "So",
    "Mn",
    "Me",
)
SIGNS = [
    next(sign for sign in map(chr, range(0x20, 0x10000)) if unicodedata.category(sign) == category)
    for category in CATEGORIES
]
SEPARATORS = [*SIGNS, ", ", "、", "。", " - ", "...", "/", "\n", "·", "*", "＊", "~", "|"]
"""A sign of every kind that Unicode has besides letters and digits, and those that people write."""


def spelt(number: str, digits: str) -> str:
    return number.translate(str.maketrans("0123456789", digits))


@pytest.mark.parametrize("separator", SEPARATORS, ids=[f"U+{ord(each[0]):04X}" for each in SEPARATORS])
@pytest.mark.parametrize("number", [MOBILE, RESIDENT, "E12345678"])
def test_digits_parted_one_by_one_by_any_sign_are_a_number(number: str, separator: str) -> None:
    assert holds_personal_number(f"联系 {separator.join(number)} 谢谢")


DIGITS = [
    "〇一二三四五六七八九",
    "零壹贰叁肆伍陆柒捌玖",
    "０１２３４５６７８９",
    "٠١٢٣٤٥٦٧٨٩",
    "०१२३४५६७८९",
    "⓪①②③④⑤⑥⑦⑧⑨",
    "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
    "Ol23456789",
    "oI23456789",
]


@pytest.mark.parametrize("separator", ["", " ", "、"])
@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize("number", [MOBILE, RESIDENT])
def test_digits_of_other_scripts_spelt_or_alike_are_a_number(
    number: str, digits: str, separator: str
) -> None:
    assert holds_personal_number(separator.join(spelt(number, digits)))


@pytest.mark.parametrize(
    "text",
    [
        "138,0000,1234",
        "138 , 00001234",
        "13 80 00 01 23 4",
        "1-3-8-0-0-0-0-1-2-3-4, 2025",
        "0411, 8470 0000",
        "210000, 1965, 0105, 0003",
        "2025; 21000019650105, 0003; 12",
        "1\ufe0f\u20e33\ufe0f\u20e38\ufe0f\u20e300001234",
    ],
)
def test_groups_of_digits_that_signs_part_are_a_number(text: str) -> None:
    assert holds_personal_number(text)


class Course(msgspec.Struct):
    """A part whose texts somebody chooses."""

    title: str | None = None


class Human(msgspec.Struct):
    """A part that is hashed as a whole."""

    id_number: str
    name: str


class Row(msgspec.Struct):
    """A record of a batch."""

    id: Annotated[str, msgspec.Meta(max_length=80)]
    human: Human
    count: int = 0
    course: Course | None = None
    remark: str | None = None


@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize("where", ["id", "course/title", "remark"])
def test_a_record_of_a_batch_is_refused_alone(text: str, where: str) -> None:
    human = Human(RESIDENT, "王一")
    good = Row("2025-000017", human, course=Course("会计准则"))
    bad = {
        "id": Row(text, human),
        "course/title": Row("a", human, course=Course(text)),
        "remark": Row("a", human, remark=text),
    }[where]
    decoded = decode_batch(msgspec.json.encode({"records": [good, bad]}), Row, items_max=10)
    assert [each.index for each in decoded.invalid] == [1]
    assert [error.pointer for error in decoded.invalid[0].errors] == [f"/records/1/{where}"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"title": RESIDENT}, ["/title"]),
        ({"rows": [{"id": "a"}, {"id": RESIDENT}]}, ["/rows/1/id"]),
        ({"fact": {RESIDENT: "x"}}, ["/fact"]),
        ({"person": {"id_number": RESIDENT, "phone": "13800001234"}}, []),
        ({"person": {"id_number": RESIDENT}, "record_id": RESIDENT}, ["/record_id"]),
        ({"a": "13800001234", "b": "\u0031\u0033800001234"}, ["/a", "/b"]),
    ],
)
def test_a_body_is_refused_naming_the_field_and_repeating_nothing(body: Any, pointers: list[str]) -> None:
    raw = json.dumps(body).encode()
    if not pointers:
        check_json(raw)
        return
    with pytest.raises(InvalidRequestError) as refused:
        check_json(raw)
    assert [error.pointer for error in refused.value.field_errors] == pointers
    assert RESIDENT not in str([error.body("zh") for error in refused.value.field_errors])


def test_the_parameters_of_an_address_are_named() -> None:
    found = faults_of_parameters([("place", "210000"), ("after", RESIDENT), ("code", "91210000MA0ABCDE1X")])
    assert [error.parameter for error in found] == ["after"]
    assert list(faults_in({"phone": "13800001234"})) == []
