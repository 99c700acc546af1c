"""The documents of a store cut anew from their stored text, for another chunker or embedding model."""

from __future__ import annotations

import time
from collections.abc import Callable

from ingest import chunking
from ingest.progress import Progress
from vectorstore.embedding import Embedder, token_counter
from vectorstore.settings import Settings
from vectorstore.store import Store


def rechunk(
    store: Store,
    settings: Settings,
    progress: Callable[[Progress], None] | None = None,
    *,
    embedder: Embedder | None = None,
) -> int:
    """Make the store's indexes again with every document cut anew from its stored text; return the number of chunks.

    ``embedder``: that of the settings, if it is another one than the store is open with; it takes over at the end.
    """
    count = token_counter(settings)
    begun = time.monotonic()

    def tell(done: int, total: int) -> None:
        if progress:
            seconds = time.monotonic() - begun
            left = seconds * max(0, total - done) / done if done else None
            progress(Progress(chunks=done, seconds=seconds, seconds_left=left))

    return store.rebuild(tell, rechunk=lambda document: chunking.chunk(document, count), embedder=embedder)
