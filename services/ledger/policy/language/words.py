"""Words for people in Chinese and English, and how amounts and days are written in them."""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

Words = tuple[str, str]
"""The same sentence in Chinese and in English."""


class RejectionWords(NamedTuple):
    """Title and detail of a refusal; `{names}` are filled from `Rejected.details`."""

    title_zh: str
    title_en: str
    detail_zh: str
    detail_en: str


@lru_cache(maxsize=65536)
def plain(quantity: Decimal) -> str:
    """Credits as people write them: 90, 89.5."""
    text = f"{quantity:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=4096)
def day_zh(day: date) -> str:
    """A date in Chinese."""
    return f"{day.year}年{day.month}月{day.day}日"
