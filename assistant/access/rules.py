"""Who may read and write which collection: a TOML file that is read again when it changes.

::

    default = "nobody"                # of collections that are not listed: "everyone" or "nobody"
    [collections.deals]
    readers = ["ada", "@deals"]       # names, @groups, "*" for all who are signed in
    editors = ["@deals-editors"]      # they read it too; to write takes the role editor as well

A collection is named without regard to case and runs of spaces, as everywhere. Admins read and write all.
"""

from __future__ import annotations

import logging
import threading
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.access.user import User
from vectorstore.errors import SettingsError
from vectorstore.names import fold
from vectorstore.settings import Settings

log = logging.getLogger(__name__)

_EVERYBODY = "*"
_STANDARD = ("everyone", "nobody")


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may read, and who may also write, one collection."""

    readers: frozenset[str] = frozenset()
    editors: frozenset[str] = frozenset()

    def reads(self, user: User) -> bool:
        return _among(user, self.readers) or _among(user, self.editors)

    def writes(self, user: User) -> bool:
        return _among(user, self.editors)


@dataclass(frozen=True, slots=True)
class Access:
    """One reading of the file: ``rules`` by folded collection; ``open``: others are for everyone."""

    open: bool
    rules: Mapping[str, Rule]

    def reads(self, user: User, collection: str) -> bool:
        rule = self.rules.get(fold(collection))
        return user.role == "admin" or (self.open if rule is None else rule.reads(user))

    def writes(self, user: User, collection: str) -> bool:
        rule = self.rules.get(fold(collection))
        if user.role == "admin":
            return True
        return user.may("write") and (self.open if rule is None else rule.writes(user))

    def unbounded(self, user: User) -> bool:
        """Whether ``user`` may read whatever there is and will be."""
        return user.role == "admin" or (self.open and all(rule.reads(user) for rule in self.rules.values()))


def _among(user: User, names: frozenset[str]) -> bool:
    # Whoever is called "@deals" is no group.
    named = user.name in names and not user.name.startswith("@")
    return _EVERYBODY in names or named or any(f"@{group}" in names for group in user.groups)


def parse(text: str, where: str) -> Access:
    """Return the rules of a file's text. Raises SettingsError that names what is wrong."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{where} is not valid TOML: {error}.", "Mend the line that it names.") from error
    _known(data, ("default", "collections"), where)
    standard = data.get("default")
    if standard not in _STANDARD:
        said = "default is missing" if standard is None else f"default = {standard!r} is unknown"
        raise SettingsError(f"{where}: {said}.", 'Write default = "everyone" or default = "nobody".')
    listed = data.get("collections", {})
    if not isinstance(listed, dict):
        raise SettingsError(f"{where}: collections = {listed!r} is no table.", "Write [collections.NAME] for each.")
    rules: dict[str, Rule] = {}
    for name, given in listed.items():
        place = f"{where}: [collections.{name}]"
        if not fold(name):
            raise SettingsError(f"{where}: a collection has no name.", "Write [collections.NAME].")
        if fold(name) in rules:
            raise SettingsError(f"{place} is listed twice.", "Case and spaces do not tell collections apart.")
        if not isinstance(given, dict):
            raise SettingsError(f"{place} is no table.", 'Give it readers = ["name", "@group"].')
        _known(given, ("readers", "editors"), place)
        rules[fold(name)] = Rule(*(_names(given.get(key, []), f"{place} {key}") for key in ("readers", "editors")))
    return Access(standard == "everyone", rules)


def _known(data: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in data:
        if key not in keys:
            raise SettingsError(f"{where}: unknown key {key!r}.", f"Known keys: {', '.join(keys)}.")


def _names(given: Any, where: str) -> frozenset[str]:
    if not isinstance(given, list):
        raise SettingsError(f"{where} = {given!r} is no list.", 'For example: ["ada", "@deals", "*"].')
    for name in given:
        if not isinstance(name, str) or not name.strip() or name.strip() == "@":
            raise SettingsError(f"{where}: {name!r} is no name.", 'Names, "@group", or "*" for everybody.')
    return frozenset(name.strip() for name in given)


class Rules:
    """The rules of one server, as the file says now. Safe in any number of threads."""

    def __init__(self, path: Path | None, collections: Callable[[], Iterable[str]]) -> None:
        """``collections``: the names of those that there are. Raises SettingsError for a file that cannot be used."""
        self._path, self._collections = path, collections
        self._lock = threading.Lock()
        self._state = _state(path)
        self._access = Access(True, {}) if path is None else _read(path)

    @classmethod
    def load(cls, settings: Settings, collections: Callable[[], Iterable[str]] = tuple) -> Rules:
        """Return the rules of the setting ``access_file``; without one all may read all, and editors write everywhere.

        Raises SettingsError for a file that is missing or says what it must not.
        """
        return cls(Path(settings.access_file).expanduser() if settings.access_file.strip() else None, collections)

    def readable(self, user: User) -> frozenset[str] | None:
        """Return the names of the collections that ``user`` may read; None for all there are and will be."""
        access = self._now()
        if access.unbounded(user):
            return None
        named = {*access.rules, *map(fold, self._collections())}
        return frozenset(name for name in named if access.reads(user, name))

    def writable(self, user: User, collection: str) -> bool:
        """Whether ``user`` may add to and remove from ``collection``."""
        return self._now().writes(user, collection)

    def _now(self) -> Access:
        if self._path is None:
            return self._access
        with self._lock:
            state = _state(self._path)
            if state != self._state:
                self._state = state
                try:
                    self._access = _read(self._path)
                except SettingsError as error:
                    # Half-written, or wrong: nobody gains or loses a right by it.
                    log.error("%s What it said before stays in force. %s", error.message, error.what_to_do)  # noqa: TRY400 - no fault of the program
                else:
                    log.warning("%s has changed; who may read and write what is as it says now.", self._path)
            return self._access


def _state(path: Path | None) -> tuple[int, int, int] | None:
    """Return what changes with the file; None for one that is not there."""
    try:
        found = None if path is None else path.stat()
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size, found.st_ino)


def _read(path: Path) -> Access:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise SettingsError(f"The access file {path} cannot be read: {why}.", "Name a file in access_file.") from error
    return parse(text, str(path))


__all__ = ["Access", "Rule", "Rules", "parse"]
