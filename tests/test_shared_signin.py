"""Tokens, sign-ins and sign-ins under way: at every server of a base, whether they are kept in its folder or in PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from signin_cases import PAGE, WARNINGS, Clock, Served, served, sign_in

from assistant.access.tokens import Tokens
from assistant.web.signin.sessions import FLOW_S, Sessions
from assistant.web.signin.who import COOKIE
from tests.kept import kept_at
from vectorstore.errors import NotFound, SettingsError, StoreError
from vectorstore.shared import Shared

pytestmark = [pytest.mark.filterwarnings(one) for one in WARNINGS]
IDLE, LONGEST = 600.0, 3600.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pair(kept_in: str, tmp_path: Path, clock: Clock) -> Iterator[tuple[Sessions, Sessions]]:
    """The sessions of one base, as two servers have them open."""
    place = kept_at(tmp_path)
    first, second = (Sessions(place, idle_s=IDLE, longest_s=LONGEST, clock=clock) for _ in range(2))
    yield first, second
    first.close()
    second.close()


def test_a_session_holds_at_every_server_until_it_ends(pair: tuple[Sessions, Sessions], clock: Clock) -> None:
    first, second = pair
    cookie = first.begin("anna", ["research"], "password", "stamp")
    found = second.find(cookie)
    assert found is not None
    assert (found.groups, found.via, found.stamp, found.created) == (("research",), "password", "stamp", clock.now)
    clock.add(IDLE - 1)
    assert second.find(cookie) is not None  # which is noted
    clock.add(IDLE - 1)
    assert first.find(cookie) is not None
    second.end(cookie)
    assert (first.find(cookie), first.find("another"), second.find("\ud800")) == (None, None, None)
    for seconds in (IDLE, LONGEST):
        cookie = first.begin("anna", [], "oidc")
        for _ in range(int(seconds // 599)):
            clock.add(599)
            second.find(cookie)
        clock.add(IDLE)
        assert (first.find(cookie), second.find(cookie)) == (None, None)


def test_a_sign_in_at_the_provider_ends_at_another_server_once(pair: tuple[Sessions, Sessions], clock: Clock) -> None:
    first, second = pair
    state, flow = first.begin_flow("browser", "/here")
    assert second.end_flow(state, "another browser") is None
    assert second.end_flow(state, "browser") == flow
    assert first.end_flow(state, "browser") is None
    state, _ = first.begin_flow("browser", "/here")
    got: list[object] = []
    ends = [threading.Thread(target=lambda s=one: got.append(s.end_flow(state, "browser"))) for one in pair * 4]
    for one in ends:
        one.start()
    for one in ends:
        one.join()
    assert sum(one is not None for one in got) == 1
    state, _ = first.begin_flow("browser", "/here")
    clock.add(FLOW_S)
    assert second.end_flow(state, "browser") is None


def test_a_token_is_made_used_and_revoked_at_any_server(kept_in: str, tmp_path: Path, clock: Clock) -> None:
    place = kept_at(tmp_path)
    assert Tokens.there(place) is (kept_in == "postgresql")
    first, second = Tokens(place, clock), Tokens(place, clock)
    made = first.create("nightly", user="anna", groups=("research",), scopes=("ask",), days=1)
    assert Tokens.there(place)
    with pytest.raises(SettingsError, match="There is a token 'nightly' already"):
        second.create("nightly")
    found = second.find(made)
    assert found is not None
    assert (found.user, found.groups, found.scopes, found.used) == ("anna", ("research",), frozenset({"ask"}), None)
    assert [one.used for one in first.all()] == [clock.now]
    second.revoke("nightly")
    assert (first.find(made), second.find(made)) == (None, None)
    with pytest.raises(NotFound):
        first.revoke("nightly")
    other = first.create("daily", user="ben", days=1)
    assert second.revoke_of("ben") == 1
    assert first.find(other) is None
    timed = second.create("short", days=1)
    clock.add(86_400)
    assert first.find(timed) is None
    first.close()
    second.close()


def test_tables_of_another_version_are_refused(shared_place: Shared) -> None:
    tokens = Tokens(shared_place)
    with tokens._database.write() as connection:
        connection.execute("UPDATE version SET value = 7")
    tokens.close()
    with pytest.raises(StoreError, match="were written by another version of the program"):
        Tokens(shared_place)


# two servers over HTTP


@pytest.fixture
def servers(shared_place: Shared, tmp_path: Path, clock: Clock) -> Iterator[tuple[Served, Served]]:
    """Two servers of one shared base, each with a folder of its own, with the same users file."""
    named = {"ledger": shared_place.url, "ledger_schema": shared_place.schema, "chroma": "http://127.0.0.1:1"}
    users = {"auth": "users", "users_file": str(tmp_path / "users.toml"), **named}
    with (
        served(tmp_path / "one", clock=clock, **users) as one,
        served(tmp_path / "other", clock=clock, **users) as other,
    ):
        yield one, other


def status(server: Served, **headers: str) -> int:
    with server.client(headers=headers | server.own) as client:
        return client.get("/api/v1/documents").status_code


def test_who_signs_in_at_one_server_is_signed_in_at_the_other(servers: tuple[Served, Served], clock: Clock) -> None:
    one, other = servers
    with one.client() as client:
        assert sign_in(client, "anna").status_code == 303
        cookie = f"{COOKIE}={client.cookies[COOKIE]}"
    assert (status(one, cookie=cookie), status(other, cookie=cookie)) == (200, 200)
    assert status(other, cookie=f"{COOKIE}=x") == 401
    one.users.passwd("anna", "another long password")  # in the file that both read
    assert (status(other, cookie=cookie), status(one, cookie=cookie)) == (401, 401)
    with one.client() as client:
        sign_in(client, "bob")
        cookie = f"{COOKIE}={client.cookies[COOKIE]}"
    clock.add(other.settings.session_idle_minutes * 60 - 1)
    assert status(other, cookie=cookie) == 200
    with other.client(headers={"cookie": cookie} | other.own | PAGE) as client:
        page = client.get("/logout")
        form = page.text.split('name="form" value="')[1].split('"')[0]
        assert client.post("/logout", data={"form": form}).status_code == 303
    assert (status(one, cookie=cookie), status(other, cookie=cookie)) == (401, 401)


def test_a_token_opens_every_server_until_it_is_revoked(
    servers: tuple[Served, Served], shared_place: Shared, clock: Clock
) -> None:
    one, other = servers
    tokens = Tokens(shared_place, clock)
    sent = {"authorization": f"Bearer {tokens.create('script', user='anna')}"}
    assert (status(one, **sent), status(other, **sent)) == (200, 200)
    tokens.revoke("script")
    tokens.close()
    assert (status(one, **sent), status(other, **sent)) == (401, 401)
