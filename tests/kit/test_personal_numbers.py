"""The gate for numbers of people: what it recognises, what it lets pass, and the field it names."""

import json
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
]


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_recognised(text: str) -> None:
    assert holds_personal_number(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_anything_else_passes(text: str) -> None:
    assert not holds_personal_number(text)


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
