"""Batches of the hot routes: the fast decoder and its pydantic model agree, and one bad record stops no other."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Meta
from pydantic import ValidationError

from services.kit.errors import InvalidRequestError, MalformedBodyError
from services.kit.records import InvalidRecord, batch_model, decode_batch, json_body, pydantic_model

END = r"(?![\s\S])"
NUMBER = "110000199003070132"


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something nested."""

    kind: Literal["short", "long"]
    number: Annotated[str, Meta(pattern=rf"^[0-9A-Z]{{3,6}}{END}")]
    schema: str | None = None  # a name that pydantic's models use themselves


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record with every kind of field."""

    id: Annotated[str, Meta(min_length=1, max_length=8, description="An id.")]
    holder: Holder
    year: Annotated[int, Meta(ge=2000, le=2100)]
    at: Annotated[datetime, Meta(tz=True)]
    day: date | None = None
    flag: bool = False
    tags: Annotated[tuple[str, ...], Meta(max_length=2)] = ()
    pair: tuple[int, str] | None = None
    others: list[Holder] = []


GOOD: dict[str, Any] = {
    "id": "a", "holder": {"kind": "short", "number": "123"}, "year": 2025, "at": "2026-01-01T00:00:00+08:00"
}  # fmt: skip


def body(*records: Any) -> bytes:
    return json.dumps({"records": list(records)}).encode()


def accepted_by_struct(raw: bytes) -> bool:
    try:
        msgspec.json.decode(raw, type=Entry)
    except ValueError:
        return False
    return b"\\u0000" not in raw


def accepted_by_mirror(raw: bytes) -> bool:
    try:
        pydantic_model(Entry).model_validate(msgspec.json.decode(raw))
    except (ValidationError, ValueError):
        return False
    return True


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9)
)
times = st.sampled_from(
    ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01 00:00:00+08:00", "2026-01-01t00:00:00z",
     "2026-01-01", "2026-01-01T24:00:00Z", "2026-01-01T00:00Z", "2026-01-01T00:00:00+0800", "２０２６-01-01", "0000-01-01",
     "9999-12-31", "2026-02-30", "2026-01-01T00:00:00.123456789Z", "1767225600", "2026-01-01T00:00:60Z"]
)  # fmt: skip
numbers = st.sampled_from(["123", "12", "ABC123", "abc", "１２３", "123\n", "1234567", "", "12 3"])
anything = (
    scalars | times | numbers | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=4), scalars)
)
holders = st.fixed_dictionaries(
    {"kind": st.sampled_from(["short", "long", "other", ""]) | scalars, "number": numbers | scalars},
    optional={"schema": scalars, "more": scalars},
)
entries = st.fixed_dictionaries(
    {"id": st.text(max_size=9) | scalars, "holder": holders | scalars,
     "year": st.integers(1999, 2101) | scalars, "at": times | scalars},
    optional={"day": times | scalars, "flag": scalars,
              "tags": st.lists(st.text(max_size=3) | scalars, max_size=3),
              "pair": st.lists(st.integers() | st.text(max_size=3), max_size=3) | scalars,
              "others": st.lists(holders, max_size=2) | scalars, "x": scalars},
)  # fmt: skip


class TestMirror:
    @settings(max_examples=400, deadline=None)
    @given(st.one_of(entries, anything))
    @example(GOOD)
    @example(GOOD | {"year": 2025.0})
    @example(GOOD | {"year": True})
    @example(GOOD | {"flag": 1})
    @example(GOOD | {"holder": {"kind": "short", "number": "123\n"}})
    @example(GOOD | {"id": "\x00"})
    @example(GOOD | {"pair": [1, "a"], "tags": ["a", "b"], "day": "2026-01-01"})
    def test_accepts_and_refuses_what_the_struct_does(self, value: Any) -> None:
        raw = json.dumps(value).encode()
        assert accepted_by_mirror(raw) == accepted_by_struct(raw)

    def test_the_good_record_is_good_in_both(self) -> None:
        raw = json.dumps(GOOD).encode()
        assert accepted_by_struct(raw)
        assert accepted_by_mirror(raw)

    def test_gives_the_schema_of_the_record(self) -> None:
        schema = json_body(batch_model(Entry, items_max=1000))["x-definitions"]
        assert schema["EntryBatch"]["properties"]["records"]["maxItems"] == 1000
        assert schema["Entry"]["properties"]["year"] == {
            "maximum": 2100, "minimum": 2000, "title": "Year", "type": "integer"
        }  # fmt: skip
        assert "schema" in schema["Holder"]["properties"]

    @pytest.mark.parametrize(
        "struct",
        [
            msgspec.defstruct("Lax", [("a", str)]),
            msgspec.defstruct("Float", [("a", float)], forbid_unknown_fields=True),
            msgspec.defstruct("Naive", [("a", datetime)], forbid_unknown_fields=True),
            msgspec.defstruct(
                "Dollar", [("a", Annotated[str, Meta(pattern="^a$")])], forbid_unknown_fields=True
            ),
        ],
    )
    def test_refuses_structs_that_would_not_behave_the_same(self, struct: type[msgspec.Struct]) -> None:
        with pytest.raises(TypeError):
            pydantic_model(struct)


class TestDecodeBatch:
    def test_good_records_come_as_structs_in_order(self) -> None:
        batch = decode_batch(body(GOOD, GOOD | {"id": "b"}), Entry, items_max=10)
        assert [record.id for _, record in batch.valid] == ["a", "b"]
        assert batch.invalid == []

    def test_a_bad_record_is_refused_alone_with_all_its_faults(self) -> None:
        bad = GOOD | {"year": "x", "at": "2026-01-01T00:00:00", "holder": {"kind": "none"}, NUMBER: 1}
        batch = decode_batch(body(GOOD, bad, 5, GOOD | {"id": "d"}), Entry, items_max=10)
        assert [index for index, _ in batch.valid] == [0, 3]
        assert [item.index for item in batch.invalid] == [1, 2]
        assert {(error.pointer, error.code) for error in batch.invalid[0].errors} == {
            ("/records/1/year", "wrong_type"),
            ("/records/1/at", "invalid_time"),
            ("/records/1/holder/kind", "not_allowed"),
            ("/records/1/holder/number", "missing"),
            ("/records/1", "unknown_field"),
        }
        assert batch.invalid[0].problem.status == 422

    def test_a_bad_record_keeps_its_id_unless_that_is_at_fault_or_is_somebody_s_number(self) -> None:
        bad = GOOD | {"year": 1}
        kept, long, number, none, nothing = "a", "a" * 9, NUMBER, 5, {}
        records = [bad | {"id": given} for given in (kept, long, number, none, nothing)]
        batch = decode_batch(body(*records, 5, {"year": 1}), Entry, items_max=10)
        assert [item.record_id for item in batch.invalid] == ["a", None, None, None, None, None, None]

    def test_a_record_that_names_a_member_twice_keeps_its_id_unless_it_is_the_id(self) -> None:
        twice = [
            body(GOOD).replace(b'"year"', b'"%s": %s, "year"' % each)
            for each in ((b"year", b"2024"), (b"id", b'"b"'))
        ]
        found = [decode_batch(raw, Entry, items_max=10).invalid[0].record_id for raw in twice]
        assert found == ["a", None]

    def test_a_nul_character_refuses_its_record_alone(self) -> None:
        batch = decode_batch(body(GOOD, GOOD | {"id": "a\x00"}), Entry, items_max=10)
        assert isinstance(batch.records[1], InvalidRecord)
        assert batch.records[1].errors[0].code == "nul_character"

    def test_a_number_beyond_range_refuses_its_record_alone(self) -> None:
        raw = body(GOOD, GOOD | {"year": 77}).replace(b"77", b"1e999")
        batch = decode_batch(raw, Entry, items_max=10)
        assert batch.invalid[0].errors[0].pointer == "/records/1/year"

    @pytest.mark.parametrize(
        ("raw", "error"),
        [
            (b"", MalformedBodyError),
            (b'{"records": [{}', MalformedBodyError),
            (b'{"records": [' + b"[" * 100_000, MalformedBodyError),
            (b'{"records": [' + b"{}," * 1_000_000 + b"{}]}", MalformedBodyError),
            (b'{"records": [' + b"{}," * 10 + b"{}]}", InvalidRequestError),
            (b'{"records": []}', InvalidRequestError),
            (b'{"records": {}}', InvalidRequestError),
            (b'{"record": []}', InvalidRequestError),
            (b"[]", InvalidRequestError),
            (b'{"records": [{"id": NaN}]}', InvalidRequestError),
            (b'{"records": [{"id": "\\ud800"}]}', InvalidRequestError),
        ],
    )
    def test_what_is_no_batch_is_refused_whole(self, raw: bytes, error: type[Exception]) -> None:
        with pytest.raises(error):
            decode_batch(raw, Entry, items_max=10)
