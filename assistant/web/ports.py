"""What the page needs from the rest of the program, as protocols: app.py hands over the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol


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
