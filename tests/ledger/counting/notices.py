"""Notices made up for tests: what they ask of a year, and until when it may be studied."""

from services.ledger.policy import Notice, parse_notice

_TEXT = """
id: made-up-{place}-{year}
title: 关于 {year} 年度继续教育的通知（虚构）
issuers: [某财政局]
issued_on: 2025-06-20
place: "{place}"
years: {{from: {year}, to: {year}}}
clauses:
  - id: X-01
    article: 一
    text: 每年参加继续教育取得的学分不少于 {total} 学分。
    rules:
      - kind: requirement
        total: {total}
        categories: {{professional: {professional}, public: 0}}
  - id: X-02
    article: 二
    text: 学习截止 {until}。
    rules:
      - kind: window
        act: study
        until: "{until}"
"""


def made_up_notice(
    place: str, year: int, *, total: int = 30, professional: int = 30, until: str = "Y-12-31"
) -> Notice:
    """A notice of a place for a year; published again with other numbers it replaces itself."""
    return parse_notice(
        _TEXT.format(place=place, year=year, total=total, professional=professional, until=until)
    )
