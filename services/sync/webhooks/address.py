"""Addresses that events may be sent to: public ones over https, resolved once and connected to as resolved.

Whoever registers an address chooses where our process connects: so it may reach nothing that is not on the public
internet, whatever a name resolves to, and an answer cannot send it elsewhere.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple, Protocol
from urllib.parse import SplitResult, urlsplit

import httpcore
import httpx
from httpcore import SOCKET_OPTION, AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream

from services.sync.problems import EndpointRefusedError

URL_LENGTH_MAX = 500
_CONNECT_SECONDS, _ANSWER_SECONDS = 5.0, 10.0
_NAT64 = IPv6Network("64:ff9b::/96")
_RESERVED = (IPv4Network("192.0.0.0/24"), IPv6Network("fec0::/10"))
"""Set aside, and not known as such to the standard library: some clouds keep their metadata there."""
_LOCAL_NAMES = (".local", ".localhost", ".internal", ".home.arpa")

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host, as the system's resolver has them."""


class RefusedAddressError(OSError):
    """A host that is not on the public internet. A connection to it is not tried."""


class Answer(NamedTuple):
    """An answer of an endpoint: its status, and what it says of when to come again."""

    status: int
    retry_after: str | None = None


class NoAnswerError(Exception):
    """The endpoint did not answer; the message is a code for the delivery log."""


class Poster(Protocol):
    """Sends one message."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to a message. Raises NoAnswerError."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also where it wraps another (IPv4-mapped, 6to4, NAT64)."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(
        each.is_global
        and not (each.is_multicast or each.is_reserved or each.is_unspecified)
        and not any(each in network for network in _RESERVED)
        for each in (ip, *_wrapped(ip))
    )


def _wrapped(ip: IPv4Address | IPv6Address) -> Iterable[IPv4Address]:
    if isinstance(ip, IPv4Address):
        return ()
    teredo = ip.teredo or ()
    inside = [ip.ipv4_mapped, ip.sixtofour, *teredo]
    if ip in _NAT64 or int(ip) >> 32 == 0:
        inside.append(IPv4Address(int(ip) & 0xFFFF_FFFF))
    return [each for each in inside if each is not None]


def must_be_public(url: str, *, anywhere: bool) -> None:
    """Refuse an address at its registration. `anywhere`: in a sandbox, http and private hosts are taken.

    Raises EndpointRefusedError.
    """
    parts = _split(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in (("http", "https") if anywhere else ("https",)):
        raise _refused("地址须以“https”开头", "The address must begin with https")
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused(
            "地址须有主机名，且不得含用户名、密码或片段",
            "The address must have a host, and no user name, password or fragment",
        )
    if anywhere:
        return
    literal = _literal(host)
    if literal is not None and not is_public(literal):
        raise _refused("该主机不在公共网络", "The host is not on the public internet")
    if literal is None and ("." not in host or f".{host}".endswith(_LOCAL_NAMES)):
        raise _refused("该主机不在公共网络", "The host is not on the public internet")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise _refused("不是网址", "Not an address") from None
    return parts


def _literal(host: str) -> str | None:
    """The IP address that a host is written as, also in the old ways (`0x7f.1`, `2130706433`); None for a name."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def _refused(zh: str, en: str) -> EndpointRefusedError:
    return EndpointRefusedError(zh, en, pointer="/url")


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host. Raises OSError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class GuardedBackend(AsyncNetworkBackend):
    """Connects to what a host resolved to, if all of it is public: nobody can answer otherwise the second time."""

    def __init__(
        self, *, anywhere: bool = False, resolver: Resolve = resolve, inner: AsyncNetworkBackend | None = None
    ) -> None:
        self._anywhere = anywhere
        self._resolve = resolver
        self._inner = inner or AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of the library
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Resolve, check, connect. Raises RefusedAddressError, and what a connection fails with."""
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except (OSError, TimeoutError) as error:
            raise httpcore.ConnectError(type(error).__name__) from None
        if not self._anywhere and not all(is_public(each) for each in addresses):
            raise RefusedAddressError
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *_: object, **__: object) -> AsyncNetworkStream:
        """Refused: nothing of this machine is an endpoint."""
        raise RefusedAddressError

    async def sleep(self, seconds: float) -> None:
        """Wait, for the pool."""
        await asyncio.sleep(seconds)


@cache
def _certificates() -> ssl.SSLContext:
    """What is trusted; read once, for that takes longer than many messages."""
    return httpx.create_ssl_context()


class HttpPoster:
    """Posts over HTTP/1.1: no proxy of the environment, no redirect, and of an answer only the head is read."""

    def __init__(
        self, *, anywhere: bool = False, connections: int = 64, backend: AsyncNetworkBackend | None = None
    ) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_certificates(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=15.0,
            network_backend=backend or GuardedBackend(anywhere=anywhere),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """See `Poster.post`."""
        timeouts = {
            "connect": _CONNECT_SECONDS,
            "read": _ANSWER_SECONDS,
            "write": _ANSWER_SECONDS,
            "pool": _ANSWER_SECONDS,
        }
        try:
            async with (
                asyncio.timeout(_CONNECT_SECONDS + _ANSWER_SECONDS),
                self._pool.stream(
                    "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": timeouts}
                ) as response,
            ):
                told = {name.lower(): value for name, value in response.headers}
                after = told.get(b"retry-after")
                return Answer(
                    response.status, after.decode("ascii", "replace") if after is not None else None
                )
        except RefusedAddressError:
            raise NoAnswerError("address_refused") from None
        except (httpcore.TimeoutException, TimeoutError):
            raise NoAnswerError("timeout") from None
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
            OSError,
        ) as error:
            failed = isinstance(error, httpcore.ConnectError) and "ssl" in str(error).lower()
            raise NoAnswerError("certificate" if failed else "not_reached") from None
        except ValueError:
            raise NoAnswerError("address_refused") from None

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.aclose()
