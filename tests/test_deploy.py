"""The files operators are given, checked as far as it can be without a container engine."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from services.cli.main import app
from services.cli.ready import PORTS
from services.cli.settings import PROCESSES, SERVICES, StackSettings
from services.console.settings import ConsoleSettings
from services.kit.embedded_places import choose_account, find_binaries
from services.kit.embedded_postgres import EmbeddedPostgres
from services.kit.migrations import upgrade
from services.kit.provision import provision, with_database, with_role
from services.kit.settings import ServiceSettings
from services.ledger.settings import LedgerSettings
from services.registry.settings import RegistrySettings
from services.sync.settings import SyncSettings
from services.transfer.settings import TransferSettings
from tests.conftest import in_thread, reachable
from tests.kit.test_database_tls import certificate

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
FOR_ROLES = {
    *(f"XUEFEN_{service.upper()}_PASSWORD" for service in PROCESSES),
    *(f"XUEFEN_{service.upper()}_OWNER_PASSWORD" for service in PROCESSES),
    "XUEFEN_RESET_PASSWORDS",
}
OF_SERVICE = {
    "registry": RegistrySettings,
    "ledger": LedgerSettings,
    "transfer": TransferSettings,
    "sync": SyncSettings,
    "console": ConsoleSettings,
}
KNOWN = {
    f"XUEFEN_{name.upper()}"
    for settings in (StackSettings, *OF_SERVICE.values())
    for name in settings.model_fields
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


def variables_of(text: str) -> set[str]:
    return set(re.findall(r"\bXUEFEN_[A-Z_]+\b", text))


class TestEnvironmentExample:
    def test_explains_every_variable_and_no_other(self) -> None:
        text = (DEPLOY / ".env.example").read_text()
        shown = set(re.findall(r"^(?:# )?(XUEFEN_[A-Z_]+)=", text, re.MULTILINE))
        assert shown == KNOWN | FOR_ROLES

    def test_holds_no_secret(self) -> None:
        text = (DEPLOY / ".env.example").read_text()
        assert [line for line in text.splitlines() if re.match(r"[A-Z_]+=.", line)] == []

    def test_has_every_variable_that_compose_must_be_given(self, compose: dict[str, Any]) -> None:
        required = set(re.findall(r"\$\{([A-Z_]+):\?", (DEPLOY / "compose.yaml").read_text()))
        example = (DEPLOY / ".env.example").read_text()
        assert required
        assert all(f"\n{variable}=" in example for variable in required)


class TestCompose:
    def test_tells_each_process_what_it_knows_and_nothing_of_others(self, compose: dict[str, Any]) -> None:
        for name, service in compose["services"].items():
            told = {variable for variable in service.get("environment", {}) if variable.startswith("XUEFEN")}
            if service.get("image") == "xuefen":
                assert told <= KNOWN, name
            urls = {variable for variable in told if variable.endswith("_DATABASE_URL")}
            of = name.removesuffix("-worker")
            if of in PROCESSES:
                assert urls == {f"XUEFEN_{of.upper()}_DATABASE_URL"}
                kept = {f"XUEFEN_{field.upper()}" for field in OF_SERVICE[of].model_fields}
                assert told <= kept, name

    def test_tells_each_service_all_that_it_requires(
        self, compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for service, settings in OF_SERVICE.items():
            with monkeypatch.context() as patch:
                for name in variables_of("\n".join(os.environ)):
                    patch.delenv(name, raising=False)
                for variable, value in compose["services"][service]["environment"].items():
                    patch.setenv(variable, re.sub(r"\$\{[A-Z_]+:-(.*?)\}", r"\1", str(value)))
                settings.load()

    def test_runs_every_service_with_its_worker_by_commands_that_exist(self, compose: dict[str, Any]) -> None:
        services = compose["services"]
        for service in SERVICES:
            assert services[service]["command"] == ["serve", service]
            assert services[f"{service}-worker"]["command"] == ["work", service]
        for name, service in services.items():
            if service.get("image") == "xuefen":
                command, bound, _ = app.parse_args(service["command"], exit_on_error=False)
                assert callable(command), name
                assert bound is not None

    def test_serves_only_after_the_migrations(self, compose: dict[str, Any]) -> None:
        services = compose["services"]
        assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
        for service in SERVICES:
            after = services[service]["depends_on"]["migrate"]["condition"]
            assert after == "service_completed_successfully"
            assert services[f"{service}-worker"]["depends_on"][service]["condition"] == "service_healthy"

    def test_asks_every_service_whether_it_is_ready(self, compose: dict[str, Any]) -> None:
        services = compose["services"]
        assert "pg_isready" in services["postgres"]["healthcheck"]["test"]
        for service, port in PORTS.items():
            assert services[service]["healthcheck"]["test"][-2:] == ["services.cli.ready", service]
            assert StackSettings.model_fields[f"{service}_port"].default == port
        for worker in (name for name in services if name.endswith("-worker")):
            assert services[worker]["healthcheck"]["test"][-2:] == ["services.cli.ready", worker]

    def test_mounts_only_what_is_declared(self, compose: dict[str, Any]) -> None:
        for service in compose["services"].values():
            assert set(service.get("secrets", [])) <= set(compose["secrets"])
            for volume in service.get("volumes", []):
                source = volume.partition(":")[0]
                assert source in compose["volumes"] or (DEPLOY / source).exists() or source == "./tls"
            assert set(service.get("depends_on", {})) <= set(compose["services"])

    def test_gives_the_superuser_s_password_to_postgresql_alone(self, compose: dict[str, Any]) -> None:
        holders = {name for name, each in compose["services"].items() if "POSTGRES_PASSWORD" in str(each)}
        assert holders == {"postgres"}

    def test_reads_secrets_where_the_settings_say(self, compose: dict[str, Any]) -> None:
        for service in compose["services"].values():
            for value in service.get("environment", {}).values():
                if str(value).startswith("/run/secrets/"):
                    assert Path(value).name in service["secrets"]


class TestProxy:
    text = (DEPLOY / "proxy" / "nginx.conf").read_text()

    def test_is_the_only_service_that_is_published(self, compose: dict[str, Any]) -> None:
        published = {name: each["ports"] for name, each in compose["services"].items() if "ports" in each}
        ports = [f"${{XUEFEN_{name.upper()}_PORT:-{port}}}:{port}" for name, port in PORTS.items()]
        assert published == {"proxy": ports}

    def test_leads_by_tls_to_every_service_and_not_to_readiness_or_metrics(self) -> None:
        for service, port in PORTS.items():
            (server,) = re.findall(rf"server \{{\s+listen {port} ssl;.*?\n    \}}", self.text, re.DOTALL)
            assert f"proxy_pass http://{service};" in server
            assert "location = /readyz { return 404; }" in server
            assert f"server {service}:{port};" in self.text
            assert str(port + 1_000) not in self.text

    def test_drops_idle_connections_before_the_services_do(self) -> None:
        kept = {int(seconds) for seconds in re.findall(r"keepalive_timeout (\d+)s", self.text)}
        assert max(kept) < ServiceSettings().http_keep_alive_seconds

    @pytest.mark.skipif(
        shutil.which("nginx") is None, reason="nginx is not installed here; .ci/run installs it"
    )
    def test_is_taken_by_nginx(self, tmp_path: Path) -> None:
        """Names of containers are known to nobody here, and the certificate is one of the moment."""
        shown = certificate()
        (tmp_path / "server.crt").write_bytes(shown.certificate)
        (tmp_path / "server.key").write_bytes(shown.key)
        text = re.sub(r"(server )(\w+)(:\d+;)", r"\g<1>127.0.0.1\g<3>", self.text)
        text = re.sub(r"(ssl_certificate(?:_key)? )\S*/(server\.\w+;)", rf"\g<1>{tmp_path}/\g<2>", text)
        text = re.sub(r"/tmp/(\w)", rf"{tmp_path}/\g<1>", text)
        file = tmp_path / "nginx.conf"
        file.write_text(text, encoding="utf-8")
        checked = subprocess.run(
            ["nginx", "-t", "-q", "-c", str(file)], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stderr

    def test_has_braces_that_match_and_lines_that_end(self) -> None:
        plain = re.sub(r"#.*", "", self.text)
        assert plain.count("{") == plain.count("}")
        assert all(line.rstrip().endswith(("{", "}", ";")) for line in plain.splitlines() if line.strip())


class TestDockerfile:
    text = (DEPLOY / "Dockerfile").read_text()

    def test_copies_only_what_is_there_and_not_ignored(self) -> None:
        ignored = (ROOT / ".dockerignore").read_text().splitlines()
        for source in re.findall(r"^COPY (?!--from)(\S+) \S+$", self.text, re.MULTILINE):
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored

    def test_runs_as_nobody_in_particular_and_starts_the_command_line(self) -> None:
        assert re.search(r"^USER 10001:10001$", self.text, re.MULTILINE)
        assert 'ENTRYPOINT ["python", "-m", "services.cli.main"]' in self.text
        assert variables_of(self.text) <= KNOWN

    def test_lets_every_service_be_reached_from_other_containers(self) -> None:
        for service in PORTS:
            assert f"XUEFEN_{service.upper()}_HOST=0.0.0.0" in self.text

    def test_serves_on_the_ports_that_compose_publishes(self) -> None:
        exposed = re.search(r"^EXPOSE (.*)$", self.text, re.MULTILINE)
        assert exposed is not None
        assert exposed[1].split() == [str(port) for port in PORTS.values()]


class TestLock:
    def test_of_the_image_is_a_part_of_the_whole_lock(self) -> None:
        part, whole = pins(DEPLOY / "requirements.lock"), pins(ROOT / "requirements.lock")
        assert part.items() <= whole.items()
        assert len(part) < len(whole)

    def test_names_no_address(self) -> None:
        for lock in (DEPLOY / "requirements.lock", ROOT / "requirements.lock"):
            assert "://" not in lock.read_text()


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server of its own: roles belong to the whole server."""
    server = EmbeddedPostgres(reachable(tmp_path_factory.mktemp("roles")) / "postgres")
    server.start()
    yield server
    server.remove()


ROLE_PASSWORDS = {key: f"pass-{key}" for service in PROCESSES for key in (service, f"{service}_owner")}


class TestRoles:
    def run(self, server: EmbeddedPostgres, **more: str) -> subprocess.CompletedProcess[str]:
        psql = find_binaries(choose_account()) / "psql"
        told = {f"XUEFEN_{key.upper()}_PASSWORD": password for key, password in ROLE_PASSWORDS.items()}
        command = [str(psql), server.dsn, "--no-psqlrc", f"--file={DEPLOY / 'roles.sql'}"]
        return subprocess.run(
            command, env={"PATH": "/usr/bin", **told, **more}, capture_output=True, text=True, check=False
        )

    async def test_do_what_the_command_line_does(self, apart: EmbeddedPostgres) -> None:
        for _ in range(2):
            done = self.run(apart)
            assert (done.returncode, done.stderr) == (0, "")
        by_hand = await self.privileges(apart, "xuefen")
        await provision(apart.dsn, "by_command", passwords=ROLE_PASSWORDS)
        assert by_hand == await self.privileges(apart, "by_command")

    async def test_are_enough_to_migrate_and_to_serve(self, apart: EmbeddedPostgres) -> None:
        assert self.run(apart).returncode == 0
        for service in SERVICES:
            owner = with_role(apart.dsn, "xuefen", f"xuefen_{service}_owner", f"pass-{service}_owner")
            in_thread(lambda service=service, owner=owner: upgrade(service, owner, schema=service))
            role = with_role(apart.dsn, "xuefen", f"xuefen_{service}", f"pass-{service}")
            conn = await asyncpg.connect(role)
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.execute(f"delete from {service}.events")
            assert await conn.fetchval(f"select count(*) from {service}.events") == 0
            await conn.close()

    def test_refuse_an_empty_password(self, apart: EmbeddedPostgres) -> None:
        done = self.run(apart, XUEFEN_LEDGER_PASSWORD="")
        assert done.returncode != 0

    async def test_keep_passwords_unless_told_to_reset_them(self, apart: EmbeddedPostgres) -> None:
        assert self.run(apart).returncode == 0
        changed = with_role(apart.dsn, "xuefen", "xuefen_ledger", "changed")
        assert self.run(apart, XUEFEN_LEDGER_PASSWORD="changed").returncode == 0
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(changed)
        told = {"XUEFEN_LEDGER_PASSWORD": "changed", "XUEFEN_RESET_PASSWORDS": "yes"}
        assert self.run(apart, **told).returncode == 0
        await (await asyncpg.connect(changed)).close()
        assert self.run(apart, XUEFEN_RESET_PASSWORDS="yes").returncode == 0

    async def privileges(self, server: EmbeddedPostgres, database: str) -> list[Any]:
        conn = await asyncpg.connect(with_database(server.dsn, database))
        try:
            questions = (
                "select rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolcanlogin"
                " from pg_roles where rolname like 'xuefen%' order by rolname",
                "select nspname, nspowner::regrole::text, nspacl::text from pg_namespace"
                " where nspname in ('registry', 'ledger', 'transfer', 'sync', 'console') order by nspname",
                "select defaclrole::regrole::text, defaclobjtype::text, defaclacl::text, n.nspname"
                " from pg_default_acl d join pg_namespace n on n.oid = d.defaclnamespace order by 1, 2",
                "select array(select unnest(datacl)::text order by 1) from pg_database"
                " where datname = current_database()",
            )
            return [[tuple(row) for row in await conn.fetch(question)] for question in questions]
        finally:
            await conn.close()
