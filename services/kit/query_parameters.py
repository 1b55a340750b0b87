"""Query parameters: the one rule that a route takes those it names, each once, and no other.

A misspelt one that was passed over would be answered as if it had not been asked: `?asof=` with today's answer.
"""

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.datastructures import QueryParams

from services.kit.errors import FieldError, InvalidRequestError, pointer_to
from services.kit.idempotency import HEADER as KEY_HEADER
from services.kit.personal_numbers import faults_of_parameters

_UNKNOWN = ("unknown_parameter", "不认识的查询参数", "This parameter is not known")
_REPEATED = ("repeated_parameter", "此参数只能给出一次", "This parameter may be given once only")


async def check_query(request: Request) -> None:
    """A dependency of every route. Raises InvalidRequestError for a parameter that the route does not have, or that
    comes again where one is asked for, and for somebody's number in an address or in a command's key; nothing of what was
    sent is repeated that could be somebody's."""
    key = request.headers.get(KEY_HEADER)
    chosen = [*request.path_params.items(), *request.query_params.multi_items()]
    numbers = faults_of_parameters(chosen if key is None else [*chosen, (KEY_HEADER, key)])
    if numbers:
        raise InvalidRequestError(numbers)
    if not request.scope.get("query_string"):
        return
    known = _parameters(request.scope["route"].dependant)
    faults = [_fault(name, _UNKNOWN) for name in request.query_params if name not in known]
    faults += [
        _fault(name, _REPEATED) for name in _repeated(request.query_params) if not known.get(name, True)
    ]
    if faults:
        raise InvalidRequestError(faults)


_known: dict[int, tuple[Dependant, dict[str, bool]]] = {}
"""By the identity of what describes a route, which is held here so that no other takes its place."""


def _parameters(dependant: Dependant) -> dict[str, bool]:
    """The names that a route knows, and whether each may come more than once."""
    found = _known.get(id(dependant))
    if found is None:
        found = _known[id(dependant)] = (dependant, _parameters_of(dependant))
    return found[1]


def _parameters_of(dependant: Dependant) -> dict[str, bool]:
    known: dict[str, bool] = {}
    for field in dependant.query_params:
        annotation = field.field_info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            raise TypeError(f"{field.name}: a model of query parameters hides their names")
        known[field.alias] = any(word in str(annotation) for word in ("list[", "set[", "tuple["))
    for each in dependant.dependencies:
        known |= _parameters_of(each)
    return known


def _repeated(given: QueryParams) -> list[str]:
    return [name for name in given if len(given.getlist(name)) > 1]


def _fault(name: str, words: tuple[str, str, str]) -> FieldError:
    code, zh, en = words
    safe = pointer_to([name.lower().replace("-", "_")])
    return FieldError("", code, zh, en, parameter=name if safe else "query")
