"""Rows of tables as records: what a row means, and where in the file its faults are."""

from typing import Annotated

from msgspec import Meta, Struct

from services.kit.cell_types import Text, Whole
from services.kit.errors import NotFoundError
from services.kit.records import InvalidRecord
from services.kit.spreadsheets import CSV_TYPE
from services.kit.table_forms import Column, Form
from services.kit.table_records import batch_of, place
from tests.kit.tables import csv_of, read


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a thing."""

    name: Annotated[str, Meta(max_length=3)]
    kind: str


class Thing(Struct, frozen=True, forbid_unknown_fields=True):
    """A thing with one part."""

    id: str
    part: Part
    count: int | None = None


FORM = Form(
    zh="物品",
    en="Things",
    columns=(
        Column("/id", "编号", "id", Text(), needed=True),
        Column("/part/name", "名称", "name", Text(), needed=True),
        Column("/count", "数量", "count", Whole()),
    ),
    rows_max=5,
)
ROWS = [["编号", "名称", "数量"], ["a", "甲", "2"], [], ["b", "甲乙丙丁", "x"]]


class TestBatch:
    def test_has_a_record_for_every_row_and_every_fault_of_it_with_its_place(self):
        good, bad = batch_of(read(csv_of(ROWS), CSV_TYPE, FORM), Thing, {"/part/kind": "box"}).records
        assert good == Thing("a", Part("甲", "box"), 2)
        assert isinstance(bad, InvalidRecord)
        assert [(error.pointer, error.code) for error in bad.errors] == [
            ("/records/1/count", "not_a_whole_number"),
            ("/records/1/part/name", "too_long"),
        ]
        assert bad.errors[1].detail_zh.startswith("第4行“名称”（B列）：")
        assert bad.errors[1].detail_en.startswith("row 4, column B (name): ")

    def test_lets_a_refusal_say_where_it_is(self):
        table = read(csv_of(ROWS), CSV_TYPE, FORM)
        problem = NotFoundError("没有此物。", "No such thing.", pointer="/records/1/part/name")
        assert place(problem, table, 1) == "名称"
        assert (problem.detail_zh, problem.detail_en) == (
            "第4行“名称”（B列）：没有此物。",
            "row 4, column B (name): No such thing.",
        )
        elsewhere = NotFoundError("没有此物。", pointer="/records/1/other")
        assert (place(elsewhere, table, 1), elsewhere.detail_zh) == (None, "没有此物。")
