"""Object stores and file servers (``s3://…`` and whatever else fsspec has a driver for) as a source of documents.

Such an address comes from the operator's command line only, never from an upload or over the API. Wrappers (``::`` chains,
archives, caches, local files in the form of a URL) are refused: they would reach what the address does not show. Credentials
are what the driver itself takes from the environment (``AWS_*``, ``AWS_ENDPOINT_URL``); none is taken from an address, kept
or shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from vectorstore.errors import FetchError, ReadError, SettingsError
from vectorstore.settings import Settings

_SCHEME = re.compile(r"\s*([A-Za-z0-9]{2,})://")
_USER = re.compile(r"(?<=//)[^/]*@")
_QUERY = re.compile(r"\?.*", re.DOTALL)
_WEB = frozenset({"http", "https"})
# Not a place of its own, but a way to reach another (or this machine, or this process).
_WRAPPERS = frozenset(
    {"arrow", "asyncwrapper", "asynclocal", "blockcache", "cached", "dask", "data", "dir", "file", "filecache", "generic"}
    | {"libarchive", "local", "memory", "pyscript", "reference", "simplecache", "tar", "zip"}
)  # fmt: skip
_SAME = {"s3a": "s3", "gcs": "gs"}  # one place under two names is one document
_BUCKETS = frozenset({"s3", "gs", "az", "abfs", "abfss", "adl", "oss", "oci"})
_S3_HINT = (
    "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) and, for a server that is not Amazon's, "
    "AWS_ENDPOINT_URL."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file below an address. ``url`` is its identity, ``inside`` its path below the address that was listed."""

    url: str
    inside: str
    size: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What an address stands for: one file (``single``), or all files below it, in order."""

    single: bool
    entries: tuple[Entry, ...]


def scheme_of(text: str) -> str:
    """Return the scheme of a URL in lower case, "" for a path; ``C:\\notes`` is a path."""
    found = _SCHEME.match(text)
    return found[1].lower() if found else ""


def is_remote(text: str) -> bool:
    """Return whether ``text`` is the URL of something that is not fetched over HTTP."""
    return scheme_of(text) not in {"", *_WEB}


def is_chain(text: str) -> bool:
    """Return whether ``text`` is one of fsspec's chains, such as ``simplecache::s3://…``."""
    return "::" in text and "://" in text and scheme_of(text) not in _WEB


def masked(text: str) -> str:
    """Return a given address without the password and the query that it may hold."""
    return _QUERY.sub("?…", _USER.sub("…@", text, count=1), count=1) if is_remote(text) else text


def name_of(url: str) -> str:
    """Return the last part of the address as a file name."""
    last = PurePosixPath(url.partition("://")[2]).name
    clean = "".join(c for c in last if unicodedata.category(c)[0] != "C" and c not in '/\\:*?"<>|').strip(". ")
    return clean[:200] or scheme_of(url)


def normalize(given: str) -> str:
    """Return the form that identifies a document or a folder. Raises FetchError for what is not read."""
    text = given.strip()
    scheme = scheme_of(text)
    if is_chain(text):
        raise FetchError("An address with “::” is a chain of drivers, which is not read.", "Give one address.")
    if scheme in _WRAPPERS:
        raise FetchError(
            f"{scheme}:// is not read: it is a way to another place, not a place of its own.",
            "Give the path of a local file, an http(s) URL, or the address of an object store, such as s3://bucket/prefix.",
        )
    scheme = _SAME.get(scheme, scheme)
    rest = text.partition("://")[2].rstrip("/")
    place = rest.partition("/")[0]
    if ":" in place.rpartition("@")[0]:
        raise FetchError(
            f"The {scheme}:// address holds a password.",
            "Leave it out: it would be stored and shown with each citation. The driver takes it from its environment.",
        )
    if "?" in rest:
        raise FetchError(
            f"The {scheme}:// address holds a query (?…), which may be a key to it.",
            "Leave it out; name the folder where “?” belongs to a file's name.",
        )
    if not rest or (scheme in _BUCKETS and not place):
        raise FetchError(f"{scheme}:// names no bucket or host.", f"Give a whole address: {scheme}://NAME/PREFIX.")
    if any(part in {".", ".."} for part in rest.split("/")):
        raise FetchError("The address has a part “.” or “..”.", "Write it without.")
    if any(unicodedata.category(c)[0] == "C" for c in rest):
        raise FetchError("The address holds a sign that is no text.", "Name the folder that holds the file.")
    return f"{scheme}://{rest}"


def listing(url: str) -> Listing | None:
    """Return what the normalized ``url`` stands for, listed anew; None where nothing is there.

    Raises FetchError where it cannot be listed in full, SettingsError where the driver is missing.
    """
    with _told(url):
        system, root = _opened(url)
        system.invalidate_cache()
        try:
            info = system.info(root)
        except FileNotFoundError:
            return None
        if info["type"] != "directory":
            return Listing(True, (Entry(url, name_of(url), int(info["size"] or 0)),))
        found = system.find(root, detail=True)
    entries = [
        Entry(f"{url}/{inside}", inside, int(one.get("size") or 0))
        for path, one in found.items()
        # A key that ends with a slash is the mark of a folder.
        if one["type"] == "file" and (inside := path.removeprefix(root).removeprefix("/")) and not inside.endswith("/")
    ]
    return Listing(False, tuple(sorted(entries, key=lambda entry: entry.url)))


def read(url: str, name: str, size: int, settings: Settings) -> bytes:
    """Return the bytes behind ``url``, never more than ``file_limit_mb``. ``size``: as listed, 0 where not known.

    Raises ReadError beyond the limit, FetchError where it cannot be read, SettingsError where the driver is missing.
    """
    limit = settings.file_limit_mb * 1_000_000
    too_large = ReadError(
        f"{name} is larger than the limit of {settings.file_limit_mb} MB.",
        "Split it, or raise file_limit_mb (THESIS_FILE_LIMIT_MB).",
    )
    if size > limit:
        raise too_large
    with _told(url):
        system, path = _opened(url)
        if not size:
            system.invalidate_cache()  # what was listed before may be another by now
            if not int(system.info(path)["size"] or 0):
                return b""  # a range of nothing is an error to S3
        data: bytes = system.cat_file(path, start=0, end=limit + 1)  # one request, so one version of it
    if len(data) > limit:
        raise too_large
    return data


def head(url: str, length: int) -> bytes:
    """Return the first bytes behind ``url``, which is not empty. Raises as ``read``."""
    with _told(url):
        system, path = _opened(url)
        data: bytes = system.cat_file(path, start=0, end=length)
        return data


def _opened(url: str) -> tuple[Any, str]:
    """Return the driver and the driver's own path. By the scheme alone: a “::” in a file's name is no chain."""
    import fsspec

    scheme = scheme_of(url)
    try:
        driver = fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        extra = "'thesis-assistant[s3]'" if scheme == "s3" else ""
        raise SettingsError(
            f"The driver for {scheme}:// is not installed.",
            f"Run: pip install {extra}" if extra else f"{str(error).rstrip('.')}.",
        ) from error
    except ValueError as error:
        raise FetchError(
            f"No driver knows {scheme}://.", "Give a path, an http(s) URL, or an address such as s3://bucket/prefix."
        ) from error
    return driver(**driver._get_kwargs_from_urls(url)), driver._strip_protocol(url)


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turn what a driver raises into a FetchError that names the address."""
    try:
        yield
    except (FetchError, ReadError, SettingsError):
        raise
    except FileNotFoundError as error:
        raise FetchError(f"{url} does not exist.", "Check the spelling, or run the ingest again.") from error
    except Exception as error:  # each driver has exceptions of its own
        reason = " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__
        hint = (
            _S3_HINT
            if scheme_of(url) == "s3"
            else f"Check the address, and the credentials that the driver of {scheme_of(url)}:// takes from its environment."
        )
        raise FetchError(f"{url} can't be read ({reason}).", hint) from error
