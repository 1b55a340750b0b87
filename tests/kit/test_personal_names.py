"""The gate for names: whose name a request says, and where else it may not stand."""

import json
from typing import Any

import pytest

from services.kit.errors import InvalidRequestError
from services.kit.json_guard import check_json
from services.kit.personal_names import holds_name
from services.kit.records import decode_batch
from tests.kit.test_personal_numbers import Row

NUMBER = "210000196501050003"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("欧阳静怡", "欧阳静怡"),
        ("退回欧阳静怡的材料", "欧阳静怡"),
        ("欧阳 静怡", "欧阳静怡"),
        ("欧阳静怡", "欧阳 静怡"),
        ("买买提·艾力江先生", "买买提艾力江"),
        ("学员王一已缴费", "王一"),
        ("王一同志", "王一"),
        ("（王一）补报", "王一"),
        ("report of JOHN  SMITH, late", "John Smith"),
        ("ＪＯＨＮ ＳＭＩＴＨ", "john smith"),
        ("Renée Müller", "Renee Muller"),
    ],
)
def test_a_name_is_recognised(text: str, name: str) -> None:
    assert holds_name(text, name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("金融工具准则解读", "金融"),
        ("新收入准则与高级会计实务", "高级"),
        ("Liability and equity", "Li"),
        ("Smithsonian accounting", "John Smith"),
        ("企业会计准则", "欧阳静怡"),
        ("第一批", "一"),
    ],
)
def test_a_name_that_is_a_word_as_well_passes_inside_other_words(text: str, name: str) -> None:
    assert not holds_name(text, name)


HUMAN = {"id_number": NUMBER, "name": "欧阳静怡"}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"human": HUMAN, "title": "欧阳静怡的讲座"}, ["/title"]),
        ({"human": HUMAN, "course": {"title": "欧阳静怡"}}, ["/course/title"]),
        ({"rows": [{"human": HUMAN, "remark": "欧阳静怡"}, {"remark": "欧阳静怡"}]}, ["/rows/0/remark"]),
        ({"human": HUMAN, "texts": ["a", "欧阳静怡"]}, ["/texts/1"]),
        ({"human": HUMAN | {"place": "欧阳静怡"}}, ["/human/place"]),
        ({"human": HUMAN, "note": "欧阳静怡", "title": "准则"}, []),
        ({"name": "欧阳静怡", "title": "欧阳静怡"}, []),
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
    assert "欧阳" not in str([error.body("zh") for error in refused.value.field_errors])


def test_a_record_of_a_batch_is_refused_alone() -> None:
    records = [
        {"id": "1", "human": HUMAN, "remark": "准则"},
        {"id": "2", "human": HUMAN, "remark": "欧阳静怡已缴费"},
        {"id": "3", "human": {"id_number": NUMBER, "name": "John Smith"}, "remark": "for john smith"},
        {"id": "4", "human": {"id_number": NUMBER, "name": "王一"}, "remark": "欧阳静怡"},
        {"id": "5", "human": HUMAN, "course": {"title": "欧阳静怡"}},
    ]
    decoded = decode_batch(json.dumps({"records": records}).encode(), Row, items_max=10)
    assert [each.errors[0].pointer for each in decoded.invalid] == [
        "/records/1/remark",
        "/records/2/remark",
        "/records/4/course/title",
    ]


def test_batches_that_say_names_where_they_belong_pass() -> None:
    record = {"human": {"id_number": NUMBER, "name": "金融"}, "course": {"title": "金融工具"}}
    body = json.dumps({"records": [record | {"id": str(number)} for number in range(3)]})
    assert decode_batch(body.encode(), Row, items_max=10).invalid == []
