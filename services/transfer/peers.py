"""Clients of everybody the transfer service calls: the registry and the ledger of this deployment, and the national relay.

Every call is harmless to repeat (`contracts/handover.py`, `contracts/relay.py`). What the registry answers of a person is
passed on at once and kept nowhere here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx
import stamina
from pydantic import BaseModel, ValidationError

from contracts.handover import (
    ArrivalAnswer,
    ArriveAtAuthority,
    ArrivingProfile,
    DepartureAnswer,
    GuardDeparture,
    Handover,
    LeaveAuthority,
    Supplements,
)
from contracts.relay import (
    Acknowledgement,
    ArrivingPerson,
    Exchange,
    Mail,
    Offer,
    Step,
    StepName,
    TravellingPerson,
)
from services.kit.follower import TokenFile
from services.kit.http_client import open_client
from services.transfer.settings import TransferSettings

M = TypeVar("M", bound=BaseModel)

ATTEMPTS_MAX = 3
WAIT_SECONDS_MAX = 2.0
"""The longest pause between two attempts; whoever is asked for more comes back later."""
_RETRY_AFTER_SECONDS_MAX = 3600.0


class PeerUnavailableError(Exception):
    """Nobody answered, or nobody could: try again, not before `retry_after` seconds when that is said."""

    def __init__(self, peer: str, why: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{peer}: {why}")
        self.retry_after = retry_after


class PeerRefusedError(Exception):
    """The answer is no; trying again changes nothing. `code` is the problem's, `problem` the whole of it."""

    def __init__(self, peer: str, status: int, code: str, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{peer}: {status} {code}")
        self.status = status
        self.code = code
        self.problem = problem


class Peer:
    """Somebody we call: an HTTP client that knows the address and carries our token."""

    def __init__(self, name: str, client: httpx.AsyncClient) -> None:
        self.name = name
        self._client = client

    async def ask(
        self,
        answer: type[M],
        method: str,
        path: str,
        body: BaseModel | None = None,
        *,
        params: Sequence[tuple[str, str]] = (),
    ) -> M:
        """The answer, read strictly. Raises PeerUnavailableError and PeerRefusedError."""
        response = await self.send(method, path, body, params=params)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            faults = ", ".join(str(each["loc"]) for each in error.errors(include_input=False))
            raise PeerUnavailableError(self.name, f"an answer we cannot read: {faults}") from None

    async def send(
        self,
        method: str,
        path: str,
        body: BaseModel | None = None,
        *,
        params: Sequence[tuple[str, str]] = (),
    ) -> httpx.Response:
        """The response to one request, a success. Raises PeerUnavailableError and PeerRefusedError."""
        async for attempt in stamina.retry_context(
            on=_pause, attempts=ATTEMPTS_MAX, timeout=None, wait_initial=0.1, wait_max=WAIT_SECONDS_MAX
        ):
            with attempt:
                return await self._once(method, path, body, params)
        raise AssertionError("unreachable")

    async def _once(
        self,
        method: str,
        path: str,
        body: BaseModel | None,
        params: Sequence[tuple[str, str]],
    ) -> httpx.Response:
        content = None if body is None else body.model_dump_json().encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        try:
            response = await self._client.request(
                method,
                path,
                content=content,
                params=httpx.QueryParams(list(params)),
                headers=headers,
            )
        except (httpx.TransportError, OSError) as error:
            raise PeerUnavailableError(self.name, type(error).__name__) from None
        if response.is_success:
            return response
        if response.status_code >= 500 or response.status_code in (408, 425, 429, 401, 403):
            # A token that is not taken is replaced, sooner or later: nothing is decided by that.
            raise PeerUnavailableError(
                self.name, f"status {response.status_code}", retry_after=_retry_after(response)
            )
        problem = _problem(response)
        code = str(problem.get("type", "")).removeprefix("urn:xuefen:problem:")
        raise PeerRefusedError(self.name, response.status_code, code, problem)


def _pause(error: Exception) -> bool | float:
    """Whether, and after how many seconds, to try again at once."""
    if not isinstance(error, PeerUnavailableError):
        return False
    if error.retry_after is None:
        return True
    return error.retry_after if error.retry_after <= WAIT_SECONDS_MAX else False


def _retry_after(response: httpx.Response) -> float | None:
    told = response.headers.get("Retry-After", "")
    return min(float(told), _RETRY_AFTER_SECONDS_MAX) if told.isascii() and told.isdigit() else None


def _problem(response: httpx.Response) -> Mapping[str, object]:
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


BLOCKED = "departure-blocked"
ENDED = "departure-ended"
"""Codes of the ledger's refusals that mean something here."""


class DepartureIsBlockedError(Exception):
    """The ledger named what must be finished first (S2C-14)."""

    def __init__(self, blockers: list[dict[str, object]]) -> None:
        super().__init__("departure-blocked")
        self.blockers = blockers


class DepartureHasEndedError(Exception):
    """The guard was lifted, or lapsed, before the departure was stored: it cannot be had again under this id."""


class LedgerCalls:
    """Asks the ledger. Raises PeerUnavailableError, PeerRefusedError."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def guard(self, transfer_id: str, person_id: str, to_place: str) -> None:
        """Guard an account before it leaves. Raises DepartureIsBlockedError and DepartureHasEndedError."""
        body = GuardDeparture(person_id=person_id, to_place=to_place)
        try:
            await self._peer.ask(DepartureAnswer, "PUT", f"/v1/departures/{transfer_id}", body)
        except PeerRefusedError as error:
            raise _meaning(error) from None

    async def lift(self, transfer_id: str) -> None:
        """Lift a guard that nothing came of; it would lapse by itself."""
        await self._peer.send("DELETE", f"/v1/departures/{transfer_id}")

    async def leave(self, transfer_id: str, person_id: str, to_place: str, left_at: datetime) -> Handover:
        """Let the open accounts leave; the same handover each time. Raises DepartureIsBlockedError and, when the guard was
        lifted, DepartureHasEndedError.
        """
        body = LeaveAuthority(person_id=person_id, to_place=to_place, left_at=left_at)
        path = f"/v1/departures/{transfer_id}/leave"
        try:
            return await self._peer.ask(Handover, "POST", path, body)
        except PeerRefusedError as error:
            raise _meaning(error) from None

    async def arrive(self, profile: ArrivingProfile, handover: Handover) -> None:
        """Let the accounts arrive; once, however often it is asked."""
        body = ArriveAtAuthority(profile=profile, handover=handover)
        await self._peer.ask(ArrivalAnswer, "POST", f"/v1/arrivals/{handover.transfer_id}", body)

    async def supplements(self, transfer_id: str, after: int) -> Supplements:
        """What came to the moved years after the person had left, from the one after `after` on."""
        path = f"/v1/departures/{transfer_id}/supplements"
        return await self._peer.ask(Supplements, "GET", path, params=[("after", str(after))])


def _meaning(error: PeerRefusedError) -> Exception:
    if error.code == ENDED:
        return DepartureHasEndedError()
    blockers = error.problem.get("blockers")
    if error.code != BLOCKED or not isinstance(blockers, list):
        return error
    return DepartureIsBlockedError([dict(each) for each in blockers])


class RegistryCalls:
    """Asks the registry. Raises PeerUnavailableError, PeerRefusedError."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def travelling(self, person_id: str) -> TravellingPerson:
        """Name, number and facts of somebody who leaves, for the offer; on record at the registry with its purpose."""
        return await self._peer.ask(TravellingPerson, "GET", f"/v1/departing-people/{person_id}")

    async def take_in(self, transfer_id: str, person: ArrivingPerson) -> ArrivingProfile:
        """Take in somebody who is about to arrive: the person this registry knows them as."""
        return await self._peer.ask(ArrivingProfile, "PUT", f"/v1/arriving-people/{transfer_id}", person)

    async def arriving(self, transfer_id: str) -> ArrivingProfile:
        """Whom the registry took in for a transfer."""
        return await self._peer.ask(ArrivingProfile, "GET", f"/v1/arriving-people/{transfer_id}")

    async def let_go(self, transfer_id: str) -> None:
        """Forget who was taken in and does not arrive after all; nothing when they were known before."""
        await self._peer.send("DELETE", f"/v1/arriving-people/{transfer_id}")


class Relay:
    """The relay; each method answers with the exchange as it stands. Raises PeerUnavailableError, PeerRefusedError."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    async def offer(self, offer: Offer) -> Exchange:
        """Put a profile on the relay (S2C-15)."""
        return await self._peer.ask(Exchange, "PUT", f"/v1/exchanges/{offer.transfer_id}", offer)

    async def look(self, transfer_id: str) -> Exchange:
        """How far an exchange is."""
        return await self._peer.ask(Exchange, "GET", f"/v1/exchanges/{transfer_id}")

    async def step(self, transfer_id: str, step: StepName, *, reason: str | None = None) -> Exchange:
        """Take a step; where it is not possible any more, the answer says how things stand."""
        body = Step(step=step, reason=reason)
        return await self._peer.ask(Exchange, "POST", f"/v1/exchanges/{transfer_id}/steps", body)

    async def hand_over(self, handover: Handover) -> Exchange:
        """Put the accounts on the relay, or a late supplement."""
        path = f"/v1/exchanges/{handover.transfer_id}/handovers/{handover.sequence}"
        return await self._peer.ask(Exchange, "PUT", path, handover)

    async def acknowledge(self, exchange: Exchange, authority: str) -> None:
        """Say that what the exchange told is stored."""
        body = Acknowledgement(authority=authority, revision=exchange.revision)
        path = f"/v1/exchanges/{exchange.transfer_id}/acknowledgements"
        await self._peer.ask(Exchange, "POST", path, body)

    async def mail(self, authorities: Iterable[str]) -> AsyncIterator[Exchange]:
        """Everything new for the authorities, page by page."""
        asked = [("authority", each) for each in authorities]
        after: list[tuple[str, str]] = []
        while True:
            page = await self._peer.ask(Mail, "GET", "/v1/mail", params=[*asked, *after])
            for exchange in page.exchanges:
                yield exchange
            if page.next is None:
                return
            after = [("after", page.next)]


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
            await stack.enter_async_context(open_client(url, auth=auth))
            for url, auth in (
                (settings.registry_url, own),
                (settings.ledger_url, own),
                (settings.relay_url, relay),
            )
        ]
        yield Peers.of(*clients)


def _token(variable: str, file: Path | None) -> httpx.Auth:
    return _NoToken(variable) if file is None else TokenFile(file)
