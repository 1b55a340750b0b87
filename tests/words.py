"""Words for people, as tests read them: no code inside a Chinese sentence, no Chinese in an English one."""

import re

CHINESE = re.compile("[\u4e00-\u9fff]")
NAMES = (
    "CSV", "XLSX", "JSON", "UTF-8", "YAML", "Unicode", "NUL", "MB", "PDF", "JPEG", "PNG", "HTTP",
    "Idempotency-Key", "Content-Encoding",
)  # fmt: skip
"""What has no Chinese name: formats, units, headers."""
_QUOTED = re.compile("“[^”]*”")
_CODE = re.compile("[A-Za-z]{2,}|[A-Za-z]_|[0-9]{4}-[0-9]{2}-[0-9]{2}")


def codes_in(chinese: str) -> list[str]:
    """Codes and days of our own writing inside a Chinese sentence. What the reader has to write so stands in quotes."""
    text = _QUOTED.sub("", re.sub(r"\{[^{}]*\}", "", chinese))
    for name in NAMES:
        text = text.replace(name, "")
    return _CODE.findall(text)


def assert_words(chinese: str, english: str) -> None:
    """The two sentences are each of its own language alone."""
    assert CHINESE.search(chinese), chinese
    assert not codes_in(chinese), chinese
    assert english, chinese
    assert not CHINESE.search(_QUOTED.sub("", english)), english
