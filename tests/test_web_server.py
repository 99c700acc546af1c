"""The routes over HTTP on loopback: pages, headers, refusals, and no other host in what is served."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from web_fakes import HOSTILE_TEXT, FakeAssistant, FakeIngestor, sample_documents, serve_fakes

from assistant.web.server import Handle
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

# Gradio 6.31 counts its events with an option and a keyword that pandas 3 is about to drop.
pytestmark = pytest.mark.filterwarnings(
    "ignore:'future.no_silent_downcasting'", "ignore:The copy keyword is deprecated"
)
NOTE, FILING, HOSTILE = sample_documents()


@pytest.fixture(scope="module")
def ingestor() -> FakeIngestor:
    return FakeIngestor(FakeAssistant())


@pytest.fixture(scope="module")
def handle(ingestor: FakeIngestor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handle]:
    store = tmp_path_factory.mktemp("base")
    (store / "ledger.sqlite").write_bytes(b"secret")
    running = serve_fakes(ingestor.assistant, ingestor, Settings(store=str(store), port=0), block=False)
    yield running
    running.close()


@pytest.fixture(scope="module")
def web(handle: Handle) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=handle.url, trust_env=False, timeout=30) as client:
        yield client


def test_the_page_names_no_other_host(web: httpx.Client, handle: Handle) -> None:
    page = web.get("/", headers={"accept": "text/html"})
    assert page.status_code == 200
    found = set(re.findall(r"(?:https?:)?//[A-Za-z0-9.-]+\.[A-Za-z]{2,}[^\s\"'<>]*", page.text))
    assert {address for address in found if "127.0.0.1" not in address} == set()
    assert "<title>" in page.text or '"title":"Thesis"' in page.text
    assert "fonts.g" not in page.text


@pytest.mark.parametrize("path", ["/theme.css", "/config"])
def test_what_the_page_loads_at_start_names_no_other_host(web: httpx.Client, path: str) -> None:
    text = web.get(path).text
    assert len(text) > 1000
    # The name of SVG's namespace is not fetched.
    found = set(re.findall(r"https?://([A-Za-z0-9.-]+)", text.replace("http://www.w3.org/2000/svg", "")))
    assert found <= {"127.0.0.1"}


def test_the_scripts_of_the_page_come_compressed(web: httpx.Client) -> None:
    page = web.get("/", headers={"accept": "text/html"}).text
    found = re.search(r'src="\./(assets/index-[^"]+\.js)"', page)
    assert found is not None
    script = web.get(found[1], headers={"accept": "*/*", "accept-encoding": "gzip"})
    assert script.headers["content-encoding"] == "gzip"
    assert script.num_bytes_downloaded < len(script.content) / 2
    assert script.headers["cache-control"].endswith("immutable")  # its name is its content's
    assert web.get("/assets/index-none.js").headers["cache-control"] == "no-store"


def test_telemetry_and_history_are_off(web: httpx.Client) -> None:
    config = web.get("/config").json()
    assert config["analytics_enabled"] is False
    assert config["run_history"] is False
    assert config["footer_links"] == []
    assert config["stylesheets"] == []


def test_only_asking_is_a_public_endpoint(web: httpx.Client) -> None:
    assert list(web.get("/gradio_api/info").json()["named_endpoints"]) == ["/ask"]


@pytest.mark.parametrize("path", ["/", "/healthz", f"/document/{NOTE.document_id}", "/document/none", "/config"])
def test_every_response_has_the_security_headers(web: httpx.Client, path: str) -> None:
    headers = web.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy or "default-src 'none'" in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    "path", ["/", "/embed", "/config", "/api/v1/documents", "/api/v1/search?q=gap", "/gradio_api/info", "/nothing"]
)
def test_what_is_made_for_a_user_is_kept_nowhere(web: httpx.Client, path: str) -> None:
    assert web.get(path).headers["cache-control"] == "no-store"


def test_pictures_are_kept_for_the_same_user_only(web: httpx.Client) -> None:
    headers = web.get(f"/document/{FILING.document_id}/page/1.png").headers
    assert headers["cache-control"].startswith("private")
    assert "Cookie" in headers["vary"]


@pytest.mark.parametrize("head", [b"X-A: " + b"a" * 400_000, b"".join(b"X-%d: a\r\n" % n for n in range(40_000))])
def test_endless_headers_are_refused_before_they_end(handle: Handle, head: bytes) -> None:
    host, port = handle.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        with suppress(ConnectionError):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + head)  # and no end
        told = b""
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                told += piece
    assert told == b"" or told.startswith(b"HTTP/1.1 400 ")  # a reset may overtake the words
    assert httpx.get(f"{handle.url}/healthz", headers={"X-A": "a" * 30_000}, trust_env=False).status_code == 200


def test_health(web: httpx.Client) -> None:
    assert web.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/", "/config", "/healthz", f"/document/{NOTE.document_id}"])
def test_no_other_origin_is_allowed_whatever_the_host_header(web: httpx.Client, path: str) -> None:
    response = web.get(path, headers={"origin": "http://evil.test", "host": "research.internal"})
    assert "access-control-allow-origin" not in response.headers
    asked = web.options(path, headers={"origin": "http://evil.test", "access-control-request-method": "POST"})
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers


def test_writes_from_other_sites_are_refused(web: httpx.Client) -> None:
    body = {"data": [], "fn_index": 0, "session_hash": "x"}
    refused = web.post("/gradio_api/queue/join", json=body, headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert refused.json()["detail"] == "Requests from other sites are refused."


def test_a_document_opens_with_its_span_marked(web: httpx.Client) -> None:
    start = NOTE.text.index("The gap to large caps")
    end = start + 57
    page = web.get(f"/document/{NOTE.document_id}", params={"version": NOTE.version, "start": start, "end": end})
    assert page.status_code == 200
    assert f'<mark id="cited">{NOTE.text[start:end]}</mark>' in page.text
    assert "<dt>Publisher</dt><dd>Sample notes</dd><dt>Published</dt><dd>20 Mar 2024</dd>" in page.text
    nonce = re.search(r"script-src 'nonce-([^']+)'", page.headers["content-security-policy"])
    assert nonce is not None
    assert f'<script nonce="{nonce.group(1)}">' in page.text
    assert web.get(f"/document/{NOTE.document_id}").text.count("<mark") == 0


def test_hostile_text_is_escaped_on_its_page(web: httpx.Client) -> None:
    page = web.get(f"/document/{HOSTILE.document_id}?start=0&end={len(HOSTILE_TEXT)}")
    assert page.text.count("<script") == page.text.count('<script nonce="') == 2
    assert "<img" not in page.text
    assert "&lt;script&gt;window.hacked=2&lt;/script&gt;" in page.text


@pytest.mark.parametrize("query", ["start=x&end=3", "start=0&end=99999999", "start=5&end=2", "start=٣&end=9"])
def test_a_bad_span_is_said_and_the_text_still_shown(web: httpx.Client, query: str) -> None:
    page = web.get(f"/document/{NOTE.document_id}?{query}")
    assert page.status_code == 200
    assert "does not have" in page.text
    assert "Small caps trade at a discount" in page.text


@pytest.mark.parametrize(
    "path",
    ["/document/none", f"/document/{NOTE.document_id}?version=old", "/document/%3Cscript%3Ealert(1)%3E"],
)
def test_an_unknown_document_is_a_404_page(web: httpx.Client, path: str) -> None:
    page = web.get(path)
    assert page.status_code == 404
    assert "There is no document" in page.text
    assert "<script" not in page.text


def test_a_pdf_page_comes_as_a_picture_with_the_span(web: httpx.Client, ingestor: FakeIngestor) -> None:
    start = FILING.text.index("Revenue")
    path = f"/document/{FILING.document_id}/page/2.png"
    picture = web.get(path, params={"version": FILING.version, "start": start, "end": start + 7})
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert picture.content.startswith(b"\x89PNG")
    assert ingestor.pictures[-1] == (FILING.document_id, FILING.version, 2, ((start, start + 7),))
    shown = web.get(f"/document/{FILING.document_id}?start={start}&end={start + 7}").text
    source = re.search(r'<img src="([^"]+)"', shown)
    assert source is not None
    assert source.group(1).startswith(f"{FILING.document_id}/page/2.png?")


@pytest.mark.parametrize("page", ["0", "3", "-1", "x", "99999999999999"])
def test_a_page_that_is_none_is_a_404(web: httpx.Client, page: str) -> None:
    assert web.get(f"/document/{FILING.document_id}/page/{page}.png").status_code == 404
    assert web.get(f"/document/{NOTE.document_id}/page/1.png").status_code == 404


def test_files_of_the_store_and_the_project_are_not_served(web: httpx.Client, handle: Handle, tmp_path: Path) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("secret", encoding="utf-8")
    for path in (outside, Path("pyproject.toml").resolve(), Path(__file__)):
        assert web.get(f"/gradio_api/file={path}").status_code in {403, 404}


def test_a_question_over_the_api_streams_to_its_answer(web: httpx.Client, ingestor: FakeIngestor) -> None:
    data = ["What was the gap to large caps in March 2024?", [], [], [], [], None, None, None, ""]
    event = web.post("/gradio_api/call/ask", json={"data": data}).json()["event_id"]
    with web.stream("GET", f"/gradio_api/call/ask/{event}") as stream:
        lines = [line for line in stream.iter_lines() if line]
    assert lines[-2] == "event: complete"
    final = json.loads(lines[-1].removeprefix("data: "))
    assert any("26 percent in March 2024" in json.dumps(value) for value in final)
    assert ingestor.assistant.asked[-1]["question"] == data[0]


def test_a_busy_port_says_what_to_do(handle: Handle) -> None:
    port = int(handle.url.rsplit(":", 1)[1])
    assistant = FakeAssistant()
    with pytest.raises(SettingsError, match=f"Port {port} on 127.0.0.1 cannot be used.*choose another port"):
        serve_fakes(assistant, FakeIngestor(assistant), Settings(port=port), block=False)


@pytest.mark.parametrize("settings", [Settings(port=70000), Settings(host="203.0.113.7")])
def test_an_address_that_cannot_be_had_is_a_clear_error(settings: Settings) -> None:
    assistant = FakeAssistant()
    with pytest.raises(SettingsError):
        serve_fakes(assistant, FakeIngestor(assistant), settings, block=False)


def test_closing_frees_the_port_and_can_be_repeated(tmp_path: Path) -> None:
    assistant = FakeAssistant()
    told: list[str] = []
    running = serve_fakes(
        assistant, FakeIngestor(assistant), Settings(store=str(tmp_path), port=0), block=False, on_ready=told.append
    )
    assert told == [running.url]
    assert httpx.get(f"{running.url}/healthz", trust_env=False).status_code == 200
    running.close()
    running.close()
    port = int(running.url.rsplit(":", 1)[1])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_picture_marks_the_spans_of_its_address(web: httpx.Client, ingestor: FakeIngestor) -> None:
    address = f"/document/{FILING.document_id}/page/2.png"
    assert web.get(f"{address}?span=41-48&start=50&end=60&span=41-48&span=62-70").status_code == 200
    assert ingestor.pictures[-1][3] == ((50, 60), (41, 48), (62, 70))
    many = "&".join(f"span={n}-{n + 1}" for n in range(40))
    assert web.get(f"{address}?{many}").status_code == 200
    assert len(ingestor.pictures[-1][3]) == 20
    assert web.get(f"{address}?span=9-2&span=x&start=5").status_code == 200
    assert ingestor.pictures[-1][3] == ()
