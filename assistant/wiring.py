"""How the commands reach what they work on; app.py hands it in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

from vectorstore.settings import Settings


def _never() -> None:
    """Nobody gives up on a command of one's own."""


class Report(Protocol):
    """What an ingest (ingest.progress.IngestReport), an amendment or a pruning (vectorstore.store.Pruned) returns."""

    def to_json(self) -> dict[str, Any]: ...


class Ingestor(Protocol):
    """What the command line needs of ingest; app.py hands it in."""

    def ingest(
        self,
        paths: Sequence[str],
        *,
        meta: Mapping[str, str] | None = None,
        collection: str | None = None,
        sync: bool = False,
        progress: Callable[[Any], None] | None = None,
        folder: Path | None = None,
    ) -> Report: ...
    def remove(self, names: Sequence[str], *, folder: Path | None = None) -> int: ...
    def amend(
        self,
        name: str,
        fields: Mapping[str, str | None],
        *,
        progress: Callable[[Any], None] | None = None,
        folder: Path | None = None,
    ) -> Report: ...
    def reingest(
        self, name: str, progress: Callable[[Any], None] | None = None, *, folder: Path | None = None
    ) -> Report: ...
    def rebuild(self, progress: Callable[[Any], None] | None = None) -> int: ...
    def prune(self) -> Report: ...


class Shown(Protocol):
    """Shows how far an ingest has come: each moment as ingest.Progress or, from another process, as its fields."""

    def __call__(self, progress: Any) -> None: ...
    def close(self) -> None:
        """Wipe it, before anything else is printed. Safe to call twice."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """How app.py connects the commands to what they work on; everything opens late."""

    open_assistant: Callable[[Settings], Any]
    open_ingestor: Callable[..., AbstractContextManager[Ingestor]]  # (settings, repair=False)
    serve: Callable[[Settings], int]
    progress: Callable[[TextIO], Shown]
    # Where a command that another shell handed over reads, tells, and whom it works for (assistant.handover).
    given: TextIO | None = None
    told: TextIO | None = None
    folder: Path | None = None
    go_on: Callable[[], None] = _never  # raises where whoever asked is gone

    @property
    def err(self) -> TextIO:
        """Where progress and notes go."""
        return self.told or sys.stderr

    @property
    def stdin(self) -> TextIO:
        return self.given or sys.stdin

    def at(self, name: str) -> Path:
        """Return a file that the caller named, from the folder that the caller is in."""
        return Path(name) if self.folder is None else self.folder / name
