"""Faults of a file as YAML, in words that a clerk can act on, on the line that has to be mended.

The parser names the place where it gave up, often a line or a page below the slip; the slip itself is looked for there and
above. What the file holds is never repeated, beyond a single sign.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import yaml


class YamlFault(Exception):
    """The text is not YAML that can be read one way only. `line` counts from 1."""

    def __init__(self, line: int | None, pointer: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.line = line
        self.pointer = pointer
        self.zh = zh
        self.en = en


class _Slip(NamedTuple):
    """A slip of the keyboard: the line that has it, among those before which the parser gave up, and its words."""

    is_on: Callable[[str], object]
    above: int
    zh: str
    en: str


FULL_WIDTH_COLON = re.compile(r"[A-Za-z_]+[ \u3000]*：")
"""A field's name with a colon of Chinese text."""
FULL_WIDTH_COLON_WORDS = (
    "字段名后的冒号是全角的，应为半角冒号“:”加一个空格",
    "the colon after the field is full-width: write a half-width colon and a space",
)
_FIELD = r"^[ ]*(?:- +)*(?:\{ *)?[^\s:：#'\"\[{][^:：#]*"
_WHOLE_FILE = 1_000_000
_SLIPS = (
    _Slip(
        re.compile(r"^[ ]*\t").match,
        0,
        "行首有制表符，请改用空格缩进",
        "a tab stands before the text: indent with spaces",
    ),
    _Slip(re.compile(r"^[ ]*(?:- +)*(?:\{ *)?" + FULL_WIDTH_COLON.pattern).match, 5, *FULL_WIDTH_COLON_WORDS),
    _Slip(
        re.compile(_FIELD + r":[ ]+(?:\"[^\"]*|'[^']*)$").match,
        _WHOLE_FILE,
        "引号没有在本行结束，请补上后引号，或去掉前引号",
        "a quotation mark is not closed on its line: close it, or leave out the opening one",
    ),
    _Slip(
        re.compile(_FIELD + r":[ ]+(?:\"[^\"]*\"|'[^']*')[ ]*[^\s#,\]}]").match,
        1,
        "值以引号开头，引号后却还有文字；请给整个值加上单引号，或去掉引号",
        "the value begins with a quotation mark and goes on behind it: put the whole value in single quotes",
    ),
    _Slip(
        re.compile(r"^[ ]*(?:- +)*[A-Za-z_]+:(?!//)[^\s\"]").match,
        5,
        "冒号“:”后缺少空格",
        "a space is missing after the colon",
    ),
)
_AGAIN = (
    "值中又有冒号和空格，请给整个值加上引号",
    "the value has a colon and a space in it: put the whole value in quotes",
)
_INDENTATION = (
    "缩进与上面的行不一致；同一层的字段应左对齐",
    "the indentation does not agree with the lines above: fields of one level begin in one column",
)
_BRACKET = (
    "括号没有结束，或各项之间缺少半角逗号“,”",
    "a bracket is not closed, or a half-width comma between items is missing",
)
_NO_YAML = ("不是有效的 YAML", "not valid YAML")
_BEGINNINGS = re.compile(r"[@`%*&!|>]")


def yaml_fault(error: yaml.YAMLError | RecursionError, text: str) -> YamlFault:
    """What the parser found, as a fault on the line of the slip."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return YamlFault(line, "", "有不可见的控制字符，请删除", "an invisible control character: delete it")
    if not isinstance(error, yaml.MarkedYAMLError):
        return YamlFault(None, "", *_NO_YAML)
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return YamlFault(None, "", *_NO_YAML)
    line, problem = mark.line, error.problem or ""
    lines = text.split("\n")
    if "another document" in problem:
        return YamlFault(
            line + 1,
            "",
            "一个文件只写一份文件内容，请去掉“---”",
            "a file holds one document: leave out the line of hyphens",
        )
    if "quoted scalar" in (error.context or "") and error.context_mark is not None:
        return YamlFault(error.context_mark.line + 1, "", _SLIPS[2].zh, _SLIPS[2].en)
    for slip in _SLIPS:
        for number in range(min(line, len(lines) - 1), max(line - slip.above, 0) - 1, -1):
            if slip.is_on(lines[number].rstrip("\r")):
                return YamlFault(number + 1, "", slip.zh, slip.en)
    return _by_the_parser(error, problem, line, lines[line] if line < len(lines) else "")


def _by_the_parser(error: yaml.MarkedYAMLError, problem: str, line: int, written: str) -> YamlFault:
    """The fault of which the text shows no slip that is known."""
    if problem.startswith("expected ',' or"):
        opened = error.context_mark.line if error.context_mark is not None else line
        return YamlFault(opened + 1, "", *_BRACKET)
    if "cannot start any token" in problem:
        sign = _BEGINNINGS.search(problem)
        zh, en = (f"“{sign[0]}”", f" “{sign[0]}”") if sign else ("此符号", " this sign")
        return YamlFault(
            line + 1,
            "",
            f"值不能以{zh}开头，请给整个值加上引号",
            f"a value cannot begin with{en}: put the whole value in quotes",
        )
    if problem.startswith("mapping values are not allowed"):
        return YamlFault(line + 1, "", *(_AGAIN if written.count(": ") > 1 else _INDENTATION))
    if problem.startswith(("expected <block end>", "could not find expected")):
        return YamlFault(line + 1, "", *_INDENTATION)
    return YamlFault(line + 1, "", *_NO_YAML)


def text_of(content: bytes) -> str:
    """The text of a file; YamlFault on the first line that is not UTF-8, with the encoding it seems to have."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    name = _encoding_of(content)
    zh, en = (
        (f"文件的编码是“{name}”，", f"the file is {name} text: ") if name else ("文件不是 UTF-8 文本，", "")
    )
    raise YamlFault(line, "", f"{zh}请另存为 UTF-8", f"{en}save it as UTF-8") from None


def _encoding_of(content: bytes) -> str | None:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return None
    return "GB18030"
