"""Paths and URLs into the store: in parallel, one bad file at a time, and again without doing anything twice.

Files are read in worker processes (ingest/worker.py). What was read goes into the store at once and answers by its words; a
thread makes the vectors behind (ingest/behind.py). Each step of each document is kept as it is reached, so that a run that
was cut short leaves what it did, and the next one goes on from there.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ingest import overrides
from ingest.behind import Behind
from ingest.fetch import fetch
from ingest.files import open_file
from ingest.memory import give_back
from ingest.pool import Pool
from ingest.progress import Failed, IngestReport, Progress, Skipped, Taken, Warned
from ingest.sources import Item, find, shown
from ingest.sync import gone_from
from ingest.wire import Network
from ingest.worker import Job, Parsed, read_limited, too_large
from vectorstore.errors import ReadError, StoreError, StoreFull, ThesisError
from vectorstore.records import Filters, Metadata, SourceInfo, document_id, sha256
from vectorstore.settings import Settings
from vectorstore.store import Store, Upsert

ProgressCallback = Callable[[Progress], None]

PARSE = "ingest.worker:parse"  # what a worker runs

# Files read ahead of the store: many small ones, which then go in together, or a large one for each worker and two more.
_AHEAD_FILES = 64
_AHEAD_BYTES = 2_000_000
_IDLE_S = 0.2  # between two looks at what was embedded meanwhile
_GIVE_BACK_S = 2.0  # between two returns of freed memory: large files and their chunks come and go
_URL_WEIGHT = 200_000  # bytes that a URL counts for before it is fetched


@dataclass(frozen=True, slots=True)
class _Ready:
    """A source that was read; ``original`` holds the bytes of a PDF, for pictures of its pages."""

    parsed: Parsed
    original: bytes | None
    said: Mapping[str, str] = field(default_factory=dict)  # what the user had said of it when it was read


_Read = tuple[Item, bool, _Ready]  # the flag: it is new to the store


@dataclass(frozen=True, slots=True)
class _Going:
    """A document that is in by its words while its vectors are made: what to count when they are."""

    item: Item
    new: bool
    chunks: int
    pages: int
    warnings: tuple[str, ...]


def ingest(
    store: Store,
    paths: Sequence[str],
    *,
    settings: Settings,
    meta: Mapping[str, str] | None = None,
    collection: str | None = None,
    sync: bool = False,
    progress: ProgressCallback | None = None,
    network: Network | None = None,
    folder: Path | None = None,
) -> IngestReport:
    """Bring files, folders and URLs into the store, and return what came of each.

    A file whose bytes and ``meta`` the store has already is left alone; what the user said of a document in an earlier
    run stays said until a new value replaces it. ``sync``: documents of the collection below a given folder whose file
    is gone are removed, unless the folder is missing, empty or could not be read. A source that cannot be read is in
    ``failed``, the others go in. Relative paths start at ``folder`` (default: the working folder). What ``progress`` raises
    stops the run at the border of a document. Raises SettingsError for a wrong ``meta``, StoreError where the store itself fails.
    """
    overrides.apply(Metadata(), meta or {})  # a wrong one is the caller's error, not each file's
    begun = time.monotonic()
    name = collection or settings.collection
    found = find(paths, store_root=store.root, folder=folder)
    run = _Run(store, settings, name, dict(meta or {}), progress, network)
    run.failed += found.failed
    run.all(found.items)
    removed = 0
    if sync:
        stored = [info for info in store.sources(Filters(collection=(name,))) if info.collection == name]
        gone, refused = gone_from(stored, found)
        run.failed += refused
        removed = store.remove(gone) if gone else 0
    return run.report(found.skipped, removed, time.monotonic() - begun)


def ingest_items(
    store: Store,
    items: Sequence[Item],
    *,
    settings: Settings,
    meta: Mapping[str, str] | None = None,
    collection: str | None = None,
    progress: ProgressCallback | None = None,
    failed: Sequence[Failed] = (),
    embed: bool = True,
    again: bool = False,
    unsaid: Collection[str] = (),
    each: bool = False,
) -> IngestReport:
    """Bring in sources whose identity is settled already (uploads); otherwise as ``ingest``.

    ``embed`` False: they answer by their words, and their vectors are left to be made. ``again``: they are read also where
    the bytes are the same; ``unsaid``: fields of which the document itself is heard again. ``each``: the report tells of each file.
    """
    overrides.apply(Metadata(), meta or {})  # a wrong one is the caller's error, not each file's
    begun = time.monotonic()
    run = _Run(store, settings, collection or settings.collection, dict(meta or {}), progress, None)
    run.again, run.unsaid = again, frozenset(unsaid)
    run.failed += failed
    run.all(items, embed=embed)
    report = run.report((), 0, time.monotonic() - begun)
    return replace(report, files=run.files()) if each else report


def workers_for(settings: Settings, items: Sequence[Item]) -> int:
    """Return how many processes to read with: for a few small files starting a second one costs more than it saves."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = settings.workers or cores
    worth = 1 + max(sum(map(_weight, items)) // 2_000_000, len(items) // 8)
    return max(1, min(wanted, len(items), worth))


class _Run:
    """One ingest under way."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        collection: str,
        meta: dict[str, str],
        progress: ProgressCallback | None,
        network: Network | None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._collection = collection
        self._meta = {key: value for key, value in meta.items() if value.strip()}
        self._progress = progress
        self._network = network
        self._behind = Behind(store)
        self._embed = True
        self._going: dict[str, _Going] = {}
        self._told = Progress()
        self._begun = self._given_back = time.monotonic()
        self._bytes_done = self._bytes_total = 0
        self._files = self._files_total = self._pages = self._chunks = self._shown = 0
        self._added = self._updated = self._unchanged = 0
        self._order: dict[str, int] = {}
        self._warnings: list[Warned] = []
        self.failed: list[Failed] = []
        self.again, self.unsaid = False, frozenset[str]()
        self._taken_in: dict[str, Taken] = {}

    def files(self) -> tuple[Taken, ...]:
        """Return what came of each file, in their order."""
        refused = [Taken(one.path, "", "failed", text=one.error) for one in self.failed if one.path not in self._order]
        return (*(self._taken_in[path] for path in self._order if path in self._taken_in), *refused)

    def all(self, items: Sequence[Item], *, embed: bool = True) -> None:
        """Read and index the items, and make the vectors that an earlier run left to be made."""
        self._embed = embed
        self._order = {shown(item.path): i for i, item in enumerate(items)}
        self._bytes_total = sum(map(_weight, items))
        self._files_total = len(items)
        self._told = Progress(files_total=len(items), current=items[0].name if items else "")
        try:
            if items:
                self._all(items)
            if embed and (items or self._store.waiting()):
                self._behind.finish()
            while self._behind.running:
                self._behind.moved.wait(_IDLE_S)
                self._follow()
            self._follow()
            for going in list(
                self._going.values()
            ):  # their vectors are another thread's: a rebuild made them meanwhile
                self._stored(going)
            self._going.clear()
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "start new thread" not in str(error):
                raise
            raise StoreError(
                "The ingest ran out of memory; what is in stays in.",
                "Close other programs, or lower workers, and run it again.",
            ) from error
        finally:
            self._behind.close()

    def _all(self, items: Sequence[Item]) -> None:
        ids = {document_id(self._collection, item.path): item for item in items}
        new = self._store.unread(list(ids))
        self._store.seen([(name, item.path, self._collection) for name, item in ids.items() if name in new])
        workers = workers_for(self._settings, items)
        pool = Pool(workers)
        queue: Iterator[Item] = iter(items)
        reading: dict[Future[_Ready | None], tuple[Item, SourceInfo | None]] = {}
        ahead = 0
        if self._embed:
            self._behind.wake()  # what an earlier run left waits already
        try:
            while True:
                while len(reading) < workers + 2 or (len(reading) < _AHEAD_FILES and ahead < _AHEAD_BYTES):
                    item = next(queue, None)
                    if item is None:
                        break
                    known = self._store.info(document_id(self._collection, item.path))
                    reading[pool.submit(self._read, pool, item, known)] = (item, known)
                    ahead += _weight(item)
                if not reading:
                    break
                read = wait(reading, timeout=_IDLE_S, return_when=FIRST_COMPLETED).done
                batch = []
                for future in read:
                    item, known = reading.pop(future)
                    ahead -= _weight(item)
                    ready = self._taken(item, known, future)
                    if ready is not None:
                        batch.append((item, known is None or not known.version, ready))
                if batch:
                    self._put(batch)
                self._follow()
        finally:
            pool.close()

    def report(self, skipped: Sequence[Skipped], removed: int, seconds: float) -> IngestReport:
        def place(entry: Failed | Warned) -> int:
            return self._order.get(entry.path, -1)

        return IngestReport(
            added=self._added,
            updated=self._updated,
            unchanged=self._unchanged,
            removed=removed,
            skipped=tuple(skipped),
            failed=tuple(sorted(self.failed, key=place)),
            warnings=tuple(sorted(self._warnings, key=place)),
            chunks=self._chunks,
            seconds=seconds,
        )

    def _read(self, pool: Pool, item: Item, known: SourceInfo | None) -> _Ready | None:
        """Return what was read, None where the store has it already. Runs in a thread of the pool."""
        settings = self._settings
        data: bytes | None = None
        media_type: str | None = None
        version: str | None = None
        if item.file is None:
            source = fetch(item.path, settings=settings, network=self._network)
            data, media_type, version = source.data, source.media_type, sha256(source.data)
        elif item.size > settings.file_limit_mb * 1_000_000:
            raise too_large(item.name, settings)
        elif known is not None and known.version:
            with open_file(item.file) as stream:
                version = hashlib.file_digest(stream, "sha256").hexdigest()
        meta, before = self._meta, dict[str, str]()
        if known is not None and known.version:
            before = overrides.said(known.metadata)
            said = {name: value for name, value in before.items() if name not in self.unsaid}
            meta = overrides.merged(said, meta)
            if meta == before and known.version == version and known.error is None and not self.again:
                return None
            self._store.seen([(known.document_id, item.path, self._collection)])
        job = Job(item.path, item.name, self._collection, item.file, data, media_type, meta)
        parsed: Parsed = pool.worker().call(PARSE, job, settings, seconds=settings.file_timeout_s, what=item.name)
        original: bytes | None = None
        if parsed.document.media_type == "application/pdf":
            original = data if data is not None or item.file is None else read_limited(item.file, settings)
            if original is not None and sha256(original) != parsed.document.version:
                raise ReadError(f"{item.name} changed while it was read.", "Run the ingest again.")
        kept = original is None or self._store.original_file(parsed.document.version) is not None
        if self.again and kept and known is not None and self._is_in(known, parsed):
            return None
        return _Ready(parsed, original, before)

    def _is_in(self, known: SourceInfo, parsed: Parsed) -> bool:
        """Whether the store has exactly this already; what was noted before reading is then taken back."""
        name = parsed.document.document_id
        if known.version != parsed.document.version or known.error is not None:
            return False
        if self._store.document(name) != parsed.document or tuple(self._store.chunks(name)) != parsed.chunks:
            return False
        self._store.same(name)
        return True

    def _taken(self, item: Item, known: SourceInfo | None, future: Future[_Ready | None]) -> _Ready | None:
        """Return what is to go into the store; None for what failed, or is in already."""
        try:
            ready = future.result()
        except StoreError:  # the store's own: no fault of the file
            raise
        except (ThesisError, OSError) as error:
            self._fail(item, error)
            return None
        if ready is None:
            if known is not None and known.state in ("seen", "read"):
                self._store.same(known.document_id)
            self._unchanged += 1
            self._files += 1
            self._note(item, "unchanged")
            self._bytes_total -= _weight(item)  # it took no time: it says nothing on the time of the others
            self._tell(item)
        return ready

    def _note(
        self,
        item: Item,
        outcome: Literal["added", "updated", "unchanged", "failed"],
        text: str = "",
        *,
        pages: int = 0,
        chunks: int = 0,
    ) -> None:
        path = shown(item.path)
        self._taken_in[path] = Taken(path, document_id(self._collection, item.path), outcome, pages, chunks, text)

    def _put(self, batch: Sequence[_Read]) -> None:
        """Let the documents answer by their words; where that fails, one by one, so that only the one at fault stays out."""
        try:
            with self._store.alone():
                self._store.put_many([_upsert(self._as_said(ready)) for _, _, ready in batch])
        except StoreFull:
            raise
        except (StoreError, ValueError) as error:
            if len(batch) == 1:
                self._fail(batch[0][0], error)
                return
            for entry in batch:
                self._put([entry])
            return
        for item, new, ready in batch:
            document, count = ready.parsed.document, len(ready.parsed.chunks)
            self._going[document.document_id] = _Going(item, new, count, len(document.pages), document.warnings)
            self._tell(item)
        if self._embed:
            self._behind.wake()

    def _as_said(self, ready: _Ready) -> _Ready:
        """Return it with what the user has said of the document while it was read."""
        document = ready.parsed.document
        info = self._store.info(document.document_id)
        now = {} if info is None else overrides.said(info.metadata)
        new = {name: value for name, value in now.items() if ready.said.get(name) != value}
        if not new:
            return ready
        document = replace(document, metadata=overrides.apply(document.metadata, new))
        return replace(ready, parsed=replace(ready.parsed, document=document))

    def _follow(self) -> None:
        """Count what was embedded since the last look, and tell how far the batch under way is."""
        self._behind.moved.clear()
        if time.monotonic() > self._given_back + _GIVE_BACK_S:
            give_back()
            self._given_back = time.monotonic()
        done, partly = self._behind.take()
        for one in done:
            going = self._going.pop(one.document_id, None)
            if one.error is not None:
                self._not_embedded(one.document_id, str(one.error), going)
            elif going is not None:
                self._stored(going)
            else:  # an earlier run left it
                self._chunks += one.chunks
        first = next(iter(self._going.values()), None)
        if partly and first is not None:
            share = min(1.0, partly / max(1, first.chunks))
            self._tell(first.item, chunks=partly, done=int(_weight(first.item) * share))
        elif self._progress is not None:
            self._progress(self._told)  # a slow file must not keep whoever asked from stopping it

    def _not_embedded(self, name: str, error: str, going: _Going | None) -> None:
        """Tell of a document that answers by its words only; the store has noted it."""
        if going is not None:
            self._failed(going.item, error)
        elif (info := self._store.info(name)) is not None:
            self.failed.append(Failed(shown(info.path), error))

    def _stored(self, going: _Going) -> None:
        outcome: Literal["added", "updated"] = "added" if going.new else "updated"
        self._note(going.item, outcome, " ".join(going.warnings), pages=going.pages, chunks=going.chunks)
        if going.new:
            self._added += 1
        else:
            self._updated += 1
        self._warnings += [Warned(shown(going.item.path), text) for text in going.warnings]
        self._bytes_done += _weight(going.item)
        self._chunks += going.chunks
        self._pages += going.pages
        self._files += 1
        self._tell(going.item)

    def _fail(self, item: Item, error: Exception) -> None:
        if isinstance(error, ThesisError):
            text = str(error)
        else:
            reason = getattr(error, "strerror", None) or str(error)
            text = f"{item.name} can't be read ({reason}). Check that it exists and that you may read it."
        self._store.record_failure(
            document_id=document_id(self._collection, item.path),
            path=item.path,
            collection=self._collection,
            error=text,
        )
        self._failed(item, text)

    def _failed(self, item: Item, text: str) -> None:
        self._note(item, "failed", text)
        self.failed.append(Failed(shown(item.path), text))
        self._files += 1
        self._bytes_total -= _weight(item)
        self._tell(item)

    def _tell(self, item: Item, *, chunks: int = 0, done: int = 0) -> None:
        """Report progress; ``chunks`` and ``done`` (bytes) are those of a batch that is under way."""
        if self._progress is None:
            return
        seconds = time.monotonic() - self._begun
        bytes_done = self._bytes_done + done
        left = seconds * max(0, self._bytes_total - bytes_done) / bytes_done if bytes_done else None
        # A batch is embedded before its files count: what was shown of it is not taken back.
        self._shown = max(self._shown, self._chunks + chunks)
        behind = len(self._going)
        self._told = Progress(
            self._files, self._files_total, self._pages, self._shown, seconds, left, item.name, behind
        )
        self._progress(self._told)


def _weight(item: Item) -> int:
    return item.size or _URL_WEIGHT


def _upsert(ready: _Ready) -> Upsert:
    return Upsert(ready.parsed.document, ready.parsed.chunks, ready.original)
