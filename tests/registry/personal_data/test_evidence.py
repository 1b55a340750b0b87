"""Evidence files: taken in when they are what they say, sealed where they lie, given back inert to the right people."""

import uuid
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.registry.settings import RegistrySettings
from tests.conftest import FreshDatabase
from tests.registry.bulk.files import jpeg, pdf, png
from tests.registry.scenarios import CHAOYANG, DALIAN, LIAONING, Registry, collection_of, somebody, uscc

EVIDENCE = "/v1/evidence"
PDF, JPEG, PNG = "application/pdf", "image/jpeg", "image/png"


async def uploaded(registry: Registry, content: bytes | None = None, **who: Any) -> dict[str, Any]:
    answer = await registry.send(EVIDENCE, content or pdf(), PDF, **who)
    assert answer.status_code == 201, answer.text
    reference: dict[str, Any] = answer.json()
    return reference


class TestUpload:
    async def test_anonymous_and_missing_scope(self, registry: Registry) -> None:
        assert (await registry.client.post(EVIDENCE, content=pdf())).status_code == 401
        assert (await registry.send(EVIDENCE, pdf(), PDF, "feed:read")).status_code == 403

    @pytest.mark.parametrize(("make", "media_type"), [(pdf, PDF), (jpeg, JPEG), (png, PNG)])
    async def test_answers_with_digest_type_and_size(
        self, registry: Registry, make: Any, media_type: str
    ) -> None:
        content = make(30_000)
        reference = (await registry.send(EVIDENCE, content, media_type)).json()
        assert (reference["media_type"], reference["size"]) == (media_type, 30_000)
        assert len(reference["sha256"]) == 64

    @pytest.mark.parametrize(
        ("content", "media_type"),
        [
            (pdf(), JPEG),
            (jpeg(), PDF),
            (b"%PDF-" + b"x" * 30_000, PDF),
            (b"x" * 30_000 + b"%%EOF", PDF),
            (b"<html>" + b"x" * 30_000, PDF),
            (pdf(), "text/html"),
            (pdf(), "image/svg+xml"),
            (pdf(), ""),
            (b"MZ" + b"x" * 30_000, PNG),
        ],
    )
    async def test_what_is_not_what_it_says_is_refused(
        self, registry: Registry, content: bytes, media_type: str
    ) -> None:
        answer = await registry.send(EVIDENCE, content, media_type)
        assert (answer.status_code, answer.json()["type"]) == (415, "urn:xuefen:problem:evidence-media-type")

    @pytest.mark.parametrize(
        ("content", "media_type", "status"),
        [
            (pdf(19_999), PDF, 422),
            (pdf(20_000), PDF, 201),
            (pdf(500_000), PDF, 201),
            (pdf(500_001), PDF, 422),
            (jpeg(9_999), JPEG, 422),
            (jpeg(10_000), JPEG, 201),
            (png(500_001), PNG, 422),
        ],
    )
    async def test_sizes_have_limits(
        self, registry: Registry, content: bytes, media_type: str, status: int
    ) -> None:
        assert (await registry.send(EVIDENCE, content, media_type)).status_code == status

    async def test_the_same_file_again_is_the_same_evidence(self, registry: Registry) -> None:
        content = pdf()
        first = await uploaded(registry, content)
        assert await uploaded(registry, content) == first
        assert await uploaded(registry, content, subject="somebody-else") != first

    async def test_a_body_beyond_every_limit_is_not_read(self, registry: Registry) -> None:
        assert (await registry.send(EVIDENCE, b"%PDF-" + b"x" * 6_000_000, PDF)).status_code == 413


class TestWhatLies:
    async def test_in_the_folder_is_sealed_and_named_by_its_digest(
        self, registry: Registry, fresh: FreshDatabase, settings: RegistrySettings
    ) -> None:
        content = pdf()
        reference = await uploaded(registry, content)
        conn = await asyncpg.connect(fresh.admin_dsn)
        name = await conn.fetchval(
            "select stored_as from registry.evidence where evidence_id = $1", reference["evidence_id"]
        )
        await conn.close()
        (path,) = settings.evidence_folder.rglob(name)
        assert content[:64] not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
        assert name != reference["sha256"]

    async def test_and_was_tampered_with_is_not_given_back(
        self, registry: Registry, fresh: FreshDatabase, settings: RegistrySettings
    ) -> None:
        reference = await uploaded(registry)
        conn = await asyncpg.connect(fresh.admin_dsn)
        name = await conn.fetchval(
            "select stored_as from registry.evidence where evidence_id = $1", reference["evidence_id"]
        )
        await conn.close()
        path: Path = next(iter(settings.evidence_folder.rglob(name)))
        path.write_bytes(path.read_bytes()[:-1] + b"\x00")
        answer = await registry.call("GET", f"{EVIDENCE}/{reference['evidence_id']}")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:xuefen:problem:evidence-missing")


class TestDownload:
    async def test_is_inert(self, registry: Registry) -> None:
        content = pdf()
        reference = await uploaded(registry, content)
        answer = await registry.call("GET", f"{EVIDENCE}/{reference['evidence_id']}")
        assert answer.content == content
        assert answer.headers["content-type"] == PDF
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "sandbox" in answer.headers["content-security-policy"]

    async def test_of_a_file_that_no_case_names_is_for_its_uploader(self, registry: Registry) -> None:
        reference = await uploaded(registry, subject="uploader-1")
        path = f"{EVIDENCE}/{reference['evidence_id']}"
        assert (await registry.call("GET", path, subject="uploader-1")).status_code == 200
        assert (await registry.call("GET", path, subject="official-9", place=LIAONING)).status_code == 404

    async def test_of_a_case_is_for_the_officials_of_its_place(self, registry: Registry) -> None:
        reference = await uploaded(registry, subject="uploader-2")
        await registry.submitted(somebody(), subject="uploader-2", evidence=[reference["evidence_id"]])
        path = f"{EVIDENCE}/{reference['evidence_id']}"
        for place, status in ((CHAOYANG, 200), (LIAONING, 200), (DALIAN, 404), (None, 404)):
            assert (await registry.call("GET", path, subject="official-9", place=place)).status_code == status

    async def test_of_another_organization_s_file_is_refused(self, registry: Registry) -> None:
        own, other = str(uuid.uuid4()), str(uuid.uuid4())
        reference = await uploaded(registry, place=None, organization=own)
        path = f"{EVIDENCE}/{reference['evidence_id']}"
        assert (await registry.call("GET", path, place=None, organization=own)).status_code == 200
        assert (await registry.call("GET", path, place=None, organization=other)).status_code == 404

    async def test_is_on_record(self, registry: Registry, fresh: FreshDatabase) -> None:
        reference = await uploaded(registry)
        await registry.call("GET", f"{EVIDENCE}/{reference['evidence_id']}", subject="official-1")
        conn = await asyncpg.connect(fresh.admin_dsn)
        results = await conn.fetch(
            "select result from registry.audit_records where kind = 'evidence' and asked = $1",
            reference["evidence_id"],
        )
        await conn.close()
        assert [row["result"] for row in results] == ["shown"]


class TestOfAPerson:
    """What proves a claim, which the ledger keeps by the hash of the file alone."""

    async def handed_in(self, registry: Registry) -> tuple[str, str, bytes]:
        """Somebody, the address of a file that they handed in for themselves, and what is in it."""
        person_id = (await registry.collected(somebody()))["person_id"]
        content = pdf()
        own = {"place": None, "subject": person_id}
        sent = await registry.send(
            f"{EVIDENCE}?person_id={person_id}", content, PDF, "claim:submit", "collection:own", **own
        )
        assert sent.status_code == 201, sent.text
        return person_id, f"/v1/persons/{person_id}/evidence/{sent.json()['sha256']}", content

    async def test_is_given_to_them_and_to_the_officials_of_their_place(self, registry: Registry) -> None:
        person_id, path, content = await self.handed_in(registry)
        own = {"place": None, "subject": person_id}
        assert (await registry.call("GET", path, "collection:own", **own)).content == content
        for place, status in ((CHAOYANG, 200), (LIAONING, 200), (DALIAN, 404), (None, 404)):
            answer = await registry.call("GET", path, "claim:review", subject="official-9", place=place)
            assert answer.status_code == status

    async def test_is_not_handed_in_for_somebody_else(self, registry: Registry) -> None:
        person_id = (await registry.collected(somebody()))["person_id"]
        path = f"{EVIDENCE}?person_id={person_id}"
        for who in (
            {"place": None, "subject": str(uuid.uuid4())},
            {"place": None, "organization": str(uuid.uuid4())},
            {"place": DALIAN},
        ):
            answer = await registry.send(path, pdf(), PDF, "claim:submit", "collection:own", **who)
            assert answer.status_code == 404, who


class TestNaming:
    async def test_a_case_names_only_what_its_submitter_handed_in(self, registry: Registry) -> None:
        reference = await uploaded(registry, subject="uploader-3")
        for subject, status in (("uploader-4", 422), ("uploader-3", 201)):
            body = collection_of(somebody(), evidence=[reference["evidence_id"]])
            answer = await registry.call("POST", "/v1/collections", body=body, subject=subject)
            assert answer.status_code == status, answer.text
        assert answer.status_code == 201

    async def test_a_file_belongs_to_one_person(self, registry: Registry) -> None:
        reference = await uploaded(registry)
        evidence = [reference["evidence_id"]]
        await registry.submitted(somebody(), evidence=evidence)
        body = collection_of(somebody(), evidence=evidence, employer=uscc())
        answer = await registry.call("POST", "/v1/collections", body=body)
        assert (answer.status_code, answer.json()["pointer"]) == (422, "/evidence/0")

    async def test_what_does_not_exist_cannot_be_named(self, registry: Registry) -> None:
        body = collection_of(somebody(), evidence=[str(uuid.uuid4())])
        answer = await registry.call("POST", "/v1/collections", body=body)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:xuefen:problem:unknown-evidence")
