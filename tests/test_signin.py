"""Signing in with a name and a password, over real HTTP: the form, the session, what ends it, what another site cannot do."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from signin_cases import PAGE, PASSWORDS, WARNINGS, Clock, Served, form_of, served, sign_in, signed_in, tried
from web_fakes import FakeAssistant, FakeIngestor, sample_documents, serve_fakes

from assistant.access import passwords
from assistant.web.signin.attempts import PER_ADDRESS, PER_NAME_AND_ADDRESS, WINDOW_S, Attempts
from assistant.web.signin.routes import STALE, WRONG

pytestmark = pytest.mark.filterwarnings(*WARNINGS)
NOTE, FILING, _ = sample_documents()
WORDS = NOTE.text[:30]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("users"), auth="users", session_idle_minutes=30, session_hours=8) as running:
        yield running


@pytest.fixture(autouse=True)
def _later(server: Served) -> None:
    """Each test begins after the attempts of the one before are forgotten."""
    server.clock.add(WINDOW_S + 1)


EVERYTHING = [
    ("GET", "/"), ("GET", "/embed"), ("GET", "/config"), ("GET", "/theme.css"), ("GET", f"/document/{NOTE.document_id}"),
    ("GET", f"/document/{FILING.document_id}/page/2.png"), ("GET", "/assets/index.js"), ("GET", "/static/img/logo.svg"),
    ("GET", "/gradio_api/info"), ("GET", "/gradio_api/queue/data?session_hash=abc"), ("POST", "/gradio_api/queue/join"),
    ("POST", "/gradio_api/upload"), ("GET", "/gradio_api/upload_progress?upload_id=a"), ("GET", "/gradio_api/heartbeat/abc"),
    ("POST", "/gradio_api/cancel"), ("POST", "/gradio_api/call/ask"), ("GET", "/gradio_api/call/ask/0123"),
    ("GET", "/gradio_api/file=/etc/passwd"), ("POST", "/gradio_api/run/ask"), ("POST", "/gradio_api/api/ask"),
    ("GET", "/gradio_api/startup-events"), ("GET", "/gradio_api/app_id"), ("GET", "/gradio_api/theme.css"),
    ("GET", "/gradio_api/openapi.json"), ("POST", "/gradio_api/component_server"), ("GET", "/monitoring"), ("GET", "/manifest.json"),
    ("GET", "/api/v1/documents"), ("POST", "/api/v1/ask"), ("GET", "/v1/models"), ("POST", "/mcp"), ("GET", "/metrics"),
    ("GET", "/favicon.ico"), ("GET", "/nothing/at/all"), ("DELETE", "/"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
def test_nobody_reaches_anything(server: Served, method: str, path: str) -> None:
    with server.client() as web:
        refused = web.request(method, path, json={} if method == "POST" else None)
        assert refused.status_code == 401
        told = refused.json()
        assert refused.headers["content-type"].startswith("application/problem+json")
        assert {"type", "title", "status", "detail", "what_to_do"} <= set(told)
        assert "bearer" in refused.headers["www-authenticate"].lower()
        assert WORDS not in refused.text
        if method == "GET":
            page = web.get(path, headers=PAGE)
            assert page.status_code == (
                303 if not path.startswith(("/api", "/v1", "/mcp", "/metrics")) else page.status_code
            )
            assert page.status_code in {303, 401}
            assert "set-cookie" not in page.headers


def test_a_page_leads_to_the_form_and_back_to_where_one_was(server: Served) -> None:
    with server.client() as web:
        away = web.get("/embed?question=A%26B&theme=dark", headers=PAGE)
        assert (away.status_code, away.headers["location"]) == (
            303,
            "/login?next=%2Fembed%3Fquestion%3DA%2526B%26theme%3Ddark",
        )
        page = web.get(away.headers["location"], headers=PAGE)
        assert 'class="dark"' in page.text
        back = web.post(
            "/login",
            data=form_of(page) | {"name": "Anna ", "password": PASSWORDS["anna"]},
            headers={"origin": server.url},
        )
        assert back.status_code == 303
        assert back.headers["location"] == "/embed?question=A%26B&theme=dark"
        assert web.get("/config").status_code == 200


def test_what_says_nothing_stays_open(server: Served) -> None:
    with server.client() as web:
        for path in ("/healthz", "/readyz", "/embed.js", "/icon.svg", "/robots.txt"):
            assert web.get(path).status_code == 200, path
        assert web.post("/healthz").status_code == 401
        assert WORDS not in web.get("/embed.js").text


def test_the_form_needs_no_script_and_nothing_from_elsewhere(server: Served) -> None:
    with server.client() as web:
        page = web.get("/login", headers=PAGE)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in page.text
    assert "http" not in page.text.replace("http://www.w3.org", "")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"


def test_the_cookie_is_closed_to_scripts_and_other_sites(server: Served) -> None:
    with server.client() as web:
        answer = sign_in(web, "anna")
    session = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("thesis_session="))
    parts = {part.strip().lower() for part in session.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=28800"} <= parts
    assert "secure" not in parts  # over plain HTTP on this machine the browser would not keep it
    value = session.split(";")[0].partition("=")[2]
    held = (Path(server.settings.store) / "sessions.sqlite").read_bytes()
    held += b"".join(p.read_bytes() for p in Path(server.settings.store).glob("sessions.sqlite-wal"))
    assert value.encode() not in held
    assert stat.S_IMODE((Path(server.settings.store) / "sessions.sqlite").stat().st_mode) == 0o600


def test_a_wrong_password_and_an_unknown_name_look_the_same(server: Served) -> None:
    with server.client() as web:
        wrong, unknown = sign_in(web, "anna", "wrong"), sign_in(web, "nobody", "wrong")
        assert (wrong.status_code, unknown.status_code) == (401, 401)
        assert WRONG in wrong.text
        assert WRONG in unknown.text
        assert [h for h in wrong.headers.get_list("set-cookie") if "session" in h] == []
        assert web.get("/config").status_code == 401


def test_a_name_with_markup_stays_text(server: Served) -> None:
    with server.client() as web:
        page = sign_in(web, '"><script>alert(1)</script>', "wrong")
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_the_same_work_is_done_for_a_name_that_nobody_has(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    real = passwords._HASHER.verify
    monkeypatch.setattr(passwords, "_HASHER", type("Counted", (), {"verify": staticmethod(lambda kept, given: looked.append(kept) or real(kept, given)), "hash": passwords._HASHER.hash})())  # fmt: skip
    passwords._nobodys.cache_clear()
    with server.client() as web:
        for name in ("anna", "nobody"):
            sign_in(web, name, "wrong")
    assert len(looked) == 2
    assert all(kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$") for kept in looked)


def test_attempts_are_limited_by_name_and_address(server: Served) -> None:
    with server.client() as web:
        for _ in range(PER_NAME_AND_ADDRESS):
            assert sign_in(web, "anna", "wrong").status_code == 401
        refused = sign_in(web, "anna")  # the right one: the limit says nothing of it
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= WINDOW_S
        assert "Too many attempts" in refused.text
        assert sign_in(web, "ANNA", "wrong").status_code == 429
        assert sign_in(web, "bob").status_code == 303
        server.clock.add(WINDOW_S + 1)
        assert tried(server, "anna").status_code == 303


def test_addresses_of_one_ipv6_network_count_as_one() -> None:
    attempts = Attempts(lambda: 0.0)
    assert [attempts.take("anna", f"2001:db8::{n:x}") for n in range(6)] == [0, 0, 0, 0, 0, 900]
    attempts.right("anna", "2001:db8::ffff")
    assert attempts.take("anna", "2001:db8::1") == 0
    assert attempts.take("anna", "2001:db8:0:1::1") == 0
    assert [attempts.take("bob", f"10.0.0.{n}") for n in range(7)] == [0] * 7


def test_names_from_one_address_are_limited_together(server: Served) -> None:
    with server.client() as web:
        page = web.get("/login")
        for number in range(PER_ADDRESS):
            data = form_of(page) | {"name": f"user{number}", "password": "wrong"}
            page = web.post("/login", data=data, headers={"origin": server.url})
            assert page.status_code == 401
        assert sign_in(web, "bob").status_code == 429


def test_signing_in_gives_another_session_whatever_cookie_came(server: Served) -> None:
    with server.client() as web:
        web.cookies.set("thesis_session", "planted" * 6, domain="127.0.0.1")
        assert sign_in(web, "anna").status_code == 303
        values = [c.value for c in web.cookies.jar if c.name == "thesis_session"]
        assert "planted" * 6 not in values
    with server.client() as web:
        web.cookies.set("thesis_session", "planted" * 6, domain="127.0.0.1")
        assert web.get("/config").status_code == 401


def test_two_cookies_of_one_name_are_none(server: Served) -> None:
    with signed_in(server, "anna") as web:
        value = web.cookies["thesis_session"]
    with server.client() as other:
        assert other.get("/config", headers={"cookie": f"thesis_session={value}"}).status_code == 200
        assert other.get("/config", headers={"cookie": f"thesis_session={value}; thesis_session=x"}).status_code == 401


def test_a_session_ends_when_it_is_idle_and_at_its_limit(server: Served) -> None:
    with signed_in(server, "anna") as web:
        for _ in range(3):
            server.clock.add(29 * 60)
            assert web.get("/config").status_code == 200
        server.clock.add(31 * 60)
        assert web.get("/config").status_code == 401
    with signed_in(server, "anna") as web:
        for _ in range(8 * 3):
            assert web.get("/config").status_code == 200
            server.clock.add(20 * 60)
        assert web.get("/config").status_code == 401


def test_signing_out_ends_the_session_everywhere(server: Served) -> None:
    with signed_in(server, "anna") as web:
        kept = web.cookies["thesis_session"]
        page = web.get("/logout", headers=PAGE)
        assert "anna" in page.text
        for data in ({}, {"form": "x" * 64}):
            assert web.post("/logout", data=data).status_code == 403
        assert web.get("/config").status_code == 200
        assert web.post("/logout", data=form_of(page), headers={"origin": "http://evil.test"}).status_code == 403
        out = web.post("/logout", data=form_of(page))
        assert (out.status_code, out.headers["location"]) == (303, "/login?out=1")
        assert web.get("/config", headers={"cookie": f"thesis_session={kept}"}).status_code == 401


def test_a_form_without_its_cookie_signs_nobody_in(server: Served) -> None:
    data = {"name": "anna", "password": PASSWORDS["anna"], "next": "/", "form": "guess"}
    with server.client() as web:
        refused = web.post("/login", data=data, headers={"origin": server.url})
        assert refused.status_code == 403
        assert STALE in refused.text
        foreign = web.post("/login", data=form_of(refused) | data, headers={"origin": "http://evil.test"})
        assert foreign.status_code == 403
    with server.client() as web:
        page = web.get("/login")
        bad = {**form_of(page), "name": "anna", "password": PASSWORDS["anna"]}
        assert web.post("/login", json=bad).status_code == 403
        assert web.post("/login", content=b"name=anna&form=" + b"x" * 20_000, headers={"content-type": "application/x-www-form-urlencoded"}).status_code == 403  # fmt: skip


@pytest.mark.parametrize(
    "target",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "\\\\evil.test", "javascript:alert(1)", "/login?next=/", "/a\nb", "evil"],
)  # fmt: skip
def test_nobody_is_sent_to_another_site(server: Served, target: str) -> None:
    with server.client() as web:
        assert sign_in(web, "anna", target=target).headers["location"] == "/"


def test_a_session_s_request_must_come_from_our_own_page(server: Served) -> None:
    body = {"data": [], "fn_index": 0, "session_hash": "x"}
    with signed_in(server, "anna") as web:
        for name in ("origin", "sec-fetch-site"):
            del web.headers[name]
        for path in (
            "/gradio_api/queue/join",
            "/api/v1/documents",
            "/gradio_api/cancel",
            "/gradio_api/call/ask",
            "/api/v1/ask",
        ):
            for headers in (
                {}, {"origin": "http://evil.test"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
                {"origin": server.url, "sec-fetch-site": "cross-site"}, {"origin": "http://127.0.0.1:1"},
                {"origin": server.url.replace("http://", "http://user@evil.test/")},
            ):  # fmt: skip
                refused = web.post(path, json=body, headers=headers)
                assert refused.status_code == 403, (path, headers)
                assert refused.json()["kind"] == "forbidden"
        assert web.post("/gradio_api/queue/join", json=body, headers=server.own).status_code in {200, 400, 422}


def test_a_removed_or_changed_user_s_sessions_end_and_a_new_one_is_seen_at_once(server: Served) -> None:
    server.users.add("cora", "a password of hers", role="admin")
    with server.client() as web:
        assert sign_in(web, "cora", "a password of hers").status_code == 303
        assert web.get("/config").status_code == 200
        server.users.passwd("cora", "another of hers")
        assert web.get("/config").status_code == 401
        assert sign_in(web, "cora", "a password of hers").status_code == 401
        assert sign_in(web, "cora", "another of hers").status_code == 303
        server.users.change("cora", role="reader")
        assert web.get("/config").status_code == 401
        assert sign_in(web, "cora", "another of hers").status_code == 303
        server.users.remove("cora")
        assert web.get("/config").status_code == 401
        assert sign_in(web, "cora", "another of hers").status_code == 401


def test_a_users_file_that_cannot_be_read_lets_nobody_in_and_is_not_shown(
    server: Served, caplog: pytest.LogCaptureFixture
) -> None:
    text = server.users.path.read_text(encoding="utf-8")
    with signed_in(server, "anna") as web:
        server.users.path.write_text("[users.anna]\npassword = 'plain'\n", encoding="utf-8")
        try:
            refused = web.get("/config")
            assert refused.status_code == 503
            form = tried(server, "anna")
            assert form.status_code == 503
            for answer in (refused, form):
                assert str(server.users.path) not in answer.text
                assert "Traceback" not in answer.text
        finally:
            server.users.path.write_text(text, encoding="utf-8")
        assert "no argon2id hash" in caplog.text
        assert web.get("/config").status_code == 200


def test_sessions_outlive_the_server(tmp_path: Path) -> None:
    with served(tmp_path, auth="users") as first, signed_in(first, "anna") as web:
        value = web.cookies["thesis_session"]
    settings = first.settings
    assistant = FakeAssistant()
    second = serve_fakes(assistant, FakeIngestor(assistant), settings, block=False, clock=Clock(first.clock.now + 60))
    try:
        with httpx.Client(base_url=second.url, trust_env=False) as web:
            assert web.get("/config", headers={"cookie": f"thesis_session={value}"}).status_code == 200
    finally:
        second.close()
    with sqlite3.connect(tmp_path / "sessions.sqlite") as held:
        assert held.execute("SELECT name, via FROM sessions").fetchall() == [("anna", "password")]
    held.close()


def test_a_reader_sees_no_way_to_add_documents(server: Served) -> None:
    with signed_in(server, "bob") as web:
        refused = web.post("/api/v1/documents", files={"files": ("a.md", b"text")})
        assert (refused.status_code, refused.json()["kind"]) == (403, "forbidden")
    with signed_in(server, "anna") as web:
        assert web.post("/api/v1/documents", files={"files": ("a.md", b"text")}).status_code == 200
