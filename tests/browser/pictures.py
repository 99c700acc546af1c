"""The pictures of docs/page.md: each state of the page over the sample notes, as a browser shows it. ``make pictures``."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "img"
MOST_BYTES = 1_500_000  # of all together
# state of the walk -> name of its picture
DESK = {
    "source": "chat", "tools": "tools", "filters": "filters", "conversations": "conversations", "documents": "documents",
    "document-detail": "document-detail", "board": "board", "catalyst": "catalyst", "shared": "shared", "document": "document",
}  # fmt: skip
DARK = {"source": "dark"}
PHONE = {"answer": "phone-answer", "source": "phone-source", "documents": "phone-documents"}


def kept(data: bytes, name: str) -> None:
    """Write a picture with 256 colours: the page has few, and the rare ones count."""
    picture = (
        Image.open(io.BytesIO(data))
        .convert("RGB")
        .quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    picture.save(OUT / f"{name}.png", optimize=True)


def take(browser: Any, place: Any, names: dict[str, str], size: tuple[int, int], theme: str) -> None:
    """Go through the states and keep those that are named."""
    from sample_base import walk
    from watching import watched

    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=theme, reduced_motion="reduce", locale="en-GB"
    )
    seen = watched(context.new_page())
    left = set(names)
    for state, page in walk(seen, place):
        if state not in left:
            continue
        if state == "tools":
            seen.last.locator(".t-live").evaluate("one => one.scrollIntoView({block: 'end'})")
        page.wait_for_timeout(300)  # a picture of a page, a font
        kept(page.screenshot(), names[state])
        left.discard(state)
        if not left:
            break
    context.close()


def main() -> int:
    """Take all pictures anew; return 1 where they are too many bytes."""
    from conftest import ARGUMENTS, find_chromium
    from playwright.sync_api import sync_playwright
    from sample_base import sample_place

    from ingest.chunking import CHUNKER_VERSION
    from ingest.ingestor import Ingestor
    from vectorstore.embedding import make_embedder
    from vectorstore.settings import Settings
    from vectorstore.store import Store

    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as name, sync_playwright() as driver:
        os.chdir(name)
        settings = Settings(store="store", workers=1)
        embedder = make_embedder(settings)
        with (
            Store.open(settings.store, embedder=embedder, chunker_version=CHUNKER_VERSION) as store,
            Ingestor(store, settings) as ingestor,
        ):
            # As uploads, so that no picture names a folder of this machine.
            ingestor.ingest_uploads([(note.name, note) for note in sorted((ROOT / "knowledge").glob("*.md"))])
        browser = driver.chromium.launch(executable_path=find_chromium(driver.chromium.executable_path), args=ARGUMENTS)
        with sample_place(Path("store"), embedder, Path("cache")) as place:
            take(browser, place, DESK, (1280, 800), "light")
            take(browser, place, DARK, (1280, 800), "dark")
            take(browser, place, PHONE, (390, 844), "light")
        browser.close()
        os.chdir(ROOT)
    total = sum(file.stat().st_size for file in OUT.glob("*.png"))
    print(f"{len(list(OUT.glob('*.png')))} pictures, {total:,} bytes, in {OUT}")
    return int(total > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
