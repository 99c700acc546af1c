"""Which names users, groups and tokens may have; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.access.user import ACTIONS, Action, Role
from vectorstore.errors import SettingsError
from vectorstore.settings import Settings

ROLES: tuple[Role, ...] = ("reader", "editor", "admin")
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,79}")
_GROUP = re.compile(r"[^\s,@\"\x00-\x1f\x7f][^,\"\x00-\x1f\x7f]{0,119}")
# "local" is whoever sits at the machine; "token:" stands before what is no person.
TOKEN = "token:"  # noqa: S105
_RESERVED = frozenset({"local"})
_LONGEST = 200  # characters of a name that another system gives


def user_name(text: str) -> str:
    """Return the name of an account in small letters. Raises SettingsError for what is none."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name) or name in _RESERVED:
        raise SettingsError(
            f"{text[:80]!r} is no name for a user.", "Use letters, digits and . _ @ + - (up to 80); `local` is taken."
        )
    return name


def foreign_name(text: str) -> str | None:
    """Return a name that a proxy or a provider gives; None for one that nobody may have here."""
    name = text.strip()
    if not name or len(name) > _LONGEST or not name.isprintable():
        return None
    # "@desk" stands for a group in the settings and rules: a person of that name would be all of it.
    return None if name.lower() in _RESERVED or name.lower().startswith((TOKEN, "@")) else name


def group_names(listed: Sequence[str]) -> tuple[str, ...]:
    """Return groups without blanks and doubles. Raises SettingsError."""
    found: dict[str, None] = {}
    for text in listed:
        name = text.strip()
        if not name:
            continue
        if not _GROUP.fullmatch(name):
            raise SettingsError(f"{text[:80]!r} is no name for a group.", "Leave out @, commas and quotes.")
        found[name] = None
    return tuple(found)


def role_name(text: str) -> Role:
    """Return a role. Raises SettingsError."""
    for role in ROLES:
        if text == role:
            return role
    raise SettingsError(f"There is no role {text[:40]!r}.", f"Roles are: {', '.join(ROLES)}.")


def scope_names(listed: Sequence[str]) -> frozenset[Action]:
    """Return scopes. Raises SettingsError for one that is no action."""
    known = ACTIONS["admin"]
    wrong = [name for name in listed if name not in known]
    if wrong:
        raise SettingsError(f"There is no scope {wrong[0][:40]!r}.", f"Scopes are: {', '.join(sorted(known))}.")
    return frozenset(name for name in known if name in listed)


def mapped_role(name: str, groups: Sequence[str], settings: Settings) -> Role | None:
    """Return the role that the settings give to a user of a proxy or provider; None where they may not sign in."""

    def listed(who: Sequence[str]) -> bool:
        return name in who or any(f"@{group}" in who for group in groups)

    if listed(settings.admins):
        return "admin"
    if listed(settings.editors):
        return "editor"
    return "reader" if not settings.readers or listed(settings.readers) else None
