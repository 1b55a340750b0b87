"""OpenAPI documents of the services as they are committed: what `tests/contracts` compares with the code.

To build one anew takes a second, and every process asks for all of them while it collects its tests.
"""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[1] / "contracts" / "openapi"


def committed(service: str) -> dict[str, Any]:
    """The OpenAPI document of a service."""
    document: dict[str, Any] = json.loads((_FOLDER / f"{service}.v1.json").read_text(encoding="utf-8"))
    return document
