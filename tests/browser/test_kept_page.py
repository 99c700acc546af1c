"""Conversations in a real browser, kept by real records: listed, found, opened by their address, renamed, shared, deleted, asked anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from record_samples import open_records
from signin_cases import PASSWORDS
from watching import GRADIO_WARNINGS, Watched, watched
from web_fakes import FakeAssistant, service_of

from assistant.access.users import Users, users_path
from assistant.web.server import Handle, serve
from vectorstore.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
GAP = "What was the gap to large caps in March 2024?"
REVENUE = "What was the revenue of Harbor Tools in fiscal 2023?"
RATES = "Would lower rates help firms that carry floating debt?"


@dataclass
class Place:
    handle: Handle
    assistant: FakeAssistant


def placed(root: Path, **named: Any) -> Iterator[Place]:
    settings = Settings(store=str(root), port=0, **named)
    if settings.auth == "users":
        users = Users(users_path(settings))
        users.add("anna", PASSWORDS["anna"], role="editor")
        users.add("bob", PASSWORDS["bob"])
    assistant = FakeAssistant()
    with closing(open_records(root)) as records:
        handle = serve(service_of(assistant, settings, records=records), settings, block=False)
        yield Place(handle, assistant)
        handle.close()


@pytest.fixture
def place(tmp_path: Path, browser: Any) -> Iterator[Place]:
    yield from placed(tmp_path)


@pytest.fixture
def people(tmp_path: Path, browser: Any) -> Iterator[Place]:
    yield from placed(tmp_path, auth="users")


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """``tab(width, height)``: a page in a browser of its own; uncaught errors fail the test."""
    contexts, pages = [], []

    def opened(width: int = 1440, height: int = 900, **named: Any) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, **named)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        pages.append(watched(context.new_page()))
        return pages[-1]

    yield opened
    for context in contexts:
        context.close()
    assert [error for page in pages for error in page.errors] == []


@pytest.fixture
def seen(place: Place, tab: Any) -> Watched:
    page = tab()
    page.page.goto(place.handle.url)
    page.page.locator(".t-welcome").wait_for()
    return page


def sign_in(seen: Watched, url: str, name: str) -> None:
    seen.page.goto(url)
    seen.page.locator("#name").fill(name)
    seen.page.locator("#password").fill(PASSWORDS[name])
    seen.page.get_by_role("button", name="Sign in").click()


def titles(seen: Watched) -> list[str]:
    return list(seen.page.locator(".t-kept-title").all_inner_texts())


def wait_for_titles(seen: Watched, *expected: str) -> None:
    seen.page.wait_for_function(
        "wanted => JSON.stringify([...document.querySelectorAll('.t-kept-title')].map(e => e.textContent)) === JSON.stringify(wanted)",
        arg=list(expected),
    )


def choose(seen: Watched, title: str, item: str) -> None:
    row = seen.page.locator(".t-kept", has_text=title)
    row.hover()
    row.locator("[data-action=kept-menu]").click()
    seen.page.get_by_role("menuitem", name=item).click()


def questions(seen: Watched) -> list[str]:
    return list(seen.page.locator("#transcript .t-question").all_inner_texts())


def test_conversations_are_listed_opened_and_found(seen: Watched, place: Place) -> None:
    seen.ask(GAP)
    seen.ask(RATES)
    wait_for_titles(seen, GAP)
    first = seen.page.url
    assert re.fullmatch(rf"{re.escape(place.handle.url)}/\?c=[0-9a-f]{{32}}", first)
    seen.page.keyboard.press("Alt+n")
    seen.page.locator(".t-welcome").wait_for()
    assert seen.page.url == f"{place.handle.url}/"
    seen.ask(REVENUE)
    wait_for_titles(seen, REVENUE, GAP)
    seen.page.keyboard.press("Control+k")
    seen.page.keyboard.type("FLOATING")  # a question's word, in other letters
    wait_for_titles(seen, GAP)
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Enter")
    seen.page.locator("#transcript .t-turn", has_text="26 percent").wait_for()
    assert questions(seen) == [GAP, RATES]
    assert seen.page.url == first
    assert "S1" in seen.page.inner_text("#sources")  # of its last answer
    seen.page.go_back()
    seen.page.locator("#transcript .t-turn", has_text="412 million").wait_for()
    assert questions(seen) == [REVENUE]
    seen.page.goto(first)  # a bookmark
    seen.page.locator("#transcript .t-turn", has_text="26 percent").wait_for()
    assert seen.page.locator(".t-here .t-kept-title").inner_text() == GAP
    seen.page.locator("#transcript button.t-marker").first.click()
    seen.page.locator("#sources mark", has_text="26 percent").wait_for()
    seen.ask(REVENUE)
    assert questions(seen) == [GAP, RATES, REVENUE]


def test_a_question_is_edited_and_what_followed_is_gone(seen: Watched, place: Place) -> None:
    for question in (GAP, RATES, REVENUE):
        seen.ask(question)
    seen.page.locator(".t-turn", has_text=RATES).hover()
    seen.page.locator(".t-turn", has_text=RATES).get_by_role("button", name="Edit this question").click()
    seen.page.get_by_text("Asking replaces its answer and the question after it.").wait_for()
    seen.page.wait_for_function("text => document.querySelector('#question textarea').value === text", arg=RATES)
    seen.page.keyboard.press("Escape")  # thought better of it
    seen.page.locator(".t-editing").wait_for(state="detached")
    assert questions(seen) == [GAP, RATES, REVENUE]
    seen.page.locator(".t-turn", has_text=RATES).hover()
    seen.page.locator(".t-turn", has_text=RATES).get_by_role("button", name="Edit this question").click()
    seen.page.locator(".t-editing").wait_for()
    seen.page.fill("#question textarea", "Does reshoring add orders for regional suppliers?")
    seen.page.press("#question textarea", "Enter")
    seen.page.locator("#transcript .t-turn", has_text="Reshoring adds orders").wait_for()
    assert questions(seen) == [GAP, "Does reshoring add orders for regional suppliers?"]
    seen.page.reload()
    seen.page.locator("#transcript .t-turn", has_text="Reshoring adds orders").wait_for()
    assert questions(seen) == [GAP, "Does reshoring add orders for regional suppliers?"]


def test_a_question_is_asked_again_and_judged(seen: Watched, place: Place) -> None:
    seen.ask(GAP)
    seen.ask(RATES)
    seen.page.locator(".t-turn", has_text=GAP).get_by_role("button", name="Retry").click()
    seen.page.wait_for_function("document.querySelectorAll('#transcript .t-turn').length === 1")
    assert [one["question"] for one in place.assistant.asked] == [GAP, RATES, GAP]
    good = seen.last.get_by_role("button", name="Good")
    good.click()
    seen.last.locator("[data-verdict=good][aria-pressed=true]").wait_for()
    seen.last.get_by_role("button", name="Bad").click()
    seen.last.locator("[data-verdict=bad][aria-pressed=true]").wait_for()
    assert good.get_attribute("aria-pressed") == "false"


def test_the_last_question_is_edited_by_the_arrow_key(seen: Watched) -> None:
    seen.ask(GAP)
    seen.page.locator("#question textarea").focus()
    seen.page.keyboard.press("ArrowUp")
    seen.page.wait_for_function("text => document.querySelector('#question textarea').value === text", arg=GAP)


def test_a_conversation_is_renamed_and_deleted(seen: Watched, place: Place) -> None:
    seen.ask(GAP)
    wait_for_titles(seen, GAP)
    choose(seen, GAP, "Rename")
    hostile = "<img src=x onerror=window.hacked=1> gap"
    seen.page.get_by_role("textbox", name="Title").fill(hostile)
    seen.page.keyboard.press("Enter")
    wait_for_titles(seen, hostile)
    seen.page.locator(".t-kept", has_text="gap").hover()
    seen.page.locator("[data-action=kept-menu]").click()
    assert seen.page.get_by_role("menu").get_attribute("aria-label") == f"More on {hostile}"
    seen.page.keyboard.press("Escape")
    assert seen.page.locator("[role=menu]").count() == 0
    choose(seen, "gap", "Delete")
    seen.page.get_by_role("dialog").get_by_text(hostile).wait_for()
    seen.page.get_by_role("button", name="Cancel").click()
    assert titles(seen) == [hostile]
    choose(seen, "gap", "Delete")
    seen.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    seen.page.locator(".t-welcome").wait_for()
    assert titles(seen) == []
    assert seen.page.url == f"{place.handle.url}/"
    assert seen.page.evaluate("window.hacked") is None


def test_an_address_of_no_conversation_is_said(place: Place, tab: Any) -> None:
    seen = tab()
    seen.page.goto(f"{place.handle.url}/?c=0123456789abcdef")
    seen.page.get_by_role("alert").get_by_text("This conversation cannot be shown.").wait_for()
    seen.page.locator(".t-welcome").wait_for()


def test_two_people_see_their_own_and_what_a_link_shows(people: Place, tab: Any) -> None:
    anna, bob = tab(), tab()
    sign_in(anna, people.handle.url, "anna")
    sign_in(bob, people.handle.url, "bob")
    for seen in (anna, bob):
        seen.page.locator(".t-welcome").wait_for()
    anna.ask(GAP)
    bob.ask(REVENUE)
    wait_for_titles(anna, GAP)
    wait_for_titles(bob, REVENUE)
    assert GAP not in bob.page.content()
    own = anna.page.url
    bob.page.goto(own)  # not his
    bob.page.get_by_role("alert").get_by_text("This conversation cannot be shown.").wait_for()
    assert "26 percent" not in bob.page.content()
    choose(anna, GAP, "Link for others")
    link = anna.page.get_by_role("textbox", name="Link").input_value()
    assert link.startswith(f"{people.handle.url}/shared/")
    anna.page.get_by_role("button", name="Copy the link").click()
    anna.page.get_by_text("Copied", exact=True).wait_for()
    assert anna.page.evaluate("navigator.clipboard.readText()") == link
    bob.page.goto(link)
    bob.page.get_by_text("26 percent in March 2024").first.wait_for()
    stranger = tab()
    stranger.page.goto(link)
    stranger.page.locator("#name").wait_for()  # signs in first
    anna.page.get_by_role("button", name="End the link").click()
    anna.page.get_by_role("dialog").wait_for(state="hidden")
    anna.page.wait_for_function("!document.querySelector('.t-kept').textContent.includes('shared')")
    assert bob.page.goto(link).status == 404


@pytest.mark.parametrize("width", [1024, 390])
def test_the_list_is_a_drawer_where_it_is_narrow(place: Place, tab: Any, width: int) -> None:
    seen = tab(width, 800)
    seen.page.goto(place.handle.url)
    seen.page.locator(".t-welcome").wait_for()
    seen.ask(GAP)
    assert not seen.page.locator(".t-history").is_visible()
    button = seen.page.get_by_role("button", name="Conversations", exact=True)
    button.click()
    seen.page.locator(".t-history").wait_for()
    assert button.get_attribute("aria-expanded") == "true"
    seen.page.wait_for_function("document.activeElement.ariaLabel === 'Close the list'")
    seen.page.keyboard.press("Escape")
    seen.page.locator(".t-history").wait_for(state="hidden")
    button.click()
    seen.page.get_by_role("button", name="New conversation").click()
    seen.page.locator(".t-welcome").wait_for()
    seen.page.locator(".t-history").wait_for(state="hidden")
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_set_is_said_and_cleared(seen: Watched, place: Place) -> None:
    seen.page.locator("#filters button").first.click()
    seen.page.locator("#filter-companies input").click()
    seen.page.get_by_role("option", name="Harbor Tools Inc.").click()
    seen.page.fill("#filter-as-of input", "2024-06-30")
    seen.page.locator(".t-chip", has_text="as of 2024-06-30").wait_for()
    assert seen.page.locator(".t-chip").all_inner_texts() == ["Harbor Tools Inc.", "as of 2024-06-30"]
    seen.ask(REVENUE)
    assert place.assistant.asked[-1]["filters"] == {"company": ["Harbor Tools Inc."]}
    seen.page.locator("[data-clear]").click()
    seen.page.locator(".t-chip").first.wait_for(state="hidden")
    seen.ask(REVENUE)
    assert place.assistant.asked[-1]["filters"] == {}
    assert place.assistant.asked[-1]["as_of"] is None


def test_an_empty_base_leads_to_its_documents(place: Place, tab: Any) -> None:
    place.assistant.documents.clear()
    seen = tab()
    seen.page.goto(place.handle.url)
    seen.page.get_by_role("heading", name="The base is empty").wait_for()
    seen.page.get_by_role("button", name="Add documents").click()
    seen.page.locator("#tab-documents").wait_for()


def test_nothing_moves_while_an_answer_comes_in(seen: Watched, place: Place) -> None:
    for _ in range(4):
        seen.ask(RATES)
    seen.page.evaluate("document.querySelector('#chat-scroll').scrollTop = 40")
    seen.ask(GAP)
    top = "document.querySelector('#transcript .t-turn:last-of-type').getBoundingClientRect().top - document.querySelector('#chat-scroll').getBoundingClientRect().top"
    assert abs(seen.page.evaluate(top) - 8) < 4  # the new question stands on top
    seen.page.evaluate("document.querySelector('#chat-scroll').scrollTop = 40")
    seen.last.get_by_role("button", name="Good").click()
    seen.last.locator("[data-verdict=good][aria-pressed=true]").wait_for()
    assert seen.page.evaluate("document.querySelector('#chat-scroll').scrollTop") == 40
