"""Shared conversations over HTTP on loopback: the page, Markdown and PDF; who may, and what is kept from whom."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pypdf
import pytest
from export_samples import MADE, answer
from record_samples import kinds
from signin_cases import PAGE, served
from web_fakes import HOSTILE_TITLE, FakeAssistant, sample_documents, service_of

from assistant.access import LOCAL, User
from assistant.export import markdown, page
from assistant.records import Records
from assistant.service import Service
from assistant.web.exports_routes import shared_paper
from assistant.web.handed import WITHHELD, handed_over
from assistant.web.server import Handle, serve
from vectorstore.errors import NotFound, StoreError
from vectorstore.settings import Settings

pytestmark = pytest.mark.filterwarnings(
    "ignore:'future.no_silent_downcasting'", "ignore:The copy keyword is deprecated"
)
GAP = "What was the gap to large caps in March 2024?"
QUOTE = "The gap to large caps stood at 26 percent in March 2024."
NOTE = sample_documents()[0]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    root = tmp_path_factory.mktemp("shared")
    settings = Settings(store=str(root), port=0)
    records = Records.open(settings, root)
    assert records is not None
    yield service_of(FakeAssistant(), settings, records=records)
    records.close()


@pytest.fixture(scope="module")
def handle(service: Service) -> Iterator[Handle]:
    running = serve(service, service.settings, block=False)
    yield running
    running.close()


@pytest.fixture(scope="module")
def web(handle: Handle) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=handle.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def token(service: Service) -> str:
    """The link to a conversation of an answer, a hostile one, and one that failed."""
    service.ask(LOCAL, GAP, conversation_id="the-first", channel="page")
    service.ask(LOCAL, "What are the hostile harbour terms?", conversation_id="the-first", channel="page")
    service._assistant.failures.append(StoreError("The base is being rebuilt.", ""))
    with pytest.raises(StoreError):
        service.ask(LOCAL, "And then?", conversation_id="the-first", channel="page")
    return service.share(LOCAL, "the-first")


def test_a_shared_conversation_is_a_page_whose_sources_open_here(web: httpx.Client, token: str) -> None:
    shown = web.get(f"/shared/{token}")
    assert shown.status_code == 200
    assert shown.headers["content-security-policy"] == f"{page.policy()}; frame-ancestors 'none'"
    assert (shown.headers["cache-control"], shown.headers["x-robots-tag"]) == ("no-store", "noindex")
    assert f"<h2><bdi>{GAP}</bdi></h2>" in shown.text
    assert '<p class="facts">Shared by local</p>' in shown.text
    assert "Not answered because of a fault." in shown.text
    assert HOSTILE_TITLE not in shown.text
    (link,) = re.findall(rf'href="(\.\./document/{NOTE.document_id}[^"]*)"', shown.text)
    opened = web.get(httpx.URL(f"{web.base_url}/shared/{token}").join(link.replace("&amp;", "&")))
    assert f'<mark id="cited">{QUOTE}</mark>' in opened.text


def test_it_is_saved_as_markdown_and_as_pdf(web: httpx.Client, token: str) -> None:
    text = web.get(f"/shared/{token}.md")
    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    assert (
        text.headers["content-disposition"] == 'attachment; filename="what-was-the-gap-to-large-caps-in-march-2024.md"'
    )
    assert f"- {QUOTE} [^1]\n" in text.text
    data = web.get(f"/shared/{token}.pdf")
    assert (data.headers["content-type"], data.headers["cache-control"]) == ("application/pdf", "no-store")
    assert (
        data.headers["content-disposition"] == 'attachment; filename="what-was-the-gap-to-large-caps-in-march-2024.pdf"'
    )
    said = " ".join(pypdf.PdfReader(io.BytesIO(data.content)).pages[0].extract_text().split())
    assert QUOTE in said


def test_a_kept_conversation_is_exported_by_its_owner_only(service: Service, token: str) -> None:
    reply = handed_over(service, LOCAL, (), {"form": "markdown", "id": "the-first"}, MADE)
    assert (reply["name"], reply["type"]) == ("what-was-the-gap-to-large-caps-in-march-2024.md", "text/markdown")
    assert re.findall(r"^## (.*)", reply["text"], re.M) == [GAP, "What are the hostile harbour terms?", "And then?"]
    with pytest.raises(NotFound):
        handed_over(service, User("bob"), (), {"form": "markdown", "id": "the-first"}, MADE)
    assert kinds(Path(service.settings.store)).count("answers_exported") == 1


@pytest.mark.parametrize("path", ["/shared/none", "/shared/none.md", "/shared/none.pdf", "/shared/%3Cscript%3E"])
def test_a_link_that_is_none_is_a_404_page(web: httpx.Client, path: str) -> None:
    shown = web.get(path)
    assert shown.status_code == 404
    assert "There is no such link." in shown.text
    assert "<script>" not in shown.text


def test_a_withdrawn_link_opens_nothing(web: httpx.Client, service: Service) -> None:
    service.ask(LOCAL, GAP, conversation_id="the-second", channel="page")
    token = service.share(LOCAL, "the-second")
    assert web.get(f"/shared/{token}").status_code == 200
    service.unshare(LOCAL, "the-second")
    assert web.get(f"/shared/{token}").status_code == 404


def test_nobody_opens_a_link_without_signing_in(tmp_path: Path) -> None:
    with served(tmp_path, auth="users", cookie_secure=False) as server, server.client() as web:
        for ending in ("", ".md", ".pdf"):
            assert web.get(f"/shared/any{ending}").status_code == 401
            sent = web.get(f"/shared/any{ending}", headers=PAGE)
            assert (sent.status_code, sent.headers["location"]) == (303, f"/login?next=%2Fshared%2Fany{ending}")


def test_what_the_reader_may_not_read_is_said_in_its_place() -> None:
    turns = [
        {"question": "May I?", "status": "answered", "answer": None},
        {"question": "Was it stopped?", "status": "stopped", "answer": None},
        {"question": "And this?", "status": "answered", "answer": answer("And this?")},
    ]
    found = shared_paper(
        {"owner": "ada", "title": "Small caps", "changed": "2026-10-04T08:00:00Z", "turns": turns}, MADE
    )
    text = markdown.write(found)
    assert "*Shared by ada*\n\n*Last question 4 Oct 2026*\n" in text
    assert f"## May I?\n\n{WITHHELD}\n" in text
    assert "## Was it stopped?\n\nStopped before it was answered." in text
    assert "## And this?\n" in text
