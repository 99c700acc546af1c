"""The door that app.py hands to the command line and the web page: one store, and all that goes into it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from ingest import pipeline
from ingest._one import OneDocument, named
from ingest._turns import TURN_SECONDS
from ingest.amending import UPLOADED
from ingest.pool import Worker
from ingest.progress import Failed, IngestReport, Progress
from ingest.rechunking import rechunk
from ingest.sources import Item, find, shown, upload_name
from vectorstore.embedding import make_embedder
from vectorstore.errors import ReadError
from vectorstore.records import document_id
from vectorstore.settings import Settings
from vectorstore.store import Pruned, Store

_PICTURE_SECONDS = 30.0


class _Stopped(Exception):
    """Whoever asked wants no more of it."""


class Ingestor(OneDocument):
    """Ingest, remove, rebuild and page pictures over one open store.

    Safe to use from several threads: one ingest runs at a time, the others wait. Does not own the store; ``close``
    ends its own worker process only.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__()
        self.store = store
        self.settings = settings
        self._drawing = threading.Lock()
        self._drawer: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def turn(self, settings: Settings, waiting: Callable[[], None]) -> Iterator[Ingestor]:
        """Yield an Ingestor with other settings when no other thread ingests; no other does until the block ends.

        ``waiting`` is called twice a second until then; what it raises ends the wait.
        """
        with self._wanted():
            while not self._writing.acquire(timeout=TURN_SECONDS):
                waiting()
            try:
                with Ingestor(self.store, settings) as ingestor:
                    yield ingestor
            finally:
                self._writing.release()

    def close(self) -> None:
        self._end_behind()
        with self._drawing:
            if self._drawer is not None:
                self._drawer.close()
                self._drawer.release()
                self._drawer = None

    def ingest(
        self,
        paths: Sequence[str],
        *,
        meta: Mapping[str, str] | None = None,
        collection: str | None = None,
        sync: bool = False,
        progress: pipeline.ProgressCallback | None = None,
        folder: Path | None = None,
    ) -> IngestReport:
        """Bring files, folders and URLs in; see ``pipeline.ingest``."""
        with self._wanted(), self._writing:
            return pipeline.ingest(
                self.store,
                paths,
                settings=self.settings,
                meta=meta,
                collection=collection,
                sync=sync,
                progress=progress,
                folder=folder,
            )

    def ingest_uploads(
        self,
        files: Sequence[tuple[str, str | Path]],
        *,
        meta: Mapping[str, str] | None = None,
        collection: str | None = None,
        progress: pipeline.ProgressCallback | None = None,
    ) -> IngestReport:
        """Bring in uploads given as (name, path of the bytes). The name is the identity, ``upload:/NAME``.

        The same name again is a new version of the same document; of two in one call the last one counts. ``progress`` is
        called while this waits for its turn, too. What it raises ends the run: what is in stays in, and of the others,
        whose bytes go with the call, nothing is left. The report tells of each file.
        """
        items: dict[str, Item] = {}
        failed: list[Failed] = []
        for name, file in files:
            try:
                safe = upload_name(name)
                items[safe] = Item(f"{UPLOADED}{safe}", safe, Path(file), Path(file).stat().st_size)
            except ReadError as error:
                failed.append(Failed(shown(name), str(error)))
            except OSError as error:
                text = f"The upload can't be read ({error.strerror}). Upload it again."
                failed.append(Failed(f"{UPLOADED}{safe}", text))
        with self._my_turn(progress, len(items)):
            try:
                return pipeline.ingest_items(
                    self.store,
                    list(items.values()),
                    settings=self.settings,
                    meta=meta,
                    collection=collection,
                    progress=progress,
                    failed=failed,
                    each=True,
                )
            except BaseException:
                names = [document_id(collection or self.settings.collection, item.path) for item in items.values()]
                unread = [info for name in names if (info := self.store.info(name)) is not None and not info.version]
                self.store.remove([info.document_id for info in unread if info.state in ("seen", "read")])
                self.embed_behind()  # of those that are in by their words
                raise

    def ingest_knowledge(
        self, progress: pipeline.ProgressCallback | None = None, *, embed: bool = True
    ) -> IngestReport | None:
        """Ingest the folder ``settings.knowledge`` into an empty store, or the rest of it where that was cut short.

        None where there is nothing to do: what the user took out stays out. ``embed`` as in ``pipeline.ingest_items``.
        """
        folder = Path(self.settings.knowledge) if self.settings.knowledge else None
        if folder is None or not folder.is_dir():
            return None
        with self._wanted(), self._writing:
            found = find([str(folder)], store_root=self.store.root)
            items = found.items if self.store.is_empty() else [item for item in found.items if self._cut_short(item)]
            if not items:
                return None
            return pipeline.ingest_items(
                self.store, items, settings=self.settings, progress=progress, failed=found.failed, embed=embed
            )

    def _cut_short(self, item: Item) -> bool:
        known = self.store.info(document_id(self.settings.collection, item.path))
        return known is not None and known.state in ("seen", "read")

    def go_on(
        self, progress: pipeline.ProgressCallback | None = None, *, stop: Callable[[], bool] = lambda: False
    ) -> tuple[Failed, ...]:
        """Do what an earlier process left: the sample notes by their words, then the vectors of all that waits.

        For a thread beside all others: the vectors are made without the turn of an ingest, and an ingest that comes makes them
        itself. Ends soon after ``stop`` is true. Returns what failed, which the store notes too. Raises StoreError.
        """

        def tell(moment: Progress) -> None:
            if stop():
                raise _Stopped
            if progress:
                progress(moment)

        try:
            report = self.ingest_knowledge(tell, embed=False)
        except _Stopped:
            return ()
        return (*(report.failed if report else ()), *self._make_vectors(progress, stop))

    def remove(self, names: Sequence[str], *, folder: Path | None = None) -> int:
        """Remove documents named by id, by the unique start of an id, by path or URL, or all below a folder.

        Relative paths start at ``folder`` (default: the working folder).
        Returns how many there were. Raises NotFound for a name that means nothing, before anything is removed.
        """
        with self._writing:
            infos = self.store.sources()
            found: dict[str, None] = {}
            for name in names:
                found.update(dict.fromkeys(named(name, infos, folder or Path.cwd())))
            return self.store.remove(list(found)) if found else 0

    def page_picture(
        self, document_id: str, version: str | None, page: int, spans: Sequence[tuple[int, int]] = ()
    ) -> bytes | None:
        """Return a page (from 1) as PNG with ``spans`` (offsets into the document's text) highlighted.

        None where the document keeps no picture-able original or has no such page. Raises NotFound for an unknown
        document, ReadError where the page cannot be drawn.
        """
        document = self.store.document(document_id, version)
        place = next((p for p in document.pages if p.number == page), None)
        data = self.store.original(document_id, version) if place is not None else None
        if place is None or data is None:
            return None
        shown_spans = [(max(a, place.start), min(b, place.end)) for a, b in spans if a < place.end and b > place.start]
        with self._drawing:
            if self._drawer is None:
                self._drawer = Worker()
            picture: bytes = self._drawer.call(
                "ingest.worker:page_picture",
                data,
                page,
                shown_spans,
                place.start,
                seconds=_PICTURE_SECONDS,
                what=f"Page {page} of {document.path}",
            )
        return picture

    def rebuild(self, progress: pipeline.ProgressCallback | None = None, *, settings: Settings | None = None) -> int:
        """Make both indexes again from the stored text, cutting it anew where the chunker has changed.

        What is there answers meanwhile, and documents come in and go out (``Store.rebuild``). ``settings`` may name another
        embedding model, which takes over at the end. Returns the number of chunks.
        """
        wanted, embedder = settings or self.settings, None
        if _model(wanted) != _model(self.settings):
            embedder = make_embedder(wanted)
        chunks = rechunk(self.store, wanted, progress, embedder=embedder)
        self.settings = wanted
        return chunks

    def prune(self) -> Pruned:
        """Forget vectors that nothing refers to, and versions that have not been current for ``retention_days``."""
        with self._writing:
            return self.store.prune(self.settings.retention_days)


def _model(settings: Settings) -> tuple[str, str, str]:
    return settings.embedding_model, settings.embedding_backend, settings.embedding_device
