"""Signing in at an OpenID Connect provider of our own on loopback: the whole way round, and everything that is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from oidc_provider import CLIENT, SECRET, Provider, other_key, provider, unsigned, with_public_key_as_secret
from signin_cases import PAGE, WARNINGS, Clock, Served, form_of, served

from assistant.web.signin import oidc
from vectorstore.errors import SettingsError

pytestmark = pytest.mark.filterwarnings(*WARNINGS)


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def idp(clock: Clock) -> Iterator[Provider]:
    with provider(clock) as running:
        yield running


@pytest.fixture(scope="module")
def server(idp: Provider, clock: Clock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(oidc.SECRET, SECRET)
        with served(
            tmp_path_factory.mktemp("oidc"), auth="oidc", oidc_issuer=idp.address, oidc_client_id=CLIENT, admins=("@chiefs",),
            editors=("ed@example.com",), readers=("@desk",), oidc_name_claim="email", clock=clock,
        ) as running:  # fmt: skip
            yield running


@pytest.fixture(autouse=True)
def _plain(idp: Provider, clock: Clock) -> Iterator[None]:
    fresh = Provider()
    idp.claims = {"email": "rita@example.com", "email_verified": True, "groups": ["desk"]}
    yield
    idp.change, idp.sign, idp.error, idp.discovery, idp.published = fresh.change, None, "", {}, []
    idp.asked.clear()
    clock.add(4000)  # what the server keeps of the provider is old by then


def begun(web: httpx.Client, path: str = "/") -> str:
    """Ask for a page as nobody; return the provider's address that the browser is sent to."""
    away = web.get(path, headers=PAGE)
    assert away.status_code == 303
    start = web.get(away.headers["location"], headers=PAGE)
    assert start.status_code == 303
    left = web.get(start.headers["location"], headers=PAGE)
    assert left.status_code == 303, left.text
    return str(left.headers["location"])


def at_provider(address: str) -> str:
    """Be the browser at the provider; return where it sends one back to."""
    with httpx.Client(trust_env=False) as browser:
        return str(browser.get(address).headers["location"])


def around(web: httpx.Client, path: str = "/") -> httpx.Response:
    return web.get(at_provider(begun(web, path)), headers=PAGE)


def refused(web: httpx.Client, answer: httpx.Response, status: int = 401) -> None:
    assert answer.status_code == status, answer.text
    assert "set-cookie" not in answer.headers or "thesis_session" not in answer.headers["set-cookie"]
    assert "Traceback" not in answer.text
    assert web.get("/config").status_code == 401


def test_the_whole_way_round(server: Served, idp: Provider) -> None:
    with server.client() as web:
        address = begun(web, "/embed?question=a%20b")
        sent = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (sent["client_id"], sent["redirect_uri"]) == (CLIENT, f"{server.url}/login/oidc/callback")
        assert len(sent["state"]) >= 32
        assert len(sent["nonce"]) >= 32
        assert SECRET not in address
        back = web.get(at_provider(address), headers=PAGE)
        assert (back.status_code, back.headers["location"]) == (303, "/embed?question=a%20b")
        assert web.get("/config").status_code == 200
        assert (
            web.post("/api/v1/documents", files={"files": ("a.md", b"x")}, headers=server.own).status_code == 403
        )  # a reader
        # Signed in already: the form leads on.
        assert web.get("/login?next=/embed", headers=PAGE).headers["location"] == "/embed"
        out = web.post("/logout", data=form_of(web.get("/logout")), headers=server.own)
        assert out.headers["location"] == "/login?out=1"
        stays = web.get("/login?out=1", headers=PAGE)  # and does not sign in again by itself
        assert stays.status_code == 200
        assert "/login/oidc?next=" in stays.text
        assert web.get("/config").status_code == 401
    assert {urlsplit(path).path for path in idp.asked} == {
        "/.well-known/openid-configuration",
        "/authorize",
        "/token",
        "/keys",
    }


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"email": "x@example.com", "groups": ["chiefs"]}, 200), ({"email": "ed@example.com", "groups": None}, 200),
        ({"email": "x@example.com", "groups": "desk"}, None), ({"email": "x@example.com", "groups": ["bad\"name", 7, "desk"]}, None),
    ],
)  # fmt: skip
def test_roles_come_from_names_and_groups(
    server: Served, idp: Provider, claims: dict[str, Any], status: int | None
) -> None:
    idp.claims = claims
    with server.client() as web:
        assert around(web).status_code == 303
        upload = web.post("/api/v1/documents", files={"files": ("a.md", b"x")}, headers=server.own)
        assert upload.status_code == (status or 403)


WRONG: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "another nonce": lambda c: c | {"nonce": "guess"},
    "no nonce": lambda c: {k: v for k, v in c.items() if k != "nonce"},
    "another audience": lambda c: c | {"aud": "other-client"},
    "other audiences too, for another party": lambda c: c | {"aud": [CLIENT, "other"], "azp": "other"},
    "other audiences too, for nobody named": lambda c: c | {"aud": [CLIENT, "other"]},
    "no audience": lambda c: {k: v for k, v in c.items() if k != "aud"},
    "another issuer": lambda c: c | {"iss": "https://evil.test"},
    "expired": lambda c: c | {"iat": c["iat"] - 900, "exp": c["iat"] - 61},
    "no end": lambda c: {k: v for k, v in c.items() if k != "exp"},
    "from the future": lambda c: c | {"iat": c["iat"] + 3600, "nbf": c["iat"] + 3600, "exp": c["iat"] + 7200},
    "no subject": lambda c: {k: v for k, v in c.items() if k != "sub"},
    "no name": lambda c: {k: v for k, v in c.items() if k != "email"},
    "a name that is no text": lambda c: c | {"email": ["a"]},
    "an address that is not verified": lambda c: c | {"email_verified": False},
    "another access token": lambda c: c | {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_token_that_does_not_hold_is_refused(server: Served, idp: Provider, name: str) -> None:
    idp.change = WRONG[name]
    with server.client() as web:
        refused(web, around(web))


@pytest.mark.parametrize("name", ["another key", "unsigned", "the public key as a secret", "no JWT"])
def test_a_signature_that_does_not_hold_is_refused(server: Served, idp: Provider, name: str) -> None:
    idp.sign = {
        "another key": other_key(), "unsigned": unsigned, "the public key as a secret": with_public_key_as_secret(idp),
        "no JWT": lambda claims: "a.b.c",
    }[name]  # fmt: skip
    with server.client() as web:
        refused(web, around(web))


def test_an_algorithm_of_shared_secrets_is_refused_even_where_the_provider_names_it(
    server: Served, idp: Provider
) -> None:
    idp.discovery = {"id_token_signing_alg_values_supported": ["none", "HS256"]}
    idp.sign = with_public_key_as_secret(idp)
    with server.client() as web:
        refused(web, around(web))


def test_a_state_of_another_browser_is_refused_and_each_counts_once(server: Served) -> None:
    with server.client() as web, server.client() as other:
        back = at_provider(begun(web))
        refused(other, other.get(back, headers=PAGE))
        begun(other)
        refused(other, other.get(back, headers=PAGE))
        assert web.get(back, headers=PAGE).status_code == 303
        assert web.get("/config").status_code == 200
    with server.client() as web:
        back = at_provider(begun(web))
        mangled = back.replace("state=", "state=x")
        refused(web, web.get(mangled, headers=PAGE))
        assert web.get(back, headers=PAGE).status_code == 303
        assert web.get(back, headers=PAGE).status_code == 401  # a second time


def test_a_code_of_another_sign_in_is_refused(server: Served, idp: Provider) -> None:
    with server.client() as web, server.client() as victim:
        stolen = parse_qs(urlsplit(at_provider(begun(web))).query)["code"][0]
        back = urlsplit(at_provider(begun(victim)))
        own = parse_qs(back.query)
        refused(victim, victim.get(f"{back.path}?state={own['state'][0]}&code={stolen}", headers=PAGE))  # PKCE


def test_a_sign_in_that_took_too_long_begins_anew(server: Served, clock: Clock) -> None:
    with server.client() as web:
        back = at_provider(begun(web))
        clock.add(601)
        refused(web, web.get(back, headers=PAGE))


@pytest.mark.parametrize("query", ["", "?state=x", "?code=x", "?state=x&code=y", "?error=<script>&state=x"])
def test_a_callback_out_of_nowhere_is_refused(server: Served, query: str) -> None:
    with server.client() as web:
        answer = web.get(f"/login/oidc/callback{query}", headers=PAGE)
        refused(web, answer)
        assert "<script" not in answer.text


def test_what_the_provider_refuses_is_said(server: Served, idp: Provider) -> None:
    idp.error = "access_denied"
    with server.client() as web:
        answer = around(web)
        refused(web, answer)
        assert "did not sign you in" in answer.text


def test_who_is_not_named_in_the_settings_may_not_sign_in(server: Served, idp: Provider) -> None:
    idp.claims = {"email": "eve@example.com", "groups": ["others"]}
    with server.client() as web:
        refused(web, around(web), 403)


@pytest.mark.parametrize("name", ["local", "token:ci", "@chiefs"])
def test_names_of_the_program_s_own_cannot_be_brought(server: Served, idp: Provider, name: str) -> None:
    idp.claims = {"email": name, "groups": ["chiefs"]}
    with server.client() as web:
        refused(web, around(web), 403)


@pytest.mark.parametrize(
    "discovery",
    [
        {"jwks_uri": "http://127.0.0.2:1/keys"}, {"token_endpoint": "https://evil.test/token"}, {"authorization_endpoint": "https://evil.test/a"},
        {"issuer": "https://evil.test"}, {"jwks_uri": None}, {"token_endpoint": "file:///etc/passwd"},
    ],
)  # fmt: skip
def test_a_provider_that_points_elsewhere_is_not_followed(
    server: Served, idp: Provider, clock: Clock, discovery: dict[str, Any]
) -> None:
    idp.discovery = discovery
    with server.client() as web:
        answer = web.get("/login/oidc", headers=PAGE)
        refused(web, answer)
        assert "evil.test" not in answer.text
        assert idp.asked == ["/.well-known/openid-configuration"]


def test_changed_keys_are_fetched_once_they_are_needed(server: Served, idp: Provider, clock: Clock) -> None:
    with server.client() as web:
        assert around(web).status_code == 303
    old = idp.key
    idp.key = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    try:
        clock.add(60)
        with server.client() as web:
            assert around(web).status_code == 303
    finally:
        idp.key = old


def test_a_provider_that_is_gone_is_said_without_its_address(idp: Provider, tmp_path: Path) -> None:
    with provider(Clock()) as gone:
        address = gone.address
    with served(tmp_path, auth="oidc", oidc_issuer=address, oidc_client_id=CLIENT) as running, running.client() as web:
        answer = web.get("/login/oidc", headers=PAGE)
        assert answer.status_code == 401
        assert "Signing in at your provider did not work" in answer.text
        assert web.get("/healthz").status_code == 200


def test_in_a_frame_the_provider_opens_in_a_window_of_its_own(server: Served) -> None:
    with server.client() as web:
        page = web.get("/login?next=%2Fembed%3Ftheme%3Ddark", headers=PAGE | {"sec-fetch-dest": "iframe"})
        assert page.status_code == 200
        assert 'target="_blank"' in page.text
        assert "/login/oidc?next=%2Flogin%2Fdone" in page.text
        assert 'href="/embed?theme=dark"' in page.text
        left = web.get("/login/oidc?next=/login/done", headers=PAGE)
        back = web.get(at_provider(left.headers["location"]), headers=PAGE)
        assert back.headers["location"] == "/login/done"
        assert "Close this window" in web.get("/login/done").text


def test_the_secret_comes_from_the_environment_or_a_credential(tmp_path: Path) -> None:
    assert oidc.client_secret({}) == ""
    assert oidc.client_secret({oidc.SECRET: "x", "CREDENTIALS_DIRECTORY": str(tmp_path)}) == "x"
    (tmp_path / oidc.CREDENTIAL).write_text("of systemd\n", encoding="utf-8")
    assert oidc.client_secret({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "of systemd"
    (tmp_path / oidc.CREDENTIAL).write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SettingsError, match="LoadCredential"):
        oidc.client_secret({"CREDENTIALS_DIRECTORY": str(tmp_path)})
