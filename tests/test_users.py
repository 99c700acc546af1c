"""The users file and the commands for users and tokens: what is written, what is refused, what others see of it at once."""

from __future__ import annotations

import io
import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import app
from assistant.access import passwords
from assistant.access.names import user_name
from assistant.access.users import Account, Users, _toml
from assistant.cli import run
from assistant.wiring import Wiring
from vectorstore.errors import NotFound, SettingsError

GOOD = "a password of some length"


def thesis(store: Path, *arguments: str, stdin: str = "") -> tuple[int, Any]:
    """Run a command with --json; return its exit code and its object."""
    out = io.StringIO()
    wiring = Wiring(app.open_assistant, app.open_ingestor, app.serve, app.progress, given=io.StringIO(stdin))
    code = run([*arguments, "--json", "--store", str(store)], wiring, out=out)
    return code, json.loads(out.getvalue())


def test_users_by_the_command_line(tmp_path: Path) -> None:
    assert thesis(tmp_path, "user", "add", "Anna", "--role", "editor", "--groups", "desk, risk", stdin=f"{GOOD}\n") == (
        0, {"user": "anna", "done": "add"},
    )  # fmt: skip
    assert thesis(tmp_path, "user", "add", "bob", stdin=GOOD)[0] == 0
    listed = thesis(tmp_path, "user", "list")[1]["users"]
    assert listed == [
        {"name": "anna", "role": "editor", "groups": ["desk", "risk"]},
        {"name": "bob", "role": "reader", "groups": []},
    ]
    path = tmp_path / "users.toml"
    assert GOOD not in path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    users = Users(path)
    anna = users.verify("ANNA", GOOD)
    assert anna is not None
    assert (anna.user().name, anna.user().role, anna.user().groups, anna.user().via) == (
        "anna",
        "editor",
        ("desk", "risk"),
        "password",
    )
    assert users.verify("anna", GOOD + " ") is None
    assert thesis(tmp_path, "user", "passwd", "anna", stdin="another of the same length\n")[0] == 0
    assert users.verify("anna", GOOD) is None  # read again, as it has changed
    changed = users.verify("anna", "another of the same length")
    assert changed is not None
    assert changed.stamp != anna.stamp
    assert thesis(tmp_path, "user", "change", "anna", "--role", "admin", "--groups", "")[0] == 0
    assert users.all()["anna"].groups == ()
    assert thesis(tmp_path, "user", "remove", "anna")[0] == 0
    assert users.get("anna") is None


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "words"),
    [
        (("user", "add", "a b"), GOOD, 2, "no name"), (("user", "add", "local"), GOOD, 2, "local"), (("user", "add", "@desk"), GOOD, 2, "no name"),
        (("user", "add", "x"), "short", 2, "5 characters"), (("user", "add", "x"), "", 2, "0 characters"), (("user", "add"), GOOD, 2, "needs a name"),
        (("user", "add", "x", "--role", "root"), GOOD, 2, "invalid choice"), (("user", "add", "x", "--groups", "@a"), GOOD, 2, "no name for a group"),
        (("user", "remove", "nobody"), "", 1, "no user"), (("user", "passwd", "nobody"), GOOD, 1, "no user"), (("user", "change", "nobody"), "", 1, "no user"),
        (("user", "passwd", "x", "--role", "admin"), GOOD, 2, "neither a role"), (("user", "burn", "x"), "", 2, "invalid choice"),
        (("token", "create", "x", "--scopes", "all"), "", 2, "no scope"), (("token", "create", "x", "--days", "-1"), "", 2, "no time ahead"),
        (("token", "create"), "", 2, "needs a name"), (("token", "revoke", "x"), "", 1, "no token"), (("token", "create", "x/y"), "", 2, "no name for a token"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(tmp_path: Path, arguments: tuple[str, ...], stdin: str, code: int, words: str) -> None:
    found, told = thesis(tmp_path, *arguments, stdin=stdin)
    assert (found, words in told["error"]["message"]) == (code, True), told
    assert told["error"]["what_to_do"]


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    assert thesis(tmp_path, "user", "add", "anna", stdin=GOOD)[0] == 0
    assert "already" in thesis(tmp_path, "user", "add", "ANNA", stdin=GOOD)[1]["error"]["message"]


def test_tokens_by_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, made = thesis(
        tmp_path,
        "token",
        "create",
        "ci",
        "--scopes",
        "ask,search",
        "--role",
        "editor",
        "--groups",
        "desk",
        "--days",
        "1",
    )
    assert code == 0
    assert made["token"].startswith("thesis_")
    [shown] = thesis(tmp_path, "token", "list")[1]["tokens"]
    assert made["token"] not in json.dumps(shown)
    assert {k: shown[k] for k in ("name", "user", "role", "scopes", "groups", "used", "revoked")} == {
        "name": "ci", "user": None, "role": "editor", "scopes": ["ask", "search"], "groups": ["desk"], "used": None, "revoked": None,
    }  # fmt: skip
    assert shown["expires"] > shown["created"]
    assert thesis(tmp_path, "token", "revoke", shown["id"])[0] == 0
    assert thesis(tmp_path, "token", "list")[1]["tokens"][0]["revoked"]
    monkeypatch.setenv("THESIS_AUTH", "users")
    assert thesis(tmp_path, "token", "create", "hers", "--user", "anna")[0] == 1
    assert thesis(tmp_path, "user", "add", "anna", stdin=GOOD)[0] == 0
    assert thesis(tmp_path, "token", "create", "hers", "--user", "Anna")[0] == 0
    assert thesis(tmp_path, "token", "list")[1]["tokens"][1]["user"] == "anna"


def test_who_has_a_removed_user_s_name_next_gets_none_of_their_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_AUTH", "users")
    for name in ("anna", "bob"):
        assert thesis(tmp_path, "user", "add", name, stdin=GOOD)[0] == 0
        assert thesis(tmp_path, "token", "create", f"of {name}", "--user", name)[0] == 0
    assert thesis(tmp_path, "token", "create", "of nobody")[0] == 0
    assert thesis(tmp_path, "user", "remove", "Anna")[0] == 0
    assert thesis(tmp_path, "user", "add", "anna", stdin=GOOD)[0] == 0
    listed = thesis(tmp_path, "token", "list")[1]["tokens"]
    assert {one["name"]: one["revoked"] is None for one in listed} == {
        "of anna": False, "of bob": True, "of nobody": True,
    }  # fmt: skip


def test_another_file_may_be_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "elsewhere" / "people.json"
    monkeypatch.setenv("THESIS_USERS_FILE", str(path))
    assert thesis(tmp_path, "user", "add", "anna", "--groups", "desk", stdin=GOOD)[0] == 0
    held = json.loads(path.read_text(encoding="utf-8"))
    assert held["users"]["anna"] | {"password": ""} == {"password": "", "role": "reader", "groups": ["desk"]}
    assert Users(path).verify("anna", GOOD) is not None


@pytest.mark.parametrize(
    "text",
    [
        "users = 3", "[users.anna]\nrole = 'admin'", "[users.anna]\npassword = 'x'", "[users.anna]\npassword = '{hash}'\nrole = 'root'", "other = 1",
        "[users.anna]\npassword = '{hash}'\nadmin = true", "[users.anna]\npassword = '{hash}'\ngroups = 'desk'", "[users.'a b']\npassword = '{hash}'", "[users",
        "[users.anna]\npassword = '{hash}'\n[users.Anna]\npassword = '{hash}'", "\x00", "[users.anna]\npassword = '$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA'",
        "[users.local]\npassword = '{hash}'",
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_named_and_lets_nobody_in(tmp_path: Path, text: str) -> None:
    path = tmp_path / "users.toml"
    written = text.replace("{hash}", passwords.hashed(GOOD))
    path.write_text(written, encoding="utf-8")
    users = Users(path)
    for ask in (users.all, lambda: users.verify("anna", GOOD), lambda: users.add("bob", GOOD)):
        with pytest.raises(SettingsError, match=r"users\.toml cannot be used"):
            ask()
    assert path.read_text(encoding="utf-8") == written


def test_changes_at_the_same_time_are_all_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = passwords.hashed(GOOD)
    monkeypatch.setattr(passwords, "hashed", lambda password: kept)
    path = tmp_path / "users.toml"
    threads = [threading.Thread(target=Users(path).add, args=(f"user{number}", GOOD)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(Users(path).all()) == sorted(f"user{number}" for number in range(12))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["users.toml", "users.toml.lock"]


def test_an_unknown_user_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Users(tmp_path / "users.toml").remove("nobody")


def test_a_password_is_the_same_however_its_letters_are_composed() -> None:
    kept = passwords.hashed("Zu\u0308rich am See")
    assert passwords.matches("Z\u00fcrich am See", kept)
    assert not passwords.matches("Zurich am See", kept)
    assert not passwords.matches("x" * 5000, kept)
    assert not passwords.matches(GOOD, None)
    assert passwords.matches("\udcff surrogates too", passwords.hashed("\udcff surrogates too"))


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.from_regex(r"[a-z0-9][a-z0-9._@+-]{0,20}", fullmatch=True).filter(lambda n: n != "local"), max_size=5, unique=True),
    groups=st.lists(st.from_regex(r"[^\s,@\"\x00-\x1f\x7f][^,\"\x00-\x1f\x7f\ud800-\udfff]{0,12}", fullmatch=True), max_size=4),
)  # fmt: skip
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], groups: list[str]
) -> None:
    kept = "$argon2id$v=19$m=65536,t=3,p=4$NWlqIDG1c8EYy/TgbDSB0Q$q94pGMdoVYyJfjbVyD/PESTRspgxp4RM/ey1C1Bm0kU"
    tidy = tuple(dict.fromkeys(g.strip() for g in groups if g.strip()))
    accounts = {name: Account(user_name(name), kept, "editor", tidy) for name in names}
    path = tmp_path_factory.mktemp("round") / "users.toml"
    path.write_text(_toml(accounts), encoding="utf-8")
    assert Users(path).all() == accounts
