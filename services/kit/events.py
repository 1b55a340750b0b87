"""Immutable events of the hot path: typed, encoded to the same bytes every time, stored under a pinned name.

An event that changes shape raises its `class_version` and says beside itself how older states are read
(`upcast_v1_v2`), in the eventsourcing library's words.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any, ClassVar

import msgspec
import msgspec.inspect

_ZERO = timedelta(0)
_VERSION_KEY = b'"class_version":'


class UnknownEventError(Exception):
    """A stored event whose topic or version this release does not know. Whoever reads the log must stop at
    it.
    """

    def __init__(self, topic: str, detail: str = "no event is registered under this topic") -> None:
        super().__init__(f"{topic}: {detail}")
        self.topic = topic


class DuplicateTopicError(TypeError):
    """Two events claim one stored name; the second is refused when its module is imported."""


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Base of stored events. Say `class SeatBooked(Event, frozen=True, kw_only=True)` and pin a `TOPIC`.

    A field that is as by default takes no room in the log, so a default never changes: that would change what was stored.
    Money-like quantities are `Decimal` (stored as strings), moments are aware and in UTC; a float anywhere in
    an event is refused. With `class_version = 2`, give `upcast_v1_v2(state)`, a static method that changes
    the decoded JSON object of version 1 in place.
    """

    TOPIC: ClassVar[str]
    class_version: ClassVar[int] = 1

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        topic = cls.__dict__.get("TOPIC")
        if topic is not None:
            register(topic, cls)


class _Codec:
    """How one event class is written and read; made when the class is first used."""

    def __init__(self, cls: type[Event]) -> None:
        self.topic = cls.TOPIC
        self.cls = cls
        self.version = cls.class_version
        self.decoder = msgspec.json.Decoder(cls)
        self.moments = _checked_moments(cls)
        self.prefix = b'{"class_version":%d' % self.version
        self.current_prefixes = (self.prefix + b",", self.prefix + b"}")

    def encode(self, event: Event) -> bytes:
        for name in self.moments:
            moment = getattr(event, name)
            if moment is not None and moment.tzinfo is not UTC and moment.utcoffset() != _ZERO:
                raise ValueError(f"{self.topic}.{name} must be aware and in UTC")
        state = _ENCODER.encode(event)
        if self.version == 1:
            return state
        return self.prefix + (b"}" if state == b"{}" else b"," + state[1:])

    def decode(self, state: bytes) -> Event:
        current = _VERSION_KEY not in state if self.version == 1 else state.startswith(self.current_prefixes)
        if current:
            return self.decoder.decode(state)
        return self._decode_other_version(state)

    def _decode_other_version(self, state: bytes) -> Event:
        fields: dict[str, Any] = msgspec.json.decode(state)
        version = fields.pop("class_version", 1)
        if version > self.version:
            raise UnknownEventError(self.topic, f"stored as version {version}, known up to {self.version}")
        for older in range(version, self.version):
            upcast: Callable[[dict[str, object]], None] = getattr(self.cls, f"upcast_v{older}_v{older + 1}")
            upcast(fields)
        return msgspec.convert(fields, self.cls)


_ENCODER = msgspec.json.Encoder(decimal_format="string", uuid_format="canonical", order="deterministic")
_classes: dict[str, type[object]] = {}
_codecs: dict[str, _Codec] = {}


def register(topic: str, cls: type[object]) -> None:
    """Pin a stored name to a class. A reloaded module may define its class again, another may not."""
    known = _classes.get(topic)
    if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise DuplicateTopicError(f"{topic} is already the name of {known.__module__}.{known.__qualname__}")
    _classes[topic] = cls
    _codecs.pop(topic, None)


def registered() -> dict[str, type[object]]:
    """Every pinned name and its class, events of aggregates included."""
    return dict(sorted(_classes.items()))


def is_known(topic: str) -> bool:
    """Whether an event of this release, an aggregate's or our own, has the topic."""
    return topic in _classes


def encode(event: Event) -> bytes:
    """The event as JSON: fields in declared order, equal events to equal bytes. ValueError for a moment not
    in UTC.
    """
    codec = _codecs.get(event.TOPIC) or _codec(event.TOPIC)
    if codec.cls is not type(event):
        raise TypeError(f"{type(event).__qualname__} pins no TOPIC of its own")
    return codec.encode(event)


def decode(topic: str, state: bytes) -> Event:
    """The event stored under a topic, upcast to today's shape. UnknownEventError when this release does not
    know it.
    """
    codec = _codecs.get(topic) or _codec(topic)
    return codec.decode(state)


def _codec(topic: str) -> _Codec:
    cls = _classes.get(topic)
    if cls is None or not issubclass(cls, Event):
        raise UnknownEventError(topic)
    codec = _codecs[topic] = _Codec(cls)
    return codec


def _checked_moments(cls: type[Event]) -> tuple[str, ...]:
    """The names of the event's own datetime fields; TypeError when a float hides anywhere in the event."""
    info = msgspec.inspect.type_info(cls)
    _refuse_floats(info, cls.__qualname__, seen=set())
    assert isinstance(info, msgspec.inspect.StructType)
    return tuple(field.name for field in info.fields if _holds_moment(field.type))


def _holds_moment(info: msgspec.inspect.Type) -> bool:
    if isinstance(info, msgspec.inspect.UnionType):
        return any(_holds_moment(member) for member in info.types)
    return isinstance(info, msgspec.inspect.DateTimeType)


def _refuse_floats(info: object, where: str, *, seen: set[int]) -> None:
    if isinstance(info, msgspec.inspect.FloatType):
        raise TypeError(f"{where} holds a float; amounts are Decimal")
    if id(info) in seen:
        return
    seen.add(id(info))
    for name in getattr(info, "__struct_fields__", ()):
        value = getattr(info, name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, (msgspec.inspect.Type, msgspec.inspect.Field)):
                _refuse_floats(child, f"{where}.{getattr(info, 'name', name)}", seen=seen)
