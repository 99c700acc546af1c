"""The engine of one machine: files are read in worker processes (ingest/worker.py), a few ahead of the store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from ingest._run import IDLE_S, Engine, Run
from ingest._tally import weight
from ingest.pool import Pool
from ingest.reading import Ready, original_of, read
from ingest.sources import Item
from ingest.wire import Network
from ingest.worker import Parsed
from vectorstore.errors import ThesisError
from vectorstore.records import SourceInfo
from vectorstore.settings import Settings

# Files read ahead of the store: many small ones, which then go in together, or a large one for each worker and two more.
_AHEAD_FILES = 64
_AHEAD_BYTES = 2_000_000


def plain(network: Network | None = None) -> Engine:
    """Return the engine; ``network``: how URLs are reached."""

    def engine(run: Run, items: Sequence[Item]) -> None:
        _Plain(run, network).all(items)

    return engine


def workers_for(settings: Settings, items: Sequence[Item]) -> int:
    """Return how many processes to read with: for a few small files starting a second one costs more than it saves."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = settings.workers or cores
    worth = 1 + max(sum(map(weight, items)) // 2_000_000, len(items) // 8)
    return max(1, min(wanted, len(items), worth))


class _Plain:
    def __init__(self, run: Run, network: Network | None) -> None:
        self._run = run
        self._network = network

    def all(self, items: Sequence[Item]) -> None:
        run = self._run
        run.begin(items)
        workers = workers_for(run.settings, items)
        pool = Pool(workers)
        queue: Iterator[Item] = iter(items)
        reading: dict[Future[Ready | None], tuple[Item, SourceInfo | None]] = {}
        ahead = 0
        try:
            while True:
                while len(reading) < workers + 2 or (len(reading) < _AHEAD_FILES and ahead < _AHEAD_BYTES):
                    item = next(queue, None)
                    if item is None:
                        break
                    known = run.known(item)
                    reading[pool.submit(self._read, pool, item, known)] = (item, known)
                    ahead += weight(item)
                if not reading:
                    break
                done = wait(reading, timeout=IDLE_S, return_when=FIRST_COMPLETED).done
                batch = []
                for future in done:
                    item, known = reading.pop(future)
                    ahead -= weight(item)
                    ready = self._taken(item, known, future)
                    if ready is not None:
                        batch.append((item, known is None or not known.version, ready))
                if batch:
                    run.put(batch)
                run.follow()
        finally:
            pool.close()

    def _read(self, pool: Pool, item: Item, known: SourceInfo | None) -> Ready | None:
        """Return what was read, None where the store has it already. Runs in a thread of the pool."""
        run = self._run
        asked = run.asked(item, known)
        found = read(
            asked,
            run.settings,
            pool.worker().call,
            network=self._network,
            changed=lambda: run.note_seen(item, known),
        )
        if found is None:
            return None
        parsed, data = found
        original = original_of(item, parsed, data, run.settings)
        kept = original is None or run.store.original_file(parsed.document.version) is not None
        if run.again and kept and known is not None and self._is_in(known, parsed):
            return None
        return Ready(parsed, original, asked.before)

    def _is_in(self, known: SourceInfo, parsed: Parsed) -> bool:
        """Whether the store has exactly this already; what was noted before reading is then taken back."""
        name, store = parsed.document.document_id, self._run.store
        if known.version != parsed.document.version or known.error is not None:
            return False
        if store.document(name) != parsed.document or tuple(store.chunks(name)) != parsed.chunks:
            return False
        store.same(name)
        return True

    def _taken(self, item: Item, known: SourceInfo | None, future: Future[Ready | None]) -> Ready | None:
        """Return what is to go into the store; None for what failed, or is in already."""
        try:
            ready = future.result()
        except (ThesisError, OSError) as error:
            self._run.fail(item, error)
            return None
        if ready is None:
            self._run.unchanged(item, known)
        return ready
