"""axe finds nothing serious in any state of the page, light and dark, at a desk and on a phone; and all can be done by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from sample_base import Place, sample_place, walk
from signin_cases import served
from watching import GRADIO_WARNINGS, Watched, watched
from web_fakes import FakeAssistant, FakeIngestor, serve_fakes

from vectorstore.embedding import Embedder
from vectorstore.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
# Only what depends on colours is looked at again in the dark.
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}

# Colours that are fading from light to dark are neither.
STILL = """
const sheet = new CSSStyleSheet();
sheet.replaceSync('*, *::before, *::after { transition: none !important; animation: none !important; }');
document.adoptedStyleSheets = [sheet];
"""


@pytest.fixture(scope="module")
def place(
    knowledge_store: Any, tmp_path_factory: pytest.TempPathFactory, embedder: Embedder, model_cache: Path
) -> Iterator[Place]:
    with sample_place(knowledge_store(tmp_path_factory.mktemp("axe")), embedder, model_cache) as served:
        yield served


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    contexts, pages = [], []

    def opened(width: int = 1440, height: int = 900) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        contexts.append(context)
        pages.append(watched(context.new_page()))
        return pages[-1]

    yield opened
    for context in contexts:
        context.close()
    assert [error for page in pages for error in page.errors] == []


def found(page: Any, options: dict[str, Any] | None = None) -> list[str]:
    """Return what axe finds that is serious or critical."""
    page.evaluate(STILL)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    result = page.evaluate("options => axe.run(document, {resultTypes: ['violations'], ...options})", options or {})
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in result["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def both(page: Any) -> list[str]:
    """Return what is found in the light and in the dark; the page is light again after it."""
    problems = found(page)
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.body.classList.add('dark')")
    problems += [f"dark {one}" for one in found(page, COLOURS)]
    page.evaluate("document.body.classList.remove('dark')")
    page.emulate_media(color_scheme="light")
    return problems


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)], ids=["desk", "phone"])
def test_every_state_can_be_read_by_everybody(place: Place, tab: Any, width: int, height: int) -> None:
    problems, wide, names = [], [], []
    for name, page in walk(tab(width, height), place):
        names.append(name)
        problems += [f"{name}: {one}" for one in both(page)]
        wide += [name] if page.evaluate("document.documentElement.scrollWidth > innerWidth") else []
    assert problems == []
    assert wide == []  # nothing has to be scrolled sideways
    assert len(names) == 18


def test_an_empty_base_can_be_read_by_everybody(tab: Any, tmp_path: Path) -> None:
    assistant = FakeAssistant(documents={})
    handle = serve_fakes(assistant, FakeIngestor(assistant), Settings(store=str(tmp_path), port=0), block=False)
    page = tab().page
    page.goto(handle.url)
    page.get_by_role("heading", name="The base is empty").wait_for()
    assert both(page) == []
    page.get_by_role("tab", name="Documents").click()
    page.get_by_text("Nothing is in the base yet.").wait_for()
    assert both(page) == []
    handle.close()


def test_who_signs_in_can_read_the_page(tab: Any, tmp_path: Path) -> None:
    with served(tmp_path, auth="users") as site:
        page = tab().page
        page.goto(site.url)
        page.locator("#name").wait_for()
        assert both(page) == []
        page.locator("#name").fill("anna")
        page.locator("#password").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("alert").wait_for()
        assert both(page) == []
