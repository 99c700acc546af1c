"""Of a base that several processes share: what one that died had begun, a server that lives brings to its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ingest.ingestor import Ingestor
from vectorstore.errors import StoreError

log = logging.getLogger(__name__)
EVERY_S = 5.0


@contextmanager
def tending(ingestor: Ingestor) -> Iterator[None]:
    """Look every five seconds for what others left, in a thread, until the end of the block."""
    ended = threading.Event()

    def tend() -> None:
        failed = ""
        while not ended.wait(EVERY_S):
            try:
                if ingestor.store.tend() and not ingestor.busy:
                    ingestor.embed_behind()
                failed = ""
            except StoreError as error:
                if error.message != failed:  # once, not every five seconds
                    log.warning("The base cannot be looked after: %s", error)
                failed = error.message

    thread = threading.Thread(target=tend, name="thesis-tend", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
