"""Makes the pictures of the documentation from a finished run of the quickstart.

    saysel run quickstart
    python docs/pictures/make.py runs/quickstart

Needs Chromium. Run it again when the report page looks different.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
#: Window of the picture in CSS pixels: the first screen of the report.
WIDTH, HEIGHT = 1100, 915


def main(run: str) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("chromium is not installed")
    page = Path(run).resolve() / "report" / "index.html"
    if not page.is_file():
        sys.exit(f"{page}: no such file; run the recipe first: saysel run quickstart")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    options += [f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={HERE / 'report.png'}"]
    subprocess.run([chromium, *options, page.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/pictures/make.py RUN_DIRECTORY")
    main(sys.argv[1])
