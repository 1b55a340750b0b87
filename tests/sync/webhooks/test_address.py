"""Addresses that events may be sent to: what is not on the public internet is reached in no way."""

import asyncio
from collections.abc import Iterable

import pytest
from httpcore import AsyncMockBackend, AsyncNetworkStream

from services.sync.problems import EndpointRefusedError
from services.sync.webhooks.address import (
    GuardedBackend,
    HttpPoster,
    NoAnswerError,
    is_public,
    must_be_public,
)

LITERAL = "https://{}/"
PUBLIC = ("8.8.8.8", "2400:3200::1", "203.119.25.1")
PRIVATE = (
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::10.0.0.1", "64:ff9b::10.0.0.1",
    "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1", "2001:0:a00:1::", "not-an-address", "",
)  # fmt: skip


class Recording(AsyncMockBackend):
    """The network: who was connected to, and an answer from there."""

    def __init__(self, answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n") -> None:
        super().__init__([answer])
        self.connected: list[str] = []

    async def connect_tcp(self, host: str, *arguments: object, **options: object) -> AsyncNetworkStream:
        self.connected.append(host)
        return await super().connect_tcp(host, *arguments, **options)  # type: ignore[arg-type]


def resolving(*answers: Iterable[str]) -> tuple[GuardedBackend, Recording, list[str]]:
    """A guarded network in which a name resolves to each of the answers in turn."""
    inner, asked, left = Recording(), list[str](), list(answers)

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return list(left.pop(0))

    return GuardedBackend(resolver=resolve, inner=inner), inner, asked


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_on_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_on_the_internet_is_not_however_it_is_written(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_resolves_to_what_is_not_public_is_not_connected_to(address: str) -> None:
    backend, network, _ = resolving([address], ["8.8.8.8", address])
    for _ in range(2):
        with pytest.raises(NoAnswerError, match="address_refused"):
            await HttpPoster(backend=backend).post("http://hooks.example/", {}, b"{}")
    assert network.connected == []


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "ftp://hooks.example/",
        "https://",
        "https://user:secret@hooks.example/",
        "https://hooks.example/#part",
        LITERAL.format("localhost"),
        LITERAL.format("intranet"),
        LITERAL.format("ledger.internal"),
        LITERAL.format("127.0.0.1"),
        LITERAL.format("10.0.0.8"),
        LITERAL.format("169.254.169.254"),
        LITERAL.format("100.100.100.200"),
        LITERAL.format("[::1]"),
        LITERAL.format("[::ffff:10.0.0.8]"),
        LITERAL.format("[fe80::1]"),
        LITERAL.format("2130706433"),
        LITERAL.format("0x7f.1"),
        "https://hooks.example:99999/",
    ],
)
def test_an_address_that_is_written_so_is_refused_at_its_registration(url: str) -> None:
    with pytest.raises(EndpointRefusedError):
        must_be_public(url, anywhere=False)


async def test_a_name_is_resolved_once_and_connected_to_as_resolved() -> None:
    """Whoever answers otherwise the second time is not asked a second time."""
    backend, network, asked = resolving(["8.8.8.8"], ["127.0.0.1"])
    answer = await HttpPoster(backend=backend).post("http://hooks.example/", {}, b"{}")
    assert (answer.status, network.connected, asked) == (204, ["8.8.8.8"], ["hooks.example"])


async def test_an_address_written_as_a_number_is_looked_at_as_well() -> None:
    with pytest.raises(NoAnswerError, match="address_refused"):
        await HttpPoster().post(f"http://{2130706433}:9/", {}, b"{}")


async def test_an_answer_leads_nowhere_else() -> None:
    network = Recording(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n")

    async def resolve(host: str, port: int) -> list[str]:
        return ["8.8.8.8"]

    poster = HttpPoster(backend=GuardedBackend(resolver=resolve, inner=network))
    assert (await poster.post("http://hooks.example/", {}, b"{}")).status == 302
    assert network.connected == ["8.8.8.8"]


async def test_a_host_that_is_not_there_is_told_from_one_that_is_refused() -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    poster = HttpPoster(backend=GuardedBackend(resolver=resolve, inner=Recording()))
    with pytest.raises(NoAnswerError, match="not_reached"):
        await poster.post("http://hooks.example/", {}, b"{}")


async def test_in_a_sandbox_messages_go_to_this_machine_too() -> None:
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"{}"))
        writer.write(b"HTTP/1.1 200 OK\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}/hook"
    must_be_public(url, anywhere=True)
    async with server:
        poster = HttpPoster(anywhere=True)
        answer = await poster.post(url, {"webhook-id": "1"}, b"{}")
        await poster.close()
        assert (answer.status, answer.retry_after) == (200, "7")
        with pytest.raises(NoAnswerError, match="address_refused"):
            await HttpPoster().post(url, {}, b"{}")
    [head] = received
    assert head.startswith(b"POST /hook HTTP/1.1\r\n")
    assert b"webhook-id: 1" in head
