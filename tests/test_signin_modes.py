"""The ways to sign in other than by password: nobody at all on this machine, a trusted proxy, tokens; and a path in front."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from signin_cases import PAGE, PASSWORDS, WARNINGS, Clock, Served, form_of, served, signed_in, tried
from web_fakes import FakeAssistant, FakeIngestor, sample_documents, serve_fakes

from assistant.access.names import foreign_name, group_names, mapped_role
from assistant.access.tokens import Tokens
from assistant.access.users import Users, users_path
from assistant.records import Records
from assistant.service import Service
from assistant.web.asking import user_of
from assistant.web.server import serve
from assistant.web.signin.check import check
from assistant.web.signin.origin import same
from assistant.web.signin.proxies import client, networks, root_path
from vectorstore.errors import Forbidden, NotFound, SettingsError
from vectorstore.settings import Settings

pytestmark = pytest.mark.filterwarnings(*WARNINGS)
NOTE, FILING, _ = sample_documents()


# Open


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "research.internal", "128.0.0.1"])
def test_without_sign_in_another_address_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=r"users.*proxy.*oidc"):
        check(Settings(host=host))
    assistant = FakeAssistant()
    with pytest.raises(SettingsError):
        serve_fakes(assistant, FakeIngestor(assistant), Settings(host=host, port=0), block=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]"])
def test_this_machine_s_own_addresses_are_open(host: str) -> None:
    check(Settings(host=host))


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("open")) as running:
        yield running


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:80", "127.0.0.1.evil.test", "localhost.evil.test", "10.0.0.1", "a@localhost", ""]
)
def test_an_open_server_answers_to_its_own_name_only(open_server: Served, host: str) -> None:
    with open_server.client() as web:
        for path in ("/", "/config", f"/document/{NOTE.document_id}", "/api/v1/documents", "/gradio_api/info"):
            refused = web.get(path, headers={"host": host})
            assert refused.status_code == 421, path
        assert web.get("/", headers={"host": "localhost:1234"}).status_code == 200
        assert web.get("/healthz", headers={"host": host}).status_code == 200


def test_an_open_server_has_no_pages_to_sign_in(open_server: Served) -> None:
    with open_server.client() as web:
        for path in ("/login", "/logout", "/login/oidc", "/login/oidc/callback"):
            assert web.get(path, headers=PAGE).status_code == 404
            assert web.post(path).status_code == 404
        assert not (Path(open_server.settings.store) / "sessions.sqlite").exists()
        assert not (Path(open_server.settings.store) / "tokens.sqlite").exists()


def test_an_open_server_takes_changes_from_its_own_page_and_from_scripts(open_server: Served) -> None:
    body = {"data": ["What was the gap to large caps in March 2024?", [], [], [], [], None, None, None, ""]}
    with open_server.client() as web:
        for headers in ({}, {"origin": open_server.url}, open_server.own):
            assert web.post("/gradio_api/call/ask", json=body, headers=headers).status_code == 200
        for headers in (
            {"origin": "http://evil.test"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"origin": "null"},
        ):
            assert web.post("/gradio_api/call/ask", json=body, headers=headers).status_code == 403


def test_headers_of_a_proxy_that_is_not_named_change_nothing(open_server: Served) -> None:
    told = {"x-forwarded-host": "evil.test", "x-forwarded-proto": "https", "x-forwarded-for": "10.9.9.9", "forwarded": "host=evil.test",
            "x-gradio-server": "http://evil.test", "x-forwarded-prefix": "/evil"}  # fmt: skip
    with open_server.client() as web:
        for path in ("/", "/config"):
            page = web.get(path, headers=told)
            assert page.status_code == 200
            assert "evil.test" not in page.text
            assert "https://127" not in page.text


# A proxy


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(
        tmp_path_factory.mktemp("proxy"), auth="proxy", trusted_proxies=("127.0.0.1", "10.0.0.0/8"), proxy_user_header="X-Remote-User",
        proxy_groups_header="X-Remote-Groups", admins=("ada",), editors=("@desk",), readers=("rita", "@all staff"),
    ) as running:  # fmt: skip
        yield running


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-remote-user": "rita"}, 200), ({"x-remote-user": "ada"}, 200), ({"x-remote-user": "Rita"}, 401), ({"x-remote-user": "eve"}, 401),
        ({"x-remote-user": "eve", "x-remote-groups": "other, desk"}, 200), ({"x-remote-user": "eve", "x-remote-groups": "all staff"}, 200),
        ({"x-remote-user": "eve", "x-remote-groups": '"desk'}, 401), ({"x-remote-user": ""}, 401), ({}, 401),
        ({"x-remote-user": "local"}, 401), ({"x-remote-user": "token:ci"}, 401), ({"x-forwarded-user": "rita"}, 401),
    ],
)  # fmt: skip
def test_a_trusted_proxy_s_header_says_who_it_is(behind: Served, headers: dict[str, str], status: int) -> None:
    with behind.client() as web:
        answer = web.get("/config", headers=headers)
        assert answer.status_code == status
        if status == 401:
            assert web.get("/", headers=headers | PAGE).status_code == 401  # no form here to lead to


def test_a_header_that_stands_twice_is_nobody_s(behind: Served) -> None:
    with behind.client() as web:
        twice = [("x-remote-user", "rita"), ("x-remote-user", "ada")]
        assert web.get("/config", headers=twice).status_code == 401


def test_a_header_from_elsewhere_is_ignored(tmp_path: Path) -> None:
    with (
        served(
            tmp_path, auth="proxy", trusted_proxies=("10.1.2.3",), proxy_user_header="X-Remote-User", admins=("ada",)
        ) as running,
        running.client() as web,
    ):
        for headers in ({"x-remote-user": "ada"}, {"x-remote-user": "ada", "x-forwarded-for": "10.1.2.3"}, {"x-remote-user": "ada", "forwarded": "for=10.1.2.3"}):  # fmt: skip
            refused = web.get("/config", headers=headers)
            assert (refused.status_code, refused.json()["kind"]) == (401, "not_signed_in")
            assert web.get(f"/document/{NOTE.document_id}", headers=headers | PAGE).status_code == 401


def test_roles_come_from_the_settings(behind: Served) -> None:
    with behind.client(behind.own) as web:
        file = {"files": ("a.md", b"text")}
        assert web.post("/api/v1/documents", files=file, headers={"x-remote-user": "rita"}).status_code == 403
        assert web.post("/api/v1/documents", files=file, headers={"x-remote-user": "ada"}).status_code == 200
        desk = {"x-remote-user": "eve", "x-remote-groups": "desk"}
        assert web.post("/api/v1/documents", files=file, headers=desk).status_code == 200
        assert web.get("/metrics", headers={"x-remote-user": "rita"}).status_code == 403
        assert web.get("/metrics", headers={"x-remote-user": "ada"}).status_code == 200


def test_what_a_proxy_s_user_changes_comes_from_our_own_page(behind: Served) -> None:
    with behind.client({"x-remote-user": "ada"}) as web:
        for headers in ({"origin": "http://evil.test"}, {"sec-fetch-site": "cross-site"}):
            assert web.post("/api/v1/documents", files={"files": ("a.md", b"x")}, headers=headers).status_code == 403


def test_a_trusted_proxy_says_scheme_and_name(behind: Served) -> None:
    told = {"x-remote-user": "rita", "x-forwarded-proto": "https", "x-forwarded-host": "research.example"}
    with behind.client() as web:
        assert web.get("/config", headers=told).json()["root"] == "https://research.example"
        bad = told | {"x-forwarded-host": "a b<script>", "x-forwarded-proto": "javascript"}
        assert web.get("/config", headers=bad).json()["root"] == behind.url


def test_the_client_is_the_last_address_that_is_no_proxy_of_ours() -> None:
    ours = networks(("127.0.0.1", "10.0.0.0/8", "::1"))
    assert client("127.0.0.1", ["198.51.100.7"], ours) == "198.51.100.7"
    assert client("127.0.0.1", ["1.1.1.1", " 198.51.100.7", "10.4.4.4"], ours) == "198.51.100.7"
    assert client("127.0.0.1", ["1.1.1.1", "unknown"], ours) == "127.0.0.1"
    assert client("127.0.0.1", ["[2001:db8::7]:443"], ours) == "2001:db8::7"
    assert client("127.0.0.1", ["::ffff:10.0.0.1"], ours) == "10.0.0.1"


# Settings


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"auth": "none"}, "open, users, proxy, oidc"), ({"auth": "proxy"}, "trusted_proxies"), ({"auth": "proxy", "trusted_proxies": ("10.0.0",)}, "'10.0.0'"),
        ({"auth": "proxy", "trusted_proxies": ("10.0.0.1",), "proxy_user_header": ""}, "proxy_user_header"),
        ({"auth": "proxy", "trusted_proxies": ("10.0.0.1",), "proxy_user_header": "X User"}, "no name of a header"),
        ({"auth": "oidc"}, "oidc_issuer"), ({"auth": "oidc", "oidc_issuer": "https://a.example"}, "oidc_client_id"),
        ({"auth": "oidc", "oidc_issuer": "http://a.example", "oidc_client_id": "x"}, "https"),
        ({"auth": "oidc", "oidc_issuer": "a.example", "oidc_client_id": "x"}, "no address"),
        ({"auth": "oidc", "oidc_issuer": "https://a.example", "oidc_client_id": "x", "oidc_scopes": ("email",)}, "openid"),
        ({"root_path": "research"}, "'research'"), ({"root_path": "/a/../b"}, "no path"), ({"root_path": "/api/x"}, "/api"),
        ({"root_path": "https://x/y"}, "without a host"), ({"frame_origins": ("*",)}, "'\\*'"), ({"frame_origins": ("https://a.example/x",)}, "no origin"),
        ({"frame_origins": ("https://a.example; script-src *",)}, "no origin"), ({"frame_origins": ("a.example",)}, "no origin"),
        ({"session_hours": 0}, "at least"), ({"cors_origins": ("*",)}, "cors_origins: '\\*'"), ({"cors_origins": ("https://*.a.example",)}, "no origin"),
    ],
)  # fmt: skip
def test_what_does_not_hold_together_is_named(named: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        check(Settings(**named))


def test_a_page_that_no_gate_has_seen_serves_nobody() -> None:
    with pytest.raises(Forbidden, match="Nobody is signed in"):
        user_of(Request({"type": "http"}))


@pytest.mark.parametrize(
    ("origin", "host", "right"),
    [
        ("http://a.example", "a.example", True), ("https://a.example", "a.example", True), ("https://a.example", "a.example:443", True),
        ("http://a.example:80", "a.example", True), ("http://a.example:81", "a.example", False), ("http://a.example.evil", "a.example", False),
        ("http://A.example", "a.EXAMPLE", True), ("null", "null", False), ("file://", "", False), ("http://[::1]:80", "[::1]", True), ("http://[::1", "[::1]", False),
        ("http://a.example/x", "a.example", False), ("", "", False), ("ftp://a.example", "a.example", False),
    ],
)  # fmt: skip
def test_an_origin_is_ours_by_host_and_port(origin: str, host: str, right: bool) -> None:
    assert same(origin, host, "http") is right
    assert same(origin, host, "https") is (right and origin.startswith("https:"))


def test_who_may_sign_in_by_the_settings() -> None:
    settings = Settings(admins=("ada",), editors=("ed", "@desk"), readers=("@staff",))
    found = [mapped_role(name, groups, settings) for name, groups in (("ada", ()), ("ed", ()), ("x", ("desk",)), ("x", ("staff",)), ("x", ()), ("@desk", ()), ("staff", ()))]  # fmt: skip
    assert found == ["admin", "editor", "editor", "reader", None, "editor", None]
    assert mapped_role("x", (), Settings()) == "reader"
    assert foreign_name("@desk") is None


@pytest.mark.parametrize("name", ["", " ", "local", "LOCAL", "token:x", "Token:x", "a\nb", "x" * 201, "@desk"])
def test_names_that_nobody_may_bring(name: str) -> None:
    assert foreign_name(name) is None


def test_groups_hold_no_comma_and_no_quote() -> None:
    assert group_names([" a ", "b c", "a", ""]) == ("a", "b c")
    for bad in ("@a", 'a"b', "a\x00b"):
        with pytest.raises(SettingsError):
            group_names([bad])


# Tokens


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("tokens"), auth="users") as running:
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_token_is_kept_as_its_hash_and_shown_with_its_use(users: Served) -> None:
    tokens = Tokens(Path(users.settings.store), users.clock)
    made = tokens.create("nightly", role="editor", scopes=["ask", "search"], days=2)
    files = b"".join(p.read_bytes() for p in Path(users.settings.store).glob("tokens.sqlite*"))
    assert made.rpartition("_")[2].encode() not in files
    assert [(t.name, t.user, t.role, t.used, t.revoked) for t in tokens.all()] == [
        ("nightly", None, "editor", None, None)
    ]
    with users.client() as web:
        assert web.get("/api/v1/search", params={"q": "gap"}, headers=bearer(made)).status_code != 401
        assert web.get("/api/v1/documents", headers=bearer(made)).status_code == 403  # not in its scopes
        assert tokens.all()[0].used == users.clock.now
        for wrong in (
            made[:-1] + ("A" if made[-1] != "A" else "B"),
            made.upper(),
            "thesis_",
            "thesis_0123456789ab_" + "x" * 43,
            made + "x",
        ):
            refused = web.get("/config", headers=bearer(wrong))
            assert (refused.status_code, refused.json()["kind"]) == (401, "not_signed_in"), wrong
            assert made not in refused.text
        users.clock.add(2 * 86_400)
        assert web.get("/config", headers=bearer(made)).status_code == 401
    tokens.close()


def test_a_token_ends_when_it_is_revoked_and_its_name_stays_taken(users: Served) -> None:
    tokens = Tokens(Path(users.settings.store), users.clock)
    made = tokens.create("weekly")
    with users.client() as web:
        assert web.get("/config", headers=bearer(made)).status_code == 200
        tokens.revoke("weekly")
        assert web.get("/config", headers=bearer(made)).status_code == 401
    with pytest.raises(NotFound):
        tokens.revoke("weekly")
    with pytest.raises(SettingsError, match="already"):
        tokens.create("weekly")
    tokens.close()


def test_a_token_of_a_user_may_what_the_user_may_and_ends_with_them(users: Served) -> None:
    tokens = Tokens(Path(users.settings.store), users.clock)
    users.users.add("dora", "the password of dora", role="editor")
    own, less, more = (
        tokens.create("d1", user="dora"),
        tokens.create("d2", user="dora", role="reader"),
        tokens.create("d3", user="dora", role="admin"),
    )
    file = {"files": ("a.md", b"text")}
    with users.client() as web:
        assert [
            web.post("/api/v1/documents", files=file, headers=bearer(t)).status_code for t in (own, less, more)
        ] == [200, 403, 200]
        assert web.get("/metrics", headers=bearer(more)).status_code == 403  # no admin, whatever the token says
        users.users.change("dora", role="reader")
        assert web.post("/api/v1/documents", files=file, headers=bearer(own)).status_code == 403
        users.users.remove("dora")
        assert [web.get("/config", headers=bearer(t)).status_code for t in (own, less, more)] == [401, 401, 401]
    tokens.close()


def test_tokens_work_in_every_mode_and_a_wrong_one_is_refused_in_the_open_too(
    open_server: Served, behind: Served
) -> None:
    for server in (open_server, behind):
        tokens = Tokens(Path(server.settings.store), server.clock)
        made = tokens.create("any", scopes=["ask"])
        tokens.close()
        with server.client() as web:
            assert web.get("/config", headers=bearer(made)).status_code == 200
            assert web.get("/api/v1/documents", headers=bearer(made)).status_code == 403
            assert web.get("/config", headers=bearer(made[:-2] + "__")).status_code == 401
    with open_server.client() as web:  # a client that must send some key
        assert web.get("/config", headers=bearer("sk-unused")).status_code == 200


@pytest.mark.parametrize(
    "named",
    [{"name": "a/b"}, {"name": ""}, {"name": "x", "role": "root"}, {"name": "x", "scopes": ["sudo"]}, {"name": "x", "days": 0}, {"name": "x", "groups": ["@a"]}],
)  # fmt: skip
def test_a_token_that_cannot_be_is_named(tmp_path: Path, named: dict[str, Any]) -> None:
    tokens = Tokens(tmp_path)
    with pytest.raises(SettingsError):
        tokens.create(named.pop("name"), **named)
    assert tokens.all() == []
    tokens.close()


# Under a path


@pytest.fixture(scope="module")
def under(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("under"), auth="users", root_path="/team/research/") as running:
        yield running


@pytest.mark.parametrize("prefix", ["", "/team/research"])
def test_every_address_stands_under_the_path_whether_the_proxy_keeps_it_or_not(under: Served, prefix: str) -> None:
    with under.client() as web:
        away = web.get(f"{prefix}/embed", headers=PAGE)
        assert away.headers["location"] == "/team/research/login?next=%2Fembed"
        page = web.get(f"{prefix}/login", headers=PAGE)
        assert 'action="/team/research/login"' in page.text
        assert 'href="/team/research/icon.svg"' in page.text
        assert "path=/team/research;" in page.headers["set-cookie"].lower() + ";"
        assert web.get(f"{prefix}/healthz").status_code == 200
    with under.client() as web:
        answer = sign_in_under(web, prefix)
        assert answer.headers["location"] == "/team/research/"
        cookie = {
            "cookie": next(
                c.split(";")[0] for c in answer.headers.get_list("set-cookie") if c.startswith("thesis_session=")
            )
        }
        assert web.get(f"{prefix}/config", headers=cookie).json()["root"] == f"{under.url}/team/research"
        assert web.get(f"{prefix}/document/{NOTE.document_id}", headers=cookie).status_code == 200
        assert web.get(f"{prefix}/document/{FILING.document_id}/page/2.png", headers=cookie).status_code == 200
        assert web.get(f"{prefix}/gradio_api/info", headers=cookie).status_code == 200
        assert web.get(f"{prefix}/api/v1/documents", headers=cookie).status_code == 200
        data = {"data": ["What was the gap to large caps in March 2024?", [], [], [], [], None, None, None, ""]}
        event = web.post(f"{prefix}/gradio_api/call/ask", json=data, headers=cookie | under.own).json()["event_id"]
        with web.stream("GET", f"{prefix}/gradio_api/call/ask/{event}", headers=cookie) as stream:
            assert "26 percent" in stream.read().decode()


def sign_in_under(web: Any, prefix: str) -> Any:
    page = web.get(f"{prefix}/login")
    # The client keeps no cookie of a path that it did not ask for, as the proxy's path is not its own.
    form = page.headers["set-cookie"].split(";")[0]
    data = form_of(page) | {"name": "anna", "password": PASSWORDS["anna"]}
    return web.post(f"{prefix}/login", data=data, headers={"origin": str(web.base_url).rstrip("/"), "cookie": form})


def test_the_path_without_its_slash_leads_to_the_page(under: Served) -> None:
    with under.client() as web:
        away = web.get("/team/research?question=a")
        assert (away.status_code, away.headers["location"]) == (308, "/team/research/?question=a")


def test_a_path_is_read_in_one_way_only() -> None:
    assert [root_path(text) for text in ("", "/", "/a", "/a/b/", " /a ")] == ["", "", "/a", "/a/b", "/a"]


def test_over_https_cookies_are_for_https_only(tmp_path: Path) -> None:
    with (
        served(tmp_path, auth="users", trusted_proxies=("127.0.0.1",)) as running,
        running.client({"x-forwarded-proto": "https"}) as web,
    ):
        assert "; secure" in web.get("/login").headers["set-cookie"].lower()
        with running.client() as plain:
            assert "; secure" not in plain.get("/login").headers["set-cookie"].lower()


def test_attempts_are_counted_by_the_client_behind_a_trusted_proxy(tmp_path: Path) -> None:
    with served(tmp_path, auth="users", trusted_proxies=("127.0.0.1",)) as running, running.client() as web:
        for address, expected in (("198.51.100.1", [401] * 5 + [429]), ("198.51.100.2", [401])):
            found = []
            for _ in expected:
                page = web.get("/login")
                data = form_of(page) | {"name": "anna", "password": "wrong"}
                found.append(
                    web.post(
                        "/login", data=data, headers={"origin": running.url, "x-forwarded-for": address}
                    ).status_code
                )
            assert found == expected


def test_who_signs_in_and_out_is_recorded(tmp_path: Path) -> None:
    settings = Settings(store=str(tmp_path), auth="users", port=0)
    with Records.opened(settings, tmp_path) as records:
        heard: list[tuple[str, str]] = []
        real = records.event
        records.event = lambda user, kind, payload, channel="": (
            heard.append((user.name, kind)) or real(user, kind, payload, channel=channel)
        )  # type: ignore[method-assign,func-returns-value]
        assistant = FakeAssistant()
        users = Users(users_path(settings))
        users.add("anna", PASSWORDS["anna"])
        handle = serve(Service(assistant, FakeIngestor(assistant), settings, records=records), settings, block=False)
        try:
            running = Served(handle, settings, assistant, Clock(), users)
            assert tried(running, "anna", "wrong").status_code == 401
            with signed_in(running, "anna") as web:
                web.post("/logout", data=form_of(web.get("/logout")))
        finally:
            handle.close()
    assert [kind for _, kind in heard] == ["sign_in_failed", "sign_in", "sign_out"]
