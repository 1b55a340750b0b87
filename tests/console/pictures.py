"""Pictures of the console: every screen as somebody of its role sees it in the demo, written into `docs/pictures/`.

python -m tests.console.pictures                 plays the demo with a province of people first
python -m tests.console.pictures --address URL   of a demo that is running
"""

import argparse
import re
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from services.cli.demo.command import demo_settings, fill_province
from services.cli.demo.outside import running_outside
from services.cli.demo.province import PROVINCE
from services.cli.demo.stage import Stage
from services.cli.demo.stories import STORIES
from services.cli.settings import StackSettings
from services.cli.sign_in import introduce
from services.cli.stack import running_stack
from services.cli.state_dir import StateDir

FOLDER = Path(__file__).parents[2] / "docs/pictures"
PEOPLE = 600
CANDIDATES = 12
"""People who are tried for one who has studied."""
DESK, PHONE, WALL = (1280, 860), (390, 844), (1920, 1080)
CLAIM = "/claims/new?form=paper&year=2026"
PICTURES: tuple[tuple[str, str, str, tuple[int, int]], ...] = (
    ("work", "reviewer-a", "/work", DESK),
    ("case", "reviewer-b", "claim", DESK),
    ("people", "supervisor-c", "/people", DESK),
    ("figures", "viewer-d", "/figures?year=2026", DESK),
    ("figures-nation", "viewer-d-100000", "/figures?year=2026", DESK),
    ("wall", "viewer-d", "/figures/wall?year=2026", WALL),
    ("my-education", "person", "/my/2026", PHONE),
    ("claim", "person", CLAIM, PHONE),
    ("unit", "employer", "/unit?year=2026", DESK),
    ("trainings", "provider", "/trainings", DESK),
    ("provider", "provider", "/provider", DESK),
    ("running", "operator", "/running", DESK),
)
"""Name of the picture, who sees it, where, and how large the window is."""


@contextmanager
def demo() -> Iterator[str]:
    """The address of a console over what the demo plays, and a province."""
    settings = demo_settings(StackSettings.load())
    StateDir(settings.home).delete()
    with (
        running_outside(settings.home / "outside"),
        running_stack(settings) as stack,
        closing(Stage(stack)) as stage,
    ):
        for play in STORIES:
            play(stage)
        fill_province(stage, PEOPLE)
        introduce(StateDir(settings.home), stage.people_to_be())
        yield stack.console_url
    shutil.rmtree(settings.home, ignore_errors=True)


def sign_in(page: Page, address: str, who: str) -> None:
    """Be somebody whom the issuer knows: an official of the province by the sub, of organizations the last one's clerk, of
    people the last one who has met something."""
    page.goto(f"{address}/sign-in/stand-in?next=/style")
    subs = re.findall(r'value="([a-z0-9-]+)"|[?&;]sub=([a-z0-9-]+)', page.content())
    known = [one or other for one, other in subs]
    wanted = f"{who}-{PROVINCE}" if f"{who}-{PROVINCE}" in known else who
    found = [each for each in known if each == wanted or re.fullmatch(rf"{re.escape(wanted)}-\d+", each)]
    issuer = page.url
    for sub in found[: -CANDIDATES - 1 : -1]:
        page.goto(f"{issuer}&sub={sub}")
        if who != "person" or (page.goto(f"{address}/my") and page.query_selector(".ring .met")):
            return
        page.goto(f"{address}/sign-in/stand-in?next=/style")
        issuer = page.url


def picture(browser: Browser, address: str, name: str, who: str, path: str, size: tuple[int, int]) -> None:
    """Take one picture."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
    page = context.new_page()
    sign_in(page, address, who)
    if path == "claim":
        page.goto(f"{address}/work?kind=claim")
        page.click('a[href^="/work/claim/"]')
    else:
        page.goto(address + path)
    page.screenshot(path=str(FOLDER / f"{name}.png"))
    context.close()


def main() -> None:
    """Take every picture."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("--address", help="of a console of a demo that is running")
    asked.add_argument("names", nargs="*", help="the pictures to take; all when none is named")
    told: Any = asked.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if told.address is not None:
        take(told.address, told.names)
        return
    with demo() as address:
        take(address, told.names)


def take(address: str, names: list[str]) -> None:
    """Take the pictures of a running console."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, who, path, size in PICTURES:
            if not names or name in names:
                picture(browser, address, name, who, path, size)
        browser.close()


if __name__ == "__main__":
    main()
