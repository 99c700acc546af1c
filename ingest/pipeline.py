"""Paths and URLs into the store: in parallel, one bad file at a time, and again without doing anything twice.

Two engines read them: worker processes of this machine (ingest/plain.py), or the machines of a Ray cluster
(ingest/ray_engine.py). What they hand over goes into the store in one way (ingest/_run.py).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ingest import overrides
from ingest._run import Engine, Run
from ingest._tally import ProgressCallback
from ingest.plain import plain, workers_for
from ingest.progress import Failed, IngestReport
from ingest.sources import Item, find
from ingest.sync import gone_from
from ingest.wire import Network
from vectorstore.errors import SettingsError
from vectorstore.records import Filters, Metadata
from vectorstore.settings import Settings
from vectorstore.store import Store

__all__ = ["ENGINES", "ProgressCallback", "ingest", "ingest_items", "workers_for"]

ENGINES = ("plain", "ray")


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
    stops the run at the border of a document. ``settings.ingest_engine`` says who reads. Raises SettingsError for a wrong
    ``meta`` or setting, StoreError where the store itself fails.
    """
    overrides.apply(Metadata(), meta or {})  # a wrong one is the caller's error, not each file's
    engine = _engine(settings, network)
    begun = time.monotonic()
    name = collection or settings.collection
    found = find(paths, store_root=store.root, folder=folder)
    run = Run(store, settings, name, dict(meta or {}), progress)
    run.tally.failed += found.failed
    run.all(found.items, engine)
    removed = 0
    if sync:
        stored = [info for info in store.sources(Filters(collection=(name,))) if info.collection == name]
        gone, refused = gone_from(stored, found)
        run.tally.failed += refused
        removed = store.remove(gone) if gone else 0
    return run.tally.report(found.skipped, removed, time.monotonic() - begun)


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
    """Bring in sources whose identity is settled already (uploads), on this machine; otherwise as ``ingest``.

    ``embed`` False: they answer by their words, and their vectors are left to be made. ``again``: they are read also where
    the bytes are the same; ``unsaid``: fields of which the document itself is heard again. ``each``: the report tells of each file.
    """
    overrides.apply(Metadata(), meta or {})  # a wrong one is the caller's error, not each file's
    begun = time.monotonic()
    run = Run(store, settings, collection or settings.collection, dict(meta or {}), progress)
    run.again, run.unsaid = again, frozenset(unsaid)
    run.tally.failed += failed
    run.all(items, plain(), embed=embed)
    report = run.tally.report((), 0, time.monotonic() - begun)
    return replace(report, files=run.tally.files()) if each else report


def _engine(settings: Settings, network: Network | None) -> Engine:
    if settings.ingest_engine == "plain":
        return plain(network)
    if settings.ingest_engine == "ray":
        from ingest.ray_engine import ray_engine

        return ray_engine(settings)
    raise SettingsError(
        f"ingest_engine = {settings.ingest_engine!r} is unknown.", f"Choose one of: {', '.join(ENGINES)}."
    )
