"""Stored events: the same bytes every time, pinned names, and old shapes that stay readable."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from services.kit.events import (
    DuplicateTopicError,
    Event,
    UnknownEventError,
    decode,
    encode,
    is_known,
    registered,
)

AT = datetime(2025, 6, 30, 16, tzinfo=UTC)


class Measured(Event, frozen=True, kw_only=True):
    """With every kind of field the services use."""

    TOPIC = "test.Measured"
    name: str
    amount: Decimal
    at: datetime
    day: date
    seen_at: datetime | None = None
    parts: tuple[str, ...] = ()
    shares: dict[str, Decimal] = msgspec.field(default_factory=dict)


class Renamed(Event, frozen=True, kw_only=True):
    """Its third shape; the first had `title`, the second no `language`."""

    TOPIC = "test.Renamed"
    class_version = 3
    name: str
    language: str

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["name"] = state.pop("title")

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        state["language"] = "zh"


class Empty(Event, frozen=True, kw_only=True):
    """The fact alone, in its second version."""

    TOPIC = "test.Empty"
    class_version = 2

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state.clear()


def measured(**changes: Any) -> Measured:
    return Measured(**{"name": "n", "amount": Decimal("1.50"), "at": AT, "day": date(2025, 7, 1), **changes})


class TestEncoding:
    def test_fields_come_in_declared_order_and_nothing_is_a_float(self):
        assert encode(measured(parts=("b", "a"), shares={"b": Decimal("2.00"), "a": Decimal(1)})) == (
            b'{"name":"n","amount":"1.50","at":"2025-06-30T16:00:00Z","day":"2025-07-01",'
            b'"parts":["b","a"],"shares":{"a":"1","b":"2.00"}}'
        )

    def test_what_is_as_by_default_takes_no_room(self):
        assert encode(measured()) == (
            b'{"name":"n","amount":"1.50","at":"2025-06-30T16:00:00Z","day":"2025-07-01"}'
        )
        assert decode("test.Measured", encode(measured())) == measured()

    def test_decoding_gives_the_event_back(self):
        event = measured(seen_at=AT, parts=("甲",), shares={"x": Decimal("0.10")})

        assert decode("test.Measured", encode(event)) == event

    @pytest.mark.parametrize(
        "moment",
        [
            datetime(2025, 6, 30, 16),  # noqa: DTZ001 - what must be refused
            datetime(2025, 7, 1, tzinfo=ZoneInfo("Asia/Shanghai")),
            datetime(2025, 7, 1, tzinfo=timezone(timedelta(hours=8))),
        ],
        ids=["naive", "zone", "offset"],
    )
    @pytest.mark.parametrize("field", ["at", "seen_at"])
    def test_a_moment_not_in_utc_is_refused(self, moment: datetime, field: str):
        with pytest.raises(ValueError, match=f"{field} must be aware and in UTC"):
            encode(measured(**{field: moment}))

    def test_any_spelling_of_utc_gives_the_same_bytes(self):
        assert encode(measured(at=AT.astimezone(ZoneInfo("UTC")))) == encode(measured())

    def test_events_cannot_be_changed(self):
        with pytest.raises(AttributeError):
            measured().name = "other"  # type: ignore[misc]

    def test_a_float_is_refused_wherever_it_hides(self):
        class Inner(msgspec.Struct):
            rates: list[float]

        class Floating(Event, frozen=True, kw_only=True):
            TOPIC = "test.Floating"
            inner: Inner | None = None

        with pytest.raises(TypeError, match="float"):
            encode(Floating())


class TestVersions:
    def test_the_version_is_stored_from_the_second_on(self):
        event = Renamed(name="a", language="en")

        assert encode(event) == b'{"class_version":3,"name":"a","language":"en"}'
        assert decode("test.Renamed", encode(event)) == event

    @pytest.mark.parametrize(
        "state", [b'{"title":"a"}', b'{"class_version":2,"name":"a"}', b'{"name":"a","class_version":2}']
    )
    def test_older_shapes_are_upcast_step_by_step(self, state: bytes):
        assert decode("test.Renamed", state) == Renamed(name="a", language="zh")

    def test_the_current_version_is_read_in_any_order_of_keys(self):
        state = b'{"name":"a","language":"en","class_version":3}'

        assert decode("test.Renamed", state) == Renamed(name="a", language="en")

    @pytest.mark.parametrize(("topic", "version"), [("test.Renamed", 4), ("test.Measured", 2)])
    def test_a_version_from_the_future_is_unknown(self, topic: str, version: int):
        with pytest.raises(UnknownEventError, match=f"version {version}"):
            decode(topic, b'{"class_version":%d}' % version)

    def test_text_that_looks_like_a_version_is_only_text(self):
        event = measured(name='"class_version":9')

        assert decode("test.Measured", encode(event)) == event

    def test_an_event_without_fields_has_versions_too(self):
        assert encode(Empty()) == b'{"class_version":2}'
        assert decode("test.Empty", b"{}") == decode("test.Empty", encode(Empty())) == Empty()


class TestNames:
    def test_an_unknown_topic_is_an_error(self):
        assert not is_known("test.Nobody")
        with pytest.raises(UnknownEventError):
            decode("test.Nobody", b"{}")

    def test_a_known_topic_is_listed(self):
        assert is_known("test.Measured")
        assert registered()["test.Measured"] is Measured

    def test_a_second_event_of_the_same_name_is_refused(self):
        with pytest.raises(DuplicateTopicError):

            class Other(Event, frozen=True, kw_only=True):
                TOPIC = "test.Measured"

    def test_an_event_without_a_name_of_its_own_cannot_be_stored(self):
        class Sub(Measured, frozen=True, kw_only=True):
            extra: str = ""

        with pytest.raises(TypeError, match="no TOPIC"):
            encode(Sub(name="n", amount=Decimal(1), at=AT, day=date(2025, 7, 1)))

    def test_a_missing_field_is_a_decoding_error_not_a_guess(self):
        with pytest.raises(msgspec.ValidationError):
            decode("test.Measured", b"{}")
