"""Client of Xuefen for training providers: report credits, learn what became of them.

    with Client("https://ledger.example", credentials) as xuefen:
        for report in xuefen.report(completions):
            ...

`AsyncClient` has the same methods, to be awaited or iterated over with `async for`.
"""

from xuefen_client.clients import AsyncClient, Client
from xuefen_client.flows import (
    Credentials,
    ProblemError,
    Published,
    Report,
    Retries,
    SignRequest,
    UnreachableError,
)

__all__ = [
    "AsyncClient",
    "Client",
    "Credentials",
    "ProblemError",
    "Published",
    "Report",
    "Retries",
    "SignRequest",
    "UnreachableError",
]
