"""Build of the documentation, offline: the tables of outcomes, the pages, and the API reference rendered from the OpenAPI
documents with the bundle of Redoc that the package fastapi-offline holds. `make docs` runs it; the site is in `site/`."""

import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from services.cli.sandbox import outcomes_page

DOCS = Path(__file__).parent
ROOT = DOCS.parent
SITE = ROOT / "site"
LANGUAGES = ("en", "zh")
SERVICES = ("ledger", "registry", "transfer", "sync")
_REDOC = "redoc.standalone.js"
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><meta name="viewport" content="width=device-width"></head>
<body>
<div id="reference"></div>
<script src="redoc.standalone.js"></script>
<script id="document" type="application/json">{document}</script>
<script>Redoc.init(JSON.parse(document.getElementById("document").textContent),
  {{disableSearch: false, hideDownloadButtons: true}}, document.getElementById("reference"))</script>
</body>
</html>
"""


def write_outcomes() -> None:
    """Write the pages of outcomes from the sandbox's table."""
    for language in LANGUAGES:
        (DOCS / language / "outcomes.md").write_text(outcomes_page(language), encoding="utf-8")


def write_reference(folder: Path) -> None:
    """Write a page for the API of each service, complete in itself but for the bundle beside it."""
    package = find_spec("fastapi_offline")
    assert package is not None, "`make install` installs it"
    assert package.origin is not None, "it is a package with files"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(package.origin).parent / "static" / _REDOC, folder / _REDOC)
    for service in SERVICES:
        document = json.loads((ROOT / "contracts" / "openapi" / f"{service}.v1.json").read_text("utf-8"))
        text = json.dumps(document, ensure_ascii=False).replace("<", "\\u003c")
        page = _PAGE.format(title=document["info"]["title"], document=text)
        (folder / f"{service}.html").write_text(page, encoding="utf-8")


def main() -> None:
    """Build everything; a link that leads nowhere ends it."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    write_outcomes()
    build(load_config(str(ROOT / "mkdocs.yml"), strict=True))
    write_reference(SITE / "reference")
    sys.stdout.write(f"{SITE / 'index.html'}\n")


if __name__ == "__main__":
    main()
