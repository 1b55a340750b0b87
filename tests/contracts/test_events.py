"""Published events stay readable in both directions: old by new models, new by old schemas."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import BaseModel, ValidationError

from contracts.catalogue import PUBLISHED_EVENTS, UnknownEventTypeError, read_event
from contracts.envelope import CloudEvent, PublishedEvent
from contracts.ledger import CreditEarned
from services.cli.contracts import COMMAND, ROOT, event_schema

SAMPLES = Path(__file__).parent / "samples"
TYPES = sorted(PUBLISHED_EVENTS)
EARNED = CreditEarned.TYPE

PERSONAL = {
    "name",
    "phone",
    "mobile",
    "tel",
    "email",
    "mail",
    "address",
    "birth",
    "born",
    "gender",
    "sex",
    "photo",
}
PERSONAL |= {
    "id_number",
    "id_no",
    "id_card",
    "certificate",
    "passport",
    "wechat",
    "ip",
    "age",
    "nation",
    "ethnicity",
}


def stored_schema(event_type: str) -> dict[str, Any]:
    path = ROOT / "schemas" / f"{event_type}.json"
    assert path.exists(), f"{event_type} has no stored schema: run `{COMMAND}` and commit what it writes"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def sample(event_type: str) -> dict[str, Any]:
    path = SAMPLES / f"{event_type}.json"
    assert path.exists(), f"{event_type} has no sample: write one as it is published, to {path.name}"
    published: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return published


def earned(**changes: Any) -> PublishedEvent:
    return read_event(EARNED, sample(EARNED) | changes)


def fields_of(model: type[BaseModel]) -> set[str]:
    inner = [field.annotation for field in model.model_fields.values()]
    nested = [part for kind in inner for part in (kind, *getattr(kind, "__args__", ()))]
    models = [part for part in nested if isinstance(part, type) and issubclass(part, BaseModel)]
    return set(model.model_fields).union(*(fields_of(part) for part in models))


@pytest.mark.parametrize("event_type", TYPES)
class TestEveryEvent:
    def test_has_the_schema_that_is_committed(self, event_type: str):
        assert stored_schema(event_type) == event_schema(event_type), (
            f"the schema of {event_type} has changed. Published events do not change: publish the next"
            f" version beside it; or, while it is not released, run `{COMMAND}` and commit what it writes"
        )

    def test_yesterday_s_is_read_by_today_s_model(self, event_type: str):
        event = read_event(event_type, sample(event_type))
        assert event.model_dump(mode="json") == sample(event_type)
        assert type(event).model_validate_json(event.model_dump_json()) == event

    def test_today_s_is_valid_under_yesterday_s_schema(self, event_type: str):
        today = read_event(event_type, sample(event_type)).model_dump(mode="json")
        Draft202012Validator(stored_schema(event_type), format_checker=FormatChecker()).validate(today)

    def test_travels_with_its_type_and_its_schema(self, event_type: str):
        attributes = read_event(event_type, sample(event_type)).attributes()
        schema = stored_schema(event_type)["$id"]
        assert attributes == {"type": event_type, "dataschema": schema, "data": sample(event_type)}

    def test_refuses_a_field_it_does_not_know(self, event_type: str):
        with pytest.raises(ValidationError):
            read_event(event_type, sample(event_type) | {"surprise": 1})

    def test_lacks_no_field(self, event_type: str):
        whole = sample(event_type)
        for field in PUBLISHED_EVENTS[event_type].model_fields:
            with pytest.raises(ValidationError):
                read_event(event_type, {key: value for key, value in whole.items() if key != field})

    def test_cannot_be_edited(self, event_type: str):
        event = read_event(event_type, sample(event_type))
        with pytest.raises(ValidationError):
            setattr(event, next(iter(type(event).model_fields)), "x")

    def test_names_no_field_like_personal_data(self, event_type: str):
        model = PUBLISHED_EVENTS[event_type]
        # The legal name of an organization is public; the month of birth is what rules by age need of the date.
        known = {
            "OrganizationRegistered": {"name"},
            "InfoCollected": {"birth_month"},
            "InfoChanged": {"birth_month"},
        }
        allowed = known.get(model.__name__, set())
        for field in fields_of(model) - allowed:
            assert field not in PERSONAL
            assert field.endswith("_hash") or PERSONAL.isdisjoint(field.split("_"))

    def test_belongs_to_the_service_its_type_names(self, event_type: str):
        assert PUBLISHED_EVENTS[event_type].__module__ == f"contracts.{event_type.split('.')[2]}"


class TestTheContract:
    def test_keeps_the_names_of_the_mission(self):
        names = {model.__name__ for model in PUBLISHED_EVENTS.values()}
        assert names >= {"InfoCollected", "CreditEarned", "ProfileTransferred"}

    def test_gives_every_class_a_type_of_its_own(self):
        assert len({model.__name__ for model in PUBLISHED_EVENTS.values()}) == len(PUBLISHED_EVENTS) > 0

    def test_has_no_sample_or_schema_left_over(self):
        assert {path.stem for path in SAMPLES.glob("*.json")} == set(TYPES)
        assert {path.stem for path in (ROOT / "schemas").glob("*.json")} == set(TYPES)

    def test_refuses_a_type_that_is_taken_or_malformed(self):
        for taken in (
            EARNED,
            "CreditEarned",
            "cn.xuefen.ledger.credit.v1",
            "cn.xuefen.ledger.credit.earned.v0",
        ):
            with pytest.raises(TypeError):
                type("Again", (PublishedEvent,), {"TYPE": taken, "__annotations__": {}})

    def test_stops_at_a_type_it_does_not_know(self):
        with pytest.raises(UnknownEventTypeError):
            read_event("cn.xuefen.ledger.credit.melted.v1", {})


class TestValues:
    @pytest.mark.parametrize(
        "change",
        [
            {"credits": 12.5},
            {"credits": 12},
            {"credits": "12.5"},
            {"credits": "-1.00"},
            {"credits": "012.50"},
            {"credits": "NaN"},
            {"credits": "1２.50"},
            {"credits": "12.50\n"},
            {"credits": "100000.00"},
            {"year": "2025"},
            {"year": True},
            {"year": 0},
            {"year": 9999},
            {"completed_at": 1743523199},
            {"completed_at": "1743523199"},
            {"completed_at": "2025-04-01T15:59:59"},
            {"completed_at": "2025-04-01T23:59:59+08:00"},
            {"completed_at": "2025-04-01"},
            {"place": "２10000"},
            {"place": "210000\n"},
            {"person_id": "a b"},
            {"person_id": ""},
            {"course": "a\x00"},
            {"course": "课" * 201},
            {"category": "专业"},
            {"make_up": "false"},
            {"policy": "sha256:0"},
        ],
    )
    def test_of_the_wrong_form_are_refused(self, change: dict[str, Any]):
        with pytest.raises(ValidationError):
            earned(**change)

    def test_credits_are_decimals_and_travel_as_text_with_two_places(self):
        event = earned(credits=Decimal("3"))
        assert isinstance(event, CreditEarned)
        assert event.credits == Decimal("3.00")
        assert event.model_dump(mode="json")["credits"] == "3.00"
        with pytest.raises(ValidationError):
            earned(credits=Decimal("3.005"))
        with pytest.raises(ValidationError):
            earned(credits=Decimal("Infinity"))

    def test_times_may_be_given_as_times_in_utc(self):
        event = earned(completed_at=datetime(2025, 4, 1, 16, tzinfo=UTC))
        assert event.model_dump(mode="json")["completed_at"] == "2025-04-01T16:00:00Z"


class TestEnvelope:
    ENVELOPE: dict[str, Any] = {  # noqa: RUF012  a constant of the test
        "specversion": "1.0",
        "id": "210000/1",
        "source": "/v1/logs/210000",
        "type": EARNED,
        "time": "2025-04-01T16:00:00Z",
        "sequence": "1",
        "log": "210000",
        "position": 1,
        "data": {},
    }

    def test_carries_log_and_position(self):
        event = CloudEvent.model_validate(self.ENVELOPE | {"traceparent": "ignored"})
        assert (event.log, event.position) == ("210000", 1)

    @pytest.mark.parametrize(
        "change", [{"position": 0}, {"position": "1"}, {"specversion": "0.3"}, {"type": "x"}, {"time": 1}]
    )
    def test_refuses_what_cannot_be_followed(self, change: dict[str, Any]):
        with pytest.raises(ValidationError):
            CloudEvent.model_validate(self.ENVELOPE | change)
