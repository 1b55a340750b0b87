"""Documents: whole, with their fonts inside, and the same bytes for the same facts."""

import dataclasses
import zlib

import pytest
import segno

from services.console import documents
from services.console.documents import Document, NoChineseFontError, Table, pdf

GIVEN = Document(
    language="zh",
    on="2026-05-06",
    title="学习证明",
    lead="2025年度共取得90.00学分。",
    facts=[("姓名", "欧阳𠮷㛃䶮")],
    foot="210000-abc",
    tables=[Table("2025 年度", ["课程", "学分"], [["增值税法", "3.00"]] * 40, "没有学分")],
    code=segno.make("http://console.test/verify").svg_inline(),
    how="扫码验证",
    address="http://console.test/verify",
)


def has_chinese_fonts() -> bool:
    try:
        documents._fonts()
    except NoChineseFontError:
        return False
    return True


with_fonts = pytest.mark.skipif(not has_chinese_fonts(), reason="no Chinese font: apt install fonts-noto-cjk")


def streams(content: bytes) -> bytes:
    """What is inside the compressed parts of a PDF."""
    found = [part.partition(b"endstream")[0].strip(b"\r\n") for part in content.split(b"stream\n")[1:]]
    opened = b""
    for each in found:
        try:
            opened += zlib.decompress(each)
        except zlib.error:
            opened += each
    return opened


@with_fonts
class TestPdf:
    async def test_is_an_archive_s_with_every_font_inside(self):
        content = await pdf(GIVEN)
        assert content.startswith(b"%PDF-1.7")
        whole = content + streams(content)
        assert b"<pdfaid:part>2</pdfaid:part>" in whole
        assert b"<pdfaid:conformance>B</pdfaid:conformance>" in whole
        assert whole.count(b"/FontFile") >= whole.count(b"/Type/FontDescriptor") > 0
        assert b"NotoSerifCJK" in whole or b"NotoSansSC" in whole

    async def test_is_the_same_for_the_same_facts_and_another_for_others(self):
        assert await pdf(GIVEN) == await pdf(GIVEN)
        assert await pdf(GIVEN) != await pdf(dataclasses.replace(GIVEN, lead="2025年度共取得89.00学分。"))
        assert await pdf(GIVEN) != await pdf(dataclasses.replace(GIVEN, warning="本证明已撤销。"))

    @pytest.mark.parametrize("text", ["#panic(1)", '"); #read("/etc/passwd")', "*_`$\\", "[](<x>)"])
    async def test_takes_every_text_as_text(self, text: str):
        given = dataclasses.replace(
            GIVEN,
            title=text,
            lead=text,
            facts=[(text, text)],
            foot=text,
            tables=[Table(text, [text], [[text]], text)],
        )
        assert (await pdf(given)).startswith(b"%PDF")


async def test_without_a_chinese_font_nothing_blank_is_made(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "_CHINESE", {"A font that no machine has"})
    documents._fonts.cache_clear()
    try:
        with pytest.raises(NoChineseFontError):
            await pdf(GIVEN)
    finally:
        documents._fonts.cache_clear()
