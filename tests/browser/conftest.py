"""A real Chromium: THESIS_CHROMIUM, one on the PATH, or Playwright's own; without one these tests skip."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # web_fakes

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium(own: str) -> str | None:
    """Return the program to drive, or None."""
    named = os.environ.get("THESIS_CHROMIUM")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        found = shutil.which(name)
        if found:
            return found
    return own if Path(own).exists() else None


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with api.sync_playwright() as driver:
        program = find_chromium(driver.chromium.executable_path)
        if program is None:
            pytest.skip("no Chromium: set THESIS_CHROMIUM, or run: playwright install chromium")
        running = driver.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield running
        running.close()
