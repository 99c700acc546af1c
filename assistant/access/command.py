"""`thesis user …` and `thesis token …`: who may sign in to a served base."""

from __future__ import annotations

import argparse
import getpass
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from assistant.access.names import ROLES, group_names, user_name
from assistant.access.user import ACTIONS
from assistant.wiring import Wiring
from vectorstore.errors import NotFound, SettingsError
from vectorstore.settings import Settings


def add(command: Callable[..., Any]) -> None:
    """Add the parsers."""
    user = command("user", 'Who may sign in with a password (auth = "users"): add, list, change, passwd, remove.')
    user.add_argument("action", choices=("add", "list", "change", "passwd", "remove"))
    user.add_argument("name", nargs="?", metavar="NAME")
    user.add_argument("--role", choices=ROLES)
    user.add_argument("--groups", metavar="A,B", help="groups that the rules of collections name")
    token = command("token", "Tokens for scripts: create (shown once), list, revoke.")
    token.add_argument("action", choices=("create", "list", "revoke"))
    token.add_argument("name", nargs="?", metavar="NAME")
    token.add_argument("--user", metavar="NAME", help="whom it asks for (default: nobody, but itself)")
    token.add_argument("--role", choices=ROLES, help="at most (default: that of the user, else reader)")
    token.add_argument("--groups", metavar="A,B", help="of a token that asks for no user of the users file")
    token.add_argument(
        "--scopes", metavar="A,B", help=f"of: {', '.join(sorted(ACTIONS['admin']))} (default: all of the role)"
    )
    token.add_argument("--days", type=float, metavar="N", help="until it ends (default: never)")


def user(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    from assistant.access.users import Users, users_path

    users = Users(users_path(settings))
    if a.action == "list":
        listed = [
            {"name": one.name, "role": one.role, "groups": list(one.groups)}
            for one in sorted(users.all().values(), key=lambda one: one.name)
        ]
        _say(a, {"users": listed}, "\n".join(_line(one) for one in listed) or "There are no users yet.", out)
        return 0
    name = _name(a)
    if a.action in {"passwd", "remove"} and (a.role or a.groups is not None):
        raise SettingsError(f"`thesis user {a.action}` takes neither a role nor groups.", "See: thesis user change")
    groups = None if a.groups is None else _listed(a.groups)
    if a.action == "add":
        user_name(name)  # before anybody types a password
        account = users.add(name, _password(wiring), role=a.role or "reader", groups=groups or ())
        name = account.name
    elif a.action == "passwd":
        _known(users, name)
        users.passwd(name, _password(wiring))
    elif a.action == "change":
        users.change(name, role=a.role, groups=groups)
    else:
        name = _known(users, name)
        # Tokens first: whoever has the name next must not get what the old tokens open.
        _revoke_all(settings, name)
        users.remove(name)
    done = {
        "add": "may sign in",
        "passwd": "has a new password",
        "change": "is changed",
        "remove": "may sign in no more",
    }
    _say(a, {"user": name, "done": a.action}, f"{name} {done[a.action]}.", out)
    return 0


def token(a: argparse.Namespace, settings: Settings, wiring: Wiring, out: TextIO) -> int:
    from assistant.access.database import place_of
    from assistant.access.tokens import Tokens
    from assistant.access.users import Users, users_path

    place = place_of(settings)
    if isinstance(place, Path) and not place.is_dir():
        raise SettingsError(f"There is no folder {settings.store}.", "Name the base: --store DIR.")
    tokens = Tokens(place)
    try:
        if a.action == "list":
            listed = [_shown(one) for one in tokens.all()]
            _say(a, {"tokens": listed}, "\n".join(_told(one) for one in listed) or "There are no tokens yet.", out)
            return 0
        name = _name(a)
        if a.action == "revoke":
            tokens.revoke(name)
            _say(a, {"token": name, "done": "revoke"}, f"{name} opens nothing any more.", out)
            return 0
        user = a.user.strip() if a.user else None
        if user and settings.auth == "users":
            user = _known(Users(users_path(settings)), user)
            if a.groups:
                raise SettingsError("Groups of a user stand in the users file.", "Leave out --groups.")
        made = tokens.create(
            name, user=user, role=a.role, groups=_listed(a.groups or ""),
            scopes=None if a.scopes is None else _listed(a.scopes), days=a.days,
        )  # fmt: skip
        _say(a, {"token": made, "name": name}, made, out)
        if not a.json:
            print("Keep it: it is shown this once.", file=wiring.err)
        return 0
    finally:
        tokens.close()


def _revoke_all(settings: Settings, user: str) -> None:
    from assistant.access.database import place_of
    from assistant.access.tokens import Tokens

    place = place_of(settings)
    if not Tokens.there(place):
        return
    tokens = Tokens(place)
    try:
        tokens.revoke_of(user)
    finally:
        tokens.close()


def _name(a: argparse.Namespace) -> str:
    if not a.name:
        raise SettingsError(f"`thesis {a.command} {a.action}` needs a name.", f"See: thesis {a.command} --help")
    return str(a.name)


def _known(users: Any, name: str) -> str:
    found = users.get(name)
    if found is None:
        raise NotFound(f"There is no user {name[:80]!r}.", "`thesis user list` names them.")
    return str(found.name)


def _listed(text: str) -> tuple[str, ...]:
    return group_names(text.split(","))


def _password(wiring: Wiring) -> str:
    """Return a password from the terminal, asked twice, or the first line of standard input."""
    if wiring.given is None and wiring.stdin.isatty():
        first = getpass.getpass("Password: ")
        if getpass.getpass("The same again: ") != first:
            raise SettingsError("The two are not the same.", "Try again.")
        return first
    return wiring.stdin.readline().rstrip("\r\n")


def _line(one: dict[str, Any]) -> str:
    return f"{one['name']}  {one['role']}  {', '.join(one['groups'])}".rstrip()


def _shown(one: Any) -> dict[str, Any]:
    fields = asdict(one)
    for name in ("created", "expires", "used", "revoked"):
        at = fields[name]
        fields[name] = None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields["scopes"] = None if one.scopes is None else sorted(one.scopes)
    fields["groups"] = list(one.groups)
    return fields


def _told(one: dict[str, Any]) -> str:
    state = f"revoked {one['revoked']}" if one["revoked"] else f"until {one['expires']}" if one["expires"] else "in use"
    used = f"last used {one['used']}" if one["used"] else "never used"
    who = one["user"] or "no user"
    may = ", ".join(one["scopes"]) if one["scopes"] is not None else "all scopes"
    return f"{one['id']}  {one['name']}  {who}  {one['role'] or ('role of the user' if one['user'] else 'reader')}  {may}  {state}, {used}"


def _say(a: argparse.Namespace, value: dict[str, Any], text: str, out: TextIO) -> None:
    print(json.dumps(value, ensure_ascii=False) if a.json else text, file=out, flush=True)
