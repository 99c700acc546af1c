"""What all readers of one base have in common: models, connections, texts by version, and an Assistant a set of rights.

Nothing here hangs on what somebody may read: an embedding is a function of the text, a document of its id and version, and
whether it may be opened is asked before it is taken from here.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from assistant.agent.clients import Clients
from assistant.kept import Kept
from vectorstore.embedding import Embedder
from vectorstore.records import Document
from vectorstore.reranking import make_reranker
from vectorstore.settings import Settings
from vectorstore.view import Base

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.catalysts.boards import Boards

_TEXTS = 256
_READERS = 128
_BOARD_TEXTS = 1 << 13


class Common:
    """One for each store that is open; safe in any number of threads."""

    def __init__(self, store: Base, settings: Settings) -> None:
        self.encode = Cached(store)
        self.rerank = make_reranker(settings)
        self.clients = Clients(settings)
        self.texts = Texts(store)
        self._lock = threading.Lock()
        self._narrowed: Kept[frozenset[str], Assistant] = Kept(_READERS)
        self._store, self._settings = store, settings
        self._boards: Boards | None = None

    @property
    def boards(self) -> Boards:
        """The catalyst board of the base, opened at its first use."""
        with self._lock:
            if self._boards is None:
                from assistant.catalysts import stance
                from assistant.catalysts.boards import Boards
                from assistant.catalysts.encoding import board_encode

                # Its own memory of vectors: what a whole base holds would push out what questions come back to.
                own = board_encode(self._store, self._settings, _BOARD_TEXTS)
                model = None
                if self._settings.board_model:
                    from assistant.catalysts.stance_by_model import ByModel

                    model = ByModel(stance.stances, self._settings, self.clients)
                self._boards = Boards(self._store, self._settings, own, stance.stances, stance.VERSION, model)
            return self._boards

    def close(self) -> None:
        """Close the connections to models and the board's file."""
        self.clients.close()
        with self._lock:
            if self._boards is not None:
                self._boards.close()

    def narrowed(self, within: frozenset[str], make: Callable[[], Assistant]) -> Assistant:
        """Return the Assistant of those who may read ``within``; the last 128 are kept."""
        return self._narrowed.made(within, make)


class Texts:
    """Stored versions by (document_id, version), the last 256; what is said of the current one is as the store has it now."""

    def __init__(self, store: Base) -> None:
        self._store = store
        self._held = lru_cache(maxsize=_TEXTS)(store.document)

    def __call__(self, document_id: str, version: str) -> Document:
        """Raises NotFound."""
        document = self._held(document_id, version)
        now = self._store.info(document_id)
        if now is None or now.version != version or now.metadata == document.metadata:
            return document
        return replace(document, metadata=now.metadata)


class HasEmbedder(Protocol):
    """What holds the embedder of the day: a store."""

    @property
    def embedder(self) -> Embedder: ...


class Cached:
    """Encodes texts, remembering the last 32,768 (50 MB): the same sentences come up from question to question."""

    def __init__(self, store: HasEmbedder, size: int = 1 << 15) -> None:
        self._store = store
        self._held: Kept[bytes, Any] = Kept(size)  # by a digest of the model and the text

    def __call__(self, texts: Sequence[str]) -> Any:
        import numpy as np

        embedder = self._store.embedder
        by = hashlib.blake2b(embedder.fingerprint.encode(), digest_size=16).digest()  # a rebuild may exchange the model
        keys = [
            hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=by).digest() for text in texts
        ]
        rows = {key: row for key in dict.fromkeys(keys) if (row := self._held.get(key)) is not None}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in rows}
        if new:
            # Copies: a row of the batch would keep the whole batch.
            for key, row in zip(new, embedder.encode(list(new.values())), strict=True):
                rows[key] = self._held.put(key, np.array(row))
        return np.asarray([rows[key] for key in keys])
