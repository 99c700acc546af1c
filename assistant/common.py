"""What all readers of one base have in common: models, connections, texts by version, and an Assistant a set of rights.

Nothing here hangs on what somebody may read: an embedding is a function of the text, a document of its id and version, and
whether it may be opened is asked before it is taken from here.
"""

from __future__ import annotations

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
    """Encodes texts, remembering the last few thousand: the same sentences come up in each selection step."""

    def __init__(self, store: Base, size: int = 4000) -> None:
        self._store = store
        self._size = size
        self._held: tuple[str, dict[str, Any]] = ("", {})

    def __call__(self, texts: Sequence[str]) -> Any:
        import numpy as np

        embedder = self._store.embedder
        made_by, held = self._held  # another thread may put an empty one in its place
        if made_by != embedder.fingerprint:  # a rebuild may exchange the model
            held = {}
        new = [t for t in dict.fromkeys(texts) if t not in held]
        fresh = dict(zip(new, embedder.encode(new), strict=True)) if new else {}
        rows = [fresh[t] if t in fresh else held[t] for t in texts]
        self._held = embedder.fingerprint, fresh if len(held) + len(fresh) > self._size else held | fresh
        return np.asarray(rows)
