"""Documents as PDF/A-2b: the learning certificate and the transcript, set by Typst from what a service answered.

The same facts give the same bytes, so that a digest of a document stays checkable.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import typst

_TEMPLATE = Path(__file__).parent / "templates" / "document.typ"
_CHINESE = {"Noto Serif CJK SC", "Noto Sans SC"}


class NoChineseFontError(Exception):
    """The machine has no font with Chinese characters, so that a document would be blank."""


@dataclass(frozen=True)
class Table:
    """Rows of text under a title; `empty` is said where there are none."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str


@dataclass(frozen=True)
class Document:
    """Everything a document says, in one language; `on` is a day, YYYY-MM-DD, `code` an SVG, `address` where it leads."""

    language: str
    on: str
    title: str
    lead: str
    facts: Sequence[tuple[str, str]]
    foot: str
    warning: str = ""
    tables: Sequence[Table] = field(default=())
    code: str = ""
    how: str = ""
    address: str = ""


async def pdf(document: Document) -> bytes:
    """The bytes of a PDF with its fonts inside. Raises NoChineseFontError."""
    return await asyncio.to_thread(_set, document)


def _set(document: Document) -> bytes:
    fonts = _fonts()
    compiler = typst.Compiler(
        str(_TEMPLATE),
        root=_TEMPLATE.parent,
        font_paths=fonts,
        sys_inputs={"told": json.dumps(asdict(document), ensure_ascii=False)},
    )
    made = compiler.compile(format="pdf", pdf_standards=["a-2b"])
    assert isinstance(made, bytes)
    return made


@cache
def _fonts() -> typst.Fonts:
    fonts = typst.Fonts()
    if _CHINESE.isdisjoint(fonts.families()):
        raise NoChineseFontError
    return fonts
