"""The chat under a path of a real nginx, in frames of other local origins, and with people who sign in, in a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nginx
import pytest
from nginx import PATH, Front
from signin_cases import PASSWORDS, Served, served
from watching import GRADIO_WARNINGS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings(*GRADIO_WARNINGS),
    pytest.mark.skipif(nginx.program() is None, reason="no nginx: apt-get install nginx"),
]
GAP = "What was the gap to large caps in March 2024?"
QUOTE = "The gap to large caps stood at 26 percent in March 2024."
ASKED = "question=What+was+the+gap+to+large+caps+in+March+2024%3F"
FRAME = "#frame"


@dataclass(frozen=True)
class Place:
    """``allowed`` may frame it, ``other`` may not; both show the same pages."""

    front: Front
    server: Served
    allowed: int
    other: int


@contextmanager
def placed(folder: Path, *, allowed_host: str, keeps_path: bool, **named: Any) -> Iterator[Place]:
    front_port, allowed, other = nginx.free_ports(3)
    pages = folder / "pages"
    pages.mkdir()
    front = Front(front_port, (allowed, other), pages)
    with ExitStack() as stack:
        server = stack.enter_context(
            served(
                folder / "store", root_path=PATH, trusted_proxies=("127.0.0.1",),
                frame_origins=(f"http://{allowed_host}:{allowed}",), **named,
            )
        )  # fmt: skip
        stack.enter_context(
            nginx.nginx(folder / "nginx", front, int(server.url.rsplit(":", 1)[1]), keeps_path=keeps_path)
        )
        framed = '<!doctype html><title>Intranet</title><body style="margin:0"><iframe id="frame" style="border:0;width:100vw;height:100vh" src="{}"></iframe>'
        front.write(
            {
                "embed.html": framed.format(f"{front.url()}/embed?{ASKED}&ask=1&publisher=Sample+notes"),
                "dark.html": framed.format(f"{front.url()}/embed?theme=dark&question=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E&company=%3Cb%3EHarbor"),
                "whole.html": framed.format(f"{front.url()}/"),
                "document.html": framed.format(f"{front.url()}/document/{next(iter(server.assistant.documents))}"),
                "button.html": '<!doctype html><title>Intranet</title><meta name="viewport" content="width=device-width, initial-scale=1">'
                '<h1>Quarterly desk page</h1><p>Coverage of Harbor Tools, with last week\'s notes.</p><a href="#">A link</a>'
                f'<script src="{front.url()}/embed.js" data-label="Ask the research" data-theme="light" data-question="{GAP}" '
                'data-publisher="Sample notes|SEC" data-as-of="2024-12-31" defer></script>',
            }
        )  # fmt: skip
        yield Place(front, server, allowed, other)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Open to all on this machine; the proxy takes the path away."""
    with placed(tmp_path_factory.mktemp("embed"), allowed_host="127.0.0.1", keeps_path=False) as made:
        yield made


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """For people with passwords; the proxy keeps the path."""
    with placed(tmp_path_factory.mktemp("people"), allowed_host="localhost", keeps_path=True, auth="users") as made:
        yield made


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """``tab(width, height)``: a page in a browser of its own, without cookies; uncaught errors fail the test."""
    contexts, errors = [], []

    def opened(width: int = 1280, height: int = 800, **named: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **named)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


def picture(page: Any, name: str) -> None:
    """Keep a picture where THESIS_PICTURES names a folder."""
    if folder := os.environ.get("THESIS_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"d_{name}.png"))


def ask(frame: Any, question: str) -> None:
    before = frame.locator("#transcript .t-turn").count()
    frame.locator("#question textarea").fill(question)
    frame.locator("#question textarea").press("Enter")
    frame.locator("#transcript .t-turn").nth(before).wait_for()


def test_an_allowed_page_shows_the_chat_and_gets_answers(place: Place, tab: Any) -> None:
    page = tab(390, 640)
    hosts: set[str] = set()
    page.on("request", lambda sent: hosts.add(sent.url.split("/")[2]))
    page.goto(f"http://127.0.0.1:{place.allowed}/embed.html")
    frame = page.frame_locator(FRAME)
    frame.locator("#transcript .t-turn", has_text=QUOTE).wait_for()  # asked by the address
    assert frame.locator(".t-chip").all_inner_texts() == ["Sample notes"]
    assert place.server.assistant.asked[-1]["filters"] == {"publisher": ["Sample notes"]}
    ask(frame, "How large was the gap to large caps in March 2024 in percent?")
    frame.locator("#transcript .t-turn").last.locator("button.t-marker", has_text="S1").click()
    frame.locator("#sources mark").wait_for()
    assert frame.locator("#sources mark").inner_text() == QUOTE
    for absent in (".t-header", "#tabs", "#upload", "#documents-table", "#about", "#filters", ".nav-holder:visible"):
        assert frame.locator(absent).count() == 0, absent
    picture(page, "frame_390")
    with page.context.expect_page() as opened:
        frame.locator("#sources a.t-open").click()
    document = opened.value
    document.locator("mark#cited").wait_for()
    assert document.url.startswith(f"{place.front.url()}/document/")
    assert hosts == {f"127.0.0.1:{place.allowed}", f"localhost:{place.front.front}"}


def test_the_chat_fits_a_narrow_frame(place: Place, tab: Any) -> None:
    page = tab(320, 600)
    page.goto(f"http://127.0.0.1:{place.allowed}/embed.html")
    frame = page.frame_locator(FRAME)
    frame.locator("#transcript .t-turn", has_text=QUOTE).wait_for()
    inner = next(f for f in page.frames if "/embed" in f.url and PATH in f.url)
    assert inner.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = frame.locator("#question textarea").bounding_box()
    assert 0 <= box["y"] < 560


def test_other_pages_and_other_addresses_are_not_framed(place: Place, tab: Any) -> None:
    for port, name in (
        (place.other, "embed"),
        (place.allowed, "whole"),
        (place.allowed, "document"),
        (place.other, "whole"),
    ):
        page = tab(800, 600)
        said: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.goto(f"http://127.0.0.1:{port}/{name}.html")
        page.wait_for_timeout(700)
        assert any("frame-ancestors" in text for text in said), (port, name)
        assert not any(PATH in frame.url and frame.url.startswith("http") for frame in page.frames), (port, name)
        assert page.frame_locator(FRAME).locator("#question").count() == 0


def test_the_address_is_text_and_asks_nothing_by_itself(place: Place, tab: Any) -> None:
    page = tab(420, 640)
    before = len(place.server.assistant.asked)
    page.goto(f"http://127.0.0.1:{place.allowed}/dark.html")
    frame = page.frame_locator(FRAME)
    frame.locator(".t-chip").wait_for()
    assert frame.locator(".t-chip").inner_text() == "<b>Harbor"
    frame.locator(".t-welcome").wait_for()
    assert frame.locator("#question textarea").input_value() == "<img src=x onerror=alert(1)>"
    assert frame.locator("body.dark").count() == 1
    assert frame.locator("#narrowing b, #transcript img").count() == 0
    assert len(place.server.assistant.asked) == before
    picture(page, "frame_dark")


@pytest.mark.parametrize("size", [(1280, 800), (390, 760)], ids=["desk", "phone"])
def test_the_button_opens_a_panel_for_the_keyboard_too(place: Place, tab: Any, size: tuple[int, int]) -> None:
    page = tab(*size)
    page.goto(f"http://127.0.0.1:{place.allowed}/button.html")
    button = page.get_by_role("button", name="Ask the research")
    button.wait_for()
    assert page.locator("iframe").count() == 0
    assert (button.get_attribute("aria-expanded"), button.get_attribute("aria-haspopup")) == ("false", "dialog")
    picture(page, f"button_{size[0]}")
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Ask the research")
    dialog.wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Close"
    frame = page.frame_locator("iframe[title='Ask the research']")
    frame.locator(".t-chip").first.wait_for()
    assert frame.locator(".t-chip").all_inner_texts() == ["Sample notes", "SEC", "as of 2024-12-31"]
    frame.locator("#question textarea").wait_for()
    page.wait_for_timeout(300)
    assert frame.locator("#question textarea").input_value() == GAP
    frame.locator("#send").click()
    frame.locator("#transcript .t-turn", has_text=QUOTE).wait_for()
    picture(page, f"panel_{size[0]}")
    frame.locator("#question textarea").press("Escape")
    dialog.wait_for(state="hidden")
    assert page.evaluate("document.activeElement.textContent") == "Ask the research"
    page.keyboard.press("Enter")
    dialog.wait_for()
    frame.locator("#transcript .t-turn", has_text=QUOTE).wait_for()  # as it was left
    page.get_by_role("button", name="Close").click()
    dialog.wait_for(state="hidden")
    assert button.get_attribute("aria-expanded") == "false"


def test_everything_works_under_a_path(place: Place, tab: Any) -> None:
    page = tab()
    hosts: set[str] = set()
    page.on("request", lambda sent: hosts.add("/".join(sent.url.split("/")[2:5])))
    page.goto(f"{place.front.url()}/")
    page.locator(".t-welcome").wait_for()
    ask(page, "What was the revenue of Harbor Tools in fiscal 2023?")
    page.locator("#transcript button.t-marker").click()
    shown = page.locator("#sources .t-page img")
    shown.wait_for()
    shown.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#sources .t-page img').naturalWidth === 300")
    with page.context.expect_page() as opened:
        page.locator("#sources a.t-open").click()
    opened.value.locator("mark#cited").wait_for()
    page.get_by_role("tab", name="Documents").click()
    page.locator(".t-documents a").first.wait_for()
    assert hosts == {f"localhost:{place.front.front}{PATH}"}
    missing = tab()
    missing.goto(f"{place.front.url()}/document/none")
    missing.get_by_role("link", name="Back to Thesis").click()
    missing.locator(".t-welcome").wait_for()


def fill(page: Any, name: str, password: str) -> None:
    page.locator("#name").fill(name)
    page.locator("#password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_people_sign_in_and_out(people: Place, tab: Any) -> None:
    page = tab()
    page.goto(f"{people.front.url()}/")
    assert page.url == f"{people.front.url()}/login"
    page.locator("#name").wait_for()
    picture(page, "login")
    fill(page, "anna", "wrong password")
    page.get_by_role("alert").wait_for()
    assert page.get_by_role("alert").inner_text() == "The name or the password is wrong."
    picture(page, "login_wrong")
    fill(page, "anna", PASSWORDS["anna"])
    page.locator(".t-welcome").wait_for()
    assert page.url == f"{people.front.url()}/"
    page.locator(".t-who", has_text="anna").wait_for()
    ask(page, GAP)
    assert QUOTE in page.locator("#transcript").inner_text()
    assert page.locator(".nav-holder:visible").count() == 0
    page.get_by_role("tab", name="Documents").click()
    page.locator("#upload input[type=file]").wait_for(state="attached")
    picture(page, "signed_in")
    cookies = {c["name"]: c for c in page.context.cookies(f"{people.front.url()}/")}
    assert (cookies["thesis_session"]["path"], cookies["thesis_session"]["httpOnly"], cookies["thesis_session"]["sameSite"]) == (
        PATH, True, "Lax",
    )  # fmt: skip
    page.get_by_role("button", name="Sign out").click()
    page.locator("#name").wait_for()
    page.goto(f"{people.front.url()}/document/{next(iter(people.server.assistant.documents))}")
    assert "/login?next=" in page.url
    fill(page, "bob", PASSWORDS["bob"])
    page.locator("main .text").wait_for()  # where one wanted to go
    assert "/document/" in page.url
    page.goto(f"{people.front.url()}/")
    page.locator(".t-who", has_text="bob").wait_for()
    page.get_by_role("tab", name="Documents").click()
    page.locator(".t-documents").wait_for()
    assert page.locator("#upload input[type=file]").count() == 0  # a reader adds nothing


def test_a_frame_of_the_same_site_signs_in_and_answers(people: Place, tab: Any) -> None:
    page = tab(420, 680)
    page.goto(f"http://localhost:{people.allowed}/embed.html")
    frame = page.frame_locator(FRAME)
    frame.locator("#name").wait_for()
    picture(page, "frame_login")
    fill(frame, "bob", PASSWORDS["bob"])
    frame.locator("#transcript .t-turn", has_text=QUOTE).wait_for()
    assert frame.locator(".t-chip").all_inner_texts() == ["Sample notes"]


def test_a_frame_of_another_site_keeps_no_cookie_and_says_so(people: Place, tab: Any, tmp_path: Path) -> None:
    # 127.0.0.1 and localhost are two sites. It is allowed here, so that the cookie is what is looked at.
    with placed(tmp_path, allowed_host="127.0.0.1", keeps_path=True, auth="users") as apart:
        page = tab(420, 680)
        page.goto(f"http://127.0.0.1:{apart.allowed}/embed.html")
        frame = page.frame_locator(FRAME)
        frame.locator("#name").wait_for()
        fill(frame, "bob", PASSWORDS["bob"])
        frame.get_by_role("alert", name="").wait_for()
        assert "keeps no cookies" in frame.get_by_role("alert").inner_text()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_login_page_fits_a_phone(people: Place, tab: Any, dark: bool) -> None:
    page = tab(390, 700, color_scheme="dark" if dark else "light", java_script_enabled=False)
    page.goto(f"{people.front.url()}/")
    page.locator("#name").wait_for()
    picture(page, f"login_390{'_dark' if dark else ''}")
    fill(page, "anna", PASSWORDS["anna"])  # without any script
    page.wait_for_url(f"{people.front.url()}/")
