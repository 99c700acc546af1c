"""Named paths and URLs to the single sources behind them, in a fixed order, with a reason for all that is left out."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from ingest import remote
from ingest.fetch import file_name, normalize_url
from ingest.files import open_file
from ingest.progress import Failed, Skipped
from vectorstore.errors import FetchError, ReadError
from vectorstore.records import sha256

SUPPORTED = frozenset({".pdf", ".docx", ".html", ".htm", ".xhtml", ".md", ".markdown", ".txt", ".text"})
_HEAD = 1024  # bytes by which a file without a telling name is judged
_HIDDEN_ON_WINDOWS = getattr(stat, "FILE_ATTRIBUTE_HIDDEN", 0)


@dataclass(frozen=True, slots=True)
class Item:
    """One source. ``path`` is its identity: absolute and resolved, with forward slashes; or a URL (http, s3 …); or ``upload:/NAME``.

    ``file`` is where its bytes lie (None: at the URL ``path``), ``size`` their number (0 where not known yet).
    """

    path: str
    name: str
    file: Path | None
    size: int = 0


@dataclass(slots=True)
class Found:
    """What a walk came to.

    ``folders`` are the named folders that were read completely, ``unread`` the places where that failed, ``missing``
    the named paths that are not there; ``listed`` are the URLs of all files below folders of object stores.
    """

    items: list[Item] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    listed: set[str] = field(default_factory=set)


def is_url(text: str) -> bool:
    """Return whether ``text`` is a URL rather than a path; ``C:\\notes`` is a path."""
    return bool(remote.scheme_of(text))


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path as text that any encoder takes: bytes that are no UTF-8 stand as ``\\xNN``."""
    return os.fspath(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def identity(path: Path) -> str:
    """Return the identity of a local file. Raises ReadError for a name that is not valid text, OSError for a loop."""
    try:
        name = path.resolve().as_posix()
    except RuntimeError as error:  # Python before 3.13 reports a loop of links so
        raise OSError(str(error)) from error
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ReadError(
            f"The name of {shown(path)} is not valid text in this system's encoding.", "Rename the file."
        ) from None
    return name


def upload_name(name: str) -> str:
    """Return the safe file name of an upload: its last part, without control and direction signs.

    Raises ReadError where nothing is left.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    clean = "".join(c for c in last if unicodedata.category(c)[0] != "C").strip().lstrip(".").strip()
    if not clean:
        raise ReadError(f"An upload named {name[:80]!r} has no usable file name.", "Rename the file.")
    if len(clean) <= 150:
        return clean
    # Two long names that differ at their ends only are two documents.
    return f"{clean[:130]}~{sha256(clean.encode())[:8]}{PurePath(clean).suffix[:10]}"


def under(path: str, folder: str) -> bool:
    """Return whether the identity ``path`` lies below the identity ``folder``."""
    return path.startswith(folder.rstrip("/") + "/")


def find(paths: Sequence[str], *, store_root: Path | None = None, folder: Path | None = None) -> Found:
    """Return the sources behind ``paths`` (files, folders, http(s) URLs, addresses of object stores), each once, folders sorted.

    Relative paths start at ``folder`` (default: the working folder).
    Inside a folder hidden and unsupported files, and links that lead out of it, are skipped with a reason. A named
    path that is missing or cannot be read is a failure. Raises SettingsError where the driver of an address is missing.
    """
    found = Found()
    walk = _Walk(found, _resolved(store_root), folder or Path.cwd())
    for given in paths:
        text = str(given)
        try:
            if remote.is_remote(text) or remote.is_chain(text):
                walk.remote(remote.normalize(text))
            elif is_url(text):
                url = normalize_url(text)
                walk.add(Item(url, file_name(url), None))
            else:
                walk.named(Path(text).expanduser())
        except (ReadError, FetchError) as error:
            found.failed.append(Failed(shown(remote.masked(text)), str(error)))
        except (OSError, ValueError, RuntimeError) as error:  # a NUL in the path; ~nobody
            found.failed.append(Failed(shown(text), _unreadable(error)))
    return found


def _resolved(path: Path | None) -> Path | None:
    return None if path is None else path.resolve()


def _unreadable(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return f"It can't be read ({reason}). Check that it exists and that you may read it."


def _hidden(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith((".", "~$")):  # ~$: Word's lock beside an open document
        return True
    attributes = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)
    return bool(attributes & _HIDDEN_ON_WINDOWS)


class _Walk:
    def __init__(self, found: Found, store_root: Path | None, base: Path) -> None:
        self._found = found
        self._store_root = store_root
        self._base = base
        self._seen: set[str] = set()

    def add(self, item: Item) -> bool:
        if item.path in self._seen:
            return False
        self._seen.add(item.path)
        self._found.items.append(item)
        return True

    def named(self, given: Path) -> None:
        path = self._base / given
        if not path.exists():
            self._found.missing.append(identity(path))
            why = "is a link that leads nowhere" if path.is_symlink() else "does not exist"
            raise ReadError(f"{shown(given)} {why}.", f"Check the spelling; paths are read from {shown(self._base)}.")
        name = identity(path)
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            root = Path(name)
            if root == self._store_root:
                raise ReadError(f"{shown(given)} is the store itself.", "Name the folder of your documents.")
            before = len(self._found.unread)
            self._folder(root, root)
            if len(self._found.unread) == before and name not in self._found.folders:
                self._found.folders.append(name)
        elif stat.S_ISREG(mode):
            self.add(Item(name, path.name, Path(name), path.stat().st_size))
        else:
            raise ReadError(f"{shown(given)} is a device or a pipe, not a file.", "Save its content as a file.")

    def remote(self, url: str) -> None:
        """Take what an address stands for: one object, or all below it."""
        try:
            listing = remote.listing(url)
        except FetchError:
            self._found.unread.append(url)
            raise
        if listing is None:
            self._found.missing.append(url)
            raise ReadError(f"{url} does not exist.", "Check the spelling of the bucket and of what follows it.")
        if listing.single:
            self.add(Item(url, remote.name_of(url), None, listing.entries[0].size))
            return
        self._found.folders.append(url)
        self._found.listed |= {entry.url for entry in listing.entries}
        skipped: dict[str, str] = {}
        for entry in listing.entries:
            try:
                place, reason = _left_out(url, entry)
            except FetchError as error:
                self._found.failed.append(Failed(shown(entry.url), str(error)))
                continue
            if reason:
                skipped[place] = reason
            elif not self.add(Item(entry.url, remote.name_of(entry.url), None, entry.size)):
                skipped[place] = "read already"
        self._found.skipped += [Skipped(shown(place), reason) for place, reason in skipped.items()]

    def _folder(self, folder: Path, root: Path) -> None:
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda e: e.name)
        except OSError as error:
            self._found.unread.append(folder.as_posix())
            self._found.failed.append(Failed(shown(folder), _unreadable(error)))
            return
        for entry in entries:
            try:
                reason = self._entry(entry, root)
            except ReadError as error:
                self._found.failed.append(Failed(shown(entry.path), str(error)))
            except OSError as error:
                self._found.unread.append(Path(entry.path).as_posix())
                self._found.failed.append(Failed(shown(entry.path), _unreadable(error)))
            else:
                if reason:
                    self._found.skipped.append(Skipped(shown(entry.path), reason))

    def _entry(self, entry: os.DirEntry[str], root: Path) -> str | None:
        """Take the entry, or return why it is skipped."""
        path = Path(entry.path)
        if path == self._store_root:
            return "the store itself"
        if _hidden(entry):
            return "hidden"
        if entry.is_symlink():
            try:
                target = path.resolve(strict=True)
            except (OSError, RuntimeError):
                return "a link that leads nowhere or in a circle"
            if root not in target.parents or self._store_root in (target, *target.parents):
                return "a link that leads out of the folder"
            if target.is_dir():
                return "a link to a folder that is read itself"
            path = target
        elif entry.is_dir(follow_symlinks=False):
            self._folder(path, root)
            return None
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return "a device or a pipe"
        reason = _unsupported(path)
        if reason:
            return reason
        if not self.add(Item(identity(path), path.name, path, status.st_size)):
            return "read already"
        return None


def _left_out(folder: str, entry: remote.Entry) -> tuple[str, str]:
    """Return why a file below an address is skipped ("": it is not), and for what place that is said."""
    parts = entry.inside.split("/")
    for i, part in enumerate(parts):
        if part.startswith((".", "~$")):
            return "/".join([folder, *parts[: i + 1]]), "hidden"
    suffix = PurePath(parts[-1]).suffix.lower()
    if suffix in SUPPORTED:
        return entry.url, ""
    # Only a name that tells nothing is worth a request of its own.
    told = bool(suffix) and not suffix[1:].isdigit()
    head = remote.head(entry.url, _HEAD) if entry.size and not told else b""
    return entry.url, _no_document(suffix, head) or ""


def _unsupported(path: Path) -> str | None:
    """Return why a file inside a folder is no document, judged by its suffix, without one by its first bytes."""
    suffix = path.suffix.lower()
    if suffix in SUPPORTED:
        return None
    with open_file(path) as file:
        return _no_document(suffix, file.read(_HEAD))


def _no_document(suffix: str, head: bytes) -> str | None:
    if b"%PDF-" in head:
        return None
    if not suffix or suffix[1:].isdigit():  # "NOTES", "report.2024"
        if head and b"\0" not in head:
            return None
        return "no text"
    return f"unsupported type {suffix}"
