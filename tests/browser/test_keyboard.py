"""The page by keys alone: Tab, Enter, Escape and arrows; the focus can be seen at each stop and comes back to where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from record_samples import open_records
from watching import GRADIO_WARNINGS, Watched, watched
from web_fakes import FakeAssistant, service_of

from assistant.web.server import Handle, serve
from vectorstore.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
# What has the focus, unless it cannot be seen: no ring on it or on the field that holds it, or outside the window.
FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return {name: '', seen: true};
  const ringed = (node) => {
    const style = getComputedStyle(node);
    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
  };
  const box = one.getBoundingClientRect();
  const held = one.closest('#composer') || one;
  const inside = box.width > 0 && box.height > 0 && box.top < innerHeight && box.bottom > 0 && box.left < innerWidth && box.right > 0;
  return {name: one.getAttribute('aria-label') || one.innerText || one.id || one.tagName, seen: inside && (ringed(one) || ringed(held))};
}"""


@pytest.fixture(scope="module")
def handle(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[Handle]:
    root = tmp_path_factory.mktemp("keys")
    settings = Settings(store=str(root), port=0)
    with closing(open_records(root)) as records:
        running = serve(service_of(FakeAssistant(), settings, records=records), settings, block=False)
        yield running
        running.close()


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["desk", "phone"])
def seen(request: pytest.FixtureRequest, handle: Handle, browser: Any) -> Iterator[Watched]:
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page = watched(context.new_page())
    page.page.goto(handle.url)
    page.page.locator(".t-welcome").wait_for()
    yield page
    assert page.errors == []
    context.close()


def focus(page: Any) -> str:
    """Return the name of what has the focus; it has to be seen."""
    found = page.evaluate(FOCUS)
    assert found["seen"], found["name"]
    return str(found["name"])


def go(page: Any, selector: str, key: str = "Tab") -> None:
    """Press ``key`` until something that fits has the focus."""
    for _ in range(80):
        page.keyboard.press(key)
        page.wait_for_timeout(20)
        focus(page)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{key} does not lead to {selector}")


def has_focus(page: Any, selector: str) -> None:
    page.wait_for_function("selector => document.activeElement.matches(selector)", arg=selector)
    focus(page)


def test_all_is_done_by_keys(seen: Watched) -> None:
    page = seen.page
    phone = page.viewport_size["width"] < 860
    has_focus(page, "#question textarea")
    go(page, ".t-example", "Shift+Tab")
    page.keyboard.press("Enter")
    seen.last.locator("button.t-marker").first.wait_for()
    seen.last.locator(".t-actions").wait_for()
    go(page, "#transcript button.t-marker")
    marker = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.locator("#sources mark").first.wait_for()
    if phone:
        has_focus(page, "#side-close .t-close")
    page.keyboard.press("Escape")
    if phone:
        page.locator("#side").wait_for(state="hidden")
    else:
        page.locator("#sources mark").first.wait_for(state="detached")
    has_focus(page, "#transcript button.t-marker")
    assert page.evaluate("document.activeElement.textContent") == marker
    # From inside the source, too.
    page.keyboard.press("Enter")
    if phone:
        has_focus(page, "#side-close .t-close")
    else:
        page.locator("#sources mark").first.wait_for()
    go(page, "#sources blockquote")
    page.keyboard.press("Escape")
    has_focus(page, "#transcript button.t-marker")

    if phone:
        go(page, "[data-action=kept]", "Shift+Tab")
        page.keyboard.press("Enter")
        has_focus(page, "#kept .t-close")
    else:
        page.keyboard.press("Control+k")
        has_focus(page, ".t-history .t-search")
    go(page, "[data-action=kept-menu]")
    page.keyboard.press("Enter")
    has_focus(page, "[role=menuitem]")
    page.keyboard.press("ArrowDown")
    assert focus(page) == "Link for others"
    page.keyboard.press("ArrowUp")
    assert focus(page) == "Rename"
    page.keyboard.press("Enter")
    has_focus(page, "dialog input")
    page.keyboard.type("By keys alone")
    page.keyboard.press("Enter")
    page.locator(".t-kept-title", has_text="By keys alone").first.wait_for(state="attached")
    has_focus(page, "[data-action=kept-menu]")
    if phone:
        page.keyboard.press("Escape")
        has_focus(page, "[data-action=kept]")

    for name, part in (
        ("Documents", "[data-row]"),
        ("Board", "#board .t-board, #board [role=alert]"),
        ("Chat", "#composer"),
    ):
        go(page, "[role=tab]", "Shift+Tab")
        for _ in range(8):
            if focus(page) == name:
                break
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.locator(part).first.wait_for()
        assert page.get_by_role("tab", name=name).get_attribute("aria-selected") == "true"
    page.keyboard.press("Shift+?")
    page.get_by_role("dialog").wait_for()
    focus(page)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    has_focus(page, "#question textarea")


def test_the_conversations_are_found_from_any_tab(seen: Watched) -> None:
    page = seen.page
    page.get_by_role("tab", name="Documents").click()
    page.locator("[data-row]").first.wait_for()
    page.keyboard.press("Control+k")
    has_focus(page, ".t-history .t-search")
    page.keyboard.press("Alt+n")
    page.locator(".t-welcome").wait_for()
    has_focus(page, "#question textarea")
    page.get_by_role("tab", name="Board").click()
    page.keyboard.press("Alt+n")
    has_focus(page, "#question textarea")
    if page.viewport_size["width"] < 860:
        page.get_by_role("tab", name="Documents").click()
        page.get_by_role("button", name="Conversations", exact=True).press("Enter")
        has_focus(page, "#kept .t-close")
