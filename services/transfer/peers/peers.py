"""Everybody the transfer service calls, by what its environment says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from services.kit.follower import TokenFile
from services.transfer.peers.calls import Peer, PeerUnavailableError
from services.transfer.peers.ledger import LedgerCalls
from services.transfer.peers.registry import RegistryCalls
from services.transfer.peers.relay import Relay
from services.transfer.settings import TransferSettings


class Peers(NamedTuple):
    """The registry and the ledger of this deployment, and the national relay."""

    registry: RegistryCalls
    ledger: LedgerCalls
    relay: Relay

    @classmethod
    def of(cls, registry: httpx.AsyncClient, ledger: httpx.AsyncClient, relay: httpx.AsyncClient) -> Peers:
        """Called with clients that know the addresses and carry our tokens."""
        return cls(
            RegistryCalls(Peer("registry", registry)),
            LedgerCalls(Peer("ledger", ledger)),
            Relay(Peer("relay", relay)),
        )


class _NoToken(httpx.Auth):
    """In place of a token that no setting names: the call is not made, and says why."""

    def __init__(self, variable: str) -> None:
        self._variable = variable

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Refuse to send anything."""
        raise PeerUnavailableError(request.url.host, f"{self._variable} is not set")
        yield request


@asynccontextmanager
async def open_peers(settings: TransferSettings) -> AsyncIterator[Peers]:
    """The peers of a running process; connections are closed at the end."""
    own = _token("XUEFEN_TRANSFER_TOKEN_FILE", settings.transfer_token_file)
    relay = _token("XUEFEN_RELAY_TOKEN_FILE", settings.relay_token_file)
    async with AsyncExitStack() as stack:
        clients = [
            # Services are called directly, never through a proxy of the environment.
            await stack.enter_async_context(httpx.AsyncClient(base_url=url, auth=auth, trust_env=False))
            for url, auth in (
                (settings.registry_url, own),
                (settings.ledger_url, own),
                (settings.relay_url, relay),
            )
        ]
        yield Peers.of(*clients)


def _token(variable: str, file: Path | None) -> httpx.Auth:
    return _NoToken(variable) if file is None else TokenFile(file)
