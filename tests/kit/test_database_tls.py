"""PostgreSQL by TLS: a service and its migrations know the server by a root certificate, and accept no other.

The embedded PostgreSQL is built without TLS: a door before it speaks it, as a server of one's own would.
"""

import datetime
import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from services.kit.database import Database
from services.kit.migrations import upgrade_from
from tests.conftest import FreshDatabaseFactory

VERSIONS = Path(__file__).parent / "migrations" / "versions"
SSL_REQUEST = (80877103).to_bytes(4, "big")


class Certificate(NamedTuple):
    """A certificate for 127.0.0.1 that signs itself, and its key, as PEM."""

    certificate: bytes
    key: bytes


def certificate() -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return Certificate(made.public_bytes(serialization.Encoding.PEM), private)


class Server(NamedTuple):
    """Where PostgreSQL answers by TLS, the certificate it shows, and another; whether connections came encrypted."""

    dsn: str
    known: Path
    other: Path
    encrypted: list[bool]


class Door(socketserver.ThreadingTCPServer):
    """Takes PostgreSQL's connections, by TLS when they ask for it, and hands them on to a server that speaks none."""

    daemon_threads = True

    def __init__(self, port: int, files: tuple[Path, Path]) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.behind = port
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.tls.load_cert_chain(*files)
        self.encrypted: list[bool] = []


class Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Door)
        client, first = self.request, self.request.recv(8)
        asked = first[4:] == SSL_REQUEST
        try:
            if asked:
                client.sendall(b"S")
                client, first = self.server.tls.wrap_socket(client, server_side=True), b""
            self.server.encrypted.append(asked)
            with socket.create_connection(("127.0.0.1", self.server.behind)) as behind:
                behind.sendall(first)
                back = threading.Thread(target=pipe, args=(behind, client), daemon=True)
                back.start()
                pipe(client, behind)
                back.join()
        except OSError:
            return
        finally:
            client.close()


def pipe(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, fresh_database: FreshDatabaseFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    shown = certificate()
    known, other, key = folder / "known.crt", folder / "other.crt", folder / "server.key"
    known.write_bytes(shown.certificate)
    key.write_bytes(shown.key)
    other.write_bytes(certificate().certificate)
    parts = urlsplit(fresh_database("kit").owner_dsn)
    assert parts.port is not None
    with Door(parts.port, (known, key)) as door:
        threading.Thread(target=door.serve_forever, daemon=True).start()
        place = f"{parts.netloc.rpartition(':')[0]}:{door.server_address[1]}"
        yield Server(parts._replace(netloc=place).geturl(), known, other, door.encrypted)
        door.shutdown()


async def connected(server: Server, query: str, dsn: str = "") -> bool | None:
    """Whether the connection is encrypted, None when the server is not known."""
    try:
        database = await Database.connect(
            f"{dsn or server.dsn}?{query}", schema="kit", application_name="tls", size_max=1
        )
    except (OSError, asyncpg.PostgresError):
        return None
    async with database.acquire() as conn:
        assert await conn.fetchval("select 1") == 1
    await database.close()
    return server.encrypted[-1]


class TestDatabase:
    async def test_is_spoken_to_by_tls_where_its_address_says_so(self, server: Server) -> None:
        verified = "sslmode=verify-full&sslrootcert="
        assert await connected(server, f"{verified}{server.known}") is True
        assert await connected(server, f"{verified}{server.other}") is None
        assert await connected(server, "sslmode=require") is True
        assert await connected(server, "sslmode=disable") is False

    async def test_lets_in_by_a_password_from_a_file(self, server: Server, tmp_path: Path) -> None:
        user, _, password = server.dsn.partition("//")[2].partition("@")[0].partition(":")
        place = server.dsn.partition("@")[2]
        passfile = tmp_path / "pgpass"
        passfile.write_text(f"*:*:*:{user}:{password}\n", encoding="utf-8")
        passfile.chmod(0o600)
        told = f"passfile={passfile}&sslmode=require"
        assert await connected(server, told, f"postgresql://{user}@{place}") is True

    def test_is_migrated_by_tls_too(self, server: Server) -> None:
        verified = f"{server.dsn}?sslmode=verify-full&sslrootcert="
        upgrade_from(VERSIONS, f"{verified}{server.known}", schema="kit")
        assert server.encrypted[-1] is True
        with pytest.raises(ssl.SSLCertVerificationError):
            upgrade_from(VERSIONS, f"{verified}{server.other}", schema="kit")
