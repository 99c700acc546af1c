"""What all readers of one base have in common: models, connections, texts by version, and an Assistant a set of rights.

Nothing here hangs on what somebody may read: an embedding is a function of the text, a document of its id and version, and
whether it may be opened is asked before it is taken from here.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assistant.agent.clients import Clients
from vectorstore.records import Document
from vectorstore.reranking import make_reranker
from vectorstore.settings import Settings
from vectorstore.view import Base

if TYPE_CHECKING:
    from assistant.assistant import Assistant

_TEXTS = 256
_READERS = 128


class Common:
    """One for each store that is open; safe in any number of threads."""

    def __init__(self, store: Base, settings: Settings) -> None:
        self.encode = Cached(store)
        self.rerank = make_reranker(settings)
        self.clients = Clients(settings)
        self.texts: Callable[[str, str], Document] = lru_cache(maxsize=_TEXTS)(store.document)
        self._lock = threading.Lock()
        self._narrowed: OrderedDict[frozenset[str], Assistant] = OrderedDict()

    def narrowed(self, within: frozenset[str], make: Callable[[], Assistant]) -> Assistant:
        """Return the Assistant of those who may read ``within``; the last 128 are kept."""
        with self._lock:
            if within not in self._narrowed:
                self._narrowed[within] = make()
            self._narrowed.move_to_end(within)
            while len(self._narrowed) > _READERS:
                self._narrowed.popitem(last=False)
            return self._narrowed[within]


class Cached:
    """Encodes texts, remembering the last 32,768 (50 MB): the same sentences come up from question to question."""

    def __init__(self, store: Base, size: int = 1 << 15) -> None:
        self._store = store
        self._size = size
        self._lock = threading.Lock()
        self._made_by = ""
        self._held: OrderedDict[bytes, Any] = OrderedDict()  # by a digest of the text

    def __call__(self, texts: Sequence[str]) -> Any:
        import numpy as np

        embedder = self._store.embedder
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        rows: dict[bytes, Any] = {}
        with self._lock:
            if self._made_by != embedder.fingerprint:  # a rebuild may exchange the model
                self._made_by = embedder.fingerprint
                self._held.clear()
            for key in keys:
                if key in self._held:
                    self._held.move_to_end(key)
                    rows[key] = self._held[key]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in rows}
        if new:
            # Copies: a row of the batch would keep the whole batch.
            fresh = {key: np.array(row) for key, row in zip(new, embedder.encode(list(new.values())), strict=True)}
            rows |= fresh
            with self._lock:
                if self._made_by == embedder.fingerprint:
                    self._held |= fresh
                while len(self._held) > self._size:
                    self._held.popitem(last=False)
        return np.asarray([rows[key] for key in keys])
