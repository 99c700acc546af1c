"""The process in which a document is read: what crashes, hangs or eats memory here takes one file with it.

A worker is a plain child process that speaks pickles over its standard input and output. It knows nothing of the
store and its lock, does not import the program that started it, and ends when its parent does.
"""

from __future__ import annotations

import copyreg
import faulthandler
import importlib
import io
import logging
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from ingest.files import open_file
from ingest.memory import give_back
from vectorstore.embedding import TokenCounter, token_counter
from vectorstore.errors import ReadError, ThesisError
from vectorstore.records import Chunk, Document, document_id, sha256
from vectorstore.settings import Settings

# Bytes for a job without settings. Reading needs a few times the file; far more is a decompression bomb. Enforced where
# the system can (Linux).
MEMORY_LIMIT = 768 << 20
READY = "ready"  # the first thing that a worker says


@dataclass(frozen=True, slots=True)
class Job:
    """One source to read: from ``file``, or from ``data`` where it was fetched. ``meta`` is what the user said of it."""

    path: str
    name: str
    collection: str
    file: Path | None
    data: bytes | None = field(default=None, repr=False)
    media_type: str | None = None
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document and its chunks, ready to be indexed."""

    document: Document
    chunks: tuple[Chunk, ...]


@lru_cache(maxsize=2)
def _counter(settings: Settings) -> TokenCounter:
    return token_counter(settings)


def parse(job: Job, settings: Settings) -> Parsed:
    """Read, tag, describe and chunk one source. Raises ReadError and OSError."""
    from ingest import chunking, cleaning, metadata, overrides
    from ingest.readers import Source, read

    data = read_limited(job.file, settings) if job.data is None and job.file is not None else job.data or b""
    reading = read(Source(path=job.path, data=data, name=job.name, media_type=job.media_type))
    regions = cleaning.tag(reading)
    found = metadata.extract(reading, regions, name=job.name)
    if found.url is None and job.path.startswith(("http://", "https://")):
        found = replace(found, url=job.path)
    document = Document(
        document_id=document_id(job.collection, job.path),
        version=sha256(data),
        path=job.path,
        collection=job.collection,
        text=reading.text,
        metadata=overrides.apply(found, job.meta),
        media_type=reading.media_type,
        pages=reading.pages,
        sections=reading.sections,
        regions=regions,
        warnings=reading.warnings,
    )
    chunks = chunking.chunk(document, _counter(settings))
    if not chunks:
        raise ReadError(f"{job.name} holds no text.", "Give a file with text in it.")
    return Parsed(document, chunks)


def read_limited(file: Path, settings: Settings) -> bytes:
    """Return the bytes of ``file``, never more than the limit. Raises ReadError beyond it, and OSError."""
    limit = settings.file_limit_mb * 1_000_000
    with open_file(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        data = stream.read(min(size, limit) + 1)  # what is asked for is set aside at once
        if len(data) > size:  # it has grown
            data += stream.read(max(0, limit + 1 - len(data)))
    if len(data) > limit:
        raise too_large(file.name, settings)
    return data


def too_large(name: str, settings: Settings) -> ReadError:
    return ReadError(
        f"{name} is larger than the limit of {settings.file_limit_mb} MB.",
        "Split it, or raise file_limit_mb (THESIS_FILE_LIMIT_MB).",
    )


def page_picture(data: bytes, page: int, spans: list[tuple[int, int]], page_start: int) -> bytes:
    """Return a page as PNG with the spans highlighted: here, because a PDF can bring its renderer down."""
    from ingest.readers import pdf

    return pdf.page_picture(data, page, spans, page_start=page_start)


def _proxy(values: dict[str, str]) -> MappingProxyType[str, str]:
    return MappingProxyType(values)


def send(stream: BinaryIO, value: object) -> None:
    """Write one pickle. Mapping proxies, which the records hold, are sent as what they are."""
    pickler = pickle.Pickler(stream, protocol=5)
    pickler.dispatch_table = copyreg.dispatch_table.copy()
    pickler.dispatch_table[MappingProxyType] = lambda proxy: (_proxy, (dict(proxy),))
    pickler.dump(value)
    stream.flush()


def packed(value: object) -> bytes:
    """Return what ``send`` writes."""
    stream = io.BytesIO()
    send(stream, value)
    return stream.getvalue()


def _limit_memory(limit: int) -> None:
    """Let this process hold at most ``limit`` bytes of data from now on; 0: as many as it may."""
    if sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = limit if limit and (hard == resource.RLIM_INFINITY or limit < hard) else hard
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))


def _limit_of(arguments: tuple[Any, ...]) -> int:
    """Return the bytes that the settings among the arguments of a job allow."""
    return next((a.file_memory_mb * 1_000_000 for a in arguments if isinstance(a, Settings)), MEMORY_LIMIT)


def _call(reference: str, arguments: tuple[Any, ...]) -> tuple[bool, object]:
    module, _, name = reference.partition(":")
    try:
        function: Callable[..., object] = getattr(importlib.import_module(module), name)
        return True, function(*arguments)
    except ThesisError as error:
        return False, error
    except MemoryError:
        return False, ReadError(
            "Reading it takes more memory than a document may.",
            "Split it, save it anew, or raise file_memory_mb (THESIS_FILE_MEMORY_MB).",
        )
    except OSError as error:
        reason = error.strerror or str(error)
        return False, ReadError(f"It can't be read ({reason}).", "Check that it exists and that you may read it.")
    except Exception as error:
        # The reader's own fault on one file: it is reported with the file and must not stop the others.
        logging.getLogger(__name__).exception("reading failed")
        return False, ReadError(
            f"Reading it failed ({type(error).__name__}: {error}).", "Save it in another format, and report this."
        )


def main() -> None:
    """Serve jobs ``(reference, arguments, seconds)`` from standard input until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the parent ends its workers
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not garble the replies
    faulthandler.enable()
    logging.basicConfig(level=logging.ERROR)
    _limit_memory(MEMORY_LIMIT)
    jobs: queue.SimpleQueue[tuple[str, tuple[Any, ...], float]] = queue.SimpleQueue()

    def receive() -> None:
        try:
            while True:
                jobs.put(pickle.load(sys.stdin.buffer))  # noqa: S301 - from our own parent
        finally:
            os._exit(0)  # the parent is gone (end of file), perhaps in the middle of a job

    threading.Thread(target=receive, daemon=True).start()
    for name in ("chunking", "cleaning", "metadata", "readers"):
        importlib.import_module(f"ingest.{name}")  # before the clock of the first file runs
    send(replies, READY)
    while True:
        reference, arguments, seconds = jobs.get()
        # The parent kills a worker that is late. This is for a loop that holds the interpreter after the parent died.
        faulthandler.dump_traceback_later(seconds + 10, exit=True)
        _limit_memory(_limit_of(arguments))
        reply = _call(reference, arguments)
        faulthandler.cancel_dump_traceback_later()
        send(replies, reply)
        del arguments, reply
        give_back()
