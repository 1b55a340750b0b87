"""The files for a public forge and for contributors: they run what the project runs, and nothing of their own."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_the_workflow_runs_what_every_change_must_pass():
    [workflow] = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
    [job] = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]


def test_a_commit_is_looked_at_by_the_linters_of_make_check():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0][
        "hooks"
    ]
    asked = {re.sub(r"^.*-m ", "", hook["entry"]) for hook in hooks}
    check = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ncheck:")[2].partition("\n\n")[0]
    assert {re.sub(r" \.$", "", each) for each in re.findall(r"-m (.+)$", check, re.MULTILINE)} <= asked


def test_every_form_of_an_issue_warns_of_real_people_or_asks_for_none():
    for form in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yaml")):
        fields = yaml.safe_load(form.read_text(encoding="utf-8"))["body"]
        assert all(re.search(r"[\u4e00-\u9fff]", str(field["attributes"])) for field in fields), form.name
        assert not {"contact", "name", "email"} & {field.get("id") for field in fields}


def test_the_changelog_and_the_distribution_speak_of_one_version():
    version = re.search(
        r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert version is not None
    assert re.search(rf"^## .*\b{re.escape(version[1])}\b", changelog, re.MULTILINE)
