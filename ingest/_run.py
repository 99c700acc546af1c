"""The store's side of one ingest, whoever reads: what is known before, what goes in, and the vectors behind.

What was read goes into the store at once and answers by its words; a thread makes the vectors behind (ingest/behind.py), or
finds those that another process made. Each step of each document is kept as it is reached, so that a run that was cut short
leaves what it did, and the next one goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ingest import overrides
from ingest._tally import Going, ProgressCallback, Tally, weight
from ingest.behind import Behind
from ingest.memory import give_back
from ingest.progress import Failed
from ingest.reading import Asked, Ready
from ingest.sources import Item, shown
from vectorstore.errors import StoreError, StoreFull, StoreUnavailable, ThesisError
from vectorstore.records import SourceInfo, document_id
from vectorstore.settings import Settings
from vectorstore.store import Store, Upsert

IDLE_S = 0.2  # between two looks at what was embedded meanwhile
_GIVE_BACK_S = 2.0  # between two returns of freed memory: large files and their chunks come and go

Read = tuple[Item, bool, Ready]  # the flag: it is new to the store
Engine = Callable[["Run", Sequence[Item]], None]  # begins, reads the items, and hands what comes of each to the run


class Run:
    """One ingest under way. All but ``note_seen`` is for one thread."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        collection: str,
        meta: Mapping[str, str],
        progress: ProgressCallback | None,
    ) -> None:
        self.store = store
        self.settings = settings
        self.collection = collection
        self.tally = Tally(collection, progress)
        self.again, self.unsaid = False, frozenset[str]()
        self._meta = {key: value for key, value in meta.items() if value.strip()}
        self._behind = Behind(store)
        self._embed = True
        self._going: dict[str, Going] = {}
        self._given_back = time.monotonic()

    def all(self, items: Sequence[Item], engine: Engine, *, embed: bool = True) -> None:
        """Read and index the items, and make the vectors that an earlier run left to be made."""
        self._embed = embed
        self.tally.begin(items)
        try:
            if items:
                engine(self, items)
            if embed and (items or self.store.waiting()):
                self._behind.finish()
            while self._behind.running:
                self._behind.moved.wait(IDLE_S)
                self.follow()
            self.follow()
            for going in list(
                self._going.values()
            ):  # their vectors are another thread's: a rebuild made them meanwhile
                self.tally.stored(going)
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

    def begin(self, items: Sequence[Item]) -> None:
        """Note what the engine is about to read, and make the vectors that wait already."""
        ids = {document_id(self.collection, item.path): item for item in items}
        new = self.store.unread(list(ids))
        self.store.seen([(name, item.path, self.collection) for name, item in ids.items() if name in new])
        if self._embed:
            self._behind.wake()

    # Before a source is read

    def known(self, item: Item) -> SourceInfo | None:
        return self.store.info(document_id(self.collection, item.path))

    def asked(self, item: Item, known: SourceInfo | None) -> Asked:
        """Return what whoever reads ``item`` must know of it."""
        if known is None or not known.version:
            return Asked(item, self.collection, self._meta)
        before = overrides.said(known.metadata)
        said = {name: value for name, value in before.items() if name not in self.unsaid}
        meta = overrides.merged(said, self._meta)
        settled = meta == before and known.error is None and not self.again
        return Asked(item, self.collection, meta, before, known.version, settled)

    def note_seen(self, item: Item, known: SourceInfo | None) -> None:
        """Note that what is in is about to be read again."""
        if known is not None and known.version:
            self.store.seen([(known.document_id, item.path, self.collection)])

    # What came of it

    def unchanged(self, item: Item, known: SourceInfo | None) -> None:
        if known is not None and known.state in ("seen", "read"):
            self.store.same(known.document_id)
        self.tally.unchanged(item)

    def fail(self, item: Item, error: Exception) -> None:
        """Note a source that did not get in; a version that was in stays in. Raises a StoreError: it is no fault of the file."""
        if isinstance(error, StoreError):
            raise error
        self._fail(item, error)

    def _fail(self, item: Item, error: Exception) -> None:
        if isinstance(error, ThesisError):
            text = str(error)
        else:
            reason = getattr(error, "strerror", None) or str(error)
            text = f"{item.name} can't be read ({reason}). Check that it exists and that you may read it."
        self.store.record_failure(
            document_id=document_id(self.collection, item.path),
            path=item.path,
            collection=self.collection,
            error=text,
        )
        self.tally.fail(item, text)

    def put(self, batch: Sequence[Read]) -> None:
        """Let the documents answer by their words; where that fails, one by one, so that only the one at fault stays out."""
        try:
            with self.store.alone():
                self.store.put_many([_upsert(self._as_said(ready)) for _, _, ready in batch])
        except (StoreFull, StoreUnavailable):
            raise
        except (StoreError, ValueError) as error:
            if len(batch) == 1:
                self._fail(batch[0][0], error)
                return
            for entry in batch:
                self.put([entry])
            return
        for item, new, ready in batch:
            document, count = ready.parsed.document, len(ready.parsed.chunks)
            self._going[document.document_id] = Going(item, new, count, len(document.pages), document.warnings)
            self.tally.behind = len(self._going)
            self.tally.tell(item)
        if self._embed:
            self._behind.wake()

    def _as_said(self, ready: Ready) -> Ready:
        """Return it with what the user has said of the document while it was read."""
        document = ready.parsed.document
        info = self.store.info(document.document_id)
        now = {} if info is None else overrides.said(info.metadata)
        new = {name: value for name, value in now.items() if ready.said.get(name) != value}
        if not new:
            return ready
        document = replace(document, metadata=overrides.apply(document.metadata, new))
        return replace(ready, parsed=replace(ready.parsed, document=document))

    # Vectors

    def follow(self) -> None:
        """Count what was embedded since the last look, and tell how far the batch under way is."""
        self._behind.moved.clear()
        if time.monotonic() > self._given_back + _GIVE_BACK_S:
            give_back()
            self._given_back = time.monotonic()
        done, partly = self._behind.take()
        for one in done:
            going = self._going.pop(one.document_id, None)
            self.tally.behind = len(self._going)
            if one.error is not None:
                self._not_embedded(one.document_id, str(one.error), going)
            elif going is not None:
                self.tally.stored(going)
            else:  # an earlier run left it
                self.tally.chunks += one.chunks
        first = next(iter(self._going.values()), None)
        if partly and first is not None:
            share = min(1.0, partly / max(1, first.chunks))
            self.tally.tell(first.item, chunks=partly, done=int(weight(first.item) * share))
        else:
            self.tally.tell_again()

    def _not_embedded(self, name: str, error: str, going: Going | None) -> None:
        """Tell of a document that answers by its words only; the store has noted it."""
        if going is not None:
            self.tally.fail(going.item, error)
        elif (info := self.store.info(name)) is not None:
            self.tally.failed.append(Failed(shown(info.path), error))


def _upsert(ready: Ready) -> Upsert:
    return Upsert(ready.parsed.document, ready.parsed.chunks, ready.original)
