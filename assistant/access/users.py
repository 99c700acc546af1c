"""The users file: names, argon2id hashes, roles and groups in TOML or JSON, read again whenever it changes."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant.access import passwords
from assistant.access.names import group_names, role_name, user_name
from assistant.access.user import Role, User
from vectorstore.errors import NotFound, SettingsError
from vectorstore.settings import Settings

_KEYS = frozenset({"password", "role", "groups"})
_LARGEST = 4 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Account:
    """``password`` is an argon2id hash."""

    name: str
    password: str
    role: Role = "reader"
    groups: tuple[str, ...] = ()

    @property
    def stamp(self) -> str:
        """A digest that changes with anything of the account: a session that carries another one has ended."""
        return hashlib.sha256(repr((self.name, self.password, self.role, self.groups)).encode()).hexdigest()

    def user(self) -> User:
        return User(self.name, self.role, self.groups, via="password")


def users_path(settings: Settings) -> Path:
    return Path(settings.users_file).expanduser() if settings.users_file else Path(settings.store) / "users.toml"


class Users:
    """Safe in any number of threads; every method raises SettingsError where the file cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[tuple[int, int, int], dict[str, Account]] = ((0, 0, 0), {})

    def all(self) -> dict[str, Account]:
        """Return the accounts by name; {} where there is no file yet."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._wrong(error.strerror or str(error)) from error
        mark = (found.st_mtime_ns, found.st_size, found.st_ino)
        held, accounts = self._read
        if mark != held:
            accounts = self._load()
            self._read = (mark, accounts)
        return accounts

    def get(self, name: str) -> Account | None:
        return self.all().get(name.strip().lower())

    def verify(self, name: str, password: str) -> Account | None:
        """Return the account whose password this is; None otherwise, after the same work for a name that is unknown."""
        account = self.get(name)
        right = passwords.matches(password, None if account is None else account.password)
        return account if right else None

    def add(self, name: str, password: str, *, role: str = "reader", groups: tuple[str, ...] = ()) -> Account:
        """Raises SettingsError for a name that is taken or none, a role that is none, a password too short."""
        account = Account(user_name(name), passwords.hashed(password), role_name(role), group_names(groups))

        def added(accounts: dict[str, Account]) -> None:
            if account.name in accounts:
                raise SettingsError(f"There is a user {account.name} already.", "Change it: thesis user passwd NAME.")
            accounts[account.name] = account

        self._change(added)
        return account

    def passwd(self, name: str, password: str) -> None:
        """Raises NotFound."""
        kept = passwords.hashed(password)

        def changed(accounts: dict[str, Account]) -> None:
            old = self._known(accounts, name)
            accounts[old.name] = replace(old, password=kept)

        self._change(changed)

    def change(self, name: str, *, role: str | None = None, groups: tuple[str, ...] | None = None) -> None:
        """Give another role or other groups (None: as they are). Raises NotFound."""

        def changed(accounts: dict[str, Account]) -> None:
            old = self._known(accounts, name)
            accounts[old.name] = replace(
                old,
                role=old.role if role is None else role_name(role),
                groups=old.groups if groups is None else group_names(groups),
            )

        self._change(changed)

    def remove(self, name: str) -> None:
        """Raises NotFound."""

        def removed(accounts: dict[str, Account]) -> None:
            del accounts[self._known(accounts, name).name]

        self._change(removed)

    @staticmethod
    def _known(accounts: Mapping[str, Account], name: str) -> Account:
        found = accounts.get(name.strip().lower())
        if found is None:
            raise NotFound(f"There is no user {name[:80]!r}.", "`thesis user list` names them.")
        return found

    def _load(self) -> dict[str, Account]:
        try:
            data = self.path.read_bytes()
            if len(data) > _LARGEST:
                raise self._wrong("it is larger than 4 MB")
            text = data.decode("utf-8-sig")
            whole = json.loads(text) if self.path.suffix == ".json" else tomllib.loads(text)
        except OSError as error:
            raise self._wrong(error.strerror or str(error)) from error
        except ValueError as error:  # of JSON, TOML and UTF-8 alike
            raise self._wrong(str(error)) from error
        listed = whole.get("users", {}) if isinstance(whole, dict) else None
        if not isinstance(listed, dict) or set(whole) - {"users"}:
            raise self._wrong("it must hold one table, users, and nothing else")
        accounts = {}
        for name, fields in listed.items():
            account = self._account(name, fields)
            if account.name in accounts:
                raise self._wrong(f"{account.name} stands in it twice")
            accounts[account.name] = account
        return accounts

    def _account(self, name: str, fields: Any) -> Account:
        if not isinstance(fields, dict) or set(fields) - _KEYS:
            raise self._wrong(f"{name[:80]} must have {', '.join(sorted(_KEYS))} and nothing else")
        kept, groups, role = fields.get("password"), fields.get("groups", []), fields.get("role", "reader")
        if not isinstance(kept, str) or not passwords.is_hash(kept):
            raise self._wrong(f"the password of {name[:80]} is no argon2id hash (thesis user passwd makes one)")
        if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
            raise self._wrong(f"the groups of {name[:80]} are no list of texts")
        try:
            return Account(user_name(name), kept, role_name(str(role)), group_names(groups))
        except SettingsError as error:
            raise self._wrong(f"{name[:80]}: {error.message}") from error

    def _wrong(self, why: str) -> SettingsError:
        return SettingsError(
            f"The users file {self.path} cannot be used: {why}.", "Mend it; nobody can sign in meanwhile."
        )

    def _change(self, change: Callable[[dict[str, Account]], None]) -> None:
        from filelock import FileLock

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=30):
                accounts = dict(self._load()) if self.path.exists() else {}
                change(accounts)
                self._write(accounts)
        except OSError as error:  # filelock's Timeout is one
            raise SettingsError(f"{self.path} cannot be written: {error}.", "Mend the folder or its rights.") from error

    def _write(self, accounts: Mapping[str, Account]) -> None:
        temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        text = _json(accounts) if self.path.suffix == ".json" else _toml(accounts)
        try:
            with os.fdopen(
                os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8"
            ) as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)


def _fields(account: Account) -> dict[str, Any]:
    return {"password": account.password, "role": account.role, "groups": list(account.groups)}


def _json(accounts: Mapping[str, Account]) -> str:
    return json.dumps({"users": {name: _fields(one) for name, one in sorted(accounts.items())}}, indent=1) + "\n"


def _toml(accounts: Mapping[str, Account]) -> str:
    # A basic string of TOML is written as one of JSON is; names and groups hold neither quotes nor control characters.
    lines = ["# Written by `thesis user`; changes count at once."]
    for name, one in sorted(accounts.items()):
        lines += ["", f"[users.{json.dumps(name)}]"]
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in _fields(one).items()]
    return "\n".join(lines) + "\n"
