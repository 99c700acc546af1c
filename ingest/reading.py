"""One source to a document with its chunks: its bytes, whether they are new, and what a reading process makes of them.

Knows no store: what the store has of a source is handed in, so that any process on any machine can read it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest import remote
from ingest.fetch import fetch
from ingest.files import open_file
from ingest.sources import Item
from ingest.wire import Network
from ingest.worker import Job, Parsed, read_limited, too_large
from vectorstore.errors import ReadError
from vectorstore.records import sha256
from vectorstore.settings import Settings

PARSE = "ingest.worker:parse"  # what a worker runs
Call = Callable[..., Any]  # as ingest.pool.Worker.call

PDF = "application/pdf"


@dataclass(frozen=True, slots=True)
class Asked:
    """A source to read. ``version``: of what the store has of it, "" for nothing; ``meta``: what the user says of it.

    ``settled``: what is in is good and nothing new is said of it, so that the same bytes need not be read again.
    ``before``: what the user had said when this was asked.
    """

    item: Item
    collection: str
    meta: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A source that was read; ``original`` holds the bytes of a PDF, for pictures of its pages.

    ``said``: what the user had said of it when it was asked for.
    """

    parsed: Parsed
    original: bytes | None
    said: Mapping[str, str] = field(default_factory=dict)


def read(
    asked: Asked,
    settings: Settings,
    call: Call,
    *,
    network: Network | None = None,
    changed: Callable[[], None] = lambda: None,
    parse: str = "",
) -> tuple[Parsed, bytes | None] | None:
    """Return what was read, with the bytes of a PDF that has no local file; None where the store has it already.

    ``call`` runs the function ``parse`` (default: PARSE) in a worker process; ``changed`` is called before. Raises
    ReadError, FetchError and OSError.
    """
    item = asked.item
    data: bytes | None = None
    media_type: str | None = None
    version: str | None = None
    if item.file is not None:
        if item.size > settings.file_limit_mb * 1_000_000:
            raise too_large(item.name, settings)
        if asked.version:
            with open_file(item.file) as stream:
                version = hashlib.file_digest(stream, "sha256").hexdigest()
    elif remote.is_remote(item.path):
        data = remote.read(item.path, item.name, item.size, settings)
        version = sha256(data)
    else:
        source = fetch(item.path, settings=settings, network=network)
        data, media_type, version = source.data, source.media_type, sha256(source.data)
    if asked.settled and asked.version == version:
        return None
    changed()
    job = Job(item.path, item.name, asked.collection, item.file, data, media_type, asked.meta)
    parsed: Parsed = call(parse or PARSE, job, settings, seconds=settings.file_timeout_s, what=item.name)
    return parsed, data if parsed.document.media_type == PDF else None


def original_of(item: Item, parsed: Parsed, data: bytes | None, settings: Settings) -> bytes | None:
    """Return the bytes to keep of a source that was read: those of a PDF, read again from a local file.

    Raises ReadError where the file is not what was read, and OSError.
    """
    if parsed.document.media_type != PDF:
        return None
    original = data if data is not None or item.file is None else read_limited(item.file, settings)
    if original is not None and sha256(original) != parsed.document.version:
        raise ReadError(f"{item.name} changed while it was read.", "Run the ingest again.")
    return original
