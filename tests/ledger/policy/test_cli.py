"""`xuefen policy`: what a clerk at a bureau sees."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from services.cli import policy as command
from services.ledger.policy import bundled_notices, read_notice
from services.ledger.policy.document.parse import NOTICES
from tests.ledger.policy.builders import notice_text
from tests.ledger.policy.drafts import book, draft

LIAONING_FILE = NOTICES / "liaoning_2025.yaml"


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen on which no line is cut."""
    for console in (command.out, command.err):
        monkeypatch.setattr(console, "_width", 400)


def run(*words: str) -> int:
    """The exit code of a command."""
    try:
        command.app(list(words), result_action="return_value")
    except SystemExit as left:
        return int(left.code or 0)
    return 0


class TestCheck:
    def test_the_bundled_notices_are_sound(self, capsys: pytest.CaptureFixture[str]):
        assert run("check", *(str(path) for path in sorted(NOTICES.glob("*.yaml")))) == 0
        assert capsys.readouterr().out.count("ok ") == len(list(NOTICES.glob("*.yaml")))

    def test_a_fault_is_shown_with_line_field_and_both_languages(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        draft = tmp_path / "draft.yaml"
        draft.write_text(notice_text().replace("total: 90", "total: ninety"), encoding="utf-8")
        assert run("check", str(LIAONING_FILE), str(draft)) == 1
        shown = capsys.readouterr()
        assert "ok " in shown.out
        assert "line 13 /clauses/0/rules/0/total" in shown.err
        assert "学分数" in shown.err

    def test_a_doubt_is_shown_with_its_line_and_stops_nothing_unless_asked(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        draft = tmp_path / "draft.yaml"
        rules = """
  - id: T-01
    article: 一
    text: 不少于90学分。
    rules:
      - kind: requirement
        total: 90
        categories: {professional: 60, public: 40}
"""
        draft.write_text(notice_text(clauses=rules), encoding="utf-8")
        assert run("check", str(draft)) == 0
        shown = capsys.readouterr()
        assert "ok " in shown.out
        assert "warning line 8 /clauses/0 minima-above-total" in shown.err
        assert "最低学分之和" in shown.err
        assert run("check", "--strict", str(draft)) == 1

    def test_a_category_that_nothing_declares_is_a_fault_with_its_line(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        draft = tmp_path / "draft.yaml"
        text = notice_text().replace("total: 90", "categories: {profesional: 60}")
        draft.write_text(text, encoding="utf-8")
        assert run("check", str(draft)) == 1
        shown = capsys.readouterr()
        assert "ok " not in shown.out
        assert "line 13 /clauses/0/rules/0/categories/profesional" in shown.err
        assert "did you mean professional?" in shown.err

    @pytest.mark.parametrize("content", [b"\xff\xfe", b"a: [", b""])
    def test_a_file_that_is_no_notice_is_said_to_be_none(self, tmp_path: Path, content: bytes):
        draft = tmp_path / "draft.yaml"
        draft.write_bytes(content)
        assert run("check", str(draft)) == 1
        assert run("check", str(tmp_path / "absent.yaml")) == 1
        assert run("check") == 2


class TestShow:
    def test_no_setting_is_cut_short(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        draft = tmp_path / "draft.yaml"
        rules = """
  - id: T-01
    article: 一
    text: 申报职称评审，前三年合计不少于270学分。
    rules:
      - {kind: requirement, total: 90}
      - {kind: cap, name: day, per: day, credits: 30, modes: [online], categories: [professional/ethics]}
      - {kind: purpose, purposes: [title_review], years: 3, categories: {professional: 180}}
"""
        draft.write_text(notice_text(clauses=rules), encoding="utf-8")
        assert run("show", "110101", "2030", "--file", str(draft)) == 0
        shown = "".join(capsys.readouterr().out.split())
        assert "…" not in shown
        assert "professional/ethics" in shown

    def test_every_value_is_shown_with_its_clause(self, capsys: pytest.CaptureFixture[str]):
        assert run("show", "211300", "2024") == 0
        shown = capsys.readouterr().out
        line = next(line for line in shown.splitlines() if line.startswith("window.study.until.*"))
        assert "2025-01-31" in line
        assert "S0-06" in line
        assert "朝财〔2024〕6号" in line
        assert "S1-17" in shown

    def test_a_draft_can_be_tried_before_it_is_published(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        draft = tmp_path / "draft.yaml"
        draft.write_text(notice_text(), encoding="utf-8")
        assert run("show", "110101", "2030") == 0
        assert "judged by the national rule, provisionally" in capsys.readouterr().out
        assert run("show", "110101", "2030", "--file", str(draft)) == 0
        assert "provisionally" not in capsys.readouterr().out

    def test_a_year_that_nothing_judges_is_said_to_be(self):
        assert run("show", "110101", "2017") == 1

    def test_a_year_known_only_for_its_make_up_is_said_to_be(self, capsys: pytest.CaptureFixture[str]):
        assert run("show", "140100", "2025", "--prefix", "make_up") == 0
        assert "Only a make-up clause names this year" in capsys.readouterr().out

    def test_what_is_no_place_is_refused(self):
        assert run("show", "999999", "2024") == 2


class TestList:
    def test_notices_are_listed_by_date(self, capsys: pytest.CaptureFixture[str]):
        assert run("list") == 0
        shown = capsys.readouterr().out
        assert (
            shown.index("national-2018-10") < shown.index("chaoyang-2024-6") < shown.index("changzhi-2026-5")
        )

    def test_no_id_is_cut_on_a_narrow_screen(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        monkeypatch.setattr(command.out, "_width", 44)
        assert run("list") == 0
        shown = capsys.readouterr().out
        assert all(notice.id in shown for notice in bundled_notices())
        assert "…" not in shown.replace("-…", "")

    def test_the_day_of_issue_orders_them_and_not_that_of_publication(self):
        later = draft(year=2031, issued_on="2031-01-10", name="beijing-later")
        earlier = draft(year=2030, issued_on="2030-01-10", name="beijing-earlier")
        shown = [notice.id for notice in command.by_day(book(later, earlier))]
        assert shown[-2:] == ["beijing-earlier", "beijing-later"]


class Ledger(BaseHTTPRequestHandler):
    """Answers as a ledger would, and remembers what it was asked."""

    asked: ClassVar[list[tuple[str, str, dict[str, Any]]]] = []
    status: ClassVar[int] = 200
    body: ClassVar[dict[str, Any]] = {}

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, self.headers["Authorization"], json.loads(content)))
        answer = json.dumps(self.body).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def ledger() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Ledger)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Ledger.asked.clear()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class TestPublish:
    def test_the_file_is_drafted_as_it_is_and_published_by_its_hash(
        self, ledger: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        monkeypatch.setattr(Ledger, "status", 200)
        replaced = {"zh": "取代旧文", "en": "replaces the publication of 2025-01-02"}
        monkeypatch.setattr(Ledger, "body", {"state": "drafted", "hash": "sha256:0", "replaces": replaced})
        assert run("publish", str(LIAONING_FILE), "--url", ledger, "--token", "secret") == 0
        (path, authorization, body), (then, _, approved) = Ledger.asked
        assert (path, authorization) == ("/v1/policies", "Bearer secret")
        assert body == {"text": LIAONING_FILE.read_text(encoding="utf-8")}
        assert then == "/v1/policies/210000/notices/liaoning-2025/publication"
        assert approved == {"notice_hash": "sha256:0"}
        shown = capsys.readouterr().out
        assert "published" in shown
        assert "\nreplaces the publication of 2025-01-02\n取代旧文" in shown

    def test_a_refusal_is_shown_field_by_field(
        self, ledger: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        errors = [{"pointer": "/notice/place", "detail": "outside your place"}]
        monkeypatch.setattr(Ledger, "status", 403)
        monkeypatch.setattr(Ledger, "body", {"title": "Not allowed", "errors": errors})
        assert run("publish", str(LIAONING_FILE), "--url", ledger, "--token", "secret") == 1
        shown = capsys.readouterr().err
        assert "403 Not allowed" in shown
        assert "/notice/place: outside your place" in shown

    def test_a_ledger_that_does_not_answer_is_said_to_be_safe_to_ask_again(
        self, capsys: pytest.CaptureFixture[str]
    ):
        assert run("publish", str(LIAONING_FILE), "--url", "http://127.0.0.1:1", "--token", "t") == 2
        assert "safe" in capsys.readouterr().err

    def test_a_file_with_faults_is_not_sent(self, ledger: str, tmp_path: Path):
        draft = tmp_path / "draft.yaml"
        draft.write_text("id: x", encoding="utf-8")
        assert run("publish", str(draft), "--url", ledger, "--token", "t") == 1
        assert Ledger.asked == []


class TestDiff:
    def test_a_draft_is_compared_with_what_is_in_force(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ):
        draft = tmp_path / "draft.yaml"
        text = LIAONING_FILE.read_text(encoding="utf-8")
        draft.write_text(text.replace("total: 90", "total: 100"), encoding="utf-8")
        assert run("diff", str(draft)) == 0
        told = capsys.readouterr()
        shown = told.out
        assert "replaces the publication of 2025-" in told.err
        assert "which governed 2025" in told.err
        line = next(line for line in shown.splitlines() if "requirement.total" in line)
        assert line.split() == ["requirement.total", "changed", "90", "100"]
        assert "S1-03" in shown
        assert run("diff", str(LIAONING_FILE), str(draft), "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert {(each["place"], each["year"]) for each in told} == {("210000", 2025), ("211300", 2025)}

    def test_the_same_file_changes_nothing(self, capsys: pytest.CaptureFixture[str]):
        assert run("diff", str(LIAONING_FILE)) == 0
        assert "Nothing changes." in capsys.readouterr().out

    def test_one_file_or_two_are_asked_for(self, tmp_path: Path):
        assert run("diff") == 2
        assert run("diff", str(tmp_path / "absent.yaml")) == 1


class TestTry:
    STORIES = """
about: 试
given: {place: "210102", year: 2025, person: {qualified_on: 2019-05-01}}
providers: {society: {name: 北京东奥时代教育科技有限公司, accredited: [{place: "210000", years: [2025], modes: [online]}]}}
scenarios:
  - name: as much as the nation asks
    clauses: []
    given: {credits: [{credits: 60, on: 2025-06-01}, {credits: 30, on: 2025-06-01, category: public}]}
    then:
      - {on: 2025-12-31, status: compliant}
"""

    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[Path, Path]:
        """A draft that asks 100 credits, and stories of somebody who has 90."""
        notice, stories = tmp_path / "draft.yaml", tmp_path / "stories.yaml"
        said = LIAONING_FILE.read_text(encoding="utf-8").replace("total: 90", "total: 100")
        notice.write_text(said, encoding="utf-8")
        stories.write_text(self.STORIES, encoding="utf-8")
        return notice, stories

    def test_tells_in_both_languages_what_came_out_otherwise(
        self, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
    ):
        assert run("try", *map(str, files)) == 1
        shown = capsys.readouterr().out
        assert "2025 on 2025-12-31: status: expected compliant, found in_progress" in shown
        assert "2025-12-31 的 2025 年度：“status”应为“compliant”，实为“in_progress”" in shown
        assert "1 of 1 differ" in shown

    def test_of_the_notice_in_force_comes_out_as_expected(
        self, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
    ):
        assert run("try", str(LIAONING_FILE), str(files[1])) == 0
        assert "all 1 as expected" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("written", "instead", "line", "zh"),
        [
            ("status: compliant", "statuss: compliant", 10, "没有这个字段“statuss”"),
            ("on: 2025-12-31", "on: 2025年12月31日", 10, "应为日期"),
            ("    clauses: []\n", "", 6, "缺少字段“clauses”"),
            ('place: "210102"', 'place: "999999"', 3, "行政区划代码不存在"),
            ("[{credits: 60, on: 2025-06-01}", "[{credits: 60, on: 2025-06-31}", 8, "没有这一天"),
            ("    then:", "    when: [{outcome: x}]\n    then:", 9, "一步只写一件事"),
            (
                "    then:",
                "    when: [{exam: {provider: nobody, passed: 2025-01-01}, outcome: recorded}]\n    then:",
                9,
                "没有列出此机构",
            ),
            (
                "    then:",
                "    when: [{revoke: {step: 1, at: 2025-01-01}, outcome: revoked}]\n    then:",
                9,
                "没有这一步",
            ),
        ],
    )
    def test_names_the_line_of_a_fault_in_the_stories(
        self,
        files: tuple[Path, Path],
        written: str,
        instead: str,
        line: int,
        zh: str,
        capsys: pytest.CaptureFixture[str],
    ):
        files[1].write_text(self.STORIES.replace(written, instead), encoding="utf-8")
        assert run("try", *map(str, files)) == 1
        shown = capsys.readouterr().err
        assert f"line {line}" in shown
        assert zh in shown

    def test_of_a_story_with_codes_nobody_knows_says_so_and_goes_on(
        self, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
    ):
        unknown = self.STORIES.replace("category: public}]}", "category: public}], notices: [nowhere]}")
        assert unknown != self.STORIES
        files[1].write_text(unknown, encoding="utf-8")
        assert run("try", *map(str, files)) == 1
        assert "这个情景无法演算" in capsys.readouterr().out


class TestNew:
    def test_writes_a_sound_notice_with_its_schema(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        assert run("new", "210100", "2026", "沈财会〔2026〕1号", "--folder", str(tmp_path)) == 0
        path = tmp_path / "notice-210100-2026.yaml"
        assert path.read_text(encoding="utf-8").startswith(
            "# yaml-language-server: $schema=policy.schema.json\n"
        )
        assert (tmp_path / "policy.schema.json").exists()
        assert run("check", str(path)) == 0
        assert run("new", "210100", "2026", "沈财会〔2026〕1号", "--folder", str(tmp_path)) == 2

    def test_asks_for_what_is_not_given(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        answers = iter(["210100", "2026", "沈财会〔2026〕1号"])
        monkeypatch.setattr(command.err, "input", lambda _: next(answers))
        assert run("new", "--folder", str(tmp_path)) == 0
        assert read_notice(tmp_path / "notice-210100-2026.yaml").document == "沈财会〔2026〕1号"

    @pytest.mark.parametrize("words", [("999999", "2026"), ("210100", "1926")])
    def test_refuses_a_place_or_year_that_there_is_not(self, tmp_path: Path, words: tuple[str, str]):
        assert run("new", *words, "x", "--folder", str(tmp_path)) == 2
        assert list(tmp_path.iterdir()) == []
