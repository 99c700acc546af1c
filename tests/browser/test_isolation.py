"""Two people at once in two browsers, with different rights, over one real base: neither is sent anything of the other's."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pypdf
import pytest
from signin_cases import PASSWORDS
from watching import GRADIO_WARNINGS, Watched, watched

from assistant import Assistant
from assistant.access.rules import Rules
from assistant.access.users import Users, users_path
from assistant.records import Records
from assistant.service import Service
from assistant.web.server import serve
from ingest.chunking import CHUNKER_VERSION
from ingest.ingestor import Ingestor
from vectorstore.embedding import Embedder
from vectorstore.settings import Settings
from vectorstore.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings(*GRADIO_WARNINGS)]
RULES = """
default = "nobody"
[collections.open]
readers = ["*"]
[collections.east]
readers = ["anna"]
editors = ["anna"]
[collections.west]
readers = ["bob"]
editors = ["bob"]
"""
NOTE = """---
title: {title}
publisher: {desk}
date: 2025-03-14
kind: note
company: {company}
---

# {title}

The dredging contract was awarded to {company} for {sum} million dollars. Tariffs raise the costs of {company}, which imports its steel.
"""
QUESTIONS = (
    "Who was awarded the dredging contract?",
    "How do tariffs raise the costs of importers of steel?",
    "What raises the costs of the company that imports its steel?",
)
UPLOADED = "The night ferry of {company} carried {sum} thousand passengers."
# Whole words of each side that the other must never be sent.
SIDES = {
    "anna": {"desk": "Eastern Desk", "company": "Marlin Works", "title": "Dredging at Calder Bay", "sum": "84.25"},
    "bob": {"desk": "Western Desk", "company": "Osprey Dock", "title": "Dredging at Quillon Head", "sum": "73.75"},
}
COLLECTIONS = {"anna": "east", "bob": "west"}


STREAMS = """
const plain = window.fetch;
window.fetch = async (...given) => {
  const answer = await plain(...given);
  if (answer.url.includes('queue/data')) (async () => {
    const read = answer.clone().body.getReader(), text = new TextDecoder();
    try { for (;;) { const {done, value} = await read.read(); if (done) break; toldHere(text.decode(value, {stream: true})); } }
    catch { /* the page has ended it */ }
  })();
  return answer;
};
"""


@dataclass
class Person:
    """One who is signed in; ``sent``: every body that the server sent to the page since the last call, as text."""

    name: str
    seen: Watched
    finished: list[Any] = field(default_factory=list)
    streamed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("requestfinished", lambda request: self.finished.append(request))
        # The stream of the answers is ended by the page as often as by the server, and then has no body that could be read afterwards.
        self.page.expose_function("toldHere", lambda text: self.streamed.append(text))
        self.page.add_init_script(STREAMS)

    @property
    def page(self) -> Any:
        return self.seen.page

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(SIDES[self.name].values())

    def sent(self) -> str:
        bodies = []
        for request in self.finished:
            answer = request.response()
            if answer is not None and answer.status not in {204, 301, 302, 303, 304} and "/assets/" not in request.url:
                bodies.append(answer.body())
        told = b"\n".join(bodies).decode("utf-8", "replace") + "".join(self.streamed)
        self.finished.clear()
        self.streamed.clear()
        return told

    def carried(self) -> None:
        """Say that the stream of the answers is among what is looked at."""
        told = "".join(self.streamed)
        assert SIDES[self.name]["company"] in told
        assert "process_completed" in told

    def key(self, text: str) -> None:
        self.page.fill("#question textarea", text)
        self.page.press("#question textarea", "Enter")


@dataclass
class Place:
    url: str
    service: Service


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, browser: Any, embedder: Embedder, model_cache: Path
) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("isolation")
    (folder / "access.toml").write_text(RULES, encoding="utf-8")
    settings = Settings(
        store=str(folder / "base"), cache=str(model_cache), workers=1, port=0, auth="users", rate_per_minute=0,
        access_file=str(folder / "access.toml"),
    )  # fmt: skip
    with ExitStack() as held:
        store = held.enter_context(Store.open(settings.store, embedder=embedder, chunker_version=CHUNKER_VERSION))
        ingestor = held.enter_context(Ingestor(store, settings))
        for name, side in SIDES.items():
            file = folder / f"{COLLECTIONS[name]}.md"
            file.write_text(NOTE.format(**side), encoding="utf-8")
            assert ingestor.ingest([str(file)], collection=COLLECTIONS[name]).added == 1
        common = folder / "common.md"
        common.write_text("# Tides\n\nThe harbour office publishes tide tables each spring.\n", encoding="utf-8")
        ingestor.ingest([str(common)], collection="open")
        users = Users(users_path(settings))
        for name in SIDES:
            users.add(name, PASSWORDS[name], role="editor")
        records = held.enter_context(Records.opened(settings, store.root))
        assistant = Assistant(store, settings)
        held.callback(assistant.release)
        assistant.catalysts.update()
        rules = Rules.load(settings, store.collections)
        service = Service(assistant, ingestor, settings, records=records, rules=rules)
        running = serve(service, settings, block=False)
        held.callback(running.close)
        yield Place(running.url, service)


@pytest.fixture(scope="module")
def people(place: Place, browser: Any) -> Iterator[tuple[Person, Person]]:
    contexts, found = [], []
    for name in SIDES:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
        contexts.append(context)
        person = Person(name, watched(context.new_page()))
        person.page.goto(place.url)
        person.page.locator("#name").fill(name)
        person.page.locator("#password").fill(PASSWORDS[name])
        person.page.get_by_role("button", name="Sign in").click()
        person.page.locator(".t-welcome").wait_for()
        person.finished.clear()  # what came before the page was there is not to be had any more
        found.append(person)
    for question in QUESTIONS:
        together((found[0], found[1]), question)
    yield found[0], found[1]
    for context in contexts:
        context.close()
    assert [error for person in found for error in person.seen.errors] == []


def apart(people: tuple[Person, Person]) -> None:
    """Neither page shows, and neither browser was sent since the last look, a word of the other's."""
    for one, other in (people, people[::-1]):
        told = one.sent() + one.page.content()
        assert [secret for secret in other.secrets if secret in told] == [], one.name


def together(people: tuple[Person, Person], question: str) -> None:
    """Both ask the same at the same time."""
    before = [person.page.locator("#transcript .t-turn").count() for person in people]
    for person in people:
        person.key(question)
    for person, count in zip(people, before, strict=True):
        person.page.locator("#transcript .t-turn").nth(count).wait_for()


def test_the_same_questions_at_the_same_time_get_each_one_s_own_answers(people: tuple[Person, Person]) -> None:
    for person in people:
        turns = person.page.locator("#transcript .t-turn")
        for number in range(len(QUESTIONS)):
            assert SIDES[person.name]["company"] in turns.nth(number).inner_text()
        assert SIDES[person.name]["sum"] in turns.first.inner_text()
        opened(person)
        assert SIDES[person.name]["desk"] in person.page.inner_text("#sources")
        person.page.locator(".t-kept-title", has_text=QUESTIONS[0]).wait_for()
        assert person.page.locator(".t-kept").count() == 1
        person.carried()
    apart(people)


def test_uploads_filters_and_the_board_are_each_one_s_own(
    people: tuple[Person, Person], place: Place, tmp_path: Path
) -> None:
    for person in people:
        person.page.get_by_role("tab", name="Documents").click()
        person.page.get_by_text("2 documents.").wait_for()
    for person in people:
        file = tmp_path / person.name / "ferry.md"  # the same name in both collections
        file.parent.mkdir()
        file.write_text(
            f"# {SIDES[person.name]['title']}, later\n\n{UPLOADED.format(**SIDES[person.name])}\n", encoding="utf-8"
        )
        person.page.locator(".t-batch summary").click()
        offered = person.page.locator("#add-collection option").all_inner_texts()
        assert offered == [COLLECTIONS[person.name]]
        person.page.set_input_files("#upload input[type=file]", str(file))
    for person in people:
        person.page.get_by_text("1 added.").first.wait_for()
        person.page.get_by_text("3 documents.").wait_for()
        person.page.locator("[data-row]", has_text="later").wait_for()
    apart(people)
    for person in people:
        person.page.get_by_role("tab", name="Board").click()
        person.page.locator(".t-catalyst").first.wait_for()
        person.page.locator(".t-catalyst-head[data-id=tariffs]").click()
        person.page.locator(".t-one").wait_for()
        # also where it is less sure, and folded
        assert SIDES[person.name]["company"] in (person.page.text_content(".t-one") or "")
        person.page.get_by_role("tab", name="Chat").click()
        person.page.locator("#filters button").first.click()
        person.page.locator("#filter-companies input").click()
        person.page.get_by_role("option").first.wait_for()
        assert person.page.get_by_role("option").all_inner_texts() == [SIDES[person.name]["company"]]
        person.page.keyboard.press("Escape")
        person.page.locator("#filters button").first.click()
    together(people, "How many passengers did the night ferry carry?")
    for person in people:
        assert UPLOADED.format(**SIDES[person.name]) in person.seen.last.inner_text()
    apart(people)


def test_what_is_saved_is_one_s_own(people: tuple[Person, Person]) -> None:
    for one, other in (people, people[::-1]):
        kept = other.page.locator(".t-kept").first.get_attribute("data-kept")
        for form in ("markdown", "html", "pdf"):
            with one.page.expect_download() as download:
                send(one, form=form)
            data = Path(download.value.path()).read_bytes()
            text = pdf_text(data) if form == "pdf" else data.decode()
            assert SIDES[one.name]["company"] in text
            assert [secret for secret in other.secrets if secret in text] == []
            send(one, form=form, id=kept)
            one.page.locator("#handed [role=status]", has_text="There is no such conversation.").wait_for(
                state="attached"
            )
    apart(people)


def test_addresses_of_the_other_lead_nowhere(people: tuple[Person, Person], place: Place) -> None:
    for one, other in (people, people[::-1]):
        link = opened(other)
        identity = link.split("/")[1].split("?")[0]
        kept = other.page.locator(".t-kept").first.get_attribute("data-kept")
        tab = one.page.context.new_page()
        for address in (
            link, f"document/{identity}/page/1.png", f"documents/detail/{identity}", f"documents/chunks/{identity}",
            f"api/v1/documents/{identity}", f"api/v1/conversations/{kept}",
        ):  # fmt: skip
            assert tab.goto(f"{place.url}/{address}").status == 404, address
        tab.goto(f"{place.url}/?c={kept}")
        tab.get_by_role("alert").get_by_text("This conversation cannot be shown.").wait_for()
        assert tab.locator("#transcript .t-turn").count() == 0
        tab.close()
    apart(people)


def test_a_link_shows_the_questions_and_withholds_the_answers(people: tuple[Person, Person], place: Place) -> None:
    anna, bob = people
    row = anna.page.locator(".t-kept").first
    row.hover()
    row.locator("[data-action=kept-menu]").click()
    anna.page.get_by_role("menuitem", name="Link for others").click()
    link = anna.page.get_by_role("textbox", name="Link").input_value()
    tab = bob.page.context.new_page()
    for ending in ("", ".md", ".pdf"):
        if ending:
            answer = bob.page.context.request.get(f"{link}{ending}")
            text = pdf_text(answer.body()) if ending == ".pdf" else answer.text()
        else:
            tab.goto(link)
            text = tab.inner_text("body")
        assert QUESTIONS[0] in " ".join(text.split())
        assert [secret for secret in anna.secrets if secret in text] == []
    tab.close()
    apart(people)


def opened(person: Person) -> str:
    """Open the first source of the first answer and return the address of its document."""
    head = person.page.locator("#sources a.t-open")
    if not head.count():
        person.page.locator("#transcript .t-turn").first.locator("button.t-marker").first.click()
    person.page.locator("#sources mark").first.wait_for()
    return str(head.first.get_attribute("href"))


def send(person: Person, **sent: str) -> None:
    person.page.evaluate(
        "sent => document.dispatchEvent(new CustomEvent('t-send', {detail: {name: 'export', data: sent}}))", sent
    )


def pdf_text(data: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages).split())
