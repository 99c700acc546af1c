"""Paths and URLs into the store: in parallel, one bad file at a time, and again without doing anything twice.

Files are read in worker processes (ingest/worker.py); the vectors are made and everything is stored here, document by
document, so that a run that was cut short leaves what it finished and the next one goes on from there.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass

from ingest import chunking, overrides
from ingest.fetch import fetch
from ingest.pool import Pool
from ingest.progress import Failed, IngestReport, Progress, Skipped, Warned
from ingest.sources import Item, find, shown
from ingest.sync import gone_from
from ingest.wire import Network
from ingest.worker import Job, Parsed, read_limited, too_large
from vectorstore.embedding import token_counter
from vectorstore.errors import ReadError, StoreError, ThesisError
from vectorstore.records import Filters, Metadata, SourceInfo, document_id, sha256
from vectorstore.settings import Settings
from vectorstore.store import Store, Upsert

ProgressCallback = Callable[[Progress], None]

PARSE = "ingest.worker:parse"  # what a worker runs

# Indexed together: enough to fill the embedder's batches, little enough to hold and to lose.
_BATCH_CHUNKS = 512
_BATCH_DOCUMENTS = 64
_IDLE_S = 0.5
_URL_WEIGHT = 200_000  # bytes that a URL counts for before it is fetched


@dataclass(frozen=True, slots=True)
class _Ready:
    """A source that was read; ``original`` holds the bytes of a PDF, for pictures of its pages."""

    parsed: Parsed
    original: bytes | None


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
) -> IngestReport:
    """Bring files, folders and URLs into the store, and return what came of each.

    A file whose bytes and ``meta`` the store has already is left alone; what the user said of a document in an earlier
    run stays said until a new value replaces it. ``sync``: documents of the collection below a given folder whose file
    is gone are removed, unless the folder is missing, empty or could not be read. A source that cannot be read is in
    ``failed``, the others go in. Raises SettingsError for a wrong ``meta``, StoreError where the store itself fails.
    """
    overrides.apply(Metadata(), meta or {})  # a wrong one is the caller's error, not each file's
    begun = time.monotonic()
    name = collection or settings.collection
    found = find(paths, store_root=store.root)
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
) -> IngestReport:
    """Bring in sources whose identity is settled already (uploads); otherwise as ``ingest``."""
    overrides.apply(Metadata(), meta or {})  # a wrong one is the caller's error, not each file's
    begun = time.monotonic()
    run = _Run(store, settings, collection or settings.collection, dict(meta or {}), progress, None)
    run.failed += failed
    run.all(items)
    return run.report((), 0, time.monotonic() - begun)


def rechunk(store: Store, settings: Settings, progress: ProgressCallback | None = None) -> int:
    """Make the store's indexes again with every document cut anew from its stored text; return the number of chunks."""
    count = token_counter(settings)
    begun = time.monotonic()

    def tell(done: int, total: int) -> None:
        if progress:
            seconds = time.monotonic() - begun
            left = seconds * max(0, total - done) / done if done else None
            progress(Progress(chunks=done, seconds=seconds, seconds_left=left))

    return store.rebuild(tell, rechunk=lambda document: chunking.chunk(document, count))


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
        self._meta = meta
        self._progress = progress
        self._network = network
        self._batch: list[tuple[Item, bool, _Ready]] = []
        self._begun = time.monotonic()
        self._bytes_done = self._bytes_total = 0
        self._files = self._files_total = self._pages = self._chunks = self._shown = 0
        self._added = self._updated = self._unchanged = 0
        self._order: dict[str, int] = {}
        self._warnings: list[Warned] = []
        self.failed: list[Failed] = []

    def all(self, items: Sequence[Item]) -> None:
        """Read and index the items; what was read is indexed while the next are read, and little is held."""
        self._order = {shown(item.path): i for i, item in enumerate(items)}
        self._bytes_total = sum(map(_weight, items))
        self._files_total = len(items)
        if not items:
            return
        workers = workers_for(self._settings, items)
        pool = Pool(workers)
        queue: Iterator[Item] = iter(items)
        reading: dict[Future[_Ready | None], tuple[Item, SourceInfo | None]] = {}
        try:
            while True:
                while len(reading) < workers + 2 and (item := next(queue, None)) is not None:
                    known = self._store.info(document_id(self._collection, item.path))
                    reading[pool.submit(self._read, pool, item, known)] = (item, known)
                if not reading:
                    break
                read = wait(reading, timeout=_IDLE_S if self._batch else None, return_when=FIRST_COMPLETED).done
                if not read:
                    self._flush()  # a slow file must not hold back what is there
                for future in read:
                    item, known = reading.pop(future)
                    self._take(item, known, future)
            self._flush()
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
        """Return what was read, None where the store has it already. Runs in a thread of the pool: no store here."""
        settings = self._settings
        data: bytes | None = None
        media_type: str | None = None
        version: str | None = None
        if item.file is None:
            source = fetch(item.path, settings=settings, network=self._network)
            data, media_type, version = source.data, source.media_type, sha256(source.data)
        elif item.size > settings.file_limit_mb * 1_000_000:
            raise too_large(item.name, settings)
        elif known is not None:
            with item.file.open("rb") as stream:
                version = hashlib.file_digest(stream, "sha256").hexdigest()
        meta = self._meta
        if known is not None:
            said = overrides.said(known.metadata)
            meta = overrides.merged(said, meta)
            if meta == said and known.version == version and known.error is None:
                return None
        job = Job(item.path, item.name, self._collection, item.file, data, media_type, meta)
        parsed: Parsed = pool.worker().call(PARSE, job, settings, seconds=settings.file_timeout_s, what=item.name)
        original: bytes | None = None
        if parsed.document.media_type == "application/pdf":
            original = data if data is not None or item.file is None else read_limited(item.file, settings)
            if original is not None and sha256(original) != parsed.document.version:
                raise ReadError(f"{item.name} changed while it was read.", "Run the ingest again.")
        return _Ready(parsed, original)

    def _take(self, item: Item, known: SourceInfo | None, future: Future[_Ready | None]) -> None:
        ready: _Ready | None = None
        try:
            ready = future.result()
        except (ThesisError, OSError) as error:
            self._fail(item, error)
            return
        if ready is None:
            self._unchanged += 1
            self._files += 1
            self._bytes_total -= _weight(item)  # it took no time: it says nothing on the time of the others
            self._tell(item)
            return
        self._batch.append((item, known is None or not known.version, ready))
        if (
            len(self._batch) >= _BATCH_DOCUMENTS
            or sum(len(r.parsed.chunks) for _, _, r in self._batch) >= _BATCH_CHUNKS
        ):
            self._flush()

    def _flush(self) -> None:
        """Index the batch; where that fails, one by one, so that only the document at fault stays out."""
        batch, self._batch = self._batch, []
        if not batch:
            return
        weight = sum(_weight(item) for item, _, _ in batch)
        current = max(batch, key=lambda entry: len(entry[2].parsed.chunks))[0]

        def embedded(done: int, total: int) -> None:
            self._tell(current, chunks=done, done=int(weight * done / max(1, total)))

        try:
            self._store.upsert_many([_upsert(ready) for _, _, ready in batch], progress=embedded)
        except (StoreError, ValueError):
            for entry in batch:
                try:
                    self._store.upsert_many([_upsert(entry[2])])
                except (StoreError, ValueError) as error:
                    self._fail(entry[0], error)
                else:
                    self._stored(*entry)
        else:
            for entry in batch:
                self._stored(*entry)

    def _stored(self, item: Item, new: bool, ready: _Ready) -> None:
        document = ready.parsed.document
        if new:
            self._added += 1
        else:
            self._updated += 1
        self._warnings += [Warned(shown(item.path), text) for text in document.warnings]
        self._bytes_done += _weight(item)
        self._chunks += len(ready.parsed.chunks)
        self._pages += len(document.pages)
        self._files += 1
        self._tell(item)

    def _fail(self, item: Item, error: Exception) -> None:
        if isinstance(error, ThesisError):
            text = str(error)
        else:
            reason = getattr(error, "strerror", None) or str(error)
            text = f"{item.name} can't be read ({reason}). Check that it exists and that you may read it."
        self.failed.append(Failed(shown(item.path), text))
        self._store.record_failure(
            document_id=document_id(self._collection, item.path),
            path=item.path,
            collection=self._collection,
            error=text,
        )
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
        self._progress(Progress(self._files, self._files_total, self._pages, self._shown, seconds, left, item.name))


def _weight(item: Item) -> int:
    return item.size or _URL_WEIGHT


def _upsert(ready: _Ready) -> Upsert:
    return Upsert(ready.parsed.document, ready.parsed.chunks, ready.original)
