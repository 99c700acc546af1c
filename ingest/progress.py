"""How far an ingest has come, and what came of it: values, and a line for the terminal."""

from __future__ import annotations

import shutil
import time
import unicodedata
from dataclasses import asdict, dataclass
from typing import Any, Literal, TextIO


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of a running ingest. ``seconds_left`` is estimated from bytes, None while nothing is done.

    ``files_done`` are through (failed ones too), ``behind`` more answer by their words while their vectors are made;
    ``chunks`` are those with vectors.
    """

    files_done: int = 0
    files_total: int = 0
    pages: int = 0
    chunks: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    current: str = ""
    behind: int = 0

    @property
    def chunks_per_second(self) -> float:
        """Chunks indexed a second since the start; 0.0 before the first."""
        return self.chunks / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something inside a folder that is no document for the base: no failure."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A source that did not get in, with what to do about it."""

    path: str
    error: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something to know about a source that did get in (pages without text, a wrong file name)."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one file. ``text``: why it failed, or what there is to know about it."""

    path: str
    document_id: str
    outcome: Literal["added", "updated", "unchanged", "failed"]
    pages: int = 0
    chunks: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one ingest did. Counts are documents; ``chunks`` are those indexed in this run.

    ``files``: each file by itself, for uploads and for one document that is read again.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: tuple[Skipped, ...] = ()
    failed: tuple[Failed, ...] = ()
    warnings: tuple[Warned, ...] = ()
    chunks: int = 0
    seconds: float = 0.0
    files: tuple[Taken, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``thesis ingest --json`` prints."""
        files = {"files": [asdict(one) for one in self.files]} if self.files else {}
        return {
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "skipped": [{"path": s.path, "reason": s.reason} for s in self.skipped],
            "failed": [{"path": f.path, "error": f.error} for f in self.failed],
            "warnings": [{"path": w.path, "text": w.text} for w in self.warnings],
            "chunks": self.chunks,
            "seconds": round(self.seconds, 3),
            **files,
        }

    def summary(self) -> str:
        """Return the counts as one line."""
        counts = f"{self.added} added, {self.updated} updated, {self.unchanged} unchanged, {self.removed} removed"
        if not (self.added or self.updated or self.removed or self.failed):
            counts += " (nothing has changed)"
        elif self.failed:
            counts += f", {len(self.failed)} failed"
        return f"{counts}; {self.chunks} chunks in {self.seconds:.1f} s"


def printable(text: str) -> str:
    """Return ``text`` without control and direction signs: a file name must not steer a terminal."""
    return "".join("?" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def render(progress: Progress) -> str:
    """Return one line: files, pages, chunks, rate, time left, and the current file."""
    parts = [f"{progress.files_done}/{progress.files_total} files"] if progress.files_total else []
    if progress.pages:
        parts.append(f"{progress.pages} pages")
    if progress.behind:
        parts.append(f"{progress.behind} more by their words")
    parts.append(f"{progress.chunks} chunks")
    if progress.chunks:
        parts.append(f"{progress.chunks_per_second:.0f}/s")
    if progress.seconds_left is not None:
        parts.append(f"{_duration(progress.seconds_left)} left")
    line = ", ".join(parts)
    return f"{line}: {printable(progress.current)}" if progress.current else line


class ProgressLine:
    """Shows progress on ``stream``: one line that is rewritten on a terminal, else a line every 5 seconds.

    Call it with each Progress; call ``close`` before anything else is printed.
    """

    def __init__(self, stream: TextIO, *, every: float | None = None) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._every = every if every is not None else (0.1 if self._terminal else 5.0)
        self._last = time.monotonic() if not self._terminal else -1e9
        self._width = 0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last < self._every:
            return
        self._last = now
        line = render(progress)
        if not self._terminal:
            self._stream.write(line + "\n")
        else:
            line = line[: max(20, shutil.get_terminal_size().columns - 1)]
            self._stream.write("\r" + line.ljust(self._width))
            self._width = len(line)
        self._stream.flush()

    def close(self) -> None:
        """Wipe the line of a terminal."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0
