"""Paths and URLs to documents in the store.

The names below load at first use: a worker process, which imports this package too, needs none of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.chunking import CHUNKER_VERSION
    from ingest.ingestor import Ingestor
    from ingest.pipeline import ingest
    from ingest.progress import IngestReport, Progress, ProgressLine

__all__ = ["CHUNKER_VERSION", "IngestReport", "Ingestor", "Progress", "ProgressLine", "ingest"]

_HOMES = {
    "CHUNKER_VERSION": "ingest.chunking",
    "IngestReport": "ingest.progress",
    "Ingestor": "ingest.ingestor",
    "Progress": "ingest.progress",
    "ProgressLine": "ingest.progress",
    "ingest": "ingest.pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
