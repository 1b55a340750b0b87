"""Runs the stand-in: `python -m services.stand_ins.targets --port 8011 --folder FOLDER --token-file FILE`."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

import uvicorn

from services.kit.observability import configure_logging
from services.stand_ins.targets.app import build_app


def main() -> None:
    """Serve on this machine until told to stop; what is held is kept in the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8011)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--until-stdin-closes", action="store_true")
    given = parser.parse_args()
    if given.until_stdin_closes:
        threading.Thread(target=_end_when_stdin_closes, daemon=True).start()
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
    configure_logging("stand-in", level="CRITICAL")
    app, _ = build_app(given.token_file.read_text(encoding="utf-8").strip(), given.folder)
    uvicorn.run(app, host="127.0.0.1", port=given.port, log_config=None, access_log=False)


def _end_when_stdin_closes() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
