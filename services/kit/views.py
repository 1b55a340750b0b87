"""Views: one shape made of others by the names of its fields, so that nobody copies them one by one and loses one."""

from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")
_NOBODY = object()


def names_of(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a struct, of a dataclass, or of a pydantic model."""
    for names in ("__struct_fields__", "__dataclass_fields__", "model_fields"):
        if hasattr(kind, names):
            return tuple(getattr(kind, names))
    raise TypeError(f"{kind.__qualname__} has no fields")


def fields_of(kind: type[object], /, *sources: object, **given: object) -> dict[str, Any]:
    """The fields of `kind`: as given, or else as the first of the sources has them, an object or a dictionary.

    AttributeError for one that nobody has, although it has a default.
    """
    return {name: given[name] if name in given else _found(name, sources) for name in names_of(kind)}


def view(kind: type[T], /, *sources: object, **given: object) -> T:
    """A `kind` of its `fields_of`: a view is never made with a default in the place of what nobody has."""
    return kind(**fields_of(kind, *sources, **given))


def _found(name: str, sources: Sequence[object]) -> Any:
    for source in sources:
        value = source.get(name, _NOBODY) if isinstance(source, dict) else getattr(source, name, _NOBODY)
        if value is not _NOBODY:
            return value
    raise AttributeError(f"nobody has a {name}")
