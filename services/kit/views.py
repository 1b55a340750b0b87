"""Views: one shape made of another by the names of its fields, so that nobody copies them one by one and loses one."""

from typing import Any, TypeVar

T = TypeVar("T")


def names_of(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a struct, or of a pydantic model."""
    fields: tuple[str, ...] | None = getattr(kind, "__struct_fields__", None)
    return tuple(kind.model_fields) if fields is None else fields


def fields_of(kind: type[object], source: object) -> dict[str, Any]:
    """The fields of `kind` as `source` has them. AttributeError for one that it has not."""
    return {name: getattr(source, name) for name in names_of(kind)}


def view(kind: type[T], source: object, /, **given: object) -> T:
    """A `kind` of the given fields, and of all others as `source` has them under the same name.

    AttributeError for a field that is neither given nor there: a view is never made with a default in its place.
    """
    taken = {name: getattr(source, name) for name in names_of(kind) if name not in given}
    return kind(**taken, **given)
