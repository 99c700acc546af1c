"""What the page needs from the rest of the program, as protocols: app.py hands over the real ones."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from vectorstore.records import Document, SourceInfo


class Moment(Protocol):
    """How far an ingest has come (ingest.progress.Progress)."""

    @property
    def files_done(self) -> int: ...

    @property
    def files_total(self) -> int: ...

    @property
    def chunks(self) -> int: ...

    @property
    def current(self) -> str: ...


Progress = Callable[[Any], None]
"""Called with a Moment, from any thread."""

Event = Mapping[str, Any]
"""``{"type": "status" | "sentence" | "draft", "text": str}``, and last ``{"type": "answer", "answer": Answer}``.

A draft is words of a model that no check has seen, in place of the draft before; closing the stream ends the work.
"""


class Assistant(Protocol):
    """The part of the assistant that the page talks to; called from several threads at once."""

    def stream(
        self,
        question: str,
        *,
        as_of: str | None = None,
        filters: Mapping[str, Any] | None = None,
        history: Sequence[Mapping[str, str]] = (),
        model: str | None = None,
    ) -> Generator[Event, None, None]:
        """Yield events; ``filters`` by their names in the Answer's contract, ``history`` of earlier messages
        as ``{"role", "content"}``, oldest first.
        """
        ...

    def document(self, document_id: str, version: str | None = None) -> Document:
        """Return the stored text of one version (None: the latest). Raises NotFound."""
        ...

    def sources(self) -> list[SourceInfo]:
        """Return what is in the base, the failed ones too."""
        ...


class Failed(Protocol):
    """A file that did not go in."""

    @property
    def path(self) -> str: ...

    @property
    def error(self) -> str: ...


class Skipped(Protocol):
    """A file that is none for the base."""

    @property
    def path(self) -> str: ...

    @property
    def reason(self) -> str: ...


class Warned(Protocol):
    """Something to know about a file that did go in."""

    @property
    def path(self) -> str: ...

    @property
    def text(self) -> str: ...


class Report(Protocol):
    """What one upload did (ingest.progress.IngestReport)."""

    @property
    def added(self) -> int: ...

    @property
    def updated(self) -> int: ...

    @property
    def unchanged(self) -> int: ...

    @property
    def failed(self) -> Sequence[Failed]: ...

    @property
    def skipped(self) -> Sequence[Skipped]: ...

    @property
    def warnings(self) -> Sequence[Warned]: ...


class Ingestor(Protocol):
    """The door to ingest, which this package never imports."""

    def ingest_uploads(
        self,
        files: Sequence[tuple[str, str | Path]],
        *,
        meta: Mapping[str, str] | None = None,
        collection: str | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Bring in files given as (name, path of the bytes); a bad one fails alone, in the report."""
        ...

    def remove(self, names: Sequence[str]) -> int:
        """Take documents out by their ids; return how many there were. Raises NotFound."""
        ...

    def page_picture(
        self, document_id: str, version: str | None, page: int, spans: Sequence[tuple[int, int]]
    ) -> bytes | None:
        """Return a PNG of a page (from 1) with ``spans`` of the document's text marked; None where there is none."""
        ...
